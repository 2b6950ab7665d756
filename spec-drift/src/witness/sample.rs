//! Values that one side of a message may produce: the smallest, the fullest, and one for each possible difference.

use crate::witness::{
    format,
    implied::validator,
    merge::{ALSO, merge},
    pattern,
};
use serde_json::{Map, Number, Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
};

/// Nested schemas, of which a field takes about four: deeper than any description that people write.
pub(crate) const MAX_DEPTH: usize = 64;
/// Samples of one schema. A body of a hundred fields with a handful of values each stays below it.
pub(crate) const MAX_SAMPLES: usize = 500;
/// Elements of a list and characters of a string that are tried freely.
const MAX_LENGTH: u64 = 4_096;
/// Bytes of longer values in one set of samples. Limits beyond it are tested only at their lower end.
const MAX_LONG: usize = 8 * 1024 * 1024;
/// Samples that each alternative of a union gets, however many there are.
const MIN_SHARE: usize = 4;
/// Repeated visits to the same definition within one value.
const MAX_VISITS: usize = 2;
/// JSON values in one set of samples, with those inside them. Beyond it, each schema gets only two samples.
const MAX_MADE: usize = 200_000;
/// Schemas visited for one set of samples. This keeps a wide and deep description from taking minutes.
const MAX_STEPS: usize = 5_000;

/// Makes samples of a JSON Schema.
pub(crate) struct Sampler<'a> {
    definitions: &'a Value,
    /// Numbers, lengths and texts that matter to the other side.
    hints: Hints,
    /// Samples of each schema.
    most: usize,
    made: Cell<usize>,
    scalars: RefCell<HashMap<String, Vec<Value>>>,
    bounded: Cell<bool>,
    steps: Cell<usize>,
    long: Cell<usize>,
}

/// What the two sides mention, so that samples fall on both sides of every limit.
#[derive(Default)]
pub(crate) struct Hints {
    numbers: Vec<f64>,
    steps: Vec<f64>,
    lengths: Vec<u64>,
    texts: Vec<Value>,
    patterns: Vec<String>,
    formats: Vec<String>,
}

impl Hints {
    pub(crate) fn add(&mut self, schema: &Value) {
        let Some(map) = schema.as_object() else { return };
        for (key, value) in map {
            match (key.as_str(), value) {
                ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", v) => self.numbers.extend(v.as_f64()),
                ("multipleOf", v) => {
                    self.numbers.extend(v.as_f64());
                    self.steps.extend(v.as_f64());
                }
                ("minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties", v) => {
                    self.lengths.extend(v.as_u64())
                }
                ("enum", Value::Array(list)) => self.texts.extend(list.iter().cloned()),
                ("pattern", Value::String(p)) => self.patterns.push(p.clone()),
                ("format", Value::String(f)) => self.formats.push(f.clone()),
                ("anyOf" | "allOf", Value::Array(list)) => list.iter().for_each(|schema| self.add(schema)),
                _ => {}
            }
        }
    }
}

impl<'a> Sampler<'a> {
    /// `whole` is a schema with its `$defs`.
    pub(crate) fn new(whole: &'a Value, hints: Hints) -> Self {
        Self {
            definitions: &whole["$defs"],
            hints,
            most: MAX_SAMPLES,
            made: Cell::new(0),
            scalars: RefCell::default(),
            bounded: Cell::new(false),
            steps: Cell::new(0),
            long: Cell::new(0),
        }
    }

    /// At most so many samples of each schema: two are the smallest and the fullest.
    pub(crate) fn of_most(most: usize, whole: &'a Value, hints: Hints) -> Self {
        Self { most, ..Self::new(whole, hints) }
    }

    /// JSON values made so far, with those inside them.
    pub(crate) fn made(&self) -> usize {
        self.made.get()
    }

    fn most(&self) -> usize {
        if self.made.get() > MAX_MADE { self.most.min(2) } else { self.most }
    }

