//! Reads a document (YAML, JSON or a Markdown page) within limits, and checks that it is complete enough to compare.

pub(crate) mod annotation;
pub(crate) mod equal;
pub(crate) mod flat;
mod markdown;
pub(crate) mod node;
pub(crate) mod reference;

use serde_json::{Map, Value};
use std::{fmt, fs::File, io::Read, path::Path};

/// A hundred times the largest description that this project reads. Anything larger is a mistake or an attack.
pub const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// The depth that serde_json reads. No description written by people comes close.
pub const MAX_DEPTH: usize = 128;
/// Values after alias expansion: roughly the most that MAX_BYTES of honest YAML can contain.
pub const MAX_NODES: usize = 1_000_000;

/// Brackets open at once, including those in text. A YAML scanner revisits all of them again and again.
const MAX_OPEN: usize = 1_000;

/// Why a document cannot be compared: one line that names the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// An OpenAPI 3.0 document.
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
        let refuse = |reason: String| Error(format!("{name}: {reason}"));
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| refuse(format!("cannot be read: {e}")))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(refuse(format!("is larger than {MAX_BYTES} bytes, the maximum size")));
        }
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            refuse(format!("line {line}: is not text in UTF-8; give a YAML, JSON or Markdown file"))
        })?;
        let page = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md") || e.eq_ignore_ascii_case("markdown"));
        Self::parse(&name, text, page)
    }

    /// Reads a text. Errors use `name`.
    pub fn from_text(name: &str, text: &str) -> Result<Self, Error> {
        Self::parse(name, text, false)
    }

    fn parse(name: &str, text: &str, page: bool) -> Result<Self, Error> {
        let refuse = |reason: String| Error(format!("{name}: {reason}"));
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

/// `above` is the number of lines in the file above the text.
fn root(text: &str, above: usize) -> Result<Value, String> {
    let place = |line: Option<usize>| line.map_or(String::new(), |line| format!("line {}: ", line + above));
    let root = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| format!("{}is not JSON: {e}", place(Some(e.line()))))?
    } else {
        if let Some(line) = too_deep(text) {
            return Err(format!("{}is nested deeper than {MAX_DEPTH} levels", place(Some(line))));
        }
        let yaml: yaml_serde::Value = yaml_serde::from_str(text)
            .map_err(|e| format!("{}is not YAML: {e}", place(e.location().map(|l| l.line()))))?;
        json(yaml, 0, &mut 0)?
    };
    let line = |needle: &str| place(text.lines().position(|l| l.contains(needle)).map(|n| n + 1));
    match root.get("openapi") {
        Some(Value::String(version)) if version.starts_with("3.0.") => {}
        Some(version) => return Err(format!("{}is OpenAPI {version}; only 3.0.x is read", line("openapi"))),
        None if root.get("swagger").is_some() => {
            return Err(format!("{}is Swagger 2; only OpenAPI 3.0.x is read", line("swagger")));
        }
        None => return Err("is not an OpenAPI document: it has no `openapi` version at its top".to_owned()),
    }
    let Some(paths) = root.get("paths").and_then(Value::as_object) else {
        return Err("has no `paths`, so there is nothing to compare".to_owned());
    };
    if let Some((path, _)) = paths.iter().find(|(path, item)| !path.starts_with("x-") && !item.is_object()) {
        return Err(format!("{}the path {path} is not an object", line(path)));
    }
    reference::check(&root)
        .map_err(|(reference, reason)| format!("{}$ref '{reference}' {reason}", line(&reference)))?;
    Ok(root)
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

fn json(yaml: yaml_serde::Value, depth: usize, nodes: &mut usize) -> Result<Value, String> {
    *nodes += 1;
    if *nodes > MAX_NODES {
        return Err(format!("has more than {MAX_NODES} values once its aliases are expanded"));
    }
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
    }
    Ok(match yaml {
        yaml_serde::Value::Null => Value::Null,
        yaml_serde::Value::Bool(b) => b.into(),
        yaml_serde::Value::String(s) => s.into(),
        yaml_serde::Value::Number(n) => serde_json::to_value(n).map_err(|e| e.to_string())?,
        yaml_serde::Value::Sequence(list) => {
            list.into_iter().map(|item| json(item, depth + 1, nodes)).collect::<Result<Vec<_>, _>>()?.into()
        }
        yaml_serde::Value::Mapping(map) => {
            let mut object = Map::new();
            for (key, value) in map {
                let key = match json(key, depth + 1, nodes)? {
                    Value::String(key) if key == "<<" => {
                        return Err(
                            "has a merge key (<<), which is not part of YAML 1.2: write out what it merges".to_owned()
                        );
                    }
                    Value::String(key) => key,
                    // Statuses are often written without quotes.
                    key @ (Value::Number(_) | Value::Bool(_)) => key.to_string(),
                    key => return Err(format!("has a key that is not a string: {key}")),
                };
                object.insert(key, json(value, depth + 1, nodes)?);
            }
            object.into()
        }
        yaml_serde::Value::Tagged(tagged) => {
            return Err(format!("has a YAML tag, {}, which OpenAPI does not use", tagged.tag));
        }
    })
}
