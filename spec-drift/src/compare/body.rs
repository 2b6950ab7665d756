//! One message body: what produces it, what accepts it, the findings, and their proof.

use crate::{
    compare::{
        at::{At, Step},
        known::{Known, Wanted, size},
    },
    document::node::Node,
    report::{Change, Direction, Finding, Place, Verdict, Witness},
    witness::{
        implied::validator,
        meaning::{self, Role},
        sample::{Hints, Sampler},
    },
};
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;
use std::{
    cell::{Cell, OnceCell},
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    rc::Rc,
};

/// Places visited in one body. Layered schemas that refer to each other can have astronomically many.
pub(crate) const MAX_PLACES: usize = 2_000;
/// Places visited in one body before a component that was reported is no longer compared at each of its places.
const MAX_REPEATING: usize = 200;
/// Values tried for one proof.
const MAX_TRIES: usize = 60;
/// JSON values in all samples for one body, with those inside them. Beyond it, each schema gets only two samples.
const MAX_MADE: usize = 500_000;
/// Messages built around one value.
const MAX_AROUND: usize = 4;

pub(crate) struct Body<'a> {
    pub(crate) old: &'a Value,
    pub(crate) new: &'a Value,
    pub(crate) direction: Direction,
    pub(crate) findings: Vec<Finding>,
    /// Something other than descriptive text changed.
    pub(crate) changed: bool,
    pub(crate) known: &'a Known<'a>,
    place: Place,
    /// The client may leave it out, and does so instead of sending null.
    optional: bool,
    /// The component that the walk is in.
    pub(crate) within: Option<Within>,
    old_schema: &'a Value,
    new_schema: &'a Value,
    sides: OnceCell<Sides>,
    open: HashSet<u64>,
    clean: HashSet<u64>,
    /// Components whose findings are among those of the body, and need not be found again.
    reported: Reported,
    places: usize,
    bounded: Cell<bool>,
    made: Cell<usize>,
}

/// A component, and how long the pointer into the message was where the walk entered it.
#[derive(Clone)]
pub(crate) struct Within {
    pub(crate) reference: String,
    pub(crate) from: usize,
}

/// The message as each side knows it. Only a suspect needs it.
struct Sides {
    produced: Value,
    valid: Option<Validator>,
    accepted: Option<Validator>,
    /// The other side of the old document: what could already fail is not drift.
    before: Option<Validator>,
}

/// A value that matches several alternatives of a oneOf. Only a validator refuses it: other servers take the first, or
/// look at a field.
fn is_ambiguous(error: &ValidationError) -> bool {
    matches!(error.kind(), ValidationErrorKind::OneOfMultipleValid { .. })
}

/// A place that is being visited.
pub(crate) struct Visit {
    pair: u64,
    is_component: bool,
    findings: usize,
    repeats: usize,
}

/// Components with findings.
#[derive(Default)]
struct Reported {
    pairs: HashSet<u64>,
    /// The same, in the order in which they were found.
    order: Vec<u64>,
    /// How often one was met again.
    repeats: usize,
}

/// What one alternative of a union gives, if it is the one that counts.
pub(crate) struct Attempt {
    pub(crate) findings: Vec<Finding>,
    components: Vec<u64>,
}

impl<'a> Body<'a> {
    pub(crate) fn new(old: Node<'a>, new: Node<'a>, known: &'a Known<'a>, place: Place, optional: bool) -> Self {
        Self {
            old: old.root,
            new: new.root,
            direction: place.direction.unwrap_or(Direction::Request),
            findings: Vec::new(),
            changed: false,
            known,
            place,
            optional,
            within: None,
            old_schema: old.value,
            new_schema: new.value,
            sides: OnceCell::new(),
            open: HashSet::new(),
            clean: HashSet::new(),
            reported: Reported::default(),
            places: 0,
            bounded: Cell::new(false),
            made: Cell::new(0),
        }
    }

    fn sides(&self) -> &Sides {
        self.sides.get_or_init(|| {
            let old = Node::new(self.old, self.old_schema);
            let new = Node::new(self.new, self.new_schema);
            let (produced, accepted, before) = match self.direction {
                Direction::Request => (
                    meaning::whole(old, Role::ClientSends),
                    meaning::whole(new, Role::ServerAccepts),
                    meaning::whole(old, Role::ServerAccepts),
                ),
                Direction::Response => (
                    meaning::whole(new, Role::ServerSends),
                    meaning::whole(old, Role::ClientAccepts),
                    meaning::whole(old, Role::ServerSends),
                ),
            };
            self.known.spend(size(&produced) + size(&accepted) + size(&before));
            Sides { valid: validator(&produced), accepted: validator(&accepted), before: validator(&before), produced }
        })
    }

