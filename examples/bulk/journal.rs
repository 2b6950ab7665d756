//! What was done, on disk: one line of JSON for each step, written before the next one is taken.
//!
//! A household with only `sending` may have been created: the program ended before the response was written.

use crate::households::Household;
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use uuid::Uuid;

pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    last: HashMap<Uuid, Step>,
}

/// What the journal of a run with `--sandbox` is for.
pub const SANDBOX: &str = "a sandbox";

/// The first line. A sandbox's journal says nothing about production.
#[derive(Serialize, Deserialize, PartialEq)]
struct Header {
    server: String,
}

#[derive(Serialize, Deserialize)]
pub struct Step {
    pub household: Uuid,
    /// As it was sent, whatever the CSV says now.
    pub name: String,
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Written before the request goes out.
    Sending,
    Created {
        onboarding: Option<Uuid>,
        consent_url: Option<String>,
        remark: Option<String>,
        /// What arrived, if not all of it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<Body>,
    },
    /// Refused, or not sent: safe to send again.
    NotCreated { why: String },
    /// It may have been created: left to a person, and never sent again.
    Unknown {
        why: String,
        /// What arrived of a response, whoever sent it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<Body>,
    },
}

/// Every byte that arrived, as readable as JSON allows: the onboarding's id may be in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Text(String),
    Base64(String),
}

impl Body {
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match str::from_utf8(bytes) {
            Ok("") => None,
            Ok(text) => Some(Self::Text(text.to_owned())),
            Err(_) => Some(Self::Base64(BASE64_STANDARD.encode(bytes))),
        }
    }
}

impl Journal {
    /// Opens the journal, and keeps other runs out until it is dropped or the program ends.
    pub fn open(path: &Path, server: &str) -> Result<Self, String> {
        let unusable = |problem: io::Error| format!("{} cannot be used ({problem}): check the folder", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(unusable)?;
        FileExt::try_lock(&file).map_err(|problem| match problem {
            TryLockError::WouldBlock => format!("{} is in use: wait until the other run ends", path.display()),
            TryLockError::Error(problem) => unusable(problem),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unusable)?;
        let header = line(&Header { server: server.to_owned() });
        // An incomplete line was being written when the program ended. The step it announces was not started.
        let mut whole = end_of_lines(&bytes);
        // Nor was one whose text was lost in a power failure.
        let last = whole.checked_sub(1).map_or(0, |end| end_of_lines(&bytes[..end]));
        if serde_json::from_slice::<serde::de::IgnoredAny>(&bytes[last..whole]).is_err() && last > 0 {
            whole = last;
        }
        if whole == 0 && !header.starts_with(&bytes) {
            return Err(not_a_line(path, 1));
        }
        let mut journal = Self { path: path.to_owned(), file, length: whole as u64, last: HashMap::new() };
        for (at, text) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
            if at == 0 {
                let found: Header = serde_json::from_slice(text).map_err(|_| not_a_line(path, 1))?;
                if found.server != server {
                    return Err(for_another_server(path, &found.server, server));
                }
            } else {
                let step: Step = serde_json::from_slice(text).map_err(|_| not_a_line(path, at + 1))?;
                journal.last.insert(step.household, step);
            }
        }
        journal.file.set_len(journal.length).map_err(unusable)?;
        if whole == 0 {
            journal.write(&header)?;
        }
        // So that the file itself survives a power failure, and not only its contents.
        #[cfg(unix)]
        path.canonicalize()
            .and_then(|path| File::open(path.parent().unwrap_or(&path))?.sync_all())
            .map_err(unusable)?;
        Ok(journal)
    }

    /// Returns once the step is on disk.
    pub fn record(&mut self, household: &Household, event: Event) -> Result<(), String> {
        let step = Step { household: household.id, name: household.name.clone(), at: Utc::now(), event };
        self.write(&line(&step))?;
        self.last.insert(household.id, step);
        Ok(())
    }

    /// The last step of each household.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.last.values()
    }

    /// Whether nothing was sent that may have created this household.
    pub fn may_be_sent(&self, household: Uuid) -> bool {
        self.last.get(&household).is_none_or(|step| matches!(step.event, Event::NotCreated { .. }))
    }

    fn write(&mut self, line: &[u8]) -> Result<(), String> {
        if let Err(problem) = self.file.write_all(line).and_then(|()| self.file.sync_data()) {
            // Half a line would corrupt the next one. If even that fails, the next run names the line.
            let _ = self.file.set_len(self.length);
            return Err(format!(
                "{} cannot be written ({problem}): free some space, and run it again",
                self.path.display()
            ));
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

/// The length of the complete lines.
fn end_of_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

fn line(content: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(content).expect("texts, ids and times");
    line.push(b'\n');
    line
}

fn for_another_server(path: &Path, found: &str, wanted: &str) -> String {
    let advice = match (found, wanted) {
        // Nothing in it was really created.
        (SANDBOX, _) => "delete it, and run it again",
        (_, SANDBOX) => "keep it, and try the sandbox on a copy of the CSV in another folder",
        _ => "restore TRAXES_BASE_URL, or use another CSV",
    };
    format!("{} is for {found}, but this run is for {wanted}: {advice}", path.display())
}

fn not_a_line(path: &Path, number: usize) -> String {
    format!(
        "{}, line {number}: not a journal line: restore the file, which says what must not be sent again",
        path.display()
    )
}
