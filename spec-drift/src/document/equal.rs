//! Whether two nodes mean the same, however they are written.

use crate::document::{annotation::is_annotation, node::Node};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};

/// How the keys of a map are read.
#[derive(Clone, Copy, PartialEq)]
enum Keys {
    /// Keywords, some of which are annotations.
    Keywords,
    /// Names, none of which are annotations.
    Names,
    /// Data, in which nothing is a reference.
    Data,
}

struct Pair<'a> {
    old: Node<'a>,
    new: Node<'a>,
    keys: Keys,
}

/// Follows references. Ignores annotations, and order where it means nothing. A recursion that never differs is equal.
pub(crate) fn same(old: Node, new: Node) -> bool {
    let mut waiting = vec![Pair { old, new, keys: Keys::Keywords }];
    let mut seen = HashSet::new();
    while let Some(Pair { old, new, keys }) = waiting.pop() {
        let (old, new) = if keys == Keys::Data { (old, new) } else { (old.resolved(), new.resolved()) };
        if !seen.insert((std::ptr::from_ref(old.value), std::ptr::from_ref(new.value), keys == Keys::Names)) {
            continue;
        }
        match (old.value, new.value) {
            (Value::Object(before), Value::Object(after)) => {
                for key in keys_of(before, after) {
                    if keys == Keys::Keywords && is_annotation(key) {
                        continue;
                    }
                    let (Some(was), Some(is)) = (before.get(key), after.get(key)) else { return false };
                    if keys == Keys::Keywords && matches!(key, "enum" | "required" | "type") && same_set(was, is) {
                        continue;
                    }
                    waiting.push(Pair { old: old.with(was), new: new.with(is), keys: below(keys, key) });
                }
            }
            (Value::Array(before), Value::Array(after)) => {
                if before.len() != after.len() {
                    return false;
                }
                let both = before.iter().zip(after);
                waiting.extend(both.map(|(was, is)| Pair { old: old.with(was), new: new.with(is), keys }));
            }
            (was, is) if was != is => return false,
            _ => {}
        }
    }
    true
}

fn keys_of<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> BTreeSet<&'a str> {
    old.keys().chain(new.keys()).map(String::as_str).collect()
}

fn same_set(old: &Value, new: &Value) -> bool {
    match (old.as_array(), new.as_array()) {
        (Some(old), Some(new)) => old.iter().all(|v| new.contains(v)) && new.iter().all(|v| old.contains(v)),
        _ => false,
    }
}

fn below(keys: Keys, key: &str) -> Keys {
    match (keys, key) {
        (Keys::Data, _) | (Keys::Keywords, "enum" | "const" | "default" | "mapping") => Keys::Data,
        (
            Keys::Keywords,
            "properties" | "patternProperties" | "$defs" | "content" | "headers" | "responses" | "callbacks" | "links"
            | "encoding" | "variables",
        ) => Keys::Names,
        _ => Keys::Keywords,
    }
}
