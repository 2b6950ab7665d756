//! Ids for rows that have none.

use crate::{
    households::{COLLECTIVE_ID, columns},
    table::Table,
};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};
use uuid::Uuid;

/// Writes the rows without an id to a new file, each with an id, and returns what to say about it.
///
/// Rows that have an id stay out of it: in two files, with a journal each, they would be sent twice.
pub fn assign_ids(csv: &Path, table: &Table) -> Result<String, String> {
    let names = columns(table, csv)?;
    let id_at = names.iter().position(|column| column == COLLECTIVE_ID);
    let mut header = table.columns.clone();
    if id_at.is_none() {
        header.insert(0, COLLECTIVE_ID.to_owned());
    }
    let mut rows = vec![header];
    for row in &table.rows {
        let mut fields =
            row.fields.clone().map_err(|problem| format!("{}, line {}: {problem}", csv.display(), row.line))?;
        let id = Uuid::new_v4().to_string();
        match id_at {
            None => fields.insert(0, id),
            Some(at) if fields[at].is_empty() => fields[at] = id,
            Some(_) => continue,
        }
        rows.push(fields);
    }
    let assigned = rows.len() - 1;
    if assigned == 0 {
        return Err(format!("{} has no row without a {COLLECTIVE_ID}: run it without --assign-ids", csv.display()));
    }
    let path = csv.with_extension("with-ids.csv");
    write_new(&path, &table.dialect.write(&rows))?;
    let path = path.display();
    let mut told = format!("assigned     {assigned:>6}  {path}: run this file from now on, and keep its ids");
    let kept = table.rows.len() - assigned;
    if kept > 0 {
        told += &format!("\nhad an id    {kept:>6}  {}: run this file for them", csv.display());
    }
    Ok(told)
}

/// Never replaces a file: its rows may have been sent, and would be sent again under other ids.
fn write_new(path: &Path, content: &[u8]) -> Result<(), String> {
    let mut file = File::create_new(path).map_err(|problem| match problem.kind() {
        ErrorKind::AlreadyExists => {
            format!(
                "{} exists, and its rows may have been sent: run that file, and put new rows in another",
                path.display()
            )
        }
        _ => format!("{} cannot be written ({problem}): check the folder", path.display()),
    })?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|problem| {
        // Half a file would be taken for the whole.
        let _ = fs::remove_file(path);
        format!("{} cannot be written ({problem}): free some space, and run it again", path.display())
    })
}
