//! A successful response, as a caller sees it.

use crate::raw_response::RawResponse;
use crate::screen::Screen;
use http::{HeaderMap, StatusCode};
use serde::{Serialize, Serializer};
use std::{fmt, ops::Deref};

/// A successful response: the value, and what came with it.
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
/// `Debug` shows neither headers nor body, nor an access token that the server echoes. The value itself is as received:
/// printing a field shows what the server wrote there.
#[derive(Clone)]
pub struct Response<T> {
    pub(crate) value: T,
    pub(crate) raw: RawResponse,
    pub(crate) unreadable_fields: Vec<String>,
    pub(crate) attempts: u32,
    pub(crate) screen: Screen,
}

impl<T> Response<T> {
    /// The value, without what came with it.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The value. Its fields and methods are also those of the response.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The HTTP status: 201 as documented, or another 2xx.
    pub fn http_status(&self) -> StatusCode {
        self.raw.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.raw.headers
    }

    /// The body, byte for byte as received.
    pub fn body(&self) -> &[u8] {
        &self.raw.body
    }

    /// The fields that could not be read and are missing from the value, such as `created` or `errors[].code`, each once.
    ///
    /// ```
    /// # async fn run() -> Result<(), traxes_connect::Error> {
    /// # use traxes_connect::{CollectiveOnboardingRequest, Sandbox};
    /// let sandbox = Sandbox::start();
    /// // A date without a zone, as .NET writes it.
    /// let body = r#"{"created": "2026-11-24T20:18:15", "action": {"redirectLink": "https://consent.example/1"}}"#;
    /// sandbox.enqueue(201, &[], body);
    /// let onboarding = sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await?;
    /// assert_eq!(onboarding.consent_url(), Some("https://consent.example/1"));
    /// assert_eq!((onboarding.created, onboarding.unreadable_fields()), (None, &["created".to_owned()][..]));
    /// assert_eq!(onboarding.body(), body.as_bytes());
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
    /// ```
    ///
    /// Their contents are in [`body`](Self::body).
    pub fn unreadable_fields(&self) -> &[String] {
        &self.unreadable_fields
    }

    /// The server's id for the request: from `x-request-id`, or another of the usual headers.
    pub fn request_id(&self) -> Option<&str> {
        self.raw.request_id()
    }

    /// How many attempts were made: 1 if nothing had to be retried.
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

/// As its value.
impl<T: Serialize> Serialize for Response<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.screen.debug(&self.value, f.alternate());
        f.debug_struct("Response")
            .field("http_status", &self.http_status().as_u16())
            .field("request_id", &self.request_id())
            .field("attempts", &self.attempts)
            .field("unreadable_fields", &self.unreadable_fields)
            .field("value", &format_args!("{value}"))
            .finish()
    }
}
