//! What a token request yields.

use crate::access_token::AccessToken;
use std::time::Duration;
use tokio::time::Instant;

/// How long getting one may take: ten times what a token endpoint needs on a bad day, and well within a call.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// A token, when it was requested, and how long it lives.
pub(crate) struct Grant {
    pub(crate) token: AccessToken,
    pub(crate) requested: Instant,
    pub(crate) lifetime: Duration,
}
