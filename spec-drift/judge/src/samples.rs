//! Samples: one full value, written by hand, and its variations with one thing changed.

use crate::table::{put, take};
use serde_json::{Value, json};

/// Long, but short enough to stay quick.
const LONG: usize = 300;

/// The smallest valid value, with every optional field dropped.
pub fn smallest(full: &Value, valid: impl Fn(&Value) -> bool) -> Value {
    let mut value = full.clone();
    for pointer in pointers(full, "") {
        let mut without = value.clone();
        let shortened = match without.pointer_mut(&pointer) {
            Some(Value::Array(list)) if !list.is_empty() => {
                list.clear();
                true
            }
            _ => false,
        };
        if (shortened || take(&mut without, &pointer).is_some()) && valid(&without) {
            value = without;
        }
    }
    value
}

/// The full value as it is, with each of a row's patches, and with all of them.
pub fn seeds(full: &Value, patches: &[&Value]) -> Vec<Value> {
    let patched = |seed: &Value, patch: &Value| {
        let mut value = seed.clone();
        let at = patch["at"].as_str().expect("where");
        match patch.get("value") {
            Some(new) if at.is_empty() => value = new.clone(),
            Some(new) => put(&mut value, at, new.clone()).expect("a place to put it"),
            None => drop(take(&mut value, at)),
        }
        value
    };
    let mut seeds = vec![full.clone()];
    seeds.extend(patches.iter().map(|patch| patched(full, patch)));
    if patches.len() > 1 {
        seeds.push(patches.iter().fold(full.clone(), |value, patch| patched(&value, patch)));
    }
    seeds
}

/// The seeds, and every variation of each.
pub fn variations(full: &Value, patches: &[&Value], enum_values: &[Value]) -> Vec<Value> {
    let mut seeds = seeds(full, patches);
    // Fullest first, because the others are compared with the first.
    seeds.reverse();
    let mut values = seeds.clone();
    for seed in &seeds {
        for pointer in pointers(seed, "") {
            let here = seed.pointer(&pointer).expect("a place of its own");
            for other in others(here, enum_values) {
                let mut value = seed.clone();
                *value.pointer_mut(&pointer).expect("the same place") = other;
                values.push(value);
            }
            let mut without = seed.clone();
            if !pointer.is_empty() && take(&mut without, &pointer).is_some() {
                values.push(without);
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    values.retain(|value| seen.insert(value.to_string()));
    values
}

fn pointers(value: &Value, at: &str) -> Vec<String> {
    let mut found = vec![at.to_owned()];
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| found.extend(pointers(v, &format!("{at}/{k}")))),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, v)| found.extend(pointers(v, &format!("{at}/{n}"))))
        }
        _ => {}
    }
    found
}

fn others(value: &Value, enum_values: &[Value]) -> Vec<Value> {
    let mut others = vec![Value::Null];
    match value {
        Value::String(_) => {
            others.extend(["", "x", "0", "AB123456"].map(Value::from));
            others.push("x".repeat(LONG).into());
            others.extend(enum_values.iter().cloned());
        }
        Value::Number(_) => {
            others.extend([json!(0), json!(1), json!(-1), json!(1.5), json!(300), json!(3_000_000_000_i64)])
        }
        Value::Bool(b) => others.push((!b).into()),
        Value::Array(list) => {
            others.push(json!([]));
            others.extend(list.first().map(|first| vec![first.clone(); 5].into()));
        }
        Value::Object(_) => others.push(json!({})),
        Value::Null => {}
    }
    others
}

/// Every value of every enum in a description.
pub fn enum_values(spec: &Value) -> Vec<Value> {
    match spec {
        Value::Object(map) => {
            let own = map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
            own.into_iter().chain(map.values().flat_map(enum_values)).collect()
        }
        Value::Array(list) => list.iter().flat_map(enum_values).collect(),
        _ => Vec::new(),
    }
}
