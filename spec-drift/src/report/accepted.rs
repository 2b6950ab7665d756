//! Findings that people have looked at and accepted, in a file next to the description.

use crate::{
    document::error::Error,
    report::{Finding, Verdict},
};
use chrono::{NaiveDate, Utc};
use serde::Deserialize;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// An accepted finding: a line such as `- { place: GET /parcels response /body/note, verdict: look, reason: We do not read
/// it., date: 2026-01-31 }`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The place or the schema, as the report names it.
    pub place: String,
    /// The verdict that is accepted.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// When.
    pub date: NaiveDate,
}

impl Accepted {
    /// The file for a description: `openapi.accepted.yaml` for `openapi.yaml`.
    pub fn path(description: &Path) -> PathBuf {
        description.with_extension("accepted.yaml")
    }

    /// Reads the file. Without one, nothing is accepted.
    pub fn read(path: &Path) -> Result<Vec<Self>, Error> {
        let refuse = |reason: String| Error::new(format!("{}: {reason}", path.display()));
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(refuse(format!("cannot be read: {error}"))),
        };
        let entries: Option<Vec<Self>> = yaml_serde::from_str(&text)
            .map_err(|error| refuse(format!("is not a list of accepted findings: {error}")))?;
        let entries = entries.unwrap_or_default();
        if let Some(entry) = entries.iter().find(|entry| entry.reason.trim().is_empty()) {
            return Err(refuse(format!("{}: has no reason", entry.place)));
        }
        Ok(entries)
    }

    /// The line that accepts a finding.
    pub fn line(place: &str, verdict: Verdict) -> String {
        let place = serde_json::Value::from(place);
        format!("- {{ place: {place}, verdict: {verdict}, reason: \"why\", date: {} }}", Utc::now().date_naive())
    }

    pub(crate) fn accepts(&self, finding: &Finding) -> bool {
        let place = &finding.place;
        let schema = finding.schema.as_ref().map(|schema| Finding::name_of_schema(schema, place.direction));
        self.verdict == finding.verdict && (self.place == place.to_string() || schema.as_ref() == Some(&self.place))
    }
}
