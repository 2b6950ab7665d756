//! What went wrong, and whether the request was applied anyway.

use crate::error_body::ErrorBody;
use crate::outcome::Outcome;
use crate::quote::{cut, quoted};
use crate::raw_response::RawResponse;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

/// A boxed error of any type, as the source of an [`Error`].
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The longest text that an [`Error`]'s `Display` writes, in characters: a line that any log keeps whole.
const MAX_MESSAGE: usize = 300;

/// Why a call failed, and whether the request was applied anyway.
///
/// ```
/// # async fn run(client: traxes_connect::Client) {
/// use traxes_connect::{CollectiveOnboardingRequest, Outcome};
///
/// let request = CollectiveOnboardingRequest::new("Rue de la Loi 16");
/// if let Err(error) = client.create_collective_onboarding(&request).await {
///     match error.outcome() {
///         Outcome::NotSent | Outcome::Rejected => println!("not created: {error}"),
///         Outcome::Applied => println!("created, but its response is unreadable: {error}"),
///         _ => println!("find out before you send it again: {error}"),
///     }
/// }
/// # }
/// ```
///
/// `Display` is one line of at most 300 characters. Like `Debug`, it is safe to log: no secrets, no body, of the server's
/// text only the error code and the request id, and nothing from the errors of your [`TokenSource`](crate::TokenSource).
pub struct Error {
    kind: ErrorKind,
    outcome: Outcome,
    details: Box<Details>,
}

#[derive(Default)]
struct Details {
    message: Cow<'static, str>,
    call: Option<FailedCall>,
    response: Option<RawResponse>,
    error_body: ErrorBody,
    permanent: bool,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

/// The call that failed.
pub(crate) struct FailedCall {
    pub(crate) operation: &'static str,
    pub(crate) is_safe: bool,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    /// Whether an attempt before the last one may have run.
    pub(crate) may_have_run: bool,
}

/// The stage at which a call failed. `Display` and JSON write it in snake case, as logs do.
///
/// ```
/// use traxes_connect::{Client, ErrorKind};
///
/// let error = Client::builder().token("an-access-token").base_url("http://api.example").build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert_eq!(error.kind().to_string(), "config");
/// assert!(error.to_string().starts_with("base_url is plain http"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is wrong. Nothing was sent. The message names the setting to fix.
    Config,
    /// No access token could be obtained, so no attempt was made. The message says why: the credentials, or what happened on
    /// the way to the token endpoint. Failed connections to it were retried as often as the policy allows.
    Auth,
    /// No connection could be made: the name did not resolve, the connection was refused or timed out, the proxy refused, or
    /// TLS failed. Nothing was sent. Retrying is safe, and was done as often as the policy allows, unless it could not help.
    Connect,
    /// The attempt or the call ran out of time: `NotSent` if before the request went out, `Applied` if after a success had
    /// begun to arrive.
    Timeout,
    /// The connection broke before a response arrived: `NotSent` if before the request went out.
    Transport,
    /// The server answered with a status other than 2xx. The outcome follows from the status. If a 401 could not be replayed
    /// because there was no other token, `source()` says why.
    Status,
    /// The server answered with 2xx, but its body cannot be read or has nothing that the API documents. With the documented
    /// status, the request was applied; with another 2xx, an intermediary may have answered. The error has the status, the
    /// request id and the bytes that arrived.
    Decode,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, outcome: Outcome, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, outcome, details: Box::new(Details { message: message.into(), ..Details::default() }) }
    }

    /// No token could be obtained.
    pub(crate) fn auth(problem: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Auth, Outcome::NotSent, problem)
    }

    /// A wrong setting. `problem` follows its name.
    pub(crate) fn config(setting: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Config, Outcome::NotSent, format!("{setting} {problem}"))
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.details.source = Some(source.into());
        self
    }

    /// What the server answered.
    pub(crate) fn with_response(mut self, response: RawResponse) -> Self {
        self.details.response = Some(response);
        self
    }

    /// What the server says about the error.
    pub(crate) fn with_error_body(mut self, error_body: ErrorBody) -> Self {
        self.details.error_body = error_body;
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.details.retry_after = retry_after;
        self
    }

    /// Marks what the next attempt would hit again.
    pub(crate) fn permanent(mut self, permanent: bool) -> Self {
        self.details.permanent = permanent;
        self
    }

    pub(crate) fn is_permanent(&self) -> bool {
        self.details.permanent
    }

    /// Turns an attempt's error into its call's. If an earlier attempt may have run, that stands, whatever came later.
    pub(crate) fn of_call(mut self, call: FailedCall) -> Self {
        if call.may_have_run && !call.is_safe && self.outcome != Outcome::Applied {
            self.outcome = Outcome::Unknown;
        }
        self.details.call = Some(call);
        self
    }

    /// The stage at which the call failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the request was applied.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.details.response.as_ref().map(|response| response.status)
    }

    /// The headers of the response, if there was one.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.details.response.as_ref().map(|response| &response.headers)
    }

    /// What arrived of the response body, up to the [body limit](crate::ClientBuilder::body_limit). Empty without a response.
    pub fn body(&self) -> &[u8] {
        self.details.response.as_ref().map_or(&[], |response| &response.body)
    }

    /// The server's error code, if the body has one: `code` or `error` of an error object, of problem details, or of the first
    /// element of an `errors` array.
    pub fn code(&self) -> Option<&str> {
        self.details.error_body.code.as_deref()
    }

    /// The server's own explanation, if the body has one: `detail`, `message`, `error_description` or `title`. It may quote
    /// what was sent, so neither `Display` nor `Debug` shows it.
    pub fn detail(&self) -> Option<&str> {
        self.details.error_body.detail.as_deref()
    }

    /// The server's id for the request: what its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.details.response.as_ref().and_then(RawResponse::request_id)
    }

    /// How long the server asked to wait before the next request. For an `Auth` error, what the token endpoint asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        self.details.retry_after
    }

    /// How many attempts were made, including the first and any replay after a 401.
    pub fn attempts(&self) -> u32 {
        self.details.call.as_ref().map_or(0, |call| call.attempts)
    }

    /// How long the call took, including waits.
    pub fn elapsed(&self) -> Duration {
        self.details.call.as_ref().map_or(Duration::ZERO, |call| call.elapsed)
    }

    /// The operation that failed, such as `create_collective_onboarding`. `None` for a configuration error.
    pub fn operation(&self) -> Option<&'static str> {
        self.details.call.as_ref().map(|call| call.operation)
    }

    fn advice(&self) -> &'static str {
        match (self.outcome(), self.status().map(|s| s.as_u16())) {
            (Outcome::NotSent, _) if self.kind() == ErrorKind::Config || self.is_permanent() => "fix it and retry",
            (Outcome::NotSent, _) => "it is safe to retry",
            (Outcome::Rejected, Some(401 | 403)) => "check the credentials",
            (Outcome::Rejected, Some(425 | 429)) => "retry later",
            (Outcome::Rejected, Some(300..=399 | 404 | 405)) => "check the base URL",
            (Outcome::Rejected, _) => "fix the request before you retry",
            (Outcome::Applied | Outcome::Unknown, _) if self.details.call.as_ref().is_some_and(|call| call.is_safe) => {
                "it is safe to retry"
            }
            (Outcome::Applied, _) => "do not retry: body() has what arrived of the response",
            (Outcome::Unknown, _) => "find out before you retry",
        }
    }
}

