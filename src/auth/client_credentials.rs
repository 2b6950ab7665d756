//! The OAuth 2.0 client credentials grant (RFC 6749, section 4.4): one form POST.

use super::{AccessToken, token_cache::Grant};
use crate::address::{bare_host, checked_url};
use crate::error::Error;
use crate::transport::{BodyState, Record};
use http::{StatusCode, header::ACCEPT};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// The vendor's page "Retrieve a temporary access token".
pub(crate) const TOKEN_URL: &str = "https://signin.energy/am/oauth2/realms/root/realms/difesp/access_token";
/// The same page.
const SCOPE: &str = "esp";
/// Ten times what a token endpoint takes on a bad day, and well within a call.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// A hundred times a usual reply.
const BODY_LIMIT: usize = 64 * 1024;
/// Where the reply has no `expires_in`: short enough that a token that ends sooner is rare.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);
/// A token that claims to live longer is renewed once a day all the same.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
/// The error codes of RFC 6749, section 5.2. Others are not shown: a server may echo anything.
const ERROR_CODES: &str =
    "invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type invalid_scope";

/// Client credentials, from which a client gets its tokens, and renews them, by itself.
///
/// ```
/// use traxes_connect::{Client, ClientCredentials};
///
/// let credentials = ClientCredentials::new("client-id", "client-secret");
/// let client = Client::builder().client_credentials(credentials).build()?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
///
/// The token is shared by the clones of the client, and renewed before it ends. There is no background task: a call that
/// needs a token waits for it. `Debug` shows neither id nor secret.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    id: SecretString,
    secret: SecretString,
    /// Until it is checked it may hold a password.
    token_url: SecretString,
    scope: String,
}

impl ClientCredentials {
    /// Credentials for the vendor's token endpoint and scope.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into().into(),
            secret: secret.into().into(),
            token_url: TOKEN_URL.into(),
            scope: SCOPE.to_owned(),
        }
    }

    /// Another token endpoint: https, or on loopback.
    pub fn token_url(self, url: impl Into<String>) -> Self {
        Self { token_url: url.into().into(), ..self }
    }

    /// Another scope. The default is `esp`.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self { scope: scope.into(), ..self }
    }

    /// The token endpoint, if it and all else may be used.
    pub(crate) fn checked(&self, plain_http: bool) -> Result<Url, Error> {
        for (setting, value) in [("client_id", &self.id), ("client_secret", &self.secret)] {
            if value.expose_secret().is_empty() {
                return Err(Error::config(setting, "is empty: set it to what the vendor gave you"));
            }
        }
        checked_url("token_url", self.token_url.expose_secret(), plain_http)
    }

    /// Fetches a token, once the credentials are checked.
    pub(crate) async fn fetch(self: Arc<Self>, http: reqwest::Client) -> Result<Grant, Error> {
        let too_late = |_| Error::auth(format!("the token endpoint did not answer in {FETCH_TIMEOUT:?}"));
        timeout(FETCH_TIMEOUT, self.request(http)).await.map_err(too_late)?
    }

    async fn request(&self, http: reqwest::Client) -> Result<Grant, Error> {
        let url = self.checked(true)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.id.expose_secret()),
            ("client_secret", self.secret.expose_secret()),
            ("scope", &self.scope),
        ];
        let request = http.post(url.clone()).header(ACCEPT, "application/json").form(&form);
        let host = bare_host(&url);
        let no_answer = |e| Error::auth(format!("no answer from the token endpoint on {host}")).with_source(e);
        let mut response = request.send().await.map_err(no_answer)?;
        let record = Record::default();
        record.receive(&mut response, BODY_LIMIT).await;
        let received = record.take();
        let raw = received.response.expect("the head was received");
        if !raw.status.is_success() {
            return Err(refused(raw.status, &raw.body));
        }
        match received.body_state {
            BodyState::Complete => grant(&raw.body),
            BodyState::Cut(error) => Err(Error::auth("the reply of the token endpoint was cut").with_source(error)),
            BodyState::Open | BodyState::TooLarge => {
                Err(Error::auth(format!("the reply of the token endpoint is larger than {BODY_LIMIT} bytes")))
            }
        }
    }
}

fn refused(status: StatusCode, body: &[u8]) -> Error {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = ERROR_CODES.split(' ').find(|code| body["error"] == *code);
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let advice = match status.as_u16() {
        429 | 500.. => "try again later",
        300..=399 | 404 | 405 => "check the token URL",
        _ => "check client id, client secret and scope",
    };
    Error::auth(format!("the token endpoint answered {status}{code}: {advice}"))
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: Option<Value>,
}

/// The token of a reply. What serde says of a bad one may quote it, so it is not passed on.
fn grant(body: &[u8]) -> Result<Grant, Error> {
    let reply: TokenReply = serde_json::from_slice(body)
        .map_err(|_| Error::auth("the reply of the token endpoint is no JSON object with an access_token"))?;
    let token = AccessToken::named("the access_token of the token endpoint", reply.access_token)
        .map_err(|error| Error::auth(error.to_string()))?;
    Ok(Grant { token, lifetime: lifetime(reply.expires_in) })
}

/// `expires_in`, in seconds, in whatever way servers write it. A negative one is over already.
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
