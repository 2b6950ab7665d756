//! `ClientBuilder::on_attempt`, as a server sees it: it adds headers to each attempt, and changes none that the client sets.

use std::sync::atomic::{AtomicU64, Ordering};
use support::log::{Log, listen};
use support::{Request, Server, created, response};
use traxes_connect::http::{HeaderMap, HeaderName, HeaderValue};
use traxes_connect::{Client, CollectiveOnboardingRequest};

/// What the server received, once per attempt.
async fn received(on_attempt: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Vec<Request> {
    let server = Server::queue([response(429, &[("retry-after", "0")], ""), created()]).await;
    let client = Client::builder().token("any-token").base_url(server.url()).on_attempt(on_attempt).build().unwrap();
    client.create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await.unwrap();
    server.requests()
}

/// Without the host, which has the port of its server.
fn headers(request: &Request) -> Vec<(String, String)> {
    request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")).cloned().collect()
}

#[tokio::test]
async fn each_attempt_sends_the_headers_of_its_own_call() {
    let attempts = AtomicU64::new(0);
    let requests = received(move |headers| {
        assert!(headers.is_empty(), "the token is not shown");
        headers.insert("x-attempt", attempts.fetch_add(1, Ordering::Relaxed).into());
        for value in ["a=1", "b=2"] {
            headers.append("baggage", HeaderValue::from_static(value));
        }
    })
    .await;
    let sent = |request: &Request| request.header("x-attempt").unwrap().to_owned();
    assert_eq!(requests.iter().map(sent).collect::<Vec<_>>(), ["0", "1"]);
    let baggage: Vec<_> = requests[0].headers.iter().filter(|(name, _)| name == "baggage").collect();
    assert_eq!(baggage.len(), 2, "{baggage:?}");
}

#[tokio::test]
async fn no_header_that_the_client_sets_can_be_changed() {
    let log = Log::default();
    let _listening = listen(tracing_subscriber::fmt().with_writer(log.clone()).finish());
    let usual = headers(&received(|_| ()).await[0]);
    let names: Vec<_> = usual.iter().map(|(name, _)| name.clone()).chain(["Host".to_owned()]).collect();
    let tried = names.clone();
    let changed = received(move |headers| {
        for name in &tried {
            headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_static("7"));
        }
    })
    .await;
    assert_eq!(headers(&changed[0]), usual);
    assert_ne!(changed[0].header("host"), Some("7"));
    for name in names {
        let warning = format!("{} from on_attempt is not sent", name.to_lowercase());
        assert!(log.text().contains(&warning), "{}", log.text());
    }
}

/// These would change where the request ends, or how the response is encoded.
#[tokio::test]
async fn no_header_that_the_connection_needs_can_be_added() {
    let names = [
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "content-encoding",
        "keep-alive",
    ];
    let requests = received(move |headers| {
        for name in names {
            headers.insert(name, HeaderValue::from_static("gzip"));
        }
    })
    .await;
    for name in names {
        assert_eq!(requests[0].header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_panic_reaches_the_caller_before_anything_is_sent() {
    let server = Server::queue([]).await;
    let client = Client::builder().token("any-token").base_url(server.url());
    let client = client.on_attempt(|_| panic!("no trace")).build().unwrap();
    let call = tokio::spawn(async move {
        client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.map(drop)
    });
    assert!(call.await.unwrap_err().is_panic());
    assert_eq!(server.connections(), 0);
}
