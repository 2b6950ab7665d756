//! What logs and traces show of a call: its span, and in that a span and an event for each attempt, with OpenTelemetry's names
//! and no contents.

use serde_json::Value;
use std::io;
use std::time::{Duration, Instant};
use support::log::{Log, listen};
use support::{Behaviour, BlackHole, Server, Then, When, created, raw, response};
use tracing_subscriber::fmt::format::FmtSpan;
use traxes_connect::{AccessToken, Client, CollectiveOnboardingRequest, RetryPolicy};

/// What a call logged: events, and spans as they were closed.
struct Logged {
    events: Vec<Value>,
    attempts: Vec<Value>,
    call: Value,
}

/// Makes a call to a server with these behaviours.
async fn logged(behaviours: impl IntoIterator<Item = Behaviour>) -> Logged {
    let server = Server::queue(behaviours).await;
    logged_until(|_| false, &server.url()).await
}

/// Makes a call to this server, and drops it as soon as this is true of what is logged.
async fn logged_until(is_dropped: impl Fn(&Log) -> bool, url: &str) -> Logged {
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
        let dropped = async {
            while !is_dropped(&log) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            result = client.create_collective_onboarding(&request) => drop(result),
            () = dropped => {}
        }
    }
    let text = log.text();
    assert!(!text.contains("s3cret"), "{text}");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ours: Vec<Value> = lines.filter(|l| l["target"].as_str().unwrap().starts_with("traxes_connect")).collect();
    let (closed, events): (Vec<Value>, _) = ours.into_iter().partition(|line| line["fields"]["message"] == "close");
    let spans = closed.into_iter().map(|line| line["span"].clone());
    let (attempts, mut calls): (Vec<Value>, Vec<Value>) =
        spans.partition(|span| span["name"] == "traxes_connect.attempt");
    assert_eq!(calls.len(), 1, "one span per call");
    let call = calls.remove(0);
    assert_eq!((&call["name"], &call["otel.kind"]), (&"traxes_connect.call".into(), &"internal".into()));
    assert_eq!(call["otel.name"], "create_collective_onboarding");
    for span in &attempts {
        assert_eq!((&span["otel.kind"], &span["http.request.method"]), (&"client".into(), &"POST".into()));
        assert_eq!(span["otel.name"], "POST /v1/onboarding/collectives");
        assert_eq!(span["url.template"], "/v1/onboarding/collectives");
        assert_eq!(format!("http://{}:{}", span["server.address"].as_str().unwrap(), span["server.port"]), url);
    }
    Logged { events, attempts, call }
}

#[tokio::test]
async fn a_success_is_one_event_and_a_span_without_an_error() {
    let Logged { events, attempts, call } = logged([created()]).await;
    assert_eq!((events.len(), attempts.len()), (1, 1));
    assert_eq!(
        (&events[0]["level"], &events[0]["fields"]["http.response.status_code"]),
        (&"DEBUG".into(), &201.into())
    );
    let attempt = &attempts[0];
    assert_eq!(attempt["http.response.status_code"], 201);
    assert_eq!(attempt["http.request.resend_count"], Value::Null, "only on a resend");
    for span in [attempt, &call] {
        assert_eq!((&span["error.type"], &span["otel.status_code"]), (&Value::Null, &Value::Null));
    }
    assert_eq!((&call["outcome"], &call["attempts"]), (&Value::Null, &1.into()));
}

#[tokio::test]
async fn the_full_url_is_the_one_on_the_wire() {
    let server = Server::queue([created()]).await;
    let Logged { attempts, .. } = logged_until(|_| false, &server.url()).await;
    let line = &server.requests()[0].line;
    let target = line.split(' ').nth(1).unwrap();
    assert_eq!(attempts[0]["url.full"], format!("{}{target}", server.url()));
}

