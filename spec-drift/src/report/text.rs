//! A report for a terminal: a line for each entry, starting with its verdict, with details indented below.

use crate::report::{
    Report, Verdict,
    group::Group,
    line::{listed, one_line, shown},
};
use std::fmt::Write;

pub(crate) fn write(report: &Report) -> String {
    let mut out = format!("{}\n", report.counts());
    let groups = report.groups();
    for verdict in Verdict::ALL {
        let of_this: Vec<&Group> = groups.iter().filter(|group| group.verdict == verdict).collect();
        of_this.iter().take(listed(verdict)).for_each(|group| entry(group, &verdict.to_string(), &mut out));
        if let Some(more) = of_this.len().checked_sub(listed(verdict)).filter(|more| *more > 0) {
            let _ = writeln!(out, "{verdict:<8} … and {more} more: --format json lists them all");
        }
    }
    for (accepted, group) in report.accepted_groups() {
        entry(&group, "accepted", &mut out);
        let _ = writeln!(out, "    {} on {}: {}", accepted.verdict, accepted.date, one_line(&accepted.reason));
    }
    for entry in report.stale() {
        let _ = writeln!(out, "stale    {}: accepted as {}, but not found", one_line(&entry.place), entry.verdict);
    }
    out
}

fn entry(group: &Group, word: &str, out: &mut String) {
    let _ = writeln!(out, "{word:<8} {}: {}", one_line(&group.name()), one_line(&group.change.to_string()));
    let operations = group.operations();
    if !operations.is_empty() {
        let _ = writeln!(out, "    in {} operations: {}", operations.len(), one_line(&operations.join(", ")));
    }
    if let Some(witness) = group.witness {
        let _ = writeln!(out, "    witness: {}", shown(&witness.value.to_string()));
        let _ = writeln!(out, "    reason: {}", one_line(&witness.reason));
    }
}
