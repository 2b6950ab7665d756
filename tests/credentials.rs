//! A client with client credentials fetches one token however many calls are waiting, renews it, and explains why it has none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::{Behaviour, Server, Then, When, raw, refusing_port, response};
use traxes_connect::{
    AccessToken, BoxError, Client, ClientCredentials, CollectiveOnboardingRequest, Error, ErrorKind, OnboardingRequest,
    Outcome, Response, RetryPolicy, TokenFuture, TokenSource,
};

/// The deadline for calls that an endpoint leaves hanging.
const DEADLINE: Duration = Duration::from_millis(300);
/// The deadline for calls that must finish even on a busy machine.
const LONG: Duration = Duration::from_secs(20);

fn credentials(token_url: &str) -> ClientCredentials {
    ClientCredentials::new("id-1 %", "s3cret&=").token_url(token_url)
}

fn client(api: &Server, token_url: &str) -> Client {
    let builder = Client::builder().base_url(api.url()).client_credentials(credentials(token_url));
    builder.retry(RetryPolicy::none().total_timeout(LONG)).build().unwrap()
}

async fn create(client: &Client) -> Result<Response<OnboardingRequest>, Error> {
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await
}

fn grant(token: &str) -> Behaviour {
    let body = format!(r#"{{"access_token":"{token}","expires_in":3599,"token_type":"Bearer"}}"#);
    response(200, &[("content-type", "application/json")], &body)
}

fn bearer(request: &support::Request) -> &str {
    request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()
}

#[tokio::test]
async fn a_token_request_is_the_documented_form() {
    let (api, tokens) = (Server::queue([]).await, Server::queue([grant("tok-1")]).await);
    create(&client(&api, &format!("{}/access_token", tokens.url()))).await.unwrap();
    let request = &tokens.requests()[0];
    assert_eq!(request.line, "POST /access_token HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("authorization"), None);
    let body = "grant_type=client_credentials&client_id=id-1+%25&client_secret=s3cret%26%3D&scope=esp";
    assert_eq!(String::from_utf8_lossy(&request.body), body);
    assert_eq!(bearer(&api.requests()[0]), "tok-1");
    let tokens = Server::queue([grant("tok-1")]).await;
    let other = credentials(&tokens.url()).scope("other");
    create(&Client::builder().base_url(api.url()).client_credentials(other).build().unwrap()).await.unwrap();
    assert!(tokens.requests()[0].body.ends_with(b"&scope=other"));
}

#[tokio::test]
async fn every_token_endpoint_failure_is_explained_and_the_next_call_tries_again() {
    let json = |body: &str| response(200, &[("content-type", "application/json")], body);
    for (name, behaviour, message) in [
        ("close", raw(When::AfterRequest, "", Then::Close), "broke before a response arrived"),
        ("stall", raw(When::AfterRequest, "", Then::Stall), "before the call's deadline"),
        (
            "stall in the body",
            raw(When::AfterRequest, "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{", Then::Stall),
            "before the call's deadline",
        ),
        ("cut", raw(When::AfterRequest, "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{", Then::Close), "cut"),
        ("endless", raw(When::AfterRequest, "HTTP/1.1 200 X\r\n\r\n", Then::Endless), "larger than"),
        ("HTML", response(200, &[], "<html>s3cret</html>"), "not a JSON object"),
        ("HTML 502", response(502, &[], "<html>s3cret</html>"), "502 Bad Gateway: try again later"),
        (
            "an error object",
            response(401, &[], r#"{"error":"unauthorized_client","error_description":"s3cret"}"#),
            "401 Unauthorized (unauthorized_client): check client id",
        ),
        ("another error", response(400, &[], r#"{"error":"s3cret"}"#), "400 Bad Request: check client id"),
        (
            "a redirect",
            response(307, &[("location", "http://192.0.2.1/")], ""),
            "307 Temporary Redirect: check the token URL",
        ),
        ("too many", response(429, &[], ""), "429 Too Many Requests: try again later"),
        ("no token", json("{}"), "not a JSON object with an access_token"),
        ("a token that is not a string", json(r#"{"access_token":7}"#), "not a JSON object with an access_token"),
        ("an empty token", json(r#"{"access_token":""}"#), "the token endpoint's access_token is empty"),
        ("a token with control characters", json(r#"{"access_token":"s3cret\r\nx: y"}"#), "outside visible ASCII"),
    ] {
        let stalls = behaviour.then == Then::Stall;
        let (api, tokens) = (Server::queue([]).await, Server::queue([behaviour, grant("tok-2")]).await);
        let deadline = if stalls { DEADLINE } else { LONG };
        let patient = client(&api, &tokens.url());
        let client = patient.with_retry(RetryPolicy::none().total_timeout(deadline));
        let started = Instant::now();
        let error = create(&client).await.unwrap_err();
        assert!(started.elapsed() < deadline + Duration::from_millis(101), "{name}");
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Auth, Outcome::NotSent, 0), "{name}");
        assert!(error.to_string().contains(message), "{name}: {message:?} is not in {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{name}: {error:?}");
        assert_eq!(api.connections(), 0, "{name}");
        // A stalled fetch continues for calls that have more time.
        if !stalls {
            create(&patient).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(tokens.requests().len(), 2, "{name}");
        }
    }
}

#[tokio::test]
async fn an_incomplete_token_response_times_out_after_ten_seconds() {
    for written in ["", "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{"] {
        let api = Server::queue([]).await;
        let tokens = Server::queue([raw(When::AfterRequest, written, Then::Stall), grant("tok-2")]).await;
        let client = client(&api, &tokens.url());
        let call = tokio::spawn({
            let client = client.with_retry(RetryPolicy::none().total_timeout(Duration::from_secs(60)));
            async move { create(&client).await.unwrap_err() }
        });
        while tokens.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        // From here on, only the clock moves.
        tokio::time::pause();
        let error = call.await.unwrap();
        tokio::time::resume();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent), "{written}");
        assert_eq!(error.elapsed().as_secs(), 10, "{written}");
        assert!(error.to_string().contains("did not answer within 10s"), "{error}");
        create(&client).await.unwrap();
    }
}

#[tokio::test]
async fn a_shorter_customiser_timeout_applies_to_tokens_too() {
    let (api, tokens) = (Server::queue([]).await, Server::queue([raw(When::AfterRequest, "", Then::Stall)]).await);
    let client = Client::builder().base_url(api.url()).client_credentials(credentials(&tokens.url()));
    let error = create(&client.configure_http(|http| http.timeout(DEADLINE)).build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.elapsed() < Duration::from_secs(5), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_an_auth_error_with_its_cause() {
    let api = Server::queue([]).await;
    // A URL read from a file may end in a newline, which URL parsing strips.
    let error = create(&client(&api, &format!("http://127.0.0.1:{}\n", refusing_port().await))).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent));
    assert!(error.to_string().contains("127.0.0.1") && !error.to_string().contains('\n'), "{error}");
    assert!(format!("{error:?}").contains("refused"), "{error:?}");
    let mut chain = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        chain.push(error.to_string());
        cause = error.source();
    }
    assert!(chain.last().unwrap().contains("refused"), "{chain:?}");
}

#[tokio::test]
async fn a_grant_with_a_missing_or_odd_expires_in_works() {
    for body in [
        r#"{"access_token":"tok-1"}"#,
        r#"{"access_token":"tok-1","expires_in":"3599","token_type":"bearer","scope":"esp","more":[1]}"#,
        r#"{"access_token":"tok-1","expires_in":3599.7}"#,
        r#"{"access_token":"tok-1","expires_in":null}"#,
    ] {
        let (api, tokens) =
            (Server::queue([]).await, Server::queue([response(200, &[], body), response(500, &[], "")]).await);
        let client = client(&api, &tokens.url());
        create(&client).await.unwrap();
        create(&client).await.unwrap();
        assert_eq!((tokens.requests().len(), bearer(&api.requests()[1])), (1, "tok-1"), "{body}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_and_the_call_replayed_once() {
    let refused = || response(401, &[], "");
    let (api, tokens) = (Server::queue([refused()]).await, Server::queue([grant("old"), grant("new")]).await);
    let response_ = create(&client(&api, &tokens.url())).await.unwrap();
    let sent: Vec<_> = api.requests().iter().map(|request| bearer(request).to_owned()).collect();
    assert_eq!((response_.attempts(), sent), (2, vec!["old".to_owned(), "new".to_owned()]));

    let (api, tokens) =
        (Server::queue([refused(), refused()]).await, Server::queue([grant("old"), grant("new")]).await);
    let client_ = client(&api, &tokens.url());
    let error = create(&client_).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts(), api.requests().len()), (401, 2, 2));
    // The second token was rejected too, so the next call does not send it again.
    create(&client_).await.unwrap_err();
    assert_eq!((api.requests().len(), tokens.requests().len()), (2, 3));

    let (api, tokens) = (Server::queue([refused()]).await, Server::queue([grant("same"), grant("same")]).await);
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    assert_eq!((error.attempts(), api.requests().len(), tokens.requests().len()), (1, 1, 2));

    let (api, tokens) = (Server::queue([refused()]).await, Server::queue([grant("old"), response(503, &[], "")]).await);
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), api.requests().len()), (ErrorKind::Status, 1, 1));
    let source = std::error::Error::source(&error).expect("why there was no other token").to_string();
    assert!(source.contains("503"), "{source}");
    assert!(format!("{error:?}").contains("503"), "{error:?}");
}

#[test]
fn a_token_url_follows_the_base_url_rules() {
    for url in [
        "http://signin.energy/token",
        "token",
        "https://user:s3cret@a.example",
        "https://a.example?b",
        "ftp://a.example",
    ] {
        let error = Client::builder().client_credentials(credentials(url)).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with("token_url") && !error.to_string().contains("s3cret"), "{error}");
    }
    for (id, secret, setting) in [("", "s3cret", "client_id"), ("id", "", "client_secret")] {
        let error = Client::builder().client_credentials(ClientCredentials::new(id, secret)).build().unwrap_err();
        assert!(error.to_string().starts_with(setting), "{error}");
    }
    Client::builder().client_credentials(ClientCredentials::new("id", "secret")).build().unwrap();
}

#[tokio::test]
async fn the_other_authentication_method_is_tried_once_and_the_working_one_remembered() {
    let expired = |token: &str| response(200, &[], &format!(r#"{{"access_token":"{token}","expires_in":0}}"#));
    let form = "grant_type=client_credentials&client_id=id-1+%25&client_secret=s3cret%26%3D&scope=esp";
    // Computed by hand: base64 of "id-1%20%25:s3cret%26%3D", each part form-encoded first (RFC 6749, section 2.3.1).
    let basic = Some("Basic aWQtMSUyMCUyNTpzM2NyZXQlMjYlM0Q=");
    for refusal in [
        response(401, &[], r#"{"error":"invalid_client"}"#),
        response(400, &[], r#"{"error":"invalid_client"}"#),
        response(401, &[("www-authenticate", "Bearer realm=\"a\", basic realm=\"b\"")], "<html>"),
    ] {
        let api = Server::queue([]).await;
        let tokens = Server::queue([refusal.clone(), expired("tok-1"), expired("tok-2")]).await;
        let client = client(&api, &tokens.url());
        create(&client).await.unwrap();
        create(&client).await.unwrap();
        let sent: Vec<_> = tokens.requests();
        assert_eq!((sent[0].header("authorization"), String::from_utf8_lossy(&sent[0].body)), (None, form.into()));
        for request in &sent[1..] {
            assert_eq!(request.header("authorization"), basic);
            assert_eq!(String::from_utf8_lossy(&request.body), "grant_type=client_credentials&scope=esp");
        }
        assert_eq!((sent.len(), bearer(&api.requests()[1])), (3, "tok-2"));
    }
}

#[tokio::test]
async fn refusal_by_both_methods_is_explained_and_other_refusals_are_not_retried() {
    let api = Server::queue([]).await;
    let invalid = |status| response(status, &[], r#"{"error":"invalid_client"}"#);
    let tokens = Server::queue([invalid(401), invalid(400)]).await;
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    let message = "401 Unauthorized (invalid_client): check client id, client secret and scope; fix it and retry";
    assert!(error.to_string().ends_with(message), "{error}");
    assert_eq!(tokens.requests().len(), 2);
    let tokens = Server::queue([invalid(401), response(503, &[("retry-after", "7")], "")]).await;
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    // The second method authenticated the client: the scope is the real problem, and the method is remembered.
    let scope = || response(400, &[], r#"{"error":"invalid_scope"}"#);
    let tokens = Server::queue([invalid(401), scope(), scope()]).await;
    let client_ = client(&api, &tokens.url());
    for requests in [2, 3] {
        let error = create(&client_).await.unwrap_err();
        assert!(error.to_string().contains("400 Bad Request (invalid_scope)"), "{error}");
        assert_eq!(tokens.requests().len(), requests);
        assert!(tokens.requests()[requests - 1].header("authorization").is_some());
    }
    for other in [
        invalid(429),
        response(400, &[], r#"{"error":"invalid_scope"}"#),
        response(401, &[], "no"),
        response(403, &[], "{}"),
    ] {
        let tokens = Server::queue([other]).await;
        create(&client(&api, &tokens.url())).await.unwrap_err();
        assert_eq!(tokens.requests().len(), 1);
    }
    assert_eq!(api.connections(), 0);
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_up_yet_is_retried_like_an_api() {
    let (api, port) = (Server::queue([]).await, refusing_port().await);
    let policy = RetryPolicy::new()
        .max_attempts(100)
        .initial_backoff(Duration::from_millis(40))
        .max_backoff(Duration::from_millis(40));
    let client = client(&api, &format!("http://127.0.0.1:{port}")).with_retry(policy.total_timeout(LONG));
    let call = tokio::spawn(async move { create(&client).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let tokens = Server::queue_on(port, [raw(When::OnAccept, "", Then::Close), grant("tok-1")]).await;
    assert_eq!(call.await.unwrap().unwrap().attempts(), 1);
    assert_eq!((tokens.connections(), tokens.requests().len(), api.requests().len()), (2, 1, 1));
}

#[tokio::test]
async fn a_token_endpoint_that_stays_down_is_retried_per_policy_and_a_refusal_is_not() {
    let api = Server::queue([]).await;
    let policy = RetryPolicy::new().max_attempts(4).initial_backoff(Duration::from_millis(1)).total_timeout(LONG);
    for (behaviour, requests) in [
        (raw(When::OnAccept, "", Then::Close), 4),
        (response(503, &[], ""), 1),
        (response(401, &[], ""), 1),
        (response(200, &[], "{}"), 1),
    ] {
        let written = behaviour.clone();
        let tokens = Server::endless(move || written.clone()).await;
        let error = create(&client(&api, &tokens.url()).with_retry(policy.clone())).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Auth, Outcome::NotSent, 0));
        assert_eq!(tokens.connections(), requests, "{behaviour:?}");
    }
    assert_eq!(api.connections(), 0);
}

#[tokio::test]
async fn a_refusal_whose_body_never_arrives_is_still_a_refusal() {
    let api = Server::queue([]).await;
    let head = "HTTP/1.1 503 X\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\n{";
    let tokens = Server::queue([raw(When::AfterRequest, head, Then::Stall)]).await;
    let call = tokio::spawn({
        let client = client(&api, &tokens.url());
        async move { create(&client).await.unwrap_err() }
    });
    while tokens.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    // Let the head arrive before the clock moves.
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    let error = call.await.unwrap();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
    assert!(error.to_string().contains("503 Service Unavailable: try again later"), "{error}");
}

#[tokio::test]
async fn a_token_that_arrives_expired_is_not_sent() {
    let api = Server::queue([]).await;
    let short = |expires_in| response(200, &[], &format!(r#"{{"access_token":"tok-1","expires_in":{expires_in}}}"#));
    let tokens = Server::queue([short(1).after(Duration::from_millis(1100)), short(60)]).await;
    let client = client(&api, &tokens.url());
    let error = create(&client).await.unwrap_err();
    assert!(error.to_string().contains("had expired when it arrived"), "{error}");
    assert_eq!(api.connections(), 0);
    create(&client).await.unwrap();
}

#[tokio::test]
async fn the_error_carries_the_token_endpoints_retry_after() {
    let api = Server::queue([]).await;
    let tokens = Server::queue([response(503, &[("retry-after", "7")], "")]).await;
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(error.to_string().ends_with("; it is safe to retry, after 7 s"), "{error}");
}

#[tokio::test]
async fn a_failure_to_reach_the_token_endpoint_shows_its_cause() {
    let api = Server::queue([]).await;
    let refusing = format!("http://127.0.0.1:{}", refusing_port().await);
    let reset = Server::queue([raw(When::AfterRequest, "", Then::Reset)]).await;
    let closed = Server::queue([raw(When::AfterRequest, "", Then::Close)]).await;
    let half = "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{";
    let cut = Server::queue([raw(When::AfterRequest, half, Then::Close)]).await;
    for (url, message) in [
        (refusing, "no connection to the token endpoint on 127.0.0.1:PORT: Connection refused"),
        (reset.url(), "the token endpoint on 127.0.0.1:PORT broke before a response arrived: Connection reset"),
        (closed.url(), "the token endpoint on 127.0.0.1:PORT broke before a response arrived: "),
        (cut.url(), "the token endpoint's response was cut short: "),
        (
            "https://tokens.invalid".to_owned(),
            "no connection to the token endpoint on tokens.invalid:443: failed to lookup",
        ),
    ] {
        let error = create(&client(&api, &url)).await.unwrap_err();
        let port = url.rsplit(':').next().unwrap();
        assert!(error.to_string().contains(&message.replace("PORT", port)), "{message}: {error}");
    }
}

#[tokio::test]
async fn a_token_endpoint_slower_than_every_call_still_serves_the_next_one() {
    let api = Server::queue([]).await;
    let tokens = Server::queue([grant("tok-1").after(Duration::from_millis(700))]).await;
    let client = client(&api, &tokens.url()).with_retry(RetryPolicy::new().total_timeout(Duration::from_millis(500)));
    let error = create(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent), "{error}");
    let mut calls = 1;
    while create(&client).await.is_err() {
        calls += 1;
    }
    assert!(calls < 5, "{calls} calls failed");
    assert_eq!((tokens.requests().len(), bearer(&api.requests()[0])), (1, "tok-1"));
}

/// A resolver that panics once and then resolves.
struct Resolver(AtomicUsize, u16);

impl traxes_connect::reqwest::dns::Resolve for Resolver {
    fn resolve(&self, _: traxes_connect::reqwest::dns::Name) -> traxes_connect::reqwest::dns::Resolving {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the resolver panics");
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], self.1));
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as traxes_connect::reqwest::dns::Addrs) })
    }
}

#[tokio::test]
async fn a_panic_during_a_fetch_is_an_error_and_the_next_call_works() {
    let (api, tokens) = (Server::queue([]).await, Server::queue([grant("tok-1")]).await);
    let resolver = Arc::new(Resolver(AtomicUsize::new(0), tokens.port));
    let builder = Client::builder().base_url(api.url()).dangerously_allow_plain_http();
    let builder = builder
        .client_credentials(credentials("http://tokens.invalid"))
        .configure_http(|http| http.dns_resolver(resolver));
    let client = builder.retry(RetryPolicy::none().total_timeout(LONG)).build().unwrap();
    let error = create(&client).await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    create(&client).await.unwrap();
}

#[test]
fn a_fetch_whose_runtime_is_dropped_restarts_in_the_next_calls_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = tokio::runtime::Runtime::new().unwrap();
    let stall = raw(When::AfterRequest, "", Then::Stall);
    let (api, tokens) =
        servers.block_on(async { (Server::queue([]).await, Server::queue([stall, grant("tok-1")]).await) });
    let client = client(&api, &tokens.url()).with_retry(RetryPolicy::new().total_timeout(LONG));
    let first = runtime();
    first.block_on(create(&client.with_retry(RetryPolicy::none().total_timeout(DEADLINE)))).unwrap_err();
    let waiting = std::thread::spawn(move || {
        let started = Instant::now();
        runtime().block_on(create(&client)).unwrap();
        started.elapsed()
    });
    std::thread::sleep(Duration::from_millis(100));
    drop(first);
    assert!(waiting.join().unwrap() < Duration::from_secs(5));
    assert_eq!(tokens.requests().len(), 2);
}

#[test]
fn an_unusable_id_or_secret_is_refused_by_name() {
    for spoiled in ["s3cret\n", "s3cret\r\n", "\ts3cret", "s3cr\u{e9}t", "s3cret\0"] {
        for (id, secret, setting) in [(spoiled, "s3cret", "client_id"), ("id", spoiled, "client_secret")] {
            let error = Client::builder().client_credentials(ClientCredentials::new(id, secret)).build().unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (ErrorKind::Config, Outcome::NotSent));
            assert!(error.to_string().starts_with(setting) && !error.to_string().contains("s3cr"), "{error}");
        }
    }
    Client::builder().client_credentials(ClientCredentials::new("id ~!", "\" \\ ~")).build().unwrap();
}

#[test]
fn a_client_of_a_local_api_does_not_send_its_secret_to_production() {
    let credentials = || ClientCredentials::new("id", "s3cret");
    for base_url in [
        "http://127.0.0.1:8080",
        "http://localhost/connect",
        "https://[::1]:8443",
        "https://127.0.0.2",
        "https://localhost.",
        "https://api.localhost",
        "https://0.0.0.0:8443",
        "https://[::ffff:127.0.0.1]",
    ] {
        let error = Client::builder().base_url(base_url).client_credentials(credentials()).build().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Config, Outcome::NotSent));
        assert!(error.to_string().starts_with("token_url is not set"), "{error}");
        let set = credentials().token_url("https://signin.example/token");
        Client::builder().base_url(base_url).client_credentials(set).build().unwrap();
    }
    Client::builder().base_url("https://10.0.0.1").client_credentials(credentials()).build().unwrap();
}

#[tokio::test]
async fn a_failing_token_source_is_an_auth_error_that_keeps_but_does_not_quote_its_cause() {
    let api = Server::queue([]).await;
    let source = || async { Err::<AccessToken, _>(std::io::Error::other("vault says s3cret")) };
    let client = Client::builder().base_url(api.url()).token_source(source).build().unwrap();
    let error = create(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent));
    assert!(!format!("{error} {error:?}").contains("s3cret") && error.to_string().contains("source()"), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<std::io::Error>().is_some());
}

