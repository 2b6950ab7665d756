//! A response as it came.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

/// Where servers and proxies put a request's id, the most common header first.
const REQUEST_ID_HEADERS: [&str; 7] = [
    "x-request-id",
    "x-correlation-id",
    "request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "apim-request-id",
    "cf-ray",
];

/// Status, headers, and what arrived of the body.
#[derive(Clone)]
pub(crate) struct RawResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Some JSON producers put it first; RFC 8259, section 8.1, lets a parser ignore it.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl RawResponse {
    /// The body, as a JSON parser takes it.
    pub(crate) fn json(&self) -> &[u8] {
        self.body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.body)
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        let shown = |name| self.headers.get(name).filter(|id: &&HeaderValue| !id.is_sensitive() && !id.is_empty());
        REQUEST_ID_HEADERS.iter().find_map(|name| shown(*name)?.to_str().ok())
    }
}
