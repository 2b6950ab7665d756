//! A break is proven whatever surrounds it: no other part of a body keeps a sample from being made.

use serde_json::{Value, json};
use spec_drift::{Document, Verdict, compare};

fn document(thing: &Value) -> Document {
    let content = json!({ "application/json": { "schema": thing } });
    let spec = json!({
        "openapi": "3.0.3",
        "info": { "title": "things", "version": "1.0.0" },
        "servers": [{ "url": "https://things.example" }],
        "paths": { "/things": { "post": {
            "operationId": "create",
            "requestBody": { "required": true, "content": content },
            "responses": { "204": { "description": "kept" } },
        } } },
    });
    Document::from_text("a spec", &spec.to_string()).expect("an OpenAPI document")
}

/// A change of one field is proven, although a message must also have `part`.
#[track_caller]
fn proven_beside(part: Value) {
    let thing = |kind: &str| {
        document(&json!({
            "type": "object",
            "required": ["part"],
            "properties": { "part": part, "other": { "type": kind } },
        }))
    };
    let findings = compare(&thing("string"), &thing("integer"));
    let breaks = findings.iter().find(|finding| finding.verdict == Verdict::Breaks);
    assert!(breaks.is_some_and(|finding| finding.place.pointer == "/body/other"), "{part}: {findings:#?}");
}

#[track_caller]
fn proven(old: &Value, new: &Value) {
    let findings = compare(&document(old), &document(new));
    assert!(findings.iter().any(|finding| finding.witness.is_some()), "{old} to {new}: {findings:#?}");
    let back = compare(&document(new), &document(old));
    assert!(back.iter().all(|finding| finding.verdict > Verdict::Look), "{new} to {old}: {back:#?}");
}

#[test]
fn formats_of_every_kind_are_sampled() {
    for format in [
        "uuid",
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "ip",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uri-template",
        "json-pointer",
        "relative-json-pointer",
        "regex",
        "byte",
        "binary",
        "password",
        "made-up",
    ] {
        proven_beside(json!({ "type": "string", "format": format }));
    }
    for format in ["email", "uri"] {
        proven_beside(json!({ "type": "string", "format": format, "minLength": 40, "maxLength": 60 }));
    }
}

#[test]
fn parts_are_sampled_together_with_what_surrounds_them() {
    let named = json!({ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } });
    proven_beside(json!({ "type": "object", "allOf": [named] }));
    proven_beside(json!({ "required": ["name"], "allOf": [named] }));
    proven_beside(
        json!({ "allOf": [{ "type": "string", "minLength": 8 }, { "type": "string", "pattern": "^[a-z]+$" }] }),
    );
    proven_beside(
        json!({ "allOf": [{ "type": "string", "pattern": "^.{9,}$" }, { "type": "string", "pattern": "^[a-z]+$" }] }),
    );
    proven_beside(json!({ "allOf": [named, { "type": "object", "properties": { "name": { "maxLength": 2 } } }] }));
}

#[test]
fn limits_are_sampled_from_both_sides() {
    let between = |low: f64, high: f64| json!({ "type": "number", "minimum": low, "exclusiveMinimum": true, "maximum": high, "exclusiveMaximum": true });
    proven_beside(between(0.0, 0.1));
    proven_beside(between(1e6, 1_000_000.5));
    proven_beside(json!({ "type": "integer", "minimum": 100, "maximum": 110, "multipleOf": 7 }));
    proven_beside(json!({ "type": "string", "pattern": "^[a-z]+$", "minLength": 30, "maxLength": 31 }));
    proven_beside(json!({ "type": "string", "pattern": "^([A-Z]{2})-[0-9]*$", "minLength": 17, "maxLength": 17 }));
    let limited = |most: u64| json!({ "type": "string", "pattern": "^[a-z]+$", "maxLength": most });
    proven(&limited(40), &limited(20));
}

#[test]
fn objects_get_as_many_fields_as_they_need() {
    let fields = json!({ "a": { "type": "string" }, "b": { "type": "string" }, "c": { "type": "integer" } });
    proven_beside(json!({ "type": "object", "minProperties": 2, "additionalProperties": false, "properties": fields }));
    proven_beside(json!({ "type": "object", "minProperties": 3, "maxProperties": 3 }));
}

#[test]
fn what_is_excluded_is_not_sampled() {
    proven_beside(json!({ "not": { "type": "string" } }));
    proven_beside(json!({ "type": "string", "not": { "enum": ["text", ""] } }));
}

#[test]
fn the_last_of_sixty_alternatives_is_sampled() {
    let union = |last: &str| {
        let alternative = |n: usize| {
            let kind = if n == 59 { last } else { "string" };
            json!({
                "type": "object",
                "required": [format!("field{n}")],
                "properties": { format!("field{n}"): { "type": kind } },
                "additionalProperties": false,
            })
        };
        json!({ "oneOf": (0..60).map(alternative).collect::<Vec<_>>() })
    };
    let findings = compare(&document(&union("number")), &document(&union("integer")));
    assert!(findings.iter().any(|finding| finding.witness.is_some()), "{findings:#?}");
    proven_beside(union("string"));
}

#[test]
fn very_long_values_are_sampled() {
    proven_beside(json!({ "type": "string", "minLength": 50_000 }));
    proven(&json!({ "type": "string", "maxLength": 100_000 }), &json!({ "type": "string", "maxLength": 50_000 }));
    let list = |most: u64| json!({ "type": "array", "items": { "type": "integer" }, "maxItems": most });
    proven(&list(20_000), &list(10_000));
}

