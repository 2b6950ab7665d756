//! Definitions inside schemas, which OpenAPI 3.0 has only among its components.

use crate::{
    document::{
        limits::MAX_DEPTH,
        walk::{self, Part},
    },
    report::token,
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

const KEYWORDS: [&str; 2] = ["$defs", "definitions"];

/// Moves every definition to the components, and the references with it.
pub(crate) fn hoist(root: &mut Value) {
    let mut moved = Map::new();
    let at_root: Vec<&str> = KEYWORDS.into_iter().filter(|keyword| root.get(keyword).is_some()).collect();
    walk::each(root, &mut |node, part, pointer| {
        if let (Part::Schema, Some(schema)) = (part, node.as_object_mut()) {
            for keyword in KEYWORDS {
                take(schema, pointer, keyword, at_root.contains(&keyword), &mut moved);
            }
        }
    });
    if moved.is_empty() {
        return;
    }
    let names: HashSet<String> = moved.keys().cloned().collect();
    for key in ["components", "schemas"] {
        let parent = if key == "components" { &mut *root } else { &mut root["components"] };
        if let Some(parent) = parent.as_object_mut() {
            parent.entry(key).or_insert_with(|| json!({}));
        }
    }
    if let Some(schemas) = root.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(moved);
    }
    walk::each(root, &mut |node, part, _| {
        if let Some(Value::String(reference)) = node.get_mut("$ref").filter(|_| part == Part::Schema) {
            follow(reference, &names);
        }
    });
}

/// Takes the definitions out of a schema. References that are relative to it become absolute.
fn take(schema: &mut Map<String, Value>, pointer: &str, keyword: &str, at_root: bool, moved: &mut Map<String, Value>) {
    if !schema.get(keyword).is_some_and(Value::is_object) {
        return;
    }
    let Some(Value::Object(mut definitions)) = schema.remove(keyword) else { return };
    if !at_root {
        let scope = Scope {
            prefix: format!("#/{keyword}/"),
            pointer,
            names: definitions.keys().map(|name| token(name)[1..].to_owned()).collect(),
        };
        scope.make_map_absolute(schema);
        scope.make_map_absolute(&mut definitions);
    }
    for (name, definition) in definitions {
        moved.insert(format!("{pointer}/{keyword}{}", token(&name)), definition);
    }
}

/// A schema with definitions, from which `#/$defs/Name` is meant.
struct Scope<'a> {
    prefix: String,
    pointer: &'a str,
    names: HashSet<String>,
}

impl Scope<'_> {
    fn make_absolute(&self, node: &mut Value) {
        match node {
            Value::Object(map) => self.make_map_absolute(map),
            Value::Array(list) => list.iter_mut().for_each(|item| self.make_absolute(item)),
            _ => {}
        }
    }

    fn make_map_absolute(&self, map: &mut Map<String, Value>) {
        for (key, value) in map.iter_mut() {
            match value {
                Value::String(reference) if key == "$ref" => {
                    let name = reference.strip_prefix(&self.prefix).and_then(|rest| rest.split('/').next());
                    if name.is_some_and(|name| self.names.contains(name)) {
                        *reference = format!("#{}{}", self.pointer, &reference[1..]);
                    }
                }
                value => self.make_absolute(value),
            }
        }
    }
}

/// Leads a reference to where its definition has been moved.
fn follow(reference: &mut String, names: &HashSet<String>) {
    let Some(pointer) = reference.strip_prefix('#') else { return };
    let ends = pointer.match_indices('/').map(|(end, _)| end).chain([pointer.len()]).take(MAX_DEPTH);
    // The innermost, if definitions have definitions.
    let Some(name) = ends.map(|end| &pointer[..end]).filter(|name| names.contains(*name)).last() else { return };
    *reference = format!("#/components/schemas{}{}", token(name), &pointer[name.len()..]);
}
