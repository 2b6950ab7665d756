//! The sources of the client, as `build.rs` copied them, and [`second`]: all that another operation takes besides its lines in
//! openapi.yaml.

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));

mod second;
