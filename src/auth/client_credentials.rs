//! The OAuth 2.0 client credentials grant (RFC 6749, section 4.4): one form POST.

use super::{
    AccessToken,
    token_cache::{Grant, TokenCache},
};
use crate::{
    error::Error,
    transport::{End, Record},
};
use http::header::ACCEPT;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// The vendor's page "Retrieve a temporary access token".
const TOKEN_URL: &str = "https://signin.energy/am/oauth2/realms/root/realms/difesp/access_token";
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
const ERROR_CODES: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

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
#[derive(Clone)]
pub struct ClientCredentials {
    id: SecretString,
    secret: SecretString,
    token_url: String,
    scope: String,
}

impl ClientCredentials {
    /// Credentials for the vendor's token endpoint and scope.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into().into(),
            secret: secret.into().into(),
            token_url: TOKEN_URL.to_owned(),
            scope: SCOPE.to_owned(),
        }
    }

    /// Another token endpoint: https, or on loopback.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = url.into();
        self
    }

    /// Another scope. The default is `esp`.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    pub(crate) fn unchecked_token_url(&self) -> &str {
        &self.token_url
    }

    /// The source of tokens, once its URL was checked.
    pub(crate) fn source(self, url: Url, http: reqwest::Client) -> Result<GrantedTokens, Error> {
        for (setting, value) in [("client_id", &self.id), ("client_secret", &self.secret)] {
            if value.expose_secret().is_empty() {
                return Err(Error::config(setting, "is empty: set it to what the vendor gave you"));
            }
        }
        let endpoint = Arc::new(Endpoint { credentials: self, url, http });
        Ok(GrantedTokens { endpoint, cache: TokenCache::default() })
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The tokens that client credentials get.
pub(crate) struct GrantedTokens {
    endpoint: Arc<Endpoint>,
    cache: TokenCache<TokenError>,
}

struct Endpoint {
    credentials: ClientCredentials,
    url: Url,
    http: reqwest::Client,
}

impl GrantedTokens {
    /// A token for a call that ends at `deadline`.
    pub(crate) async fn token(&self, deadline: Instant) -> Result<AccessToken, TokenError> {
        self.cache.token(deadline, || Arc::clone(&self.endpoint).fetch()).await
    }

    pub(crate) fn rejected(&self, token: &AccessToken) {
        self.cache.forget(token);
    }
}

impl Endpoint {
    async fn fetch(self: Arc<Self>) -> Result<Grant, TokenError> {
        match timeout(FETCH_TIMEOUT, self.request()).await {
            Ok(grant) => grant,
            Err(_) => Err(TokenError::new(format!("the token endpoint did not answer in {FETCH_TIMEOUT:?}"))),
        }
    }

    async fn request(&self) -> Result<Grant, TokenError> {
        let ClientCredentials { id, secret, scope, .. } = &self.credentials;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.expose_secret()),
            ("client_secret", secret.expose_secret()),
            ("scope", scope),
        ];
        let request = self.http.post(self.url.clone()).header(ACCEPT, "application/json").form(&form);
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let server = self.url.host_str().unwrap_or_default();
                return Err(
                    TokenError::new(format!("no answer from the token endpoint on {server}")).with_source(error)
                );
            }
        };
        let record = Record::default();
        record.receive(&mut response, BODY_LIMIT).await;
        let (reply, end) = record.take();
        let reply = reply.expect("the head was received");
        if !reply.status.is_success() {
            return Err(refused(reply.status, &reply.body));
        }
        match end {
            End::Complete => grant(&reply.body),
            End::Cut(error) => Err(TokenError::new("the reply of the token endpoint was cut").with_source(error)),
            _ => Err(TokenError::new(format!("the reply of the token endpoint is larger than {BODY_LIMIT} bytes"))),
        }
    }
}

fn refused(status: http::StatusCode, body: &[u8]) -> TokenError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = ERROR_CODES.iter().find(|code| body["error"] == **code);
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let advice = match status.as_u16() {
        429 | 500.. => "try again later",
        300..=399 | 404 | 405 => "check the token URL",
        _ => "check client id, client secret and scope",
    };
    TokenError::new(format!("the token endpoint answered {status}{code}: {advice}"))
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    expires_in: Option<Value>,
}

/// The token of a reply. What serde says of a bad one may quote it, so it is not passed on.
fn grant(body: &[u8]) -> Result<Grant, TokenError> {
    let reply: TokenReply = serde_json::from_slice(body)
        .map_err(|_| TokenError::new("the reply of the token endpoint is no JSON object with an access_token"))?;
    let token = AccessToken::named("the access_token of the token endpoint", &reply.access_token)
        .map_err(|error| TokenError::new(error.to_string()))?;
    Ok(Grant { token, lifetime: lifetime(reply.expires_in) })
}

/// `expires_in`, in seconds, in whatever way servers write it. A negative one is over already.
fn lifetime(expires_in: Option<Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds.filter(|seconds: &f64| !seconds.is_nan()) {
        Some(seconds) => Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(MAX_LIFETIME).min(MAX_LIFETIME),
        None => DEFAULT_LIFETIME,
    }
}

/// Why there is no token. Shared by all calls that waited for it.
#[derive(Clone, Debug)]
pub(crate) struct TokenError {
    message: String,
    source: Option<Arc<reqwest::Error>>,
}

impl TokenError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    fn with_source(mut self, source: reqwest::Error) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TokenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
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
