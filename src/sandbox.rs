//! A server on loopback that behaves as the API documents: for first steps, and for testing your own code.
//!
//! ```
//! # async fn run() -> Result<(), traxes_connect::Error> {
//! use traxes_connect::{CollectiveOnboardingRequest, Outcome, Sandbox};
//!
//! let sandbox = Sandbox::start().await;
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
//! # Many at once
//!
//! Each sandbox is a server from httpmock's pool, with its own port and its own state. The pool holds 25 servers per process,
//! or as many as `HTTPMOCK_MAX_SERVERS` says: a further [`Sandbox::start`] waits until another sandbox is dropped. A test
//! that needs more servers than the pool has blocks forever. Dropping a sandbox clears its state; a
//! later one may get its port.
//!
//! # Your own mocks
//!
//! For other responses, [`mocks`] has the helpers that progenitor generates for your own httpmock server.

use crate::types::{
    Collective, CollectiveOnboardingRequest, OnboardingAction, OnboardingActionType, OnboardingData, OnboardingRequest,
    OnboardingRequestType, OnboardingStatus,
};
use crate::{Client, ClientBuilder};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use httpmock::{HttpMockRequest, HttpMockResponse, MockServer};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::{env, fmt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use uuid::Uuid;

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

const PATH: &str = crate::generated::operations::CREATE_COLLECTIVE_ONBOARDING.path;
const METHOD: &str = crate::generated::operations::CREATE_COLLECTIVE_ONBOARDING.method;
/// The length of the only text form that RFC 9562 gives a UUID.
const HYPHENATED_UUID: usize = 36;
const TOKEN_PATH: &str = "/oauth2/access_token";

/// A running server. Dropping it stops it. See the [module](self) for an example.
pub struct Sandbox {
    server: MockServer,
    state: Arc<Mutex<State>>,
    /// Returned after the server, in the order of these fields.
    _turn: SemaphorePermit<'static>,
}

/// A turn for each server in httpmock's pool: a waiter in the pool itself may sleep on if two are returned at once.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
    let servers = env::var("HTTPMOCK_MAX_SERVERS").ok().and_then(|servers| servers.parse().ok());
    Semaphore::new(servers.unwrap_or(25))
});

#[derive(Default)]
struct State {
    requests: Vec<ReceivedRequest>,
    responses: VecDeque<HttpMockResponse>,
    rejected: HashSet<String>,
}

/// A request as the sandbox received it. `Debug` shows it without headers, which contain the token.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// The path, and the query if there is one.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.target, self.body.len())
    }
}

impl Sandbox {
    /// Starts a server on a free port of the loopback interface, or waits for one: see [many at once](self#many-at-once).
    pub async fn start() -> Self {
        let turn = TURNS.acquire().await.expect("it is never closed");
        // On its own thread: dropping a server blocks its thread until it is back in the pool, and that may depend on a task on
        // the same thread that has yet to take one out.
        let server = spawn_blocking(MockServer::start).await.expect("a server starts");
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let answer = move |request: &HttpMockRequest| locked(&shared).answer(request);
        server.mock(|_, then| drop(then.respond_with(answer)));
        Self { server, state, _turn: turn }
    }

    /// The base URL of the server.
    pub fn url(&self) -> String {
        self.server.base_url()
    }

