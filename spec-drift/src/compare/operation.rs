//! Two documents, operation by operation.

use crate::{
    Document,
    compare::{
        address::{self, Fixed},
        known::Known,
        message::Pair,
        parameter::{self, Taker},
        security,
    },
    document::{annotation::is_extension, equal::same, node::Node},
    report::{Change, Finding, Place, Verdict, Witness, token},
};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    item: Node<'a>,
    node: Node<'a>,
    servers: Vec<String>,
    /// Its path, without the names of its parameters.
    template: String,
    /// Each of its servers with its path, without the names of its parameters.
    addresses: Vec<String>,
}

impl<'a> Operation<'a> {
    fn taker(&self) -> Taker<'a> {
        Taker { path: self.path, item: self.item, operation: self.node }
    }

    fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }
}

/// How a server that follows `new` affects a client built from `old`: worst first, in a stable order.
pub fn compare(old: &Document, new: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    if old.root != new.root {
        let (before, after) = (operations(&old.root), operations(&new.root));
        let known = Known::between(&old.root, &new.root);
        let counterparts = Counterparts::of(&after);
        let found: Vec<Option<Counterpart>> = before.iter().map(|operation| counterparts.find(operation)).collect();
        let taken: HashSet<usize> = found.iter().flatten().map(|counterpart| counterpart.index).collect();
        for (operation, counterpart) in before.iter().zip(&found).filter(|(o, _)| in_scope(old, o)) {
            match counterpart {
                Some(counterpart) if in_scope(new, &after[counterpart.index]) => {
                    let now = &after[counterpart.index];
                    findings.extend(one(operation, now, counterpart, &known));
                    // The calls now reach an operation that was another before.
                    if counterpart.covered && before.iter().any(|o| o.method == now.method && o.path == now.path) {
                        let place = Place::of_operation(&operation.name(), "");
                        findings.push(Finding::new(Verdict::Look, place, Change::OperationShadowed(now.name())));
                    }
                }
                Some(_) => {}
                // A fragment of the new document says nothing about other operations.
                None if new.scope.is_some() => {}
                // It may be behind the reference, which is reported.
                None if dangling(&new.root).any(|path| address::template(path) == operation.template) => {}
                None => findings.push(gone(operation)),
            }
        }
        for (_, operation) in after.iter().enumerate().filter(|(n, o)| !taken.contains(n) && in_scope(new, o)) {
            findings.extend(added(operation, &before, old.scope.is_some(), new.scope.is_some()));
        }
        if old.scope.is_none() && new.scope.is_none() {
            findings.extend(document(&old.root, &new.root));
            for path in dangling(&old.root).chain(dangling(&new.root)) {
                let place = Place::of_document(&format!("/paths{}", token(path)));
                findings.push(Finding::new(Verdict::Look, place, Change::Dangling));
            }
            if findings.is_empty() {
                findings.push(Finding::new(Verdict::Harmless, Place::of_document(""), Change::Notation));
            }
        }
    }
    findings
        .sort_by(|a, b| (a.verdict, &a.place, a.change.to_string()).cmp(&(b.verdict, &b.place, b.change.to_string())));
    findings.dedup_by(|a, b| (a.verdict, &a.place, &a.change) == (b.verdict, &b.place, &b.change));
    findings
}

fn operations(root: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        let item = Node::new(root, item).resolved();
        for method in METHODS {
            if let Some(node) = item.get(method) {
                let servers = address::servers(item, node);
                let template = address::template(path);
                let addresses = servers.iter().map(|server| address::template(&format!("{server}{path}"))).collect();
                found.push(Operation { method, path, item, node, servers, template, addresses });
            }
        }
    }
    found
}

/// Paths whose item is a reference that leads nowhere, or out of the document.
fn dangling(root: &Value) -> impl Iterator<Item = &str> {
    let items = root["paths"].as_object().into_iter().flatten();
    items.filter(|(_, item)| Node::new(root, item).resolved().is_dangling()).map(|(path, _)| path.as_str())
}

