//! One token request to a token endpoint (RFC 6749, section 4.4), and what its response says.

use super::client_credentials::ClientCredentials;
use super::grant::{FETCH_TIMEOUT, Grant};
use crate::access_token::AccessToken;
use crate::address::server;
use crate::connect_error::{not_connected, root_cause};
use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;
use crate::raw_response::RawResponse;
use crate::record::{BodyState, Record};
use crate::retry::retry_after;
use http::StatusCode;
use http::header::{ACCEPT, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

/// A hundred times the usual response.
const BODY_LIMIT: usize = 64 * 1024;
/// If the response has no `expires_in`: few tokens expire sooner.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// A token that claims to live longer is still renewed once a day.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
/// The error codes of RFC 6749, section 5.2. Others are not shown: a server may echo anything.
const ERROR_CODES: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// A token endpoint with a client's credentials, and what the client has learned about it.
pub(crate) struct TokenEndpoint {
    credentials: ClientCredentials,
    url: Url,
    http: reqwest::Client,
    /// The system's proxy for it, for messages.
    proxy: Option<String>,
    takes_basic: AtomicBool,
}

/// How a client authenticates (RFC 6749, section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq)]
enum ClientAuthentication {
    /// In the request body, as the vendor documents.
    Form,
    /// As HTTP Basic user and password, which the RFC requires every server to support.
    Basic,
}

impl ClientAuthentication {
    fn other(self) -> Self {
        match self {
            Self::Form => Self::Basic,
            Self::Basic => Self::Form,
        }
    }
}

/// Why a request got no token.
struct Refusal {
    error: Error,
    cause: RefusalCause,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum RefusalCause {
    /// The client was not recognised: the other way to authenticate may succeed.
    Client,
    /// The client was recognised, but may not have what it asks for.
    Request,
    Other,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, cause: RefusalCause::Other }
    }
}

impl TokenEndpoint {
    pub(crate) fn new(credentials: ClientCredentials, url: Url, http: reqwest::Client, proxy: Option<String>) -> Self {
        Self { credentials, url, http, proxy, takes_basic: AtomicBool::new(false) }
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> String {
        format!("the token endpoint on {}", server(&self.url))
    }

    /// Fetches a token. An error says where it failed: `Connect`, `Transport` or `Timeout` on the way, otherwise `Auth`.
    /// Authenticates the way that worked before, and if that is refused, once the other way.
    pub(crate) async fn fetch(self: Arc<Self>) -> Result<Grant, Error> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let takes_basic = self.takes_basic.load(Ordering::Relaxed);
        let usual = if takes_basic { ClientAuthentication::Basic } else { ClientAuthentication::Form };
        let refused = match self.request(usual, deadline).await {
            Err(Refusal { error, cause: RefusalCause::Client }) => error,
            ended => return ended.map_err(|refusal| refusal.error),
        };
        let ended = self.request(usual.other(), deadline).await;
        if matches!(ended, Ok(_) | Err(Refusal { cause: RefusalCause::Request, .. })) {
            self.takes_basic.store(!takes_basic, Ordering::Relaxed);
        }
        ended.map_err(|other| match other.cause {
            // The refusal of the usual way says more about why.
            RefusalCause::Client => refused,
            RefusalCause::Request | RefusalCause::Other => other.error,
        })
    }

    async fn request(&self, authentication: ClientAuthentication, deadline: Instant) -> Result<Grant, Refusal> {
        let too_late = || timed_out(format!("{} did not answer within {FETCH_TIMEOUT:?}", self.name()));
        // The server counts from a later moment, when it issues the token.
        let requested = Instant::now();
        let request = self.http.post(self.url.clone()).header(ACCEPT, "application/json");
        let sent = timeout_at(deadline, self.authenticate(request, authentication).send()).await;
        let mut response = sent.map_err(|_| too_late())?.map_err(|error| self.no_response(error))?;
        let record = Record::default();
        // A refusal counts even without its body.
        let _ = timeout_at(deadline, record.receive(&mut response, BODY_LIMIT)).await;
        let received = record.take();
        let raw = received.response.expect("the head was received");
        if !raw.status.is_success() {
            return Err(refused(&raw));
        }
        match received.body_state {
            BodyState::Complete => Ok(grant(&raw, requested)?),
            BodyState::Open => Err(too_late().into()),
            BodyState::Cut(error) if error.is_timeout() => Err(self.no_response(error).into()),
            BodyState::Cut(error) => {
                let message = format!("the token endpoint's response was cut short: {}", root_cause(&error));
                Err(Error::new(ErrorKind::Transport, Outcome::NotSent, message).with_source(error).into())
            }
            BodyState::TooLarge => {
                Err(Error::auth(format!("the token endpoint's response is larger than {BODY_LIMIT} bytes")).into())
            }
        }
    }

