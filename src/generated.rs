//! What `build.rs` wrote from `openapi.yaml`. Read it in `generated/client.rs`.
#![allow(dead_code, missing_docs, rustdoc::all, clippy::all)]

use crate::transport::Exchange;
use std::sync::Arc;

include!(concat!(env!("OUT_DIR"), "/client.rs"));

/// Every operation sends here.
impl ClientHooks<Arc<Exchange>> for Client {
    fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> {
        self.inner.send(&self.client, request)
    }
}
