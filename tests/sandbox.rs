//! The sandbox answers as documented and shows what it received.
#![cfg(feature = "sandbox")]

use serde_json::{Value, json};
use std::{panic, time::Duration};
use support::spec;
use traxes_connect::{
    AccessToken, Client, ClientCredentials, CollectiveOnboardingRequest, ErrorKind, OnboardingStatus, Outcome,
    RetryPolicy, Sandbox,
    reqwest::{self, Method},
    sandbox::Fault,
    types::{CollectiveType, OnboardingActionType},
};
use uuid::Uuid;

const PATH: &str = "/v1/onboarding/collectives";

#[tokio::test]
async fn a_request_is_answered_as_documented() {
    let (sandbox, owner, id) = (Sandbox::start(), Uuid::new_v4(), Uuid::new_v4());
    let request = CollectiveOnboardingRequest::new("a").owner(owner).collective_id(id).collective_type("Commune");
    let request = request.properties(json!({"x": [1]})).unwrap();
    let response = sandbox.client().create_collective_onboarding(&request).await.unwrap();
    assert_eq!((response.http_status().as_u16(), response.attempts()), (201, 1));
    assert!(response.request_id().is_some() && response.consent_url().is_some());
    assert_eq!(response.status, Some(OnboardingStatus::Pending));
    assert_eq!(response.action.as_ref().unwrap().type_, Some(OnboardingActionType::Consent));
    let collective = response.data.as_ref().unwrap().collective.as_ref().unwrap();
    assert_eq!((collective.id, collective.owner, collective.name.as_deref()), (Some(id), Some(owner), Some("a")));
    assert_eq!(collective.type_, Some(CollectiveType::Unknown("Commune".to_owned())));
    assert_eq!(collective.properties, Some(json!({"x": [1]})));
    let written = serde_json::to_value(response.value()).unwrap();
    let second = sandbox.client().create_collective_onboarding(&request).await.unwrap();
    assert_ne!(response.id, second.id);
    // Except for the type, which is undocumented.
    let mut documented = written;
    documented["data"]["collective"]["type"] = "Fleet".into();
    assert!(spec::validator("OnboardingRequest").is_valid(&documented), "{documented}");
}

