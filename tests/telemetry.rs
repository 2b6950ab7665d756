//! What logs and traces show of a call: one span and one event per attempt, with OpenTelemetry's names, and no contents.

use serde_json::Value;
use std::{io, time::Duration};
use support::log::{Log, listen};
use support::{Behaviour, BlackHole, Server, Then, When, created, raw, response};
use tracing_subscriber::fmt::format::FmtSpan;
use traxes_connect::{AccessToken, Client, CollectiveOnboardingRequest, RetryPolicy};

/// Makes a call, optionally dropped after a while, and returns what was logged: the events of its attempts, and its span as it
/// was closed.
async fn logged(
    behaviours: impl IntoIterator<Item = Behaviour>,
    dropped_after: Option<Duration>,
) -> (Vec<Value>, Value) {
    let server = Server::queue(behaviours).await;
    let (events, span) = logged_by(&server.url(), dropped_after).await;
    assert_eq!(span["server.port"], server.port);
    (events, span)
}

async fn logged_by(url: &str, dropped_after: Option<Duration>) -> (Vec<Value>, Value) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(log.clone());
    let policy = RetryPolicy::new().initial_backoff(Duration::from_millis(1));
    let client = Client::builder().token("tok-s3cret").base_url(format!("{url}/base")).retry(policy).build().unwrap();
    {
        let _listening = listen(subscriber.finish());
        let request = CollectiveOnboardingRequest::new("name-s3cret");
        let call = client.create_collective_onboarding(&request);
        match dropped_after {
            Some(after) => assert!(tokio::time::timeout(after, call).await.is_err()),
            None => drop(call.await),
        }
    }
    let text = log.text();
    assert!(!text.contains("s3cret"), "{text}");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours: Vec<Value> = lines.filter(|l| l["target"].as_str().unwrap().starts_with("traxes_connect")).collect();
    let (closed, events): (Vec<Value>, _) = ours.into_iter().partition(|line| line["fields"]["message"] == "close");
    assert_eq!(closed.len(), 1, "one span per call");
    let span = closed[0]["span"].clone();
    for (name, value) in [
        ("name", Value::from("traxes_connect.call")),
        ("otel.name", "create_collective_onboarding".into()),
        ("otel.kind", "client".into()),
        ("http.request.method", "POST".into()),
        ("url.template", "/v1/onboarding/collectives".into()),
        ("server.address", "127.0.0.1".into()),
    ] {
        assert_eq!(span[name], value, "{name}");
    }
    (events, span)
}

#[tokio::test]
async fn a_success_is_one_event_and_a_span_without_an_error() {
    let (events, span) = logged([created()], None).await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["level"], &events[0]["fields"]["http.response.status_code"]),
        (&"DEBUG".into(), &201.into())
    );
    assert_eq!((&span["http.response.status_code"], &span["http.request.resend_count"]), (&201.into(), &0.into()));
    assert_eq!((&span["error.type"], &span["outcome"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn each_attempt_is_an_event_with_its_outcome() {
    let (events, span) = logged([response(429, &[], ""), response(500, &[], "body-s3cret")], None).await;
    let fields = |n: usize, name: &str| events[n]["fields"][name].clone();
    assert_eq!(events.len(), 2);
    for (n, status, outcome) in [(0, 429, "rejected"), (1, 500, "unknown")] {
        assert_eq!(events[n]["level"], "WARN");
        assert_eq!(fields(n, "http.response.status_code"), status);
        assert_eq!(fields(n, "error.type"), status.to_string());
        assert_eq!(fields(n, "http.request.resend_count"), n);
        assert_eq!(fields(n, "outcome"), outcome);
    }
    assert_eq!((&span["outcome"], &span["error.type"]), (&"unknown".into(), &"500".into()));
    assert_eq!((&span["otel.status_code"], &span["http.request.resend_count"]), (&"ERROR".into(), &1.into()));
}

#[tokio::test]
async fn a_success_on_the_second_attempt_says_so() {
    let (events, span) = logged([response(429, &[], ""), created()], None).await;
    let resent: Vec<_> = events.iter().map(|event| &event["fields"]["http.request.resend_count"]).collect();
    assert_eq!((resent, &span["http.request.resend_count"]), (vec![&Value::from(0), &Value::from(1)], &Value::from(1)));
    assert_eq!((&span["http.response.status_code"], &span["error.type"]), (&201.into(), &Value::Null));
}

#[tokio::test]
async fn a_failure_without_a_status_uses_its_kind_as_error_type() {
    let (events, span) = logged([raw(When::AfterRequest, "", Then::Close)], None).await;
    assert_eq!((&span["error.type"], &span["outcome"]), (&"transport".into(), &"unknown".into()));
    assert_eq!(events[0]["fields"]["error.type"], "transport");
}

/// Checks what is recorded about a dropped call: in its span, and in the one event that ends it.
fn check_dropped(events: &[Value], span: &Value, outcome: &str) {
    assert_eq!((&span["outcome"], &span["error.type"]), (&outcome.into(), &"cancelled".into()));
    let dropped: Vec<_> = events.iter().filter(|event| event["fields"]["error.type"] == "cancelled").collect();
    assert_eq!(dropped.len(), 1, "{events:?}");
    assert_eq!((&dropped[0]["level"], &dropped[0]["fields"]["outcome"]), (&"WARN".into(), &outcome.into()));
    assert!(dropped[0]["fields"]["message"].as_str().unwrap().starts_with("call dropped: "), "{dropped:?}");
    assert_eq!(dropped[0]["span"]["otel.name"], "create_collective_onboarding");
}

const SOON: Option<Duration> = Some(Duration::from_millis(150));

#[tokio::test]
async fn a_call_dropped_after_sending_is_unknown() {
    let (events, span) = logged([raw(When::AfterRequest, "", Then::Stall)], SOON).await;
    check_dropped(&events, &span, "unknown");
    let head = "HTTP/1.1 201 X\r\ncontent-length: 9\r\n\r\n{";
    let (events, span) = logged([raw(When::AfterRequest, head, Then::Stall)], SOON).await;
    check_dropped(&events, &span, "unknown");
}

#[tokio::test]
async fn a_call_dropped_between_attempts_keeps_the_last_outcome() {
    let (events, span) = logged([response(429, &[("retry-after", "20")], "")], SOON).await;
    check_dropped(&events, &span, "rejected");
    assert_eq!(events.len(), 2, "{events:?}");
}

#[tokio::test]
async fn a_call_dropped_while_connecting_is_not_sent() {
    let hole = BlackHole::open().await;
    let (events, span) = logged_by(&hole.url(), SOON).await;
    check_dropped(&events, &span, "not_sent");
}

#[tokio::test]
async fn a_call_without_a_token_is_an_event_too() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let server = Server::queue([]).await;
    let source = || async { Err::<AccessToken, _>(io::Error::other("s3cret")) };
    let client = Client::builder().token_source(source).base_url(server.url()).build().unwrap();
    let _listening = listen(subscriber);
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    let text = log.text();
    let event: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!((&event["fields"]["outcome"], &event["fields"]["error.type"]), (&"not_sent".into(), &"auth".into()));
    assert!(event["fields"]["message"].as_str().unwrap().starts_with("call failed: "), "{text}");
    assert_eq!(event["fields"]["http.request.resend_count"], Value::Null);
    assert!(!text.contains("s3cret"), "{text}");
}
