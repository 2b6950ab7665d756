//! A call's waits, under a paused clock, with scripted attempts and no socket.

use super::*;
use crate::raw_response::RawResponse;
use crate::record::BodyState;
use crate::request_body::WitnessedBody;
use crate::{AccessToken, BoxError, ClientCredentials, RetryPolicy, types::OnboardingRequest};
use http::{HeaderMap, header::RETRY_AFTER};
use http_body::Body;
use progenitor_client::ResponseValue;
use std::{
    collections::VecDeque,
    marker::PhantomData,
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Waker},
};
use tokio::sync::Barrier;

const OPERATION: Operation<OnboardingRequest> = Operation {
    name: "scripted",
    method: "POST",
    path: "/",
    success: &[201..=201],
    is_safe: false,
    response: PhantomData,
};
const SECOND: Duration = Duration::from_secs(1);

enum Attempt {
    Answered(u16, Option<&'static str>),
    Created,
    Silent,
    /// What reqwest says about a request that it cannot build.
    Unbuilt,
}
use Attempt::*;

/// Runs a call against a script, and returns how it ended, how long it took, and how many attempts it made.
async fn run(policy: RetryPolicy, script: impl Into<VecDeque<Attempt>>) -> (Result<u32, Error>, Duration, usize) {
    run_with(client(policy), script).await
}

fn client(policy: RetryPolicy) -> Client {
    Client::builder().token("t").base_url("http://localhost").retry(policy).build().unwrap()
}

async fn run_with(client: Client, script: impl Into<VecDeque<Attempt>>) -> (Result<u32, Error>, Duration, usize) {
    let script = Mutex::new(script.into());
    let begun = AtomicUsize::new(0);
    let started = Instant::now();
    let result = client
        .call(&OPERATION, |api| {
            begun.fetch_add(1, Relaxed);
            let attempt = script.lock().unwrap().pop_front().expect("one attempt too many");
            async move {
                let (status, retry_after) = match attempt {
                    Silent => {
                        sent(&api);
                        return std::future::pending().await;
                    }
                    Unbuilt => {
                        let error = reqwest::Client::new().get("http://[").build().unwrap_err();
                        return Err(generated::Error::CommunicationError(error));
                    }
                    Created => (201, None),
                    Answered(status, retry_after) => (status, retry_after),
                };
                let headers = retry_after.map(|value| (RETRY_AFTER, value.parse().unwrap()));
                let (status, headers) = (StatusCode::from_u16(status).unwrap(), HeaderMap::from_iter(headers));
                answer(&api, status, headers)
            }
        })
        .await;
    (result.map(|response| response.attempts()), started.elapsed(), begun.into_inner())
}

/// The connection has asked for the body.
fn sent(api: &generated::Client) {
    let mut request = api.client.post("http://localhost").body("body").build().unwrap();
    WitnessedBody::wrap(&mut request, &api.inner.witness);
    let _ = Pin::new(request.body_mut().as_mut().unwrap()).poll_frame(&mut Context::from_waker(Waker::noop()));
}

/// What the transport leaves behind after a response.
#[allow(clippy::result_large_err)] // It is the generated method's error.
fn answer(api: &generated::Client, status: StatusCode, headers: HeaderMap) -> Generated {
    let mut received = api.inner.record.received();
    received.response = Some(RawResponse { status, headers: headers.clone(), body: support::CREATED.into() });
    received.body_state = BodyState::Complete;
    match status.is_success() {
        true => Ok(ResponseValue::new((), status, headers)),
        false => Err(generated::Error::Custom("scripted".to_owned())),
    }
}

/// The longest that a wait may take if the server asks for this many seconds.
fn with_jitter(seconds: u64) -> Duration {
    Duration::from_millis(seconds * 1100 + 2)
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_as_long_as_retry_after_says_and_little_longer() {
    let script = [Answered(429, Some("7")), Answered(429, Some("9")), Created];
    let (result, took, _) = run(RetryPolicy::new(), script).await;
    assert_eq!(result.unwrap(), 3);
    assert!(16 * SECOND <= took && took <= with_jitter(16), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn waits_are_drawn_between_zero_and_the_longest_for_their_retry() {
    let policy =
        RetryPolicy::new().initial_backoff(SECOND).max_backoff(3 * SECOND).max_attempts(4).total_timeout(100 * SECOND);
    let mut longest = Duration::ZERO;
    for _ in 0..200 {
        let busy = || Answered(429, None);
        let (result, took, begun) = run(policy.clone(), [busy(), busy(), busy(), busy()]).await;
        // 1 + 2 + 3 seconds, and a tick of the timer each.
        assert!(took <= 6 * SECOND + Duration::from_millis(3), "{took:?}");
        assert_eq!((result.unwrap_err().attempts(), begun), (4, 4));
        longest = longest.max(took);
    }
    assert!(longest > 4 * SECOND, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_reach_the_deadline_is_not_started() {
    let policy = || RetryPolicy::new().total_timeout(10 * SECOND).max_attempts(100);
    let (result, took, begun) = run(policy(), [Answered(429, Some("6")), Answered(429, Some("6"))]).await;
    let error = result.unwrap_err();
    assert_eq!((took.as_secs(), begun, error.retry_after()), (6, 2, Some(6 * SECOND)));
    assert!(took <= with_jitter(6), "{took:?}");
    let (_, took, begun) = run(policy(), [Answered(429, Some("10"))]).await;
    assert_eq!((took.as_secs(), begun), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_at_its_own_timeout_and_a_call_at_its_deadline() {
    let client = |deadline| {
        let builder = Client::builder().token("t").base_url("http://localhost").attempt_timeout(3 * SECOND);
        builder.retry(RetryPolicy::new().total_timeout(deadline)).build().unwrap()
    };
    for (deadline, ends_after, limit) in [(60, 3, "the attempt timeout"), (2, 2, "the call's deadline")] {
        let (result, took, begun) = run_with(client(deadline * SECOND), [Silent]).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
        assert_eq!((took.as_secs(), begun), (ends_after, 1));
        assert!(error.to_string().contains(&format!("no response before {limit}")), "{error}");
        assert!(error.elapsed() >= Duration::from_secs(ends_after));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_built_is_not_sent_and_not_retried() {
    let (result, _, begun) = run(RetryPolicy::new(), [Unbuilt]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), begun), (ErrorKind::Config, Outcome::NotSent, 1));
    assert!(error.to_string().contains("the request could not be built: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_is_not_sent() {
    let (result, _, begun) =
        run_with(client(RetryPolicy::new()).with_retry(RetryPolicy::new().total_timeout(Duration::ZERO)), []).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Timeout, Outcome::NotSent, 0));
    assert_eq!(begun, 0);
}

#[tokio::test(start_paused = true)]
async fn an_overflowing_deadline_means_no_deadline() {
    let policy = RetryPolicy::new().total_timeout(Duration::MAX);
    let (result, took, _) = run(policy.clone(), [Answered(429, Some("86400")), Created]).await;
    assert_eq!((result.unwrap(), took.as_secs() / 2), (2, 43_200));
    let (result, took, _) = run(policy, [Answered(429, Some("99999999999999999999"))]).await;
    assert_eq!((result.unwrap_err().retry_after(), took.as_secs()), (Some(Duration::from_secs(u64::MAX)), 0));
}

fn with_tokens(policy: RetryPolicy, tokens: &'static [Option<&'static str>]) -> Client {
    let next = AtomicUsize::new(0);
    let source = move || {
        let token = tokens[next.fetch_add(1, Relaxed).min(tokens.len() - 1)];
        async move {
            match token {
                Some(token) => Ok::<_, BoxError>(AccessToken::new(token)?),
                None => std::future::pending().await,
            }
        }
    };
    Client::builder().base_url("http://localhost").token_source(source).retry(policy).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_replay_after_401_counts_as_an_attempt_but_not_against_the_policy() {
    let client = with_tokens(RetryPolicy::new().max_attempts(2), &[Some("a"), Some("b")]);
    let script = [Answered(401, None), Answered(429, Some("1")), Created];
    let (result, took, begun) = run_with(client, script).await;
    assert_eq!((result.unwrap(), took.as_secs(), begun), (3, 1, 3));
    assert!(took <= with_jitter(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_second_401_is_not_replayed() {
    let client = with_tokens(RetryPolicy::new(), &[Some("a"), Some("b"), Some("c")]);
    let (result, _, begun) = run_with(client, [Answered(401, None), Answered(401, None)]).await;
    assert_eq!((result.unwrap_err().attempts(), begun), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_401_for_an_unchanged_token_is_not_replayed() {
    let (result, _, begun) = run_with(with_tokens(RetryPolicy::new(), &[Some("a")]), [Answered(401, None)]).await;
    assert_eq!((result.unwrap_err().attempts(), begun), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_uses_up_the_time_starts_no_attempt_and_the_refusal_stands() {
    for status in [401, 429] {
        let asked = AtomicUsize::new(0);
        let source = move || {
            let number = asked.fetch_add(1, Relaxed);
            async move {
                sleep(SECOND * 3 * number as u32).await;
                AccessToken::new(format!("token-{number}"))
            }
        };
        let policy = RetryPolicy::new().initial_backoff(Duration::ZERO).total_timeout(Duration::from_millis(3_050));
        let client = Client::builder().base_url("http://localhost").token_source(source).retry(policy).build().unwrap();
        let (result, _, begun) = run_with(client, [Answered(status, None)]).await;
        let error = result.unwrap_err();
        assert_eq!((error.outcome(), error.attempts(), begun), (Outcome::Rejected, 1, 1), "{error}");
        assert_eq!(error.status().unwrap(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_never_arrives_ends_the_call_at_its_deadline_and_nothing_is_sent() {
    let (result, took, begun) = run_with(with_tokens(RetryPolicy::new().total_timeout(5 * SECOND), &[None]), []).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Auth, Outcome::NotSent, 0));
    assert_eq!((took.as_secs(), begun), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_stays_unknown_when_no_token_arrives_for_the_next_attempt() {
    let policy = RetryPolicy::new().total_timeout(5 * SECOND).repeat_unknown_outcomes_and_risk_duplicates();
    let (result, ..) = run_with(with_tokens(policy, &[Some("a"), None]), [Answered(500, None)]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Auth, Outcome::Unknown, 1));
}

/// A thousand calls at once: attempts with the token `old` are answered 401 once all have sent it, and any other 201. Only the
/// token endpoint has a socket. Returns the number of token requests, and each call's attempts.
async fn thousand_calls(grants: &[&str]) -> (usize, Vec<u32>) {
    const CALLS: usize = 1000;
    let grant =
        |token: &&str| support::response(200, &[], &format!(r#"{{"access_token":"{token}","expires_in":3599}}"#));
    let endpoint = support::Server::queue(grants.iter().map(grant).collect::<Vec<_>>()).await;
    let credentials = ClientCredentials::new("id", "secret").token_url(endpoint.url());
    let client = Client::builder().base_url("http://localhost").client_credentials(credentials).build().unwrap();
    let all_sent = Arc::new(Barrier::new(CALLS));
    let calls = (0..CALLS).map(|_| {
        let (client, all_sent) = (client.clone(), Arc::clone(&all_sent));
        tokio::spawn(async move {
            let attempt = |api: generated::Client| {
                let all_sent = Arc::clone(&all_sent);
                async move {
                    let rejected = *api.inner.screen.token() == AccessToken::new("old").unwrap();
                    if rejected {
                        all_sent.wait().await;
                    }
                    let status = if rejected { StatusCode::UNAUTHORIZED } else { StatusCode::CREATED };
                    answer(&api, status, HeaderMap::new())
                }
            };
            client.call(&OPERATION, attempt).await.unwrap().attempts()
        })
    });
    let mut attempts = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        attempts.push(call.await.unwrap());
    }
    (endpoint.requests().len(), attempts)
}

#[tokio::test]
async fn a_thousand_first_calls_make_one_token_request() {
    assert_eq!(thousand_calls(&["new"]).await, (1, vec![1; 1000]));
}

#[tokio::test]
async fn a_thousand_calls_with_the_same_rejected_token_make_one_more() {
    assert_eq!(thousand_calls(&["old", "new"]).await, (2, vec![2; 1000]));
}
