//! One schema of the old document against its counterpart in the new one, keyword by keyword.

use crate::{
    compare::{
        at::{At, Null, Step},
        body::{Body, Within},
        known::{Compared, Known, Wanted},
    },
    document::{annotation::is_annotation, flat::flat, node::Node, reference::reference},
    report::{Change, Direction, Finding, Keyword, Place, Verdict},
    witness::{
        implied::{implied, same, validator},
        meaning,
        sample::Hints,
    },
};
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// Keywords that constrain the value itself, starting with those that others depend on.
const SCALARS: [&str; 17] = [
    "type",
    "format",
    "nullable",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

const NESTED: [&str; 4] = ["properties", "required", "additionalProperties", "items"];
const UNIONS: [&str; 4] = ["oneOf", "anyOf", "allOf", "not"];

/// Compares the schema of a body in one direction.
pub(crate) fn compare(old: Node, new: Node, known: &Known, place: &Place) -> Vec<Finding> {
    compare_optional(old, new, known, place, false)
}

/// Compares a schema whose values the client may leave out, if `optional`.
pub(crate) fn compare_optional(old: Node, new: Node, known: &Known, place: &Place, optional: bool) -> Vec<Finding> {
    let compared = Compared {
        old: old.value.to_string(),
        new: new.value.to_string(),
        direction: place.direction,
        pointer: place.pointer.clone(),
        optional,
    };
    let mut findings = known.findings(compared, || {
        let mut body = Body::new(old, new, known, place.clone(), optional);
        // A client leaves out a parameter that is null.
        let null = optional.then_some(Null { produced: false, accepted: false });
        body.schema(old.value, new.value, &At { null, ..At::root(&place.pointer, optional) });
        body.finish();
        body.findings
    });
    // They may be those of another operation.
    for finding in &mut findings {
        finding.place = place.at(&finding.place.pointer);
    }
    findings
}

impl Body<'_> {
    pub(crate) fn schema(&mut self, old: &Value, new: &Value, at: &At) {
        if self.known.same(old, new) {
            return;
        }
        let entered = reference(new).or(reference(old)).map(str::to_owned);
        let (old, new) = (flat(Node::new(self.old, old).resolved()), flat(Node::new(self.new, new).resolved()));
        let Some(visit) = self.enter(&old, &new, at, entered.is_some()) else { return };
        let outside = self.within.clone();
        if let Some(reference) = entered {
            self.within = Some(Within { reference, from: at.pointer.len() });
        }
        self.node(&old, &new, at);
        self.within = outside;
        self.leave(visit);
    }

    fn node(&mut self, old: &Value, new: &Value, at: &At) {
        let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
            if old != new {
                self.find(Verdict::Look, at, Change::NotASchema);
            }
            return;
        };
        if reference(old).is_some() || reference(new).is_some() {
            self.find(Verdict::Look, at, Change::Dangling);
            return;
        }
        self.annotations(before, after, at);
        if UNIONS.iter().any(|key| before.contains_key(*key) || after.contains_key(*key)) {
            return self.union(old, new, at);
        }
        self.scalars(before, after, at);
        self.objects(old, new, at);
        if before.contains_key("items") || after.contains_key("items") {
            let any = json!({});
            let items = |map: &Map<String, Value>| map.get("items").unwrap_or(&any).clone();
            let parent = self.pick(old, new).0;
            let (items_old, items_new) = (items(before), items(after));
            let next = At {
                pointer: format!("{}/0", at.pointer),
                up: Some((at, parent, Step::Item)),
                null: None,
                optional: false,
            };
            self.schema(&items_old, &items_new, &next);
        }
    }

    /// What is only worded differently, and keywords that the tool does not know.
    pub(crate) fn annotations(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &At) {
        let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
        keys.sort();
        keys.dedup();
        let is_union = |map: &Map<String, Value>| map.contains_key("oneOf") || map.contains_key("anyOf");
        for key in keys {
            // It is compared by the alternatives that it selects.
            if key == "discriminator" && (is_union(old) || is_union(new)) {
                continue;
            }
            let (before, after) = (old.get(key), new.get(key));
            let key = key.as_str();
            if UNIONS.contains(&key) || NESTED[..3].contains(&key) && key != "required" || key == "items" {
                continue;
            }
            // Data, in which nothing is a reference, or a keyword whose schemas may refer to what changed.
            let is_data = is_annotation(key) || key == "required" || key == "default" || SCALARS.contains(&key);
            let is_unchanged = match (before, after) {
                (Some(was), Some(is)) if !is_data => self.known.same(was, is),
                (was, is) => was == is,
            };
            if is_unchanged {
                continue;
            }
            let lists = (before.and_then(Value::as_array), after.and_then(Value::as_array));
            let reordered = matches!(lists, (Some(a), Some(b)) if a.len() == b.len());
            let keyword = || Keyword::between(key, old, new);
            let (verdict, change) = match key {
                key if is_annotation(key) => (Verdict::Harmless, Change::Annotation(key.to_owned())),
                "enum" | "required"
                    if reordered && same(key, before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null)) =>
                {
                    (Verdict::Harmless, Change::Order(key.to_owned()))
                }
                "required" => continue,
                key if SCALARS.contains(&key) => continue,
                "default" if self.direction == Direction::Response || !at.optional => {
                    (Verdict::Harmless, Change::Keyword(keyword()))
                }
                "default" => (Verdict::Look, Change::Default(keyword())),
                // What the new server ignores, it may also refuse.
                "readOnly" if self.direction == Direction::Request && after == Some(&Value::Bool(true)) => {
                    (Verdict::Look, Change::ReadOnly)
                }
                "writeOnly" if self.direction == Direction::Response && after == Some(&Value::Bool(true)) => {
                    (Verdict::Look, Change::FieldRemoved)
                }
                "readOnly" | "writeOnly" => (Verdict::Harmless, Change::Keyword(keyword())),
                _ if before == after => (Verdict::Look, Change::Unknown(key.to_owned())),
                _ => (Verdict::Look, Change::UnknownKeyword(keyword())),
            };
            self.changed |= !matches!(change, Change::Annotation(_) | Change::Order(_));
            self.find(verdict, at, change);
        }
    }

    pub(crate) fn scalars(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &At) {
        let off = |value: Option<&Value>| value.filter(|v| **v != Value::Bool(false)).cloned();
        let changed: Vec<&str> = SCALARS
            .into_iter()
            .filter(|key| match (off(old.get(*key)), off(new.get(*key))) {
                (Some(a), Some(b)) => !same(key, &a, &b),
                (a, b) => a != b,
            })
            .collect();
        let Some(first) = changed.first() else { return };
        self.changed = true;
        let (producing, accepting) = self.pick(old, new);
        let producer = meaning::scalars(producing, self.producer().0);
        let consumer = meaning::scalars(accepting, self.consumer().0);
        let null =
            at.null.unwrap_or(Null { produced: meaning::nullable(producing), accepted: meaning::nullable(accepting) });
        let mut suspects: Vec<(&str, Value)> = consumer
            .iter()
            .filter(|(key, _)| !implied(&producer, &consumer, key))
            .map(|(key, wanted)| (key.as_str(), json!({ key: wanted })))
            .collect();
        if null.produced && !null.accepted {
            suspects.push(("nullable", json!({ "not": { "type": "null" } })));
        }
        let schema = Value::Object(producing.clone());
        let candidates =
            if suspects.is_empty() { Rc::default() } else { self.candidates(&schema, accepting, null.produced) };
        for key in &changed {
            let mine = |suspect: &str| suspect == *key || (key == first && !changed.contains(&suspect));
            let checks: Vec<&Value> = suspects
                .iter()
                .filter(|(suspect, _)| mine(as_described(suspect, &changed)))
                .map(|(_, check)| check)
                .collect();
            let change = Change::Keyword(Keyword::between(key, old, new));
            if checks.is_empty() {
                let unseen = *key == "enum" && self.direction == Direction::Response && gained(old, new);
                let verdict = if unseen { Verdict::Unseen } else { Verdict::Harmless };
                self.find(verdict, at, change);
                continue;
            }
            let fails = |check: &Value, value: &Value| {
                let check = validator(check);
                check.is_some_and(|check| !check.is_valid(value))
            };
            let witness = checks.iter().find_map(|check| {
                let isolated = |v: &&Value| (**check)["not"].is_object() || null.accepted || !v.is_null();
                self.prove(candidates.iter().filter(isolated).filter(|v| fails(check, v)), at)
            });
            self.suspect(witness, at, change);
        }
    }

    /// Values that the producing side may put here, on both sides of each limit of the other.
    pub(crate) fn candidates(&self, producing: &Value, accepting: &Map<String, Value>, null: bool) -> Rc<[Value]> {
        let hinting = Value::Object(accepting.clone()).to_string();
        let direction = self.direction;
        let wanted = Wanted { producing: producing.to_string(), accepting: Some(hinting), null, direction };
        self.known.candidates(wanted, || self.sampled(producing, accepting, null))
    }

    fn sampled(&self, producing: &Value, accepting: &Map<String, Value>, null: bool) -> Vec<Value> {
        let (role, root) = self.producer();
        let Some(whole) = self.whole(Node::new(root, producing), role) else { return Vec::new() };
        let mut hints = Hints::default();
        hints.add(&Value::Object(meaning::scalars(accepting, self.consumer().0)));
        if let Some(excluded) = accepting.get("not") {
            hints.add(excluded);
        }
        let Some(valid) = validator(&whole) else { return Vec::new() };
        let mut values = self.sample(&whole, hints);
        values.retain(|value| valid.is_valid(value) && (null || !value.is_null()));
        if null && !values.contains(&Value::Null) {
            values.push(Value::Null);
        }
        values
    }
}

/// The changed keyword that a keyword of JSON Schema stands for: there, an exclusive bound is the limit itself.
fn as_described<'k>(keyword: &'k str, changed: &[&str]) -> &'k str {
    match keyword {
        "exclusiveMinimum" if changed.contains(&"minimum") => "minimum",
        "exclusiveMaximum" if changed.contains(&"maximum") => "maximum",
        "minimum" if !changed.contains(&"minimum") => "exclusiveMinimum",
        "maximum" if !changed.contains(&"maximum") => "exclusiveMaximum",
        keyword => keyword,
    }
}

fn gained(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let list = |map: &Map<String, Value>| map.get("enum").and_then(Value::as_array).cloned();
    match (list(old), list(new)) {
        (Some(old), Some(new)) => new.iter().any(|value| !old.contains(value)),
        (old, _) => old.is_some(),
    }
}
