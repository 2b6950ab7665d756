//! Whatever the server does, a failed call says whether the request was applied, and nothing that may have been applied
//! is sent again.

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use support::{Behaviour, CREATED, Server, Then, When, created, raw, refusing_port, reply};
use traxes_connect::{
    Client, CollectiveOnboardingRequest, Error,
    ErrorKind::{self, Connect, Decode, Status, Timeout, Transport},
    OnboardingRequest,
    Outcome::{self, Applied, NotSent, Rejected, Unknown},
    Response, RetryPolicy,
};
use uuid::Uuid;

const HTML: &str = "<html><body>502 from a proxy</body></html>";
const BODY_LIMIT: usize = 4096;
/// Of calls that a server keeps waiting.
const DEADLINE: Duration = Duration::from_millis(300);
/// Of calls that have to come to their end also on a machine that is busy.
const LONG: Duration = Duration::from_secs(20);

/// Held alone by the long run, so that it does not take the time that other tests measure.
static QUIET: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

fn policy() -> RetryPolicy {
    RetryPolicy::new().base_delay(Duration::from_millis(1)).deadline(LONG)
}

fn client(url: &str) -> Client {
    Client::builder().token("tok-1").base_url(url).body_limit(BODY_LIMIT).retry(policy()).build().unwrap()
}

async fn create(client: &Client) -> Result<Response<OnboardingRequest>, Error> {
    client.create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await
}

/// What a call ends in, and what the server saw of it.
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

    /// As often as the policy says, with the same end each time.
    fn repeated(mut self) -> Self {
        self.behaviours = vec![self.behaviours[0].clone(); 3];
        (self.attempts, self.requests) = (3, 3);
        self
    }

    fn seen(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }
}

fn answered(name: &'static str, status: u16, headers: &[(&str, &str)], outcome: Outcome) -> Row {
    let headers = [headers, &[("content-type", "text/html"), ("x-request-id", "req-7")]].concat();
    fails(name, reply(status, &headers, HTML), Status, outcome).replied(status, Some("req-7"), HTML)
}

fn partial(status: u16, length: usize, sent: &str, then: Then) -> Behaviour {
    let head = format!("HTTP/1.1 {status} X\r\nx-request-id: req-1\r\ncontent-length: {length}\r\n\r\n{sent}");
    raw(When::AfterRequest, head, then).applies(!(400..500).contains(&status))
}

fn chunked(body: &str, then: Then) -> Behaviour {
    let head = "HTTP/1.1 201 Created\r\nx-request-id: req-1\r\ntransfer-encoding: chunked\r\n\r\n";
    raw(When::AfterRequest, [head, body].concat(), then)
}