fn in_scope(document: &Document, operation: &Operation) -> bool {
    document.scope.as_ref().is_none_or(|(method, path)| operation.method == method && operation.path == path)
}

/// The operation that answers where the client calls.
struct Counterpart {
    index: usize,
    /// Its template only covers the client's address.
    covered: bool,
    /// The parameters of its path for which the client has a literal.
    fixed: Vec<Fixed>,
}

/// The operations of a document, by method and address.
#[derive(Default)]
struct Counterparts {
    addresses: HashMap<(&'static str, String), usize>,
    paths: HashMap<(&'static str, String), usize>,
    templates: Vec<(&'static str, String, usize)>,
}

impl Counterparts {
    fn of(operations: &[Operation]) -> Self {
        let mut all = Self::default();
        for (n, operation) in operations.iter().enumerate() {
            for address in &operation.addresses {
                all.addresses.entry((operation.method, address.clone())).or_insert(n);
            }
            if operation.path.contains('{') {
                let addresses = operation.servers.iter().map(|server| format!("{server}{}", operation.path));
                all.templates.extend(addresses.map(|address| (operation.method, address, n)));
            }
            all.paths.entry((operation.method, operation.template.clone())).or_insert(n);
        }
        all
    }

    /// Where the client calls, or else what covers it, or else what has the same path on other servers.
    fn find(&self, old: &Operation) -> Option<Counterpart> {
        let plain = |index: usize| Counterpart { index, covered: false, fixed: Vec::new() };
        let called = old.addresses.first()?;
        if let Some(index) = self.addresses.get(&(old.method, called.clone())) {
            return Some(plain(*index));
        }
        self.covering(old).or_else(|| self.paths.get(&(old.method, old.template.clone())).map(|index| plain(*index)))
    }

    /// Exact paths win over templates, so the template with the fewest parameters wins.
    fn covering(&self, old: &Operation) -> Option<Counterpart> {
        let called = old.servers.first().map(|server| format!("{server}{}", old.path))?;
        let candidates = self.templates.iter().filter(|(method, ..)| *method == old.method);
        let covering = candidates.filter(|(_, address, _)| address::covers(address, &called));
        let (_, address, index) = covering.min_by_key(|(_, address, _)| address::names(address).len())?;
        Some(Counterpart { index: *index, covered: true, fixed: address::literals(address, &called) })
    }
}

fn one(old: &Operation, new: &Operation, counterpart: &Counterpart, known: &Known) -> Vec<Finding> {
    let name = new.name();
    let mut findings: Vec<Finding> = Vec::new();
    if !counterpart.covered {
        findings.extend(servers(old, new, &name));
    }
    findings.extend(security::compare(old.node, new.node, &name));
    findings.extend(parameter::compare(&old.taker(), &new.taker(), &counterpart.fixed, known, &name));
    findings.extend(Pair { known, name: &name, old: old.node, new: new.node }.compare());
    let known = ["parameters", "requestBody", "responses", "security", "servers"];
    findings.extend(around(old.node, new.node, &known, &name));
    let known: Vec<&str> = ["parameters", "servers"].into_iter().chain(METHODS).collect();
    findings.extend(around(old.item, new.item, &known, &name));
    findings
}

/// What surrounds the parts that are compared separately.
fn around(old: Node, new: Node, known: &[&str], name: &str) -> Vec<Finding> {
    let none = Map::new();
    let (before, after) = (old.value.as_object().unwrap_or(&none), new.value.as_object().unwrap_or(&none));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter(|key| !known.contains(&key.as_str()) && differs(old, new, key));
    changed
        .map(|key| {
            let words = ["operationId", "tags", "summary", "description", "externalDocs", "deprecated"]
                .contains(&key.as_str())
                || is_extension(key);
            let (verdict, change) = if words {
                (Verdict::Harmless, Change::NotOnTheWire(key.clone()))
            } else {
                (Verdict::Look, Change::Unknown(key.clone()))
            };
            Finding::new(verdict, Place::of_operation(name, ""), change)
        })
        .collect()
}

/// Whether a part differs in what it means, or in how it is written if it is not in any message.
fn differs(old: Node, new: Node, key: &str) -> bool {
    match (old.get(key), new.get(key)) {
        (Some(was), Some(is)) if was.value.is_object() => !same(was, is),
        (was, is) => was.map(|was| was.value) != is.map(|is| is.value),
    }
}

fn servers(old: &Operation, new: &Operation, name: &str) -> Option<Finding> {
    let (before, after) = (&old.addresses, &new.addresses);
    let place = Place::of_operation(name, "/servers");
    let finding = |verdict, change| Some(Finding::new(verdict, place.clone(), change));
    let lost = before.iter().any(|address| !after.contains(address));
    if after.contains(&before[0]) {
        return match (lost, before == after) {
            (true, _) => finding(Verdict::Look, Change::ServerRemoved),
            (false, false) => finding(Verdict::Harmless, Change::ServersReordered),
            (false, true) => None,
        };
    }
    let absolute = |addresses: &[String]| addresses.iter().all(|address| address.contains("://"));
    if !absolute(&before[..1]) || !absolute(after) || new.servers.iter().any(|url| url.contains('{')) {
        return finding(Verdict::Look, Change::ServersRelative);
    }
    let change = Change::Moved { from: before[0].clone(), to: after[0].clone() };
    let reason = "the client calls an address that no server has now";
    Some(Finding::breaks(place, change, Witness::new(json!({ "url": before[0] }), reason)))
}

fn gone(old: &Operation) -> Finding {
    let value = json!({ "method": old.method.to_uppercase(), "path": old.path });
    let witness = Witness::new(value, "the server has no such operation");
    Finding::breaks(Place::of_operation(&old.name(), ""), Change::OperationRemoved, witness)
}

fn added(new: &Operation, old: &[Operation], from_fragment: bool, fragment: bool) -> Option<Finding> {
    let finding = |verdict, change| Some(Finding::new(verdict, Place::of_operation(&new.name(), ""), change));
    if from_fragment {
        return None;
    }
    if fragment {
        return finding(Verdict::Look, Change::OperationNotCompared);
    }
    let taken = |o: &Operation| {
        o.method == new.method
            && o.path != new.path
            && o.path.contains('{')
            && address::covers(o.path, new.path)
            && address::literals(o.path, new.path).iter().all(|fixed| parameter::may_be(&o.taker(), fixed))
    };
    match old.iter().find(|o| taken(o)) {
        Some(o) => finding(Verdict::Look, Change::OperationShadows(o.name())),
        None => finding(Verdict::Harmless, Change::OperationAdded),
    }
}

/// The top of a document: everything that is not part of an operation.
fn document(old: &Value, new: &Value) -> Vec<Finding> {
    let none = Map::new();
    let (before, after) = (old.as_object().unwrap_or(&none), new.as_object().unwrap_or(&none));
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let compared = ["paths", "components", "servers", "security"];
    let (old, new) = (Node::new(old, old), Node::new(new, new));
    // What is written the same may refer to what changed.
    let is_changed = |key: &str| before.get(key) != after.get(key) || differs(old, new, key);
    let changed = keys.into_iter().filter(|key| !compared.contains(&key.as_str()) && is_changed(key));
    changed
        .map(|key| {
            let words = ["openapi", "info", "tags", "externalDocs"].contains(&key.as_str()) || is_extension(key);
            let place = Place::of_document(&format!("/{key}"));
            if words {
                Finding::new(Verdict::Harmless, place, Change::NotOnTheWire(key.clone()))
            } else {
                Finding::new(Verdict::Look, place, Change::Unknown(key.clone()))
            }
        })
        .collect()
}
