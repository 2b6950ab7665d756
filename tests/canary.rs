//! Our output never reveals a secret: a canary is planted wherever a secret can be, and searched for wherever one could leak.
#![cfg(feature = "sandbox")]

use std::{
    error::Error as StdError,
    io::{self, Write},
    panic,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::log::listen;
use support::{Behaviour, CREATED, Server, Then, When, created, raw, refusing_port, response};
use tracing_subscriber::{Layer, filter::LevelFilter, fmt::format::FmtSpan, layer::SubscriberExt};
use traxes_connect::{
    AccessToken, Client, ClientBuilder, ClientCredentials, CollectiveOnboardingRequest, RetryPolicy, Sandbox,
};

/// Searched for regardless of case, because header names lose theirs.
const CANARY: &str = "c4n4RY-0123456789";

/// The start of an HTTP Basic id and secret: 15 bytes of the canary, in base64.
const CANARY_IN_BASE64: &str = "YzRuNFJZLTAxMjM0NTY3";

/// Everything that was shown: the logs, and what the test collects.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, text: impl AsRef<str>) {
        *self.0.lock().unwrap() += text.as_ref();
    }

    fn error(&self, error: &(dyn StdError + 'static)) {
        self.add(format!("{error} {error:?} {error:#?}\n"));
        if let Some(source) = error.source() {
            self.error(source);
        }
    }

    fn check(&self, place: &str) {
        let shown = std::mem::take(&mut *self.0.lock().unwrap());
        let shows =
            |text: &str| text.to_lowercase().contains(&CANARY.to_lowercase()) || text.contains(CANARY_IN_BASE64);
        assert!(!shows(&shown), "{place}: {}", shown.lines().find(|line| shows(line)).unwrap());
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs every crate at trace level, including span creation and closing.
fn subscriber(shown: &Shown) -> impl tracing::Subscriber + use<> {
    let writer = shown.clone();
    // For crates that use `log`. Only the first call takes effect.
    let _ = tracing_log::LogTracer::init();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .with_filter(LevelFilter::TRACE);
    tracing_subscriber::registry().with(layer)
}

/// A server that echoes what it was sent in every place that we build a message from.
fn echo(status: u16) -> Behaviour {
    let bearer = format!("Bearer {CANARY}");
    let body = format!(
        r#"{{"code":"{bearer}","message":"{bearer}","error":"{CANARY}","errors":[{{"code":"{CANARY}","{CANARY}":[]}}],
            "id":"{CANARY}","status":"{CANARY}","access_token":["{CANARY}"]}}"#
    );
    let name = format!("x-{CANARY}");
    let headers = [("x-request-id", &*bearer), ("authorization", &bearer), (&name, "1"), ("retry-after", "0")];
    response(status, &headers, &body)
}

