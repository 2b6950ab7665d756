//! Changes that only the generated decoder or encoder can distinguish. Typify's behaviour was read from its code, and run.

use serde_json::{Value, json};
use spec_drift::{Document, Verdict, compare};

/// A document with one operation that takes a `Thing` and answers with one.
fn document(schemas: Value) -> Document {
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}});
    let spec = json!({
        "openapi": "3.0.3",
        "info": {"title": "things", "version": "1.0.0"},
        "servers": [{"url": "https://things.example"}],
        "paths": {"/things": {"post": {
            "operationId": "create",
            "requestBody": {"required": true, "content": content},
            "responses": {"200": {"description": "a thing", "content": content}},
        }}},
        "components": {"schemas": schemas},
    });
    Document::from_text("a spec", &spec.to_string()).unwrap()
}

fn worst(old: Value, new: Value) -> Option<Verdict> {
    compare(&document(old), &document(new)).iter().map(|finding| finding.verdict).min()
}

#[test]
fn a_struct_with_a_map_of_extra_fields_sends_them() {
    let thing = |extras: Value| json!({"Thing": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": extras}});
    for narrower in [json!(false), json!({"type": "string"})] {
        let verdict = worst(thing(json!({})), thing(narrower.clone()));
        assert!(verdict.is_some_and(|verdict| verdict <= Verdict::Look), "{narrower}: {verdict:?}");
    }
    assert!(worst(thing(json!(true)), thing(json!(false))).is_none_or(|verdict| verdict > Verdict::Look));
}

#[test]
fn a_list_or_map_wrapped_in_an_all_of_refuses_null() {
    let part = |kind: Value, nullable: bool| {
        json!({"Thing": {"type": "object", "properties": {
            "w": {"allOf": [kind], "nullable": nullable},
        }}})
    };
    for kind in [json!({"type": "array", "items": {"type": "string"}}), json!({"type": "object"})] {
        assert_eq!(worst(part(kind.clone(), false), part(kind.clone(), true)), Some(Verdict::Breaks), "{kind}");
    }
}

#[test]
fn single_field_inline_alternatives_are_told_apart_by_that_field() {
    let union = |more: Value| {
        let mut second = json!({"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}});
        second["properties"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"Thing": {"oneOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
            second,
        ]}})
    };
    let verdict = worst(union(json!({})), union(json!({"c": {"type": "string"}})));
    assert!(verdict.is_some_and(|verdict| verdict <= Verdict::Look), "{verdict:?}");
}

#[test]
fn an_alternative_that_may_be_mistaken_for_an_earlier_one_needs_a_look() {
    let union = |second: Value| {
        json!({
            "Thing": {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]},
            "A": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "x": {"type": "string"}}},
            "B": {"type": "object", "required": ["b"], "properties": second},
        })
    };
    let text = || json!({"type": "string"});
    let verdict = worst(union(json!({"b": text()})), union(json!({"b": text(), "a": text()})));
    assert!(verdict.is_some_and(|verdict| verdict <= Verdict::Look), "{verdict:?}");
}

#[test]
fn a_fence_inside_another_is_not_a_fragment() {
    let fragment = "````yaml post /things\nopenapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {/things: {post: {responses: {}}}}\n````\n";
    let shown =
        format!("# A page\n\n`````md\n{}`````\n\n```sh\ncurl\n```\n\n{fragment}", fragment.replace("things", "other"));
    Document::from_text("page.md", &shown).unwrap();
}
