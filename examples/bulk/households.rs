//! The households of a table.

use crate::table::{Row, Table};
use std::{collections::HashMap, path::Path};
use traxes_connect::{CollectiveOnboardingRequest, CollectiveType};
use uuid::Uuid;

pub const COLLECTIVE_ID: &str = "collective_id";
const COLUMNS: [&str; 4] = [COLLECTIVE_ID, "name", "owner", "properties"];
const ASSIGN_IDS: &str = "run it with --assign-ids, which writes a file with new ids";

/// Every row of the table: the good ones in order, and a line of text for each bad one.
pub struct Households {
    pub good: Vec<Household>,
    pub bad: Vec<String>,
}

pub struct Household {
    /// Where it begins in the file.
    pub line: u64,
    /// Identifies a row: it stays the same if a person corrects another column.
    pub id: Uuid,
    pub name: String,
    pub request: CollectiveOnboardingRequest,
}

impl Households {
    /// `path` is for messages.
    pub fn of(table: &Table, path: &Path) -> Result<Self, String> {
        let columns = columns(table, path)?;
        // Once, and not for each row.
        if let Some(problem) = without_ids(table, &columns) {
            let place = format!("{}, line {}", path.display(), table.line);
            return Err(format!("{place}: the column {COLLECTIVE_ID} {problem}{ASSIGN_IDS}"));
        }
        let (mut good, mut bad, mut lines) = (vec![], vec![], HashMap::<Uuid, Vec<u64>>::new());
        for row in &table.rows {
            match household(row, &columns) {
                Ok(household) => {
                    lines.entry(household.id).or_default().push(row.line);
                    good.push(household);
                }
                Err(problem) => bad.push(format!("line {}: {problem}", row.line)),
            }
        }
        // Neither is sent: if one were, a person who changed that one would send it again.
        good.retain(|household| match &lines[&household.id][..] {
            [_] => true,
            lines => {
                let line = household.line;
                bad.push(format!("line {line}: collective_id is on lines {lines:?}: give each household its own"));
                false
            }
        });
        Ok(Self { good, bad })
    }
}

/// The names of the columns, in lower case. A misspelt one would be left out of every request.
pub fn columns(table: &Table, path: &Path) -> Result<Vec<String>, String> {
    let refused = |problem| Err(format!("{}, line {}: {problem}", path.display(), table.line));
    let columns: Vec<_> = table.columns.iter().map(|column| column.to_lowercase()).collect();
    for (at, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) || columns[..at].contains(column) {
            let known = COLUMNS.join(", ");
            return refused(format!("the column {column:?} is unknown or appears twice: use {known}"));
        }
    }
    if !columns.iter().any(|column| column == "name") {
        let problem =
            "the column name is missing: the first line names the columns, separated by commas, semicolons or tabs";
        return refused(problem.to_owned());
    }
    Ok(columns)
}

/// What is wrong with the ids of all rows that can be read.
fn without_ids(table: &Table, columns: &[String]) -> Option<&'static str> {
    let Some(at) = columns.iter().position(|column| column == COLLECTIVE_ID) else { return Some("is missing: ") };
    let ids: Vec<_> = table.rows.iter().filter_map(|row| Some(&row.fields.as_ref().ok()?[at])).collect();
    if ids.is_empty() {
        None
    } else if ids.iter().all(|id| id.is_empty()) {
        Some("is empty: ")
    } else if ids.iter().all(|id| id.parse::<Uuid>().is_err()) {
        Some("has no UUIDs: if rows were already sent, restore the ids; otherwise remove the column and ")
    } else {
        None
    }
}

fn household(row: &Row, columns: &[String]) -> Result<Household, String> {
    let fields = row.fields.as_ref().map_err(String::clone)?;
    let field = |name| {
        let at = columns.iter().position(|column| column == name)?;
        Some(fields[at].as_str()).filter(|text| !text.is_empty())
    };
    let id = |column| match field(column).map(str::parse::<Uuid>) {
        None => Ok(None),
        Some(Ok(id)) => Ok(Some(id)),
        Some(Err(problem)) => Err(format!("{column} is not a UUID ({problem}): correct it")),
    };
    let name = field("name").ok_or("name is empty: fill it in")?;
    if name.contains(['\r', '\n']) {
        return Err("name has more than one line: close the quotes, or put it on one line".to_owned());
    }
    let collective_id =
        id(COLLECTIVE_ID)?.ok_or_else(|| format!("{COLLECTIVE_ID} is empty: fill it in, or {ASSIGN_IDS}"))?;
    let mut request =
        CollectiveOnboardingRequest::new(name).collective_type(CollectiveType::Household).collective_id(collective_id);
    request.owner = id("owner")?;
    if let Some(properties) = field("properties") {
        let properties = serde_json::from_str(properties)
            .map_err(|problem| format!("properties is not JSON ({problem}): correct it"))?;
        request.properties = Some(properties);
    }
    Ok(Household { line: row.line, id: collective_id, name: name.to_owned(), request })
}
