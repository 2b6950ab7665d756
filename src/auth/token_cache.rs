//! One token for all clones of a client: fetched once however many wait, renewed before it ends, forgotten when rejected.

use super::AccessToken;
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
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

#[derive(Clone)]
struct Held {
    token: AccessToken,
    renewal: Instant,
    end: Instant,
}

/// `E` is shared by all who wait for one fetch.
pub(crate) struct TokenCache<E>(Mutex<State<E>>);

struct State<E> {
    held: Option<Held>,
    /// Lives as long as a call waits for it, and ends with the last one that does.
    fetching: Weak<Fetch<E>>,
}

/// A fetch that one of the waiting calls drives, and another one goes on with where that one is dropped.
type Fetch<E> = tokio::sync::Mutex<Progress<E>>;

enum Progress<E> {
    Running(Pin<Box<dyn Future<Output = Result<Grant, E>> + Send>>),
    Ended(Result<AccessToken, E>),
}

impl<E> Default for TokenCache<E> {
    fn default() -> Self {
        Self(Mutex::new(State { held: None, fetching: Weak::new() }))
    }
}

impl<E: Clone + Send + Sync> TokenCache<E> {
    /// The token that is held, or what `fetch` gets, for a call that ends at `deadline`.
    pub(crate) async fn token<R>(&self, deadline: Instant, fetch: impl Fn() -> R) -> Result<AccessToken, E>
    where
        R: Future<Output = Result<Grant, E>> + Send + 'static,
    {
        let now = Instant::now();
        let Some(held) = self.valid() else { return self.join(&self.fetching(&fetch)).await };
        let Some(renewal) = self.begin_renewal(now, &fetch) else { return Ok(held.token) };
        // The rest of the call needs its share of the time.
        let patience = MAX_PATIENCE.min(held.end - now).min(deadline.saturating_duration_since(now) / 2);
        match timeout(patience, self.join(&renewal)).await {
            Ok(Ok(token)) => Ok(token),
            _ if Instant::now() < held.end => Ok(held.token),
            _ => self.join(&renewal).await,
        }
    }

    /// Forgets a token, unless it has been replaced already.
    pub(crate) fn forget(&self, token: &AccessToken) {
        self.state().held.take_if(|held| held.token == *token);
    }

    /// A fetch, if renewal is due and no other call is at it.
    fn begin_renewal<R>(&self, now: Instant, fetch: impl Fn() -> R) -> Option<Arc<Fetch<E>>>
    where
        R: Future<Output = Result<Grant, E>> + Send + 'static,
    {
        let mut state = self.state();
        let idle = state.fetching.upgrade().is_none();
        let held = state.held.as_mut().filter(|held| idle && now >= held.renewal)?;
        // The next try is halfway to the end, so that a failing server is asked a few times and not by every call.
        held.renewal = now + held.end.saturating_duration_since(now) / 2;
        Some(state.begin(fetch()))
    }

    /// The fetch that is under way, or a new one.
    fn fetching<R>(&self, fetch: impl Fn() -> R) -> Arc<Fetch<E>>
    where
        R: Future<Output = Result<Grant, E>> + Send + 'static,
    {
        let mut state = self.state();
        match state.fetching.upgrade() {
            Some(fetching) => fetching,
            None => state.begin(fetch()),
        }
    }

    // Boxed: every call has room for what it may wait for, and this is seldom waited for.
    fn join<'a>(&'a self, fetch: &'a Fetch<E>) -> Pin<Box<dyn Future<Output = Result<AccessToken, E>> + Send + 'a>> {
        Box::pin(async {
            let mut progress = fetch.lock().await;
            if let Progress::Running(running) = &mut *progress {
                let grant = running.await;
                *progress = Progress::Ended(self.end(grant));
            }
            match &*progress {
                Progress::Ended(ending) => ending.clone(),
                Progress::Running(_) => unreachable!("it has just ended"),
            }
        })
    }

    /// Keeps what a fetch got. Whoever comes from now on begins another.
    fn end(&self, grant: Result<Grant, E>) -> Result<AccessToken, E> {
        let mut state = self.state();
        state.fetching = Weak::new();
        let Grant { token, lifetime } = grant?;
        let now = Instant::now();
        let margin = (lifetime / MARGIN_PART).min(MAX_MARGIN);
        state.held = Some(Held { token: token.clone(), renewal: now + (lifetime - margin), end: now + lifetime });
        Ok(token)
    }

    fn valid(&self) -> Option<Held> {
        self.state().held.clone().filter(|held| Instant::now() < held.end)
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> State<E> {
    fn begin(&mut self, fetch: impl Future<Output = Result<Grant, E>> + Send + 'static) -> Arc<Fetch<E>> {
        let fetching = Arc::new(Fetch::new(Progress::Running(Box::pin(fetch))));
        self.fetching = Arc::downgrade(&fetching);
        fetching
    }
}

#[cfg(test)]
mod tests;
