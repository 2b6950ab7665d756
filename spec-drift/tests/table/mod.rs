//! The table of one-edit variants: what was edited, and how it affects a shipped client, in both directions.

use serde_json::Value;

#[allow(dead_code)]
pub struct Row {
    pub name: String,
    /// The description that is edited.
    pub base: String,
    pub base_spec: Value,
    pub variant: Value,
    /// The verdict for a client of the base and a server of the variant.
    pub forward: Option<String>,
    /// The verdict for a client of the variant and a server of the base.
    pub backward: Option<String>,
    /// Why the run cannot decide, if a verdict is `look`.
    pub why: Option<String>,
    /// Why the judge cannot express the row. Its verdicts are then checked against the table only.
    pub unjudged: Option<String>,
    /// Extra values that the judge's samples need for this row.
    pub samples: Value,
}

pub fn rows(directory: &std::path::Path) -> Vec<Row> {
    let read = |path: std::path::PathBuf| -> Value {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        yaml_serde::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let table = read(directory.join("tests/table.yaml"));
    let bases = [
        ("onboarding", "tests/specs/onboarding.yaml"),
        ("parcels", "tests/specs/parcels.yaml"),
        ("shapes", "tests/specs/shapes.yaml"),
    ];
    let mut rows = Vec::new();
    for (base, path) in bases {
        let base_spec = read(directory.join(path));
        for row in table[base].as_array().expect("a list of rows") {
            let name = row["name"].as_str().expect("a name").to_owned();
            let mut variant = base_spec.clone();
            for edit in row["edit"].as_array().unwrap_or_else(|| panic!("{name}: needs edits")) {
                apply(&mut variant, edit).unwrap_or_else(|| panic!("{name}: does not apply: {edit}"));
            }
            assert_ne!(variant, base_spec, "{name}: the edit changes nothing");
            let text = |key: &str| row[key].as_str().map(str::to_owned);
            rows.push(Row {
                base: base.to_owned(),
                base_spec: base_spec.clone(),
                variant,
                forward: text("forward"),
                backward: text("backward"),
                why: text("why"),
                unjudged: text("unjudged"),
                samples: row["samples"].clone(),
                name,
            });
        }
    }
    rows
}

/// `{set: pointer, to: value}`, `{remove: pointer}` or `{move: pointer, to: pointer}`.
fn apply(document: &mut Value, edit: &Value) -> Option<()> {
    if let Some(from) = edit["move"].as_str() {
        let value = take(document, from)?;
        return put(document, edit["to"].as_str()?, value);
    }
    match edit["remove"].as_str() {
        Some(at) => take(document, at).map(drop),
        None => put(document, edit["set"].as_str()?, edit["to"].clone()),
    }
}

pub fn put(document: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let (parent, key) = pointer.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(map) => drop(map.insert(key.replace("~1", "/").replace("~0", "~"), value)),
        Value::Array(list) if key == "-" => list.push(value),
        Value::Array(list) => *list.get_mut(key.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    Some(())
}

pub fn take(document: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&key.replace("~1", "/").replace("~0", "~")),
        Value::Array(list) => {
            let n = key.parse::<usize>().ok().filter(|n| *n < list.len())?;
            Some(list.remove(n))
        }
        _ => None,
    }
}
