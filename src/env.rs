//! A client as the environment describes it.

use crate::address::checked_url;
use crate::auth::{AccessToken, ClientCredentials, TOKEN_URL};
use crate::client::{BASE_URL, Client};
use crate::error::Error;
use std::env;

impl Client {
    /// A client for the environment.
    ///
    /// | variable | |
    /// |---|---|
    /// | `TRAXES_ACCESS_TOKEN` | an access token |
    /// | `TRAXES_CLIENT_ID`, `TRAXES_CLIENT_SECRET` | or client credentials, from which tokens are had and renewed |
    /// | `TRAXES_TOKEN_URL` | another token endpoint than the vendor's |
    /// | `TRAXES_BASE_URL` | another API than production |
    ///
    /// ```no_run
    /// let client = traxes_connect::Client::from_env()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config`, with the name of the variable that is missing, empty or wrong.
    pub fn from_env() -> Result<Self, Error> {
        let base_url = url_variable("TRAXES_BASE_URL", BASE_URL)?;
        let token_url = url_variable("TRAXES_TOKEN_URL", TOKEN_URL)?;
        let (id, secret) = (variable("TRAXES_CLIENT_ID")?, variable("TRAXES_CLIENT_SECRET")?);
        let builder = Self::builder().base_url(base_url);
        let (name, problem) = match (variable("TRAXES_ACCESS_TOKEN")?, id, secret) {
            (Some(token), None, None) => {
                AccessToken::named("TRAXES_ACCESS_TOKEN", &token)?;
                return builder.token(token).build();
            }
            (None, Some(id), Some(secret)) => {
                return builder.client_credentials(ClientCredentials::new(id, secret).token_url(token_url)).build();
            }
            (None, None, None) => {
                ("TRAXES_ACCESS_TOKEN", "is not set: set it, or TRAXES_CLIENT_ID and TRAXES_CLIENT_SECRET")
            }
            (None, None, Some(_)) => ("TRAXES_CLIENT_ID", "is not set, and TRAXES_CLIENT_SECRET is: set both"),
            (None, Some(_), None) => ("TRAXES_CLIENT_SECRET", "is not set, and TRAXES_CLIENT_ID is: set both"),
            (Some(_), ..) => ("TRAXES_ACCESS_TOKEN", "is set, and so is TRAXES_CLIENT_ID or _SECRET: unset either"),
        };
        Err(Error::config(name, problem))
    }
}

/// A URL, checked here so that its error has the name of the variable.
fn url_variable(name: &str, default: &str) -> Result<String, Error> {
    match variable(name)? {
        Some(url) => checked_url(name, &url, false).map(|_| url),
        None => Ok(default.to_owned()),
    }
}

/// A variable that is set but empty is a mistake, not an absence.
fn variable(name: &str) -> Result<Option<String>, Error> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Err(Error::config(name, "is set but empty: set it to a value, or unset it")),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::config(name, "is not valid Unicode: set it to text")),
    }
}
