//! `openapi.yaml` as JSON, and values that match its schemas.

use chrono::DateTime;
use proptest::{collection::vec, prelude::*, sample::select, strategy::Union};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use uuid::Uuid;

pub static SPEC: LazyLock<Value> = LazyLock::new(|| yaml_serde::from_str(include_str!("../../openapi.yaml")).unwrap());

pub fn schema(name: &str) -> &'static Value {
    &SPEC["components"]["schemas"][name]
}

/// The documentation page's example of the request or the response.
pub fn documented(of: &str) -> &'static Value {
    let operation = &SPEC["paths"]["/v1/onboarding/collectives"]["post"];
    let place = if of == "request" { &operation["requestBody"] } else { &operation["responses"]["201"] };
    &place["content"]["application/json"]["examples"]["documented"]["value"]
}

/// The documentation pages' example of each body of each operation, after its schema.
pub fn examples() -> Vec<(&'static Value, &'static Value)> {
    let members = |node: &'static Value| node.as_object().into_iter().flat_map(|map| map.values());
    let operations = members(&SPEC["paths"]).flat_map(members);
    let places = operations
        .flat_map(|operation| [&operation["requestBody"]].into_iter().chain(members(&operation["responses"])));
    let bodies = places.map(|place| &place["content"]["application/json"]).filter(|body| !body.is_null());
    bodies.map(|body| (&body["schema"], &body["examples"]["documented"]["value"])).collect()
}

/// Converts an OpenAPI 3.0 schema to JSON Schema, because `jsonschema` does not know `nullable`.
pub fn json_schema(name: &str) -> Value {
    fn convert(node: &mut Value) {
        match node {
            Value::Object(map) => {
                map.values_mut().for_each(convert);
                if map.remove("nullable") == Some(Value::Bool(true)) {
                    *node = json!({"anyOf": [{"type": "null"}, node.take()]});
                }
            }
            Value::Array(list) => list.iter_mut().for_each(convert),
            _ => {}
        }
    }
    let mut root = json!({"components": SPEC["components"]});
    convert(&mut root);
    root["$ref"] = format!("#/components/schemas/{name}").into();
    root
}

pub fn validator(name: &str) -> jsonschema::Validator {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    options.build(&json_schema(name)).unwrap()
}

fn resolved(schema: &Value) -> &Value {
    match schema["$ref"].as_str() {
        Some(reference) => SPEC.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

/// Any value that the schema allows.
pub fn any_value(of: &'static Value) -> BoxedStrategy<Value> {
    let schema = resolved(of);
    let value = match schema["type"].as_str() {
        Some("string") if schema["enum"].is_array() => select(schema["enum"].as_array().unwrap().clone()).boxed(),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => (any::<u128>(), any::<bool>()).prop_map(|(id, upper)| uuid_text(id, upper)).boxed(),
            Some("date-time") => any_date_time(),
            _ => any::<String>().prop_map(Value::from).boxed(),
        },
        Some("array") => vec(any_value(&schema["items"]), 0..3).prop_map(Value::from).boxed(),
        Some("object") => {
            let members: Vec<_> = schema["properties"].as_object().unwrap().iter().map(any_member).collect();
            members.prop_map(|members| members.into_iter().flatten().collect::<Map<_, _>>().into()).boxed()
        }
        None => any_json(),
        other => panic!("there is no strategy for {other:?}"),
    };
    match schema["nullable"] {
        Value::Bool(true) => prop_oneof![4 => value, 1 => Just(Value::Null)].boxed(),
        _ => value,
    }
}

fn any_member((name, schema): (&String, &'static Value)) -> BoxedStrategy<Option<(String, Value)>> {
    let name = name.clone();
    proptest::option::weighted(0.7, any_value(schema).prop_map(move |value| (name.clone(), value))).boxed()
}

fn uuid_text(id: u128, upper: bool) -> Value {
    let text = Uuid::from_u128(id).to_string();
    if upper { text.to_uppercase().into() } else { text.into() }
}

fn any_date_time() -> BoxedStrategy<Value> {
    let day = (1..=9998u16, 1..=12u8, 1..=28u8).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    let time = (0..24u8, 0..60u8, 0..60u8).prop_map(|(h, m, s)| format!("{h:02}:{m:02}:{s:02}"));
    let zone = Union::new(["Z", "+00:00", "-03:30", "+14:00", "-23:59"].map(|z| Just(z.to_owned())));
    (day, time, "(\\.[0-9]{1,9})?", zone).prop_map(|(d, t, f, z)| format!("{d}T{t}{f}{z}").into()).boxed()
}

/// JSON within the range of f64 and no deeper than serde_json can read.
pub fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN", |f| f.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4).prop_map(|m| m.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
    .boxed()
}

/// A value with null members removed from named fields, and date-times and UUIDs in canonical form.
pub fn normalised(schema: &Value, value: &Value) -> Value {
    let schema = resolved(schema);
    match (schema["format"].as_str(), value) {
        (Some("uuid"), Value::String(text)) => text.parse::<Uuid>().unwrap().to_string().into(),
        (Some("date-time"), Value::String(text)) => {
            DateTime::parse_from_rfc3339(text).unwrap().to_utc().to_rfc3339().into()
        }
        (_, Value::Array(list)) if schema["type"] == "array" => {
            list.iter().map(|v| normalised(&schema["items"], v)).collect()
        }
        (_, Value::Object(map)) if schema["type"] == "object" => {
            let members = map.iter().filter(|(_, v)| !v.is_null());
            members.map(|(name, v)| (name.clone(), normalised(&schema["properties"][name], v))).collect()
        }
        _ => value.clone(),
    }
}
