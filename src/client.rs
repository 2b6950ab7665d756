//! The client: its configuration, and the checks of it.

#[cfg(feature = "drift")]
use crate::drift::{DriftReport, OnDrift};
use crate::{
    auth::{AccessToken, ClientCredentials, Credentials, TokenSource},
    error::Error,
    retry::RetryPolicy,
};
use reqwest::{Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// `servers` of openapi.yaml.
const BASE_URL: &str = "https://api.traxes.io/connect";
/// Ten times what a healthy handshake across the world takes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What gateways commonly give a request: a reply that takes longer comes from none.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Below the 30 to 60 seconds after which balancers close: a connection that closes under a request is an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Longer than any server keeps one, and short enough for the arithmetic of instants.
const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(86_400);
/// A thousand times a usual reply.
const BODY_LIMIT: usize = 1024 * 1024;
const USER_AGENT: &str = concat!("traxes-connect/", env!("CARGO_PKG_VERSION"));

/// A client of the API. Cheap to clone: clones share connections, credentials and settings.
///
/// ```
/// let client = traxes_connect::Client::new("an-access-token")?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
///
/// It needs a tokio runtime with time and I/O. `Debug` shows no secret.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) retry: RetryPolicy,
}

pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: Url,
    pub(crate) server_address: String,
    pub(crate) server_port: u16,
    pub(crate) credentials: Credentials,
    pub(crate) attempt_timeout: Duration,
    pub(crate) body_limit: usize,
    #[cfg(feature = "drift")]
    pub(crate) on_drift: Option<OnDrift>,
}

impl Client {
    /// A client with an access token and the defaults of [`ClientBuilder`].
    ///
    /// # Errors
    ///
    /// `Config` where the token is empty or has anything outside visible ASCII.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        Self::builder().token(token).build()
    }

    /// Settings other than the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// This client with another policy, for one call or some: connections and credentials stay shared.
    ///
    /// ```
    /// # async fn run(client: traxes_connect::Client) -> Result<(), traxes_connect::Error> {
    /// # let request = traxes_connect::CollectiveOnboardingRequest::unnamed();
    /// use traxes_connect::RetryPolicy;
    ///
    /// let once = client.with_retry(RetryPolicy::none());
    /// let onboarding = once.create_collective_onboarding(&request).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self { shared: Arc::clone(&self.shared), retry: policy }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base_url, retry) = (self.shared.base_url.as_str(), &self.retry);
        f.debug_struct("Client").field("base_url", &base_url).field("retry", retry).finish_non_exhaustive()
    }
}

type HttpCustomiser = Box<dyn FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send>;

enum Tokens {
    None,
    Fixed(SecretString),
    Credentials(ClientCredentials),
    Source(Box<dyn TokenSource>),
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
///     .retry(RetryPolicy::new().attempts(5))
///     .build()?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
pub struct ClientBuilder {
    base_url: String,
    tokens: Tokens,
    retry: RetryPolicy,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    idle_timeout: Duration,
    body_limit: usize,
    user_agent_suffix: Option<String>,
    plain_http: bool,
    http: Option<HttpCustomiser>,
    #[cfg(feature = "drift")]
    on_drift: Option<OnDrift>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            tokens: Tokens::None,
            retry: RetryPolicy::default(),
            connect_timeout: CONNECT_TIMEOUT,
            attempt_timeout: ATTEMPT_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            body_limit: BODY_LIMIT,
            user_agent_suffix: None,
            plain_http: false,
            http: None,
            #[cfg(feature = "drift")]
            on_drift: None,
        }
    }
}

