//! Whether a keyword on the accepting side follows logically from the producing side.

use serde_json::{Map, Value};

/// `producer` and `consumer` are in JSON Schema. False means not known to follow.
pub(crate) fn implied(producer: &Map<String, Value>, consumer: &Map<String, Value>, key: &str) -> bool {
    let wanted = &consumer[key];
    if producer.get(key).is_some_and(|own| same(key, own, wanted)) {
        return true;
    }
    // A list of values is checked value by value.
    if let Some(list) = producer.get("enum").and_then(Value::as_array) {
        let check = Value::Object(Map::from_iter([(key.to_owned(), wanted.clone())]));
        return validator(&check).is_some_and(|check| list.iter().filter(|v| !v.is_null()).all(|v| check.is_valid(v)));
    }
    let number = |key: &str| producer.get(key).and_then(Value::as_f64);
    let Some(limit) = wanted.as_f64() else {
        return match key {
            "type" => producer.get("type").is_some_and(|own| types_follow(own, wanted)),
            "uniqueItems" => wanted == &Value::Bool(false),
            _ => false,
        };
    };
    let exact = |key: &str| producer.get(key).and_then(integer);
    match key {
        "minimum" => match (exact("minimum"), integer(wanted)) {
            (Some(own), Some(limit)) => own >= limit,
            _ => number("minimum").or(number("exclusiveMinimum")).is_some_and(|own| own >= limit),
        },
        "maximum" => match (exact("maximum"), integer(wanted)) {
            (Some(own), Some(limit)) => own <= limit,
            _ => number("maximum").or(number("exclusiveMaximum")).is_some_and(|own| own <= limit),
        },
        "exclusiveMinimum" => {
            number("exclusiveMinimum").is_some_and(|own| own >= limit)
                || number("minimum").is_some_and(|own| own > limit)
        }
        "exclusiveMaximum" => {
            number("exclusiveMaximum").is_some_and(|own| own <= limit)
                || number("maximum").is_some_and(|own| own < limit)
        }
        "minLength" | "minItems" | "minProperties" => limit == 0.0 || number(key).is_some_and(|own| own >= limit),
        "maxLength" | "maxItems" | "maxProperties" => number(key).is_some_and(|own| own <= limit),
        "multipleOf" => number(key).is_some_and(|own| limit > 0.0 && (own / limit).fract() == 0.0),
        _ => false,
    }
}

/// Whether each type is among the others, where an integer is a number.
fn types_follow(own: &Value, wanted: &Value) -> bool {
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        kind => vec![kind.clone()],
    };
    let wanted = list(wanted);
    let has = |kind: &Value| wanted.contains(kind) || (kind == "integer" && wanted.contains(&"number".into()));
    !list(own).is_empty() && list(own).iter().all(has)
}

fn integer(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or(value.as_u64().map(i128::from))
}

/// Whether two values of a keyword mean the same, regardless of order or number notation.
pub(crate) fn same(key: &str, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) if matches!(key, "enum" | "required" | "type") => {
            a.iter().all(|v| b.contains(v)) && b.iter().all(|v| a.contains(v))
        }
        (Value::Number(a), Value::Number(b)) => a == b || (a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())),
        (a, b) => a == b,
    }
}

/// None if a keyword is not valid JSON Schema, such as an invalid pattern. Patterns run in linear time.
pub(crate) fn validator(schema: &Value) -> Option<jsonschema::Validator> {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).ok()
}
