//! Whatever the API adds, omits or leaves empty, the response still decodes, and none of its documented content is lost.

#![cfg(feature = "sandbox")]

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use support::spec::{self, any_value, documented, normalised, schema};
use traxes_connect::{
    CollectiveOnboardingRequest, ErrorKind, OnboardingRequest, OnboardingStatus, Outcome, RetryPolicy, Sandbox,
    types::{Collective, CollectiveType, Entity, EntityType},
};

fn decoded(value: &Value) -> OnboardingRequest {
    serde_json::from_str(&value.to_string()).unwrap_or_else(|e| panic!("{e}: {value}"))
}

fn encoded(value: &OnboardingRequest) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn the_documented_response_round_trips() {
    let response = documented("response");
    assert_eq!(response.as_object().unwrap().len(), 9);
    assert_eq!(&encoded(&decoded(response)), response);
}

#[test]
fn the_documented_request_round_trips() {
    let request: CollectiveOnboardingRequest = serde_json::from_value(documented("request").clone()).unwrap();
    assert_eq!(&serde_json::to_value(&request).unwrap(), documented("request"));
}

#[test]
fn an_unknown_enum_value_round_trips_unchanged() {
    for (place, value) in [
        ("/status", "Paused"),
        ("/status", "canceled"),
        ("/status", ""),
        ("/requestType", "Unknown"),
        ("/action/type", "Upload \u{1F600}\n"),
        ("/data/collective/type", "WindFarm"),
        ("/data/entity/type", "Boiler"),
        ("/data/entity/information/type", "ev"),
    ] {
        let mut response = documented("response").clone();
        *response.pointer_mut(place).unwrap() = value.into();
        assert_eq!(encoded(&decoded(&response)), response, "{place}");
    }
    let response = decoded(&json!({"status": "Paused"}));
    assert_eq!(response.status, Some(OnboardingStatus::Unknown("Paused".to_owned())));
    assert_eq!(response.status.unwrap().as_str(), "Paused");
}

#[test]
fn a_known_enum_value_is_its_documented_option_however_it_is_made() {
    assert_eq!(CollectiveType::from("SolarFarm"), CollectiveType::SolarFarm);
    assert_eq!(CollectiveType::from("SolarFarm".to_owned()), CollectiveType::SolarFarm);
    assert_eq!("EV".parse(), Ok(EntityType::Ev));
    assert_eq!(EntityType::Ev.to_string(), "EV");
    for (name, count) in
        [("CollectiveType", 4), ("EntityType", 8), ("OnboardingStatus", 5), ("OnboardingRequestType", 2)]
    {
        assert_eq!(schema(name)["enum"].as_array().unwrap().len(), count);
    }
}

#[test]
fn unknown_fields_absent_fields_and_nulls_do_not_fail_decoding() {
    assert_eq!(decoded(&json!({})), OnboardingRequest::default());
    fn walk(value: &Value, at: &str, places: &mut Vec<String>) {
        places.push(at.to_owned());
        match value {
            Value::Object(map) => map.iter().for_each(|(name, v)| walk(v, &format!("{at}/{name}"), places)),
            Value::Array(list) => list.iter().enumerate().for_each(|(n, v)| walk(v, &format!("{at}/{n}"), places)),
            _ => {}
        }
    }
    let (response, mut places) = (documented("response"), Vec::new());
    walk(response, "", &mut places);
    for place in places {
        let mut wider = response.clone();
        if let Some(object) = wider.pointer_mut(&place).unwrap().as_object_mut() {
            object.insert("addedLater".to_owned(), json!({"a": [1, "x", null]}));
            assert_eq!(&encoded(&decoded(&wider)), response, "a field added at {place}");
        }
        if let Some((parent, name)) = place.rsplit_once('/')
            && let Some(object) = response.pointer(parent).unwrap().as_object()
        {
            let mut narrower = response.clone();
            let removed = narrower.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            assert_eq!(encoded(&decoded(&narrower)), narrower, "{place} left out");
            let mut emptied = response.clone();
            *emptied.pointer_mut(&place).unwrap() = Value::Null;
            assert_eq!(encoded(&decoded(&emptied)), narrower, "null at {place}");
            assert!(removed.is_some() && object.contains_key(name));
        }
    }
}

