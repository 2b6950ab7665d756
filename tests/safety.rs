//! A token goes only to the server it is meant for, whatever the environment and the customiser say.

use std::{process::Command, sync::Mutex};
use support::log::{Log, listen};
use support::{Server, response};
use traxes_connect::{
    Client, ClientBuilder, ClientCredentials, CollectiveOnboardingRequest, ErrorKind, Outcome,
    reqwest::{Proxy, redirect, retry},
};

/// Set in the child process that this file starts with proxy variables.
const TARGET: &str = "TEST_TARGET_URL";

#[tokio::test]
async fn a_plain_http_client_ignores_environment_proxies() {
    if let Ok(target) = std::env::var(TARGET) {
        let client = Client::builder().token("tok-1").base_url(target).build().unwrap();
        client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
        return;
    }
    let (server, proxy) = (Server::queue([]).await, Server::queue([]).await);
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "a_plain_http_client_ignores_environment_proxies"]).env(TARGET, server.url());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"] {
        again.env(name, proxy.url());
    }
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((server.requests().len(), proxy.connections()), (1, 0));
}

#[tokio::test]
async fn an_https_client_uses_its_proxy_without_revealing_the_token() {
    let proxy = Server::queue([response(502, &[], "")]).await;
    let through = Proxy::all(proxy.url()).unwrap();
    let client =
        Client::builder().token("tok-1").base_url("https://api.invalid").configure_http(|http| http.proxy(through));
    let client = client.retry(traxes_connect::RetryPolicy::none()).build().unwrap();
    let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
    assert_eq!(proxy.requests()[0].line, "CONNECT api.invalid:443 HTTP/1.1");
    assert_eq!(proxy.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_plain_http_token_endpoint_disables_proxies_even_with_an_https_api() {
    let tokens = Server::queue([response(200, &[], r#"{"access_token":"tok-1"}"#)]).await;
    let proxy = Server::queue([]).await;
    let through = Proxy::all(proxy.url()).unwrap();
    let credentials = ClientCredentials::new("id", "s3cret").token_url(tokens.url());
    let client = Client::builder().client_credentials(credentials).base_url("https://api.invalid");
    let client =
        client.configure_http(|http| http.proxy(through)).retry(traxes_connect::RetryPolicy::none()).build().unwrap();
    let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    assert_eq!((tokens.requests().len(), proxy.connections()), (1, 0));
}

#[test]
fn a_proxy_disabled_by_a_plain_http_token_endpoint_is_a_warning() {
    if let Ok(token_url) = std::env::var(TARGET) {
        let credentials = || ClientCredentials::new("id", "s3cret").token_url(token_url.clone());
        let mixed = || Client::builder().base_url("https://api.invalid").client_credentials(credentials());
        let warnings = |builder: ClientBuilder| {
            let log = Log::default();
            let subscriber =
                tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(log.clone()).finish();
            let _listening = listen(subscriber);
            builder.build().unwrap();
            log.text()
        };
        let proxy_in_environment = std::env::var_os("HTTPS_PROXY").is_some();
        assert_eq!(
            warnings(mixed()).matches(" is not used, not even for https").count(),
            usize::from(proxy_in_environment)
        );
        assert_eq!(
            warnings(mixed().configure_http(|http| http)).matches(" is not used, not even for https").count(),
            1
        );
        let reversed = Client::builder()
            .base_url("http://localhost")
            .client_credentials(ClientCredentials::new("id", "s3cret").token_url("https://tokens.invalid"));
        let count = warnings(reversed).matches(" is not used, not even for https").count();
        assert_eq!(count, usize::from(proxy_in_environment));
        for quiet in [
            Client::builder().base_url("https://api.invalid").token("tok-1"),
            Client::builder().base_url("http://localhost").token("tok-1"),
            Client::builder().base_url("http://localhost").client_credentials(credentials()),
        ] {
            assert_eq!(warnings(quiet), "");
        }
        return;
    }
    for proxy in [None, Some("http://proxy.invalid:3128")] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "a_proxy_disabled_by_a_plain_http_token_endpoint_is_a_warning"]);
        again.env(TARGET, "http://127.0.0.1:8080");
        for name in
            ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"]
        {
            again.env_remove(name);
        }
        let output = again.envs(proxy.map(|proxy| ("HTTPS_PROXY", proxy))).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// What reqwest logs about a connection if asked to: every byte.
struct Wire(Mutex<String>);

static WIRE: Wire = Wire(Mutex::new(String::new()));

impl log::Log for Wire {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        *self.0.lock().unwrap() += &format!("{} {}\n", record.target(), record.args());
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn a_customiser_cannot_break_our_guarantees() {
    log::set_logger(&WIRE).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let (elsewhere, proxy) = (Server::queue([]).await, Server::queue([]).await);
    let server = Server::queue([response(307, &[("location", &elsewhere.url())], ""), response(503, &[], "")]).await;
    let through = Proxy::all(proxy.url()).unwrap();
    let again = retry::for_host("127.0.0.1").classify_fn(|attempt| match attempt.status() {
        Some(status) if status.is_success() => attempt.success(),
        _ => attempt.retryable(),
    });
    let client = Client::builder().token("tok-1").base_url(server.url()).configure_http(|http| {
        http.proxy(through)
            .redirect(redirect::Policy::limited(5))
            .retry(again)
            .connection_verbose(true)
            .user_agent("evil")
    });
    let client = client.build().unwrap();
    for status in [307, 503] {
        let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
    }
    assert_eq!((server.requests().len(), elsewhere.connections(), proxy.connections()), (2, 0, 0));
    assert!(server.requests()[0].header("user-agent").unwrap().starts_with("traxes-connect/"));
    let wire = WIRE.0.lock().unwrap();
    assert!(!wire.contains("tok-1"), "{wire}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_does_not_leak_the_token() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::queue([]).await;
        let server = Server::queue([response(status, &[("location", &elsewhere.url())], "")]).await;
        let client = Client::builder().token("tok-1").base_url(server.url()).build().unwrap();
        let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        assert_eq!((server.requests().len(), elsewhere.connections()), (1, 0), "{status}");
    }
}
