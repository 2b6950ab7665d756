//! A client as the environment describes it.

use crate::{
    auth::{AccessToken, ClientCredentials},
    client::{Client, checked_url},
    error::Error,
};
use std::env;

const ACCESS_TOKEN: &str = "TRAXES_ACCESS_TOKEN";
const CLIENT_ID: &str = "TRAXES_CLIENT_ID";
const CLIENT_SECRET: &str = "TRAXES_CLIENT_SECRET";
const TOKEN_URL: &str = "TRAXES_TOKEN_URL";
const BASE_URL: &str = "TRAXES_BASE_URL";

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
        let (mut builder, token_url) = (Self::builder(), checked_variable(TOKEN_URL)?);
        builder = match (variable(ACCESS_TOKEN)?, variable(CLIENT_ID)?, variable(CLIENT_SECRET)?) {
            (Some(token), None, None) => {
                AccessToken::named(ACCESS_TOKEN, &token)?;
                builder.token(token)
            }
            (None, Some(id), Some(secret)) => {
                let credentials = ClientCredentials::new(id, secret);
                builder.client_credentials(match token_url {
                    Some(url) => credentials.token_url(url),
                    None => credentials,
                })
            }
            (None, None, None) => {
                let problem = format!("is not set: set it, or {CLIENT_ID} and {CLIENT_SECRET}");
                return Err(Error::config(ACCESS_TOKEN, problem));
            }
            (Some(_), ..) => {
                let problem =
                    format!("is set, and so are client credentials: unset it, or {CLIENT_ID} and {CLIENT_SECRET}");
                return Err(Error::config(ACCESS_TOKEN, problem));
            }
            (None, None, Some(_)) => {
                return Err(Error::config(CLIENT_ID, format!("is not set, and {CLIENT_SECRET} is: set both")));
            }
            (None, Some(_), None) => {
                return Err(Error::config(CLIENT_SECRET, format!("is not set, and {CLIENT_ID} is: set both")));
            }
        };
        match checked_variable(BASE_URL)? {
            Some(url) => builder.base_url(url).build(),
            None => builder.build(),
        }
    }
}

/// A URL, checked here so that its error has the name of the variable.
fn checked_variable(name: &str) -> Result<Option<String>, Error> {
    let url = variable(name)?;
    url.as_deref().map(|url| checked_url(name, url, false)).transpose()?;
    Ok(url)
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
