//! The households of a CSV file.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
};
use traxes_connect::{CollectiveOnboardingRequest, CollectiveType};
use uuid::Uuid;

const COLUMNS: [&str; 4] = ["collective_id", "name", "owner", "properties"];
const REQUIRED: [&str; 2] = ["collective_id", "name"];

/// What the file holds, every row of it: the good ones in their order, and a line of text for each that is not.
pub struct Households {
    pub good: Vec<Household>,
    pub bad: Vec<String>,
}

pub struct Household {
    /// Where it begins in the file.
    pub line: u64,
    /// By which a row is known: it stays the same where a person corrects another column.
    pub id: Uuid,
    pub name: String,
    pub request: CollectiveOnboardingRequest,
}

impl Households {
    pub fn read(path: &Path) -> Result<Self, String> {
        let unreadable = |problem: csv::Error| format!("{} cannot be read ({problem}): check the file", path.display());
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
        let columns = reader.headers().map_err(unreadable)?.clone();
        check(&columns).map_err(|problem| format!("{}, line 1: {problem}", path.display()))?;

        let (mut good, mut bad, mut lines) = (vec![], vec![], HashMap::new());
        for record in reader.records() {
            let household = match record {
                Ok(record) => household(&record, &columns),
                Err(error) if error.is_io_error() => return Err(unreadable(error)),
                Err(error) => Err(format!("line {}: {}", line(error.position()), problem(&error))),
            };
            match household {
                Ok(household) => match lines.entry(household.id) {
                    Entry::Vacant(entry) => {
                        entry.insert(household.line);
                        good.push(household);
                    }
                    Entry::Occupied(first) => bad.push(format!(
                        "line {}: collective_id is that of line {}: give each household one of its own",
                        household.line,
                        first.get()
                    )),
                },
                Err(problem) => bad.push(problem),
            }
        }
        Ok(Self { good, bad })
    }
}

/// A column that is misspelt would be left out of every request.
fn check(columns: &csv::StringRecord) -> Result<(), String> {
    if let Some(missing) = REQUIRED.iter().find(|name| !columns.iter().any(|column| column == **name)) {
        return Err(format!("the column {missing} is missing: the first line names the columns, between commas"));
    }
    match columns
        .iter()
        .enumerate()
        .find(|(at, name)| !COLUMNS.contains(name) || columns.iter().take(*at).any(|c| c == *name))
    {
        Some((_, column)) => {
            Err(format!("the column {column:?} is unknown or there twice: use {}", COLUMNS.join(", ")))
        }
        None => Ok(()),
    }
}

fn household(record: &csv::StringRecord, columns: &csv::StringRecord) -> Result<Household, String> {
    let line = line(record.position());
    let field = |name| {
        let at = columns.iter().position(|column| column == name)?;
        record.get(at).filter(|text| !text.is_empty())
    };
    let id = |column| match field(column).map(str::parse::<Uuid>) {
        None => Ok(None),
        Some(Ok(id)) => Ok(Some(id)),
        Some(Err(problem)) => Err(format!("line {line}: {column} is no UUID ({problem}): correct it")),
    };
    let empty = |column| format!("line {line}: {column} is empty: write one");
    let (name, collective_id) = (field("name").ok_or_else(|| empty("name"))?, id("collective_id")?);
    let collective_id = collective_id.ok_or_else(|| empty("collective_id"))?;
    let mut request =
        CollectiveOnboardingRequest::new(name).collective_type(CollectiveType::Household).collective_id(collective_id);
    request.owner = id("owner")?;
    if let Some(properties) = field("properties") {
        let properties = serde_json::from_str(properties)
            .map_err(|problem| format!("line {line}: properties is not JSON ({problem}): correct it"))?;
        request.properties = Some(properties);
    }
    Ok(Household { line, id: collective_id, name: name.to_owned(), request })
}

fn line(position: Option<&csv::Position>) -> u64 {
    position.map_or(0, csv::Position::line)
}

/// What is wrong with a record, without the position, which is said before it.
fn problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the first line has {expected_len}: put a text with a comma between quotes")
        }
        csv::ErrorKind::Utf8 { .. } => "no UTF-8: save the file as CSV UTF-8".to_owned(),
        _ => format!("{error}: correct it"),
    }
}
