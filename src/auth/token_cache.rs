//! One token for all clones of a client: fetched once however many wait, renewed before it ends, forgotten when rejected.

use super::AccessToken;
use std::{
    future::Future,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// The longest time before its end that a token is renewed: several calls' worth.
const MAX_MARGIN: Duration = Duration::from_secs(60);
/// The part of a token's lifetime that is margin, where that is shorter.
const MARGIN_PART: u32 = 10;
/// How long a call that has a token that still holds waits for a newer one.
const EARLY_TIMEOUT: Duration = Duration::from_secs(2);

/// A token, and how long it lives.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) token: AccessToken,
    pub(crate) lifetime: Duration,
}

#[derive(Clone)]
struct Held {
    token: AccessToken,
    renewal: Instant,
    end: Instant,
}

/// `E` is shared by all who wait for one fetch.
pub(crate) struct TokenCache<E> {
    held: Mutex<Option<Held>>,
    /// Locked while a fetch is under way; holds how the last one ended.
    fetching: tokio::sync::Mutex<Option<Result<AccessToken, E>>>,
    /// Fetches that have ended.
    ended: AtomicU64,
}

impl<E> Default for TokenCache<E> {
    fn default() -> Self {
        Self { held: Mutex::default(), fetching: tokio::sync::Mutex::default(), ended: AtomicU64::new(0) }
    }
}

impl<E: Clone> TokenCache<E> {
    /// The token that is held, or what `fetch` gets.
    pub(crate) async fn token<R>(&self, fetch: impl FnOnce() -> R) -> Result<AccessToken, E>
    where
        R: Future<Output = Result<Grant, E>>,
    {
        let arrival = self.ended.load(Ordering::Acquire);
        match self.valid() {
            Some(held) if Instant::now() < held.renewal => Ok(held.token),
            Some(held) => Ok(self.renewed_early(held, fetch).await),
            None => {
                let mut last = self.fetching.lock().await;
                match (&*last, self.valid()) {
                    (_, Some(held)) => Ok(held.token),
                    // A fetch has ended while this call waited: its end is this call's too.
                    (Some(ending), None) if self.ended.load(Ordering::Acquire) > arrival => ending.clone(),
                    _ => {
                        let ending = self.keep(fetch().await);
                        *last = Some(ending.clone());
                        self.ended.fetch_add(1, Ordering::Release);
                        ending
                    }
                }
            }
        }
    }

    /// A newer token if it comes soon, and the one that still holds if it does not, or if another call is fetching.
    async fn renewed_early<R>(&self, held: Held, fetch: impl FnOnce() -> R) -> AccessToken
    where
        R: Future<Output = Result<Grant, E>>,
    {
        let Ok(_fetching) = self.fetching.try_lock() else { return held.token };
        // The next try is halfway to the end, so that a failing server is asked a few times and not by every call.
        self.postpone(&held.token);
        match timeout(EARLY_TIMEOUT, fetch()).await {
            Ok(Ok(grant)) => self.keep(Ok(grant)).unwrap_or(held.token),
            _ => held.token,
        }
    }

    /// Forgets a token, unless it has been replaced already.
    pub(crate) fn forget(&self, token: &AccessToken) {
        self.held().take_if(|held| held.token == *token);
    }

    fn keep(&self, grant: Result<Grant, E>) -> Result<AccessToken, E> {
        let Grant { token, lifetime } = grant?;
        let now = Instant::now();
        let margin = (lifetime / MARGIN_PART).min(MAX_MARGIN);
        *self.held() = Some(Held { token: token.clone(), renewal: now + (lifetime - margin), end: now + lifetime });
        Ok(token)
    }

    fn postpone(&self, token: &AccessToken) {
        if let Some(held) = self.held().as_mut().filter(|held| held.token == *token) {
            let now = Instant::now();
            held.renewal = now + held.end.saturating_duration_since(now) / 2;
        }
    }

    fn valid(&self) -> Option<Held> {
        self.held().clone().filter(|held| Instant::now() < held.end)
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
