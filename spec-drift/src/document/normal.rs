//! The normal form of a document: whatever OpenAPI 3.1 writes differently, as OpenAPI 3.0 writes it. So there is only one
//! comparison.

use crate::document::{
    annotation::is_annotation,
    definitions,
    walk::{self, Part},
};
use serde_json::{Map, Value, json};

/// Keywords that constrain only values of some types.
const OF_STRINGS: [&str; 4] = ["minLength", "maxLength", "pattern", "format"];
const OF_NUMBERS: [&str; 6] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"];
const OF_LISTS: [&str; 4] = ["items", "minItems", "maxItems", "uniqueItems"];
const OF_OBJECTS: [&str; 5] = ["properties", "required", "additionalProperties", "minProperties", "maxProperties"];

pub(crate) fn normalise(root: &mut Value) {
    let siblings = has_siblings_of_references(root);
    definitions::hoist(root);
    walk::each(root, &mut |node, part, _| {
        if part == Part::Schema {
            schema(node, siblings);
        }
    });
}

/// In OpenAPI 3.0, what stands beside a `$ref` is ignored.
fn has_siblings_of_references(root: &Value) -> bool {
    let version = root.get("openapi").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    version.is_some_and(|version| !version.starts_with("3.0"))
}

fn schema(node: &mut Value, siblings: bool) {
    if let Value::Bool(any) = node {
        *node = if *any { json!({}) } else { json!({ "not": {} }) };
    }
    let Some(map) = node.as_object_mut() else { return };
    // An empty line after a keyword.
    map.retain(|key, value| !value.is_null() || matches!(key.as_str(), "default" | "example" | "const"));
    for key in ["$schema", "$id", "$anchor", "$comment"] {
        map.remove(key);
    }
    if map.get("$ref").is_some_and(Value::is_string) {
        return beside_reference(map, siblings);
    }
    constant(map);
    encoding(map);
    for (bound, exclusive, tighter) in
        [("minimum", "exclusiveMinimum", f64::gt as fn(&f64, &f64) -> bool), ("maximum", "exclusiveMaximum", f64::lt)]
    {
        exclusive_bound(map, bound, exclusive, tighter);
    }
    closed(map);
    types(map);
}

fn beside_reference(map: &mut Map<String, Value>, siblings: bool) {
    let meant = siblings && map.keys().any(|key| key != "$ref" && !is_annotation(key));
    let reference = map.remove("$ref").unwrap_or_default();
    if meant {
        let parts = map.entry("allOf").or_insert_with(|| json!([]));
        if let Some(parts) = parts.as_array_mut() {
            parts.insert(0, json!({ "$ref": reference }));
        }
    } else {
        map.clear();
        map.insert("$ref".to_owned(), reference);
    }
}

fn constant(map: &mut Map<String, Value>) {
    if let Some(value) = map.remove("const") {
        map.insert("enum".to_owned(), json!([value]));
    }
}

/// Binary text, which was a format.
fn encoding(map: &mut Map<String, Value>) {
    if map.contains_key("format") || map.contains_key("contentSchema") {
        return;
    }
    let says = |key: &str, value: &str| map.get(key).and_then(Value::as_str) == Some(value);
    let binary = says("contentMediaType", "application/octet-stream");
    let format = match says("contentEncoding", "base64") {
        true if binary || !map.contains_key("contentMediaType") => "byte",
        false if binary && !map.contains_key("contentEncoding") => "binary",
        _ => return,
    };
    map.remove("contentEncoding");
    map.remove("contentMediaType");
    map.entry("type").or_insert_with(|| "string".into());
    map.insert("format".to_owned(), format.into());
}

fn exclusive_bound(map: &mut Map<String, Value>, bound: &str, exclusive: &str, tighter: fn(&f64, &f64) -> bool) {
    let Some(limit @ Value::Number(_)) = map.get(exclusive).cloned() else { return };
    map.remove(exclusive);
    let own = map.get(bound).and_then(Value::as_f64);
    if own.is_some_and(|own| limit.as_f64().is_some_and(|limit| tighter(&own, &limit))) {
        return;
    }
    map.insert(bound.to_owned(), limit);
    map.insert(exclusive.to_owned(), true.into());
}

/// Without parts, there is nothing else that could evaluate a field.
fn closed(map: &mut Map<String, Value>) {
    let parts = ["allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties", "additionalProperties"];
    if map.get("unevaluatedProperties") == Some(&Value::Bool(false)) && !parts.iter().any(|key| map.contains_key(*key))
    {
        map.remove("unevaluatedProperties");
        map.insert("additionalProperties".to_owned(), false.into());
    }
}

/// A list of types: null becomes `nullable`, and several others become alternatives.
fn types(map: &mut Map<String, Value>) {
    let mut kinds: Vec<String> = match map.get("type") {
        Some(Value::String(kind)) if kind == "null" => vec![kind.clone()],
        Some(Value::Array(list)) if !list.is_empty() && list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => return,
    };
    map.remove("type");
    if kinds.iter().any(|kind| kind == "null") {
        map.insert("nullable".to_owned(), true.into());
    }
    // Every integer is a number.
    let numbers = kinds.iter().any(|kind| kind == "number");
    kinds.retain(|kind| kind != "null" && !(numbers && kind == "integer"));
    kinds.sort();
    kinds.dedup();
    match kinds.as_slice() {
        [] => drop(map.insert("enum".to_owned(), json!([null]))),
        [kind] => drop(map.insert("type".to_owned(), kind.as_str().into())),
        kinds => alternatives(map, kinds),
    }
}

fn alternatives(map: &mut Map<String, Value>, kinds: &[String]) {
    let listed = map.remove("enum");
    let mut branches: Vec<Value> = Vec::new();
    for kind in kinds {
        let mut branch = Map::from_iter([("type".to_owned(), kind.as_str().into())]);
        for key in keywords_of(kind) {
            if let Some(value) = map.get(*key) {
                branch.insert((*key).to_owned(), value.clone());
            }
        }
        if let Some(Value::Array(values)) = &listed {
            let own: Vec<Value> = values.iter().filter(|value| is_a(value, kind)).cloned().collect();
            if own.is_empty() {
                continue;
            }
            branch.insert("enum".to_owned(), own.into());
        }
        branches.push(branch.into());
    }
    for key in OF_STRINGS.iter().chain(&OF_NUMBERS).chain(&OF_LISTS).chain(&OF_OBJECTS) {
        map.remove(*key);
    }
    if let [branch] = branches.as_mut_slice() {
        map.append(branch.as_object_mut().expect("it was made as one"));
    } else if map.contains_key("oneOf") {
        let parts = map.entry("allOf").or_insert_with(|| json!([]));
        if let Some(parts) = parts.as_array_mut() {
            parts.push(json!({ "oneOf": branches }));
        }
    } else {
        map.insert("oneOf".to_owned(), branches.into());
    }
}

fn keywords_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "string" => &OF_STRINGS,
        "integer" | "number" => &OF_NUMBERS,
        "array" => &OF_LISTS,
        "object" => &OF_OBJECTS,
        _ => &[],
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "boolean" => value.is_boolean(),
        _ => false,
    }
}