fn rows() -> Vec<Row> {
    let future = "Fri, 31 Dec 9999 23:59:59 GMT";
    let past = "Fri, 31 Dec 1999 23:59:59 GMT";
    vec![
        // Nothing comes back.
        fails("accept and close", raw(When::OnAccept, "", Then::Close), Transport, Unknown).seen(0),
        fails("accept and reset", raw(When::OnAccept, "", Then::Reset), Transport, Unknown).seen(0),
        fails("read the request and close", raw(When::AfterRequest, "", Then::Close), Transport, Unknown),
        fails("read the request and reset", raw(When::AfterRequest, "", Then::Reset), Transport, Unknown),
        fails("close inside the head", raw(When::AfterRequest, "HTTP/1.1 201 Cr", Then::Close), Transport, Unknown),
        fails(
            "a head that is none",
            raw(When::AfterRequest, "SSH-2.0-OpenSSH_9.9\r\n\r\n", Then::Close),
            Transport,
            Unknown,
        ),
        fails("speak TLS where plain is spoken", raw(When::AfterRequest, TLS_ALERT, Then::Close), Transport, Unknown),
        fails("stall before the head", raw(When::AfterRequest, "", Then::Stall), Timeout, Unknown),
        fails(
            "stall inside the head",
            raw(When::AfterRequest, "HTTP/1.1 201 Created\r\n", Then::Stall),
            Timeout,
            Unknown,
        ),
        // A success that cannot be read.
        fails("reset after the head", partial(201, 90, "", Then::Reset), Decode, Applied).replied(
            201,
            Some("req-1"),
            "",
        ),
        fails("cut the body short", partial(201, 90, "{\"id\":", Then::Close), Decode, Applied).replied(
            201,
            Some("req-1"),
            "{\"id\":",
        ),
        fails("cut a body that is complete JSON", partial(201, 90, CREATED, Then::Close), Decode, Applied).replied(
            201,
            Some("req-1"),
            CREATED,
        ),
        fails("a content-length that is too short", partial(201, 5, CREATED, Then::Close), Decode, Applied).replied(
            201,
            Some("req-1"),
            &CREATED[..5],
        ),
        fails("stall inside the body", partial(201, 90, "{\"id\":", Then::Stall), Timeout, Applied).replied(
            201,
            Some("req-1"),
            "{\"id\":",
        ),
        fails("chunked garbage", chunked("5\r\n{\"id\"\r\nzz\r\n", Then::Close), Decode, Applied).replied(
            201,
            Some("req-1"),
            "{\"id\"",
        ),
        fails("chunks without an end", chunked("5\r\n{\"id\"\r\n", Then::Close), Decode, Applied).replied(
            201,
            Some("req-1"),
            "{\"id\"",
        ),
        fails("200 with HTML", reply(200, &[], HTML), Decode, Applied).replied(200, None, HTML),
        fails("201 with another shape", reply(201, &[], "{\"id\":7}"), Decode, Applied).replied(
            201,
            None,
            "{\"id\":7}",
        ),
        fails("201 with two values", reply(201, &[], "{}{}"), Decode, Applied).replied(201, None, "{}{}"),
        fails("201 with a list", reply(201, &[], "[]"), Decode, Applied).replied(201, None, "[]"),
        fails("201 without a body", reply(201, &[], ""), Decode, Applied).replied(201, None, ""),
        fails("204", raw(When::AfterRequest, "HTTP/1.1 204 No Content\r\n\r\n", Then::KeepAlive), Decode, Applied)
            .replied(204, None, ""),
        fails("202 with HTML", reply(202, &[("x-request-id", ""), ("x-correlation-id", "c-1")], HTML), Decode, Applied)
            .replied(202, Some("c-1"), HTML),
        // Refusals.
        answered("400", 400, &[], Rejected),
        answered("401", 401, &[], Rejected),
        answered("403", 403, &[], Rejected),
        answered("404", 404, &[], Rejected),
        answered("405", 405, &[], Rejected),
        answered("408", 408, &[], Rejected),
        answered("409", 409, &[], Rejected),
        answered("413", 413, &[], Rejected),
        answered("415", 415, &[], Rejected),
        answered("422", 422, &[], Rejected),
        answered("425", 425, &[], Rejected).repeated(),
        answered("429", 429, &[], Rejected).repeated(),
        answered("429, at once", 429, &[("retry-after", "0")], Rejected).repeated(),
        answered("429, since a date", 429, &[("retry-after", past)], Rejected).repeated(),
        answered("429, in an hour", 429, &[("retry-after", "3600")], Rejected),
        answered("429, at a date", 429, &[("retry-after", future)], Rejected),
        answered("429, in aeons", 429, &[("retry-after", "99999999999999999999999999")], Rejected),
        answered("429, before now", 429, &[("retry-after", "-5")], Rejected).repeated(),
        answered("429, garbage", 429, &[("retry-after", "soon")], Rejected).repeated(),
        answered("503, at once", 503, &[("retry-after", "0")], Rejected).repeated(),
        answered("503, since a date", 503, &[("retry-after", past)], Rejected).repeated(),
        answered("503, in an hour", 503, &[("retry-after", "3600")], Rejected),
        fails("a refusal that is cut", partial(422, 90, "{\"co", Then::Close), Status, Rejected).replied(
            422,
            Some("req-1"),
            "{\"co",
        ),
        fails("a refusal that stalls", partial(422, 90, "{\"co", Then::Stall), Status, Rejected).replied(
            422,
            Some("req-1"),
            "{\"co",
        ),
        fails("a refusal before the request was read", early(413), Status, Rejected).replied(
            413,
            Some("req-1"),
            "too large",
        ),
        // Redirects.
        answered("301", 301, &[("location", "http://192.0.2.1/")], Rejected),
        answered("302", 302, &[("location", "http://192.0.2.1/")], Rejected),
        answered("303", 303, &[("location", "http://192.0.2.1/")], Unknown),
        answered("304", 304, &[], Unknown).replied(304, Some("req-7"), ""),
        answered("307", 307, &[("location", "http://192.0.2.1/")], Rejected),
        answered("308", 308, &[("location", "http://192.0.2.1/")], Rejected),
        // Anything else.
        answered("500", 500, &[], Unknown),
        answered("501", 501, &[], Unknown),
        answered("502", 502, &[], Unknown),
        answered("503", 503, &[], Unknown),
        answered("503, garbage", 503, &[("retry-after", "soon")], Unknown),
        answered("504", 504, &[], Unknown),
        answered("504, at once", 504, &[("retry-after", "0")], Unknown),
        fails("101", raw(When::AfterRequest, SWITCHING, Then::KeepAlive), Status, Unknown).replied(
            101,
            Some("req-7"),
            "",
        ),
        answered("600", 600, &[], Unknown),
        answered("999", 999, &[], Unknown),
        fails("a failure that is cut", partial(500, 90, "{\"co", Then::Close), Status, Unknown).replied(
            500,
            Some("req-1"),
            "{\"co",
        ),
        fails("a failure that stalls", partial(500, 90, "{\"co", Then::Stall), Status, Unknown).replied(
            500,
            Some("req-1"),
            "{\"co",
        ),
        // Successes.
        succeeds("201", vec![created()], 201, 1),
        succeeds("200", vec![reply(200, &[("x-request-id", "req-1")], CREATED)], 200, 1),
        succeeds("202", vec![reply(202, &[("x-request-id", "req-1")], CREATED)], 202, 1),
        succeeds("early hints, then 201", vec![after_hints()], 201, 1),
        succeeds("a reply in many frames", vec![chunked(&one_byte_chunks(CREATED), Then::KeepAlive)], 201, 1),
        succeeds("429 twice, then 201", vec![reply(429, &[], ""), reply(429, &[], ""), created()], 201, 3),
        succeeds("503 with Retry-After, then 201", vec![reply(503, &[("retry-after", "0")], ""), created()], 201, 2),
    ]
}

