//! What a comparison finds: a place, a verdict, a change, and a witness if it breaks.

use super::change::Change;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// What a change does to a shipped client, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A shipped client fails.
    Breaks,
    /// A person must look: the documents do not say enough, or the tool does not understand them well enough.
    Look,
    /// The client does not notice.
    Unseen,
    /// Nothing that a client sends or decodes changes.
    Harmless,
}

impl Verdict {
    pub(crate) const ALL: [Self; 4] = [Self::Breaks, Self::Look, Self::Unseen, Self::Harmless];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Breaks => "breaks",
            Self::Look => "look",
            Self::Unseen => "unseen",
            Self::Harmless => "harmless",
        })
    }
}

/// Which message of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// What the client sends.
    Request,
    /// What it receives.
    Response,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}

/// Where a change takes effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The operation, such as `POST /v1/parcels`, or None for the document as a whole.
    pub operation: Option<String>,
    /// The message, or None for the operation as a whole.
    pub direction: Option<Direction>,
    /// A JSON pointer into the message, starting with the part: `/body/name`, `/query/limit`, `/status`.
    pub pointer: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation.as_deref().unwrap_or("document"))?;
        if let Some(direction) = self.direction {
            write!(f, " {direction}")?;
        }
        if self.pointer.is_empty() { Ok(()) } else { write!(f, " {}", self.pointer) }
    }
}

/// The proof that something breaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The JSON that the old client sends or receives.
    pub value: Value,
    /// Why it fails.
    pub reason: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it does to a shipped client.
    pub verdict: Verdict,
    /// Where.
    pub place: Place,
    /// The schema that changed, as a reference into the components, if it is one of them or inside one.
    pub schema: Option<String>,
    /// What changed.
    pub change: Change,
    /// The proof, if it breaks.
    pub witness: Option<Witness>,
}

impl Place {
    /// In the document, outside its operations.
    pub(crate) fn of_document(pointer: &str) -> Self {
        Self { pointer: pointer.to_owned(), ..Self::default() }
    }

    /// In an operation, outside its messages.
    pub(crate) fn of_operation(operation: &str, pointer: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..Self::of_document(pointer) }
    }

    /// In one message of an operation.
    pub(crate) fn of_message(operation: &str, direction: Direction, pointer: &str) -> Self {
        Self { direction: Some(direction), ..Self::of_operation(operation, pointer) }
    }

    /// What a report calls the same place in several operations.
    pub(crate) fn in_several_operations(&self) -> String {
        Self { operation: Some("several operations".to_owned()), ..self.clone() }.to_string()
    }

    /// Elsewhere in the same message.
    pub(crate) fn at(&self, pointer: &str) -> Self {
        Self { pointer: pointer.to_owned(), ..self.clone() }
    }
}

impl Witness {
    pub(crate) fn new(value: Value, reason: impl Into<String>) -> Self {
        Self { value, reason: reason.into() }
    }
}

impl Finding {
    /// What needs no proof.
    pub(crate) fn new(verdict: Verdict, place: Place, change: Change) -> Self {
        Self { verdict, place, schema: None, change, witness: None }
    }

    /// What a report calls a schema that several operations use.
    pub(crate) fn name_of_schema(schema: &str, direction: Option<Direction>) -> String {
        direction.map_or_else(|| schema.to_owned(), |direction| format!("{schema} {direction}"))
    }

    pub(crate) fn breaks(place: Place, change: Change, witness: Witness) -> Self {
        Self { witness: Some(witness), ..Self::new(Verdict::Breaks, place, change) }
    }
}

/// A token of a JSON pointer (RFC 6901).
pub(crate) fn token(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
