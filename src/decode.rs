//! Decodes a success: strictly first, and if that fails, without the parts that cannot be read.

use crate::operation::Documented;
use crate::screen::Screen;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// The first 16 unreadable fields and elements are left out one at a time, and then whole fields of the root: a response with
/// more is hostile or from another version, and each one costs another pass over the document.
const MAX_SMALL_PARTS: usize = 16;
/// The limit for both. No documented object has that many fields.
const MAX_PARTS: usize = 96;

/// A value, and what was left out to read it.
pub(crate) struct Decoded<T> {
    pub(crate) value: T,
    /// The paths of the unreadable parts, such as `errors[].code`. Each once.
    pub(crate) unreadable_fields: Vec<String>,
    /// What remained of the document if anything was left out, for drift reports.
    #[cfg_attr(not(feature = "drift"), allow(dead_code))]
    pub(crate) readable: Option<Value>,
}

/// Decodes the body of a success. The error completes the sentence "its body …", and quotes nothing from the body.
pub(crate) fn decode<T: DeserializeOwned + Documented>(
    json: &[u8],
    documented_status: bool,
    screen: &Screen,
) -> Result<Decoded<T>, String> {
    let decoded: Decoded<T> = match serde_json::from_slice(json) {
        Ok(value) => Decoded { value, unreadable_fields: Vec::new(), readable: None },
        Err(_) => leniently(json, screen)?,
    };
    // An undocumented status may come from a gateway that never asked the API: its own status word is not enough.
    let convincing = match documented_status {
        true => decoded.value.has_documented_field(),
        false => decoded.value.has_documented_value() && serde_json::to_value(&decoded.value).is_ok_and(has_content),
    };
    if convincing {
        return Ok(decoded);
    }
    Err(match decoded.unreadable_fields.first() {
        None => "contains none of the documented fields".to_owned(),
        Some(field) => {
            format!("contains no documented field that can be read: it does not match the schema at {field}")
        }
    })
}

/// Whether objects and lists contain anything: `{"data": {}}` and `{"errors": []}` are many gateways' envelopes.
fn has_content(value: Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => elements.into_iter().any(has_content),
        Value::Object(fields) => fields.into_iter().any(|(_, field)| has_content(field)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Leaves out the smallest unreadable part, and tries again. If a field is repeated, the last value counts.
fn leniently<T: DeserializeOwned>(json: &[u8], screen: &Screen) -> Result<Decoded<T>, String> {
    let mut document: Value = serde_json::from_slice(json)
        .map_err(|e| format!("is not valid JSON at line {} column {}", e.line(), e.column()))?;
    let mut unreadable_fields = Vec::new();
    for part in 0..MAX_PARTS {
        let problem = match serde_path_to_error::deserialize(&document) {
            Ok(value) => return Ok(Decoded { value, unreadable_fields, readable: Some(document) }),
            Err(problem) => problem,
        };
        let path: Vec<&Segment> = problem.path().iter().collect();
        let depth = if part < MAX_SMALL_PARTS { path.len() } else { path.len().min(1) };
        let Some(removed) = remove(&mut document, &path[..depth]) else {
            return Err("does not match the schema at its root".to_owned());
        };
        let removed = place(removed, screen);
        if !unreadable_fields.contains(&removed) {
            unreadable_fields.push(removed);
        }
    }
    Err(format!("does not match the schema in more than {MAX_PARTS} places"))
}

/// Removes what a path leads to, or what contains it if the path goes beyond the document. Returns the path to what was
/// removed.
fn remove<'p>(document: &mut Value, path: &'p [&'p Segment]) -> Option<&'p [&'p Segment]> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(&mut *document, |value, segment| match segment {
        Segment::Map { key } => value.get_mut(key),
        Segment::Seq { index } => value.get_mut(index),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let removed = match (parent, last) {
        (Some(Value::Object(fields)), Segment::Map { key }) => fields.remove(key).is_some(),
        (Some(Value::Array(elements)), Segment::Seq { index }) if *index < elements.len() => {
            elements.remove(*index);
            true
        }
        _ => false,
    };
    if removed { Some(path) } else { remove(document, parents) }
}

/// A path as people write it, with `[]` for any index.
fn place(path: &[&Segment], screen: &Screen) -> String {
    let mut place = String::new();
    for segment in path {
        match segment {
            Segment::Seq { .. } => place += "[]",
            Segment::Map { key } => {
                if !place.is_empty() {
                    place.push('.');
                }
                place += &screen.quoted(key);
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    place
}
