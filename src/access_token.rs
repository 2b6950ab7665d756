//! An access token: checked, never shown.

use crate::error::Error;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

const SCHEME: &str = "Bearer ";

/// An OAuth 2.0 access token: checked when created, never shown, and erased from memory with its last clone.
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
    /// Creates a token from one or more visible ASCII characters.
    ///
    /// # Errors
    ///
    /// `Config` for anything else. The message does not contain the token.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        Self::named("access token", token)
    }

    /// Like `new`, but the error names this setting.
    pub(crate) fn named(setting: &str, token: impl Into<String>) -> Result<Self, Error> {
        let token = SecretString::from(token.into());
        let token = token.expose_secret();
        if token.is_empty() {
            return Err(Error::config(setting, "is empty: set it to an access token"));
        }
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::config(setting, "has a character outside visible ASCII: check for spaces and newlines"));
        }
        Ok(Self(Arc::new([SCHEME, token].concat().into())))
    }

    /// The token without its scheme, to search for it.
    pub(crate) fn exposed(&self) -> &str {
        &self.0.expose_secret()[SCHEME.len()..]
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
