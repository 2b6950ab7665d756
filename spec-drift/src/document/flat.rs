//! A schema in its plainest form: its parts merged, and unions that are none written out.

use crate::document::{annotation::is_annotation, node::Node};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// How many nested parts are merged. Deeper ones are compared as a whole.
const MAX_MERGES: usize = 16;

/// Follows no reference but those of its parts.
pub(crate) fn flat(schema: Node<'_>) -> Cow<'_, Value> {
    flattened(schema, 0)
}

fn flattened(node: Node<'_>, depth: usize) -> Cow<'_, Value> {
    let plain = match node.value {
        Value::Bool(true) => return Cow::Owned(json!({})),
        Value::Bool(false) => return Cow::Owned(json!({ "not": {} })),
        Value::Object(map) => map,
        _ => return Cow::Borrowed(node.value),
    };
    if depth >= MAX_MERGES {
        return Cow::Borrowed(node.value);
    }
    if let Some(parts) = plain.get("allOf").and_then(Value::as_array) {
        return merged(node, plain, "allOf", parts, depth).map_or(Cow::Borrowed(node.value), Cow::Owned);
    }
    for key in ["oneOf", "anyOf"] {
        let Some(branches) = plain.get(key).and_then(Value::as_array) else { continue };
        let possible: Vec<&Value> = branches.iter().filter(|branch| !is_null(node.with(branch))).collect();
        let nullable = possible.len() < branches.len();
        let written_out = match possible.as_slice() {
            // The only alternative.
            [only] => merged(node, plain, key, std::slice::from_ref(*only), depth),
            several => constants(node, plain, key, several, depth),
        };
        if let Some(mut schema) = written_out {
            if nullable {
                schema["nullable"] = true.into();
            }
            return Cow::Owned(schema);
        }
        if nullable {
            let mut rest = plain.clone();
            rest.insert(key.to_owned(), possible.into_iter().cloned().collect());
            rest.insert("nullable".to_owned(), true.into());
            return Cow::Owned(rest.into());
        }
    }
    if let Some(constant) = plain.get("const").filter(|_| !plain.contains_key("enum")) {
        let mut rest = plain.clone();
        rest.remove("const");
        rest.insert("enum".to_owned(), json!([constant]));
        return Cow::Owned(rest.into());
    }
    Cow::Borrowed(node.value)
}

fn is_null(branch: Node) -> bool {
    let schema = branch.resolved().value;
    schema.get("type") == Some(&"null".into()) || schema.get("enum") == Some(&json!([null]))
}

/// A schema and its parts as one. None if they can only be compared as a whole.
fn merged(node: Node, map: &Map<String, Value>, key: &str, parts: &[Value], depth: usize) -> Option<Value> {
    let mut whole: Map<String, Value> =
        map.iter().filter(|(k, _)| *k != key && *k != "discriminator").map(|(k, v)| (k.clone(), v.clone())).collect();
    let beside =
        |key: &String| is_annotation(key) || ["nullable", "readOnly", "writeOnly", "default"].contains(&key.as_str());
    let alone = parts.len() == 1 && whole.keys().all(beside);
    for part in parts {
        let part = flattened(node.with(part).resolved(), depth + 1);
        for (key, value) in part.as_object()? {
            match (key.as_str(), whole.get_mut(key)) {
                // What describes one part does not describe the whole.
                (key, Some(_)) if is_annotation(key) => {}
                (key, None) if is_annotation(key) && !alone => {}
                // Closed to the fields of one part, or null as far as one part is concerned.
                ("additionalProperties" | "nullable" | "oneOf" | "anyOf" | "not" | "discriminator", None) if !alone => {
                    return None;
                }
                (_, None) => drop(whole.insert(key.clone(), value.clone())),
                (_, Some(own)) if own == value => {}
                ("properties", Some(Value::Object(own))) => {
                    for (name, property) in value.as_object().into_iter().flatten() {
                        if own.insert(name.clone(), property.clone()).is_some_and(|before| before != *property) {
                            return None;
                        }
                    }
                }
                ("required", Some(Value::Array(own))) => own.extend(value.as_array().into_iter().flatten().cloned()),
                ("minLength" | "minItems" | "minProperties" | "minimum", Some(own)) => {
                    *own = if own.as_f64()? >= value.as_f64()? { own.clone() } else { value.clone() };
                }
                ("maxLength" | "maxItems" | "maxProperties" | "maximum", Some(own)) => {
                    *own = if own.as_f64()? <= value.as_f64()? { own.clone() } else { value.clone() };
                }
                ("nullable" | "readOnly" | "writeOnly" | "default", Some(_)) if alone => {}
                _ => return None,
            }
        }
    }
    Some(whole.into())
}

/// Alternatives that are nothing but constants of one type, as one list of values.
fn constants(node: Node, map: &Map<String, Value>, key: &str, branches: &[&Value], depth: usize) -> Option<Value> {
    let mut whole: Map<String, Value> =
        map.iter().filter(|(k, _)| *k != key).map(|(k, v)| (k.clone(), v.clone())).collect();
    if !whole.keys().all(|key| is_annotation(key) || key == "type" || key == "nullable") {
        return None;
    }
    let mut values: Vec<Value> = Vec::new();
    for branch in branches {
        let branch = flattened(node.with(branch).resolved(), depth + 1);
        let branch = branch.as_object()?;
        let known = |key: &String| is_annotation(key) || key == "type" || key == "enum";
        if !branch.keys().all(known) {
            return None;
        }
        if let Some(kind) = branch.get("type")
            && whole.entry("type").or_insert_with(|| kind.clone()) != kind
        {
            return None;
        }
        for value in branch.get("enum")?.as_array()? {
            // What matches two alternatives of a oneOf matches none.
            if values.contains(value) && key == "oneOf" {
                return None;
            }
            values.push(value.clone());
        }
    }
    whole.insert("enum".to_owned(), values.into());
    Some(whole.into())
}
