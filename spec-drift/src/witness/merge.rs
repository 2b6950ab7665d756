//! Two JSON Schemas as one that demands both, as far as samples are concerned.

use serde_json::{Map, Value, json};

/// Where a merged schema keeps what only a validator can combine: a second pattern, format, union or negation.
pub(crate) const ALSO: &str = "also";

/// Adds what `part` demands. False if no value can satisfy both.
pub(crate) fn merge(whole: &mut Map<String, Value>, part: &Map<String, Value>) -> bool {
    for (key, wanted) in part {
        let free_union = ["anyOf", "oneOf"].into_iter().find(|union| !whole.contains_key(*union));
        let Some(own) = whole.get_mut(key) else {
            whole.insert(key.clone(), wanted.clone());
            continue;
        };
        if own == wanted {
            continue;
        }
        match key.as_str() {
            "type" => match common_types(own, wanted) {
                Some(kinds) => *own = kinds,
                None => return false,
            },
            "enum" => {
                let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
                let wanted = list(wanted);
                let common: Vec<Value> = list(own).into_iter().filter(|value| wanted.contains(value)).collect();
                if common.is_empty() {
                    return false;
                }
                *own = common.into();
            }
            "properties" | "$defs" => each(own, wanted),
            "required" => {
                let missing: Vec<Value> = match (own.as_array(), wanted.as_array()) {
                    (Some(own), Some(wanted)) => wanted.iter().filter(|name| !own.contains(name)).cloned().collect(),
                    _ => Vec::new(),
                };
                if let Some(own) = own.as_array_mut() {
                    own.extend(missing);
                }
            }
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
                tighter(own, wanted, f64::gt)
            }
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
                tighter(own, wanted, f64::lt)
            }
            "uniqueItems" => *own = true.into(),
            "items" | "additionalProperties" => *own = both(own, wanted),
            ALSO => {
                if let (Some(own), Some(wanted)) = (own.as_array_mut(), wanted.as_array()) {
                    own.extend(wanted.iter().cloned());
                }
            }
            // For a sample, any alternative of either union will do.
            "anyOf" | "oneOf" if free_union.is_some() => {
                whole.insert(free_union.unwrap_or_default().to_owned(), wanted.clone());
            }
            _ => {
                let rest = json!({ key: wanted });
                if let Some(list) = whole.entry(ALSO).or_insert_with(|| json!([])).as_array_mut() {
                    list.push(rest);
                }
            }
        }
    }
    true
}

fn each(own: &mut Value, wanted: &Value) {
    let (Some(own), Some(wanted)) = (own.as_object_mut(), wanted.as_object()) else { return };
    for (name, schema) in wanted {
        let merged = own.get(name).map_or_else(|| schema.clone(), |other| both(other, schema));
        own.insert(name.clone(), merged);
    }
}

fn both(own: &Value, wanted: &Value) -> Value {
    match (own, wanted) {
        (Value::Bool(false), _) | (_, Value::Bool(false)) => false.into(),
        (Value::Bool(true), other) | (other, Value::Bool(true)) => other.clone(),
        (own, wanted) if own == wanted => own.clone(),
        (own, wanted) => json!({ "allOf": [own, wanted] }),
    }
}

fn tighter(own: &mut Value, wanted: &Value, is_tighter: fn(&f64, &f64) -> bool) {
    if let (Some(limit), Some(other)) = (own.as_f64(), wanted.as_f64())
        && is_tighter(&other, &limit)
    {
        *own = wanted.clone();
    }
}

fn common_types(own: &Value, wanted: &Value) -> Option<Value> {
    let list = |value: &Value| -> Vec<String> {
        match value {
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            other => other.as_str().map(str::to_owned).into_iter().collect(),
        }
    };
    let (own, wanted) = (list(own), list(wanted));
    let has = |list: &[String], kind: &str| list.iter().any(|k| k == kind || (k == "number" && kind == "integer"));
    let mut common: Vec<String> = own.iter().filter(|kind| has(&wanted, kind)).cloned().collect();
    common.extend(wanted.iter().filter(|kind| has(&own, kind) && !common.contains(kind)).cloned().collect::<Vec<_>>());
    match common.len() {
        0 => None,
        1 => common.pop().map(Value::from),
        _ => Some(common.into()),
    }
}
