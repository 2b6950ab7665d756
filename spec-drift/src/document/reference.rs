//! References: checked once when a document is read, and safe to follow afterwards.

use serde_json::Value;

/// More chained references than anybody writes. `check` skips data, where a cycle would go unnoticed.
const MAX_CHAIN: usize = 64;

/// Follows references to the end.
pub(crate) fn resolve<'a>(root: &'a Value, mut node: &'a Value) -> &'a Value {
    for _ in 0..MAX_CHAIN {
        match reference(node).and_then(|reference| target(root, reference)) {
            Some(target) => node = target,
            None => break,
        }
    }
    node
}

pub(crate) fn reference(node: &Value) -> Option<&str> {
    node.get("$ref")?.as_str()
}

pub(crate) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(&decoded(reference.strip_prefix('#')?))
}

/// Percent-decodes, because a reference is a URI.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = fragment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]).1,
            None => (bytes.push(*first), rest = tail).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first reference that leads nowhere, or into a cycle of nothing but references.
pub(crate) fn check(root: &Value) -> Result<(), (String, &'static str)> {
    let mut rest = vec![root];
    while let Some(node) = rest.pop() {
        if let Some(first) = reference(node) {
            let (mut at, mut seen) = (first, Vec::new());
            loop {
                let Some(next) = target(root, at) else {
                    let reason = if at.starts_with('#') {
                        "leads nowhere in this document"
                    } else {
                        "leads out of this document; bundle it into one file first"
                    };
                    return Err((at.to_owned(), reason));
                };
                seen.push(at);
                match reference(next) {
                    Some(next) if seen.contains(&next) => return Err((next.to_owned(), "leads in a circle")),
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        match node {
            // Examples are data, so a `$ref` in one is not a reference.
            Value::Object(map) => rest.extend(
                map.iter()
                    .filter(|(k, _)| !matches!(k.as_str(), "example" | "default" | "enum") && !k.starts_with("x-"))
                    .map(|(_, v)| v),
            ),
            Value::Array(list) => rest.extend(list),
            _ => {}
        }
    }
    Ok(())
}
