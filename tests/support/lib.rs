//! What the tests and benchmarks of the client share: a scripted server, its log, the description, and the generated code.

#[path = "../../build/mod.rs"]
pub mod build;
pub mod edits;
pub mod log;
pub mod release;
mod server;
pub mod spec;
pub mod surface;

pub use server::*;
