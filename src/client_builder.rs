//! The settings of a client, and the checks on them.

use crate::access_token::AccessToken;
use crate::added_headers::OnAttempt;
use crate::auth::{ClientCredentials, Credentials, TokenCache, TokenEndpoint, TokenSource, Tokens};
use crate::client::{Client, Shared};
use crate::connect_error::{found_no_roots, root_cause, system_proxy};
#[cfg(feature = "drift")]
use crate::drift::{DriftReport, OnDrift};
use crate::generated::BASE_URL;
use crate::{address::checked_url, error::Error, retry::RetryPolicy, setting::Setting};
use http::HeaderMap;
use reqwest::{Url, redirect};
use std::{fmt, sync::Arc, time::Duration};
use tracing::warn;

/// Ten times what a healthy handshake across the world takes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What gateways commonly allow a request: a slower response does not get through.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Below the 30 to 60 seconds after which load balancers close: a connection that closes mid-request is an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Longer than any server keeps a connection, and short enough for `Instant` arithmetic.
const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(86_400);
/// A thousand times the usual response.
const BODY_LIMIT: usize = 1024 * 1024;
const USER_AGENT: &str = concat!("traxes-connect/", env!("CARGO_PKG_VERSION"));

impl Client {
    /// A client with an access token and the defaults of [`ClientBuilder`].
    ///
    /// # Errors
    ///
    /// `Config` if the token is empty or contains anything outside visible ASCII.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        Self::builder().token(token).build()
    }

    /// A builder, for settings other than the defaults.
    pub fn builder() -> ClientBuilder {
        let no_token = "is not set: set a token, client_credentials or a token_source";
        ClientBuilder {
            base_url: Setting::new("base_url", BASE_URL),
            token_url: None,
            credentials: Err(Error::config("token", no_token)),
            retry: RetryPolicy::default(),
            connect_timeout: CONNECT_TIMEOUT,
            attempt_timeout: ATTEMPT_TIMEOUT,
            pool_idle_timeout: IDLE_TIMEOUT,
            body_limit: BODY_LIMIT,
            user_agent: USER_AGENT.to_owned(),
            plain_http: false,
            http: reqwest::Client::builder(),
            customised: false,
            on_attempt: None,
            #[cfg(feature = "drift")]
            on_drift: None,
        }
    }
}

/// The settings of a [`Client`]. They are checked in [`build`](Self::build).
///
/// ```
/// use std::time::Duration;
/// use traxes_connect::{Client, RetryPolicy};
///
/// let client = Client::builder()
///     .token("an-access-token")
///     .base_url("https://gateway.example/connect")
///     .attempt_timeout(Duration::from_secs(10))
///     .retry(RetryPolicy::new().max_attempts(5))
///     .build()?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
pub struct ClientBuilder {
    base_url: Setting<String>,
    /// The token endpoint that belongs to the base URL, if known.
    token_url: Option<String>,
    credentials: Result<Credentials, Error>,
    retry: RetryPolicy,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    pool_idle_timeout: Duration,
    body_limit: usize,
    user_agent: String,
    plain_http: bool,
    http: reqwest::ClientBuilder,
    customised: bool,
    on_attempt: Option<OnAttempt>,
    #[cfg(feature = "drift")]
    on_drift: Option<OnDrift>,
}

