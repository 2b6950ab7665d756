//! Only what the API documents goes over the wire.

use serde_json::{Value, json};
use std::time::Duration;
use support::{CREATED, Request, Server, Then, When, created, raw};
use traxes_connect::{
    Client, ClientBuilder, CollectiveOnboardingRequest, ErrorKind, RetryPolicy, types::CollectiveType,
};
use uuid::uuid;

async fn sent(base: &str, request: &CollectiveOnboardingRequest) -> Request {
    let server = Server::queue([]).await;
    let base = base.replace("PORT", &server.port.to_string());
    let client = Client::builder().token("tok-1").base_url(base).build().unwrap();
    client.create_collective_onboarding(request).await.unwrap();
    server.requests().pop().unwrap()
}

#[tokio::test]
async fn a_request_has_only_the_documented_line_and_headers() {
    let request = sent("http://127.0.0.1:PORT", &CollectiveOnboardingRequest::new("Rue de la Loi 16")).await;
    assert_eq!(request.line, "POST /v1/onboarding/collectives HTTP/1.1");
    let mut headers = request.headers.clone();
    headers.sort();
    let port = request.header("host").unwrap().to_owned();
    assert!(port.starts_with("127.0.0.1:"));
    let expected = [
        ("accept", "application/json"),
        ("authorization", "Bearer tok-1"),
        ("content-length", "27"),
        ("content-type", "application/json"),
        ("host", &port),
        ("user-agent", concat!("traxes-connect/", env!("CARGO_PKG_VERSION"))),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(request.body, br#"{"name":"Rue de la Loi 16"}"#);
}

#[tokio::test]
async fn a_body_has_exactly_what_was_set_and_always_a_name() {
    let id = uuid!("3c90c3cc-0d44-4b50-8888-8dd25736052a");
    let new = CollectiveOnboardingRequest::new;
    let unnamed = CollectiveOnboardingRequest::unnamed;
    for (request, body) in [
        (unnamed(), json!({"name": null})),
        (new(""), json!({"name": ""})),
        (new("a").owner(id), json!({"name": "a", "owner": id})),
        (new("a").collective_id(id), json!({"name": "a", "collectiveId": id})),
        (new("a").collective_type(CollectiveType::SolarFarm), json!({"name": "a", "type": "SolarFarm"})),
        (new("a").collective_type("Commune"), json!({"name": "a", "type": "Commune"})),
        (new("a").properties(json!({"x": [1, null]})).unwrap(), json!({"name": "a", "properties": {"x": [1, null]}})),
        (new("a").properties(None::<u8>).unwrap(), json!({"name": "a", "properties": null})),
    ] {
        let sent = sent("http://127.0.0.1:PORT", &request).await;
        assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), body);
    }
}

#[tokio::test]
async fn a_base_url_may_have_a_slash_a_prefix_and_a_port() {
    for (base, line) in [
        ("http://127.0.0.1:PORT/", "POST /v1/onboarding/collectives HTTP/1.1"),
        ("http://127.0.0.1:PORT/connect", "POST /connect/v1/onboarding/collectives HTTP/1.1"),
        ("http://127.0.0.1:PORT/a/b/", "POST /a/b/v1/onboarding/collectives HTTP/1.1"),
        ("http://LOCALHOST:PORT/a%20b", "POST /a%20b/v1/onboarding/collectives HTTP/1.1"),
    ] {
        assert_eq!(sent(base, &CollectiveOnboardingRequest::unnamed()).await.line, line, "{base}");
    }
}

#[tokio::test]
async fn a_user_agent_suffix_follows_ours() {
    let server = Server::queue([]).await;
    let client = Client::builder().token("t").base_url(server.url()).user_agent_suffix("shop/1.2 (x)").build().unwrap();
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    let expected = concat!("traxes-connect/", env!("CARGO_PKG_VERSION"), " shop/1.2 (x)");
    assert_eq!(server.requests()[0].header("user-agent"), Some(expected));
}

