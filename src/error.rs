//! What went wrong, and whether the request happened all the same.

use crate::auth::AccessToken;
use crate::response::{Reply, request_id};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc, time::Duration};

/// A boxed error of any type, as the source of an [`Error`].
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Longest text that `Display` of an [`Error`] writes, in characters: a line that any log keeps whole.
const MAX_MESSAGE: usize = 300;
/// Longest text of the server's that gets into it: room for a UUID and a prefix.
const MAX_QUOTED: usize = 64;

/// Why a call failed, and whether the request was applied all the same.
///
/// ```
/// # async fn run(client: traxes_connect::Client) {
/// use traxes_connect::{CollectiveOnboardingRequest, Outcome};
///
/// let request = CollectiveOnboardingRequest::new("Rue de la Loi 16");
/// if let Err(error) = client.create_collective_onboarding(&request).await {
///     match error.outcome() {
///         Outcome::NotSent | Outcome::Rejected => println!("not created: {error}"),
///         Outcome::Applied => println!("created, but the reply is unreadable: {error}"),
///         _ => println!("find out before you send it again: {error}"),
///     }
/// }
/// # }
/// ```
///
/// `Display` is one line of at most 300 characters, and like `Debug` it is safe to log: no secret, no body, of the server's
/// own words only its error code and request id, and nothing of what a [`TokenSource`](crate::TokenSource) of yours says.
pub struct Error {
    kind: ErrorKind,
    outcome: Outcome,
    told: Box<Told>,
}

#[derive(Default)]
struct Told {
    message: Cow<'static, str>,
    operation: Option<&'static str>,
    reply: Option<Reply>,
    code: Option<String>,
    detail: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    elapsed: Duration,
    source: Option<BoxError>,
}

/// The stage at which a call failed. `Display` and JSON have it in snake case, as logs do.
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
    /// A setting is wrong. Nothing was sent. The message names the setting: correct it.
    Config,
    /// No access token was to be had, so no attempt was made. Look at `source()`, and at the credentials.
    Auth,
    /// No connection came about: the name did not resolve, the connection was refused or timed out, or TLS failed.
    /// Nothing was sent. Repeating is safe, and was done as often as the policy says.
    Connect,
    /// The attempt or the call ran out of time. With outcome `Applied`, a success had begun to arrive.
    Timeout,
    /// The connection broke before a reply came. The request may have run.
    Transport,
    /// The server answered with a status other than 2xx. The outcome follows from the status. Where a 401 could not be replayed
    /// for want of another token, `source()` says why.
    Status,
    /// The server answered with 2xx, and its body cannot be read. The request was applied: status, request id and the
    /// bytes that came are in the error.
    Decode,
}

