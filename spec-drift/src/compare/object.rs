//! The fields of an object: named, required, and additional.

use crate::{
    compare::{
        at::{At, Null, Step},
        body::Body,
    },
    document::{
        flat::flat,
        node::Node,
        reference::{reference, resolve},
    },
    report::{Change, Direction, Keyword, Verdict, token},
    witness::{
        meaning::{self, Extras, Role},
        sample::extra_name,
    },
};
use serde_json::{Map, Value, json};

impl Body<'_> {
    pub(crate) fn objects(&mut self, old: &Value, new: &Value, at: &At) {
        let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else { return };
        let parent = self.pick(old, new).0;
        let none = Map::new();
        let fields = |map: &'_ Map<String, Value>| map.get("properties").and_then(Value::as_object).cloned();
        let (old_fields, new_fields) = (fields(before), fields(after));
        let (old_fields, new_fields) = (old_fields.as_ref().unwrap_or(&none), new_fields.as_ref().unwrap_or(&none));
        let mut names: Vec<&String> =
            old_fields.keys().chain(new_fields.keys().filter(|n| !old_fields.contains_key(*n))).collect();
        names.sort();
        for name in names {
            self.requirement(name, before, after, at);
            let pointer = format!("{}{}", at.pointer, token(name));
            let up = Some((at, parent, Step::Field(name.clone())));
            match (old_fields.get(name), new_fields.get(name)) {
                (Some(old_field), Some(new_field)) => {
                    if self.withheld(self.old, old_field) && self.withheld(self.new, new_field) {
                        continue;
                    }
                    let null = Some(self.null((before, old_field), (after, new_field), name));
                    let optional = !meaning::required(self.old, before, Role::ClientSends).contains(&name.as_str());
                    self.schema(old_field, new_field, &At { pointer, up, null, optional });
                }
                (Some(field), None) => {
                    self.only_in_old(field, after, &At { pointer, up, null: None, optional: true });
                }
                (None, Some(field)) => {
                    let here = At { pointer, up, null: None, optional: true };
                    self.only_in_new(name, field, (before, after), &here);
                }
                (None, None) => {}
            }
        }
        // Required but not described: any value.
        for name in self.unnamed_requirements(before, after) {
            self.requirement(&name, before, after, at);
        }
        self.extras(before, after, at);
    }

    /// Whether a field is in no message of this direction.
    fn withheld(&self, root: &Value, field: &Value) -> bool {
        let flag = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        flat(Node::new(root, field).resolved()).get(flag) == Some(&true.into())
    }

    fn unnamed_requirements(&self, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
        let named =
            |name: &str| [old, new].iter().any(|map| map.get("properties").is_some_and(|p| p.get(name).is_some()));
        let lists = [old, new].map(|map| map.get("required").and_then(Value::as_array));
        let mut names: Vec<String> = lists
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|n| !named(n))
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether the field is required, on either side.
    fn requirement(&mut self, name: &str, old: &Map<String, Value>, new: &Map<String, Value>, at: &At) {
        let listed = |map: &Map<String, Value>| {
            map.get("required").and_then(Value::as_array).is_some_and(|list| list.iter().any(|n| n == name))
        };
        let ((producer, produced), (consumer, accepted)) = (self.producer(), self.consumer());
        let (producing, accepting) = self.pick(old, new);
        let demanded = meaning::required(accepted, accepting, consumer).contains(&name);
        let assured = meaning::required(produced, producing, producer).contains(&name);
        let (before, after) = (listed(old), listed(new));
        // What the other side lacked before is not drift.
        let lacked = match self.direction {
            Direction::Request => meaning::required(self.old, old, Role::ServerAccepts).contains(&name),
            Direction::Response => !meaning::required(self.old, old, Role::ServerSends).contains(&name),
        };
        if before == after && (demanded == assured || lacked) {
            return;
        }
        let here = At::root(&format!("{}{}", at.pointer, token(name)), true);

        let gone = |map: &Map<String, Value>| map.get("properties").is_none_or(|p| p.get(name).is_none());
        self.changed = true;
        if demanded && !assured {
            let schema = Value::Object(producing.clone());
            let candidates = self.candidates(&schema, accepting, false);
            let witness = self.prove(candidates.iter().filter(|v| v.is_object() && v.get(name).is_none()), at);
            let change = match (after, gone(old), gone(new)) {
                (true, true, _) => Change::NewAndRequired,
                (true, false, true) => Change::GoneAndRequired,
                (true, false, false) => Change::Required,
                (false, _, true) => Change::FieldRemoved,
                (false, _, false) => Change::Optional,
            };
            self.suspect(witness, &here, change);
        } else if !gone(old) && !gone(new) {
            self.find(Verdict::Harmless, &here, if after { Change::Required } else { Change::Optional });
        }
    }

    fn only_in_old(&mut self, field: &Value, after: &Map<String, Value>, here: &At) {
        self.changed = true;
        if self.withheld(self.old, field) {
            return self.find(Verdict::Harmless, here, Change::NotNamed);
        }
        if self.direction == Direction::Response {
            return match meaning::extras(after, Role::ServerSends) {
                Extras::Schema(extra) => self.opaque(extra, field, here, Change::FieldBecameExtra),
                _ => self.find(Verdict::Look, here, Change::FieldRemoved),
            };
        }
        match meaning::extras(after, Role::ServerAccepts) {
            Extras::None => self.refused(field, here, Change::FieldForbidden),
            Extras::Schema(extra) => self.opaque(field, extra, here, Change::FieldBecameExtra),
            Extras::Any => {
                self.find(Verdict::Unseen, here, Change::NotNamed);
            }
        }
    }

    fn only_in_new(
        &mut self,
        name: &str,
        field: &Value,
        (before, after): (&Map<String, Value>, &Map<String, Value>),
        here: &At,
    ) {
        self.changed = true;
        if self.direction == Direction::Request {
            return match meaning::extras(before, Role::ClientSends) {
                // `requirement` has reported it.
                _ if meaning::required(self.new, after, Role::ServerAccepts).contains(&name) => {}
                Extras::None => self.find(Verdict::Harmless, here, Change::NotSent),
                Extras::Schema(extra) => self.opaque(extra, field, here, Change::ExtraBecameField),
                Extras::Any => self.opaque(&json!({}), field, here, Change::ExtraBecameField),
            };
        }
        match meaning::extras(before, Role::ClientAccepts) {
            Extras::None => self.refused(field, here, Change::FieldUnexpected),
            Extras::Schema(extra) => {
                self.opaque(field, extra, here, Change::FieldReadAsExtra);
            }
            Extras::Any if !before.contains_key("properties") => {
                self.find(Verdict::Harmless, here, Change::FieldNamed);
            }
            Extras::Any => self.find(Verdict::Unseen, here, Change::FieldAdded),
        }
    }

    /// A field that the other side refuses, whatever its value.
    fn refused(&mut self, field: &Value, here: &At, change: Change) {
        let candidates = self.candidates(field, &Map::new(), false);
        let witness = self.prove(candidates.iter(), here);
        self.suspect(witness, here, change);
    }

    fn null(
        &self,
        (old, old_field): (&Map<String, Value>, &Value),
        (new, new_field): (&Map<String, Value>, &Value),
        name: &str,
    ) -> Null {
        let side = |role: Role, root: &Value, map: &Map<String, Value>, field: &Value| {
            let optional = !meaning::required(root, map, role).contains(&name);
            let target = resolve(root, field);
            let own = target.as_object().is_some_and(meaning::nullable);
            let default = target.get("default").is_some_and(|d| !d.is_null());
            match role {
                // Absent and null are the same Option, which is left out.
                Role::ClientSends => own && (!optional || default || reference(field).is_some()),
                role => own || meaning::null_in_place(Node::new(root, field), optional, role),
            }
        };
        let ((producer, _), (consumer, _)) = (self.producer(), self.consumer());
        match self.direction {
            Direction::Request => Null {
                produced: side(producer, self.old, old, old_field),
                accepted: side(consumer, self.new, new, new_field),
            },
            Direction::Response => Null {
                produced: side(producer, self.new, new, new_field),
                accepted: side(consumer, self.old, old, old_field),
            },
        }
    }

    /// Additional fields.
    fn extras(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &At) {
        let sent = self.direction == Direction::Request;
        let raw = |map: &Map<String, Value>| match map.get("additionalProperties") {
            None => Value::Bool(true),
            Some(Value::Object(object)) if object.is_empty() && !sent => Value::Bool(true),
            Some(value) => value.clone(),
        };
        let (was, is) = (raw(old), raw(new));
        let here = At::root(&format!("{}/{}", at.pointer, extra_name(0)), true);
        let (producing, accepting) = self.pick(old, new);
        if let (Value::Object(_), Value::Object(_)) = (&was, &is) {
            let parent = Value::Object(producing.clone());
            let up = Some((at, &parent, Step::Field(extra_name(0))));
            return self.schema(&was, &is, &At { up, ..here });
        }
        if was == is {
            return;
        }
        self.changed = true;
        let produced = meaning::extras(producing, self.producer().0);
        let accepted = meaning::extras(accepting, self.consumer().0);
        let change = Change::Keyword(Keyword {
            name: "additionalProperties".to_owned(),
            old: Some(was.clone()),
            new: Some(is.clone()),
        });
        let unseen =
            self.direction == Direction::Response && old.contains_key("properties") && matches!(accepted, Extras::Any);
        match (produced, accepted) {
            (Extras::None, _) | (_, Extras::Any) => {
                let verdict = if unseen && is.is_object() { Verdict::Unseen } else { Verdict::Harmless };
                self.find(verdict, &here, change);
            }
            _ => {
                let schema = Value::Object(producing.clone());
                let candidates = self.candidates(&schema, accepting, false);
                let witness = self.prove(
                    candidates.iter().filter(|v| v.get(extra_name(0)).is_some() || v.get(extra_name(1)).is_some()),
                    at,
                );
                self.suspect(witness, &here, change);
            }
        }
    }
}
