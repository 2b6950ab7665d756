//! What each side of a message takes an OpenAPI 3.0 schema to mean, written as JSON Schema 2020-12.
//!
//! What the client decodes is what typify 0.8 and this project's build.rs make of a schema. The judge verifies it.

use crate::{
    document::{
        discriminator::Discriminator,
        flat::flat,
        node::Node,
        reference::{reference, resolve, target},
    },
    witness::integer,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Who sends or accepts a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A shipped client that sends a request.
    ClientSends,
    /// A server that checks it.
    ServerAccepts,
    /// A server that answers.
    ServerSends,
    /// A shipped client that decodes the response.
    ClientAccepts,
}

use Role::{ClientAccepts, ClientSends, ServerAccepts, ServerSends};

/// Formats that the client decodes into dedicated types, and so checks.
const TYPED: [&str; 6] = ["uuid", "date", "date-time", "ip", "ipv4", "ipv6"];

/// Keywords of JSON Schema that the client does not check, but that a documented message satisfies.
const NATIVE: [&str; 13] = [
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// A schema with everything that it refers to, for jsonschema.
pub(crate) fn whole(schema: Node, role: Role) -> Value {
    let mut defs = Definitions { root: schema.root, role, names: HashMap::new(), waiting: Vec::new() };
    let mut out = Map::from_iter([("allOf".to_owned(), json!([defs.schema(schema.value, Within::default())]))]);
    let mut done = Map::new();
    while let Some((name, schema, within)) = defs.waiting.pop() {
        let schema = defs.schema(schema, within);
        done.insert(name, schema);
    }
    out.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    out.insert("$defs".to_owned(), done.into());
    out.into()
}

struct Definitions<'a> {
    root: &'a Value,
    role: Role,
    names: HashMap<(&'a str, Within), String>,
    waiting: Vec<(String, &'a Value, Within)>,
}

/// Where a schema stands.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Within {
    /// It is an alternative of a union, whose tag the client keeps closed.
    branch: bool,
    /// It describes a part of an object, whose other parts have fields too.
    open: bool,
}

impl<'a> Definitions<'a> {
    fn schema(&mut self, schema: &'a Value, within: Within) -> Value {
        if let Some(reference) = reference(schema) {
            let Some(target) = target(self.root, reference) else { return true.into() };
            // A union's tag concerns only that union, so its branches are inlined.
            let branch =
                within.branch && self.role == ClientAccepts && resolve(self.root, target).get("properties").is_some();
            let target = if branch { resolve(self.root, target) } else { target };
            let next = format!("d{}", self.names.len());
            let within = Within { branch, ..within };
            let name = self.names.entry((reference, within)).or_insert_with(|| {
                self.waiting.push((next.clone(), target, within));
                next
            });
            return json!({ "$ref": format!("#/$defs/{name}") });
        }
        let Some(map) = schema.as_object() else { return true.into() };
        let mut core = scalars(map, self.role);
        self.nested(schema, map, &mut core, within);
        if nullable(map) { json!({ "anyOf": [{ "type": "null" }, core] }) } else { core.into() }
    }

    fn nested(&mut self, whole: &'a Value, map: &'a Map<String, Value>, core: &mut Map<String, Value>, within: Within) {
        let required = required(self.root, map, self.role);
        let combined = self.role == ClientSends && is_combined(map);
        let open = within.open || combined;
        if !required.is_empty() {
            core.insert("required".to_owned(), json!(required));
        }
        if let Some(properties) = map.get("properties").and_then(Value::as_object) {
            let mut out = Map::new();
            for (name, property) in properties {
                let optional = !required.contains(&name.as_str());
                let mut inner = match self.role {
                    // Never sent.
                    ServerSends if flag(self.root, property, "writeOnly") => false.into(),
                    // Ignored.
                    ServerAccepts if flag(self.root, property, "readOnly") => true.into(),
                    _ => self.schema(property, Within::default()),
                };
                let tag =
                    property.get("enum").and_then(Value::as_array).filter(|list| within.branch && list.len() == 1);
                if let Some(tag) = tag.filter(|_| self.role == ClientAccepts) {
                    inner["enum"] = tag.clone().into();
                }
                if null_in_place(Node::new(self.root, property), optional, self.role) {
                    inner = json!({ "anyOf": [{ "type": "null" }, inner] });
                } else if optional && self.role == ClientSends {
                    if reference(property).is_none() && property.get("default").is_none_or(Value::is_null) {
                        inner = json!({ "allOf": [inner, { "not": { "type": "null" } }] });
                    }
                    if collection(property) {
                        inner = json!({ "allOf": [inner, { "minItems": 1, "minProperties": 1 }] });
                    }
                }
                out.insert(name.clone(), inner);
            }
            core.insert("properties".to_owned(), out.into());
        }
        match extras(map, self.role) {
            Extras::None if open && !map.contains_key("additionalProperties") => {}
            Extras::None => drop(core.insert("additionalProperties".to_owned(), false.into())),
            Extras::Schema(schema) => {
                let schema = self.schema(schema, Within::default());
                core.insert("additionalProperties".to_owned(), schema);
            }
            Extras::Any => {}
        }
        if let Some(items) = map.get("items") {
            let items = self.schema(items, Within::default());
            core.insert("items".to_owned(), items);
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            if let Some(list) = map.get(key).and_then(Value::as_array) {
                let node = Node::new(self.root, whole);
                // The client takes the first alternative that it can decode, whatever its tag says.
                let discriminator = Discriminator::of(node).filter(|_| key != "allOf" && self.role != ClientAccepts);
                let branch = |defs: &mut Self, schema: &'a Value| {
                    let converted = defs.schema(schema, Within { branch: key != "allOf", open });
                    match discriminator.and_then(|discriminator| discriminator.demand(node.with(schema))) {
                        Some(demand) => json!({ "allOf": [converted, demand] }),
                        None => converted,
                    }
                };
                let list: Vec<Value> = list.iter().map(|schema| branch(self, schema)).collect();
                // The client takes the first alternative that matches, however many do.
                let key = if self.role == ClientAccepts && key == "oneOf" { "anyOf" } else { key };
                core.insert(key.to_owned(), list.into());
            }
        }
        if let Some(not) = map.get("not") {
            let not = self.schema(not, Within::default());
            core.insert("not".to_owned(), not);
        }
        if self.role != ClientAccepts {
            let readable = |key: &&str| map.get(*key).is_some_and(is_json_schema);
            core.extend(NATIVE.into_iter().filter(readable).map(|key| (key.to_owned(), map[key].clone())));
        }
        if combined && !within.open && !self.allows_extras(map) {
            core.insert("unevaluatedProperties".to_owned(), false.into());
        }
    }

    /// Whether an object of several parts may have fields that none of them names.
    fn allows_extras(&self, map: &Map<String, Value>) -> bool {
        let parts = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| map.get(key)?.as_array()).flatten();
        let mut parts = parts.filter_map(|part| resolve(self.root, part).as_object());
        map.contains_key("additionalProperties") || parts.any(|part| part.contains_key("additionalProperties"))
    }
}

