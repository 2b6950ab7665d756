//! Whatever the server does, a failed call says whether its request was applied, and nothing that may have been applied is
//! resent.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use support::{Applies, Behaviour, CREATED, REFUSALS, Server, Then, When, created, raw, refusing_port, response};
use traxes_connect::{
    Client, CollectiveOnboardingRequest, Error,
    ErrorKind::{self, Decode, Status, Timeout, Transport},
    OnboardingRequest,
    Outcome::{self, Applied, NotSent, Rejected, Unknown},
    Response, RetryPolicy,
};
use uuid::Uuid;

const HTML: &str = "<html><body>502 from a proxy</body></html>";
const BODY_LIMIT: usize = 4096;
/// The deadline for calls that the server leaves hanging.
const DEADLINE: Duration = Duration::from_millis(300);
/// The deadline for calls that must finish even on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// Held exclusively by the long run, so that it does not skew the times that other tests measure.
static QUIET: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

fn policy() -> RetryPolicy {
    RetryPolicy::new().initial_backoff(Duration::from_millis(1)).total_timeout(LONG)
}

fn client(url: &str) -> Client {
    Client::builder().token("tok-1").base_url(url).body_limit(BODY_LIMIT).retry(policy()).build().unwrap()
}

async fn create(client: &Client) -> Result<Response<OnboardingRequest>, Error> {
    client.create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await
}

/// How a call ends, and what the server saw of it.
#[derive(Clone)]
struct Row {
    name: &'static str,
    behaviours: Vec<Behaviour>,
    ends: Result<u16, (ErrorKind, Outcome)>,
    attempts: u32,
    status: Option<u16>,
    request_id: Option<&'static str>,
    body: &'static str,
    requests: usize,
}

fn fails(name: &'static str, behaviour: Behaviour, kind: ErrorKind, outcome: Outcome) -> Row {
    Row {
        name,
        behaviours: vec![behaviour],
        ends: Err((kind, outcome)),
        attempts: 1,
        status: None,
        request_id: None,
        body: "",
        requests: 1,
    }
}

fn succeeds(name: &'static str, behaviours: Vec<Behaviour>, status: u16, attempts: u32) -> Row {
    let requests = attempts as usize;
    Row {
        name,
        behaviours,
        ends: Ok(status),
        attempts,
        status: Some(status),
        request_id: Some("req-1"),
        body: "",
        requests,
    }
}

impl Row {
    fn replied(mut self, status: u16, request_id: Option<&'static str>, body: &'static str) -> Self {
        (self.status, self.request_id, self.body) = (Some(status), request_id, body);
        self
    }

    /// Retried as often as the policy allows, ending the same way each time.
    fn retried(mut self) -> Self {
        self.behaviours = vec![self.behaviours[0].clone(); 3];
        (self.attempts, self.requests) = (3, 3);
        self
    }

    /// The row's behaviours, where a server that may or may not have applied the request did (or did not).
    fn applied(&self, applied: bool) -> Vec<Behaviour> {
        let settled = |behaviour: &Behaviour| match behaviour.applies {
            Applies::ByChance if applied => behaviour.clone().applies(Applies::Always),
            Applies::ByChance => behaviour.clone().applies(Applies::Never),
            _ => behaviour.clone(),
        };
        self.behaviours.iter().map(settled).collect()
    }
}

fn answered(name: &'static str, status: u16, headers: &[(&str, &str)], outcome: Outcome) -> Row {
    let headers = [headers, &[("content-type", "text/html"), ("x-request-id", "req-7")]].concat();
    fails(name, response(status, &headers, HTML), Status, outcome).replied(status, Some("req-7"), HTML)
}

fn partial(status: u16, length: usize, sent: &str, then: Then) -> Behaviour {
    let head = format!("HTTP/1.1 {status} X\r\nx-request-id: req-1\r\ncontent-length: {length}\r\n\r\n{sent}");
    raw(When::AfterRequest, head, then)
}

