//! Reads YAML or JSON within limits. Whatever a reader can do without is tolerated: repeated keys, of which the last counts,
//! tags, merge keys, and keys that are not strings.

use crate::document::limits::{MAX_DEPTH, MAX_NODES};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt};

/// Brackets open at once, including those in text. A YAML scanner revisits all of them again and again.
const MAX_OPEN: usize = 1_000;

/// Why a text cannot be read, and in which line.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) line: Option<usize>,
    pub(crate) reason: String,
}

pub(crate) fn read(text: &str) -> Result<Value, Unreadable> {
    if !text.trim_start().starts_with('{') {
        return yaml(text);
    }
    // With comments or trailing commas it is not JSON, but still YAML.
    json(text).or_else(|error| yaml(text).map_err(|_| error))
}

fn json(text: &str) -> Result<Value, Unreadable> {
    let nodes = Cell::new(0);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tree = Tree { depth: 0, nodes: &nodes, merges: false };
    let value = tree.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|e| Unreadable { line: Some(e.line()), reason: format!("is not JSON: {e}") })
}

fn yaml(text: &str) -> Result<Value, Unreadable> {
    if let Some(line) = too_deep(text) {
        return Err(Unreadable { line: Some(line), reason: format!("is nested deeper than {MAX_DEPTH} levels") });
    }
    // The YAML reader keeps every value in memory before it hands out the first.
    let ends = text.bytes().filter(|byte| matches!(byte, b'\n' | b',')).count();
    if ends > MAX_NODES {
        return Err(Unreadable { line: None, reason: format!("has more than {MAX_NODES} lines and commas") });
    }
    let nodes = Cell::new(0);
    // Documents after the first are none of ours.
    let Some(document) = yaml_serde::Deserializer::from_str(text).next() else { return Ok(Value::Null) };
    let tree = Tree { depth: 0, nodes: &nodes, merges: true };
    let value = tree.deserialize(document);
    value.map_err(|e| Unreadable { line: e.location().map(|l| l.line()), reason: format!("is not YAML: {e}") })
}

/// The line that opens one bracket too many.
fn too_deep(text: &str) -> Option<usize> {
    let mut open = 0usize;
    text.lines()
        .position(|line| {
            line.bytes().any(|byte| {
                match byte {
                    b'[' | b'{' => open += 1,
                    b']' | b'}' => open = open.saturating_sub(1),
                    _ => {}
                }
                open > MAX_OPEN
            })
        })
        .map(|n| n + 1)
}

/// A value at some depth of a document, of which so many values have been read.
#[derive(Clone, Copy)]
struct Tree<'n> {
    depth: usize,
    nodes: &'n Cell<usize>,
    /// Whether `<<` merges another mapping into its own.
    merges: bool,
}

impl Tree<'_> {
    fn child<E: Error>(self) -> Result<Self, E> {
        self.nodes.set(self.nodes.get() + 1);
        if self.nodes.get() > MAX_NODES {
            return Err(E::custom(format!("more than {MAX_NODES} values, with aliases expanded")));
        }
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(rounded(value as f64))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(rounded(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(rounded(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.child()?)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            map.insert(key, entries.next_value_seed(self.child()?)?);
        }
        if self.merges
            && let Some(merged) = map.remove("<<")
        {
            merge(&mut map, merged);
        }
        Ok(map.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (_, value): (String, _) = tagged.variant()?;
        value.newtype_variant_seed(self)
    }
}

/// JSON has no infinity, so that becomes its name.
fn rounded(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)
}

/// Adds what a merge key names. Own entries come first, then those of earlier mappings.
fn merge(map: &mut Map<String, Value>, merged: Value) {
    match merged {
        Value::Object(other) => {
            for (key, value) in other {
                map.entry(key).or_insert(value);
            }
        }
        Value::Array(list) => list.into_iter().for_each(|other| merge(map, other)),
        _ => {}
    }
}

/// A key, as text: statuses and versions are often written without quotes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is a string")
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
}
