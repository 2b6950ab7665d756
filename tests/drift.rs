//! A live response with content that the description does not know is reported exactly and briefly, and still returned.
#![cfg(all(feature = "drift", feature = "sandbox"))]

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use support::log::{Log, listen};
use support::spec::{any_value, documented, schema};
use traxes_connect::{Client, CollectiveOnboardingRequest, DriftReport, OnboardingRequest, Response, Sandbox};

struct Observed {
    sandbox: Sandbox,
    client: Client,
    reports: Arc<Mutex<Vec<DriftReport>>>,
}

impl Observed {
    async fn start() -> Self {
        let sandbox = Sandbox::start();
        let reports = Arc::<Mutex<Vec<DriftReport>>>::default();
        let reported = Arc::clone(&reports);
        let builder = Client::builder().token("t").base_url(sandbox.url()).body_limit(64 * 1024 * 1024);
        let client = builder.on_drift(move |report| reported.lock().unwrap().push(report.clone())).build().unwrap();
        Self { sandbox, client, reports }
    }

    /// The response that a call returns, and the report if there was one.
    async fn call(&self, status: u16, body: &str) -> (Response<OnboardingRequest>, Option<DriftReport>) {
        self.sandbox.enqueue(status, &[], body);
        let response = self.client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
        let mut reports = std::mem::take(&mut *self.reports.lock().unwrap());
        assert!(reports.len() <= 1, "{reports:?}");
        (response, reports.pop())
    }
}

/// A place in a response whose schema is known: an object that can gain a field, or an enum value.
struct Place {
    pointer: String,
    reported: String,
    enumeration: Option<String>,
}

fn places(of: &Value, value: &Value, pointer: &str, reported: &str, found: &mut Vec<Place>) {
    let name = of["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let schema: &Value = match name {
        Some(name) => schema(name),
        None => of,
    };
    let place = |enumeration| Place { pointer: pointer.to_owned(), reported: reported.to_owned(), enumeration };
    match value {
        Value::String(_) if schema["enum"].is_array() => found.push(place(name.map(str::to_owned))),
        Value::Array(list) if schema["type"] == "array" => {
            for (index, item) in list.iter().enumerate() {
                places(&schema["items"], item, &format!("{pointer}/{index}"), &format!("{reported}[]"), found);
            }
        }
        Value::Object(map) if schema["type"] == "object" => {
            found.push(place(None));
            for (name, member) in map {
                let below = if reported.is_empty() { name.clone() } else { format!("{reported}.{name}") };
                places(&schema["properties"][name], member, &format!("{pointer}/{name}"), &below, found);
            }
        }
        _ => {}
    }
}