fn chunked(body: &str, then: Then) -> Behaviour {
    let head = "HTTP/1.1 201 Created\r\nx-request-id: req-1\r\ntransfer-encoding: chunked\r\n\r\n";
    raw(When::AfterRequest, [head, body].concat(), then)
}

fn unreadable(name: &'static str, status: u16, body: &'static str, outcome: Outcome) -> Row {
    fails(name, response(status, &[("x-request-id", "req-1")], body), Decode, outcome).replied(
        status,
        Some("req-1"),
        body,
    )
}

fn rows() -> Vec<Row> {
    [nothing_comes_back(), successes_without_a_value(), refusals(), redirects(), anything_else(), successes()].concat()
}

fn nothing_comes_back() -> Vec<Row> {
    vec![
        fails("read the request and close", raw(When::AfterRequest, "", Then::Close), Transport, Unknown),
        fails("read the request and reset", raw(When::AfterRequest, "", Then::Reset), Transport, Unknown),
        fails("close inside the head", raw(When::AfterRequest, "HTTP/1.1 201 Cr", Then::Close), Transport, Unknown),
        fails("not HTTP", raw(When::AfterRequest, "SSH-2.0-OpenSSH_9.9\r\n\r\n", Then::Close), Transport, Unknown),
        fails("answer plain HTTP with TLS", raw(When::AfterRequest, TLS_ALERT, Then::Close), Transport, Unknown),
        fails("stall before the head", raw(When::AfterRequest, "", Then::Stall), Timeout, Unknown),
        fails("stall inside the head", raw(When::AfterRequest, "HTTP/1.1 201 X\r\n", Then::Stall), Timeout, Unknown),
    ]
}

fn successes_without_a_value() -> Vec<Row> {
    let half = "{\"id\":";
    let cut = |row: Row, body| row.replied(201, Some("req-1"), body);
    vec![
        cut(fails("reset after the head", partial(201, 90, "", Then::Reset), Decode, Applied), ""),
        cut(fails("cut the body short", partial(201, 90, half, Then::Close), Decode, Applied), half),
        cut(
            fails("cut a body that is already complete JSON", partial(201, 90, CREATED, Then::Close), Decode, Applied),
            CREATED,
        ),
        cut(
            fails("a content-length that is too short", partial(201, 5, CREATED, Then::Close), Decode, Applied),
            &CREATED[..5],
        ),
        cut(fails("stall inside the body", partial(201, 90, half, Then::Stall), Timeout, Applied), half),
        cut(fails("chunked garbage", chunked("5\r\n{\"id\"\r\nzz\r\n", Then::Close), Decode, Applied), "{\"id\""),
        cut(fails("chunks without an end", chunked("5\r\n{\"id\"\r\n", Then::Close), Decode, Applied), "{\"id\""),
        unreadable("201 with HTML", 201, HTML, Applied),
        unreadable("201 with two values", 201, "{}{}", Applied),
        unreadable("201 with a list", 201, "[]", Applied),
        unreadable("201 with text", 201, "\"created\"", Applied),
        unreadable("201 without a body", 201, "", Applied),
        unreadable("201 with an empty object", 201, "{}", Applied),
        unreadable("201 with nulls", 201, "{\"id\":null,\"status\":null}", Applied),
        unreadable("201 with another object", 201, "{\"message\":\"thank you\"}", Applied),
        unreadable("201 with no readable field", 201, "{\"id\":7}", Applied),
        // An intermediary may have answered and forwarded nothing.
        unreadable("200 with HTML", 200, HTML, Unknown),
        unreadable("200 without a body", 200, "", Unknown),
        unreadable("200 with a gateway's JSON", 200, "{\"message\":\"under maintenance\"}", Unknown),
        unreadable("200 with a gateway's status", 200, "{\"status\":\"ok\"}", Unknown),
        unreadable("200 with an empty envelope", 200, "{\"data\":{}}", Unknown),
        unreadable("200 with a gateway's own envelope", 200, "{\"data\":{\"message\":\"busy\"}}", Unknown),
        unreadable("200 with a gateway's errors", 200, "{\"errors\":[\"under maintenance\"]}", Unknown),
        unreadable("200 with an unreadable field", 200, "{\"data\":{\"collective\":{\"id\":\"x\"}}}", Unknown),
        unreadable("200 with a gateway's numeric status", 200, "{\"status\":503}", Unknown),
        fails("200 cut", partial(200, 90, CREATED, Then::Close), Decode, Unknown).replied(200, Some("req-1"), CREATED),
        fails("200 that stalls", partial(200, 90, half, Then::Stall), Timeout, Unknown).replied(
            200,
            Some("req-1"),
            half,
        ),
        fails(
            "202 with HTML",
            response(202, &[("x-request-id", ""), ("x-correlation-id", "c-1")], HTML),
            Decode,
            Unknown,
        )
        .replied(202, Some("c-1"), HTML),
        fails("204", raw(When::AfterRequest, "HTTP/1.1 204 No Content\r\n\r\n", Then::KeepAlive), Decode, Unknown)
            .replied(204, None, ""),
    ]
}

