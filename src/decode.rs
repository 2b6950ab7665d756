//! Reading a success: strictly first, and where that fails without the parts that cannot be read.

use crate::operation::Documented;
use crate::screen::Screen;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// So many fields and elements are left out one by one. After that, whole fields of the root are: a response that has so many
/// is hostile or of another version, and each round reads the document again.
const MAX_SMALL_PARTS: usize = 16;
/// No documented root has more fields than remain.
const MAX_PARTS: usize = 96;

/// A value, and what was left out to read it.
pub(crate) struct Decoded<T> {
    pub(crate) value: T,
    /// Where the parts were that could not be read, such as `errors[].code`. Each once.
    pub(crate) unreadable_fields: Vec<String>,
    /// What remained of the document, where anything was left out: for reports of drift.
    #[cfg_attr(not(feature = "drift"), allow(dead_code))]
    pub(crate) readable: Option<Value>,
}

/// Reads the body of a success, or says what is wrong with it: in words that follow "its body", and without its contents.
pub(crate) fn decode<T: DeserializeOwned + Documented>(
    json: &[u8],
    documented_status: bool,
    screen: &Screen,
) -> Result<Decoded<T>, String> {
    let decoded: Decoded<T> = match serde_json::from_slice(json) {
        Ok(value) => Decoded { value, unreadable_fields: Vec::new(), readable: None },
        Err(_) => leniently(json, screen)?,
    };
    // A status that is not documented may be that of a gateway which never asked the API: its word for a status is not enough.
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

/// Whether there is anything in objects and lists: `{"data": {}}` and `{"errors": []}` are the envelopes of many gateways.
fn has_content(value: Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => elements.into_iter().any(has_content),
        Value::Object(fields) => fields.into_iter().any(|(_, field)| has_content(field)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Leaves out the smallest part that cannot be read, and tries again. Of a repeated field, the last value counts.
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

/// Removes what is at the end of a path, or what contains it where the path leads further than the document. Returns the path
/// to what was removed.
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
