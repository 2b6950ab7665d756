//! Access tokens, and where they come from.

mod client_credentials;
mod token_cache;
mod token_endpoint;

pub use client_credentials::ClientCredentials;
pub(crate) use token_cache::TokenCache;
pub(crate) use token_endpoint::TokenEndpoint;

use crate::error::{BoxError, Error};
use crate::quote::quoted;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, pin::Pin, sync::Arc};
use tokio::time::Instant;

const SCHEME: &str = "Bearer ";
/// Shorter ones are parts of ordinary words, and no server issues them.
const SHORTEST_SCREENED: usize = 16;
/// What is shown instead of a text in which a server echoes the token.
pub(crate) const HIDDEN: &str = "(hidden: the token)";

/// An OAuth 2.0 access token: checked when it is made, never shown, and erased from memory with its last clone.
///
/// ```
/// use traxes_connect::AccessToken;
///
/// let token = AccessToken::new("eyJhbGciOi")?;
/// assert!(!format!("{token:?}").contains("eyJhbGciOi"));
/// assert!(AccessToken::new("two words").is_err());
/// # Ok::<(), traxes_connect::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AccessToken(Arc<SecretString>);

impl AccessToken {
    /// Takes a token of one or more visible ASCII characters.
    ///
    /// # Errors
    ///
    /// `Config`, without the token, for anything else.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        Self::named("access token", token)
    }

    /// A token, with the setting that it came from for its error.
    pub(crate) fn named(setting: &str, token: impl Into<String>) -> Result<Self, Error> {
        let token = SecretString::from(token.into());
        let token = token.expose_secret();
        if token.is_empty() {
            return Err(Error::config(setting, "is empty: set it to an access token"));
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::config(setting, "has a character outside visible ASCII: look for spaces and line ends"));
        }
        Ok(Self(Arc::new([SCHEME, token].concat().into())))
    }

    /// Whether a text of the server's holds the token.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let token = self.bare().as_bytes();
        token.len() >= SHORTEST_SCREENED && text.windows(token.len()).any(|part| part == token)
    }

    /// Whether `Debug` of a value would show the token.
    pub(crate) fn is_in_debug_of(&self, value: &impl fmt::Debug) -> bool {
        let token = self.bare();
        // As `Debug` escapes it, without its quotation marks.
        let shown = format!("{token:?}");
        token.len() >= SHORTEST_SCREENED && format!("{value:?}").contains(&shown[1..shown.len() - 1])
    }

    fn bare(&self) -> &str {
        &self.0.expose_secret()[SCHEME.len()..]
    }

    /// A text of the server's as it may be shown, which is not at all where it holds the token.
    pub(crate) fn screened(&self, text: &str) -> String {
        if self.is_in(text.as_bytes()) { HIDDEN.to_owned() } else { quoted(text) }
    }

    /// Makes headers safe to show: values that hold the token are marked as sensitive. Names that hold it go, as a name cannot
    /// be marked.
    pub(crate) fn screen_headers(&self, headers: &mut HeaderMap) {
        let echoes = |value: &&mut HeaderValue| self.is_in(value.as_bytes());
        headers.values_mut().filter(echoes).for_each(|value| value.set_sensitive(true));
        let names: Vec<_> = headers.keys().filter(|name| self.is_in_name(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }

    /// Header names come in lower case, whatever the server wrote.
    fn is_in_name(&self, name: &HeaderName) -> bool {
        let token = self.bare().as_bytes();
        let name = name.as_str().as_bytes();
        token.len() >= SHORTEST_SCREENED && name.windows(token.len()).any(|part| part.eq_ignore_ascii_case(token))
    }

    /// The value of an `authorization` header, marked as sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(self.0.expose_secret()).expect("checked in new");
        value.set_sensitive(true);
        value
    }
}

impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for AccessToken {}

/// What [`TokenSource::token`] returns.
///
/// ```
/// use traxes_connect::{AccessToken, TokenFuture, TokenSource};
///
/// struct Fixed(AccessToken);
///
/// impl TokenSource for Fixed {
///     fn token(&self) -> TokenFuture<'_> {
///         Box::pin(async { Ok(self.0.clone()) })
///     }
/// }
/// ```
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<AccessToken, BoxError>> + Send + 'a>>;

