//! Compares two OpenAPI documents as a shipped client would feel it.
//!
//! A shipped client is what this project's build makes of the old document. It sends what that document allows. It
//! decodes with open enums, ignores unknown fields, and reads null as absent if a field is optional. It accepts any
//! 2xx and does not decode error bodies. [`compare`] gives each change a [`Verdict`].
//!
//! Each value that one side may produce must be accepted by the other. A keyword on the accepting side that does not
//! follow from the producing side is a suspect: if a sampled value proves it, it **breaks**, and without a proof it is a
//! **look**. A suspect is never harmless.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod compare;
mod document;
mod report;
mod witness;

pub use compare::compare;
pub use document::{Document, Error, MAX_BYTES, MAX_DEPTH, MAX_NODES};
pub use report::{Accepted, Change, Direction, Finding, Format, Keyword, Place, Report, Verdict, Witness, report};
