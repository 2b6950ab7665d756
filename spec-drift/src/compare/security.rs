//! Whether an old client's credentials are still accepted.

use crate::{
    document::{annotation::is_extension, node::Node, reference::resolve},
    report::{Change, Finding, Place, Verdict, Witness},
};
use serde_json::{Map, Value, json};

/// A scheme of a security requirement.
#[derive(Clone, Debug, PartialEq)]
struct Scheme {
    name: String,
    /// What it looks like on the wire, and where its credentials come from.
    wire: Value,
    scopes: Vec<String>,
}

/// One way to authenticate: schemes that are all required.
type Way = Vec<Scheme>;

/// The documents whose schemes are compared.
struct Schemes<'a> {
    old: &'a Value,
    new: &'a Value,
}

pub(crate) fn compare(old: Node, new: Node, operation: &str) -> Option<Finding> {
    let (old_ways, new_ways) = (ways(old), ways(new));
    let place = Place::of_operation(operation, "/security");
    let schemes = Schemes { old: old.root, new: new.root };
    let opens = |held: &Way, with_scopes: bool| {
        new_ways.iter().any(|way| {
            way.iter().all(|needed| {
                held.iter().any(|own| {
                    schemes.are_one(own, needed)
                        && (!with_scopes || needed.scopes.iter().all(|s| own.scopes.contains(s)))
                })
            })
        })
    };
    let unchanged = old_ways.len() == new_ways.len()
        && old_ways.iter().zip(&new_ways).all(|(was, is)| {
            let same = |(was, is): (&Scheme, &Scheme)| schemes.are_one(was, is) && was.scopes == is.scopes;
            was.len() == is.len() && was.iter().zip(is).all(same)
        });
    if unchanged {
        return None;
    }
    if old_ways.iter().all(|way| opens(way, true)) {
        return Some(Finding::new(Verdict::Harmless, place, Change::CredentialsAccepted));
    }
    // Each scheme that the server asks for is one that the client may have credentials for.
    let similar_to_any = |needed: &Scheme, held: &Way| held.iter().any(|own| similar(own, needed));
    let doubtful = |held: &Way| new_ways.iter().any(|way| way.iter().all(|needed| similar_to_any(needed, held)));
    // A page may name a scheme that it does not declare.
    let undeclared = new_ways.iter().flatten().any(|scheme| declared(new.root, &scheme.name).is_none());
    if undeclared || old_ways.iter().any(doubtful) {
        return Some(Finding::new(Verdict::Look, place, Change::CredentialsDoubtful));
    }
    let shown = |ways: &[Way]| -> Value {
        ways.iter().map(|way| way.iter().map(|scheme| scheme.wire.clone()).collect::<Value>()).collect()
    };
    let reason = format!("the server refuses it: it asks for one of {}", shown(&new_ways));
    let witness = Witness::new(json!({ "credentials": shown(&old_ways) }), reason);
    Some(Finding::breaks(place, Change::CredentialsRefused, witness))
}

impl Schemes<'_> {
    /// Whether credentials for one are credentials for the other: the same scheme, perhaps renamed. Two schemes that
    /// both documents have are two, however alike they look: a user's token is not an administrator's.
    fn are_one(&self, old: &Scheme, new: &Scheme) -> bool {
        let apart = declared(self.new, &old.name).is_some() && declared(self.old, &new.name).is_some();
        old.wire == new.wire && (old.name == new.name || !apart)
    }
}

/// A bearer token is a bearer token however it was obtained: only its source may have changed.
fn similar(one: &Scheme, other: &Scheme) -> bool {
    let bearer = |scheme: &Scheme| {
        matches!(scheme.wire["type"].as_str(), Some("oauth2" | "openIdConnect"))
            || scheme.wire["scheme"].as_str().is_some_and(|s| s.eq_ignore_ascii_case("bearer"))
    };
    one.wire == other.wire || (bearer(one) && bearer(other))
}

/// Whether every client of an operation sends this header, cookie or part of the query as its API key.
pub(crate) fn sends(operation: Node, place: &str, name: &str) -> bool {
    let is_it = |scheme: &Scheme| {
        let of = |key: &str| scheme.wire.get(key).and_then(Value::as_str);
        (of("type"), of("in"), of("name")) == (Some("apiKey"), Some(place), Some(name))
    };
    ways(operation).iter().all(|way| way.iter().any(is_it))
}

fn ways(operation: Node) -> Vec<Way> {
    let root = operation.root;
    let stated = operation.value.get("security").or_else(|| root.get("security")).and_then(Value::as_array);
    let mut ways: Vec<Way> =
        stated.into_iter().flatten().filter_map(Value::as_object).map(|way| schemes(root, way)).collect();
    if ways.is_empty() {
        ways.push(Vec::new());
    }
    ways.sort_by_key(order);
    ways
}

fn schemes(root: &Value, way: &Map<String, Value>) -> Way {
    let mut schemes: Way = way
        .iter()
        .map(|(name, scopes)| {
            let wire = declared(root, name).map_or_else(|| json!({ "undefined": name }), on_the_wire);
            let mut scopes: Vec<String> =
                scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            scopes.sort();
            Scheme { name: name.clone(), wire, scopes }
        })
        .collect();
    schemes.sort_by_key(|scheme| order(&vec![scheme.clone()]));
    schemes
}

/// By what is on the wire, because a name may change.
fn order(way: &Way) -> String {
    way.iter().map(|scheme| format!("{}{:?}", scheme.wire, scheme.scopes)).collect()
}

fn declared<'a>(root: &'a Value, name: &str) -> Option<&'a Value> {
    let schemes = root.pointer("/components/securitySchemes")?;
    schemes.get(name).map(|scheme| resolve(root, scheme))
}

fn on_the_wire(scheme: &Value) -> Value {
    let mut wire = scheme.clone();
    let Some(map) = wire.as_object_mut() else { return wire };
    map.retain(|key, _| !matches!(key.as_str(), "description" | "bearerFormat") && !is_extension(key));
    // The scopes that exist are documentation. Those that an operation requires are in its requirement.
    if let Some(flows) = map.get_mut("flows").and_then(Value::as_object_mut) {
        flows.retain(|key, _| !is_extension(key));
        for flow in flows.values_mut().filter_map(Value::as_object_mut) {
            flow.retain(|key, _| key != "scopes" && !is_extension(key));
        }
    }
    let lower = |text: &str| Value::from(text.to_ascii_lowercase());
    // Neither is case-sensitive on the wire.
    if let Some(scheme) = map.get("scheme").and_then(Value::as_str).map(lower) {
        map.insert("scheme".to_owned(), scheme);
    }
    if map.get("in") == Some(&"header".into())
        && let Some(header) = map.get("name").and_then(Value::as_str).map(lower)
    {
        map.insert("name".to_owned(), header);
    }
    wire
}
