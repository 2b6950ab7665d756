//! Client credentials (RFC 6749, section 4.4), as a user sets them.

use super::token_endpoint::TOKEN_URL;
use crate::address::{checked_url, is_this_machine};
use crate::error::Error;
use crate::setting::Setting;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// The vendor's page "Retrieve a temporary access token".
const SCOPE: &str = "esp";

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
/// The token is shared by the clones of the client, and renewed before it expires. Nothing is fetched in advance: a call that
/// needs a token waits for it. A failed connection to the token endpoint is retried like one to the API. The secret is sent in
/// the request's body, as the vendor documents it; where a server accepts only HTTP Basic (RFC 6749,
/// section 2.3.1), the client notices and uses that. `Debug` shows neither id nor secret.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    id: Setting<SecretString>,
    secret: Setting<SecretString>,
    /// Until it is checked it may hold a password.
    token_url: Setting<Option<SecretString>>,
    scope: String,
}

impl ClientCredentials {
    /// Credentials for the vendor's token endpoint and scope.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: Setting::new("client_id", id.into()),
            secret: Setting::new("client_secret", secret.into()),
            token_url: Setting::new("token_url", None),
            scope: SCOPE.to_owned(),
        }
    }

    /// Another token endpoint: https, or on loopback.
    pub fn token_url(self, url: impl Into<String>) -> Self {
        Self { token_url: Setting::new("token_url", Some(url.into().into())), ..self }
    }

    /// Another scope. The default is `esp`.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self { scope: scope.into(), ..self }
    }

    /// Credentials that were set under other names.
    pub(crate) fn from_settings(
        id: Setting<SecretString>,
        secret: Setting<SecretString>,
        token_url: Setting<Option<SecretString>>,
    ) -> Self {
        Self { id, secret, token_url, scope: SCOPE.to_owned() }
    }

    /// Checks id and secret (RFC 6749, appendix A), which a server could only refuse.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for Setting { name, value } in [&self.id, &self.secret] {
            let value = value.expose_secret();
            if value.is_empty() {
                return Err(Error::config(name, "is empty: set it to what the vendor gave you"));
            }
            if !value.bytes().all(|b| matches!(b, b' '..=b'~')) {
                return Err(Error::config(name, "has a character outside printable ASCII: look for line ends"));
            }
        }
        Ok(())
    }

    /// The token endpoint to use with an API: the one that was set, or else the one that is known to belong to the API.
    pub(crate) fn endpoint_url(&self, base_url: &Url, known: Option<&str>, plain_http: bool) -> Result<Url, Error> {
        let Setting { name, value } = &self.token_url;
        match (value, known) {
            (Some(url), _) => checked_url(name, url.expose_secret(), plain_http),
            (None, Some(url)) => checked_url(name, url, plain_http),
            (None, None) if is_this_machine(base_url) => {
                let problem = "is not set, and the API is on this machine: set it to the token endpoint of that API, because \
                               the secret would go to production";
                Err(Error::config(name, problem))
            }
            (None, None) => checked_url(name, TOKEN_URL, plain_http),
        }
    }

    pub(super) fn id(&self) -> &str {
        self.id.value.expose_secret()
    }

    pub(super) fn secret(&self) -> &str {
        self.secret.value.expose_secret()
    }

    pub(super) fn scope_value(&self) -> &str {
        &self.scope
    }
}