fn refusals() -> Vec<Row> {
    let future = "Fri, 31 Dec 9999 23:59:59 GMT";
    let past = "Fri, 31 Dec 1999 23:59:59 GMT";
    let cut = |row: Row| row.replied(422, Some("req-1"), "{\"co");
    let mut rows: Vec<Row> = REFUSALS
        .into_iter()
        .filter(|status| !matches!(status, 307 | 308 | 425 | 429))
        .map(|status| answered("a client error", status, &[], Rejected))
        .collect();
    rows.extend([
        answered("425", 425, &[], Rejected).retried(),
        answered("429", 429, &[], Rejected).retried(),
        answered("429, at once", 429, &[("retry-after", "0")], Rejected).retried(),
        answered("429, since a date", 429, &[("retry-after", past)], Rejected).retried(),
        answered("429, in an hour", 429, &[("retry-after", "3600")], Rejected),
        answered("429, at a date", 429, &[("retry-after", future)], Rejected),
        answered("429, in aeons", 429, &[("retry-after", "99999999999999999999999999")], Rejected),
        answered("429, before now", 429, &[("retry-after", "-5")], Rejected).retried(),
        answered("429, garbage", 429, &[("retry-after", "soon")], Rejected).retried(),
        cut(fails("a truncated refusal", partial(422, 90, "{\"co", Then::Close), Status, Rejected)),
        cut(fails("a stalled refusal", partial(422, 90, "{\"co", Then::Stall), Status, Rejected)),
        fails("a refusal before the request was read", early(413), Status, Rejected).replied(
            413,
            Some("req-1"),
            "too large",
        ),
    ]);
    rows
}

fn redirects() -> Vec<Row> {
    let to = [("location", "http://192.0.2.1/")];
    let mut rows: Vec<Row> =
        [300, 301, 302, 303, 305, 306].map(|status| answered("a redirect", status, &to, Unknown)).into();
    rows.push(answered("304", 304, &[], Unknown).replied(304, Some("req-7"), ""));
    rows.extend([307, 308].map(|status| answered("the same request elsewhere", status, &to, Rejected)));
    rows
}