fn behaviours() -> Vec<Behaviour> {
    let text = |when, text: String, then| raw(when, text, then);
    let head = |status| format!("HTTP/1.1 {status} X\r\nx-request-id: {CANARY}\r\ncontent-length: 99\r\n\r\n");
    let statuses = [101, 200, 201, 204, 301, 303, 307, 400, 401, 403, 404, 409, 422, 425, 429, 500, 502, 503, 504, 600];
    let mut all: Vec<_> = statuses.into_iter().map(echo).collect();
    let headers = [("x-request-id", &*format!("Bearer {CANARY}")), ("authorization", CANARY)];
    let challenge = format!("Basic realm=\"{CANARY}\"");
    let escaped = CANARY.replace('-', "\\u002d");
    all.extend([
        response(
            401,
            &[("www-authenticate", &challenge)],
            &format!(r#"{{"error":"invalid_client","{CANARY}":"{CANARY}"}}"#),
        ),
        response(400, &[], &format!(r#"{{"error":"invalid_client","error_description":"{CANARY}"}}"#)),
        response(400, &[], &format!(r#"{{"code":"{escaped}","message":"{escaped}"}}"#)),
        response(201, &[], &format!(r#"{{"status":"{escaped}","data":{{"collective":{{"name":"{escaped}"}}}}}}"#)),
        response(
            201,
            &[],
            &format!(r#"{{"action":{{"redirectLink":"{CANARY}"}},"data":{{"collective":{{"properties":{{"{CANARY}":1}}}}}}}}"#),
        ),
        created(),
        response(201, &headers, CREATED),
        response(201, &[], &format!(r#"{{"{CANARY}": x}}"#)),
        response(201, &[], &format!(r#"{{"data":{{"collective":{{"properties":{{"{CANARY}": x}}}}}}}}"#)),
        response(201, &[], &format!(r#"{{"{CANARY}":"{CANARY}","id":"{CANARY}"}}"#)),
        raw(When::OnAccept, "", Then::Close),
        raw(When::AfterRequest, "", Then::Close),
        raw(When::AfterRequest, "", Then::Reset),
        raw(When::AfterRequest, "", Then::Stall),
        text(When::AfterRequest, format!("{CANARY}\r\n\r\n"), Then::Close),
        text(When::AfterRequest, head(201) + CANARY, Then::Close),
        text(When::AfterRequest, head(201) + CANARY, Then::Stall),
        text(When::AfterRequest, head(500) + CANARY, Then::Close),
        text(When::AfterRequest, format!("HTTP/1.1 201 X\r\ntransfer-encoding: chunked\r\n\r\n{CANARY}"), Then::Close),
        text(When::AfterRequest, "HTTP/1.1 201 X\r\n\r\n".to_owned(), Then::Endless),
    ]);
    all
}

/// The deadline for calls that the server leaves hanging.
const SOON: Duration = Duration::from_millis(150);

fn settings(builder: ClientBuilder) -> ClientBuilder {
    let policy = RetryPolicy::new().initial_backoff(Duration::from_millis(1)).max_attempts(2);
    builder.retry(policy).body_limit(4096).user_agent_suffix("canary-test")
}

/// One client with the canary as its token, and one with it as the id and secret for this token endpoint.
fn clients(base: &str, token_url: &str) -> [Client; 2] {
    let credentials = ClientCredentials::new(CANARY, CANARY).token_url(token_url).scope("esp");
    [
        settings(Client::builder().token(CANARY).base_url(base)).build().unwrap(),
        settings(Client::builder().client_credentials(credentials).base_url(base)).build().unwrap(),
    ]
}

/// Gives the client a short deadline if nothing else ends its calls. A busy machine may need longer for the others.
fn within_patience(client: Client, behaviour: &Behaviour) -> Client {
    let policy = RetryPolicy::new().initial_backoff(Duration::from_millis(1)).max_attempts(2);
    match behaviour.then {
        Then::Stall => client.with_retry(policy.total_timeout(SOON)),
        _ => client,
    }
}

async fn drive(client: &Client, shown: &Shown) {
    let request = CollectiveOnboardingRequest::new("Rue de la Loi 16");
    match client.create_collective_onboarding(&request).await {
        Ok(response) => {
            shown.add(format!("{response:?} {:?} {:?}", response.request_id(), response.headers()));
            shown.add(format!("{response:#?} {:?}", response.unreadable_fields()));
        }
        Err(error) => {
            shown.error(&error);
            shown.add(format!(
                "{:?} {:?} {:?} {:?}",
                error.code(),
                error.detail(),
                error.request_id(),
                error.headers()
            ));
        }
    }
}

#[tokio::test]
async fn no_failed_call_reveals_a_secret() {
    let shown = Shown::default();
    let _listening = listen(subscriber(&shown));
    let grant = || response(200, &[], &format!(r#"{{"access_token":"{CANARY}","expires_in":3599}}"#));
    for behaviour in behaviours() {
        let place = String::from_utf8_lossy(&behaviour.write).lines().next().unwrap_or("nothing").to_owned();
        let tokens = Server::endless(grant).await;
        let written = behaviour.clone();
        let server = Server::endless(move || written.clone()).await;
        for client in clients(&server.url(), &tokens.url()) {
            drive(&within_patience(client, &behaviour), &shown).await;
        }
        assert!(server.requests().iter().all(|r| r.header("authorization") == Some(&format!("Bearer {CANARY}"))));
        shown.check(&place);
    }
    let refused = format!("http://127.0.0.1:{}", refusing_port().await);
    for client in clients(&refused, &refused) {
        drive(&client, &shown).await;
    }
    shown.check("refused");
}

#[tokio::test]
async fn a_token_replaced_mid_call_is_not_revealed_either() {
    let shown = Shown::default();
    let _listening = listen(subscriber(&shown));
    for status in [201, 200, 400, 500] {
        let mut grants = [CANARY, "another-token-of-the-call"].into_iter();
        let tokens = Server::endless(move || {
            response(200, &[], &format!(r#"{{"access_token":"{}","expires_in":3599}}"#, grants.next().unwrap()))
        });
        let (tokens, server) = (tokens.await, Server::queue([response(401, &[], ""), echo(status)]).await);
        let [_, client] = clients(&server.url(), &tokens.url());
        drive(&client, &shown).await;
        assert_eq!(server.requests().len(), 2);
        shown.check(&format!("{status} after a 401"));
    }
}

#[tokio::test]
async fn no_token_endpoint_failure_reveals_a_secret() {
    let shown = Shown::default();
    let _listening = listen(subscriber(&shown));
    for behaviour in behaviours() {
        let place = String::from_utf8_lossy(&behaviour.write).lines().next().unwrap_or("nothing").to_owned();
        let written = behaviour.clone();
        let tokens = Server::endless(move || written.clone()).await;
        let api = Server::queue([]).await;
        let [_, client] = clients(&api.url(), &tokens.url());
        drive(&within_patience(client, &behaviour), &shown).await;
        shown.check(&place);
    }
}

#[tokio::test]
async fn no_debug_output_or_configuration_error_reveals_a_secret() {
    let shown = Shown::default();
    let sandbox = Sandbox::start();
    let credentials = ClientCredentials::new(CANARY, CANARY).token_url(sandbox.token_url());
    let spoiled = format!("{CANARY}\n");
    shown.add(format!("{:?} {:#?}", AccessToken::new(CANARY).unwrap(), credentials));
    shown.error(&AccessToken::new(&*spoiled).unwrap_err());
    shown.add(format!("{:?} {:?}", Client::builder().token(CANARY), Client::builder().client_credentials(credentials)));
    for client in clients(&sandbox.url(), &sandbox.token_url()) {
        shown.add(format!("{client:?} {client:#?}"));
        let response = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
        shown.add(format!("{response:?} {response:#?}"));
    }
    shown.add(format!("{sandbox:?} {:?}", sandbox.requests()));
    let url = format!("https://{CANARY}:{CANARY}@host/?token={CANARY}#{CANARY}");
    let credentials = |url: &str| ClientCredentials::new(CANARY, CANARY).token_url(url);
    for builder in [
        Client::builder().token(spoiled),
        Client::builder().token(CANARY).base_url(&url),
        Client::builder().token(CANARY).user_agent_suffix("\n"),
        Client::builder().client_credentials(credentials(&url)),
        Client::builder().client_credentials(credentials("http://host")),
        Client::builder().client_credentials(ClientCredentials::new(CANARY, "")),
        Client::builder().client_credentials(ClientCredentials::new("", CANARY)),
    ] {
        shown.error(&builder.build().unwrap_err());
    }
    shown.check("configuration");
}

#[test]
fn no_panic_message_reveals_a_secret() {
    let shown = Shown::default();
    let hook = panic::take_hook();
    let written = shown.clone();
    panic::set_hook(Box::new(move |info| written.add(info.to_string())));
    let sandbox = Sandbox::start();
    let spoiled = format!("{CANARY}\n");
    // Two caller mistakes: no runtime, and an invalid header.
    let client = Client::new(CANARY).unwrap();
    let outside = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let request = CollectiveOnboardingRequest::unnamed();
        let mut call = Box::pin(client.create_collective_onboarding(&request));
        let _ = call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    }));
    let header = panic::catch_unwind(panic::AssertUnwindSafe(|| sandbox.enqueue(200, &[("x", &spoiled)], "")));
    panic::set_hook(hook);
    assert!(outside.is_err() && header.is_err(), "nothing panicked, so this test checked nothing");
    shown.check("panic");
}
