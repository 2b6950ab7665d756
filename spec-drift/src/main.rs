//! `spec-drift OLD NEW`: how a server that follows NEW affects a client built from OLD.

#![forbid(unsafe_code)]

use clap::Parser;
use spec_drift::{Accepted, Document, Error, Format, Report, compare};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Compares two OpenAPI documents as a shipped client would feel it.
///
/// Exit status: 0, nothing breaks; 1, something breaks, a person must look, or an accepted finding is no longer found; 2, a
/// file cannot be read.
#[derive(Parser)]
#[command(version, after_help = ACCEPTING)]
struct Arguments {
    /// What the client was built from: YAML, JSON, or a documentation page in Markdown.
    old: PathBuf,
    /// What the server follows now.
    new: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const ACCEPTING: &str =
    "Findings that you accept are listed separately and do not fail the run. They are in a file next \
to OLD, such as openapi.accepted.yaml for openapi.yaml, with a line for each:

- { place: \"GET /parcels response /body/note\", verdict: look, reason: \"We do not read it.\", date: 2026-01-31 }

The place is what the report begins with after the verdict. A failing run shows the line to add.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let report = match read(&arguments) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // If the reader has gone away, that is not our failure.
    let _ = std::io::stdout().write_all(report.write(arguments.format).as_bytes());
    if let Some(line) = report.line_to_accept() {
        eprintln!("To accept the first finding, add this line to {}:", Accepted::path(&arguments.old).display());
        eprintln!("{line}");
    }
    ExitCode::from(u8::from(report.fails()))
}

fn read(arguments: &Arguments) -> Result<Report, Error> {
    let (old, new) = (Document::read(&arguments.old)?, Document::read(&arguments.new)?);
    let accepted = Accepted::read(&Accepted::path(&arguments.old))?;
    Ok(Report::new(compare(&old, &new), &accepted))
}