fn anything_else() -> Vec<Row> {
    let cut = |row: Row| row.replied(500, Some("req-1"), "{\"co");
    let at_once = [("retry-after", "0")];
    let mut rows: Vec<Row> = [418, 419, 420, 427, 430, 432, 444, 460, 494, 499]
        .map(|status| answered("an unregistered client error", status, &at_once, Unknown))
        .into();
    rows.extend(
        [500, 501, 502, 503, 504, 505, 507, 508, 520, 529, 599]
            .map(|status| answered("an error", status, &[], Unknown)),
    );
    rows.extend([600, 999].map(|status| answered("not an HTTP status", status, &[], Unknown)));
    rows.extend([
        answered("408", 408, &[], Unknown),
        answered("408, at once", 408, &at_once, Unknown),
        answered("503 as Varnish sends it", 503, &[("retry-after", "5")], Unknown),
        answered("503, at once", 503, &at_once, Unknown),
        answered("503, since a date", 503, &[("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")], Unknown),
        answered("503, in an hour", 503, &[("retry-after", "3600")], Unknown),
        answered("503, garbage", 503, &[("retry-after", "soon")], Unknown),
        answered("504, at once", 504, &at_once, Unknown),
        fails("101", raw(When::AfterRequest, SWITCHING, Then::KeepAlive), Status, Unknown).replied(
            101,
            Some("req-7"),
            "",
        ),
        cut(fails("a truncated failure", partial(500, 90, "{\"co", Then::Close), Status, Unknown)),
        cut(fails("a stalled failure", partial(500, 90, "{\"co", Then::Stall), Status, Unknown)),
    ]);
    rows
}

fn successes() -> Vec<Row> {
    let api = |status, body: &str| response(status, &[("x-request-id", "req-1")], body).applies(Applies::Always);
    vec![
        succeeds("201", vec![created()], 201, 1),
        succeeds("200", vec![api(200, CREATED)], 200, 1),
        succeeds("202", vec![api(202, CREATED)], 202, 1),
        succeeds("202 with one documented value", vec![api(202, "{\"status\":\"Pending\"}")], 202, 1),
        succeeds("201 with a new status", vec![api(201, "{\"status\":\"Paused\"}")], 201, 1),
        succeeds("early hints, then 201", vec![after_hints()], 201, 1),
        succeeds("a response in many frames", vec![chunked(&one_byte_chunks(CREATED), Then::KeepAlive)], 201, 1),
        succeeds("429 twice, then 201", vec![response(429, &[], ""), response(429, &[], ""), created()], 201, 3),
    ]
}

/// A fatal alert, which is how a TLS server answers plain HTTP.
const TLS_ALERT: [u8; 7] = [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];

const SWITCHING: &str = "HTTP/1.1 101 X\r\nx-request-id: req-7\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n";

fn early(status: u16) -> Behaviour {
    let head = format!("HTTP/1.1 {status} X\r\nx-request-id: req-1\r\ncontent-length: 9\r\n\r\ntoo large");
    raw(When::AfterHead, head, Then::Close)
}

fn after_hints() -> Behaviour {
    let hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let mut behaviour = created();
    behaviour.write.splice(0..0, hints.iter().copied());
    behaviour
}

fn one_byte_chunks(body: &str) -> String {
    body.chars().map(|c| format!("1\r\n{c}\r\n")).chain(["0\r\n\r\n".to_owned()]).collect()
}

#[tokio::test]
async fn every_server_behaviour_has_its_outcome_and_nothing_applied_is_resent() {
    let _quiet = QUIET.read().await;
    for row in rows() {
        let chance = row.behaviours.iter().any(|behaviour| behaviour.applies == Applies::ByChance);
        for applied in if chance { &[true, false][..] } else { &[true] } {
            check(&row, *applied).await;
        }
    }
}