    fn authenticate(&self, request: RequestBuilder, authentication: ClientAuthentication) -> RequestBuilder {
        let (id, secret) = (self.credentials.id(), self.credentials.secret());
        let grant_type = ("grant_type", "client_credentials");
        let scope = ("scope", self.credentials.scope_value());
        match authentication {
            ClientAuthentication::Form => {
                request.form(&[grant_type, ("client_id", id), ("client_secret", secret), scope])
            }
            ClientAuthentication::Basic => {
                request.basic_auth(form_encoded(id), Some(form_encoded(secret))).form(&[grant_type, scope])
            }
        }
    }

    fn no_response(&self, error: reqwest::Error) -> Error {
        let endpoint = self.name();
        if error.is_connect() {
            return not_connected(&endpoint, self.proxy.as_deref(), error);
        }
        if error.is_timeout() {
            return timed_out(format!("{endpoint} did not answer in time")).with_source(error);
        }
        let message = format!("the connection to {endpoint} broke before a response arrived: {}", root_cause(&error));
        Error::new(ErrorKind::Transport, Outcome::NotSent, message).with_source(error)
    }
}

/// An id or secret, as RFC 6749 requires in HTTP Basic. Some servers, Authlib's among them, do not read `+` as a space.
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn timed_out(message: String) -> Error {
    Error::new(ErrorKind::Timeout, Outcome::NotSent, message)
}

fn refused(raw: &RawResponse) -> Refusal {
    let body: Value = serde_json::from_slice(raw.json()).unwrap_or_default();
    let known = ERROR_CODES.into_iter().find(|code| body["error"] == *code);
    let code = known.map(|code| format!(" ({code})")).unwrap_or_default();
    let (advice, permanent) = match raw.status.as_u16() {
        408 | 425 | 429 | 500.. => ("try again later", false),
        300..=399 | 404 | 405 => ("check the token URL", true),
        _ => ("check client id, client secret and scope", true),
    };
    let error = Error::auth(format!("the token endpoint answered {}{code}: {advice}", raw.status));
    let cause = match (raw.status.as_u16(), known) {
        (400 | 401, Some("invalid_client")) => RefusalCause::Client,
        (400 | 401, Some("invalid_scope" | "unauthorized_client" | "unsupported_grant_type")) => RefusalCause::Request,
        _ if asks_for_basic(raw) => RefusalCause::Client,
        _ => RefusalCause::Other,
    };
    let retry_after = retry_after(&raw.headers, SystemTime::now());
    Refusal { error: error.permanent(permanent).with_retry_after(retry_after), cause }
}

/// Whether a 401 challenges with HTTP Basic (RFC 9110, section 11.6.1).
fn asks_for_basic(raw: &RawResponse) -> bool {
    let challenges = raw.headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok());
    let mut schemes = challenges.flat_map(|value| value.split(',')).filter_map(|part| part.split_whitespace().next());
    raw.status == StatusCode::UNAUTHORIZED && schemes.any(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    expires_in: Option<Value>,
}

/// The token in a response. serde's error for a bad one may quote it, so it is not passed on.
fn grant(raw: &RawResponse, requested: Instant) -> Result<Grant, Error> {
    let response: TokenResponse = serde_json::from_slice(raw.json())
        .map_err(|_| Error::auth("the token endpoint's response is not a JSON object with an access_token"))?;
    let token = AccessToken::named("the token endpoint's access_token", response.access_token)
        .map_err(|error| Error::auth(error.to_string()))?;
    Ok(Grant { token, requested, lifetime: lifetime(response.expires_in) })
}

/// `expires_in`, in seconds, however servers write it. A negative one has already expired.
fn lifetime(expires_in: Option<Value>) -> Duration {
    let number = |value: Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    match expires_in.and_then(number) {
        Some(seconds) if !seconds.is_nan() => {
            Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(MAX_LIFETIME).min(MAX_LIFETIME)
        }
        _ => DEFAULT_LIFETIME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lifetime_is_read_however_it_is_written() {
        let hour = Duration::from_secs(3599);
        for (expires_in, expected) in [
            (json!(3599), hour),
            (json!("3599"), hour),
            (json!(" 3599 "), hour),
            (json!("\t3599\n"), hour),
            (json!(3599.0), hour),
            (json!("3599.5"), hour + Duration::from_millis(500)),
            (json!(0), Duration::ZERO),
            (json!(-5), Duration::ZERO),
            (json!("-5.5"), Duration::ZERO),
            (json!(1e300), MAX_LIFETIME),
            (json!(u64::MAX), MAX_LIFETIME),
            (json!("inf"), MAX_LIFETIME),
            (json!("NaN"), DEFAULT_LIFETIME),
            (json!("soon"), DEFAULT_LIFETIME),
            (json!(""), DEFAULT_LIFETIME),
            (json!(null), DEFAULT_LIFETIME),
            (json!([3599]), DEFAULT_LIFETIME),
        ] {
            assert_eq!(lifetime(Some(expires_in.clone())), expected, "{expires_in}");
        }
        assert_eq!(lifetime(None), DEFAULT_LIFETIME);
    }
}