#[test]
fn an_invalid_setting_is_refused_by_name_before_anything_is_sent() {
    let good = || Client::builder().token("s3cret");
    let zero = std::time::Duration::ZERO;
    for (builder, setting) in [
        (Client::builder(), "token"),
        (Client::builder().token(""), "token"),
        (Client::builder().token("s3cret\n"), "token"),
        (Client::builder().token("s3cret\u{e9}"), "token"),
        (Client::builder().token("s3cret s3cret"), "token"),
        (good().base_url(""), "base_url"),
        (good().base_url("api.traxes.io"), "base_url"),
        (good().base_url("https://"), "base_url"),
        (good().base_url("https://host:99999"), "base_url"),
        (good().base_url("ftp://localhost"), "base_url"),
        (good().base_url("https://user@host"), "base_url"),
        (good().base_url("https://user:s3cret@host"), "base_url"),
        (good().base_url("https://:s3cret@host"), "base_url"),
        (good().base_url("https://host?key=s3cret"), "base_url"),
        (good().base_url("https://host?"), "base_url"),
        (good().base_url("https://host#s3cret"), "base_url"),
        (good().base_url("http://api.traxes.io"), "base_url"),
        (good().base_url("http://localhost.evil.example"), "base_url"),
        (good().base_url("http://127.0.0.1.evil.example"), "base_url"),
        (good().base_url("http://10.0.0.1"), "base_url"),
        (good().base_url("http://[::2]"), "base_url"),
        (good().user_agent_suffix("a\nb"), "user_agent_suffix"),
        (good().user_agent_suffix(""), "user_agent_suffix"),
        (good().user_agent_suffix("a\tb"), "user_agent_suffix"),
        (good().user_agent_suffix("é"), "user_agent_suffix"),
        (good().attempt_timeout(zero), "attempt_timeout"),
        (good().connect_timeout(zero), "connect_timeout"),
        (good().body_limit(0), "body_limit"),
        (good().retry(traxes_connect::RetryPolicy::new().total_timeout(zero)), "total_timeout"),
        (good().configure_http(|http| http.user_agent("a\u{7f}\nb")), "configure_http"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        let message = error.to_string();
        assert!(message.starts_with(setting), "{error}");
        let advice = message.rsplit_once(": ").map(|(_, advice)| advice.split(' ').next().unwrap());
        let verbs = ["check", "fix", "give", "pass", "look", "omit", "remove", "set", "turn", "use", "write"];
        assert!(advice.is_some_and(|verb| verbs.contains(&verb)), "{error}: it does not say what to do next");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn a_base_url_may_be_plain_http_on_loopback_or_with_the_opt_in() {
    for base in
        ["http://localhost:1", "http://127.0.0.1", "http://127.1.2.3/x", "http://[::1]:8080", "https://a.example"]
    {
        Client::builder().token("t").base_url(base).build().unwrap();
    }
    Client::builder().token("t").base_url("http://a.example").dangerously_allow_plain_http().build().unwrap();
}

#[test]
fn clients_and_their_results_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent(_: impl Send) {}
    shared::<Client>();
    shared::<traxes_connect::Response<traxes_connect::OnboardingRequest>>();
    shared::<traxes_connect::Error>();
    sent(Client::builder().configure_http(|http| http));
    let (client, request) = (Client::new("t").unwrap(), CollectiveOnboardingRequest::unnamed());
    sent(client.create_collective_onboarding(&request));
}

#[tokio::test]
async fn a_response_serializes_as_its_value() {
    let server = Server::queue([created()]).await;
    let client = Client::builder().token("t").base_url(server.url()).build().unwrap();
    let response = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    assert_eq!(serde_json::to_string(&response).unwrap(), CREATED);
}

/// Set in the child process that this test starts, because a test cannot set variables for its own process.
const CHILD: &str = "TEST_BUILDER_FROM_ENV";

#[tokio::test]
async fn a_builder_from_the_environment_takes_further_settings_in_code() {
    if std::env::var_os(CHILD).is_none() {
        let server = Server::queue([raw(When::AfterRequest, "", Then::Stall)]).await;
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "a_builder_from_the_environment_takes_further_settings_in_code"]).env(CHILD, "1");
        for name in ["TRAXES_CLIENT_ID", "TRAXES_CLIENT_SECRET", "TRAXES_TOKEN_URL"] {
            child.env_remove(name);
        }
        let child = child.env("TRAXES_ACCESS_TOKEN", "t").env("TRAXES_BASE_URL", server.url());
        let output = child.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(server.requests().len(), 1);
        return;
    }
    let builder = ClientBuilder::from_env().unwrap().retry(RetryPolicy::none());
    let client = builder.attempt_timeout(Duration::from_millis(200)).build().unwrap();
    let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    assert!(error.to_string().contains("no response before the attempt timeout"), "{error}");
}
