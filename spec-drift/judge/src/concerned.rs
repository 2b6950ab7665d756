//! The part of a description that a change affects, so that the rest need not be generated and called for every row.

use serde_json::Value;
use std::collections::BTreeSet;

/// `old` with only the operations that differ in `new`, and what they refer to.
pub fn concerned(old: &Value, new: &Value) -> Value {
    let mut part = old.clone();
    let around = |spec: &Value| {
        (spec["servers"].clone(), spec["security"].clone(), spec["components"]["securitySchemes"].clone())
    };
    let all = around(old) != around(new);
    let mut kept = 0;
    for (path, item) in part["paths"].as_object_mut().expect("paths") {
        let item = item.as_object_mut().expect("a path item");
        let beside = item.get("parameters") == new["paths"][path].get("parameters");
        item.retain(|method, node| {
            let same = beside && new["paths"][path].get(method) == Some(node) && parts(old, node) == parts(new, node);
            let keep = method == "parameters" || all || !same;
            kept += usize::from(keep && method != "parameters");
            keep
        });
    }
    part["paths"]
        .as_object_mut()
        .expect("paths")
        .retain(|_, item| item.as_object().is_some_and(|i| i.keys().any(|k| k != "parameters")));
    if kept == 0 {
        part["paths"] = old["paths"].clone();
    }
    // The client does not make these calls, and the generator reads no reference to one.
    if let Some(components) = part["components"].as_object_mut() {
        components.remove("callbacks");
    }
    let mut used = BTreeSet::new();
    references(&part, &part["paths"], &mut used);
    if let Some(schemas) = part["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(&format!("#/components/schemas/{name}")));
    }
    part
}

fn parts(spec: &Value, node: &Value) -> Vec<(String, Value)> {
    let mut used = BTreeSet::new();
    references(spec, node, &mut used);
    used.into_iter()
        .map(|reference| (reference.clone(), spec.pointer(&reference[1..]).cloned().unwrap_or_default()))
        .collect()
}

fn references(spec: &Value, node: &Value, used: &mut BTreeSet<String>) {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref")
                && used.insert(reference.clone())
                && let Some(target) = spec.pointer(&reference[1..])
            {
                references(spec, target, used);
            }
            map.values().for_each(|child| references(spec, child, used));
        }
        Value::Array(list) => list.iter().for_each(|child| references(spec, child, used)),
        _ => {}
    }
}
