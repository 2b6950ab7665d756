//! Where a client gets its access tokens.

mod client_credentials;
mod grant;
mod token_cache;
mod token_endpoint;

pub use client_credentials::ClientCredentials;
pub(crate) use token_cache::TokenCache;
pub(crate) use token_endpoint::TokenEndpoint;

use crate::access_token::AccessToken;
use crate::error::{BoxError, Error};
use std::{borrow::Cow, pin::Pin, sync::Arc};
use tokio::time::Instant;

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

/// Where a client gets the token for each attempt: a function or closure that returns a future, or your own type that caches. A
/// closure hands its captures to its future: `move || { let vault = vault.clone(); async move { … } }`.
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
    /// Returns a token. This is called before each attempt, so a source that fetches tokens should cache them. An error ends
    /// the call as `Auth`, with this error as its source. The future may be dropped at any await point when the call's time is
    /// up.
    fn token(&self) -> TokenFuture<'_>;

    /// Reports that the server answered 401 to this token. If `token()` then returns a different one, the call is replayed
    /// once.
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

/// Sources are shared like any other value: by cloning their `Arc`.
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

/// Where a client gets its tokens. A fixed token is not a boxed source, which would cost each call an allocation.
pub(crate) enum Tokens {
    Fixed(AccessToken),
    Granted { endpoint: Arc<TokenEndpoint>, cache: TokenCache },
    Source(Box<dyn TokenSource>),
}

/// Why there is no token.
pub(crate) enum NoToken {
    /// A failure at the token endpoint, shared by all calls that wait for a token.
    Endpoint(Arc<Error>),
    /// The error of the user's source, which may contain anything.
    Source(BoxError),
}

impl Tokens {
    /// A token for a call that ends at `deadline`.
    pub(crate) async fn token(&self, deadline: Instant) -> Result<AccessToken, NoToken> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::Granted { endpoint, cache } => {
                cache.token(deadline, || Arc::clone(endpoint).fetch()).await.map_err(NoToken::Endpoint)
            }
            Self::Source(source) => source.token().await.map_err(NoToken::Source),
        }
    }

    /// Where tokens come from, for messages.
    pub(crate) fn origin(&self) -> Cow<'static, str> {
        match self {
            Self::Granted { endpoint, .. } => endpoint.name().into(),
            Self::Fixed(_) | Self::Source(_) => "the token source".into(),
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

/// An error of the user's source is shown only if it is one of ours. Anything else stays in `source()`.
fn why_the_source_failed(error: &BoxError) -> String {
    let ours = error.downcast_ref::<Arc<Error>>().map(Arc::as_ref).or(error.downcast_ref());
    ours.map_or_else(|| "the token source failed, see source()".to_owned(), ToString::to_string)
}

impl NoToken {
    /// The error itself, if it came from the token endpoint: another request may get through.
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