/// A fatal alert, which is what a TLS server answers to plain HTTP.
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
async fn every_behaviour_of_a_server_ends_in_its_outcome_and_nothing_applied_is_repeated() {
    let _quiet = QUIET.read().await;
    for row in rows() {
        let name = row.name;
        let stalls = row.behaviours.iter().any(|behaviour| behaviour.then == Then::Stall);
        let server = Server::queue(row.behaviours).await;
        let deadline = if stalls { DEADLINE } else { LONG };
        let client = client(&server.url()).with_retry(policy().deadline(deadline));
        let started = Instant::now();
        let result = create(&client).await;
        let took = started.elapsed();
        assert!(took < deadline + Duration::from_millis(101), "{name}: took {took:?}");
        match (&result, row.ends) {
            (Ok(reply), Ok(status)) => {
                assert_eq!(reply.status().as_u16(), status, "{name}");
                assert_eq!((reply.attempts(), reply.request_id()), (row.attempts, row.request_id), "{name}");
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
            (result, ends) => panic!("{name}: {result:?} instead of {ends:?}"),
        }
        let seen = server.requests();
        assert_eq!(seen.len(), row.requests, "{name}");
        let copies = seen.iter().skip_while(|request| !request.applied).count();
        assert!(copies <= 1, "{name}: sent again {} times after it was applied", copies - 1);
    }
}

fn one_line(error: &Error) {
    let line = error.to_string();
    assert!(line.chars().count() <= 300 && !line.contains(['\n', '\r']), "{line}");
}

#[tokio::test]
async fn a_refused_connection_is_not_sent_and_repeated() {
    let long = format!("http://127.0.0.1:{}/{}", refusing_port().await, "p".repeat(300));
    let error = create(&client(&long)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 3));
    assert!(error.to_string().contains("(3 attempts in "), "{error}");
    assert!(error.to_string().ends_with("it is safe to repeat"), "{error}");
    assert!(std::error::Error::source(&error).is_some() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_reply_shows_its_status_and_request_id_and_none_of_its_headers() {
    let server = Server::queue([created()]).await;
    let reply = create(&client(&server.url())).await.unwrap();
    assert_eq!(reply.headers()["content-type"], "application/json");
    let shown = format!("{reply:?}");
    for text in ["status: 201", r#"request_id: Some("req-1")"#, "attempts: 1", "Pending"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!shown.contains("content-type"), "{shown}");
}

#[tokio::test]
async fn a_timeout_of_the_customiser_is_a_timeout_too() {
    let head = "HTTP/1.1 201 X\r\ncontent-length: 9\r\n\r\n{";
    for (written, outcome) in [("", Unknown), (head, Applied)] {
        let server = Server::queue([raw(When::AfterRequest, written, Then::Stall)]).await;
        let client = Client::builder().token("tok-1").base_url(server.url()).retry(policy());
        let client = client.http(|http| http.timeout(Duration::from_millis(100))).build().unwrap();
        let error = create(&client).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome(), server.requests().len()), (Timeout, outcome, 1), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_sent() {
    let client = Client::builder().token("t").base_url("http://traxes.invalid").dangerously_allow_plain_http();
    let error = create(&client.retry(RetryPolicy::none()).build().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 1));
    assert!(error.to_string().contains("no connection to traxes.invalid:80: "), "{error}");
    assert!(error.to_string().contains("(1 attempt in "), "{error}");
}

#[tokio::test]
#[cfg(feature = "rustls")]
async fn tls_to_a_server_that_speaks_plain_is_not_sent() {
    let answers = || raw(When::OnAccept, "HTTP/1.1 400 Bad Request\r\n\r\n", Then::Close);
    let server = Server::queue([answers(), answers(), answers()]).await;
    let error = create(&client(&server.url().replace("http:", "https:"))).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 3));
    assert_eq!((server.requests().len(), server.connections()), (0, 3));
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_in_time_is_not_sent() {
    // A backlog of one that is full: the third handshake gets no answer.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(50), tokio::net::TcpStream::connect(address)).await
    {
        waiting.push(stream);
        assert!(waiting.len() < 64, "the backlog does not fill");
    }
    let client = Client::builder().token("t").base_url(format!("http://{address}"));
    let client = client.connect_timeout(Duration::from_millis(60)).retry(policy().attempts(2)).build().unwrap();
    let error = create(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 2), "{error}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_cut_there_and_stays_what_it_was() {
    let large = Box::leak(" ".repeat(BODY_LIMIT + 1).into_boxed_str());
    for (behaviour, ends) in [
        (reply(201, &[], large), (Decode, Applied)),
        (reply(422, &[], large), (Status, Rejected)),
        (reply(500, &[], large), (Status, Unknown)),
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
    for behaviour in [reply(201, &[], &fits), chunked(&one_byte_chunks(&fits), Then::KeepAlive)] {
        let server = Server::queue([behaviour]).await;
        create(&client(&server.url())).await.unwrap();
    }
}

#[tokio::test]
async fn a_decode_error_names_the_place_and_never_the_value() {
    for (body, place) in [
        (r#"{"data":{"collective":{"id":"s3cret"}}}"#, "data.collective.id"),
        (r#"{"errors":[{},{"code":["s3cret"]}]}"#, "errors[1].code"),
        (r#"{"created":"s3cret"}"#, "created"),
        (r#"{"status":{"s3cret":1}}"#, "status"),
        ("{\"a\":1,\n s3cret}", "line 2"),
        (r#"{"s3cret": x}"#, "not JSON at line 1 column 12"),
        (r#"{"data":{"collective":{"properties":{"s3cret": x}}}}"#, "not JSON at line 1"),
    ] {
        let server = Server::queue([reply(201, &[], body)]).await;
        let error = create(&client(&server.url())).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Decode, Applied));
        assert!(error.to_string().contains(place), "{place} is not in: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret") && error.body() == body.as_bytes(), "{error:?}");
    }
}

#[tokio::test]
async fn what_a_server_says_of_an_error_is_kept_and_cannot_break_the_line() {
    let body = format!(r#"{{"code":"E\n{}","detail":"s3cret\nwords"}}"#, "x".repeat(500));
    let server = Server::queue([reply(409, &[("x-request-id", &"r".repeat(500))], &body)]).await;
    let error = create(&client(&server.url())).await.unwrap_err();
    assert_eq!((error.detail(), error.code().unwrap().len()), (Some("s3cret\nwords"), 502));
    one_line(&error);
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
    let _quiet = QUIET.read().await;
    let server = Server::queue([reply(429, &[("retry-after", "30")], "")]).await;
    let client = client(&server.url());
    let started = Instant::now();
    let error = create(&client).await.unwrap_err();
    assert!(started.elapsed() < DEADLINE / 2);
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(30)), 1));
    assert!(error.to_string().contains("30 s"), "{error}");
}

#[tokio::test]
async fn an_unknown_outcome_is_repeated_only_by_those_who_ask_for_duplicates() {
    let broken = || raw(When::AfterRequest, "", Then::Close);
    let risky = policy().repeat_unknown_outcomes_and_risk_duplicates();
    let server = Server::queue([broken(), reply(500, &[], ""), created()]).await;
    let reply_ = create(&client(&server.url()).with_retry(risky.clone())).await.unwrap();
    assert_eq!((reply_.attempts(), server.requests().len()), (3, 3));
    // An applied one is not repeated even then, and what may have run stays unknown whatever the last attempt says.
    let server = Server::queue([broken(), reply(201, &[], "{")]).await;
    let error = create(&client(&server.url()).with_retry(risky.clone())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), server.requests().len()), (Decode, Applied, 2));
    let server = Server::queue([broken(), reply(400, &[], "")]).await;
    let error = create(&client(&server.url()).with_retry(risky)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), server.requests().len()), (Status, Unknown, 2));
}

