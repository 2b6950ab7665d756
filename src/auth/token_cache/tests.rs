//! The cache under a paused clock, with a fake fetch and no socket.

use super::*;
use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
};
use tokio::time::{advance, sleep};

/// Stands for a fetch that panics instead of failing.
const PANIC: &str = "panic";
const SECOND: Duration = Duration::from_secs(1);

/// What a fetch does: how long it takes, and the lifetime of the token or why there is none.
type Script = (u64, Result<u64, &'static str>);

struct Endpoint {
    cache: TokenCache,
    script: Mutex<VecDeque<Script>>,
    fetches: AtomicUsize,
}

impl Endpoint {
    fn new(script: impl IntoIterator<Item = Script>) -> Arc<Self> {
        let script = Mutex::new(script.into_iter().collect());
        Arc::new(Self { cache: TokenCache::default(), script, fetches: AtomicUsize::new(0) })
    }

    /// The token that a call gets: `token-N` from the Nth fetch.
    async fn token(self: &Arc<Self>) -> Result<AccessToken, String> {
        self.token_by(Instant::now() + 3600 * SECOND).await
    }

    async fn token_by(self: &Arc<Self>, deadline: Instant) -> Result<AccessToken, String> {
        let token = self.cache.token(deadline, || Arc::clone(self).fetch()).await;
        token.map_err(|error| error.to_string())
    }

    async fn fetch(self: Arc<Self>) -> Result<Grant, Error> {
        let number = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
        let requested = Instant::now();
        let (takes, ends) = self.script.lock().unwrap().pop_front().expect("one fetch too many");
        sleep(Duration::from_secs(takes)).await;
        assert_ne!(ends, Err(PANIC));
        let lifetime = Duration::from_secs(ends.map_err(Error::auth)?);
        Ok(Grant { token: token(number), requested, lifetime })
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

fn token(number: usize) -> AccessToken {
    AccessToken::new(format!("token-{number}")).unwrap()
}

/// The results of calls that start at the same time.
async fn together(endpoint: &Arc<Endpoint>, calls: usize) -> Vec<Result<AccessToken, String>> {
    let calls = (0..calls).map(|_| {
        let endpoint = Arc::clone(endpoint);
        tokio::spawn(async move { endpoint.token().await })
    });
    let mut ends = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        ends.push(call.await.unwrap());
    }
    ends
}

#[tokio::test(start_paused = true)]
async fn a_thousand_first_calls_share_one_fetch() {
    let endpoint = Endpoint::new([(3, Ok(3600))]);
    assert!(together(&endpoint, 1000).await.iter().all(|end| *end == Ok(token(1))));
    assert_eq!(endpoint.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_whose_token_was_rejected_share_one_fetch() {
    let endpoint = Endpoint::new([(0, Ok(3600)), (3, Ok(3600))]);
    endpoint.token().await.unwrap();
    for _ in 0..1000 {
        endpoint.cache.forget(&token(1));
    }
    assert!(together(&endpoint, 1000).await.iter().all(|end| *end == Ok(token(2))));
    // A late rejection is of a token that is already gone.
    endpoint.cache.forget(&token(1));
    assert_eq!(endpoint.token().await, Ok(token(2)));
    assert_eq!(endpoint.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_a_margin_before_it_expires() {
    for (lifetime, margin) in [(3600, 60), (600, 60), (100, 10), (10, 1)] {
        let endpoint = Endpoint::new([(0, Ok(lifetime)), (0, Ok(lifetime))]);
        endpoint.token().await.unwrap();
        advance(Duration::from_secs(lifetime - margin) - Duration::from_millis(1)).await;
        assert_eq!(endpoint.token().await, Ok(token(1)), "too early, for {lifetime} s");
        advance(Duration::from_millis(1)).await;
        assert_eq!(endpoint.token().await, Ok(token(2)), "too late, for {lifetime} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_token_in_use_until_it_expires() {
    let endpoint = Endpoint::new([(0, Ok(600)), (0, Err("down")), (0, Err("down")), (0, Err("still down"))]);
    endpoint.token().await.unwrap();
    advance(540 * SECOND).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(1)), 2));
    // Halfway to expiry, and not by every call before that.
    advance(29 * SECOND).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(1)), 2));
    advance(SECOND).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(1)), 3));
    advance(30 * SECOND).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Err("still down".to_owned()), 4));
}

