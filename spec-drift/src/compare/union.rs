//! Unions, and whatever else can only be compared as a whole.

use crate::{
    compare::{at::At, body::Body},
    document::{annotation::is_annotation, equal::same, node::Node, reference::resolve},
    report::{Change, Direction, Verdict},
    witness::{implied::validator, meaning},
};
use serde_json::{Map, Value};

/// Pairs of alternatives that are compared. No union written by people has more.
const MAX_PAIRS: usize = 1_000;

impl Body<'_> {
    pub(crate) fn union(&mut self, old: &Value, new: &Value, at: &At) {
        let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else { return };
        let rest = |map: &Map<String, Value>, key: &str| -> Map<String, Value> {
            map.iter().filter(|(k, _)| *k != key && !is_annotation(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        for key in ["oneOf", "anyOf"] {
            if let (Some(Value::Array(olds)), Some(Value::Array(news))) = (before.get(key), after.get(key))
                && rest(before, key) == rest(after, key)
                && olds.len() * news.len() <= MAX_PAIRS
            {
                let found = self.findings.len();
                self.alternatives(olds, news, at);
                // typify flattens an anyOf in its own way, so what passes here may fail there.
                if key == "anyOf"
                    && self.direction == Direction::Response
                    && self.findings[found..]
                        .iter()
                        .any(|f| f.verdict > Verdict::Look && f.verdict != Verdict::Harmless)
                {
                    self.find(Verdict::Look, at, Change::AnyOf);
                }
                if key == "oneOf" && self.direction == Direction::Response {
                    self.doubtful(olds, news, found, at);
                }
                return;
            }
        }
        if !same(Node::new(self.old, old), Node::new(self.new, new)) {
            self.changed = true;
            let (producing, accepting) = self.pick(old, new);
            self.opaque(&producing.clone(), &accepting.clone(), at, Change::Composition);
        }
    }

    /// An alternative's new field is unseen only if the client still recognises it as that alternative.
    fn doubtful(&mut self, olds: &[Value], news: &[Value], found: usize, at: &At) {
        if !self.findings[found..].iter().any(|f| f.verdict == Verdict::Unseen) {
            return;
        }
        let inline = |branch: &Value| {
            let properties = branch.get("properties").and_then(Value::as_object);
            let required = branch.get("required").and_then(Value::as_array);
            properties.is_some_and(|p| p.len() == 1) && required.is_some_and(|r| r.len() == 1)
        };
        if olds.iter().all(inline) {
            return self.find(Verdict::Look, at, Change::InlineAlternatives);
        }
        let names = |root: &Value, branch: &Value, key: &str| -> Vec<String> {
            match resolve(root, branch).get(key) {
                Some(Value::Object(map)) => map.keys().cloned().collect(),
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            }
        };
        for (n, (old, new)) in olds.iter().zip(news).enumerate() {
            let known = names(self.old, old, "properties");
            let gained: Vec<_> =
                names(self.new, new, "properties").into_iter().filter(|name| !known.contains(name)).collect();
            let earlier = olds[..n].iter().any(|other| {
                let required = names(self.old, other, "required");
                required.iter().any(|name| gained.contains(name))
            });
            if earlier {
                return self.find(Verdict::Look, at, Change::AlternativeMistakable);
            }
        }
    }

    /// Each alternative that is produced needs one that accepts it.
    fn alternatives(&mut self, olds: &[Value], news: &[Value], at: &At) {
        let (producing, accepting) = self.pick(olds, news);
        for (n, branch) in producing.iter().enumerate() {
            let mut nearest = None;
            // Try its counterpart first: alternatives usually change in place.
            let order = (n..accepting.len()).chain(0..n.min(accepting.len()));
            for m in order {
                let start = self.findings.len();
                let changed = self.changed;
                let (old, new) = self.pick(branch, &accepting[m]);
                self.schema(old, new, at);
                let found = self.findings.split_off(start);
                if found.iter().all(|f| f.verdict > Verdict::Look) {
                    nearest = Some(found);
                    break;
                }
                self.changed = changed;
                if m == n && olds.len() == news.len() {
                    nearest = Some(found);
                }
            }
            match nearest {
                Some(found) => {
                    self.changed |= found.iter().any(|f| !f.change.is_annotation());
                    self.findings.extend(found);
                }
                None => {
                    self.changed = true;
                    let candidates = self.candidates(branch, &Map::new(), false);
                    let witness = self.prove(candidates.iter(), at);
                    let change = match self.direction {
                        Direction::Request => Change::AlternativeRemoved,
                        Direction::Response => Change::AlternativeAdded,
                    };
                    self.suspect(witness, at, change);
                }
            }
        }
        if accepting.len() > producing.len() {
            self.changed = true;
            self.find(Verdict::Harmless, at, Change::AlternativesAccepted);
        }
    }

    /// Two schemas that can only be checked against each other by sampling.
    pub(crate) fn opaque(&mut self, producing: &Value, accepting: &Value, at: &At, change: Change) {
        let null = producing.as_object().is_some_and(meaning::nullable);
        let candidates = self.candidates(producing, accepting.as_object().unwrap_or(&Map::new()), null);
        let (role, root) = self.consumer();
        let check = validator(&meaning::whole(Node::new(root, accepting), role));
        let failing = candidates.iter().filter(|value| check.as_ref().is_some_and(|check| !check.is_valid(value)));
        let witness = self.prove(failing, at);
        self.suspect(witness, at, change);
    }
}