fn samples(count: usize) -> Vec<Value> {
    let (mut runner, strategy) = (TestRunner::deterministic(), any_value(schema("OnboardingRequest")));
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[tokio::test]
async fn exactly_what_was_added_to_a_response_is_reported() {
    let observed = Observed::start().await;
    let mut random = fastrand::Rng::with_seed(5);
    let (mut in_arrays, mut values_added) = (0, 0);
    for (number, valid) in samples(200).into_iter().enumerate() {
        let mut response = valid.clone();
        let mut found = Vec::new();
        places(&json!({"$ref": "#/components/schemas/OnboardingRequest"}), &valid, "", "", &mut found);
        let (mut fields, mut values) = (BTreeSet::new(), BTreeSet::new());
        for place in random.choose_multiple(&found, 1 + number % 3) {
            let target = response.pointer_mut(&place.pointer).unwrap();
            match &place.enumeration {
                Some(name) => {
                    *target = format!("New{number}").into();
                    values.insert((name.clone(), format!("New{number}")));
                    values_added += 1;
                }
                None => {
                    let added = format!("added{number}");
                    target[&added] = json!({"free text": ["s3cret", 1, null]});
                    let dot = if place.reported.is_empty() { "" } else { "." };
                    fields.insert(format!("{}{dot}{added}", place.reported));
                    in_arrays += usize::from(place.reported.contains("[]"));
                }
            }
        }
        let (returned, report) = observed.call(201, &response.to_string()).await;
        let report = report.unwrap_or_else(|| panic!("nothing was reported for {response}"));
        assert_eq!(report.operation, "create_collective_onboarding");
        assert_eq!(report.unknown_fields.iter().cloned().collect::<BTreeSet<_>>(), fields, "{response}");
        let reported = report.unknown_values.iter().map(|value| (value.of.to_owned(), value.value.clone()));
        assert_eq!(reported.collect::<BTreeSet<_>>(), values, "{response}");
        assert_eq!((report.undocumented_status, report.cut), (None, false));
        assert!(!format!("{report} {report:?}").contains("s3cret"));
        assert_eq!(returned.value(), &serde_json::from_value(response).unwrap());
    }
    assert!(in_arrays > 5 && values_added > 20, "too few samples: {in_arrays} in arrays, {values_added} values");
}

#[tokio::test]
async fn nothing_is_reported_for_a_documented_response() {
    let observed = Observed::start().await;
    let with_contents = json!({"data": {
        "collective": {"properties": {"added": {"status": "New"}}},
        "entity": {"properties": [{"type": "New"}]},
    }});
    for response in samples(200).iter().chain([documented("response"), &with_contents]) {
        let (_, report) = observed.call(201, &response.to_string()).await;
        assert_eq!(report, None, "{response}");
    }
}

#[tokio::test]
async fn an_undocumented_success_is_reported_and_returned() {
    let observed = Observed::start().await;
    let (response, report) = observed.call(202, r#"{"status":"Pending"}"#).await;
    assert_eq!((response.http_status().as_u16(), report.unwrap().undocumented_status), (202, Some(202)));
}

#[tokio::test]
async fn a_hostile_response_yields_a_short_report_marked_as_truncated() {
    let observed = Observed::start().await;
    let fields: Vec<String> = (0..1_000_000).map(|n| format!("\"s3cret{n}\":1")).collect();
    let (_, report) = observed.call(201, &format!(r#"{{"status":"Pending",{}}}"#, fields.join(","))).await;
    let report = report.unwrap();
    assert_eq!((report.unknown_fields.len(), report.cut), (32, true));
    assert!(report.to_string().contains("and more") && report.to_string().len() < 4096, "{report}");
    let long = "x".repeat(100_000);
    let (_, report) = observed.call(201, &json!({&long: 1, "status": format!("{long}\n")}).to_string()).await;
    assert!(report.unwrap().to_string().len() < 512);
    let items: Vec<_> = (0..100_000).map(|_| json!({"a": 1, "b": 2})).collect();
    let (_, report) = observed.call(201, &json!({"errors": items}).to_string()).await;
    let report = report.unwrap();
    assert_eq!((report.unknown_fields, report.cut), (vec!["errors[].a".to_owned(), "errors[].b".to_owned()], false));
}

#[tokio::test]
async fn a_report_is_also_logged() {
    let (log, sandbox) = (Log::default(), Sandbox::start());
    let _listening = listen(tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish());
    sandbox.enqueue(201, &[], r#"{"status":"Paused","hint":"s3cret"}"#);
    sandbox.client().create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    let text = log.text();
    assert!(text.contains("WARN") && text.contains("field hint, OnboardingStatus \"Paused\""), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_panicking_callback_does_not_lose_the_response() {
    let (log, sandbox) = (Log::default(), Sandbox::start());
    let _listening = listen(tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish());
    sandbox.enqueue(201, &[], r#"{"status":"Paused"}"#);
    let builder = Client::builder().token("t").base_url(sandbox.url()).on_drift(|_| panic!("s3cret"));
    let client = builder.build().unwrap();
    let response = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await.unwrap();
    assert_eq!(response.status.as_ref().unwrap().as_str(), "Paused");
    let text = log.text();
    assert!(text.contains("the on_drift callback panicked") && !text.contains("s3cret"), "{text}");
}
