//! A client with client credentials gets one token however many calls wait, renews it, and explains why it has none.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::{Behaviour, Server, Then, When, raw, refusing_port, reply};
use traxes_connect::{
    AccessToken, BoxError, Client, ClientCredentials, CollectiveOnboardingRequest, Error, ErrorKind, OnboardingRequest,
    Outcome, Response, RetryPolicy, TokenFuture, TokenSource,
};

/// Of calls that an endpoint keeps waiting.
const DEADLINE: Duration = Duration::from_millis(300);
/// Of calls that have to come to their end also on a machine that is busy.
const LONG: Duration = Duration::from_secs(20);

fn credentials(token_url: &str) -> ClientCredentials {
    ClientCredentials::new("id-1 é", "s3cret&=").token_url(token_url)
}

fn client(api: &Server, token_url: &str) -> Client {
    let builder = Client::builder().base_url(api.url()).client_credentials(credentials(token_url));
    builder.retry(RetryPolicy::none().deadline(LONG)).build().unwrap()
}

async fn create(client: &Client) -> Result<Response<OnboardingRequest>, Error> {
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await
}

fn grant(token: &str) -> Behaviour {
    let body = format!(r#"{{"access_token":"{token}","expires_in":3599,"token_type":"Bearer"}}"#);
    reply(200, &[("content-type", "application/json")], &body)
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
    let body = "grant_type=client_credentials&client_id=id-1+%C3%A9&client_secret=s3cret%26%3D&scope=esp";
    assert_eq!(String::from_utf8_lossy(&request.body), body);
    assert_eq!(bearer(&api.requests()[0]), "tok-1");
    let tokens = Server::queue([grant("tok-1")]).await;
    let other = credentials(&tokens.url()).scope("other");
    create(&Client::builder().base_url(api.url()).client_credentials(other).build().unwrap()).await.unwrap();
    assert!(tokens.requests()[0].body.ends_with(b"&scope=other"));
}

#[tokio::test]
async fn whatever_a_token_endpoint_does_the_error_says_it_and_the_next_call_tries_again() {
    let json = |body: &str| reply(200, &[("content-type", "application/json")], body);
    for (name, behaviour, words) in [
        ("close", raw(When::AfterRequest, "", Then::Close), "no answer from the token endpoint"),
        ("stall", raw(When::AfterRequest, "", Then::Stall), "before the deadline"),
        (
            "stall in the body",
            raw(When::AfterRequest, "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{", Then::Stall),
            "before the deadline",
        ),
        ("cut", raw(When::AfterRequest, "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{", Then::Close), "cut"),
        ("endless", raw(When::AfterRequest, "HTTP/1.1 200 X\r\n\r\n", Then::Endless), "larger than"),
        ("HTML", reply(200, &[], "<html>s3cret</html>"), "no JSON object"),
        ("HTML 502", reply(502, &[], "<html>s3cret</html>"), "502 Bad Gateway: try again later"),
        (
            "an error object",
            reply(401, &[], r#"{"error":"invalid_client","error_description":"s3cret"}"#),
            "401 Unauthorized (invalid_client): check client id",
        ),
        ("another error", reply(400, &[], r#"{"error":"s3cret"}"#), "400 Bad Request: check client id"),
        (
            "a redirect",
            reply(307, &[("location", "http://192.0.2.1/")], ""),
            "307 Temporary Redirect: check the token URL",
        ),
        ("too many", reply(429, &[], ""), "429 Too Many Requests: try again later"),
        ("no token", json("{}"), "no JSON object with an access_token"),
        ("a token that is none", json(r#"{"access_token":7}"#), "no JSON object with an access_token"),
        ("an empty token", json(r#"{"access_token":""}"#), "access_token of the token endpoint is empty"),
        ("a token with control characters", json(r#"{"access_token":"s3cret\r\nx: y"}"#), "outside visible ASCII"),
    ] {
        let stalls = behaviour.then == Then::Stall;
        let (api, tokens) = (Server::queue([]).await, Server::queue([behaviour, grant("tok-2")]).await);
        let deadline = if stalls { DEADLINE } else { LONG };
        let patient = client(&api, &tokens.url());
        let client = patient.with_retry(RetryPolicy::none().deadline(deadline));
        let started = Instant::now();
        let error = create(&client).await.unwrap_err();
        assert!(started.elapsed() < deadline + Duration::from_millis(101), "{name}");
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (ErrorKind::Auth, Outcome::NotSent, 0), "{name}");
        assert!(error.to_string().contains(words), "{name}: {words:?} is not in {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{name}: {error:?}");
        assert_eq!(api.connections(), 0, "{name}");
        create(&patient).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tokens.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_whole_has_ten_seconds_of_a_longer_call() {
    for written in ["", "HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n{"] {
        let api = Server::queue([]).await;
        let tokens = Server::queue([raw(When::AfterRequest, written, Then::Stall), grant("tok-2")]).await;
        let client = client(&api, &tokens.url());
        let call = tokio::spawn({
            let client = client.with_retry(RetryPolicy::none().deadline(Duration::from_secs(60)));
            async move { create(&client).await.unwrap_err() }
        });
        while tokens.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        // Nothing but the clock moves from here on.
        tokio::time::pause();
        let error = call.await.unwrap();
        tokio::time::resume();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent), "{written}");
        assert_eq!(error.elapsed().as_secs(), 10, "{written}");
        assert!(error.to_string().contains("did not answer in 10s"), "{error}");
        create(&client).await.unwrap();
    }
}

#[tokio::test]
async fn a_shorter_timeout_of_the_customiser_holds_for_tokens_too() {
    let (api, tokens) = (Server::queue([]).await, Server::queue([raw(When::AfterRequest, "", Then::Stall)]).await);
    let client = Client::builder().base_url(api.url()).client_credentials(credentials(&tokens.url()));
    let error = create(&client.http(|http| http.timeout(DEADLINE)).build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.elapsed() < Duration::from_secs(5), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_an_auth_error_with_its_cause() {
    let api = Server::queue([]).await;
    // A URL from a file may end in a line end, which parsing a URL takes off.
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
async fn a_grant_without_expires_in_or_in_odd_spelling_works() {
    for body in [
        r#"{"access_token":"tok-1"}"#,
        r#"{"access_token":"tok-1","expires_in":"3599","token_type":"bearer","scope":"esp","more":[1]}"#,
        r#"{"access_token":"tok-1","expires_in":3599.7}"#,
        r#"{"access_token":"tok-1","expires_in":null}"#,
    ] {
        let (api, tokens) =
            (Server::queue([]).await, Server::queue([reply(200, &[], body), reply(500, &[], "")]).await);
        let client = client(&api, &tokens.url());
        create(&client).await.unwrap();
        create(&client).await.unwrap();
        assert_eq!((tokens.requests().len(), bearer(&api.requests()[1])), (1, "tok-1"), "{body}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_and_the_call_replayed_once() {
    let refused = || reply(401, &[], "");
    let (api, tokens) = (Server::queue([refused()]).await, Server::queue([grant("old"), grant("new")]).await);
    let reply_ = create(&client(&api, &tokens.url())).await.unwrap();
    let sent: Vec<_> = api.requests().iter().map(|request| bearer(request).to_owned()).collect();
    assert_eq!((reply_.attempts(), sent), (2, vec!["old".to_owned(), "new".to_owned()]));

    let (api, tokens) =
        (Server::queue([refused(), refused()]).await, Server::queue([grant("old"), grant("new")]).await);
    let client_ = client(&api, &tokens.url());
    let error = create(&client_).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts(), api.requests().len()), (401, 2, 2));
    // The second token was rejected too: the next call does not send it again.
    create(&client_).await.unwrap_err();
    assert_eq!((api.requests().len(), tokens.requests().len()), (2, 3));

    let (api, tokens) = (Server::queue([refused()]).await, Server::queue([grant("same"), grant("same")]).await);
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    assert_eq!((error.attempts(), api.requests().len(), tokens.requests().len()), (1, 1, 2));

    let (api, tokens) = (Server::queue([refused()]).await, Server::queue([grant("old"), reply(503, &[], "")]).await);
    let error = create(&client(&api, &tokens.url())).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), api.requests().len()), (ErrorKind::Status, 1, 1));
    let source = std::error::Error::source(&error).expect("why there was no other token").to_string();
    assert!(source.contains("503"), "{source}");
    assert!(format!("{error:?}").contains("503"), "{error:?}");
}

#[test]
fn a_token_url_is_held_to_the_rule_of_the_base_url() {
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
async fn a_failing_source_is_an_auth_error_that_keeps_it_and_does_not_quote_it() {
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
async fn a_type_of_ones_own_is_told_which_token_was_rejected() {
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

    let api = Server::queue([reply(401, &[], "")]).await;
    let client = Client::builder().base_url(api.url()).token_source(Vault(Default::default())).build().unwrap();
    assert_eq!(create(&client).await.unwrap().attempts(), 2);
    assert_eq!(bearer(&api.requests()[1]), "tok-1");
}

#[tokio::test]
async fn a_source_is_shared_by_a_clone_of_its_arc() {
    struct Fixed(AtomicUsize);

    impl TokenSource for Fixed {
        fn token(&self) -> TokenFuture<'_> {
            Box::pin(async { Ok(AccessToken::new("shared")?) })
        }

        fn rejected(&self, _: &AccessToken) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let (api, source) = (Server::queue([reply(401, &[], "")]).await, Arc::new(Fixed(AtomicUsize::new(0))));
    let client = || Client::builder().base_url(api.url()).token_source(source.clone()).build().unwrap();
    create(&client()).await.unwrap_err();
    create(&client()).await.unwrap();
    assert!(api.requests().iter().all(|request| bearer(request) == "shared"));
    assert_eq!(source.0.load(Ordering::Relaxed), 1);
}