/// Whether a part of a schema of OpenAPI means the same in JSON Schema, alone.
fn is_json_schema(part: &Value) -> bool {
    match part {
        Value::Object(map) => {
            !["$ref", "nullable"].iter().any(|key| map.contains_key(*key)) && map.values().all(is_json_schema)
        }
        Value::Array(list) => list.iter().all(is_json_schema),
        _ => true,
    }
}

/// Whether several parts of a schema may each name fields of one object.
fn is_combined(map: &Map<String, Value>) -> bool {
    let parts = |key: &str| map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    let unions = usize::from(parts("anyOf") > 0) + usize::from(parts("oneOf") > 0);
    parts("allOf") + unions + usize::from(map.contains_key("properties")) > 1
}

fn flag(root: &Value, property: &Value, name: &str) -> bool {
    flat(Node::new(root, property).resolved()).get(name) == Some(&true.into())
}

/// What an object contains besides its named fields.
pub(crate) enum Extras<'a> {
    None,
    Any,
    Schema(&'a Value),
}

pub(crate) fn extras(map: &Map<String, Value>, role: Role) -> Extras<'_> {
    match map.get("additionalProperties") {
        Some(Value::Bool(false)) => Extras::None,
        Some(schema @ Value::Object(object)) if !object.is_empty() => Extras::Schema(schema),
        // typify gives a struct a map for this, but not for `true`.
        Some(Value::Object(_)) if role == ClientSends => Extras::Any,
        // A struct with named fields sends no others.
        _ if role == ClientSends && map.contains_key("properties") => Extras::None,
        _ => Extras::Any,
    }
}

pub(crate) fn required<'a>(root: &Value, map: &'a Map<String, Value>, role: Role) -> Vec<&'a str> {
    let exempted = match role {
        ServerAccepts => Some("readOnly"),
        ServerSends => Some("writeOnly"),
        ClientSends | ClientAccepts => None,
    };
    let listed = map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let exempt = |name: &str| {
        let property = map.get("properties").and_then(|p| p.get(name));
        property.zip(exempted).is_some_and(|(property, name)| flag(root, property, name))
    };
    listed.filter(|name| !exempt(name)).collect()
}

pub(crate) fn nullable(map: &Map<String, Value>) -> bool {
    let listed = map.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&"null".into()));
    listed || map.get("nullable") == Some(&true.into())
}

/// Whether the client represents an optional field as a collection that is empty when absent: it refuses null, and does not
/// send it when empty.
pub(crate) fn collection(property: &Value) -> bool {
    let Some(map) = property.as_object().filter(|map| !nullable(map) && reference(property).is_none()) else {
        return false;
    };
    match map.get("type").and_then(Value::as_str) {
        Some("array") => map.get("uniqueItems") != Some(&true.into()) && fixed_length(map).is_none(),
        Some("object") => !map.contains_key("properties"),
        // An allOf is merged if nothing in it is a reference.
        _ => match map.get("allOf").and_then(Value::as_array) {
            Some(parts) => parts.iter().all(|part| reference(part).is_none()) && parts.iter().any(collection),
            None => false,
        },
    }
}

