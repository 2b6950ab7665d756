//! A server on loopback that behaves as the API documents: for first steps, and for testing your own code.
//!
//! ```
//! # async fn run() -> Result<(), traxes_connect::Error> {
//! use traxes_connect::{CollectiveOnboardingRequest, Outcome, Sandbox};
//!
//! let sandbox = Sandbox::start();
//! let client = sandbox.client();
//! let request = CollectiveOnboardingRequest::new("Rue de la Loi 16");
//!
//! let onboarding = client.create_collective_onboarding(&request).await?;
//! assert!(onboarding.consent_url().is_some());
//! assert_eq!(sandbox.requests()[0].body, br#"{"name":"Rue de la Loi 16"}"#);
//!
//! sandbox.enqueue(500, &[("x-request-id", "req-1")], "out of order");
//! let error = client.create_collective_onboarding(&request).await.unwrap_err();
//! assert_eq!(error.outcome(), Outcome::Unknown);
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
//! ```
//!
//! # Each outcome
//!
//! | outcome | how to get it |
//! |---|---|
//! | [`NotSent`](Outcome::NotSent) | drop the sandbox before the client's first call: nothing listens on its port any more |
//! | [`Rejected`](Outcome::Rejected) | [`enqueue`](Sandbox::enqueue) a 400, or [`reject`](Sandbox::reject) the token |
//! | [`Applied`](Outcome::Applied) | [`enqueue_fault`](Sandbox::enqueue_fault) with [`Fault::CutResponse`] |
//! | [`Unknown`](Outcome::Unknown) | `enqueue` a 500, or `enqueue_fault` with [`Fault::Silence`] or [`Fault::BrokenConnection`] |
//!
//! # Your own mocks
//!
//! For other responses, [`mocks`] has the helpers that progenitor generates for your own httpmock server.

mod documented;
mod received_request;
mod server;

#[cfg(doc)]
use crate::Outcome;
use crate::{Client, ClientBuilder};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header::CONTENT_LENGTH, header::TRANSFER_ENCODING};
use server::{Answer, Server};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use received_request::ReceivedRequest;
pub use server::Fault;

/// Extensions of [`httpmock::MockServer`] with a method for each operation, generated from the API description.
///
/// ```
/// # async fn run() -> Result<(), traxes_connect::Error> {
/// use traxes_connect::{Client, CollectiveOnboardingRequest, OnboardingRequest, sandbox::mocks::MockServerExt};
///
/// let server = httpmock::MockServer::start_async().await;
/// let mut onboarding = OnboardingRequest::default();
/// onboarding.status = Some("Pending".into());
/// server.create_collective_onboarding(|when, then| {
///     when.body(&CollectiveOnboardingRequest::unnamed());
///     then.created(&onboarding);
/// });
/// let client = Client::builder().token("any").base_url(server.base_url()).build()?;
/// client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await?;
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
/// ```
pub mod mocks {
    #![allow(missing_docs, rustdoc::all, clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/mocks.rs"));
}

const TOKEN_PATH: &str = "/oauth2/access_token";

/// A running server. Dropping it stops it. See the [module](self) for an example.
pub struct Sandbox {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: Vec<ReceivedRequest>,
    queue: VecDeque<Queued>,
    rejected: HashSet<String>,
}

enum Queued {
    Response(Response<Bytes>),
    Fault(Fault),
}