#[tokio::test]
async fn a_custom_token_source_learns_which_token_was_rejected() {
    struct Vault(std::sync::Mutex<Vec<AccessToken>>);

    impl TokenSource for Vault {
        fn token(&self) -> TokenFuture<'_> {
            Box::pin(async {
                let rejected = self.0.lock().unwrap().len();
                Ok::<_, BoxError>(AccessToken::new(format!("tok-{rejected}"))?)
            })
        }

        fn rejected(&self, token: &AccessToken) {
            self.0.lock().unwrap().push(token.clone());
        }
    }

    let api = Server::queue([response(401, &[], "")]).await;
    let client = Client::builder().base_url(api.url()).token_source(Vault(Default::default())).build().unwrap();
    assert_eq!(create(&client).await.unwrap().attempts(), 2);
    assert_eq!(bearer(&api.requests()[1]), "tok-1");
}

#[tokio::test]
async fn a_token_source_is_shared_through_its_arc() {
    struct Fixed(AtomicUsize);

    impl TokenSource for Fixed {
        fn token(&self) -> TokenFuture<'_> {
            Box::pin(async { Ok(AccessToken::new("shared")?) })
        }

        fn rejected(&self, _: &AccessToken) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let (api, source) = (Server::queue([response(401, &[], "")]).await, Arc::new(Fixed(AtomicUsize::new(0))));
    let client = || Client::builder().base_url(api.url()).token_source(source.clone()).build().unwrap();
    create(&client()).await.unwrap_err();
    create(&client()).await.unwrap();
    assert!(api.requests().iter().all(|request| bearer(request) == "shared"));
    assert_eq!(source.0.load(Ordering::Relaxed), 1);
}
