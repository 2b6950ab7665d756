//! A schema without its allOf.

use crate::document::{annotation::is_annotation, node::Node};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// How many nested allOfs are merged. Deeper ones are compared as a whole.
const MAX_MERGES: usize = 16;

/// A schema with its allOf inlined if that only adds fields, because both notations mean the same.
pub(crate) fn flat(schema: Node<'_>) -> Cow<'_, Value> {
    merged(schema, 0)
}

fn merged(node: Node<'_>, depth: usize) -> Cow<'_, Value> {
    let schema = node.value;
    let Some(map) = schema.as_object() else { return Cow::Borrowed(schema) };
    let Some(parts) = map.get("allOf").and_then(Value::as_array) else { return Cow::Borrowed(schema) };
    if depth >= MAX_MERGES {
        return Cow::Borrowed(schema);
    }
    let mut whole: Map<String, Value> =
        map.iter().filter(|(key, _)| *key != "allOf").map(|(k, v)| (k.clone(), v.clone())).collect();
    let alone = parts.len() == 1 && whole.keys().all(|key| key == "nullable" || is_annotation(key));
    for part in parts {
        let part = merged(node.with(part).resolved(), depth + 1);
        let Some(part) = part.as_object() else { return Cow::Borrowed(schema) };
        for (key, value) in part {
            match (key.as_str(), whole.get_mut(key)) {
                (_, None) if alone || ["type", "properties", "required"].contains(&key.as_str()) => {
                    whole.insert(key.clone(), value.clone());
                }
                // What describes one part does not describe the whole.
                (key, _) if is_annotation(key) => {}
                ("type", Some(own)) if own == value => {}
                ("properties", Some(Value::Object(own))) => {
                    for (name, property) in value.as_object().into_iter().flatten() {
                        if own.insert(name.clone(), property.clone()).is_some_and(|before| before != *property) {
                            return Cow::Borrowed(schema);
                        }
                    }
                }
                ("required", Some(Value::Array(own))) => own.extend(value.as_array().into_iter().flatten().cloned()),
                _ => return Cow::Borrowed(schema),
            }
        }
    }
    Cow::Owned(whole.into())
}
