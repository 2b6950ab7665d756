//! Unions, and whatever else can only be compared as a whole.

use crate::{
    compare::{at::At, body::Body},
    document::{
        annotation::is_annotation,
        discriminator::Discriminator,
        equal::same,
        flat::flat,
        node::Node,
        reference::{reference, resolve},
    },
    report::{Change, Direction, Keyword, Verdict},
    witness::{
        implied::validator,
        meaning::{self, Role},
        sample::{Hints, Sampler},
    },
};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Pairs of alternatives that are compared. No union written by people has more.
const MAX_PAIRS: usize = 10_000;
/// Values of an alternative that are tried on the others.
const MAX_TRIED: usize = 8;

/// One alternative of a union, or a schema that is no union.
struct Alternative {
    schema: Value,
    /// The name of the schema that it refers to.
    name: Option<String>,
    /// The values of the discriminator's field that select it.
    tags: BTreeSet<String>,
    /// The alternative together with its tags.
    tagged: Value,
}

/// A union taken apart.
struct Union {
    alternatives: Vec<Alternative>,
    /// The discriminator's field.
    field: Option<String>,
    nullable: bool,
}

impl Union {
    /// None if the schema can only be compared as a whole.
    fn of(node: Node) -> Option<Self> {
        let map = node.value.as_object()?;
        if ["allOf", "not"].iter().any(|key| map.contains_key(*key)) {
            return None;
        }
        let Some(key) = ["oneOf", "anyOf"].into_iter().find(|key| map.contains_key(*key)) else {
            let schema =
                Map::from_iter(map.iter().filter(|(k, _)| *k != "nullable").map(|(k, v)| (k.clone(), v.clone())));
            let schema = Value::Object(schema);
            let alternative = Alternative { tagged: schema.clone(), schema, name: None, tags: BTreeSet::new() };
            return Some(Self { alternatives: vec![alternative], field: None, nullable: meaning::nullable(map) });
        };
        let discriminator = Discriminator::of(node);
        let surrounding = |k: &str| !is_annotation(k) && !["nullable", "discriminator", key].contains(&k);
        let around: Map<String, Value> =
            map.iter().filter(|(k, _)| surrounding(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let mut alternatives = Vec::new();
        for branch in map[key].as_array()? {
            let schema = if around.is_empty() {
                branch.clone()
            } else {
                let both = json!({ "allOf": [around, branch] });
                let one = flat(node.with(&both)).into_owned();
                // What cannot be merged with its surroundings cannot be compared alone.
                one.get("allOf").is_none().then_some(one)?
            };
            let demand = discriminator.and_then(|discriminator| discriminator.demand(node.with(branch)));
            alternatives.push(Alternative {
                tagged: demand.map_or_else(|| schema.clone(), |demand| json!({ "allOf": [schema, demand] })),
                schema,
                name: reference(branch).map(str::to_owned),
                tags: discriminator.map(|discriminator| discriminator.tags(node.with(branch))).unwrap_or_default(),
            });
        }
        let field = map.get("discriminator").and_then(|node| node.get("propertyName")?.as_str()).map(str::to_owned);
        Some(Self { alternatives, field, nullable: meaning::nullable(map) })
    }
}

/// Whether only the producing side excludes values.
fn accepts_what_was_excluded(producing: &Value, accepting: &Value) -> bool {
    let mut rest = producing.clone();
    rest.as_object_mut().is_some_and(|map| map.remove("not").is_some()) && rest == *accepting
}

impl Body<'_> {
    pub(crate) fn union(&mut self, old: &Value, new: &Value, at: &At) {
        if same(Node::new(self.old, old), Node::new(self.new, new)) {
            return;
        }
        self.changed = true;
        let (producing, accepting) = self.pick(old, new);
        if accepts_what_was_excluded(producing, accepting) {
            return self.find(Verdict::Harmless, at, Change::Composition);
        }
        match (Union::of(Node::new(self.old, old)), Union::of(Node::new(self.new, new))) {
            (Some(was), Some(is)) if was.alternatives.len().saturating_mul(is.alternatives.len()) <= MAX_PAIRS => {
                self.exclusiveness(old, new, at);
                self.discriminators(&was, &is, old, new, at);
                let found = self.findings.len();
                self.alternatives(&was, &is, at);
                if self.direction == Direction::Response {
                    self.doubtful(old, new, found, at);
                    let found = &self.findings[found..];
                    let only_more = !found.is_empty() && found.iter().all(|finding| finding.verdict > Verdict::Look);
                    if only_more && self.known.is_mistakable(old, new, || self.is_mistakable(&was, &is)) {
                        self.find(Verdict::Look, at, Change::AlternativeMistakable);
                    }
                }
            }
            _ => self.opaque(&producing.clone(), &accepting.clone(), at, Change::Composition),
        }
    }

    /// A oneOf refuses what matches several alternatives, and an anyOf does not.
    fn exclusiveness(&mut self, old: &Value, new: &Value, at: &At) {
        let (producing, accepting) = self.pick(old, new);
        let Some(alternatives) = accepting.get("oneOf").and_then(Value::as_array) else { return };
        if producing.get("anyOf").is_some() && !self.have_different_types(alternatives) {
            self.find(Verdict::Look, at, Change::Exclusive);
        }
    }

    /// Whether the accepting side's alternatives cannot match the same value.
    fn have_different_types(&self, alternatives: &[Value]) -> bool {
        let (_, root) = self.consumer();
        let kind = |branch: &Value| match resolve(root, branch) {
            branch if branch.get("nullable") == Some(&true.into()) => None,
            branch => match branch.get("type")?.as_str()? {
                "integer" => Some("number".to_owned()),
                kind => Some(kind.to_owned()),
            },
        };
        let kinds: Option<BTreeSet<String>> = alternatives.iter().map(kind).collect();
        kinds.is_some_and(|kinds| kinds.len() == alternatives.len())
    }

    fn discriminators(&mut self, was: &Union, is: &Union, old: &Value, new: &Value, at: &At) {
        let unions = |schema: &Value| schema.get("oneOf").or_else(|| schema.get("anyOf")).is_some();
        if was.field != is.field && unions(old) && unions(new) {
            let keyword = |schema: &Value| schema.get("discriminator").cloned();
            let keyword = Keyword { name: "discriminator".to_owned(), old: keyword(old), new: keyword(new) };
            self.find(Verdict::Look, at, Change::UnknownKeyword(keyword));
        }
    }

    /// Each alternative that is produced needs one that accepts it.
    fn alternatives(&mut self, was: &Union, is: &Union, at: &At) {
        let (producing, accepting) = self.pick(was, is);
        if producing.nullable && !accepting.nullable && at.null.is_none_or(|null| null.produced && !null.accepted) {
            let witness = self.prove([Value::Null].iter(), at);
            let keyword =
                Keyword { name: "nullable".to_owned(), old: Some(was.nullable.into()), new: Some(is.nullable.into()) };
            self.suspect(witness, at, Change::Keyword(keyword));
        } else if producing.nullable != accepting.nullable {
            let keyword =
                Keyword { name: "nullable".to_owned(), old: Some(was.nullable.into()), new: Some(is.nullable.into()) };
            self.find(Verdict::Harmless, at, Change::Keyword(keyword));
        }
        for (n, branch) in producing.alternatives.iter().enumerate() {
            self.alternative(branch, n, accepting, producing.alternatives.len(), at);
        }
        if accepting.alternatives.len() > producing.alternatives.len() {
            self.find(Verdict::Harmless, at, Change::AlternativesAccepted);
        }
    }

    fn alternative(&mut self, branch: &Alternative, n: usize, accepting: &Union, of: usize, at: &At) {
        let others = &accepting.alternatives;
        let tagged = |other: &Alternative| !branch.tags.is_disjoint(&other.tags);
        let named = |other: &Alternative| branch.name.is_some() && branch.name == other.name;
        let counterpart = others
            .iter()
            .position(tagged)
            .or_else(|| others.iter().position(named))
            .or((of == 1 && others.len() == 1).then_some(0));
        // By position last: alternatives usually change in place.
        let rest = (n..others.len()).chain(0..n.min(others.len())).filter(|m| Some(*m) != counterpart);
        // With tags, the value belongs to its counterpart and to no other.
        let decided = counterpart.is_some_and(|m| tagged(&others[m]));
        let rest: Vec<usize> = if decided { Vec::new() } else { rest.collect() };
        let mut nearest = None;
        for m in counterpart.into_iter().chain(rest) {
            let (old, new) = self.pick(branch.schema.clone(), others[m].schema.clone());
            let attempt = self.attempt(|body| body.schema(&old, &new, at));
            let in_place = Some(m) == counterpart || (counterpart.is_none() && m == n && of == others.len());
            let worst = attempt.findings.iter().map(|finding| finding.verdict).min();
            let accepts = worst.is_none_or(|worst| worst > Verdict::Look);
            // Another alternative takes it for its own, and drops what it does not know.
            let mistaken = accepts && !in_place && attempt.findings.iter().any(|f| f.verdict == Verdict::Unseen);
            // The same schema, changed in a way that breaks nothing for certain: no other is a better match.
            let doubtful = named(&others[m]) && worst == Some(Verdict::Look);
            if accepts || in_place {
                nearest = Some(attempt);
            }
            if mistaken {
                self.find(Verdict::Look, at, self.lost());
            }
            if accepts || doubtful {
                break;
            }
        }
        let missing = branch.tags.iter().any(|tag| !others.iter().any(|other| other.tags.contains(tag)));
        let tags_matter = !branch.tags.is_empty() && others.iter().any(|other| !other.tags.is_empty());
        match nearest {
            Some(attempt) => {
                self.keep(attempt);
                if tags_matter && missing {
                    self.gone(branch, at);
                }
            }
            None => self.gone(branch, at),
        }
    }

    fn lost(&self) -> Change {
        match self.direction {
            Direction::Request => Change::AlternativeRemoved,
            Direction::Response => Change::AlternativeAdded,
        }
    }

    /// Nothing accepts the alternative.
    fn gone(&mut self, branch: &Alternative, at: &At) {
        let candidates = self.candidates(&branch.tagged, &Map::new(), false);
        let witness = self.prove(candidates.iter(), at);
        self.suspect(witness, at, self.lost());
    }

    /// An alternative's new field is unseen only if the client still recognises it as that alternative.
    fn doubtful(&mut self, old: &Value, new: &Value, found: usize, at: &At) {
        if !self.findings[found..].iter().any(|f| f.verdict == Verdict::Unseen) {
            return;
        }
        // typify flattens an anyOf in its own way, so what passes here may fail there.
        if old.get("anyOf").is_some() && new.get("anyOf").is_some() {
            return self.find(Verdict::Look, at, Change::AnyOf);
        }
        let inline = |branch: &Value| {
            let properties = branch.get("properties").and_then(Value::as_object);
            let required = branch.get("required").and_then(Value::as_array);
            properties.is_some_and(|p| p.len() == 1) && required.is_some_and(|r| r.len() == 1)
        };
        let list = |schema: &Value| schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
        let (olds, news) = (list(old), list(new));
        if !olds.is_empty() && olds.iter().all(inline) {
            return self.find(Verdict::Look, at, Change::InlineAlternatives);
        }
        let names = |root: &Value, branch: &Value, key: &str| -> Vec<String> {
            match resolve(root, branch).get(key) {
                Some(Value::Object(map)) => map.keys().cloned().collect(),
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            }
        };
        for (n, (old, new)) in olds.iter().zip(&news).enumerate() {
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

    /// The client takes the first alternative that accepts a value, so a new one may be taken for another.
    fn is_mistakable(&self, was: &Union, is: &Union) -> bool {
        if was.alternatives.len() < 2 {
            return false;
        }
        let decoders: Vec<Option<Validator>> = was
            .alternatives
            .iter()
            .map(|known| validator(&self.whole(Node::new(self.old, &known.schema), Role::ClientAccepts)?))
            .collect();
        let first = |value: &Value| {
            decoders.iter().position(|decoder| decoder.as_ref().is_some_and(|decoder| decoder.is_valid(value)))
        };
        let tried = |union: &Union, n: usize, root: &Value| -> BTreeSet<Option<usize>> {
            let whole = self.whole(Node::new(root, &union.alternatives[n].tagged), Role::ServerSends);
            let sample = |whole| Sampler::of_most(MAX_TRIED, whole, Hints::default()).samples(&whole["allOf"][0]);
            whole.as_ref().map(sample).unwrap_or_default().iter().map(first).collect()
        };
        is.alternatives.iter().enumerate().any(|(n, branch)| {
            let counterpart = was.alternatives.iter().position(|known| {
                !known.tags.is_disjoint(&branch.tags) || (known.name.is_some() && known.name == branch.name)
            });
            let Some(known) = counterpart else { return false };
            let before = tried(was, known, self.old);
            tried(is, n, self.new).iter().any(|taken| taken.is_some() && !before.contains(taken))
        })
    }

    /// Two schemas that can only be checked against each other by sampling.
    pub(crate) fn opaque(&mut self, producing: &Value, accepting: &Value, at: &At, change: Change) {
        let null = producing.as_object().is_some_and(meaning::nullable);
        let candidates = self.candidates(producing, accepting.as_object().unwrap_or(&Map::new()), null);
        let (role, root) = self.consumer();
        let check = self.whole(Node::new(root, accepting), role).and_then(|whole| validator(&whole));
        let failing = candidates.iter().filter(|value| check.as_ref().is_some_and(|check| !check.is_valid(value)));
        let witness = self.prove(failing, at);
        self.suspect(witness, at, change);
    }
}