#[tokio::test(start_paused = true)]
async fn a_slow_renewal_delays_one_call_by_two_seconds_and_no_other() {
    let endpoint = Endpoint::new([(0, Ok(600)), (3600, Ok(600))]);
    endpoint.token().await.unwrap();
    advance(550 * SECOND).await;
    let started = Instant::now();
    let renewing = tokio::spawn({
        let endpoint = Arc::clone(&endpoint);
        async move { endpoint.token().await }
    });
    tokio::task::yield_now().await;
    assert!(together(&endpoint, 100).await.iter().all(|end| *end == Ok(token(1))));
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(renewing.await.unwrap(), Ok(token(1)));
    assert_eq!((started.elapsed().as_secs(), endpoint.fetches()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_share_a_failure_and_the_next_call_tries_again() {
    let endpoint = Endpoint::new([(3, Err("down")), (3, Err("down again")), (0, Ok(3600))]);
    assert!(together(&endpoint, 100).await.iter().all(|end| *end == Err("down".to_owned())));
    assert_eq!(endpoint.fetches(), 1);
    assert!(together(&endpoint, 100).await.iter().all(|end| *end == Err("down again".to_owned())));
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(3)), 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_after_a_failure_tries_again_even_while_another_has_yet_to_hear_of_it() {
    let endpoint = Endpoint::new([(3, Err("down")), (0, Ok(3600))]);
    let mut waiting = pin!(endpoint.token());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(endpoint.token().await, Err("down".to_owned()));
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(2)), 2));
    assert_eq!(waiting.await, Err("down".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_fails_those_who_wait_and_the_next_call_tries_again() {
    let endpoint = Endpoint::new([(3, Err(PANIC)), (0, Ok(3600))]);
    let ends = together(&endpoint, 100).await;
    assert!(ends.iter().all(|end| *end == Err("fetching a token panicked".to_owned())), "{ends:?}");
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(2)), 2));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_lifetime_serves_those_who_wait_and_no_later_call() {
    let endpoint = Endpoint::new([(3, Ok(0)), (0, Ok(0))]);
    assert!(together(&endpoint, 100).await.iter().all(|end| *end == Ok(token(1))));
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(2)), 2));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_continues_for_those_who_wait_when_the_call_that_started_it_is_dropped() {
    let endpoint = Endpoint::new([(3, Ok(3600))]);
    let started = Instant::now();
    let mut waiting = Vec::new();
    // One call every half second, each with less time than the fetch takes.
    for _ in 0..6 {
        let endpoint = Arc::clone(&endpoint);
        waiting.push(tokio::spawn(async move { timeout(9 * SECOND / 4, endpoint.token()).await }));
        sleep(SECOND / 2).await;
    }
    let ends: Vec<bool> = {
        let mut ends = Vec::new();
        for call in waiting {
            ends.push(call.await.unwrap().is_ok());
        }
        ends
    };
    assert_eq!(ends, [false, false, true, true, true, true]);
    assert_eq!((endpoint.fetches(), started.elapsed().as_secs()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_nobody_waits_for_any_more_continues_and_serves_the_next_call() {
    let endpoint = Endpoint::new([(3, Ok(3600))]);
    let started = Instant::now();
    assert!(timeout(SECOND, endpoint.token()).await.is_err());
    sleep(SECOND).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(1)), 1));
    assert_eq!(started.elapsed(), 3 * SECOND);
}

/// A single-threaded runtime whose clock advances by itself while idle.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[test]
fn a_fetch_that_ends_with_its_runtime_is_restarted_by_a_waiter_in_another() {
    let endpoint = Endpoint::new([(3, Ok(3600)), (0, Ok(3600))]);
    let (first, second) = (runtime(), runtime());
    first.block_on(async { assert!(timeout(SECOND, endpoint.token()).await.is_err()) });
    let mut waiting = pin!(endpoint.token());
    second.block_on(async { assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()) });
    drop(first);
    let started = std::time::Instant::now();
    assert_eq!((second.block_on(waiting), endpoint.fetches()), (Ok(token(2)), 2));
    assert_eq!(second.block_on(endpoint.token()), Ok(token(2)));
    assert!(started.elapsed() < SECOND);
}

#[test]
fn a_fetch_in_a_stalled_runtime_blocks_waiters_in_another_until_its_time_is_up() {
    let endpoint = Endpoint::new([(3, Ok(3600)), (0, Ok(3600))]);
    let (idle, second) = (runtime(), runtime());
    idle.block_on(async { assert!(timeout(SECOND, endpoint.token()).await.is_err()) });
    assert_eq!((second.block_on(endpoint.token()), endpoint.fetches()), (Ok(token(2)), 2));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_no_longer_used_a_moment_before_it_expires() {
    for (lifetime, reserve) in [(600, 1000), (10, 500)] {
        let endpoint = Endpoint::new([(0, Ok(lifetime)), (0, Err("down")), (0, Err("down"))]);
        endpoint.token().await.unwrap();
        advance(Duration::from_secs(lifetime) - Duration::from_millis(reserve + 1)).await;
        assert_eq!(endpoint.token().await, Ok(token(1)), "too early, for {lifetime} s");
        advance(Duration::from_millis(1)).await;
        assert_eq!(endpoint.token().await, Err("down".to_owned()), "too late, for {lifetime} s");
    }
}

#[tokio::test(start_paused = true)]
async fn the_lifetime_of_a_token_counts_from_when_it_was_requested() {
    let endpoint = Endpoint::new([(5, Ok(100)), (0, Ok(100))]);
    endpoint.token().await.unwrap();
    advance(85 * SECOND - Duration::from_millis(1)).await;
    assert_eq!(endpoint.token().await, Ok(token(1)));
    advance(Duration::from_millis(1)).await;
    assert_eq!(endpoint.token().await, Ok(token(2)));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_leaves_the_call_half_of_its_time() {
    let endpoint = Endpoint::new([(0, Ok(600)), (3600, Ok(600))]);
    endpoint.token().await.unwrap();
    advance(550 * SECOND).await;
    let started = Instant::now();
    assert_eq!(endpoint.token_by(started + SECOND).await, Ok(token(1)));
    assert_eq!(started.elapsed(), SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_while_it_is_renewed_is_not_handed_out() {
    let endpoint = Endpoint::new([(0, Ok(10)), (1, Ok(10))]);
    endpoint.token().await.unwrap();
    advance(Duration::from_millis(9_200)).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Ok(token(2)), 2));
    let endpoint = Endpoint::new([(0, Ok(10)), (1, Err("down"))]);
    endpoint.token().await.unwrap();
    advance(Duration::from_millis(9_200)).await;
    assert_eq!((endpoint.token().await, endpoint.fetches()), (Err("down".to_owned()), 2));
}