    pub(crate) fn producer(&self) -> (Role, &'a Value) {
        match self.direction {
            Direction::Request => (Role::ClientSends, self.old),
            Direction::Response => (Role::ServerSends, self.new),
        }
    }

    pub(crate) fn consumer(&self) -> (Role, &'a Value) {
        match self.direction {
            Direction::Request => (Role::ServerAccepts, self.new),
            Direction::Response => (Role::ClientAccepts, self.old),
        }
    }

    /// Orders old and new as the producing side and the accepting side.
    pub(crate) fn pick<T>(&self, old: T, new: T) -> (T, T) {
        match self.direction {
            Direction::Request => (old, new),
            Direction::Response => (new, old),
        }
    }

    /// None for a place inside itself, one already found unchanged, or a component that was already reported.
    pub(crate) fn enter(&mut self, old: &Value, new: &Value, at: &At, is_component: bool) -> Option<Visit> {
        let mut hasher = DefaultHasher::new();
        (old.to_string(), new.to_string(), at.null.map(|null| (null.produced, null.accepted))).hash(&mut hasher);
        let pair = hasher.finish();
        if is_component && self.places > MAX_REPEATING && self.reported.pairs.contains(&pair) {
            self.reported.repeats += 1;
            return None;
        }
        self.places += 1;
        if self.places > MAX_PLACES {
            if self.places == MAX_PLACES + 1 {
                self.find(Verdict::Look, at, Change::TooManyPlaces(MAX_PLACES));
            }
            return None;
        }
        let (findings, repeats) = (self.findings.len(), self.reported.repeats);
        (!self.clean.contains(&pair) && self.open.insert(pair)).then_some(Visit {
            pair,
            is_component,
            findings,
            repeats,
        })
    }

    pub(crate) fn leave(&mut self, visit: Visit) {
        self.open.remove(&visit.pair);
        if (self.findings.len(), self.reported.repeats) == (visit.findings, visit.repeats) {
            self.clean.insert(visit.pair);
        } else if visit.is_component && self.reported.pairs.insert(visit.pair) {
            self.reported.order.push(visit.pair);
        }
    }

    /// What a comparison finds, which does not count yet.
    pub(crate) fn attempt(&mut self, compare: impl FnOnce(&mut Self)) -> Attempt {
        let (findings, components) = (self.findings.len(), self.reported.order.len());
        compare(self);
        let components = self.reported.order.split_off(components);
        for pair in &components {
            self.reported.pairs.remove(pair);
        }
        Attempt { findings: self.findings.split_off(findings), components }
    }

    pub(crate) fn keep(&mut self, attempt: Attempt) {
        self.findings.extend(attempt.findings);
        self.reported.pairs.extend(&attempt.components);
        self.reported.order.extend(attempt.components);
    }

    pub(crate) fn find(&mut self, verdict: Verdict, at: &At, change: Change) {
        self.push(Finding::new(verdict, self.place.at(&at.pointer), change));
    }

    /// A suspected break: it breaks if there is a proof, and needs a look otherwise.
    pub(crate) fn suspect(&mut self, witness: Option<Witness>, at: &At, change: Change) {
        let place = self.place.at(&at.pointer);
        self.push(match witness {
            Some(witness) => Finding::breaks(place, change, witness),
            None => Finding::new(Verdict::Look, place, Change::Unproven(Box::new(change))),
        });
    }

    fn push(&mut self, mut finding: Finding) {
        if let Some(within) = &self.within
            && let Some(pointer) = finding.place.pointer.get(within.from..)
        {
            finding.schema = Some(format!("{}{pointer}", within.reference));
        }
        self.findings.push(finding);
    }

    /// A schema with everything that it refers to, unless too much was spent on proofs.
    pub(crate) fn whole(&self, schema: Node, role: Role) -> Option<Value> {
        if !self.known.can_prove() {
            self.bounded.set(true);
            return None;
        }
        let whole = meaning::whole(schema, role);
        self.known.spend(size(&whole));
        Some(whole)
    }

    pub(crate) fn sample(&self, whole: &Value, hints: Hints) -> Vec<Value> {
        let spent = self.made.get() > MAX_MADE;
        let sampler = if spent { Sampler::of_most(2, whole, hints) } else { Sampler::new(whole, hints) };
        let values = sampler.samples(&whole["allOf"][0]);
        self.made.set(self.made.get() + sampler.made());
        self.known.spend(sampler.made());
        self.bounded.set(self.bounded.get() | sampler.bounded());
        values
    }