    /// Whether a bound was hit, so that the samples are not exhaustive.
    pub(crate) fn bounded(&self) -> bool {
        self.bounded.get()
    }

    pub(crate) fn samples(&self, schema: &Value) -> Vec<Value> {
        self.values(schema, &mut Vec::new())
    }

    fn values(&self, schema: &Value, path: &mut Vec<String>) -> Vec<Value> {
        self.steps.set(self.steps.get() + 1);
        if path.len() >= MAX_DEPTH || self.steps.get() > MAX_STEPS {
            self.bounded.set(true);
            return Vec::new();
        }
        let Some(map) = schema.as_object().filter(|map| !map.is_empty()) else {
            return match schema {
                Value::Bool(false) => Vec::new(),
                _ => vec![
                    json!("any"),
                    json!(7),
                    json!(1.5),
                    json!(true),
                    json!({ "any": "any" }),
                    json!(["any"]),
                    Value::Null,
                ],
            };
        };
        if let Some(name) = map.get("$ref").and_then(Value::as_str) {
            let name = name.trim_start_matches("#/$defs/");
            if path.iter().filter(|seen| *seen == name).count() >= MAX_VISITS {
                self.bounded.set(true);
                return Vec::new();
            }
            path.push(name.to_owned());
            let values = self.values(&self.definitions[name], path);
            path.pop();
            return values;
        }
        path.push(String::new());
        let mut values = self.local(map, path);
        path.pop();
        if values.len() > self.most() {
            self.bounded.set(true);
            values.truncate(self.most());
        }
        self.made.set(self.made.get() + values.iter().map(size).sum::<usize>());
        values
    }

