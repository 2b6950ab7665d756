//! The households of a CSV file.

use std::{collections::HashMap, fs, path::Path};
use traxes_connect::{CollectiveOnboardingRequest, CollectiveType};
use uuid::Uuid;

const COLUMNS: [&str; 4] = ["collective_id", "name", "owner", "properties"];
const REQUIRED: [&str; 2] = ["collective_id", "name"];

/// Every row of the file: the good ones in order, and a line of text for each bad one.
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
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read(path)
            .map_err(|problem| format!("{} cannot be read ({problem}): check its path", path.display()))?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(&text[..]);
        let in_line_1 = |problem| format!("{}, line 1: {problem}", path.display());
        let columns = reader.headers().map_err(|error| in_line_1(problem(&error)))?.clone();
        check(&columns).map_err(in_line_1)?;

        let (mut good, mut bad, mut lines) = (vec![], vec![], HashMap::<Uuid, Vec<u64>>::new());
        let (mut line, mut seen) = (1, 0);
        for record in reader.records() {
            let position = match &record {
                Ok(record) => record.position(),
                Err(error) => error.position(),
            };
            // Counted as an editor does: csv ignores empty lines before a record, and carriage returns.
            let begin = position.map_or(seen, |position| position.byte() as usize);
            let begin = begin + text[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            line += text[seen..begin].iter().filter(|byte| **byte == b'\n').count() as u64;
            seen = begin;
            match record.map_err(|error| problem(&error)).and_then(|record| household(line, &record, &columns)) {
                Ok(household) => {
                    lines.entry(household.id).or_default().push(line);
                    good.push(household);
                }
                Err(problem) => bad.push(format!("line {line}: {problem}")),
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

/// A misspelt column would be left out of every request.
fn check(columns: &csv::StringRecord) -> Result<(), String> {
    if let Some(missing) = REQUIRED.iter().find(|name| !columns.iter().any(|column| column == **name)) {
        return Err(format!("the column {missing} is missing: the first line names the columns, separated by commas"));
    }
    match columns
        .iter()
        .enumerate()
        .find(|(at, name)| !COLUMNS.contains(name) || columns.iter().take(*at).any(|c| c == *name))
    {
        Some((_, column)) => {
            Err(format!("the column {column:?} is unknown or appears twice: use {}", COLUMNS.join(", ")))
        }
        None => Ok(()),
    }
}

fn household(line: u64, record: &csv::StringRecord, columns: &csv::StringRecord) -> Result<Household, String> {
    let field = |name| {
        let at = columns.iter().position(|column| column == name)?;
        record.get(at).filter(|text| !text.is_empty())
    };
    let id = |column| match field(column).map(str::parse::<Uuid>) {
        None => Ok(None),
        Some(Ok(id)) => Ok(Some(id)),
        Some(Err(problem)) => Err(format!("{column} is not a UUID ({problem}): correct it")),
    };
    let empty = |column| format!("{column} is empty: fill it in");
    let name = field("name").ok_or_else(|| empty("name"))?;
    if name.contains(['\r', '\n']) {
        return Err("name has more than one line: close the quotes, or put it on one line".to_owned());
    }
    let collective_id = id("collective_id")?.ok_or_else(|| empty("collective_id"))?;
    let mut request =
        CollectiveOnboardingRequest::new(name).collective_type(CollectiveType::Household).collective_id(collective_id);
    request.owner = id("owner")?;
    if let Some(properties) = field("properties") {
        let properties = serde_json::from_str(properties)
            .map_err(|problem| format!("properties is not JSON ({problem}): correct it"))?;
        request.properties = Some(properties);
    }
    Ok(Household { line, id: collective_id, name: name.to_owned(), request })
}

/// What is wrong with a record, without its position, which precedes it.
fn problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, but the first line has {expected_len}: put text with a comma in quotes")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8: save the file as CSV UTF-8".to_owned(),
        _ => format!("{error}: correct it"),
    }
}
