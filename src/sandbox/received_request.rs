//! What the sandbox received.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use std::fmt;

/// A request as the sandbox received it. `Debug` shows it without headers, which contain the token.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// The path, and the query if there is one.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.target, self.body.len())
    }
}

impl ReceivedRequest {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
        Self { method: head.method, target, headers: head.headers, body: body.into() }
    }
}
