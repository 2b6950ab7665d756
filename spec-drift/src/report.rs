//! A report for people: text with one line per finding, or Markdown for a review.

mod change;
mod finding;

pub use change::{Change, Keyword};
pub(crate) use finding::token;
pub use finding::{Direction, Finding, Place, Verdict, Witness};

use std::fmt::Write;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line per finding, starting with its verdict, with details indented below.
    Text,
    /// A file such as DRIFT.md.
    Markdown,
}

/// Longer witnesses are truncated in a report. The reason names the place.
const MAX_WITNESS: usize = 2_000;

/// Writes a report.
pub fn report(findings: &[Finding], format: Format) -> String {
    if findings.is_empty() {
        return "no changes\n".to_owned();
    }
    match format {
        Format::Text => findings.iter().map(text).collect(),
        Format::Markdown => markdown(findings),
    }
}

fn text(finding: &Finding) -> String {
    let Finding { verdict, place, change, witness } = finding;
    let mut line = format!("{verdict:<8} {}: {}\n", one_line(&place.to_string()), one_line(&change.to_string()));
    if let Some(witness) = witness {
        let _ = writeln!(line, "    witness: {}", shown(&witness.value.to_string()));
        let _ = writeln!(line, "    reason: {}", one_line(&witness.reason));
    }
    line
}

fn markdown(findings: &[Finding]) -> String {
    let mut out = String::new();
    for (verdict, title) in [
        (Verdict::Breaks, "Breaks a shipped client"),
        (Verdict::Look, "A person must look"),
        (Verdict::Unseen, "Unseen by the client"),
        (Verdict::Harmless, "Harmless"),
    ] {
        let of_this = findings.iter().filter(|f| f.verdict == verdict);
        for (n, finding) in of_this.enumerate() {
            if n == 0 {
                let _ = writeln!(out, "{}## {title}\n", if out.is_empty() { "" } else { "\n" });
            }
            let place = one_line(&finding.place.to_string()).replace('`', "'");
            let _ = writeln!(out, "- `{place}`: {}", escaped(&one_line(&finding.change.to_string())));
            if let Some(witness) = &finding.witness {
                let _ = writeln!(out, "  - witness: `{}`", shown(&witness.value.to_string()).replace('`', "'"));
                let _ = writeln!(out, "  - reason: {}", escaped(&one_line(&witness.reason)));
            }
        }
    }
    out
}

/// Text from the documents must not look like our own lines or markup.
fn one_line(text: &str) -> String {
    shown(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
}

fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            matches!(c, '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '|').then_some('\\').into_iter().chain([c])
        })
        .collect()
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_WITNESS) {
        Some((end, _)) => format!("{}… (cut)", &text[..end]),
        None => text.to_owned(),
    }
}