#[test]
fn an_object_may_have_the_fields_of_all_its_parts() {
    let named = |required: Value| json!({"type": "object", "required": required, "properties": {"k": {"type": "string"}, "z": {"type": "string"}}});
    let sized = |most: u64| json!({"type": "object", "properties": {"m": {"type": "integer", "maximum": most}}});
    let all = |one: Value, other: Value| json!({"allOf": [one, other]});
    proven(&all(named(json!(["k"])), sized(9)), &all(named(json!(["k", "z"])), sized(9)));
    proven(&all(named(json!(["k"])), sized(9)), &all(named(json!(["k"])), sized(5)));
    let beside = |most: u64| {
        let mut whole = sized(most);
        whole["allOf"] = json!([named(json!(["k"]))]);
        whole
    };
    proven(&beside(9), &beside(5));
    let beside_a_union = |most: u64| {
        let mut whole = sized(most);
        let only = |name: &str| json!({"type": "object", "required": [name], "properties": {name: {"type": "string"}}});
        whole["oneOf"] = json!([only("cash"), only("card")]);
        whole
    };
    proven(&beside_a_union(9), &beside_a_union(5));
}

#[test]
fn what_is_newly_excluded_is_sampled() {
    let excluding = json!({"type": "string", "not": {"enum": ["zebra"]}});
    proven(&json!({"type": "string"}), &excluding);
}

#[test]
fn alternatives_of_different_types_exclude_one_another() {
    let worst = |alternatives: Value| {
        let findings =
            compare(&document(&json!({ "anyOf": alternatives })), &document(&json!({ "oneOf": alternatives })));
        findings.iter().map(|finding| finding.verdict).min()
    };
    assert!(worst(json!([{ "type": "string" }, { "type": "integer" }])) > Some(Verdict::Look));
    for overlapping in [
        json!([{ "type": "number" }, { "type": "integer" }]),
        json!([{ "type": "string", "nullable": true }, { "type": "integer", "nullable": true }]),
        json!([{ "type": "string", "maxLength": 9 }, { "type": "string" }]),
    ] {
        assert_eq!(worst(overlapping.clone()), Some(Verdict::Look), "{overlapping}");
    }
}

/// Each limit is proven by a value that only it refuses.
#[test]
fn two_exclusive_bounds_that_change_together_are_told_apart() {
    let between = |least: i64, most: i64| {
        document(&json!({
            "type": "integer",
            "minimum": least, "exclusiveMinimum": true,
            "maximum": most, "exclusiveMaximum": true,
        }))
    };
    let broken = |old: &Document, new: &Document| -> Vec<(String, i64)> {
        let findings = compare(old, new).into_iter().filter(|finding| finding.verdict == Verdict::Breaks);
        let value = |finding: &spec_drift::Finding| finding.witness.as_ref().unwrap().value.as_i64().unwrap();
        findings.map(|finding| (finding.change.to_string(), value(&finding))).collect()
    };
    let narrower = broken(&between(0, 1000), &between(10, 500));
    assert_eq!(narrower.len(), 2, "{narrower:?}");
    for (change, value) in &narrower {
        assert!(if change.starts_with("minimum") { (1..=10).contains(value) } else { (500..1000).contains(value) });
    }
    let moved = broken(&between(10, 1000), &between(0, 500));
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert!(moved[0].0.starts_with("maximum") && (500..1000).contains(&moved[0].1), "{moved:?}");
}

#[test]
fn an_optional_parameter_that_may_no_longer_be_null_is_left_out_as_before() {
    let with = |schema: Value, required: bool| {
        let spec = json!({
            "openapi": "3.1.0",
            "info": { "title": "things", "version": "1.0.0" },
            "servers": [{ "url": "https://things.example" }],
            "paths": { "/things": { "get": {
                "operationId": "list",
                "parameters": [{ "name": "q", "in": "query", "required": required, "schema": schema }],
                "responses": { "204": { "description": "none" } },
            } } },
        });
        Document::from_text("a spec", &spec.to_string()).expect("an OpenAPI document")
    };
    let (text, nullable) =
        (json!({ "type": "string" }), json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }));
    for (old, new) in [(&nullable, &text), (&text, &nullable)] {
        let findings = compare(&with(old.clone(), false), &with(new.clone(), false));
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Harmless), "{findings:#?}");
    }
}

/// A proof is a message of the old description, and one that the new description really refuses.
#[test]
fn keywords_that_the_client_does_not_check_still_bind_a_proof() {
    let text = json!({ "type": "string" });
    let pair = json!({ "type": "array", "prefixItems": [text], "maxItems": 1 });
    let mut closed = pair.clone();
    closed.as_object_mut().unwrap().remove("maxItems");
    closed["items"] = false.into();
    let together = json!({ "type": "object", "properties": { "a": text, "b": text }, "required": ["a"],
        "dependentRequired": { "a": ["b"] } });
    let mut required = together.clone();
    required["required"] = json!(["a", "b"]);
    for (old, new) in [(pair, closed), (together, required)] {
        let findings = compare(&document(&old), &document(&new));
        assert!(findings.iter().all(|finding| finding.witness.is_none()), "{old} to {new}: {findings:#?}");
    }
}