impl Sandbox {
    /// Starts a server on a free port of the loopback interface. It has a thread of its own, so tests with different runtimes can
    /// share it.
    ///
    /// # Panics
    ///
    /// If the loopback interface has no free port.
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let server = Server::start(Arc::new(move |request| locked(&shared).answer(request)));
        Self { server: server.expect("a server on loopback"), state }
    }

    /// The base URL of the server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// The token endpoint of the server, for [`ClientCredentials`](crate::ClientCredentials). It grants any id and secret a new
    /// token for an hour.
    ///
    /// ```
    /// # async fn run() -> Result<(), traxes_connect::Error> {
    /// use traxes_connect::{Client, ClientCredentials, CollectiveOnboardingRequest, Sandbox};
    ///
    /// let sandbox = Sandbox::start();
    /// let credentials = ClientCredentials::new("id", "secret").token_url(sandbox.token_url());
    /// let client = Client::builder().client_credentials(credentials).base_url(sandbox.url()).build()?;
    /// client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn token_url(&self) -> String {
        self.url() + TOKEN_PATH
    }

    /// A client for the server, with default settings.
    pub fn client(&self) -> Client {
        self.client_builder().build().expect("valid settings")
    }

    /// A client builder for the server, set to the sandbox's API and token endpoint and a token that it accepts.
    ///
    /// ```
    /// # async fn run() -> Result<(), traxes_connect::Error> {
    /// # use traxes_connect::{CollectiveOnboardingRequest, Sandbox};
    /// use traxes_connect::ClientCredentials;
    ///
    /// let sandbox = Sandbox::start();
    /// let credentials = ClientCredentials::new("any-id", "any-secret");
    /// let client = sandbox.client_builder().client_credentials(credentials).build()?;
    /// client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder().server(self.url(), self.token_url()).token("sandbox-access-token")
    }

    /// What the API has received so far, whatever it answered, in order of arrival. Token requests are not included.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # use traxes_connect::{CollectiveOnboardingRequest, Sandbox};
    /// let sandbox = Sandbox::start();
    /// sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await?;
    /// let sent: serde_json::Value = serde_json::from_slice(&sandbox.requests()[0].body)?;
    /// assert_eq!(sent["name"], "Rue de la Loi 16");
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        locked(&self.state).requests.clone()
    }

    /// Queues a response: the next request to the API gets it, whatever it asks for.
    ///
    /// ```
    /// # async fn run() {
    /// # use traxes_connect::{CollectiveOnboardingRequest, Sandbox};
    /// let sandbox = Sandbox::start();
    /// sandbox.enqueue(429, &[("retry-after", "0")], "");
    /// let created = sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await;
    /// assert_eq!(created.unwrap().attempts(), 2);
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run());
    /// ```
    ///
    /// # Panics
    ///
    /// If the status is not one of a final response (200 to 999), or a header is not valid in HTTP, or is one that frames the
    /// body: the server sets `content-length` itself. [`Fault::CutResponse`] gives a response that is too short.
    pub fn enqueue(&self, status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) {
        let mut response = Response::new(Bytes::from(body.into()));
        let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
        *response.status_mut() = status.expect("the status of a final HTTP response: 200 to 999");
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap_or_else(|_| panic!("{name:?} is not a valid header name"));
            assert!(name != CONTENT_LENGTH && name != TRANSFER_ENCODING, "{name} is set by the server");
            let value = HeaderValue::try_from(*value);
            let value = value.unwrap_or_else(|_| panic!("the value of {name} is not a valid header value"));
            response.headers_mut().append(name, value);
        }
        locked(&self.state).queue.push_back(Queued::Response(response));
    }

    /// Queues a fault, in the same queue: the next request to the API is received and applied, and its response is lost.
    ///
    /// ```
    /// # async fn run() {
    /// use traxes_connect::{CollectiveOnboardingRequest, Outcome, Sandbox, sandbox::Fault};
    ///
    /// let sandbox = Sandbox::start();
    /// sandbox.enqueue_fault(Fault::BrokenConnection);
    /// let created = sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await;
    /// assert_eq!(created.unwrap_err().outcome(), Outcome::Unknown);
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run());
    /// ```
    pub fn enqueue_fault(&self, fault: Fault) {
        locked(&self.state).queue.push_back(Queued::Fault(fault));
    }

    /// Answers 401 to this token from now on. Any other is accepted.
    ///
    /// ```
    /// # async fn run() {
    /// # use traxes_connect::{CollectiveOnboardingRequest, Sandbox};
    /// let sandbox = Sandbox::start();
    /// sandbox.reject("sandbox-access-token"); // the token of `Sandbox::client`
    /// let error = sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    /// assert_eq!(error.status().unwrap(), 401);
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run());
    /// ```
    pub fn reject(&self, token: impl Into<String>) {
        locked(&self.state).rejected.insert(token.into());
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl State {
    fn answer(&mut self, request: Request<Bytes>) -> Answer {
        let request = ReceivedRequest::new(request);
        if request.target == TOKEN_PATH {
            return Answer { response: documented::granted(&request), fault: None };
        }
        let documented = || documented::response(&request, &self.rejected);
        let answer = match self.queue.pop_front() {
            Some(Queued::Response(response)) => Answer { response, fault: None },
            Some(Queued::Fault(fault)) => Answer { response: documented(), fault: Some(fault) },
            None => Answer { response: documented(), fault: None },
        };
        self.requests.push(request);
        answer
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