/// Whether the client decodes null in place of an optional field.
pub(crate) fn null_in_place(property: Node, optional: bool, role: Role) -> bool {
    let default = property.resolved().get("default").is_some_and(|default| !default.value.is_null());
    optional && role == ClientAccepts && !collection(property.value) && !default
}

fn fixed_length(map: &Map<String, Value>) -> Option<&Value> {
    let length = map.get("minItems")?;
    (map.get("maxItems") == Some(length) && length.as_u64()? > 0 && !map.contains_key("uniqueItems")).then_some(length)
}

/// The type that typify infers for a schema without one.
pub(crate) fn inferred(map: &Map<String, Value>) -> Option<&str> {
    let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    let texts =
        |list: &Vec<Value>| list.iter().any(Value::is_string) && list.iter().all(|v| v.is_string() || v.is_null());
    match map.get("type").and_then(Value::as_str) {
        Some(kind) => Some(kind),
        None if has(&["properties"]) => Some("object"),
        None if has(&["pattern", "minLength", "maxLength"]) => Some("string"),
        None if map.get("enum").and_then(Value::as_array).is_some_and(texts) => Some("string"),
        None => None,
    }
}

/// The schema keywords that constrain the value itself, not its contents.
pub(crate) fn scalars(map: &Map<String, Value>, role: Role) -> Map<String, Value> {
    let mut core = Map::new();
    let mut copy = |key: &str| {
        if let Some(value) = map.get(key) {
            core.insert(key.to_owned(), value.clone());
        }
    };
    let kind = if matches!(role, ClientSends | ClientAccepts) {
        inferred(map)
    } else {
        map.get("type").and_then(Value::as_str)
    };
    let format = map.get("format").and_then(Value::as_str);
    if role == ClientAccepts {
        match kind {
            Some("string") if map.contains_key("enum") => {}
            Some("string") if format.is_some_and(|f| TYPED.contains(&f)) => copy("format"),
            Some("string") => ["minLength", "maxLength", "pattern"].into_iter().for_each(copy),
            Some("integer" | "number") => copy("enum"),
            Some("array") if fixed_length(map).is_some() => ["minItems", "maxItems"].into_iter().for_each(copy),
            Some(_) => {}
            None => copy("enum"),
        }
        if kind == Some("integer") {
            let (low, high) = integer::decoded(map);
            core.insert("minimum".to_owned(), integer(low));
            core.insert("maximum".to_owned(), integer(high));
        }
        // Rounded if it was decoded as an f32.
        if kind == Some("number") && format == Some("float") {
            core.insert("format".to_owned(), "float".into());
        }
    } else {
        for key in [
            "enum",
            "format",
            "pattern",
            "minLength",
            "maxLength",
            "multipleOf",
            "minItems",
            "maxItems",
            "uniqueItems",
            "minProperties",
            "maxProperties",
        ] {
            copy(key);
        }
        for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
            let key = if map.get(exclusive) == Some(&true.into()) { exclusive } else { bound };
            if let Some(value) = map.get(bound).filter(|v| v.is_number()) {
                core.insert(key.to_owned(), value.clone());
            }
        }
        let meant = format.and_then(integer::meant);
        // Without a format, an integer is unbounded in theory. In practice, whoever writes one has 64 bits.
        let meant = if matches!(role, ClientSends | ServerSends) { meant.or(integer::meant("int64")) } else { meant };
        if let Some((low, high)) = meant.filter(|_| kind == Some("integer")) {
            if format.and_then(integer::meant).is_some() {
                core.remove("format");
            }
            let tighter = |core: &Map<String, Value>, key: &str| core.get(key).and_then(Value::as_f64);
            if tighter(&core, "minimum").or(tighter(&core, "exclusiveMinimum")).is_none_or(|min| min < low as f64) {
                core.insert("minimum".to_owned(), integer(low));
            }
            if tighter(&core, "maximum").or(tighter(&core, "exclusiveMaximum")).is_none_or(|max| max > high as f64) {
                core.insert("maximum".to_owned(), integer(high));
            }
        }
    }
    if let Some(kind) = kind {
        core.insert("type".to_owned(), kind.into());
    }
    // Not OpenAPI 3.0, but clear enough. Whether null is one of them is told by `nullable`.
    if let Some(kinds) = map.get("type").and_then(Value::as_array) {
        let kinds: Vec<Value> = kinds.iter().filter(|kind| **kind != "null").cloned().collect();
        core.insert("type".to_owned(), if let [only] = kinds.as_slice() { only.clone() } else { kinds.into() });
    }
    // JSON Schema 2020-12 has no such format. It means either of these.
    if core.get("format") == Some(&"ip".into()) {
        core.remove("format");
        core.insert("anyOf".to_owned(), json!([{ "format": "ipv4" }, { "format": "ipv6" }]));
    }
    core
}

fn integer(value: i128) -> Value {
    i64::try_from(value).map(Value::from).or(u64::try_from(value).map(Value::from)).unwrap_or(Value::Null)
}
