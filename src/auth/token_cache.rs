//! One token for all clones of a client: fetched once no matter how many calls wait, renewed before it expires, forgotten when
//! rejected.

use super::grant::{FETCH_TIMEOUT, Grant};
use crate::access_token::AccessToken;
use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// A token is renewed at most this long before it expires: several calls' worth.
const MAX_MARGIN: Duration = Duration::from_secs(60);
/// The margin as a fraction of a token's lifetime, if that is shorter.
const MARGIN_PART: u32 = 10;
/// Use of a token stops at most this long before it expires: a request takes a moment to arrive.
const MAX_RESERVE: Duration = Duration::from_secs(1);
/// The reserve as a fraction of a token's lifetime, if that is shorter.
const RESERVE_PART: u32 = 20;
/// The longest that a call with a usable token waits for a newer one.
const MAX_PATIENCE: Duration = Duration::from_secs(2);
/// A call that comes later than this starts another fetch: this one may have stalled, with its connection or its runtime.
const LONGEST_JOIN: Duration = Duration::from_secs(5);
/// Past this, a fetch has stopped with its runtime: its own timeout has passed.
const LONGEST_FETCH: Duration = FETCH_TIMEOUT.saturating_add(Duration::from_secs(1));

#[derive(Default)]
pub(crate) struct TokenCache(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cached: Option<CachedToken>,
    fetch: Option<Fetch>,
}

#[derive(Clone)]
struct CachedToken {
    token: AccessToken,
    refresh_at: Instant,
    usable_until: Instant,
}

/// Shared by all waiters, errors included.
type FetchResult = Result<AccessToken, Arc<Error>>;

/// A fetch in its own task: it continues no matter who waits for it, and ends with its runtime.
#[derive(Clone)]
struct Fetch {
    result: watch::Receiver<Option<FetchResult>>,
    began: Instant,
}

/// What a call that needs a token does next.
enum Step {
    Use(AccessToken),
    /// The token is still usable, but due for renewal.
    Refresh(CachedToken, Fetch),
    Wait(Fetch),
}

impl TokenCache {
    /// The cached token, or the one that `fetch` gets, for a call that ends at `deadline`.
    pub(crate) async fn token<R>(&self, deadline: Instant, fetch: impl Fn() -> R) -> FetchResult
    where
        R: Future<Output = Result<Grant, Error>> + Send + 'static,
    {
        match self.step(&fetch) {
            Step::Use(token) => Ok(token),
            // Boxed: the usual call does not wait, and needs no room for this.
            step => Box::pin(self.wait(step, deadline, fetch)).await,
        }
    }

    async fn wait<R>(&self, mut step: Step, deadline: Instant, fetch: impl Fn() -> R) -> FetchResult
    where
        R: Future<Output = Result<Grant, Error>> + Send + 'static,
    {
        // Repeats only if a fetch ended with another runtime.
        loop {
            let result = match step {
                Step::Use(token) => return Ok(token),
                Step::Wait(fetch) => fetch.result().await,
                Step::Refresh(cached, fetch) => {
                    // The rest of the call needs its share of the time.
                    let patience = MAX_PATIENCE.min(deadline.saturating_duration_since(Instant::now()) / 2);
                    match timeout(patience, fetch.clone().result()).await {
                        Ok(Some(Ok(token))) => return Ok(token),
                        _ if cached.is_usable() => return Ok(cached.token),
                        Ok(result) => result,
                        Err(_) => fetch.result().await,
                    }
                }
            };
            if let Some(result) = result {
                return result;
            }
            step = self.step(&fetch);
        }
    }

    /// Forgets a token, unless it has been replaced already.
    pub(crate) fn forget(&self, token: &AccessToken) {
        locked(&self.0).cached.take_if(|cached| cached.token == *token);
    }

    fn step<R>(&self, fetch: impl Fn() -> R) -> Step
    where
        R: Future<Output = Result<Grant, Error>> + Send + 'static,
    {
        let now = Instant::now();
        let mut state = locked(&self.0);
        if let Some(cached) = state.cached.as_ref().filter(|cached| now < cached.refresh_at) {
            return Step::Use(cached.token.clone());
        }
        let under_way = state.fetch.clone().filter(Fetch::may_be_joined);
        let fetch = under_way.unwrap_or_else(|| self.begin(&mut state, fetch()));
        match state.cached.as_mut().filter(|cached| cached.is_usable()) {
            Some(cached) => {
                // The next try is halfway to expiry, so that a failing server is asked a few times and not by every call.
                cached.refresh_at = now + (cached.usable_until - now) / 2;
                Step::Refresh(cached.clone(), fetch)
            }
            None => Step::Wait(fetch),
        }
    }

    fn begin(&self, state: &mut State, fetch: impl Future<Output = Result<Grant, Error>> + Send + 'static) -> Fetch {
        let (sender, result) = watch::channel(None);
        let begun = Fetch { result, began: Instant::now() };
        let (cache, ended) = (Arc::clone(&self.0), begun.clone());
        // A task within the task, so that waiters learn of a panic, such as one in the user's resolver.
        let fetch = tokio::spawn(fetch);
        tokio::spawn(async move {
            let grant = match fetch.await {
                Ok(grant) => grant,
                Err(error) if error.is_panic() => Err(Error::auth("fetching a token panicked")),
                // The runtime is ending, and waiters in another one see that the sender is gone.
                Err(_) => return,
            };
            let result = locked(&cache).end(&ended, grant.map_err(Arc::new));
            drop(sender.send(Some(result)));
        });
        state.fetch = Some(begun.clone());
        begun
    }
}

impl State {
    /// Stores the result of a fetch. Later calls start another.
    fn end(&mut self, fetch: &Fetch, grant: Result<Grant, Arc<Error>>) -> FetchResult {
        self.fetch.take_if(|current| current.result.same_channel(&fetch.result));
        let Grant { token, requested, lifetime } = grant?;
        // A token without a lifetime is only for those already waiting.
        if !lifetime.is_zero() && requested + lifetime <= Instant::now() {
            let message = "the token from the token endpoint had expired when it arrived";
            return Err(Arc::new(Error::new(ErrorKind::Timeout, Outcome::NotSent, message)));
        }
        let margin = (lifetime / MARGIN_PART).min(MAX_MARGIN);
        let reserve = (lifetime / RESERVE_PART).min(MAX_RESERVE);
        let fetched = CachedToken {
            token: token.clone(),
            refresh_at: requested + (lifetime - margin),
            usable_until: requested + (lifetime - reserve),
        };
        // A stalled fetch may end after one that started later.
        if self.cached.as_ref().is_none_or(|cached| cached.usable_until <= fetched.usable_until) {
            self.cached = Some(fetched);
        }
        Ok(token)
    }
}

impl CachedToken {
    fn is_usable(&self) -> bool {
        Instant::now() < self.usable_until
    }
}

impl Fetch {
    /// The result of the fetch, or `None` if it ended with its runtime.
    async fn result(mut self) -> Option<FetchResult> {
        let given_up_at = self.began + LONGEST_FETCH;
        let result = timeout_at(given_up_at, self.result.wait_for(Option::is_some)).await.ok()?;
        result.ok()?.clone()
    }

    fn may_be_joined(&self) -> bool {
        self.result.has_changed().is_ok() && self.began.elapsed() < LONGEST_JOIN
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
