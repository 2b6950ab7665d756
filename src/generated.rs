//! What `build.rs` wrote from `openapi.yaml`. Read it in `tests/api/generated.rs`.
#![allow(dead_code, missing_docs, rustdoc::all, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/generated.rs"));
