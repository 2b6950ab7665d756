//! `spec-drift OLD NEW`: how a server that follows NEW affects a client built from OLD.

#![forbid(unsafe_code)]

use clap::Parser;
use spec_drift::{Document, Format, Verdict, compare, report};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Compares two OpenAPI documents as a shipped client would feel it.
///
/// Exit status: 0, nothing breaks; 1, something breaks or a person must look; 2, a document cannot be read.
#[derive(Parser)]
struct Arguments {
    /// What the client was built from: YAML, JSON, or a documentation page in Markdown.
    old: PathBuf,
    /// What the server follows now.
    new: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let documents = Document::read(&arguments.old).and_then(|old| Ok((old, Document::read(&arguments.new)?)));
    let (old, new) = match documents {
        Ok(documents) => documents,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let findings = compare(&old, &new);
    // If the reader has gone away, that is not our failure.
    let _ = std::io::stdout().write_all(report(&findings, arguments.format).as_bytes());
    ExitCode::from(u8::from(findings.iter().any(|f| f.verdict <= Verdict::Look)))
}
