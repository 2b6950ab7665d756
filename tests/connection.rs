//! However an attempt ends before the connection asks for the request's body, the request is reported as not sent.

use std::error::Error as _;
use std::time::{Duration, Instant};
use support::{BlackHole, Server, Then, When, created, raw, refusing_port};
use traxes_connect::{
    Client, ClientBuilder, CollectiveOnboardingRequest, Error,
    ErrorKind::{Connect, Timeout, Transport},
    OnboardingRequest,
    Outcome::{Applied, NotSent, Unknown},
    Response, RetryPolicy,
};

fn policy() -> RetryPolicy {
    RetryPolicy::new().initial_backoff(Duration::from_millis(1)).total_timeout(Duration::from_secs(20))
}

fn builder(url: impl Into<String>) -> ClientBuilder {
    Client::builder().token("tok-1").base_url(url).retry(policy())
}

async fn create(client: &Client) -> Result<Response<OnboardingRequest>, Error> {
    client.create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await
}

async fn fails(builder: ClientBuilder) -> Error {
    create(&builder.build().unwrap()).await.unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_is_not_sent_and_is_retried() {
    let long = format!("http://127.0.0.1:{}/{}", refusing_port().await, "p".repeat(300));
    let error = fails(builder(long)).await;
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 3));
    assert!(error.to_string().contains("(3 attempts in "), "{error}");
    assert!(error.to_string().ends_with("it is safe to retry"), "{error}");
    assert!(error.source().is_some() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_unresolvable_name_is_not_sent() {
    let error = fails(builder("http://traxes.invalid").dangerously_allow_plain_http().retry(RetryPolicy::none())).await;
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 1));
    assert!(error.to_string().contains("no connection to traxes.invalid:80: "), "{error}");
    assert!(error.to_string().contains("(1 attempt in "), "{error}");
}

#[tokio::test]
async fn a_connection_not_made_in_time_is_not_sent_and_is_retried() {
    let hole = BlackHole::open().await;
    let short = Duration::from_millis(60);
    let twice = || builder(hole.url()).retry(policy().max_attempts(2));
    for (client, kind, limit) in [
        (twice().connect_timeout(short), Connect, "timed out"),
        (twice().attempt_timeout(short), Timeout, "before the attempt timeout"),
        (twice().configure_http(move |http| http.timeout(short)), Timeout, "in time"),
    ] {
        let error = fails(client).await;
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (kind, NotSent, 2), "{error}");
        let line = error.to_string();
        assert!(line.contains(&format!("no connection to {}", &hole.url()[7..])) && line.contains(limit), "{line}");
        assert!(line.ends_with("it is safe to retry"), "{line}");
    }
}

#[tokio::test]
async fn a_deadline_missed_while_connecting_is_not_sent() {
    let hole = BlackHole::open().await;
    let error = fails(builder(hole.url()).retry(policy().total_timeout(Duration::from_millis(150)))).await;
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Timeout, NotSent, 1), "{error}");
    assert!(error.to_string().contains("before the call's deadline"), "{error}");
}

#[tokio::test]
async fn no_attempt_starts_with_less_time_left_than_the_last_one_took() {
    let hole = BlackHole::open().await;
    let client = builder(hole.url()).connect_timeout(Duration::from_millis(300));
    let started = Instant::now();
    let error = fails(client.retry(policy().total_timeout(Duration::from_millis(500)))).await;
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 1), "{error}");
    assert!(started.elapsed() < Duration::from_millis(500), "it waited for an attempt that could not succeed");
}

#[tokio::test]
async fn a_customiser_timeout_after_sending_is_unknown_or_applied() {
    let head = "HTTP/1.1 201 X\r\ncontent-length: 9\r\n\r\n{";
    for (written, outcome) in [("", Unknown), (head, Applied)] {
        let server = Server::queue([raw(When::AfterRequest, written, Then::Stall)]).await;
        let error = fails(builder(server.url()).configure_http(|http| http.timeout(Duration::from_millis(100)))).await;
        assert_eq!((error.kind(), error.outcome(), server.requests().len()), (Timeout, outcome, 1), "{error}");
    }
}

