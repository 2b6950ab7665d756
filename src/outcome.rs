//! Did it happen? What a failed call says about its request, and how the response's status decides that.

use http::StatusCode;
use serde::Serialize;
use std::fmt;

/// Whether a failed request was applied. `Display` and JSON write it in snake case, as logs do.
///
/// ```
/// use traxes_connect::{Error, Outcome};
///
/// fn is_safe_to_retry(error: &Error) -> bool {
///     matches!(error.outcome(), Outcome::NotSent | Outcome::Rejected)
/// }
/// assert_eq!(Outcome::NotSent.to_string(), "not_sent");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was sent, so nothing happened. Retrying is safe.
    NotSent,
    /// The server refused the request, so nothing happened. Retrying is safe, and makes sense once you have fixed what it
    /// refused, or after [`Error::retry_after`](crate::Error::retry_after).
    Rejected,
    /// The server applied the request, but its response is unreadable. Retrying would apply it again.
    Applied,
    /// The request may or may not have been applied. Find out before you retry.
    Unknown,
}

impl Outcome {
    /// What a non-2xx response says about its request, whether the API sent it or something in between.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            // "The user agent MUST NOT change the request method": it has to be sent elsewhere (RFC 9110, 15.4.8 and 15.4.9).
            // Frameworks answer a POST that they applied with 301 to 303.
            307 | 308 => Self::Rejected,
            // Whoever stopped waiting may already have forwarded the request.
            408 => Self::Unknown,
            // The 4xx that IANA has assigned. Gateways use the others for their own outcomes, such as 499 for a client that
            // left while its request was running.
            400..=417 | 421..=426 | 428 | 429 | 431 | 451 => Self::Rejected,
            // Even 503 with `Retry-After`: Varnish and nginx send it after they have forwarded the request.
            _ => Self::Unknown,
        }
    }

    /// What happened to a request of this operation, as a sentence. A safe one changes nothing, so there is nothing to apply.
    pub(crate) fn sentence(self, operation: &str, is_safe: bool) -> String {
        let happened = match self {
            Self::NotSent => "was not sent",
            Self::Rejected => "was rejected",
            Self::Applied | Self::Unknown if is_safe => "failed",
            Self::Applied => "was applied",
            Self::Unknown => "may have been applied",
        };
        format!("{operation} {happened}")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