#[tokio::test]
async fn each_attempt_is_a_span_and_an_event_with_its_outcome() {
    let behaviours = [response(429, &[], ""), response(500, &[], "body-s3cret")];
    let Logged { events, attempts, call } = logged(behaviours).await;
    let fields = |n: usize, name: &str| events[n]["fields"][name].clone();
    assert_eq!((events.len(), attempts.len()), (2, 2));
    for (n, status, outcome, resend) in [(0, 429, "rejected", Value::Null), (1, 500, "unknown", 1.into())] {
        assert_eq!(events[n]["level"], "WARN");
        assert_eq!(fields(n, "http.request.resend_count"), n);
        assert_eq!(fields(n, "outcome"), outcome);
        for record in [&events[n]["fields"], &attempts[n]] {
            assert_eq!(record["http.response.status_code"], status);
            assert_eq!(record["error.type"], status.to_string());
        }
        assert_eq!(
            (&attempts[n]["otel.status_code"], &attempts[n]["http.request.resend_count"]),
            (&"ERROR".into(), &resend)
        );
    }
    assert_eq!((&call["outcome"], &call["error.type"]), (&"unknown".into(), &"500".into()));
    assert_eq!((&call["otel.status_code"], &call["attempts"]), (&"ERROR".into(), &2.into()));
}

#[tokio::test]
async fn a_success_on_the_second_attempt_says_so() {
    let Logged { events, attempts, call } = logged([response(429, &[], ""), created()]).await;
    let resent: Vec<_> = events.iter().map(|event| &event["fields"]["http.request.resend_count"]).collect();
    assert_eq!(resent, [0, 1]);
    assert_eq!((&attempts[1]["http.request.resend_count"], &call["attempts"]), (&1.into(), &2.into()));
    assert_eq!((&attempts[1]["error.type"], &call["error.type"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_failure_without_a_status_uses_its_kind_as_error_type() {
    let Logged { events, attempts, call } = logged([raw(When::AfterRequest, "", Then::Close)]).await;
    assert_eq!((&call["error.type"], &call["outcome"]), (&"transport".into(), &"unknown".into()));
    assert_eq!(
        (&events[0]["fields"]["error.type"], &attempts[0]["error.type"]),
        (&"transport".into(), &"transport".into())
    );
}

#[tokio::test]
async fn an_unreadable_success_uses_its_kind_as_error_type() {
    let Logged { attempts, call, .. } = logged([response(201, &[], "<html>")]).await;
    assert_eq!(
        (&attempts[0]["http.response.status_code"], &attempts[0]["error.type"]),
        (&201.into(), &"decode".into())
    );
    assert_eq!((&call["outcome"], &call["error.type"]), (&"applied".into(), &"decode".into()));
}

/// Checks what is recorded about a dropped call: in its span, and in the one event that ends it.
fn check_dropped(Logged { events, call, .. }: &Logged, outcome: &str) {
    assert_eq!((&call["outcome"], &call["error.type"]), (&outcome.into(), &"cancelled".into()));
    let dropped: Vec<_> = events.iter().filter(|event| event["fields"]["error.type"] == "cancelled").collect();
    assert_eq!(dropped.len(), 1, "{events:?}");
    assert_eq!((&dropped[0]["level"], &dropped[0]["fields"]["outcome"]), (&"WARN".into(), &outcome.into()));
    assert!(dropped[0]["fields"]["message"].as_str().unwrap().starts_with("call dropped: "), "{dropped:?}");
    assert_eq!(dropped[0]["span"]["otel.name"], "create_collective_onboarding");
}

#[tokio::test]
async fn a_call_dropped_after_sending_is_unknown_and_its_attempt_cancelled() {
    for head in ["", "HTTP/1.1 201 X\r\ncontent-length: 9\r\n\r\n{"] {
        let server = Server::queue([raw(When::AfterRequest, head, Then::Stall)]).await;
        let logged = logged_until(|_| !server.requests().is_empty(), &server.url()).await;
        check_dropped(&logged, "unknown");
        assert_eq!(logged.attempts[0]["error.type"], "cancelled");
    }
}

#[tokio::test]
async fn a_call_dropped_between_attempts_keeps_the_last_outcome() {
    let server = Server::queue([response(429, &[("retry-after", "20")], "")]).await;
    let is_answered = |log: &Log| log.text().contains("http.response.status_code");
    let logged = logged_until(is_answered, &server.url()).await;
    check_dropped(&logged, "rejected");
    assert_eq!((logged.events.len(), &logged.attempts[0]["error.type"]), (2, &"429".into()));
}

#[tokio::test]
async fn a_call_dropped_while_connecting_is_not_sent() {
    let hole = BlackHole::open().await;
    let begun = Instant::now();
    let logged = logged_until(|_| begun.elapsed() > Duration::from_millis(150), &hole.url()).await;
    check_dropped(&logged, "not_sent");
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