#[tokio::test]
async fn a_connection_closed_at_once_is_retried_only_if_nothing_was_sent() {
    for then in [Then::Close, Then::Reset] {
        // Whether the client notices the close before it sends is a matter of luck. What it then reports is not.
        let server = Server::queue(vec![raw(When::OnAccept, "", then); 3]).await;
        let error = fails(builder(server.url())).await;
        assert_eq!(error.kind(), Transport, "{error}");
        assert!(server.requests().is_empty());
        match error.outcome() {
            NotSent => assert_eq!((error.attempts(), server.connections()), (3, 3), "{error}"),
            outcome => assert_eq!((outcome, error.attempts()), (Unknown, server.connections() as u32), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_connection_closed_while_idle_fails_no_call() {
    let server = Server::queue([raw(When::AfterRequest, created().write, Then::Close), created()]).await;
    let client = builder(server.url()).build().unwrap();
    for _ in 0..2 {
        create(&client).await.unwrap();
        // The client notices the close as soon as it polls the connection.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((server.requests().len(), server.connections()), (2, 2));
}

#[cfg(feature = "rustls")]
mod tls {
    use super::*;
    use rcgen::{CertifiedKey, KeyPair};
    use std::sync::Arc;
    use tokio::net::TcpListener;
    use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
    use traxes_connect::reqwest::{Certificate, Proxy};

    #[tokio::test]
    async fn tls_to_a_plain_http_server_is_not_sent() {
        let answer = raw(When::OnAccept, "HTTP/1.1 400 Bad Request\r\n\r\n", Then::Close);
        let server = Server::queue(vec![answer; 3]).await;
        let error = fails(builder(server.url().replace("http:", "https:"))).await;
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 3));
        assert_eq!((server.requests().len(), server.connections()), (0, 3));
    }

    #[tokio::test]
    async fn a_stalled_tls_handshake_is_not_sent() {
        let server = Server::queue(vec![raw(When::OnAccept, "", Then::Stall); 2]).await;
        let url = server.url().replace("http:", "https:");
        let client = builder(url).attempt_timeout(Duration::from_millis(100)).retry(policy().max_attempts(2));
        let error = fails(client).await;
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (Timeout, NotSent, 2), "{error}");
    }

    fn certificate(name: &str) -> CertifiedKey<KeyPair> {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
    }

    /// Starts a TLS server with this certificate that hangs up after the handshake. Returns its port.
    async fn serve(own: &CertifiedKey<KeyPair>) -> u16 {
        let tls = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], own.signing_key.serialize_der().try_into().unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                drop(acceptor.accept(stream).await);
            }
        });
        port
    }

    #[tokio::test]
    async fn a_token_endpoint_with_an_untrusted_certificate_is_named_and_not_retried() {
        let port = serve(&certificate("localhost")).await;
        let api = Server::queue([]).await;
        let credentials =
            traxes_connect::ClientCredentials::new("id", "s3cret").token_url(format!("https://localhost:{port}"));
        let error = fails(builder(api.url()).client_credentials(credentials)).await;
        let message = format!("no connection to the token endpoint on localhost:{port}: invalid peer certificate");
        assert!(error.to_string().contains(&message) && error.to_string().contains("fix it and retry"), "{error}");
        assert_eq!((error.kind(), error.outcome(), error.attempts()), (traxes_connect::ErrorKind::Auth, NotSent, 0));
    }

    #[tokio::test]
    async fn an_untrusted_or_mismatched_certificate_is_not_sent_and_not_retried() {
        let own = certificate("connect.staging.traxes.example");
        let port = serve(&own).await;
        let trusted = Certificate::from_der(own.cert.der()).unwrap();
        let url = format!("https://localhost:{port}");
        for (client, cause) in [
            (builder(&url), "UnknownIssuer"),
            (
                builder(&url).configure_http(|http| http.tls_certs_only([trusted])),
                "not valid for name \"localhost\"; certificate is only valid for DnsName(\"connect.staging.traxes.example\")",
            ),
        ] {
            let error = fails(client).await;
            assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 1), "{error}");
            assert!(error.to_string().contains(cause), "{error}");
            assert!(error.to_string().ends_with("; fix it and retry"), "{error}");
        }
    }

    fn behind(proxy: &str) -> ClientBuilder {
        let proxy = Proxy::all(proxy).unwrap();
        builder("https://api.invalid").configure_http(|http| http.proxy(proxy))
    }

    #[tokio::test]
    async fn a_proxy_that_demands_credentials_or_has_an_unsupported_scheme_is_not_retried() {
        let refusal = raw(When::AfterHead, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Then::Close);
        let proxy = Server::queue(vec![refusal; 3]).await;
        let unsupported = proxy.url().replace("http:", "socks5:");
        for (url, cause, requests) in
            [(proxy.url(), "proxy authorization required", 1), (unsupported, "unsupported scheme socks5", 1)]
        {
            let error = fails(behind(&url)).await;
            assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 1), "{error}");
            let expected = format!("no connection to api.invalid:443: the proxy failed: {cause}");
            assert!(error.to_string().contains(&expected), "{error}");
            assert!(error.to_string().ends_with("; fix it and retry"), "{error}");
            assert_eq!(proxy.requests().len(), requests);
        }
    }

    #[tokio::test]
    async fn a_failing_proxy_is_retried_and_blamed() {
        let broken = Server::queue(vec![raw(When::AfterHead, "HTTP/1.1 502 X\r\n\r\n", Then::Close); 3]).await;
        let closed = Server::queue(vec![raw(When::AfterHead, "", Then::Close); 3]).await;
        let refusing = format!("http://127.0.0.1:{}", refusing_port().await);
        for (url, cause) in [
            (broken.url(), "the proxy failed: unsuccessful"),
            (closed.url(), "the proxy failed: unexpected end of file"),
            (refusing, "the proxy failed: Connection refused"),
            ("http://proxy.invalid:3128".to_owned(), "the proxy failed: failed to lookup address"),
        ] {
            let error = fails(behind(&url)).await;
            assert_eq!((error.kind(), error.outcome(), error.attempts()), (Connect, NotSent, 3), "{error}");
            assert!(error.to_string().contains(cause), "{error}");
        }
    }

    #[tokio::test]
    async fn a_proxy_from_the_environment_is_named() {
        let proxy = format!("127.0.0.1:{}", refusing_port().await);
        let mut command = support::example("onboard");
        command.args(["--json", "--attempts", "1"]).envs([
            ("TRAXES_ACCESS_TOKEN", "tok-1"),
            ("TRAXES_BASE_URL", "https://api.invalid"),
            ("HTTPS_PROXY", &format!("http://user:s3cret@{proxy}")),
        ]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        assert!(output.contains(&format!("the proxy {proxy} failed: Connection refused")), "{output}");
        assert!(!output.contains("s3cret"), "{output}");
    }
}