    fn local(&self, map: &Map<String, Value>, path: &mut Vec<String>) -> Vec<Value> {
        // A schema with parts is sampled as the one schema that demands all of them.
        if let Some(parts) = map.get("allOf").and_then(Value::as_array) {
            let mut whole = map.clone();
            whole.remove("allOf");
            return self.with_parts(whole, parts, path);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(branches) = map.get(key).and_then(Value::as_array) {
                return self.alternatives(map, key, branches, path);
            }
        }
        if let Some(list) = map.get("enum").and_then(Value::as_array) {
            return valid(map, list.iter().filter(|value| fits(map, value)).cloned().collect());
        }
        let kinds: Vec<&str> = match map.get("type") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(kind) => kind.as_str().into_iter().collect(),
            None if map.contains_key("properties") || map.contains_key("required") => vec!["object"],
            None if map.contains_key("items") => vec!["array"],
            None => vec!["string", "integer", "number", "boolean", "object", "array", "null"],
        };
        let mut values: Vec<Value> = kinds
            .into_iter()
            .flat_map(|kind| match kind {
                "object" => self.objects(map, path),
                "array" => self.arrays(map, path),
                "string" | "integer" | "number" => self.scalars(map, kind),
                "boolean" => vec![true.into(), false.into()],
                "null" => vec![Value::Null],
                _ => Vec::new(),
            })
            .collect();
        if let Some(check) = map.get("not").filter(|not| !not.to_string().contains("$ref")).and_then(validator) {
            values.retain(|value| !check.is_valid(value));
        }
        values
    }

    /// Most fields of a large description have one of a few schemas, which are costly to check values against.
    fn scalars(&self, map: &Map<String, Value>, kind: &str) -> Vec<Value> {
        let key = format!("{kind} {}", Value::Object(map.clone()));
        if let Some(known) = self.scalars.borrow().get(&key) {
            return known.clone();
        }
        let values = if kind == "string" { self.strings(map) } else { self.numbers(map, kind == "integer") };
        self.scalars.borrow_mut().insert(key, values.clone());
        values
    }

    /// `whole` is what surrounds the parts.
    fn with_parts(&self, mut whole: Map<String, Value>, parts: &[Value], path: &mut Vec<String>) -> Vec<Value> {
        let depth = path.len();
        for part in parts {
            let mut part = part;
            while let Some(name) = part.get("$ref").and_then(Value::as_str) {
                let name = name.trim_start_matches("#/$defs/");
                if path.len() >= MAX_DEPTH || path.iter().filter(|seen| *seen == name).count() >= MAX_VISITS {
                    self.bounded.set(true);
                    path.truncate(depth);
                    return Vec::new();
                }
                path.push(name.to_owned());
                part = &self.definitions[name];
            }
            let compatible = match part {
                Value::Object(part) => merge(&mut whole, part),
                Value::Bool(possible) => *possible,
                _ => true,
            };
            if !compatible {
                path.truncate(depth);
                return Vec::new();
            }
        }
        let values = self.values(&whole.into(), path);
        path.truncate(depth);
        values
    }

    /// Each alternative gets its share, so that the last of many is tried too.
    fn alternatives(
        &self,
        map: &Map<String, Value>,
        key: &str,
        branches: &[Value],
        path: &mut Vec<String>,
    ) -> Vec<Value> {
        let mut around = map.clone();
        around.remove(key);
        let share = (MAX_SAMPLES / branches.len().max(1)).max(MIN_SHARE);
        let mut values = Vec::new();
        for branch in branches {
            let mut found = self.with_parts(around.clone(), std::slice::from_ref(branch), path);
            if found.len() > share {
                self.bounded.set(true);
                found.truncate(share);
            }
            values.extend(found);
        }
        values
    }

    fn objects(&self, map: &Map<String, Value>, path: &mut Vec<String>) -> Vec<Value> {
        let required: Vec<&str> =
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut fields: Vec<(&String, Vec<Value>)> = Vec::new();
        for (name, schema) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
            fields.push((name, self.values(schema, path)));
        }
        // Not in document order, which is meaningless.
        fields.sort_by_key(|(name, _)| *name);
        let closed = map.get("unevaluatedProperties") == Some(&false.into());
        let extras = match map.get("additionalProperties") {
            Some(Value::Bool(false)) => Vec::new(),
            None if closed => Vec::new(),
            Some(schema) => self.values(schema, path),
            None => vec!["any".into(), 7.into()],
        };
        let mut minimal = Map::new();
        for name in &required {
            let first = match fields.iter().find(|(field, _)| field == name) {
                Some((_, list)) => list.first(),
                None => extras.first(),
            };
            // Nothing can be in a field that must be there.
            let Some(first) = first else { return Vec::new() };
            minimal.insert((*name).to_owned(), first.clone());
        }
        let mut full = minimal.clone();
        for (name, list) in &fields {
            if let Some(first) = list.first() {
                full.entry((*name).clone()).or_insert_with(|| first.clone());
            }
        }
        let limit = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let least = limit("minProperties").unwrap_or(0);
        for (name, value) in &full {
            if minimal.len() < least {
                minimal.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        if let Some(first) = extras.first() {
            let missing = least.saturating_sub(minimal.len()).min(MAX_LENGTH as usize);
            minimal.extend((0..missing).map(|n| (extra_name(n), first.clone())));
        }
        let mut values: Vec<Value> = vec![minimal.clone().into(), full.clone().into()];
        // The rest is truncated anyway, and each of these may be large.
        let enough = |values: &Vec<Value>| values.len() > self.most();
        for (name, list) in &fields {
            if enough(&values) {
                return values;
            }
            for value in list {
                if enough(&values) {
                    return values;
                }
                let mut object = minimal.clone();
                object.insert((*name).clone(), value.clone());
                values.push(object.into());
            }
            if !required.contains(&name.as_str()) {
                let mut object = full.clone();
                object.remove(*name);
                values.push(object.into());
            }
        }
        for (n, value) in extras.iter().enumerate() {
            let mut object = minimal.clone();
            object.insert(extra_name(n.min(1)), value.clone());
            values.push(object.into());
        }
        for size in self.sizes(map, "minProperties", "maxProperties").into_iter().filter(|size| *size <= MAX_LENGTH) {
            let mut object = minimal.clone();
            for (name, value) in full.iter().filter(|_| !required.is_empty() || least == 0) {
                if (object.len() as u64) < size {
                    object.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            if let Some(first) = extras.first() {
                (object.len()..size as usize).for_each(|n| drop(object.insert(extra_name(n), first.clone())));
            }
            values.push(object.into());
        }
        let (least, most) = (limit("minProperties").unwrap_or(0), limit("maxProperties").unwrap_or(usize::MAX));
        values.retain(|value| value.as_object().is_some_and(|object| (least..=most).contains(&object.len())));
        values
    }

    fn arrays(&self, map: &Map<String, Value>, path: &mut Vec<String>) -> Vec<Value> {
        let mut items = map.get("items").map_or_else(|| vec!["any".into(), 7.into()], |items| self.values(items, path));
        let limit = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let (least, most) = (limit("minItems").unwrap_or(0), limit("maxItems").unwrap_or(usize::MAX));
        let distinct = map.get("uniqueItems") == Some(&true.into());
        if distinct {
            let mut seen = HashSet::new();
            items.retain(|item| seen.insert(item.to_string()));
        }
        let list = |first: usize, length: usize| -> Value {
            let others = (1..).map(|n| (first + n) % items.len());
            let others = if distinct { others.take(items.len() - 1) } else { others.take(usize::MAX) };
            [first].into_iter().chain(others).take(length).map(|n| items[n].clone()).collect::<Vec<_>>().into()
        };
        let mut values = Vec::new();
        if let Some(first) = items.first() {
            let size = first.to_string().len();
            if self.afford(least.saturating_mul(size)) {
                values.extend((0..items.len()).map(|n| list(n, least.max(1))));
                values.push(vec![first.clone(); least.max(2)].into());
            }
            for length in self.sizes(map, "minItems", "maxItems").into_iter().filter_map(|n| usize::try_from(n).ok()) {
                if length <= MAX_LENGTH as usize || self.afford(length.saturating_mul(size)) {
                    values.push(list(0, length));
                }
            }
        }
        values.push(json!([]));
        values.retain(|value| {
            let list = value.as_array().map_or(&[][..], Vec::as_slice);
            (least..=most).contains(&list.len()) && (!distinct || list.len() < 2 || !list[1..].contains(&list[0]))
        });
        values
    }

    fn strings(&self, map: &Map<String, Value>) -> Vec<Value> {
        let mut texts: Vec<String> = Vec::new();
        let sizes = self.sizes(map, "minLength", "maxLength");
        let (short, long): (Vec<u64>, Vec<u64>) = sizes.into_iter().partition(|size| *size <= MAX_LENGTH);
        let parts = map.get(ALSO).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        for part in [map].into_iter().chain(parts) {
            if let Some(format) = part.get("format").and_then(Value::as_str) {
                texts.extend(format::texts(format, &short));
            }
            if let Some(pattern) = part.get("pattern").and_then(Value::as_str) {
                texts.extend(pattern::strings(pattern, &short));
            }
        }
        texts.extend(["text", "", "0", "A", "Ä <&> \"\\\n"].map(str::to_owned));
        for size in &short {
            texts.extend(["a", "A", "0"].map(|c| c.repeat(*size as usize)));
        }
        for size in long.into_iter().filter_map(|size| usize::try_from(size).ok()) {
            if self.afford(size) {
                texts.push("a".repeat(size));
            }
        }
        self.hints.patterns.iter().for_each(|pattern| texts.extend(pattern::strings(pattern, &short)));
        self.hints.formats.iter().for_each(|format| texts.extend(format::texts(format, &short)));
        let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        values.extend(self.hints.texts.iter().filter(|v| v.is_string()).cloned());
        valid(map, values)
    }

    fn numbers(&self, map: &Map<String, Value>, integer: bool) -> Vec<Value> {
        let mut values: Vec<Value> = vec![json!(1), json!(0), json!(-1), json!(7), json!(1_000_000)];
        let bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
        let own: Vec<f64> = bounds.iter().filter_map(|key| map.get(*key).and_then(Value::as_f64)).collect();
        // The exact limits of a 64-bit integer do not survive an f64.
        values.extend(bounds.iter().filter_map(|key| map.get(*key).filter(|v| v.is_number()).cloned()));
        let mut limits: Vec<f64> = self.hints.numbers.iter().copied().chain(own).collect();
        limits.sort_by(f64::total_cmp);
        limits.dedup();
        let middles: Vec<f64> = limits.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect();
        let mut near: Vec<f64> = limits.iter().flat_map(|n| [*n, n - 1.0, n + 1.0, n * 2.0, n * 3.0]).collect();
        near.extend(limits.iter().flat_map(|n| [n - 0.5, n + 0.5]));
        near.extend(&middles);
        let steps = [map.get("multipleOf").and_then(Value::as_f64)]
            .into_iter()
            .flatten()
            .chain(self.hints.steps.iter().copied());
        for step in steps.filter(|step| *step > 0.0).take(2) {
            near.extend(near.clone().iter().flat_map(|n| [(n / step).floor() * step, (n / step).ceil() * step]));
        }
        for value in near {
            if value.fract() == 0.0 && value.abs() < 9e15 {
                values.push((value as i64).into());
            } else if !integer {
                values.extend(Number::from_f64(value).map(Value::from));
            }
        }
        if integer {
            values.extend([json!(3_000_000_000_i64), json!(-3_000_000_000_i64), json!(i64::MAX), json!(u64::MAX)]);
        } else {
            values.extend([json!(1.5), json!(0.001), json!(-1.5), json!(1e300)]);
        }
        values.extend(self.hints.texts.iter().filter(|v| v.is_number()).cloned());
        valid(map, values)
    }

    /// The lengths that either side uses as a limit.
    fn sizes(&self, map: &Map<String, Value>, least: &str, most: &str) -> Vec<u64> {
        let of = |key: &str| map.get(key).and_then(Value::as_u64);
        let mut sizes: Vec<u64> = self.hints.lengths.iter().copied().chain(of(least)).chain(of(most)).collect();
        sizes = sizes.into_iter().flat_map(|n| [n.saturating_sub(1), n, n.saturating_add(1)]).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Whether so many bytes of long values are still allowed.
    fn afford(&self, bytes: usize) -> bool {
        let spent = self.long.get().saturating_add(bytes);
        let affordable = spent <= MAX_LONG;
        if affordable {
            self.long.set(spent)
        } else {
            self.bounded.set(true)
        }
        affordable
    }
}

/// Drops what the keywords of the schema itself refuse, and what was there before.
fn valid(map: &Map<String, Value>, mut values: Vec<Value>) -> Vec<Value> {
    let own = |key: &str| {
        let value = map.get(key)?;
        Some((key.to_owned(), value.clone()))
    };
    let constraints = [
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ];
    let mut keywords: Map<String, Value> = constraints.into_iter().filter_map(own).collect();
    // What refers to definitions is left to the validator of the whole message.
    if let Some(also) = map.get(ALSO).filter(|also| !also.to_string().contains("$ref")) {
        keywords.insert("allOf".to_owned(), also.clone());
    }
    if !keywords.is_empty()
        && let Some(check) = validator(&keywords.into())
    {
        values.retain(|value| check.is_valid(value));
    }
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(value.to_string()));
    values
}

fn fits(map: &Map<String, Value>, value: &Value) -> bool {
    let kind_fits = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    match map.get("type") {
        Some(Value::String(kind)) => kind_fits(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(kind_fits),
        _ => true,
    }
}

/// The values in a value, and itself.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        Value::Array(list) => 1 + list.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// A name that no description uses.
pub(crate) fn extra_name(n: usize) -> String {
    format!("unnamed{n}")
}
