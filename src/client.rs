//! The client: what its clones share, and its retry policy.

use crate::added_headers::OnAttempt;
use crate::auth::Tokens;
#[cfg(feature = "drift")]
use crate::drift::OnDrift;
use crate::retry::RetryPolicy;
use reqwest::Url;
use std::{fmt, sync::Arc, time::Duration};

/// A client of the API. Cheap to clone: clones share connections, credentials and settings.
///
/// ```
/// let client = traxes_connect::Client::new("an-access-token")?;
/// # Ok::<(), traxes_connect::Error>(())
/// ```
///
/// It needs a tokio runtime with time and I/O. `Debug` shows no secrets.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) retry: RetryPolicy,
}

pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: Arc<Url>,
    pub(crate) tokens: Tokens,
    pub(crate) on_attempt: Option<OnAttempt>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) body_limit: usize,
    /// The system's proxy, for messages. Unknown if the customiser may have set another.
    pub(crate) proxy: Option<String>,
    #[cfg(feature = "drift")]
    pub(crate) on_drift: Option<OnDrift>,
}

impl Client {
    /// This client with another policy, for one or more calls: connections and credentials stay shared.
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
        f.debug_struct("Client").field("base_url", &self.shared.base_url.as_str()).finish_non_exhaustive()
    }
}
