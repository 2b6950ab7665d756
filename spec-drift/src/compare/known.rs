//! What two documents have in common, so that it is compared once or not at all.

use crate::{
    document::reference::{self, resolve, target},
    report::{Direction, Finding},
};
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// Values visited to find what is unchanged. Beyond it, which nothing written by people needs, the rest counts as changed.
const MAX_STEPS: usize = 20_000_000;
/// JSON values, with those inside them, in all schemas and samples that prove something, however often they are made. Each may
/// refer to the whole description, and each operation to all of them.
const MAX_PROOF: usize = 25_000_000;
/// JSON values that are kept, because other operations may need them.
const MAX_KEPT: usize = 300_000;

pub(crate) struct Known<'a> {
    /// References that lead to the same in both documents, as does whatever that refers to.
    unchanged: HashSet<&'a str>,
    compared: RefCell<HashMap<Compared, Vec<Finding>>>,
    mistakable: RefCell<HashMap<Unions, bool>>,
    candidates: RefCell<HashMap<Wanted, Rc<[Value]>>>,
    kept: Cell<usize>,
    spent: Cell<usize>,
}

/// What values are for.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) producing: String,
    /// None if they only surround what is refused.
    pub(crate) accepting: Option<String>,
    pub(crate) null: bool,
    pub(crate) direction: Direction,
}

/// Two schemas in the same role.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Compared {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) direction: Option<Direction>,
    pub(crate) pointer: String,
    pub(crate) optional: bool,
}

/// A union in both documents, as it is written.
#[derive(PartialEq, Eq, Hash)]
struct Unions {
    old: String,
    new: String,
}

impl<'a> Known<'a> {
    pub(crate) fn between(old: &'a Value, new: &'a Value) -> Self {
        Self {
            unchanged: unchanged(old, new),
            compared: RefCell::default(),
            mistakable: RefCell::default(),
            candidates: RefCell::default(),
            kept: Cell::default(),
            spent: Cell::default(),
        }
    }

    /// Whether two nodes are the same, with everything that they refer to.
    pub(crate) fn same(&self, old: &Value, new: &Value) -> bool {
        old == new && references(old).iter().all(|reference| self.unchanged.contains(reference))
    }

    /// The findings of a comparison, which is made unless an operation before this one has made it.
    pub(crate) fn findings(&self, compared: Compared, compare: impl FnOnce() -> Vec<Finding>) -> Vec<Finding> {
        if let Some(known) = self.compared.borrow().get(&compared) {
            return known.clone();
        }
        let findings = compare();
        self.compared.borrow_mut().insert(compared, findings.clone());
        findings
    }

    /// Values for a proof, which are made unless they were made before.
    pub(crate) fn candidates(&self, wanted: Wanted, make: impl FnOnce() -> Vec<Value>) -> Rc<[Value]> {
        if let Some(known) = self.candidates.borrow().get(&wanted) {
            return known.clone();
        }
        let made: Rc<[Value]> = make().into();
        let kept = self.kept.get() + made.iter().map(size).sum::<usize>();
        if kept <= MAX_KEPT {
            self.kept.set(kept);
            self.candidates.borrow_mut().insert(wanted, made.clone());
        }
        made
    }

    /// Whether more may be tried to prove something.
    pub(crate) fn can_prove(&self) -> bool {
        self.spent.get() < MAX_PROOF
    }

    /// Counts what a proof has cost.
    pub(crate) fn spend(&self, cost: usize) {
        self.spent.set(self.spent.get().saturating_add(cost));
    }

    /// Whether one alternative of a union may be taken for another, which is costly to find out.
    pub(crate) fn is_mistakable(&self, old: &Value, new: &Value, find_out: impl FnOnce() -> bool) -> bool {
        let unions = Unions { old: old.to_string(), new: new.to_string() };
        if let Some(known) = self.mistakable.borrow().get(&unions) {
            return *known;
        }
        let found = find_out();
        self.mistakable.borrow_mut().insert(unions, found);
        found
    }
}

fn references(node: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        found.extend(reference::reference(node));
        match node {
            Value::Object(map) => waiting.extend(map.values()),
            Value::Array(list) => waiting.extend(list),
            _ => {}
        }
    }
    found
}

fn unchanged<'a>(old: &'a Value, new: &'a Value) -> HashSet<&'a str> {
    let mut steps = 0;
    let mut unchanged = HashSet::new();
    let mut changed = Vec::new();
    let mut users: HashMap<&str, Vec<&str>> = HashMap::new();
    let all: HashSet<&str> = references(old).into_iter().collect();
    for reference in all {
        let was = target(old, reference).filter(|was| steps < MAX_STEPS && Some(*was) == target(new, reference));
        // A circle of nothing but references leads nowhere.
        let Some(was) = was.filter(|was| reference::reference(resolve(old, was)).is_none()) else {
            changed.push(reference);
            continue;
        };
        steps += size(was);
        unchanged.insert(reference);
        for used in references(was) {
            users.entry(used).or_default().push(reference);
        }
    }
    while let Some(reference) = changed.pop() {
        let users = users.remove(reference).into_iter().flatten();
        changed.extend(users.filter(|user| unchanged.remove(user)));
    }
    unchanged
}

/// The values in a value, and itself.
pub(crate) fn size(node: &Value) -> usize {
    let mut count = 0;
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        count += 1;
        match node {
            Value::Object(map) => waiting.extend(map.values()),
            Value::Array(list) => waiting.extend(list),
            _ => {}
        }
    }
    count
}
