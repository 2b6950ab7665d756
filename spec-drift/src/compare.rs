//! Compares two documents: their operations, messages and schemas, from the outside in.

mod address;
mod at;
mod body;
mod known;
mod message;
mod object;
mod operation;
mod parameter;
mod schema;
mod security;
mod union;

pub use operation::compare;
