//! Client credentials (RFC 6749, section 4.4), as the user sets them.

use crate::address::{checked_url, is_this_machine};
use crate::error::Error;
use crate::setting::Setting;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// The vendor's page "Retrieve a temporary access token".
const TOKEN_URL: &str = "https://signin.energy/am/oauth2/realms/root/realms/difesp/access_token";
/// The same page.
const SCOPE: &str = "esp";

/// Client credentials, with which a client fetches and renews its own tokens.
///
/// ```
/// use traxes_connect::{Client, ClientCredentials};
///
/// let credentials = ClientCredentials::new("client-id", "client-secret");
/// let client = Client::builder().client_credentials(credentials).build()?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
///
/// Clones of the client share the token, which is renewed before it expires. Nothing is fetched in advance: a call that needs a
/// token waits for it. A failed connection to the token endpoint is retried like one to the API. The secret is sent in the
/// request body, as the vendor documents; if a server accepts only HTTP Basic (RFC 6749, section 2.3.1), the client notices and
/// uses that. `Debug` shows neither id nor secret.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    id: Setting<SecretString>,
    secret: Setting<SecretString>,
    /// May contain a password until it is checked.
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

    /// Sets another token endpoint: https, or on loopback.
    pub fn token_url(self, url: impl Into<String>) -> Self {
        Self { token_url: Setting::new("token_url", Some(url.into().into())), ..self }
    }

    /// Sets another scope. The default is `esp`.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self { scope: scope.into(), ..self }
    }

    /// Credentials whose settings have other names.
    pub(crate) fn from_settings(
        id: Setting<SecretString>,
        secret: Setting<SecretString>,
        token_url: Setting<Option<SecretString>>,
    ) -> Self {
        Self { id, secret, token_url, scope: SCOPE.to_owned() }
    }

    /// Checks id and secret (RFC 6749, appendix A): a server could only refuse bad ones.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for Setting { name, value } in [&self.id, &self.secret] {
            let value = value.expose_secret();
            if value.is_empty() {
                return Err(Error::config(name, "is empty: set it to what the vendor gave you"));
            }
            if !value.bytes().all(|b| matches!(b, b' '..=b'~')) {
                return Err(Error::config(name, "has a character outside printable ASCII: check for newlines"));
            }
        }
        Ok(())
    }

    /// The token endpoint for an API: the one that was set, or else the one known to belong to the API.
    pub(crate) fn endpoint_url(&self, base_url: &Url, known: Option<&str>, plain_http: bool) -> Result<Url, Error> {
        let Setting { name, value } = &self.token_url;
        match (value, known) {
            (Some(url), _) => checked_url(name, url.expose_secret(), plain_http),
            (None, Some(url)) => checked_url(name, url, plain_http),
            (None, None) if is_this_machine(base_url) => {
                let problem = "is not set, but the API is on this machine: set it to that API's token endpoint, or the secret \
                               would go to production";
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
