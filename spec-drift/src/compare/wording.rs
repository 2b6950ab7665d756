//! The sentence that describes a change.

use serde_json::{Map, Value};

/// Longer values are truncated. The document has them in full.
const MAX_VALUE: usize = 80;

pub(crate) fn value(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

pub(crate) fn keyword(key: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> String {
    match (key, old.get(key), new.get(key)) {
        ("nullable", old, _) => {
            if old == Some(&Value::Bool(true)) { "may no longer be null" } else { "may now be null" }.to_owned()
        }
        ("enum", Some(Value::Array(old)), Some(Value::Array(new))) => values(old, new),
        ("enum", Some(old), None) => format!("any value is now allowed, not only {}", value(old)),
        ("enum", None, Some(new)) => format!("now only {} is allowed", value(new)),
        (_, Some(old), Some(new)) => format!("{key} changed from {} to {}", value(old), value(new)),
        (_, None, Some(new)) => format!("{key} {} was added", value(new)),
        (_, Some(old), None) => format!("{key} {} was removed", value(old)),
        (_, None, None) => format!("{key} changed"),
    }
}

fn values(old: &[Value], new: &[Value]) -> String {
    let list = |of: &[Value], but: &[Value]| {
        let names: Vec<String> = of.iter().filter(|v| !but.contains(v)).map(ToString::to_string).collect();
        names.join(", ")
    };
    match (list(new, old), list(old, new)) {
        (added, removed) if removed.is_empty() => format!("enum gained {added}"),
        (added, removed) if added.is_empty() => format!("enum lost {removed}"),
        (added, removed) => format!("enum gained {added} and lost {removed}"),
    }
}
