//! Where a walk through the schemas of a message stands.

use serde_json::Value;

/// Where a walk stands: a pointer into the message, and how to build a message around a value that stands here.
#[derive(Clone)]
pub(crate) struct At<'u> {
    pub(crate) pointer: String,
    /// The place above, the producing side's schema there, and the step from it to here.
    pub(crate) up: Option<(&'u At<'u>, &'u Value, Step)>,
    /// Whether null may stand here, where that follows from the object around it and not from the schema alone.
    pub(crate) null: Option<Null>,
}

#[derive(Clone)]
pub(crate) enum Step {
    Field(String),
    Item,
}

#[derive(Clone, Copy)]
pub(crate) struct Null {
    pub(crate) produced: bool,
    pub(crate) accepted: bool,
}
