//! Proof: what each side of a message takes a schema to mean, and values that one produces and the other refuses.

mod format;
pub(crate) mod implied;
mod integer;
pub(crate) mod meaning;
mod merge;
mod pattern;
pub(crate) mod sample;
