//! Whether an old client's credentials are still accepted.

use crate::{
    document::{node::Node, reference::resolve},
    report::{Change, Finding, Place, Verdict, Witness},
};
use serde_json::{Map, Value, json};

/// One way to authenticate: the schemes that are all required, as they appear on the wire, with their scopes.
type Way = Vec<(Value, Vec<String>)>;

pub(crate) fn compare(old: Node, new: Node, operation: &str) -> Option<Finding> {
    let (old_ways, new_ways) = (ways(old), ways(new));
    let place = Place::of_operation(operation, "/security");
    if old_ways == new_ways {
        return None;
    }
    let opens = |held: &Way, scopes: bool| {
        new_ways.iter().any(|way| {
            way.iter().all(|needed| {
                held.iter().any(|own| own.0 == needed.0 && (!scopes || needed.1.iter().all(|s| own.1.contains(s))))
            })
        })
    };
    if old_ways.iter().all(|way| opens(way, true)) {
        return Some(Finding::new(Verdict::Harmless, place, Change::CredentialsAccepted));
    }
    if old_ways.iter().any(|way| opens(way, false) || way.iter().any(|(scheme, _)| similar(scheme, &new_ways))) {
        return Some(Finding::new(Verdict::Look, place, Change::CredentialsDoubtful));
    }
    let shown = |ways: &[Way]| -> Value {
        ways.iter().map(|way| way.iter().map(|(scheme, _)| scheme.clone()).collect::<Value>()).collect()
    };
    let reason = format!("the server refuses it: it asks for one of {}", shown(&new_ways));
    let witness = Witness::new(json!({ "credentials": shown(&old_ways) }), reason);
    Some(Finding::breaks(place, Change::CredentialsRefused, witness))
}

/// A bearer token is a bearer token however it was obtained: only its source may have changed.
fn similar(scheme: &Value, ways: &[Way]) -> bool {
    let bearer = |scheme: &Value| {
        matches!(scheme["type"].as_str(), Some("oauth2" | "openIdConnect"))
            || scheme["scheme"].as_str().is_some_and(|s| s.eq_ignore_ascii_case("bearer"))
    };
    ways.iter().flatten().any(|(other, _)| bearer(scheme) && bearer(other))
}

fn ways(operation: Node) -> Vec<Way> {
    let root = operation.root;
    let stated = operation.value.get("security").or_else(|| root.get("security")).and_then(Value::as_array);
    let mut ways: Vec<Way> =
        stated.into_iter().flatten().filter_map(Value::as_object).map(|way| schemes(root, way)).collect();
    if ways.is_empty() {
        ways.push(Vec::new());
    }
    ways.sort_by_key(|way| format!("{way:?}"));
    ways
}

fn schemes(root: &Value, way: &Map<String, Value>) -> Way {
    let mut schemes: Way = way
        .iter()
        .map(|(name, scopes)| {
            let scheme = root.pointer("/components/securitySchemes").and_then(|schemes| schemes.get(name));
            let mut wire = scheme.map_or_else(|| json!({ "undefined": name }), |scheme| resolve(root, scheme).clone());
            if let Some(map) = wire.as_object_mut() {
                map.retain(|key, _| !matches!(key.as_str(), "description" | "bearerFormat") && !key.starts_with("x-"));
                let lower = |text: &str| Value::from(text.to_ascii_lowercase());
                // Neither is case-sensitive on the wire.
                if let Some(scheme) = map.get("scheme").and_then(Value::as_str).map(lower) {
                    map.insert("scheme".to_owned(), scheme);
                }
                if let Some(header) = map
                    .get("name")
                    .and_then(Value::as_str)
                    .filter(|_| map.get("in") == Some(&"header".into()))
                    .map(lower)
                {
                    map.insert("name".to_owned(), header);
                }
            }
            let mut scopes: Vec<String> =
                scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            scopes.sort();
            (wire, scopes)
        })
        .collect();
    schemes.sort_by_key(|scheme| format!("{scheme:?}"));
    schemes
}