async fn check(row: &Row, applied: bool) {
    let name = format!("{}, status {:?}, applied {applied}", row.name, row.status);
    let stalls = row.behaviours.iter().any(|behaviour| behaviour.then == Then::Stall);
    let server = Server::queue(row.applied(applied)).await;
    let deadline = if stalls { DEADLINE } else { LONG };
    let client = client(&server.url()).with_retry(policy().total_timeout(deadline));
    let started = Instant::now();
    let result = create(&client).await;
    let took = started.elapsed();
    assert!(took < deadline + Duration::from_millis(101), "{name}: took {took:?}");
    match (&result, row.ends) {
        (Ok(response), Ok(status)) => {
            assert_eq!(response.http_status().as_u16(), status, "{name}");
            assert_eq!((response.attempts(), response.request_id()), (row.attempts, row.request_id), "{name}");
        }
        (Err(error), Err(ends)) => {
            assert_eq!((error.kind(), error.outcome()), ends, "{name}: {error}");
            assert_eq!(error.attempts(), row.attempts, "{name}: {error}");
            assert_eq!(error.status().map(|s| s.as_u16()), row.status, "{name}");
            assert_eq!(error.request_id(), row.request_id, "{name}");
            assert_eq!(String::from_utf8_lossy(error.body()), row.body, "{name}");
            assert_eq!(error.operation(), Some("create_collective_onboarding"));
            assert!(error.elapsed() <= took && !error.elapsed().is_zero(), "{name}");
            one_line(error);
            assert!(!error.to_string().contains("html") && !format!("{error:?}").contains("html"), "{error:?}");
        }
        (result, ends) => panic!("{name}: got {result:?}, expected {ends:?}"),
    }
    let requests = server.requests();
    assert_eq!(requests.len(), row.requests, "{name}");
    let copies = requests.iter().filter(|request| request.applied).count();
    check_claim(&name, &result.map(drop), copies);
}

/// Checks what a client says about a call against the server's ledger.
fn check_claim(name: &str, result: &Result<(), Error>, copies: usize) {
    assert!(copies <= 1, "{name}: applied {copies} times");
    match result.as_ref().map_err(Error::outcome) {
        Ok(()) | Err(Applied) => assert_eq!(copies, 1, "{name}: claims to be applied: {result:?}"),
        Err(NotSent | Rejected) => assert_eq!(copies, 0, "{name}: claims not to be applied: {result:?}"),
        Err(_) => {}
    }
    if let Err(error) = result
        && error.outcome() == Applied
    {
        assert_eq!(error.status().unwrap(), 201, "{name}: only the documented status proves that it was applied");
    }
}

fn one_line(error: &Error) {
    let line = error.to_string();
    assert!(line.chars().count() <= 300 && !line.contains(['\n', '\r']), "{line}");
}

#[tokio::test]
async fn a_response_shows_its_status_and_request_id_but_no_headers() {
    let server = Server::queue([created()]).await;
    let response = create(&client(&server.url())).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let shown = format!("{response:?}");
    for text in ["status: 201", r#"request_id: Some("req-1")"#, "attempts: 1", "Pending"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!shown.contains("content-type"), "{shown}");
}

#[tokio::test]
async fn an_oversized_body_is_truncated_without_changing_the_outcome() {
    let large = Box::leak(" ".repeat(BODY_LIMIT + 1).into_boxed_str());
    for (behaviour, ends) in [
        (response(201, &[], large), (Decode, Applied)),
        (response(422, &[], large), (Status, Rejected)),
        (response(500, &[], large), (Status, Unknown)),
        (chunked(&one_byte_chunks(large), Then::KeepAlive), (Decode, Applied)),
        (raw(When::AfterRequest, "HTTP/1.1 201 X\r\n\r\n", Then::Endless), (Decode, Applied)),
        (raw(When::AfterRequest, "HTTP/1.1 403 X\r\n\r\n", Then::Endless), (Status, Rejected)),
    ] {
        let server = Server::queue([behaviour]).await;
        let error = create(&client(&server.url())).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome(), error.body().len()), (ends.0, ends.1, BODY_LIMIT));
        assert_eq!(error.to_string().contains("larger than the body limit"), error.kind() == Decode, "{error}");
        assert_eq!(server.requests().len(), 1);
    }
    let fits = format!("{}{CREATED}", " ".repeat(BODY_LIMIT - CREATED.len()));
    for behaviour in [response(201, &[], &fits), chunked(&one_byte_chunks(&fits), Then::KeepAlive)] {
        let server = Server::queue([behaviour]).await;
        create(&client(&server.url())).await.unwrap();
    }
}

