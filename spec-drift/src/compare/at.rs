//! The current place in a walk through the schemas of a message.

use serde_json::Value;

/// The current place in a walk: a pointer into the message, and how to build a message around a value at this place.
#[derive(Clone)]
pub(crate) struct At<'u> {
    pub(crate) pointer: String,
    /// The parent place, the producing side's schema there, and the step from there to here.
    pub(crate) up: Option<(&'u At<'u>, &'u Value, Step)>,
    /// Whether null is allowed here, if that follows from the surrounding object and not from the schema alone.
    pub(crate) null: Option<Null>,
    /// Whether the client may leave out what is here.
    pub(crate) optional: bool,
}

impl At<'_> {
    /// The root of a message or parameter.
    pub(crate) fn root(pointer: &str, optional: bool) -> Self {
        Self { pointer: pointer.to_owned(), up: None, null: None, optional }
    }
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
