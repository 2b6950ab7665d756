//! Values that one side of a message may produce: the smallest, the fullest, and one for each possible difference.

use crate::witness::pattern;
use serde_json::{Map, Number, Value, json};
use std::cell::Cell;

/// Nested schemas, of which a field takes about four: deeper than any description that people write.
pub(crate) const MAX_DEPTH: usize = 64;
/// Samples of one schema. A body of a hundred fields with a handful of values each stays below it.
pub(crate) const MAX_SAMPLES: usize = 500;
/// Elements of a list and characters of a string. Larger limits are tested only at their lower end.
const MAX_LENGTH: u64 = 4_096;
/// Repeated visits to the same definition within one value.
const MAX_VISITS: usize = 2;
/// Schemas visited for one set of samples. This keeps a wide and deep description from taking minutes.
const MAX_STEPS: usize = 5_000;

/// Makes samples of a JSON Schema.
pub(crate) struct Sampler<'a> {
    definitions: &'a Value,
    /// Numbers, lengths and texts that matter to the other side.
    hints: Hints,
    bounded: Cell<bool>,
    steps: Cell<usize>,
}

/// What the two sides mention, so that samples fall on both sides of every limit.
#[derive(Default)]
pub(crate) struct Hints {
    numbers: Vec<f64>,
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
                ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf", v) => {
                    self.numbers.extend(v.as_f64())
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
        Self { definitions: &whole["$defs"], hints, bounded: Cell::new(false), steps: Cell::new(0) }
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
        if values.len() > MAX_SAMPLES {
            self.bounded.set(true);
            values.truncate(MAX_SAMPLES);
        }
        values
    }

    fn local(&self, map: &Map<String, Value>, path: &mut Vec<String>) -> Vec<Value> {
        if let Some(list) = map.get("enum").and_then(Value::as_array) {
            return list.clone();
        }
        let mut values = Vec::new();
        let mut alternatives = Vec::new();
        for key in ["oneOf", "anyOf"] {
            for branch in map.get(key).and_then(Value::as_array).into_iter().flatten() {
                alternatives.extend(self.values(branch, path));
            }
        }
        // A validator decides what is valid. The parts of an allOf are only overlaid.
        let parts: Vec<Vec<Value>> = map
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|part| self.values(part, path))
            .collect();
        let own = match map.get("type").and_then(Value::as_str) {
            Some("object") => self.objects(map, path),
            None if map.contains_key("properties") => self.objects(map, path),
            Some("array") => self.arrays(map, path),
            Some("string") => self.strings(map),
            Some(kind @ ("integer" | "number")) => self.numbers(map, kind == "integer"),
            Some("boolean") => vec![true.into(), false.into()],
            Some("null") => vec![Value::Null],
            _ if map.contains_key("pattern") || map.contains_key("format") => self.strings(map),
            _ => Vec::new(),
        };
        values.extend(overlaid(parts.into_iter().chain([own, alternatives]).filter(|list| !list.is_empty()).collect()));
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
        let of = |name: &str| fields.iter().find(|(n, _)| *n == name).and_then(|(_, list)| list.first()).cloned();
        let mut minimal = Map::new();
        for name in &required {
            minimal.insert((*name).to_owned(), of(name).unwrap_or_else(|| "any".into()));
        }
        let mut full = minimal.clone();
        for (name, list) in &fields {
            if let Some(first) = list.first() {
                full.entry((*name).clone()).or_insert_with(|| first.clone());
            }
        }
        let mut values: Vec<Value> = vec![minimal.clone().into(), full.clone().into()];
        for (name, list) in &fields {
            for value in list {
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
        let extras = match map.get("additionalProperties") {
            Some(Value::Bool(false)) => Vec::new(),
            Some(schema) => self.values(schema, path),
            None => vec!["any".into(), 7.into()],
        };
        for (n, value) in extras.iter().enumerate() {
            let mut object = minimal.clone();
            object.insert(extra_name(n.min(1)), value.clone());
            values.push(object.into());
        }
        if let Some(first) = extras.first() {
            for size in self.sizes(map, "minProperties", "maxProperties") {
                let mut object = minimal.clone();
                (object.len()..size as usize).for_each(|n| drop(object.insert(extra_name(n), first.clone())));
                values.push(object.into());
            }
        }
        values
    }

    fn arrays(&self, map: &Map<String, Value>, path: &mut Vec<String>) -> Vec<Value> {
        let items = map.get("items").map_or_else(|| vec!["any".into(), 7.into()], |items| self.values(items, path));
        let least = map.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(MAX_LENGTH) as usize;
        let list = |first: &Value, length: usize| -> Value {
            let rest = items.iter().cycle().skip(usize::from(items.len() > 1)).cloned();
            [first.clone()].into_iter().chain(rest).take(length).collect::<Vec<_>>().into()
        };
        let mut values: Vec<Value> = items.iter().map(|item| list(item, least.max(1))).collect();
        if least == 0 {
            values.push(json!([]));
        }
        if let Some(first) = items.first() {
            values.push(vec![first.clone(); least.max(2)].into());
            values.extend(self.sizes(map, "minItems", "maxItems").into_iter().map(|size| list(first, size as usize)));
        }
        values
    }

    fn strings(&self, map: &Map<String, Value>) -> Vec<Value> {
        let mut texts: Vec<String> = Vec::new();
        let own = map.get("format").and_then(Value::as_str);
        own.into_iter().for_each(|format| texts.extend(of_format(format)));
        map.get("pattern").and_then(Value::as_str).into_iter().for_each(|p| texts.extend(pattern::strings(p)));
        texts.extend(["text", "", "0", "A", "Ä <&> \"\\\n"].map(str::to_owned));
        for size in self.sizes(map, "minLength", "maxLength") {
            texts.extend(["a", "A", "0"].map(|c| c.repeat(size as usize)));
        }
        self.hints.patterns.iter().for_each(|p| texts.extend(pattern::strings(p)));
        self.hints.formats.iter().for_each(|format| texts.extend(of_format(format)));
        let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        values.extend(self.hints.texts.iter().filter(|v| v.is_string()).cloned());
        values
    }

    fn numbers(&self, map: &Map<String, Value>, integer: bool) -> Vec<Value> {
        let mut values: Vec<Value> = vec![json!(1), json!(0), json!(-1), json!(7), json!(1_000_000)];
        let of = |key: &str| map.get(key).and_then(Value::as_f64);
        let bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
        // The exact limits of a 64-bit integer do not survive an f64.
        values.extend(bounds.iter().filter_map(|key| map.get(*key).filter(|v| v.is_number()).cloned()));
        for near in self.hints.numbers.iter().copied().chain(bounds.iter().filter_map(|key| of(key))) {
            for value in [near, near - 1.0, near + 1.0, near * 2.0, near * 3.0] {
                if value.fract() == 0.0 && value.abs() < 9e15 {
                    values.push((value as i64).into());
                } else if !integer {
                    values.extend(Number::from_f64(value).map(Value::from));
                }
            }
            if !integer {
                values.extend([near - 0.5, near + 0.5].into_iter().filter_map(Number::from_f64).map(Value::from));
            }
        }
        if integer {
            values.extend([json!(3_000_000_000_i64), json!(-3_000_000_000_i64), json!(i64::MAX), json!(u64::MAX)]);
        } else {
            values.extend([json!(1.5), json!(0.001), json!(-1.5), json!(1e300)]);
        }
        values.extend(self.hints.texts.iter().filter(|v| v.is_number()).cloned());
        values
    }

    /// The lengths that either side uses as a limit.
    fn sizes(&self, map: &Map<String, Value>, least: &str, most: &str) -> Vec<u64> {
        let of = |key: &str| map.get(key).and_then(Value::as_u64);
        let mut sizes: Vec<u64> = self.hints.lengths.iter().copied().chain(of(least)).chain(of(most)).collect();
        sizes = sizes.into_iter().flat_map(|n| [n.saturating_sub(1), n, n.saturating_add(1)]).collect();
        if sizes.iter().any(|n| *n > MAX_LENGTH) {
            self.bounded.set(true);
        }
        sizes.retain(|n| *n <= MAX_LENGTH);
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

/// A name that no description uses.
pub(crate) fn extra_name(n: usize) -> String {
    format!("unnamed{n}")
}

fn of_format(format: &str) -> Vec<String> {
    let texts: &[&str] = match format {
        "uuid" => &["3c90c3cc-0d44-4b50-8888-8dd25736052a"],
        "date-time" => &["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"],
        "date" => &["2026-01-31"],
        "time" => &["12:00:00Z"],
        "email" => &["someone@example.com"],
        "uri" | "url" => &["https://example.com/a?b=c"],
        "uri-reference" => &["/a"],
        "hostname" => &["example.com"],
        "ipv4" | "ip" => &["192.0.2.1"],
        "ipv6" => &["2001:db8::1"],
        "byte" => &["dGV4dA=="],
        "duration" => &["P1D"],
        _ => &[],
    };
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Overlays lists of values: objects are merged, and all other values are kept.
fn overlaid(mut lists: Vec<Vec<Value>>) -> Vec<Value> {
    if lists.len() < 2 {
        return lists.pop().unwrap_or_default();
    }
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let mut values = Vec::new();
    for n in 0..longest {
        let row = lists.iter().map(|list| list.get(n).unwrap_or(&list[0]));
        if row.clone().all(Value::is_object) {
            let fields =
                row.filter_map(Value::as_object).flat_map(|map| map.iter().map(|(k, v)| (k.clone(), v.clone())));
            values.push(Value::Object(fields.collect()));
        }
    }
    if values.is_empty() { lists.into_iter().flatten().collect() } else { values }
}
