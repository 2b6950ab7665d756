//! Hundreds of breaking edits, made at random places of the fixtures from a fixed seed: none of them is silent.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use spec_drift::{Direction, Document, Format, Verdict, compare, report};
use std::{collections::HashSet, path::Path};

const EDITS: usize = 300;
const SEED: u64 = 17;
const FIXTURES: [&str; 5] =
    ["onboarding.yaml", "parcels.yaml", "shapes.yaml", "one-generation-ago.yaml", "two-generations-ago.yaml"];

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(name);
    yaml_serde::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("YAML")
}

/// A JSON pointer to an object schema with fields, and the message that it is part of.
struct Target {
    pointer: String,
    direction: Direction,
}

/// The object schemas of the messages of every operation.
fn targets(spec: &Value) -> Vec<Target> {
    let mut found = Vec::new();
    for (path, item) in spec["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path item") {
            let at = format!("/paths/{}/{method}", path.replace('/', "~1"));
            let body = "application~1json/schema";
            if operation.pointer(&format!("/requestBody/content/{body}")).is_some() {
                walk(
                    spec,
                    format!("{at}/requestBody/content/{body}"),
                    Direction::Request,
                    &mut HashSet::new(),
                    &mut found,
                );
            }
            for status in operation["responses"].as_object().map(Map::keys).into_iter().flatten() {
                let schema = format!("{at}/responses/{status}/content/{body}");
                if status.starts_with('2') && spec.pointer(&schema).is_some() {
                    walk(spec, schema, Direction::Response, &mut HashSet::new(), &mut found);
                }
            }
        }
    }
    found
}

fn walk(spec: &Value, pointer: String, direction: Direction, seen: &mut HashSet<String>, found: &mut Vec<Target>) {
    if !seen.insert(pointer.clone()) {
        return;
    }
    let schema = spec.pointer(&pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
    if let Some(reference) = schema["$ref"].as_str() {
        return walk(spec, reference[1..].to_owned(), direction, seen, found);
    }
    if let Some(fields) = schema["properties"].as_object() {
        for name in fields.keys() {
            walk(spec, format!("{pointer}/properties/{name}"), direction, seen, found);
        }
        found.push(Target { pointer: pointer.clone(), direction });
    }
    if schema.get("items").is_some() {
        walk(spec, format!("{pointer}/items"), direction, seen, found);
    }
    for key in ["allOf", "oneOf"] {
        for n in 0..schema[key].as_array().map_or(0, Vec::len) {
            walk(spec, format!("{pointer}/{key}/{n}"), direction, seen, found);
        }
    }
}

/// A field with a type of its own that is in the messages of a direction, and that some value can satisfy.
fn field(schema: &Value, direction: Direction, random: &mut Rng) -> Option<String> {
    let withheld = if direction == Direction::Request { "readOnly" } else { "writeOnly" };
    let possible =
        |field: &Value| field["minimum"].as_f64() <= field["maximum"].as_f64() || field.get("maximum").is_none();
    let fields = schema["properties"].as_object()?.iter();
    let usable: Vec<&String> = fields
        .filter(|(_, field)| field["type"].is_string() && field.get(withheld).is_none() && possible(field))
        .map(|(name, _)| name)
        .collect();
    (!usable.is_empty()).then(|| usable[random.usize(..usable.len())].clone())
}

/// Makes a breaking edit and says which. None if the place is not fit for it.
fn edit(spec: &mut Value, random: &mut Rng) -> Option<String> {
    let paths: Vec<String> = spec["paths"].as_object()?.keys().cloned().collect();
    let path = paths[random.usize(..paths.len())].clone();
    let kind = random.usize(..8);
    if kind < 3 {
        let item = spec["paths"][&path].as_object_mut()?;
        let methods: Vec<String> = item.keys().filter(|key| *key != "parameters").cloned().collect();
        let method = methods[random.usize(..methods.len())].clone();
        let operation = item.get_mut(&method)?;
        return match kind {
            0 => {
                item.remove(&method);
                Some(format!("{method} {path} is removed"))
            }
            1 => {
                let place = ["query", "header"][random.usize(..2)];
                let parameter =
                    json!({ "name": "X-New", "in": place, "required": true, "schema": { "type": "string" } });
                operation
                    .as_object_mut()?
                    .entry("parameters")
                    .or_insert_with(|| json!([]))
                    .as_array_mut()?
                    .push(parameter);
                Some(format!("{method} {path} requires a parameter in its {place}"))
            }
            _ => {
                let responses = operation["responses"].as_object_mut()?;
                let before = responses.len();
                responses.retain(|status, _| !status.starts_with('2'));
                (responses.len() < before).then(|| format!("{method} {path} has no success"))
            }
        };
    }
    let all = targets(spec);
    let target = &all[random.usize(..all.len())];
    let (pointer, direction) = (target.pointer.clone(), target.direction);
    let schema = spec.pointer_mut(&pointer)?;
    let name = field(schema, direction, random)?;
    let what = match (kind, direction) {
        (3, Direction::Request) => {
            schema["properties"]["brandNew"] = json!({ "type": "string" });
            schema
                .as_object_mut()?
                .entry("required")
                .or_insert_with(|| json!([]))
                .as_array_mut()?
                .push("brandNew".into());
            "requires brandNew".to_owned()
        }
        (4, Direction::Response) => {
            schema["properties"].as_object_mut()?.remove(&name);
            if let Some(required) = schema["required"].as_array_mut() {
                required.retain(|other| *other != name);
            }
            format!("has no {name}")
        }
        (5, Direction::Response) => {
            let field = schema["properties"].as_object_mut()?.remove(&name)?;
            schema["properties"]["renamed"] = field;
            if let Some(required) = schema["required"].as_array_mut() {
                required.retain(|other| *other != name);
            }
            format!("has {name} under another name")
        }
        (6, _) => {
            let other = match schema["properties"][&name]["type"].as_str()? {
                "string" | "boolean" => "integer",
                _ => "string",
            };
            schema["properties"][&name] = json!({ "type": other });
            format!("has {name} as {other}")
        }
        (7, Direction::Request) => {
            let list = schema["properties"][&name]["enum"].as_array_mut().filter(|list| list.len() > 1)?;
            list.pop();
            format!("allows fewer values of {name}")
        }
        _ => return None,
    };
    Some(format!("{pointer} in a {direction} {what}"))
}

#[test]
fn no_breaking_edit_is_silent() {
    let mut random = Rng::with_seed(SEED);
    let mut silent = Vec::new();
    let mut made = 0;
    while made < EDITS {
        let name = FIXTURES[made % FIXTURES.len()];
        let old = fixture(name);
        let mut new = old.clone();
        let Some(what) = edit(&mut new, &mut random) else { continue };
        made += 1;
        let read = |spec: &Value| Document::from_text(name, &spec.to_string()).expect("an OpenAPI document");
        let findings = compare(&read(&old), &read(&new));
        if findings.first().is_none_or(|finding| finding.verdict > Verdict::Look) {
            silent.push(format!("{name}: {what}\n{}", report(&findings, Format::Text)));
        }
    }
    assert!(silent.is_empty(), "{}\n{} silent", silent.join("\n"), silent.len());
}