#[tokio::test]
async fn undocumented_requests_are_refused_with_a_reason() {
    let sandbox = Sandbox::start();
    sandbox.reject("revoked");
    let send = async |method: Method, path: &str, token: &str, media: &str, body: &str| {
        let request = reqwest::Client::new().request(method, sandbox.url() + path);
        let request = request.header("authorization", token).header("content-type", media).body(body.to_owned());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(
            body["code"].is_string() == (status != 201) && body["message"].is_string() == (status != 201),
            "{body}"
        );
        status
    };
    let (json, good) = ("application/json", r#"{"name":null}"#);
    for (status, method, path, token, media, body) in [
        (201, Method::POST, PATH, "Bearer x", json, good),
        (201, Method::POST, PATH, "bearer x", "Application/JSON; charset=utf-8", good),
        (404, Method::GET, PATH, "Bearer x", json, good),
        (404, Method::POST, "/v1/onboarding", "Bearer x", json, good),
        (404, Method::POST, "/v1/onboarding/collectives?a=b", "Bearer x", json, good),
        (401, Method::POST, PATH, "", json, good),
        (401, Method::POST, PATH, "Bearer ", json, good),
        (401, Method::POST, PATH, "Basic eA==", json, good),
        (401, Method::POST, PATH, "Bearer revoked", json, good),
        (415, Method::POST, PATH, "Bearer x", "text/plain", good),
        (400, Method::POST, PATH, "Bearer x", json, "{"),
        (400, Method::POST, PATH, "Bearer x", json, "{}"),
        (400, Method::POST, PATH, "Bearer x", json, r#"{"name":7}"#),
        (400, Method::POST, PATH, "Bearer x", json, r#"{"name":"a","owner":"me"}"#),
        (400, Method::POST, PATH, "Bearer x", json, r#"{"name":"a","type":1}"#),
        (400, Method::POST, PATH, "Bearer x", json, r#"{"name":"a","type":null}"#),
        (400, Method::POST, PATH, "Bearer x", json, r#"{"name":"a","owner":"{3c90c3cc-0d44-4b50-8888-8dd25736052a}"}"#),
        (
            201,
            Method::POST,
            PATH,
            "Bearer x",
            json,
            r#"{"name":"a","owner":null,"collectiveId":null,"properties":null,"more":1}"#,
        ),
    ] {
        assert_eq!(
            send(method.clone(), path, token, media, body).await,
            status,
            "{method} {path} {token} {media} {body}"
        );
    }
    assert_eq!(sandbox.requests().len(), 18);
}

#[tokio::test]
async fn queued_responses_come_first_and_in_order() {
    let sandbox = Sandbox::start();
    let client = sandbox.client().with_retry(RetryPolicy::none());
    sandbox.enqueue(400, &[("x-request-id", "req-9")], r#"{"code":"E1"}"#);
    sandbox.enqueue(500, &[], [0xff, 0]);
    let request = CollectiveOnboardingRequest::unnamed();
    let error = client.create_collective_onboarding(&request).await.unwrap_err();
    assert_eq!((error.outcome(), error.code(), error.request_id()), (Outcome::Rejected, Some("E1"), Some("req-9")));
    let error = client.create_collective_onboarding(&request).await.unwrap_err();
    assert_eq!((error.outcome(), error.body()), (Outcome::Unknown, &[0xff, 0][..]));
    assert_eq!(client.create_collective_onboarding(&request).await.unwrap().http_status().as_u16(), 201);
    let received = &sandbox.requests()[2];
    assert_eq!(
        (received.method.as_str(), received.target.as_str(), &received.body[..]),
        ("POST", PATH, &br#"{"name":null}"#[..])
    );
    assert_eq!(received.headers["authorization"], "Bearer sandbox-access-token");
    assert!(!format!("{received:?} {sandbox:?}").contains("Bearer"));
}

#[test]
fn what_the_server_could_not_send_is_refused_when_it_is_queued() {
    let sandbox = Sandbox::start();
    for (status, header) in [
        (99, None),
        (100, None),
        (101, None),
        (201, Some(("content-length", "99"))),
        (201, Some(("Transfer-Encoding", "chunked"))),
        (201, Some(("a b", "c"))),
    ] {
        let queued = || sandbox.enqueue(status, header.as_slice(), "body");
        assert!(panic::catch_unwind(panic::AssertUnwindSafe(queued)).is_err(), "{status} {header:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_rejected_token_is_replaced_once_by_a_source_that_has_another() {
    let sandbox = Sandbox::start();
    sandbox.reject("old");
    let tokens = std::sync::Mutex::new(vec!["new", "old"]);
    let source = move || {
        let token = tokens.lock().unwrap().pop().unwrap();
        async move { AccessToken::new(token) }
    };
    let client = Client::builder().base_url(sandbox.url()).token_source(source).build().unwrap();
    let response = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    assert_eq!((response.attempts(), sandbox.requests().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_sandboxes_as_you_like_run_at_once() {
    let sandboxes: Vec<_> = (0..200).map(|_| Sandbox::start()).collect();
    for sandbox in &sandboxes {
        sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    }
    assert!(sandboxes.iter().all(|sandbox| sandbox.requests().len() == 1));
}

#[test]
fn tests_with_different_runtimes_can_share_a_sandbox() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = Sandbox::start();
    for calls in 1..3 {
        let client = sandbox.client();
        let request = CollectiveOnboardingRequest::unnamed();
        runtime().block_on(client.create_collective_onboarding(&request)).unwrap();
        assert_eq!(sandbox.requests().len(), calls);
    }
}

/// What a call makes of a sandbox that this prepares.
async fn failure(prepare: impl FnOnce(&Sandbox)) -> (ErrorKind, Outcome) {
    let sandbox = Sandbox::start();
    prepare(&sandbox);
    let client = sandbox.client_builder().attempt_timeout(Duration::from_millis(500)).build().unwrap();
    let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    let received = sandbox.requests();
    assert_eq!(received.len(), 1, "it is received, whatever the answer");
    (error.kind(), error.outcome())
}

#[tokio::test]
async fn every_outcome_can_be_produced() {
    let rejected = failure(|sandbox| sandbox.enqueue(400, &[], "")).await;
    assert_eq!(rejected, (ErrorKind::Status, Outcome::Rejected));
    let unclear = failure(|sandbox| sandbox.enqueue(500, &[], "")).await;
    assert_eq!(unclear, (ErrorKind::Status, Outcome::Unknown));
    let silent = failure(|sandbox| sandbox.enqueue_fault(Fault::Silence)).await;
    assert_eq!(silent, (ErrorKind::Timeout, Outcome::Unknown));
    let broken = failure(|sandbox| sandbox.enqueue_fault(Fault::BrokenConnection)).await;
    assert_eq!(broken, (ErrorKind::Transport, Outcome::Unknown));
    let cut = failure(|sandbox| sandbox.enqueue_fault(Fault::CutResponse)).await;
    assert_eq!(cut, (ErrorKind::Decode, Outcome::Applied));

    let sandbox = Sandbox::start();
    let client = sandbox.client();
    drop(sandbox);
    let error = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
}

#[tokio::test]
async fn a_fault_affects_one_api_request_and_no_token_request() {
    let sandbox = Sandbox::start();
    let credentials = ClientCredentials::new("id", "secret");
    let client = sandbox.client_builder().client_credentials(credentials).build().unwrap();
    let request = CollectiveOnboardingRequest::unnamed();
    sandbox.enqueue_fault(Fault::CutResponse);
    sandbox.enqueue(400, &[], "");
    for outcome in [Some(Outcome::Applied), Some(Outcome::Rejected), None] {
        let result = client.create_collective_onboarding(&request).await;
        assert_eq!(result.err().map(|error| error.outcome()), outcome);
    }
}