/// The outcome comes first, so that it is never cut off.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { message, call, .. } = &*self.details;
        let Some(call) = call else { return f.write_str(&cut(message, MAX_MESSAGE)) };
        let FailedCall { operation, is_safe, attempts, elapsed, .. } = call;
        let mut line = format!("{}: {message}", self.outcome().sentence(operation, *is_safe));
        line += &self.code().map(|code| format!(", code {}", quoted(code))).unwrap_or_default();
        line += &self.request_id().map(|id| format!(", request id {}", quoted(id))).unwrap_or_default();
        if *attempts > 0 {
            line += &format!(" ({attempts} attempt{} in {elapsed:.1?})", if *attempts == 1 { "" } else { "s" });
        }
        line += &format!("; {}", self.advice());
        if let (Outcome::NotSent | Outcome::Rejected, Some(wait)) = (self.outcome(), self.retry_after()) {
            line += &format!(", after {} s", wait.as_secs());
        }
        f.write_str(&cut(&line, MAX_MESSAGE))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The error of the user's token source may contain anything.
        let source = self.details.source.as_ref();
        let ours = source.filter(|s| s.is::<reqwest::Error>() || s.is::<Self>() || s.is::<Arc<Self>>());
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("outcome", &self.outcome())
            .field("message", &self.to_string())
            .field("source", &ours)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.details.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_and_can_be_shared() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Error>();
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }

    fn call(attempts: u32) -> FailedCall {
        FailedCall { operation: "op", is_safe: false, attempts, elapsed: Duration::ZERO, may_have_run: false }
    }

    #[test]
    fn a_call_that_was_not_sent_says_whether_to_fix_something_first() {
        for (kind, permanent, advice) in [
            (ErrorKind::Config, false, "fix it and retry"),
            (ErrorKind::Connect, true, "fix it and retry"),
            (ErrorKind::Connect, false, "it is safe to retry"),
        ] {
            let error = Error::new(kind, Outcome::NotSent, "why").permanent(permanent);
            let error = error.of_call(call(0));
            assert_eq!(error.to_string(), format!("op was not sent: why; {advice}"));
        }
    }

    #[test]
    fn an_earlier_attempt_that_may_have_run_matters_only_if_it_changes_something() {
        for (is_safe, outcome) in [(false, Outcome::Unknown), (true, Outcome::Rejected)] {
            let error = Error::new(ErrorKind::Status, Outcome::Rejected, "404");
            let error = error.of_call(FailedCall { is_safe, may_have_run: true, ..call(2) });
            assert_eq!(error.outcome(), outcome);
        }
    }

    #[test]
    fn a_message_is_one_line_of_300_characters_at_most() {
        let error = Error::new(ErrorKind::Status, Outcome::Unknown, "é\u{1F600}".repeat(400)).of_call(call(3));
        assert_eq!(error.to_string().chars().count(), 300);
    }
}
