//! Reads a document (YAML, JSON or a Markdown page) within limits, and checks that it is complete enough to compare.

pub(crate) mod annotation;
mod definitions;
pub(crate) mod discriminator;
pub(crate) mod equal;
pub(crate) mod error;
pub(crate) mod flat;
mod limits;
mod markdown;
pub(crate) mod node;
mod normal;
pub(crate) mod reference;
mod text;
mod walk;

pub use error::Error;
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_NODES};

use serde_json::{Value, json};
use std::{borrow::Cow, fs::File, io::Read, path::Path};

/// An OpenAPI document in its normal form.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) root: Value,
    /// The method and path of a fragment: the only operation that it describes.
    pub(crate) scope: Option<(String, String)>,
}

impl Document {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let refuse = |reason: String| Error::new(format!("{name}: {reason}"));
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| refuse(format!("cannot be read: {e}")))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(refuse(format!("is larger than {MAX_BYTES} bytes, the maximum size")));
        }
        let text = decoded(&bytes)
            .map_err(|line| refuse(format!("line {line}: is not text in UTF-8; give a YAML, JSON or Markdown file")))?;
        let page = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md") || e.eq_ignore_ascii_case("markdown"));
        Self::parse(&name, &text, page)
    }

    /// Reads a text. Errors use `name`.
    pub fn from_text(name: &str, text: &str) -> Result<Self, Error> {
        Self::parse(name, text, false)
    }

    fn parse(name: &str, text: &str, page: bool) -> Result<Self, Error> {
        let refuse = |reason: String| Error::new(format!("{name}: {reason}"));
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(refuse("is empty".to_owned()));
        }
        match markdown::fragment(text) {
            Some(fragment) => {
                let fragment = fragment.map_err(refuse)?;
                let root = root(fragment.text, fragment.line).map_err(refuse)?;
                let operation = root["paths"].get(&fragment.path).and_then(|item| item.get(&fragment.method));
                if operation.is_none() {
                    let (line, method, path) = (fragment.line, fragment.method, fragment.path);
                    return Err(refuse(format!(
                        "line {line}: the fence says {method} {path}, which its text does not contain"
                    )));
                }
                Ok(Self { root, scope: Some((fragment.method, fragment.path)) })
            }
            None if page => Err(refuse(
                "has no fragment: a fence of four backticks that begins with `yaml`, a method and a path".to_owned(),
            )),
            None => Ok(Self { root: root(text, 0).map_err(refuse)?, scope: None }),
        }
    }
}

/// UTF-8, or UTF-16 if a byte order mark says so. The error is the first line that is not text.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            let line = |valid: usize| bytes[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
            return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|e| line(e.valid_up_to()));
        }
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let text: String = text.collect::<Result<_, _>>().map_err(|_| 1usize)?;
    if rest.is_empty() { Ok(Cow::Owned(text)) } else { Err(text.lines().count()) }
}

/// `above` is the number of lines in the file above the text.
fn root(text: &str, above: usize) -> Result<Value, String> {
    let place = |line: Option<usize>| line.map_or(String::new(), |line| format!("line {}: ", line + above));
    let mut root = text::read(text).map_err(|e| format!("{}{}", place(e.line), e.reason))?;
    let line = |needle: &str| place(text.lines().position(|l| l.contains(needle)).map(|n| n + 1));
    let Some(map) = root.as_object_mut() else {
        return Err("is not an OpenAPI document: it has no `openapi` version at its top".to_owned());
    };
    // A version is often written without quotes, and so is a number.
    let version = map.get("openapi").map(|version| version.as_str().map_or_else(|| version.to_string(), str::to_owned));
    let parts = ["paths", "webhooks", "components"].iter().any(|key| map.contains_key(*key));
    match version {
        Some(version) if version.starts_with("3.") => {}
        Some(version) => return Err(format!("{}is OpenAPI {version}; only 3.x is read", line("openapi"))),
        None if map.contains_key("swagger") => {
            return Err(format!("{}is Swagger 2; only OpenAPI 3.x is read", line("swagger")));
        }
        None if map.contains_key("paths") => {}
        None => return Err("is not an OpenAPI document: it has no `openapi` version at its top".to_owned()),
    }
    if !parts {
        return Err("has no `paths`, so there is nothing to compare".to_owned());
    }
    let paths = map.entry("paths").or_insert_with(|| json!({}));
    if paths.is_null() {
        *paths = json!({});
    }
    let Some(items) = paths.as_object_mut() else {
        return Err(format!("{}the paths are not an object", line("paths")));
    };
    for (path, item) in items.iter_mut().filter(|(path, _)| !path.starts_with("x-")) {
        match item {
            Value::Object(_) => {}
            Value::Null => *item = json!({}),
            _ => return Err(format!("{}the path {path} is not an object", line(path))),
        }
    }
    normal::normalise(&mut root);
    Ok(root)
}
