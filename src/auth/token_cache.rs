//! One token for all clones of a client: fetched once however many wait, renewed before it expires, forgotten when rejected.

use super::token_endpoint::FETCH_TIMEOUT;
use crate::access_token::AccessToken;
use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// The longest time before its expiry that a token is renewed: several calls' worth.
const MAX_MARGIN: Duration = Duration::from_secs(60);
/// The part of a token's lifetime that is margin, where that is shorter.
const MARGIN_PART: u32 = 10;
/// The longest time before its expiry that a token is no longer used: a request takes a moment to arrive.
const MAX_RESERVE: Duration = Duration::from_secs(1);
/// The part of a token's lifetime that is reserve, where that is shorter.
const RESERVE_PART: u32 = 20;
/// The longest time that a call whose token still holds waits for a newer one.
const MAX_PATIENCE: Duration = Duration::from_secs(2);
/// Whoever comes later than this begins another fetch: this one may stand still, with its connection or its runtime.
const LONGEST_JOIN: Duration = Duration::from_secs(5);
/// Past this, a fetch has stopped with the runtime that it runs in: its own timeout is over.
const LONGEST_FETCH: Duration = FETCH_TIMEOUT.saturating_add(Duration::from_secs(1));

/// A token, when it was asked for, and how long it lives.
pub(crate) struct Grant {
    pub(crate) token: AccessToken,
    pub(crate) requested: Instant,
    pub(crate) lifetime: Duration,
}

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

/// All who wait share it, and an error too.
type FetchResult = Result<AccessToken, Arc<Error>>;

/// A fetch in a task of its own: it goes on whoever waits for it, and ends with the runtime that it runs in.
#[derive(Clone)]
struct Fetch {
    result: watch::Receiver<Option<FetchResult>>,
    began: Instant,
}

/// What a call that needs a token has to do.
enum Step {
    Use(AccessToken),
    /// The token still serves, and it is time for a newer one.
    Refresh(CachedToken, Fetch),
    Wait(Fetch),
}

impl TokenCache {
    /// The cached token, or what `fetch` gets, for a call that ends at `deadline`.
    pub(crate) async fn token<R>(&self, deadline: Instant, fetch: impl Fn() -> R) -> FetchResult
    where
        R: Future<Output = Result<Grant, Error>> + Send + 'static,
    {
        match self.step(&fetch) {
            Step::Use(token) => Ok(token),
            // Boxed: the usual call, which does not wait, need not have room for this.
            step => Box::pin(self.wait(step, deadline, fetch)).await,
        }
    }

    async fn wait<R>(&self, mut step: Step, deadline: Instant, fetch: impl Fn() -> R) -> FetchResult
    where
        R: Future<Output = Result<Grant, Error>> + Send + 'static,
    {
        // More than once only where a fetch ended with another runtime.
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
                // The next try is halfway to the end, so that a failing server is asked a few times and not by every call.
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
        // A task within the task, so that a panic, such as of a resolver of the user's, is told to those who wait.
        let fetch = tokio::spawn(fetch);
        tokio::spawn(async move {
            let grant = match fetch.await {
                Ok(grant) => grant,
                Err(error) if error.is_panic() => Err(Error::auth("the fetch of a token panicked")),
                // The runtime ends, and who waits in another one sees that the sender is gone.
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
    /// Keeps what a fetch got. Whoever comes from now on begins another.
    fn end(&mut self, fetch: &Fetch, grant: Result<Grant, Arc<Error>>) -> FetchResult {
        self.fetch.take_if(|current| current.result.same_channel(&fetch.result));
        let Grant { token, requested, lifetime } = grant?;
        // Without a lifetime, a token is for those who wait.
        if !lifetime.is_zero() && requested + lifetime <= Instant::now() {
            let message = "the token of the token endpoint had expired when it arrived";
            return Err(Arc::new(Error::new(ErrorKind::Timeout, Outcome::NotSent, message)));
        }
        let margin = (lifetime / MARGIN_PART).min(MAX_MARGIN);
        let reserve = (lifetime / RESERVE_PART).min(MAX_RESERVE);
        let fetched = CachedToken {
            token: token.clone(),
            refresh_at: requested + (lifetime - margin),
            usable_until: requested + (lifetime - reserve),
        };
        // A fetch that stood still may come after one that was begun later.
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
    /// What the fetch came to. None: it ended with its runtime, without a result.
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
