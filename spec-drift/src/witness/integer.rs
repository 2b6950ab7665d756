//! The Rust integer type that typify 0.8 chooses for an `integer` in a description.

use serde_json::{Map, Value};

const I64: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);

/// From least to most restrictive, as typify tries them: the name and the range of each type.
const TYPES: [(&str, i128, i128); 10] = [
    ("uint64", 0, u64::MAX as i128),
    ("int64", I64.0, I64.1),
    ("uint32", 0, u32::MAX as i128),
    ("uint", 0, u32::MAX as i128),
    ("int32", i32::MIN as i128, i32::MAX as i128),
    ("int", i32::MIN as i128, i32::MAX as i128),
    ("uint16", 0, u16::MAX as i128),
    ("int16", i16::MIN as i128, i16::MAX as i128),
    ("uint8", 0, u8::MAX as i128),
    ("int8", i8::MIN as i128, i8::MAX as i128),
];

/// The range of values that the client decodes.
pub(crate) fn decoded(schema: &Map<String, Value>) -> (i128, i128) {
    let (mut min, mut max) = bounds(schema);
    let format = schema.get("format").and_then(Value::as_str);
    if let Some((_, low, high)) = TYPES.iter().find(|(name, ..)| format == Some(name)) {
        let inside = min.is_none_or(|min| min >= *low as f64) && max.is_none_or(|max| max <= *high as f64);
        if inside && !schema.contains_key("multipleOf") {
            // typify uses the unsigned NonZero type of the same width.
            return if min == Some(1.0) { (1, high - low) } else { (*low, *high) };
        }
        min = min.or(Some(*low as f64));
        max = max.or(Some(*high as f64));
    }
    if min == Some(1.0) {
        return (1, u64::MAX as i128);
    }
    let fits = |(_, low, high): &&(&str, i128, i128)| {
        min.is_none_or(|min| min == *low as f64) && max.is_none_or(|max| max == *high as f64)
    };
    match (min, max) {
        (None, None) => I64,
        _ => TYPES.iter().find(fits).map_or(I64, |(_, low, high)| (*low, *high)),
    }
}

/// The range that a format implies to someone who checks it, if any.
pub(crate) fn meant(format: &str) -> Option<(i128, i128)> {
    TYPES.iter().find(|(name, ..)| *name == format).map(|(_, low, high)| (*low, *high))
}

fn bounds(schema: &Map<String, Value>) -> (Option<f64>, Option<f64>) {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let exclusive = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let min = number("minimum").map(|min| if exclusive("exclusiveMinimum") { min + 1.0 } else { min });
    let max = number("maximum").map(|max| if exclusive("exclusiveMaximum") { max - 1.0 } else { max });
    (min, max)
}
