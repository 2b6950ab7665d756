//! Calls of the real client, and how each ended.

use std::time::Duration;
use tokio::task::JoinSet;
use traxes_connect::{
    Client, ClientBuilder, CollectiveOnboardingRequest, Error, OnboardingRequest, Response, RetryPolicy,
};
use uuid::Uuid;

/// Long enough for the second attempt of a client that believes Varnish's `Retry-After: 5`.
const DEADLINE: Duration = Duration::from_secs(8);

pub struct Call {
    pub id: Uuid,
    pub result: Result<Response<OnboardingRequest>, Error>,
}

impl Call {
    pub fn attempts(&self) -> u32 {
        self.result.as_ref().map_or_else(Error::attempts, Response::attempts)
    }

    pub fn status(&self) -> Option<u16> {
        let status = self.result.as_ref().map_or_else(Error::status, |response| Some(response.http_status()));
        status.map(|status| status.as_u16())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.result.as_ref().map_or_else(Error::headers, |response| Some(response.headers()));
        headers?.get(name)?.to_str().ok()
    }

    /// Whether the response came from the ledger rather than from the gateway itself.
    pub fn is_of_ledger(&self) -> bool {
        self.header("x-ledger").is_some()
    }
}

pub fn policy() -> RetryPolicy {
    RetryPolicy::new().initial_backoff(Duration::from_millis(1)).total_timeout(DEADLINE)
}

pub fn builder(port: u16) -> ClientBuilder {
    Client::builder().token("tok-1").base_url(format!("http://127.0.0.1:{port}")).retry(policy())
}

pub fn client(port: u16) -> Client {
    builder(port).build().unwrap()
}

pub async fn call(client: &Client) -> Call {
    let id = Uuid::new_v4();
    let request = CollectiveOnboardingRequest::unnamed().collective_id(id);
    Call { id, result: client.create_collective_onboarding(&request).await }
}

/// Runs concurrent workers that each make `each` calls in sequence.
pub async fn calls(client: &Client, workers: usize, each: usize) -> Vec<Call> {
    let mut running = JoinSet::new();
    for _ in 0..workers {
        let client = client.clone();
        running.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..each {
                made.push(call(&client).await);
            }
            made
        });
    }
    running.join_all().await.into_iter().flatten().collect()
}

pub fn count(calls: &[Call], is: impl Fn(&Call) -> bool) -> usize {
    calls.iter().filter(|call| is(call)).count()
}