#[tokio::test]
async fn server_error_details_are_kept_and_cannot_break_the_line() {
    let body = format!(r#"{{"code":"E\n{}","detail":"s3cret\nwords"}}"#, "x".repeat(500));
    let server = Server::queue([response(409, &[("x-request-id", &"r".repeat(500))], &body)]).await;
    let error = create(&client(&server.url())).await.unwrap_err();
    assert_eq!((error.detail(), error.code().unwrap().len()), (Some("s3cret\nwords"), 502));
    one_line(&error);
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_holds_while_reading_a_fast_body_of_any_size() {
    let _alone = QUIET.write().await;
    for (status, outcome) in [(201, Applied), (403, Rejected), (500, Unknown)] {
        let head = format!("HTTP/1.1 {status} X\r\n\r\n");
        let server = Server::queue([raw(When::AfterRequest, head, Then::Endless)]).await;
        let client = Client::builder().token("tok-1").base_url(server.url()).body_limit(usize::MAX);
        let client = client.retry(policy().total_timeout(DEADLINE)).build().unwrap();
        let started = Instant::now();
        let error = create(&client).await.unwrap_err();
        let took = started.elapsed();
        assert!(took < DEADLINE + Duration::from_millis(100), "{status}: took {took:?}");
        assert_eq!((error.outcome(), error.status().unwrap().as_u16()), (outcome, status), "{error}");
        assert!(!error.body().is_empty());
    }
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_never_started() {
    let _quiet = QUIET.read().await;
    let server = Server::queue([response(429, &[("retry-after", "30")], "")]).await;
    let client = client(&server.url());
    let started = Instant::now();
    let error = create(&client).await.unwrap_err();
    assert!(started.elapsed() < DEADLINE / 2);
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(30)), 1));
    assert!(error.to_string().contains("30 s"), "{error}");
}

#[tokio::test]
async fn a_byte_order_mark_does_not_hide_the_error_code() {
    let server = Server::queue([response(400, &[], "\u{feff}{\"code\":\"NameTaken\"}")]).await;
    let error = create(&client(&server.url())).await.unwrap_err();
    assert_eq!(error.code(), Some("NameTaken"));
}

