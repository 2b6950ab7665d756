//! A reply of the server: what came, and how a caller sees it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use std::{fmt, ops::Deref};

/// Where servers and proxies put the id of a request, the usual one first.
const REQUEST_ID_HEADERS: &str =
    "x-request-id x-correlation-id request-id x-amzn-requestid x-ms-request-id apim-request-id cf-ray";

/// A successful reply: the value, and what came with it.
///
/// ```
/// # async fn run(client: traxes_connect::Client) -> Result<(), traxes_connect::Error> {
/// # let request = traxes_connect::CollectiveOnboardingRequest::new("Rue de la Loi 16");
/// let onboarding = client.create_collective_onboarding(&request).await?;
/// println!("{:?}, request {:?}", onboarding.status, onboarding.request_id()); // a field of the value, through `Deref`
/// # Ok(())
/// # }
/// ```
///
/// `Debug` shows no headers: a server may echo in them what was sent.
#[derive(Clone)]
pub struct Response<T> {
    pub(crate) value: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) attempts: u32,
}

impl<T> Response<T> {
    /// The value, without what came with it.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The value. Its fields and methods are also those of the response.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The HTTP status: 201 as documented, or another 2xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id under which the server knows the request: `x-request-id`, or another of the usual headers.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }

    /// How many times the request was begun: 1 where nothing had to be repeated.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status.as_u16())
            .field("request_id", &self.request_id())
            .field("attempts", &self.attempts)
            .field("value", &self.value)
            .finish()
    }
}

/// Status, headers, and what came of the body.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let shown = |name| headers.get(name).filter(|id: &&HeaderValue| !id.is_sensitive() && !id.is_empty());
    REQUEST_ID_HEADERS.split(' ').find_map(|name| shown(name)?.to_str().ok())
}