#[test]
fn any_documented_response_round_trips() {
    let strategy = any_value(schema("OnboardingRequest"));
    let judge = spec::validator("OnboardingRequest");
    let checked = TestRunner::default().run(&strategy, |response| {
        prop_assert!(judge.is_valid(&response), "the description does not allow {response}");
        let back = encoded(&decoded(&response));
        let expected = normalised(schema("OnboardingRequest"), &response);
        prop_assert_eq!(normalised(schema("OnboardingRequest"), &back), expected);
        prop_assert!(judge.is_valid(&back), "we wrote it, but the description does not allow it: {}", back);
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn any_request_that_can_be_built_matches_the_description() {
    let strategy = any_value(schema("CollectiveOnboardingRequest"));
    let judge = spec::validator("CollectiveOnboardingRequest");
    let checked = TestRunner::default().run(&strategy, |mut body| {
        body.as_object_mut().unwrap().entry("name").or_insert(Value::Null);
        let request: CollectiveOnboardingRequest = serde_json::from_value(body).unwrap();
        let written = serde_json::to_value(&request).unwrap();
        prop_assert!(judge.is_valid(&written) && written.get("name").is_some(), "{written}");
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn arbitrary_bodies_give_a_value_or_a_decode_error_and_never_a_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = Sandbox::start();
    let client = sandbox.client().with_retry(RetryPolicy::none());
    let bytes = prop_oneof![
        any::<Vec<u8>>(),
        any_value(schema("OnboardingRequest")).prop_map(|v| v.to_string().into_bytes()),
        (any_value(schema("OnboardingRequest")), any::<prop::sample::Index>()).prop_map(|(value, at)| {
            let mut bytes = value.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1;
            bytes
        }),
        Just(b"[".repeat(100_000)),
    ];
    let checked = TestRunner::default().run(&bytes, |body| {
        sandbox.enqueue(201, &[], body.clone());
        let request = CollectiveOnboardingRequest::unnamed();
        match runtime.block_on(client.create_collective_onboarding(&request)) {
            Ok(response) => {
                prop_assert!(serde_json::from_slice::<Value>(&body).is_ok());
                let whole = serde_json::from_slice::<OnboardingRequest>(&body).is_ok();
                prop_assert_eq!(response.unreadable_fields().is_empty(), whole);
            }
            Err(error) => {
                prop_assert_eq!((error.kind(), error.outcome()), (ErrorKind::Decode, Outcome::Applied));
                prop_assert_eq!(error.body(), &body[..]);
                prop_assert!(error.to_string().chars().count() <= 300 && !error.to_string().contains('\n'));
            }
        }
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn accessors_say_where_to_send_the_user_and_whether_onboarding_has_ended() {
    let link = |kind: Value| json!({"action": {"redirectLink": "https://a.example/c", "type": kind}});
    for (response, url) in [
        (json!({}), None),
        (json!({"action": null}), None),
        (json!({"action": {}}), None),
        (json!({"action": {"type": "Consent"}}), None),
        (link("Consent".into()), Some("https://a.example/c")),
        (link(Value::Null), Some("https://a.example/c")),
        (link("Upload".into()), None),
    ] {
        assert_eq!(decoded(&response).consent_url(), url, "{response}");
    }
    for (status, finished, succeeded) in [
        ("Canceled", true, false),
        ("Failed", true, false),
        ("InProgress", false, false),
        ("Pending", false, false),
        ("Succeeded", true, true),
        ("Paused", false, false),
    ] {
        let response = decoded(&json!({"status": status}));
        assert_eq!((response.is_finished(), response.is_succeeded()), (finished, succeeded), "{status}");
    }
    assert!(!decoded(&json!({})).is_finished());
}

#[test]
fn test_responses_can_be_built_by_field_assignment() {
    let mut entity = Entity::default();
    entity.type_ = Some(EntityType::HeatPump);
    let mut collective = Collective::default();
    collective.type_ = Some("Commune".into());
    assert_eq!(serde_json::to_value((entity, collective)).unwrap(), json!([{"type": "HeatPump"}, {"type": "Commune"}]));
}