#[tokio::test]
async fn a_token_echoed_in_a_response_is_hidden() {
    for token in ["0123456789abcdef", "0123456789'\"\\abcdef"] {
        let body = serde_json::json!({"action": {"redirectLink": format!("https://a.example/{token}")}}).to_string();
        let server = Server::queue([response(201, &[], &body)]).await;
        let client = Client::builder().token(token).base_url(server.url()).build().unwrap();
        let response = create(&client).await.unwrap();
        assert!(response.consent_url().unwrap().ends_with(token));
        for shown in [format!("{response:?}"), format!("{response:#?}")] {
            assert!(shown.contains("https://a.example/(hidden: access token)"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_408_explains_why_it_is_unknown() {
    let server = Server::queue([response(408, &[], "")]).await;
    let error = create(&client(&server.url())).await.unwrap_err();
    assert!(error.to_string().contains("408 Request Timeout: it stopped waiting"), "{error}");
    assert!(error.to_string().ends_with("; find out before you retry"), "{error}");
}

#[tokio::test]
async fn an_unknown_outcome_is_retried_only_if_duplicates_are_accepted() {
    let broken = || raw(When::AfterRequest, "", Then::Close);
    let risky = policy().repeat_unknown_outcomes_and_risk_duplicates();
    let server = Server::queue([broken(), response(500, &[], ""), created()]).await;
    let response_ = create(&client(&server.url()).with_retry(risky.clone())).await.unwrap();
    assert_eq!((response_.attempts(), server.requests().len()), (3, 3));
    // Even then, an applied request is not retried, and one that may have been applied stays unknown whatever the last attempt
    // says.
    let server = Server::queue([broken(), response(201, &[], "{")]).await;
    let error = create(&client(&server.url()).with_retry(risky.clone())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), server.requests().len()), (Decode, Applied, 2));
    let server = Server::queue([broken(), response(400, &[], "")]).await;
    let error = create(&client(&server.url()).with_retry(risky)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), server.requests().len()), (Status, Unknown, 2));
}

#[tokio::test]
async fn a_one_attempt_policy_never_retries() {
    let server = Server::queue([response(429, &[], "")]).await;
    let error = create(&client(&server.url()).with_retry(RetryPolicy::none())).await.unwrap_err();
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_running_and_the_client_usable() {
    let server = Server::queue([raw(When::AfterRequest, "", Then::Stall), partial(201, 90, "{", Then::Stall)]).await;
    let client = client(&server.url());
    for seen in 1..=2 {
        let call = create(&client);
        assert!(tokio::time::timeout(DEADLINE, call).await.is_err());
        assert_eq!(server.requests().len(), seen);
    }
    create(&client).await.unwrap();
    tokio::time::sleep(DEADLINE).await;
    assert_eq!(server.requests().len(), 3, "something was still running");
}

/// 10,000 calls, 64 at a time, against a server that mixes every behaviour in the table and keeps a ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_mixed_run_never_duplicates_or_denies_an_applied_request() {
    let _alone = QUIET.write().await;
    const CALLS: usize = 10_000;
    const AT_A_TIME: usize = 64;
    let mut behaviours: Vec<Behaviour> = rows().into_iter().flat_map(|row| row.behaviours).collect();
    behaviours.push(response(201, &[], &" ".repeat(BODY_LIMIT + 1)));
    behaviours.push(raw(When::AfterRequest, "HTTP/1.1 201 X\r\n\r\n", Then::Endless));
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let server = Server::endless(move || {
        loop {
            let behaviour = random.choice(&behaviours).unwrap();
            // Each stall costs a full deadline, and the hundredth shows nothing new.
            if behaviour.then != Then::Stall || random.u8(..) < 16 {
                return behaviour.clone();
            }
        }
    });
    let server = server.await;
    let refused = client(&format!("http://127.0.0.1:{}", refusing_port().await));
    let client = client(&server.url()).with_retry(policy().total_timeout(DEADLINE));
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..AT_A_TIME).map(|_| {
        let (client, refused, next) = (client.clone(), refused.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            let mut results = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= CALLS {
                    break;
                }
                let client = if number % 50 == 0 { &refused } else { &client };
                let id = Uuid::new_v4();
                let request = CollectiveOnboardingRequest::unnamed().collective_id(id);
                results.push((id, client.create_collective_onboarding(&request).await.map(drop)));
            }
            results
        })
    });
    let mut results = HashMap::new();
    for worker in workers.collect::<Vec<_>>() {
        results.extend(worker.await.unwrap());
    }
    let mut applied: HashMap<Uuid, usize> = HashMap::new();
    for request in server.requests().iter().filter(|request| request.applied) {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        *applied.entry(body["collectiveId"].as_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    assert_eq!(results.len(), CALLS);
    let mut seen = HashMap::<_, usize>::new();
    for (id, result) in &results {
        let copies = applied.get(id).copied().unwrap_or_default();
        check_claim(&id.to_string(), result, copies);
        *seen.entry((result.as_ref().err().map(Error::outcome), copies)).or_default() += 1;
    }
    // Every ending occurred, so the run really was mixed.
    for end in
        [(None, 1), (Some(NotSent), 0), (Some(Applied), 1), (Some(Rejected), 0), (Some(Unknown), 1), (Some(Unknown), 0)]
    {
        assert!(seen.get(&end).is_some_and(|count| *count > CALLS / 100), "{end:?} is rare: {seen:?}");
    }
}
