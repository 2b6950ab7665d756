//! Clients and builders configured from the environment.

use crate::access_token::AccessToken;
use crate::address::checked_url;
use crate::auth::ClientCredentials;
use crate::client::Client;
use crate::client_builder::ClientBuilder;
use crate::error::Error;
use crate::generated::BASE_URL;
use crate::setting::Setting;
use std::env;

impl Client {
    /// A client configured from environment variables: short for [`ClientBuilder::from_env`] and
    /// [`build`](ClientBuilder::build).
    ///
    /// ```no_run
    /// let client = traxes_connect::Client::from_env()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config`, which names the variable that is missing, empty or wrong.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }
}

impl ClientBuilder {
    /// A builder with the API and the credentials from environment variables, for other settings in code.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use traxes_connect::ClientBuilder;
    ///
    /// let client = ClientBuilder::from_env()?.attempt_timeout(Duration::from_secs(10)).build()?;
    /// # Ok::<(), traxes_connect::Error>(())
    /// ```
    ///
    /// | variable | |
    /// |---|---|
    /// | `TRAXES_ACCESS_TOKEN` | an access token |
    /// | `TRAXES_CLIENT_ID`, `TRAXES_CLIENT_SECRET` | or client credentials, with which tokens are fetched and renewed |
    /// | `TRAXES_TOKEN_URL` | a token endpoint other than the vendor's: needed if the API is on this machine |
    /// | `TRAXES_BASE_URL` | an API other than production |
    ///
    /// # Errors
    ///
    /// `Config`, which names the variable that is missing or empty. The values are checked in [`build`](Self::build), and its
    /// errors name their variables too.
    pub fn from_env() -> Result<Self, Error> {
        let (id, secret) = (variable("TRAXES_CLIENT_ID")?, variable("TRAXES_CLIENT_SECRET")?);
        let token_url = variable("TRAXES_TOKEN_URL")?;
        let base_url = variable("TRAXES_BASE_URL")?.unwrap_or_else(|| BASE_URL.to_owned());
        let builder = Client::builder().base_url_setting(Setting::new("TRAXES_BASE_URL", base_url));
        let (name, problem) = match (variable("TRAXES_ACCESS_TOKEN")?, id, secret) {
            (Some(token), None, None) => {
                AccessToken::named("TRAXES_ACCESS_TOKEN", &token)?;
                // Not used with a token, but checked anyway.
                token_url.map_or(Ok(()), |url| checked_url("TRAXES_TOKEN_URL", &url, false).map(drop))?;
                return Ok(builder.token(token));
            }
            (None, Some(id), Some(secret)) => {
                let credentials = ClientCredentials::from_settings(
                    Setting::new("TRAXES_CLIENT_ID", id),
                    Setting::new("TRAXES_CLIENT_SECRET", secret),
                    Setting::new("TRAXES_TOKEN_URL", token_url.map(Into::into)),
                );
                return Ok(builder.client_credentials(credentials));
            }
            (None, None, None) => {
                ("TRAXES_ACCESS_TOKEN", "is not set: set it, or TRAXES_CLIENT_ID and TRAXES_CLIENT_SECRET")
            }
            (None, None, Some(_)) => ("TRAXES_CLIENT_ID", "is not set, but TRAXES_CLIENT_SECRET is: set both"),
            (None, Some(_), None) => ("TRAXES_CLIENT_SECRET", "is not set, but TRAXES_CLIENT_ID is: set both"),
            (Some(_), ..) => ("TRAXES_ACCESS_TOKEN", "is set, and so is TRAXES_CLIENT_ID or _SECRET: unset either"),
        };
        Err(Error::config(name, problem))
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