impl ClientBuilder {
    /// A fixed access token of visible ASCII. The last of `token`, `client_credentials` and `token_source` wins.
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { credentials: AccessToken::named("token", token).map(Credentials::Fixed), ..self }
    }

    /// Client credentials, with which the client gets and renews its tokens.
    pub fn client_credentials(self, credentials: ClientCredentials) -> Self {
        Self { credentials: Ok(Credentials::Granted(credentials)), ..self }
    }

    /// Where to get a token for each attempt.
    pub fn token_source(self, source: impl TokenSource) -> Self {
        Self { credentials: Ok(Credentials::Source(Box::new(source))), ..self }
    }

    /// The API's URL: scheme, host, and port and path if needed. The default is production.
    pub fn base_url(self, url: impl Into<String>) -> Self {
        self.base_url_setting(Setting::new("base_url", url))
    }

    pub(crate) fn base_url_setting(self, base_url: Setting<String>) -> Self {
        Self { base_url, token_url: None, ..self }
    }

    /// Token endpoint and API of one server.
    #[cfg(feature = "sandbox")]
    pub(crate) fn server(self, base_url: String, token_url: String) -> Self {
        Self { token_url: Some(token_url), ..self.base_url(base_url) }
    }

    /// What is retried and how long a call may take. The default is [`RetryPolicy::new`].
    pub fn retry(self, policy: RetryPolicy) -> Self {
        Self { retry: policy, ..self }
    }

    /// How long connecting may take, including TLS. The default is 5 seconds.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// How long one attempt may take, including the body. The default is 30 seconds.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        Self { attempt_timeout: timeout, ..self }
    }

    /// How long an unused connection is kept. The default is 20 seconds.
    pub fn pool_idle_timeout(self, timeout: Duration) -> Self {
        Self { pool_idle_timeout: timeout, ..self }
    }

    /// The maximum number of body bytes read, including error bodies. The default is 1 MiB.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// What follows `traxes-connect/<version>` in `user-agent`, such as `my-app/1.2`.
    pub fn user_agent_suffix(self, suffix: impl Into<String>) -> Self {
        Self { user_agent: [USER_AGENT, &suffix.into()].join(" "), ..self }
    }

    /// Allows plain `http` to hosts other than loopback: anyone on the path can read the token.
    pub fn dangerously_allow_plain_http(self) -> Self {
        Self { plain_http: true, ..self }
    }

    /// Configures the underlying HTTP client, such as its proxy or the roots it trusts.
    ///
    /// ```
    /// use traxes_connect::{Client, reqwest::Proxy};
    ///
    /// let proxy = Proxy::https("http://proxy.example:3128").expect("a valid URL");
    /// let client = Client::builder().token("an-access-token").configure_http(|http| http.proxy(proxy)).build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// This crate's own settings take precedence: those of this builder, including their defaults, no redirects, no retries but
    /// its own, HTTP/1.1 without content encodings, and no proxy if the API or the token endpoint is on plain http: it would
    /// see secrets in the clear.
    pub fn configure_http(self, customise: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Self {
        Self { http: customise(self.http), customised: true, ..self }
    }

    /// Calls `callback` before each attempt, to add headers to its request, such as the `traceparent` of a trace.
    ///
    /// ```
    /// use traxes_connect::{Client, http::HeaderValue};
    ///
    /// let client = Client::builder()
    ///     .token("an-access-token")
    ///     .on_attempt(|headers| {
    ///         headers.insert("x-correlation-id", HeaderValue::from_static("job-7"));
    ///     })
    ///     .build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// The map is empty: the token is not in it. The callback cannot change headers that the client sets, such as
    /// `authorization`, `content-type` and `content-length`: they are left out, with a warning. It runs in the attempt's span,
    /// and not for token requests. Keep it short. If it panics, so does the call, and this attempt was not sent.
    pub fn on_attempt(self, callback: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        Self { on_attempt: Some(Arc::new(callback)), ..self }
    }

    /// Calls `callback` for each response that has something the API description does not know: unknown fields, unknown enum
    /// values, an undocumented 2xx, or fields that could not be read. The response is still returned. The same findings are
    /// logged as warnings.
    ///
    /// ```
    /// use traxes_connect::Client;
    ///
    /// let client = Client::builder().token("an-access-token").on_drift(|report| eprintln!("{report}")).build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// This costs one more parse of each successful response, and nothing if there is neither a callback nor a log that takes
    /// warnings. The callback runs within the call: keep it short. If it panics, the panic is logged, and the call still
    /// returns its response.
    #[cfg(feature = "drift")]
    pub fn on_drift(mut self, callback: impl Fn(&DriftReport) + Send + Sync + 'static) -> Self {
        self.on_drift = Some(Arc::new(callback));
        self
    }

    /// Checks the settings and builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `Config`, which names the setting and what is wrong with it.
    pub fn build(self) -> Result<Client, Error> {
        let credentials = self.credentials?;
        let base_url = checked_url(self.base_url.name, &self.base_url.value, self.plain_http)?;
        let token_url = match &credentials {
            Credentials::Granted(granted) => {
                granted.check()?;
                Some(granted.endpoint_url(&base_url, self.token_url.as_deref(), self.plain_http)?)
            }
            Credentials::Fixed(_) | Credentials::Source(_) => None,
        };
        let urls = || [Some(&base_url), token_url.as_ref()].into_iter().flatten();
        let plain = urls().any(|url| url.scheme() == "http");
        let tls = urls().any(|url| url.scheme() == "https");
        for (setting, is_zero) in [
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("attempt_timeout", self.attempt_timeout.is_zero()),
            ("total_timeout", self.retry.total_timeout.is_zero()),
            ("body_limit", self.body_limit == 0),
        ] {
            if is_zero {
                return Err(Error::config(setting, "is zero, so no call can succeed: set a larger value"));
            }
        }
        let printable = self.user_agent.bytes().all(|b| matches!(b, b' '..=b'~'));
        if !printable || self.user_agent.len() == USER_AGENT.len() + 1 {
            let problem = "is empty or has a character outside printable ASCII: omit it or fix it";
            return Err(Error::config("user_agent_suffix", problem));
        }
        // reqwest panics without one, even if the URL is plain http.
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::config("TLS", "has no provider: install a rustls CryptoProvider as the default first"));
        }
        // Neither a customiser nor a feature enabled by another crate may change these.
        let http = self
            .http
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.pool_idle_timeout.min(MAX_IDLE_TIMEOUT))
            .user_agent(&self.user_agent)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connection_verbose(false);
        let http = if plain { http.no_proxy() } else { http };
        let has_proxy = |url: &Url| url.scheme() == "https" && system_proxy(url).is_some();
        if plain && tls && (self.customised || urls().any(has_proxy)) {
            let which = if self.customised { "a proxy set in configure_http" } else { "the system proxy" };
            warn!(
                "{which} is not used, not even for https: the API or the token endpoint is on plain http, and a proxy could read \
                 the secrets sent there"
            );
        }
        // A machine without root certificates can still talk to itself.
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
        let http = if tls { http } else { http.tls_certs_only([]) };
        let http = http.build().map_err(|error| unusable(error, self.customised))?;
        let proxy_for = |url: &Url| if plain || self.customised { None } else { system_proxy(url) };
        let tokens = match credentials {
            Credentials::Fixed(token) => Tokens::Fixed(token),
            Credentials::Source(source) => Tokens::Source(source),
            Credentials::Granted(granted) => {
                let url = token_url.expect("checked above");
                let proxy = proxy_for(&url);
                let endpoint = TokenEndpoint::new(granted, url, http.clone(), proxy);
                Tokens::Granted { endpoint: Arc::new(endpoint), cache: TokenCache::default() }
            }
        };
        Ok(Client {
            shared: Arc::new(Shared {
                http,
                proxy: proxy_for(&base_url),
                base_url: Arc::new(base_url),
                tokens,
                on_attempt: self.on_attempt,
                attempt_timeout: self.attempt_timeout,
                body_limit: self.body_limit,
                #[cfg(feature = "drift")]
                on_drift: self.on_drift,
            }),
            retry: self.retry,
        })
    }
}

/// Why the HTTP client could not be built.
fn unusable(error: reqwest::Error, customised: bool) -> Error {
    let why = if found_no_roots(&error) {
        let advice = "install the package ca-certificates, or set SSL_CERT_FILE to a PEM file of root certificates";
        Error::config("TLS", format_args!("found no root certificates on this machine: {advice}"))
    } else if customised {
        let cause = root_cause(&error);
        Error::config("configure_http", format_args!("set options that were refused ({cause}): fix them"))
    } else {
        Error::config("TLS", format_args!("could not be set up ({}): see source()", root_cause(&error)))
    };
    why.with_source(error)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("retry", &self.retry).finish_non_exhaustive()
    }
}
