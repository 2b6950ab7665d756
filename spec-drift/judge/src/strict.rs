//! A description as read by a server that follows it to the letter. Independent of spec-drift's own reading.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// How a schema is read: literally, or so that every unnamed field is refused.
#[derive(Clone, Copy, PartialEq)]
pub enum Reading {
    Literal,
    Closed,
}

pub fn resolve<'a>(spec: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(reference) => resolve(spec, spec.pointer(&reference[1..]).expect("a reference that leads somewhere")),
        None => node,
    }
}

pub fn validator(spec: &Value, schema: &Value, reading: Reading) -> Validator {
    let mut out = json!({ "allOf": [convert(spec, schema, reading, false)] });
    let schemas = spec["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let converted: Map<String, Value> =
        schemas.iter().map(|(name, schema)| (name.clone(), convert(spec, schema, reading, false))).collect();
    out["components"] = json!({ "schemas": converted });
    jsonschema::draft202012::options().should_validate_formats(true).build(&out).expect("a schema")
}

/// `part` marks a part of an allOf, which names only some of the fields.
fn convert(spec: &Value, schema: &Value, reading: Reading, part: bool) -> Value {
    if part && schema.get("$ref").is_some() {
        return convert(spec, resolve(spec, schema), reading, part);
    }
    let Some(map) = schema.as_object() else { return schema.clone() };
    if map.contains_key("$ref") {
        return json!({ "$ref": map["$ref"] });
    }
    let mut out = Map::new();
    for (key, value) in map {
        let each = |list: &Value, part: bool| -> Value {
            list.as_array().unwrap().iter().map(|v| convert(spec, v, reading, part)).collect()
        };
        let converted = match key.as_str() {
            "properties" => value
                .as_object()
                .unwrap()
                .iter()
                .map(|(k, v)| (k.clone(), convert(spec, v, reading, false)))
                .collect::<Map<_, _>>()
                .into(),
            "items" | "additionalProperties" | "not" => convert(spec, value, reading, false),
            "allOf" => each(value, true),
            "oneOf" | "anyOf" => each(value, false),
            "example" | "nullable" | "default" | "discriminator" | "description" => continue,
            _ => value.clone(),
        };
        out.insert(key.clone(), converted);
    }
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(Value::Bool(exclusive)) = out.remove(flag)
            && exclusive
        {
            let bound = out.remove(bound).expect("a bound to exclude");
            out.insert(flag.to_owned(), bound);
        }
    }
    match map.get("format").and_then(Value::as_str) {
        Some("int32") => bounds(&mut out, json!(i32::MIN), json!(i32::MAX)),
        Some("int64") => bounds(&mut out, json!(i64::MIN), json!(i64::MAX)),
        _ => {}
    }
    let named = map.contains_key("properties") || map.contains_key("allOf");
    if reading == Reading::Closed && named && !part && !map.contains_key("additionalProperties") {
        out.insert("unevaluatedProperties".to_owned(), false.into());
    }
    if map.get("nullable") == Some(&true.into()) { json!({ "anyOf": [out, { "type": "null" }] }) } else { out.into() }
}

/// The schema of a parameter. One that is written as a media type may be anything.
pub fn schema(parameter: &Value) -> &Value {
    parameter.get("schema").unwrap_or(&Value::Bool(true))
}

fn bounds(out: &mut Map<String, Value>, low: Value, high: Value) {
    out.entry("minimum").or_insert(low);
    out.entry("maximum").or_insert(high);
}

/// An operation of a description.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub node: Value,
    pub parameters: Vec<Value>,
}

pub fn operations(spec: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in spec["paths"].as_object().expect("paths") {
        for (method, node) in item
            .as_object()
            .expect("a path item")
            .iter()
            .filter(|(key, _)| *key != "parameters" && !key.starts_with("x-"))
        {
            let both = item.get("parameters").into_iter().chain(node.get("parameters"));
            let parameters = both.filter_map(Value::as_array).flatten().map(|p| resolve(spec, p).clone()).collect();
            found.push(Operation { method: method.to_uppercase(), path: path.clone(), node: node.clone(), parameters });
        }
    }
    found
}

/// The name of the generated method, or of an argument.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for (n, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && n > 0 && !out.ends_with('_') {
            out.push('_');
        }
        out.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    out
}

/// Reads a value from the text of a parameter.
pub fn read(spec: &Value, schema: &Value, text: &str) -> Value {
    match resolve(spec, schema)["type"].as_str() {
        Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}
