//! A success is read as far as possible: an odd field loses only that field, never the consent link.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::log::{Log, listen};
use support::{Server, response};
use traxes_connect::{Client, CollectiveOnboardingRequest, Error, ErrorKind, OnboardingRequest, Outcome, Response};

const LINK: &str = "https://consent.example/1";

async fn receive(status: u16, body: &[u8]) -> Result<Response<OnboardingRequest>, Error> {
    let mut behaviour = response(status, &[], "");
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
    behaviour.write = [head.as_bytes(), body].concat();
    let server = Server::queue([behaviour]).await;
    let client = Client::builder().token("tok-1").base_url(server.url()).body_limit(16 << 20).build().unwrap();
    client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await
}

/// A response with a consent link and something odd.
fn with(odd: Value) -> Value {
    let mut body = json!({
        "id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
        "action": {"type": "Consent", "redirectLink": LINK},
        "created": "2023-11-07T05:31:56Z",
        "status": "Pending",
    });
    body.as_object_mut().unwrap().append(&mut odd.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn an_odd_field_is_dropped_and_named_and_the_consent_link_survives() {
    for (odd, unreadable) in [
        (json!({"created": "2023-11-07T05:31:56"}), "created"),
        (json!({"created": "2023-11-07T05:31:56.1234567"}), "created"),
        (json!({"created": 1_699_335_116}), "created"),
        (json!({"status": 2}), "status"),
        (json!({"status": {"s3cret": 1}}), "status"),
        (json!({"requestType": ["Collective"]}), "requestType"),
        (json!({"id": ""}), "id"),
        (json!({"id": 7}), "id"),
        (json!({"id": "none"}), "id"),
        (json!({"errors": [null]}), "errors[]"),
        (json!({"errors": [{"code": "E1"}, "s3cret"]}), "errors[]"),
        (json!({"errors": [{"code": ["s3cret"]}]}), "errors[].code"),
        (json!({"errors": {"name": ["s3cret"]}}), "errors"),
        (json!({"errors": "s3cret"}), "errors"),
        (json!({"data": {"collective": {"id": "s3cret"}}}), "data.collective.id"),
        (json!({"data": "s3cret"}), "data"),
        (json!({"data": {"entity": {"information": {"name": {"s3cret": 1}}}}}), "data.entity.information.name"),
        (json!({"data": {"collective": {"name": false}}}), "data.collective.name"),
    ] {
        let body = with(odd.clone()).to_string();
        let response = receive(201, body.as_bytes()).await.unwrap_or_else(|error| panic!("{odd}: {error}"));
        assert_eq!(response.consent_url(), Some(LINK), "{odd}");
        assert_eq!(response.unreadable_fields(), [unreadable], "{odd}");
        assert_eq!(response.body(), body.as_bytes());
        assert!(!format!("{response:?}").contains("s3cret"), "{response:?}");
    }
}

/// What remains equals the same body without the odd part.
#[tokio::test]
async fn only_the_smallest_unreadable_part_is_dropped() {
    let odd = json!({
        "created": "soon",
        "errors": [{"code": "E1", "message": "one"}, null, {"code": 2, "message": "two"}, {"code": "E3"}],
        "data": {"collective": {"id": "x", "name": "Rue de la Loi 16"}, "entity": {"type": 1, "owner": 2}},
    });
    let readable = json!({
        "created": null,
        "errors": [{"code": "E1", "message": "one"}, {"message": "two"}, {"code": "E3"}],
        "data": {"collective": {"name": "Rue de la Loi 16"}, "entity": {}},
    });
    let response = receive(201, with(odd).to_string().as_bytes()).await.unwrap();
    assert_eq!(response.value(), &serde_json::from_value::<OnboardingRequest>(with(readable)).unwrap());
    let mut unreadable = response.unreadable_fields().to_vec();
    unreadable.sort();
    let expected =
        ["created", "data.collective.id", "data.entity.owner", "data.entity.type", "errors[]", "errors[].code"];
    assert_eq!(unreadable, expected);
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped_and_is_not_drift() {
    let body = [b"\xEF\xBB\xBF", with(json!({})).to_string().as_bytes()].concat();
    let response = receive(201, &body).await.unwrap();
    assert_eq!(response.consent_url(), Some(LINK));
    assert!(response.unreadable_fields().is_empty());
    assert_eq!(response.body(), body);
    let odd = [b"\xEF\xBB\xBF", with(json!({"status": 2})).to_string().as_bytes()].concat();
    assert_eq!(receive(201, &odd).await.unwrap().unreadable_fields(), ["status"]);
}

#[tokio::test]
async fn the_last_value_of_a_repeated_field_wins() {
    let body = format!(r#"{{"status":"Failed","action":{{"redirectLink":"{LINK}"}},"status":"Pending"}}"#);
    let response = receive(201, body.as_bytes()).await.unwrap();
    assert_eq!((response.consent_url(), response.status.as_ref().unwrap().as_str()), (Some(LINK), "Pending"));
    assert!(response.unreadable_fields().is_empty());
}

#[tokio::test]
async fn a_success_with_another_status_is_read_the_same_way() {
    let response = receive(200, with(json!({"created": "soon"})).to_string().as_bytes()).await.unwrap();
    assert_eq!((response.http_status().as_u16(), response.consent_url()), (200, Some(LINK)));
    assert_eq!(response.unreadable_fields(), ["created"]);
}

#[tokio::test]
async fn a_hundred_thousand_bad_elements_lose_only_their_list_and_little_time() {
    let elements: Vec<Value> = (0..100_000).map(|number| json!(number)).collect();
    let body = with(json!({"errors": elements, "created": "soon"})).to_string();
    let started = Instant::now();
    let response = receive(201, body.as_bytes()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!((response.consent_url(), &response.errors), (Some(LINK), &None));
    assert_eq!(response.unreadable_fields(), ["created", "errors[]", "errors"]);
}

#[tokio::test]
async fn an_unreadable_root_is_a_decode_error_that_quotes_no_value() {
    for (body, place) in [
        ("[\"s3cret\"]", "does not match the schema at its root"),
        ("\"s3cret\"", "does not match the schema at its root"),
        (r#"{"id":"s3cret"}"#, "does not match the schema at id"),
        ("{\"a\":1,\n s3cret}", "line 2"),
        (r#"{"s3cret": x}"#, "not valid JSON at line 1 column 12"),
        (r#"{"data":{"collective":{"properties":{"s3cret": x}}}}"#, "not valid JSON at line 1"),
        (r#"{"s3cret": "s3cret"}"#, "contains none of the documented fields"),
    ] {
        let error = receive(201, body.as_bytes()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::Applied), "{body}");
        assert!(error.to_string().contains(place), "{place} is not in {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret") && error.body() == body.as_bytes(), "{error:?}");
    }
}

#[tokio::test]
async fn one_warning_names_every_unreadable_field() {
    let log = Log::default();
    let _listening = listen(tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish());
    receive(201, with(json!({"created": "s3cret", "errors": [null]})).to_string().as_bytes()).await.unwrap();
    let text = log.text();
    assert_eq!(text.matches("WARN").count(), 1, "{text}");
    assert!(text.contains("the response has unreadable fields: created, errors[]"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
