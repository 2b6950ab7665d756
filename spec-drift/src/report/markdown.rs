//! A report for a review or an issue.

use crate::report::{
    Report, Verdict,
    group::Group,
    line::{listed, one_line, shown},
};
use std::fmt::Write;

pub(crate) fn write(report: &Report) -> String {
    let mut out = format!("{}\n", report.counts());
    let groups = report.groups();
    for (verdict, title) in [
        (Verdict::Breaks, "Breaks a shipped client"),
        (Verdict::Look, "A person must look"),
        (Verdict::Unseen, "Unseen by the client"),
        (Verdict::Harmless, "Harmless"),
    ] {
        let of_this: Vec<&Group> = groups.iter().filter(|group| group.verdict == verdict).collect();
        if of_this.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n## {title}\n");
        of_this.iter().take(listed(verdict)).for_each(|group| entry(group, &mut out));
        if let Some(more) = of_this.len().checked_sub(listed(verdict)).filter(|more| *more > 0) {
            let _ = writeln!(out, "- … and {more} more: `--format json` lists them all");
        }
    }
    let accepted = report.accepted_groups();
    if !accepted.is_empty() {
        let _ = writeln!(out, "\n## Accepted\n");
    }
    for (accepted, group) in accepted {
        entry(&group, &mut out);
        let reason = escaped(&one_line(&accepted.reason));
        let _ = writeln!(out, "  - {} on {}: {reason}", accepted.verdict, accepted.date);
    }
    if !report.stale().is_empty() {
        let _ = writeln!(out, "\n## Accepted but not found\n");
    }
    for entry in report.stale() {
        let _ = writeln!(out, "- {}, as {}", code(&entry.place), entry.verdict);
    }
    out
}

fn entry(group: &Group, out: &mut String) {
    let _ = writeln!(out, "- {}: {}", code(&group.name()), escaped(&one_line(&group.change.to_string())));
    let operations = group.operations();
    if !operations.is_empty() {
        let _ = writeln!(out, "  - in {} operations: {}", operations.len(), code(&operations.join(", ")));
    }
    if let Some(witness) = group.witness {
        let _ = writeln!(out, "  - witness: `{}`", shown(&witness.value.to_string()).replace('`', "'"));
        let _ = writeln!(out, "  - reason: {}", escaped(&one_line(&witness.reason)));
    }
}

fn code(text: &str) -> String {
    format!("`{}`", one_line(text).replace('`', "'"))
}

/// Text from the documents must not look like our own markup.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            matches!(c, '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '|').then_some('\\').into_iter().chain([c])
        })
        .collect()
}