impl ClientBuilder {
    /// A fixed access token, of visible ASCII. Of this, `client_credentials` and `token_source` the last one holds.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.tokens = Tokens::Fixed(token.into().into());
        self
    }

    /// Client credentials, with which the client gets and renews its tokens.
    pub fn client_credentials(mut self, credentials: ClientCredentials) -> Self {
        self.tokens = Tokens::Credentials(credentials);
        self
    }

    /// Where to get a token for each attempt.
    pub fn token_source(mut self, source: impl TokenSource) -> Self {
        self.tokens = Tokens::Source(Box::new(source));
        self
    }

    /// Where the API is: scheme, host, and where needed port and path. The default is production.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// What is repeated and how long a call may take. The default is [`RetryPolicy::new`].
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long a connection may take to come about, TLS included. The default is 5 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one attempt may take, its body included. The default is 30 seconds.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long an unused connection is kept. The default is 20 seconds.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The most bytes of a body that are read, of errors too. The default is 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// What follows `traxes-connect/<version>` in `user-agent`, such as `my-app/1.2`.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Allows plain `http` to hosts other than loopback, on which anyone on the way reads the token.
    pub fn dangerously_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Settings of the HTTP client underneath, such as a proxy or the roots to trust.
    ///
    /// ```
    /// use traxes_connect::{Client, reqwest::Proxy};
    ///
    /// let proxy = Proxy::https("http://proxy.example:3128").expect("a valid URL");
    /// let client = Client::builder().token("an-access-token").http(|http| http.proxy(proxy)).build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// It runs before what this crate promises is set: no redirects, no repetitions but its own, HTTP/1.1 without content
    /// encodings, and no proxy where the API or the token endpoint is on plain http: it would get secrets in clear.
    pub fn http(
        mut self,
        customise: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + 'static,
    ) -> Self {
        self.http = Some(Box::new(customise));
        self
    }

    /// Calls back with each reply that holds what the API description does not know: unknown fields, unknown values of enums,
    /// an undocumented 2xx. The reply is returned all the same. The same report goes to the log as a warning.
    ///
    /// ```
    /// use traxes_connect::Client;
    ///
    /// let client = Client::builder().token("an-access-token").on_drift(|report| eprintln!("{report}")).build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// It costs one more parse of each successful reply, and nothing where there is neither a callback nor a log that takes
    /// warnings. The callback runs within the call, after the request was applied: keep it short, and let it not panic.
    #[cfg(feature = "drift")]
    pub fn on_drift(mut self, callback: impl Fn(&DriftReport) + Send + Sync + 'static) -> Self {
        self.on_drift = Some(Arc::new(callback));
        self
    }

    /// Checks the settings and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `Config`, with the name of the setting and what is wrong with it.
    pub fn build(self) -> Result<Client, Error> {
        let url = checked_url("base_url", &self.base_url, self.plain_http)?;
        let token_url = match &self.tokens {
            Tokens::Credentials(credentials) => {
                Some(checked_url("token_url", credentials.unchecked_token_url(), self.plain_http)?)
            }
            _ => None,
        };
        for (setting, value) in [
            ("connect_timeout", self.connect_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("retry deadline", self.retry.call_deadline()),
        ] {
            if value.is_zero() {
                return Err(Error::config(setting, "is zero, in which nothing can be done: set a longer time"));
            }
        }
        let user_agent = match self.user_agent_suffix {
            None => USER_AGENT.to_owned(),
            Some(suffix) if !suffix.is_empty() && suffix.bytes().all(|b| matches!(b, b' '..=b'~')) => {
                format!("{USER_AGENT} {suffix}")
            }
            Some(_) => {
                return Err(Error::config(
                    "user_agent_suffix",
                    "is empty or has a character outside printable ASCII: leave it off, or mend it",
                ));
            }
        };
        if self.body_limit == 0 {
            return Err(Error::config("body_limit", "is zero, so that no reply could be read: set a larger one"));
        }
        // reqwest panics without one, also where the URL is plain.
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::config("TLS", "has no provider: install a rustls CryptoProvider as the default first"));
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.idle_timeout.min(MAX_IDLE_TIMEOUT));
        if let Some(customise) = self.http {
            http = customise(http);
        }
        let plain = [Some(&url), token_url.as_ref()].into_iter().flatten().any(|url| url.scheme() == "http");
        let http = promised(http, plain, &user_agent).build();
        let http = http.map_err(|e| {
            Error::config(
                "http",
                "settings were refused: look at source(), and mend what the customiser of http() sets",
            )
            .with_source(e)
        })?;
        let credentials = match (self.tokens, token_url) {
            (Tokens::Fixed(token), _) => Credentials::Fixed(AccessToken::named("token", token.expose_secret())?),
            (Tokens::Source(source), _) => Credentials::Source(source),
            (Tokens::Credentials(credentials), Some(url)) => {
                Credentials::Granted(credentials.source(url, http.clone())?)
            }
            _ => return Err(Error::config("token", "is not set: set a token, client_credentials or a token_source")),
        };
        Ok(Client {
            shared: Arc::new(Shared {
                http,
                server_address: bare_host(&url).to_owned(),
                server_port: url.port_or_known_default().unwrap_or_default(),
                base_url: url,
                credentials,
                attempt_timeout: self.attempt_timeout,
                body_limit: self.body_limit,
                #[cfg(feature = "drift")]
                on_drift: self.on_drift,
            }),
            retry: self.retry,
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// What no customiser and no feature that another crate turned on may change.
fn promised(http: reqwest::ClientBuilder, plain: bool, user_agent: &str) -> reqwest::ClientBuilder {
    let http = http
        .user_agent(user_agent)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .http1_only()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .connection_verbose(false);
    if plain { http.no_proxy() } else { http }
}

/// A URL that a secret may be sent to.
pub(crate) fn checked_url(setting: &str, text: &str, plain_http: bool) -> Result<Url, Error> {
    let mut url = Url::parse(text)
        .map_err(|e| Error::config(setting, format_args!("is no URL ({e}): write it as https://host/path")))?;
    let refuse = |problem| Err(Error::config(setting, problem));
    match url.scheme() {
        "https" if cfg!(not(any(feature = "rustls", feature = "rustls-no-provider"))) => {
            return refuse("is https, and no TLS is built in: turn on the feature rustls");
        }
        "https" => {}
        "http" if plain_http || is_loopback(&url) => {}
        "http" => return refuse("is plain http, which shows the token to anyone on the way: use https"),
        _ => return refuse("has a scheme other than https: use https"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("has credentials in it: give them in settings of their own");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or a fragment: leave it off");
    }
    // So that a path can be put behind it.
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The host, an IPv6 address without its brackets.
fn bare_host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn is_loopback(url: &Url) -> bool {
    let host = bare_host(url);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
