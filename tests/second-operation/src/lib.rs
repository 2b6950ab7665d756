//! The client's sources, as copied by `build.rs`, and [`second`]: all that another operation needs besides its lines in
//! openapi.yaml. Beside it, a client for each edit of openapi.yaml that the build accepts.

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));

mod second;

/// The client of an edit and its mocks, which need only compile.
macro_rules! edit {
    ($name:ident) => {
        mod $name {
            use crate::transport::Exchange;
            use std::sync::Arc;

            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), "/client.rs"));

            impl ClientHooks<Arc<Exchange>> for Client {}

            #[allow(clippy::all)]
            mod mocks {
                include!(concat!(env!("OUT_DIR"), "/", stringify!($name), "/mocks.rs"));
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/edits.rs"));