#[tokio::test]
async fn a_policy_of_one_attempt_repeats_nothing() {
    let server = Server::queue([reply(429, &[], "")]).await;
    let error = create(&client(&server.url()).with_retry(RetryPolicy::none())).await.unwrap_err();
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_running_and_a_client_that_works() {
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

/// 10,000 calls, 64 at a time, against a server that mixes every behaviour of the table and keeps a ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_long_mixed_run_nothing_applied_is_doubled_or_reported_as_not_applied() {
    let _alone = QUIET.write().await;
    const CALLS: usize = 10_000;
    const AT_A_TIME: usize = 64;
    let mut behaviours: Vec<Behaviour> = rows().into_iter().flat_map(|row| row.behaviours).collect();
    behaviours.push(reply(201, &[], &" ".repeat(BODY_LIMIT + 1)));
    behaviours.push(raw(When::AfterRequest, "HTTP/1.1 201 X\r\n\r\n", Then::Endless));
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let server = Server::endless(move || {
        loop {
            let behaviour = random.choice(&behaviours).unwrap();
            // A stall costs a deadline of time and shows nothing new the hundredth time.
            if behaviour.then != Then::Stall || random.u8(..) < 16 {
                return behaviour.clone();
            }
        }
    });
    let server = server.await;
    let refused = client(&format!("http://127.0.0.1:{}", refusing_port().await));
    let client = client(&server.url()).with_retry(policy().deadline(DEADLINE));
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
        let times = applied.get(id).copied().unwrap_or_default();
        let outcome = result.as_ref().err().map(Error::outcome);
        *seen.entry((outcome, times)).or_default() += 1;
        match outcome {
            None | Some(Applied) => assert_eq!(times, 1, "{result:?}"),
            Some(NotSent | Rejected) => assert_eq!(times, 0, "applied, and reported otherwise: {result:?}"),
            _ => assert!(times <= 1, "applied {times} times: {result:?}"),
        }
    }
    // Every end was reached, so the run was a mixed one.
    for end in
        [(None, 1), (Some(NotSent), 0), (Some(Applied), 1), (Some(Rejected), 0), (Some(Unknown), 1), (Some(Unknown), 0)]
    {
        assert!(seen.get(&end).is_some_and(|count| *count > CALLS / 100), "{end:?} is rare: {seen:?}");
    }
}