/// Where a client gets the token of each attempt: a function or closure that returns a future, or a type of your own that
/// caches. A closure hands its future what it captured: `move || { let vault = vault.clone(); async move { … } }`.
///
/// ```
/// use traxes_connect::{AccessToken, BoxError, Client};
///
/// async fn mounted_secret() -> Result<AccessToken, BoxError> {
///     Ok(AccessToken::new(std::fs::read_to_string("/run/secrets/traxes")?.trim())?)
/// }
///
/// let client = Client::builder().token_source(mounted_secret).build()?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Gives a token. It is asked before each attempt, so a source that fetches should keep what it has. An error ends the
    /// call as `Auth`, with this error as its source; the future may be dropped at any await when the call's time is up.
    fn token(&self) -> TokenFuture<'_>;

    /// Tells that the server answered 401 to this token. Where `token()` then gives another one, the call is replayed, once.
    #[allow(unused_variables)]
    fn rejected(&self, token: &AccessToken) {}
}

impl<F, R, E> TokenSource for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<AccessToken, E>> + Send + 'static,
    E: Into<BoxError>,
{
    fn token(&self) -> TokenFuture<'_> {
        let token = self();
        Box::pin(async { token.await.map_err(Into::into) })
    }
}

/// Sources are shared as any other value: by a clone of their `Arc`.
impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn token(&self) -> TokenFuture<'_> {
        (**self).token()
    }

    fn rejected(&self, token: &AccessToken) {
        (**self).rejected(token);
    }
}

/// A client's credentials, as they were set.
pub(crate) enum Credentials {
    Fixed(AccessToken),
    Granted(ClientCredentials),
    Source(Box<dyn TokenSource>),
}

/// Where a client gets its tokens. A fixed token is no boxed source, which would cost each call an allocation.
pub(crate) enum Tokens {
    Fixed(AccessToken),
    Granted { endpoint: Arc<TokenEndpoint>, cache: TokenCache },
    Source(Box<dyn TokenSource>),
}

/// Why there is no token.
pub(crate) enum NoToken {
    /// What happened at the token endpoint. All calls that wait for a token share it.
    Endpoint(Arc<Error>),
    /// What a source of the user's says, which may be anything.
    Source(BoxError),
}

impl Tokens {
    /// A token for a call that ends at `deadline`.
    pub(crate) async fn token(&self, deadline: Instant) -> Result<AccessToken, NoToken> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::Granted { endpoint, cache } => {
                let fetch = || {
                    let endpoint = Arc::clone(endpoint);
                    async move { endpoint.fetch().await }
                };
                cache.token(deadline, fetch).await.map_err(NoToken::Endpoint)
            }
            Self::Source(source) => source.token().await.map_err(NoToken::Source),
        }
    }

    pub(crate) fn rejected(&self, token: &AccessToken) {
        match self {
            Self::Fixed(_) => {}
            Self::Granted { cache, .. } => cache.forget(token),
            Self::Source(source) => source.rejected(token),
        }
    }
}

/// What a source of the user's says is shown where it is an error of ours. Anything else stays in `source()`.
fn why_the_source_failed(error: &BoxError) -> String {
    let ours = error.downcast_ref::<Arc<Error>>().map(Arc::as_ref).or(error.downcast_ref());
    ours.map_or_else(|| "the token source failed, see source()".to_owned(), ToString::to_string)
}

impl NoToken {
    /// The failure by itself, if it was one on the way to the token endpoint: another request may get through.
    pub(crate) fn at_endpoint(&self) -> Option<&Error> {
        match self {
            Self::Endpoint(error) => Some(error),
            Self::Source(_) => None,
        }
    }

    /// The error of a call that has no token.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Endpoint(error) => Error::auth(format!("no access token: {error}"))
                .permanent(error.is_permanent())
                .with_retry_after(error.retry_after())
                .with_source(error),
            Self::Source(error) => {
                Error::auth(format!("no access token: {}", why_the_source_failed(&error))).with_source(error)
            }
        }
    }
}
