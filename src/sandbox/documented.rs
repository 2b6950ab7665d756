//! What the API and its token endpoint answer, as documented.

use super::received_request::ReceivedRequest;
use crate::generated::operations::CREATE_COLLECTIVE_ONBOARDING;
use crate::types::{
    Collective, CollectiveOnboardingRequest, OnboardingAction, OnboardingActionType, OnboardingData, OnboardingRequest,
    OnboardingRequestType, OnboardingStatus,
};
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const PATH: &str = CREATE_COLLECTIVE_ONBOARDING.path;
const METHOD: &str = CREATE_COLLECTIVE_ONBOARDING.method;
/// The length of the only text form that RFC 9562 gives a UUID.
const HYPHENATED_UUID: usize = 36;

/// The API's response. These tokens are rejected.
pub(super) fn response(request: &ReceivedRequest, rejected: &HashSet<String>) -> Response<Bytes> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if request.target != PATH || request.method != METHOD {
        return refusal(404, "NotFound", &format!("the sandbox knows only {METHOD} {PATH}"));
    }
    match header("authorization").split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            if rejected.contains(token) {
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
pub(super) fn granted(request: &ReceivedRequest) -> Response<Bytes> {
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

fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    json_response(status, &json!({"code": code, "message": message}))
}

fn json_response(status: u16, body: &Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-request-id", Uuid::new_v4().to_string())
        .body(body.to_string().into())
        .expect("valid headers")
}
