//! What a run leaves for people: two CSV files, and a summary.

use crate::{
    households::Households,
    journal::{Event, Journal},
    table::Dialect,
};
use std::{collections::HashMap, fs, path::Path};

const KILLED: &str = "the program ended before the response was written";

/// Writes and prints how far the run got. Returns whether nothing is left to do.
///
/// Everything in the journal is reported, even for rows no longer in the CSV. `refused` counts the rows that were refused in
/// this run.
pub fn report(
    csv: &Path,
    dialect: &Dialect,
    households: &Households,
    journal: &Journal,
    refused: u32,
) -> Result<bool, String> {
    let rows: HashMap<_, _> = households.good.iter().map(|household| (household.id, &household.line)).collect();
    let mut steps: Vec<_> = journal.steps().collect();
    steps.sort_by_key(|step| (rows.get(&step.household).map_or(u64::MAX, |row| **row), step.at));
    let (mut created, mut unknown, mut remarks) = (vec![], vec![], 0);
    for step in steps {
        let (id, name, at) = (step.household.to_string(), step.name.clone(), step.at.to_rfc3339());
        match step.event.clone() {
            Event::Created { onboarding, consent_url, remark, .. } => {
                remarks += usize::from(remark.is_some());
                let onboarding = onboarding.map(|id| id.to_string()).unwrap_or_default();
                created.push([id, name, at, onboarding, consent_url.unwrap_or_default(), remark.unwrap_or_default()]);
            }
            Event::Unknown { why, .. } => unknown.push([id, name, at, why]),
            Event::Sending => unknown.push([id, name, at, KILLED.to_owned()]),
            Event::NotCreated { .. } => {}
        }
    }
    let (created_count, unknown_count) = (created.len(), unknown.len());
    let (created_csv, unknown_csv) = (csv.with_extension("created.csv"), csv.with_extension("unknown.csv"));
    let columns = ["collective_id", "name", "at", "onboarding_id", "consent_url", "remark"];
    write(&created_csv, dialect, columns, created)?;
    write(&unknown_csv, dialect, ["collective_id", "name", "at", "why"], unknown)?;

    let left = households.good.iter().filter(|household| journal.may_be_sent(household.id)).count();
    let resend = match refused {
        0 => "run it again",
        _ => "see above, correct what was refused, and run it again",
    };
    println!("created      {created_count:>6}  {}", created_csv.display());
    let counts = [
        ("to look at", remarks, format!("created, with a remark in {}", created_csv.display())),
        ("unknown", unknown_count, format!("{}: find out before you send one again", unknown_csv.display())),
        ("not created", left, resend.to_owned()),
        ("bad rows", households.bad.len(), "correct them, and run it again".to_owned()),
    ];
    for (what, count, advice) in counts.iter().filter(|(_, count, _)| *count > 0) {
        println!("{what:<12} {count:>6}  {advice}");
    }
    Ok(counts.iter().all(|(_, count, _)| *count == 0))
}

/// Writes the whole file or none: whoever reads it meanwhile sees the previous one.
fn write<const N: usize>(
    path: &Path,
    dialect: &Dialect,
    columns: [&str; N],
    rows: Vec<[String; N]>,
) -> Result<(), String> {
    let draft = path.with_extension("new");
    let content = dialect.write([columns.map(str::to_owned)].into_iter().chain(rows));
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|problem| format!("{} cannot be written ({problem}): run it again", path.display()))
}
