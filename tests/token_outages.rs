//! The token endpoint comes and goes while calls continue: no call waits past its deadline, and none is sent with an expired
//! token.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::{Behaviour, Server, Then, When, created, raw, refusing_port, response};
use tokio::{runtime::Runtime, time::timeout};
use traxes_connect::{Client, ClientCredentials, CollectiveOnboardingRequest, ErrorKind, Outcome, RetryPolicy};

const CALLS: usize = 13_000;
const CONCURRENT: usize = 16;
const LIFETIME: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_millis(400);
/// How long a busy machine may need to notice that a deadline has passed.
const NOTICE: Duration = Duration::from_millis(200);
/// Long enough to renew a token.
const UP: Duration = Duration::from_millis(2_200);

/// What clients find in place of the token endpoint.
#[derive(Clone, Copy)]
enum Outage {
    Refuses,
    Stalls,
}

/// Shorter than a token's lifetime, about as long, and longer.
const OUTAGES: [(Outage, Duration); 5] = [
    (Outage::Refuses, Duration::from_millis(100)),
    (Outage::Stalls, Duration::from_millis(500)),
    (Outage::Refuses, Duration::from_millis(1_500)),
    (Outage::Stalls, Duration::from_millis(2_500)),
    (Outage::Refuses, Duration::from_millis(3_000)),
];

/// When each token was issued.
type Issued = Arc<Mutex<HashMap<String, Instant>>>;

/// A server in place of the endpoint that accepts connections and stays silent.
fn start_stalling(port: u16) -> Runtime {
    start(port, || raw(When::AfterRequest, "", Then::Stall))
}

/// A token endpoint in its own runtime: when that is dropped, its connections break and its port refuses.
fn start_token_endpoint(port: u16, issued: &Issued) -> Runtime {
    let issued = Arc::clone(issued);
    start(port, move || {
        let mut issued = issued.lock().unwrap();
        let token = format!("token-{:016}", issued.len());
        issued.insert(token.clone(), Instant::now());
        let lifetime = LIFETIME.as_secs();
        response(200, &[], &format!(r#"{{"access_token":"{token}","expires_in":{lifetime}}}"#))
    })
}

fn start(port: u16, behaviour: impl FnMut() -> Behaviour + Send + 'static) -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::endless_on(port, behaviour));
    // It stops with the runtime.
    std::mem::forget(server);
    runtime
}

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    dropped: AtomicUsize,
    created: AtomicUsize,
    failed: AtomicUsize,
}

async fn calls(client: Client, counts: Arc<Counts>, outages_over: Arc<AtomicBool>) {
    let request = CollectiveOnboardingRequest::unnamed();
    while counts.begun.fetch_add(1, Ordering::Relaxed) < CALLS || !outages_over.load(Ordering::Relaxed) {
        let started = Instant::now();
        let call = client.create_collective_onboarding(&request);
        if fastrand::f64() < 0.4 {
            let dropped = timeout(Duration::from_millis(fastrand::u64(0..5)), call).await.is_err();
            counts.dropped.fetch_add(usize::from(dropped), Ordering::Relaxed);
            continue;
        }
        match call.await {
            Ok(_) => counts.created.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                assert_eq!((error.kind(), error.outcome()), (ErrorKind::Auth, Outcome::NotSent), "{error}");
                counts.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
        let took = started.elapsed();
        assert!(took < DEADLINE + NOTICE, "a call of {DEADLINE:?} took {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_misses_its_deadline_or_sends_an_expired_token_during_outages() {
    let (issued, port) = (Issued::default(), refusing_port().await);
    // Slower than every drop timeout.
    let api = Server::endless(|| created().after(Duration::from_millis(6))).await;
    let credentials = ClientCredentials::new("id", "secret").token_url(format!("http://127.0.0.1:{port}"));
    let client = Client::builder().base_url(api.url()).client_credentials(credentials);
    let client = client.retry(RetryPolicy::new().total_timeout(DEADLINE)).build().unwrap();
    let (counts, outages_over) = (Arc::<Counts>::default(), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = (0..CONCURRENT)
        .map(|_| tokio::spawn(calls(client.clone(), Arc::clone(&counts), Arc::clone(&outages_over))))
        .collect();
    let outages = tokio::task::spawn_blocking({
        let issued = Arc::clone(&issued);
        move || {
            for (outage, lasts) in OUTAGES {
                let endpoint = start_token_endpoint(port, &issued);
                std::thread::sleep(UP);
                endpoint.shutdown_timeout(Duration::from_secs(5));
                let stalling = matches!(outage, Outage::Stalls).then(|| start_stalling(port));
                std::thread::sleep(lasts);
                stalling.into_iter().for_each(|server| server.shutdown_timeout(Duration::from_secs(5)));
            }
            start_token_endpoint(port, &issued)
        }
    });
    let endpoint = outages.await.unwrap();
    outages_over.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    endpoint.shutdown_background();

    let issued = issued.lock().unwrap();
    let requests = api.requests();
    for request in &requests {
        let token = request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        let age = request.at.duration_since(issued[token]);
        assert!(age < LIFETIME, "a token with a lifetime of {LIFETIME:?} arrived {age:?} after it was issued");
    }
    let count = |counted: &AtomicUsize| counted.load(Ordering::Relaxed);
    println!(
        "{} calls, {} dropped, {} created, {} without a token; {} requests with {} tokens",
        count(&counts.begun),
        count(&counts.dropped),
        count(&counts.created),
        count(&counts.failed),
        requests.len(),
        issued.len()
    );
    // Tokens were renewed while the endpoint was up, the outages were felt, and most calls still succeeded.
    assert!(issued.len() > OUTAGES.len() + 1);
    assert!(count(&counts.dropped) > 1_000 && count(&counts.failed) > 0 && count(&counts.created) > CALLS / 3);
}
