//! One token for all clones of a client: fetched once however many wait, renewed before it ends, forgotten when rejected.

use super::AccessToken;
use crate::error::Error;
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio::time::{Instant, timeout};

/// The longest time before its end that a token is renewed: several calls' worth.
const MAX_MARGIN: Duration = Duration::from_secs(60);
/// The part of a token's lifetime that is margin, where that is shorter.
const MARGIN_PART: u32 = 10;
/// The longest time that a call whose token still holds waits for a newer one.
const MAX_PATIENCE: Duration = Duration::from_secs(2);

/// A token, and how long it lives.
pub(crate) struct Grant {
    pub(crate) token: AccessToken,
    pub(crate) lifetime: Duration,
}

#[derive(Default)]
pub(crate) struct TokenCache(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    held: Option<Held>,
    fetching: Option<WeakShared<Fetch>>,
}

#[derive(Clone)]
struct Held {
    token: AccessToken,
    renewal: Instant,
    end: Instant,
}

/// Driven by whoever waits for it: it goes on where one of them is dropped, and ends with the last. All share an error.
type Fetch = BoxFuture<'static, Result<AccessToken, Arc<Error>>>;

impl TokenCache {
    /// The token that is held, or what `fetch` gets, for a call that ends at `deadline`.
    pub(crate) async fn token<R>(&self, deadline: Instant, fetch: impl FnOnce() -> R) -> Result<AccessToken, Arc<Error>>
    where
        R: Future<Output = Result<Grant, Error>> + Send + 'static,
    {
        let now = Instant::now();
        let (held, fetching) = {
            let mut state = locked(&self.0);
            if let Some(held) = &mut state.held {
                if now < held.renewal {
                    return Ok(held.token.clone());
                }
                // The next try is halfway to the end, so that a failing server is asked a few times and not by every call.
                held.renewal = now + (held.end - now) / 2;
            }
            let under_way = state.fetching.as_ref().and_then(WeakShared::upgrade);
            (state.held.clone(), under_way.unwrap_or_else(|| self.begin(&mut state, fetch())))
        };
        let Some(held) = held else { return fetching.await };
        // The rest of the call needs its share of the time.
        let patience = MAX_PATIENCE.min(deadline.saturating_duration_since(now) / 2);
        match timeout(patience, fetching.clone()).await {
            Ok(Ok(token)) => Ok(token),
            _ if Instant::now() < held.end => Ok(held.token),
            _ => fetching.await,
        }
    }

    /// Forgets a token, unless it has been replaced already.
    pub(crate) fn forget(&self, token: &AccessToken) {
        locked(&self.0).held.take_if(|held| held.token == *token);
    }

    fn begin(
        &self,
        state: &mut State,
        fetch: impl Future<Output = Result<Grant, Error>> + Send + 'static,
    ) -> Shared<Fetch> {
        let cache = Arc::clone(&self.0);
        // A panic, such as of a resolver of the user's, would leave those who wait without a word.
        let fetch = AssertUnwindSafe(fetch).catch_unwind();
        let fetch = fetch.map(|end| end.unwrap_or_else(|_| Err(Error::auth("the fetch of a token panicked"))));
        let fetching = fetch.map(move |grant| locked(&cache).end(grant.map_err(Arc::new))).boxed().shared();
        state.fetching = fetching.downgrade();
        fetching
    }
}

impl State {
    /// Keeps what a fetch got. Whoever comes from now on begins another.
    fn end(&mut self, grant: Result<Grant, Arc<Error>>) -> Result<AccessToken, Arc<Error>> {
        self.fetching = None;
        let Grant { token, lifetime } = grant?;
        let now = Instant::now();
        let margin = (lifetime / MARGIN_PART).min(MAX_MARGIN);
        self.held = Some(Held { token: token.clone(), renewal: now + (lifetime - margin), end: now + lifetime });
        Ok(token)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
