//! A report: counts, then one entry for each changed schema, the worst first.

mod accepted;
mod change;
mod finding;
mod group;
mod json;
mod line;
mod markdown;
mod sorted;
mod text;

pub use accepted::Accepted;
pub use change::{Change, Keyword};
pub(crate) use finding::token;
pub use finding::{Direction, Finding, Place, Verdict, Witness};
pub use sorted::Report;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For a review or an issue.
    Markdown,
    /// For programs: all findings, in a documented form.
    Json,
}

impl Report {
    /// Writes it.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Json => json::write(self),
            _ if self.is_empty() => "no changes\n".to_owned(),
            Format::Text => text::write(self),
            Format::Markdown => markdown::write(self),
        }
    }
}

/// Writes findings of which none is accepted.
pub fn report(findings: &[Finding], format: Format) -> String {
    Report::new(findings.to_vec(), &[]).write(format)
}