    /// The token endpoint of the server, for [`ClientCredentials`](crate::ClientCredentials). It grants any id and secret a new
    /// token for an hour.
    ///
    /// ```
    /// # async fn run() -> Result<(), traxes_connect::Error> {
    /// use traxes_connect::{Client, ClientCredentials, CollectiveOnboardingRequest, Sandbox};
    ///
    /// let sandbox = Sandbox::start().await;
    /// let credentials = ClientCredentials::new("id", "secret").token_url(sandbox.token_url());
    /// let client = Client::builder().client_credentials(credentials).base_url(sandbox.url()).build()?;
    /// client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn token_url(&self) -> String {
        self.server.url(TOKEN_PATH)
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
    /// let sandbox = Sandbox::start().await;
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
    /// let sandbox = Sandbox::start().await;
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
    /// let sandbox = Sandbox::start().await;
    /// sandbox.enqueue(429, &[("retry-after", "0")], "");
    /// let created = sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await;
    /// assert_eq!(created.unwrap().attempts(), 2);
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run());
    /// ```
    ///
    /// # Panics
    ///
    /// If the status or a header is not valid in HTTP.
    pub fn enqueue(&self, status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) {
        assert!(http::StatusCode::from_u16(status).is_ok(), "{status} is not a valid HTTP status");
        for (name, value) in headers {
            assert!(HeaderName::try_from(*name).is_ok(), "{name:?} is not a valid header name");
            assert!(HeaderValue::try_from(*value).is_ok(), "the value of {name} is not a valid header value");
        }
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let response = HttpMockResponse::builder().status(status).headers(headers).body(body.into()).build();
        locked(&self.state).responses.push_back(response);
    }

    /// Answers 401 to this token from now on. Any other is accepted.
    ///
    /// ```
    /// # async fn run() {
    /// # use traxes_connect::{CollectiveOnboardingRequest, Sandbox};
    /// let sandbox = Sandbox::start().await;
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
    fn answer(&mut self, request: &HttpMockRequest) -> HttpMockResponse {
        let request = received(request);
        if request.target == TOKEN_PATH {
            return granted(&request);
        }
        let response = self.responses.pop_front().unwrap_or_else(|| self.documented(&request));
        self.requests.push(request);
        response
    }

    /// The documented response.
    fn documented(&self, request: &ReceivedRequest) -> HttpMockResponse {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if request.target != PATH || request.method != METHOD {
            return refusal(404, "NotFound", &format!("the sandbox knows only {METHOD} {PATH}"));
        }
        match header("authorization").split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
                if self.rejected.contains(token) {
                    return refusal(401, "Unauthorized", "the sandbox rejects this token, as requested");
                }
            }
            _ => return refusal(401, "Unauthorized", "authorization: Bearer and a token is required"),
        }
        let media_type = header("content-type").split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return refusal(415, "UnsupportedMediaType", "content-type: application/json is required");
        }
        match documented_body(&request.body) {
            Ok(collective) => json_response(201, &serde_json::to_value(onboarding(collective)).expect("JSON of JSON")),
            Err(problem) => refusal(400, "BadRequest", &format!("the body is not as documented: {problem}")),
        }
    }
}

/// The body, checked more strictly than by the types, which also accept other spellings of a UUID, and null.
fn documented_body(body: &[u8]) -> Result<CollectiveOnboardingRequest, String> {
    let value: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let spelt_otherwise = |name: &&str| value[*name].as_str().is_some_and(|id| id.len() != HYPHENATED_UUID);
    if let Some(name) = ["collectiveId", "owner"].into_iter().find(spelt_otherwise) {
        return Err(format!("{name} is not a UUID with hyphens"));
    }
    if value.get("type").is_some_and(Value::is_null) {
        return Err("type is null".to_owned());
    }
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// The response of a token endpoint (RFC 6749, sections 4.4 and 5).
fn granted(request: &ReceivedRequest) -> HttpMockResponse {
    let form: HashMap<_, _> = form_urlencoded::parse(&request.body).collect();
    let has = |name: &str| form.get(name).is_some_and(|value| !value.is_empty());
    if request.method != Method::POST || form.get("grant_type").is_none_or(|grant| grant != "client_credentials") {
        return json_response(400, &json!({"error": "unsupported_grant_type"}));
    }
    if !has("client_id") || !has("client_secret") {
        return json_response(401, &json!({"error": "invalid_client"}));
    }
    let token = format!("sandbox-{}", Uuid::new_v4());
    json_response(200, &json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
}

/// The onboarding request created for a collective.
fn onboarding(request: CollectiveOnboardingRequest) -> OnboardingRequest {
    let id = Uuid::new_v4();
    OnboardingRequest {
        action: Some(OnboardingAction {
            documentation_link: Some("https://sandbox.invalid/documentation".to_owned()),
            redirect_link: Some(format!("https://sandbox.invalid/consent/{id}")),
            type_: Some(OnboardingActionType::Consent),
        }),
        created: Some(chrono::Utc::now()),
        data: Some(OnboardingData {
            collective: Some(Collective {
                id: Some(request.collective_id.unwrap_or_else(Uuid::new_v4)),
                name: request.name,
                owner: request.owner,
                properties: request.properties,
                type_: request.type_,
            }),
            ..OnboardingData::default()
        }),
        id: Some(id),
        request_type: Some(OnboardingRequestType::Collective),
        status: Some(OnboardingStatus::Pending),
        ..OnboardingRequest::default()
    }
}

fn received(request: &HttpMockRequest) -> ReceivedRequest {
    let uri = request.uri();
    let target = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let (method, headers, body) = (request.method(), request.headers(), request.body_vec());
    ReceivedRequest { method, target, headers, body }
}

fn refusal(status: u16, code: &str, message: &str) -> HttpMockResponse {
    json_response(status, &json!({"code": code, "message": message}))
}

fn json_response(status: u16, body: &Value) -> HttpMockResponse {
    HttpMockResponse::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-request-id", Uuid::new_v4().to_string())
        .body(body.to_string())
        .build()
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
