//! Did it happen? What a failed call says about its request, and how the status of a response decides that.

use http::StatusCode;
use serde::Serialize;
use std::fmt;

/// Whether a failed request was applied. `Display` and JSON have it in snake case, as logs do.
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
    /// The server applied the request, and its response is unreadable. Retrying would create a second one.
    Applied,
    /// The request may have been applied or not. Find out before you retry.
    Unknown,
}

impl Outcome {
    /// What a response without a 2xx status means for its request, whoever on the way wrote it.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            // "The user agent MUST NOT change the request method": it is to be sent elsewhere (RFC 9110, 15.4.8 and 15.4.9).
            // Frameworks answer a POST that they applied with 301 to 303.
            307 | 308 => Self::Rejected,
            // Whoever stopped waiting may have forwarded the request before.
            408 => Self::Unknown,
            // The 4xx that IANA has assigned. Gateways use the others for outcomes of their own, such as 499 for a client that
            // left while its request was running.
            400..=417 | 421..=426 | 428 | 429 | 431 | 451 => Self::Rejected,
            // Also 503 with `Retry-After`: Varnish and nginx answer so after they have forwarded the request.
            _ => Self::Unknown,
        }
    }

    /// What happened to a request of this operation, in words. A safe one changes nothing, so there is nothing to apply.
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