/// Whether a failed request was applied. `Display` and JSON have it in snake case, as logs do.
///
/// ```
/// use traxes_connect::{Error, Outcome};
///
/// fn may_be_sent_again(error: &Error) -> bool {
///     matches!(error.outcome(), Outcome::NotSent | Outcome::Rejected)
/// }
/// assert_eq!(Outcome::NotSent.to_string(), "not_sent");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was sent, so nothing happened. Sending it again is safe.
    NotSent,
    /// The server refused the request, so nothing happened. Sending it again is safe, and sensible once what it refused
    /// is mended, or after [`Error::retry_after`].
    Rejected,
    /// The server applied the request, and its reply is unreadable. Sending it again would create a second one.
    Applied,
    /// The request may have been applied or not. Find out before sending it again.
    Unknown,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, outcome: Outcome, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, outcome, told: Box::new(Told { message: message.into(), ..Told::default() }) }
    }

    /// No token was to be had.
    pub(crate) fn auth(problem: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Auth, Outcome::NotSent, problem)
    }

    /// A wrong setting. `problem` follows its name.
    pub(crate) fn config(setting: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Config, Outcome::NotSent, format!("{setting} {problem}"))
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.told.source = Some(source.into());
        self
    }

    /// What the server answered to a request with this token. Where it echoes the token, that is left to `body()` alone.
    pub(crate) fn with_reply(mut self, reply: Reply, retry_after: Option<Duration>, token: &AccessToken) -> Self {
        let shown = |text: &String| !token.is_in(text.as_bytes());
        [self.told.code, self.told.detail] = words(&reply.body).map(|text| text.filter(shown));
        self.told.reply = Some(reply);
        self.told.retry_after = retry_after;
        self
    }

    /// Makes the error of an attempt that of its call. That an earlier attempt may have run stands, whatever came later.
    pub(crate) fn of_call(mut self, name: &'static str, attempts: u32, took: Duration, may_have_run: bool) -> Self {
        self.told.operation = Some(name);
        self.told.attempts = attempts;
        self.told.elapsed = took;
        if may_have_run && self.outcome != Outcome::Applied {
            self.outcome = Outcome::Unknown;
        }
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

    /// The status of the reply, where one came.
    pub fn status(&self) -> Option<StatusCode> {
        self.told.reply.as_ref().map(|reply| reply.status)
    }

    /// The headers of the reply, where one came.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.told.reply.as_ref().map(|reply| &reply.headers)
    }

    /// What came of the body of the reply, up to the [body limit](crate::ClientBuilder::body_limit). Empty where none came.
    pub fn body(&self) -> &[u8] {
        self.told.reply.as_ref().map_or(&[], |reply| &reply.body)
    }

    /// The server's error code, where the body has one: `code` or `error` of an error object, of problem details, or of
    /// the first of an `errors` array.
    pub fn code(&self) -> Option<&str> {
        self.told.code.as_deref()
    }

    /// The server's own explanation, where the body has one: `detail`, `message`, `error_description` or `title`. It may
    /// quote what was sent, so neither `Display` nor `Debug` shows it.
    pub fn detail(&self) -> Option<&str> {
        self.told.detail.as_deref()
    }

    /// The id under which the server knows the request: what its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.headers().and_then(request_id)
    }

    /// How long the server asked to wait before the next request.
    pub fn retry_after(&self) -> Option<Duration> {
        self.told.retry_after
    }

    /// How many times the request was begun, the first one and a replay after a 401 included.
    pub fn attempts(&self) -> u32 {
        self.told.attempts
    }

    /// How long the call took, waits included.
    pub fn elapsed(&self) -> Duration {
        self.told.elapsed
    }

    /// The operation that failed, such as `create_collective_onboarding`. None for an error of the configuration.
    pub fn operation(&self) -> Option<&'static str> {
        self.told.operation
    }

    fn advice(&self) -> &'static str {
        match (self.outcome(), self.status().map(|s| s.as_u16())) {
            (Outcome::NotSent, _) if self.kind() == ErrorKind::Config => "correct it, and repeat",
            (Outcome::NotSent, _) => "it is safe to repeat",
            (Outcome::Rejected, Some(401 | 403)) => "check the credentials",
            (Outcome::Rejected, Some(425 | 429 | 503)) => "repeat it later",
            (Outcome::Rejected, Some(300..=399 | 404 | 405)) => "check the base URL",
            (Outcome::Rejected, _) => "correct the request before repeating it",
            (Outcome::Applied, _) => "do not repeat it: what came of the reply is in body()",
            (Outcome::Unknown, _) => "find out before repeating it",
        }
    }
}