    /// The first value that makes a message that one side produces and the other does not accept.
    pub(crate) fn prove<'v>(&self, values: impl Iterator<Item = &'v Value>, at: &At) -> Option<Witness> {
        values.take(MAX_TRIES).flat_map(|value| self.around(value.clone(), at)).find_map(|message| self.fails(message))
    }

    fn fails(&self, message: Value) -> Option<Witness> {
        let (valid, accepted) = (self.sides().valid.as_ref()?, self.sides().accepted.as_ref()?);
        if !valid.is_valid(&message) || self.failed_before(&message) {
            return None;
        }
        let error = accepted.iter_errors(&message).next().filter(|error| !is_ambiguous(error))?;
        let side = match self.direction {
            Direction::Request => "the server refuses it",
            Direction::Response => "the client cannot decode it",
        };
        let reason = format!("{side}: at '{}': {error}", error.instance_path());
        Some(Witness::new(message, reason))
    }

    /// Whether the same failure was possible with the old document alone.
    fn failed_before(&self, message: &Value) -> bool {
        self.sides()
            .before
            .as_ref()
            .is_some_and(|before| before.is_valid(message) == (self.direction == Direction::Response))
    }

    /// Messages with the value at its place.
    fn around(&self, value: Value, at: &At) -> Vec<Value> {
        let Some((up, parent, step)) = &at.up else { return vec![value] };
        let inner: Vec<Value> = match step {
            Step::Item => {
                let least = parent.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 64);
                vec![vec![value; least as usize].into()]
            }
            Step::Field(name) => {
                let mut objects = self.objects_of(parent).to_vec();
                objects.iter_mut().for_each(|object| object[name] = value.clone());
                objects
            }
        };
        inner.into_iter().flat_map(|value| self.around(value, up)).take(MAX_AROUND).collect()
    }

    fn objects_of(&self, parent: &Value) -> Rc<[Value]> {
        let wanted = Wanted { producing: parent.to_string(), accepting: None, null: false, direction: self.direction };
        self.known.candidates(wanted, || {
            let (role, root) = self.producer();
            let Some(whole) = self.whole(Node::new(root, parent), role) else { return Vec::new() };
            let sampler = Sampler::of_most(2, &whole, Hints::default());
            sampler.samples(&whole["allOf"][0]).into_iter().filter(Value::is_object).collect()
        })
    }

    /// Samples the whole body, as a safety net under the keyword comparison.
    pub(crate) fn finish(&mut self) {
        if !self.changed {
            return;
        }
        let at = At::root(&self.place.pointer, false);
        if !self.known.can_prove() {
            return self.find(Verdict::Look, &at, Change::Bounded);
        }
        let samples = self.sample(&self.sides().produced, Hints::default());
        let (Some(valid), Some(accepted)) = (&self.sides().valid, &self.sides().accepted) else {
            if self.has_unproven() {
                self.find(Verdict::Look, &at, Change::UnreadablePattern);
            }
            return;
        };
        let is_sent = |value: &Value| valid.is_valid(value) && !(self.optional && value.is_null());
        let samples: Vec<Value> = samples.into_iter().filter(is_sent).collect();
        let none = samples.is_empty();
        let refused = samples.into_iter().filter(|sample| !self.failed_before(sample)).filter_map(|sample| {
            let error = accepted.iter_errors(&sample).next()?;
            let pointer = format!("{}{}", self.place.pointer, error.instance_path());
            let ambiguous = is_ambiguous(&error);
            drop(error);
            Some((sample, pointer, ambiguous))
        });
        for (sample, pointer, ambiguous) in refused.collect::<Vec<_>>() {
            // A component that was met again may fail at any of its places.
            let known = |f: &Finding| {
                (f.verdict == Verdict::Breaks || f.change == Change::Ambiguous)
                    && (self.reported.repeats > 0
                        || f.place.pointer.starts_with(&pointer)
                        || pointer.starts_with(&f.place.pointer))
            };
            if !self.findings.iter().any(known) {
                let at = At::root(&pointer, false);
                if ambiguous {
                    self.find(Verdict::Look, &at, Change::Ambiguous);
                    continue;
                }
                let witness = self.fails(sample);
                self.suspect(witness, &at, Change::Mismatch);
                return self.say_bounds(none);
            }
        }
        self.say_bounds(none);
    }

    /// Whether samples were needed: what follows from the keywords alone is certain without them.
    fn has_unproven(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.change, Change::Unproven(_)))
    }

    fn say_bounds(&mut self, none: bool) {
        if !self.has_unproven() {
            return;
        }
        let at = At::root(&self.place.pointer, false);
        if none {
            self.find(Verdict::Look, &at, Change::NoSample);
        } else if self.bounded.get() {
            self.find(Verdict::Look, &at, Change::Bounded);
        }
    }
}
