//! What a run leaves for people: two CSV files, and a summary.

use crate::{
    households::Households,
    journal::{Event, Journal},
};
use std::{collections::HashMap, fs, path::Path};

const KILLED: &str = "the program ended before the response was written";

/// Writes and prints how far the run got. Returns whether nothing is left to do.
///
/// Everything in the journal is reported, even for rows no longer in the CSV.
pub fn report(csv: &Path, households: &Households, journal: &Journal) -> Result<bool, String> {
    let rows: HashMap<_, _> = households.good.iter().map(|household| (household.id, &household.line)).collect();
    let mut steps: Vec<_> = journal.steps().collect();
    steps.sort_by_key(|step| (rows.get(&step.household).map_or(u64::MAX, |row| **row), step.at));
    let (mut created, mut unknown, mut remarks) = (vec![], vec![], 0);
    for step in steps {
        let (id, name, at) = (step.household.to_string(), step.name.clone(), step.at.to_rfc3339());
        match step.event.clone() {
            Event::Created { onboarding, consent_url, remark } => {
                remarks += usize::from(remark.is_some());
                let onboarding = onboarding.map(|id| id.to_string()).unwrap_or_default();
                created.push([id, name, at, onboarding, consent_url.unwrap_or_default(), remark.unwrap_or_default()]);
            }
            Event::Unknown { why } => unknown.push([id, name, at, why]),
            Event::Sending => unknown.push([id, name, at, KILLED.to_owned()]),
            Event::NotCreated { .. } => {}
        }
    }
    let (created_csv, unknown_csv) = (csv.with_extension("created.csv"), csv.with_extension("unknown.csv"));
    write(&created_csv, ["collective_id", "name", "at", "onboarding_id", "consent_url", "remark"], &created)?;
    write(&unknown_csv, ["collective_id", "name", "at", "why"], &unknown)?;

    let left = households.good.iter().filter(|household| journal.may_be_sent(household.id)).count();
    println!("created      {:>6}  {}", created.len(), created_csv.display());
    let counts = [
        ("to look at", remarks, format!("created, with a remark in {}", created_csv.display())),
        ("unknown", unknown.len(), format!("{}: find out before you send one again", unknown_csv.display())),
        ("not created", left, "see above, correct what was refused, and run it again".to_owned()),
        ("bad rows", households.bad.len(), "correct them, and run it again".to_owned()),
    ];
    for (what, count, advice) in counts.iter().filter(|(_, count, _)| *count > 0) {
        println!("{what:<12} {count:>6}  {advice}");
    }
    Ok(counts.iter().all(|(_, count, _)| *count == 0))
}

/// Writes the whole file or none: whoever reads it meanwhile sees the previous one.
fn write<const N: usize>(path: &Path, columns: [&str; N], rows: &[[String; N]]) -> Result<(), String> {
    let unwritten = |problem: csv::Error| format!("{} cannot be written ({problem}): run it again", path.display());
    let draft = path.with_extension("new");
    let mut writer = csv::Writer::from_path(&draft).map_err(unwritten)?;
    writer.write_record(columns).map_err(unwritten)?;
    for row in rows {
        writer.write_record(row).map_err(unwritten)?;
    }
    writer.flush().and_then(|()| fs::rename(&draft, path)).map_err(|problem| unwritten(problem.into()))
}