/// The outcome comes first, where no cut reaches it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { message, attempts, elapsed, .. } = &*self.told;
        let Some(operation) = self.operation() else { return f.write_str(&cut(message, MAX_MESSAGE)) };
        let happened = match self.outcome() {
            Outcome::NotSent => "was not sent",
            Outcome::Rejected => "was rejected",
            Outcome::Applied => "was applied",
            Outcome::Unknown => "may have been applied",
        };
        let mut line = format!("{operation} {happened}: {message}");
        line += &self.code().map(|code| format!(", code {}", quoted(code))).unwrap_or_default();
        line += &self.request_id().map(|id| format!(", request id {}", quoted(id))).unwrap_or_default();
        if *attempts > 0 {
            line += &format!(" ({attempts} attempt{} in {elapsed:.1?})", if *attempts == 1 { "" } else { "s" });
        }
        line += &format!("; {}", self.advice());
        if let (Outcome::Rejected, Some(wait)) = (self.outcome(), self.retry_after()) {
            line += &format!(", after {} s", wait.as_secs());
        }
        f.write_str(&cut(&line, MAX_MESSAGE))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a token source of the user's says may hold anything.
        let source = self.told.source.as_ref();
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
        self.told.source.as_deref().map(|source| source as _)
    }
}

/// What others wrote, as it may stand in a message: one line, and not long.
pub(crate) fn quoted(text: &str) -> String {
    cut(&text.escape_debug().to_string(), MAX_QUOTED).into_owned()
}

fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => text.into(),
        Some(_) => text.chars().take(characters - 1).chain(['…']).collect(),
    }
}

/// Code and explanation of an error body, whatever its shape. That it has none is no error.
fn words(body: &[u8]) -> [Option<String>; 2] {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let objects = [&body, &body["error"], &body["errors"][0]];
    let text = |value: &Value| value.as_str().map(str::to_owned).or(value.as_number().map(ToString::to_string));
    let find = |names: &[&str]| objects.iter().find_map(|object| names.iter().find_map(|name| text(&object[name])));
    [find(&["code", "errorCode", "error"]), find(&["detail", "message", "error_description", "title"])]
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

    #[test]
    fn a_call_that_was_not_sent_says_whether_it_is_to_be_mended_first() {
        for (kind, advice) in
            [(ErrorKind::Config, "correct it, and repeat"), (ErrorKind::Connect, "it is safe to repeat")]
        {
            let error = Error::new(kind, Outcome::NotSent, "why").of_call("op", 0, Duration::ZERO, false);
            assert_eq!(error.to_string(), format!("op was not sent: why; {advice}"));
        }
    }

    #[test]
    fn words_of_an_error_body_are_found_in_every_usual_shape() {
        for (body, code, detail) in [
            (r#"{"code":"E1","message":"no"}"#, Some("E1"), Some("no")),
            (r#"{"code":17,"message":"no"}"#, Some("17"), Some("no")),
            (r#"{"type":"about:blank","title":"Bad","status":400,"detail":"no"}"#, None, Some("no")),
            (r#"{"errors":[{"code":"E1","message":"no"},{"code":"E2"}]}"#, Some("E1"), Some("no")),
            (r#"{"error":{"code":"E1","message":"no"}}"#, Some("E1"), Some("no")),
            (r#"{"error":"invalid_client","error_description":"no"}"#, Some("invalid_client"), Some("no")),
            (r#"{"errors":{"name":["required"]},"title":"no"}"#, None, Some("no")),
            (r#"{"code":null,"message":{"a":1}}"#, None, None),
            ("[]", None, None),
            ("<html>", None, None),
            ("", None, None),
        ] {
            let [found_code, found_detail] = words(body.as_bytes());
            assert_eq!((found_code.as_deref(), found_detail.as_deref()), (code, detail), "{body}");
        }
    }

    #[test]
    fn a_message_is_one_line_of_300_characters_at_most() {
        let error = Error::new(ErrorKind::Status, Outcome::Unknown, "é\u{1F600}".repeat(400)).of_call(
            "op",
            3,
            Duration::ZERO,
            false,
        );
        assert_eq!(error.to_string().chars().count(), 300);
        assert_eq!(quoted(&"\n".repeat(100)).chars().count(), 64);
        assert!(!quoted("a\nb\u{7}").contains(['\n', '\u{7}']));
    }
}
