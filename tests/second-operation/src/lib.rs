//! The client's sources, as copied by `build.rs`, and [`second`]: all that another operation needs besides its lines in
//! openapi.yaml.

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));

mod second;
