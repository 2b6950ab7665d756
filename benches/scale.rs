//! What 1, 10 and 100 operations with their own types cost: `cargo bench --profile dev --bench scale -- FOLDER`.
//!
//! That profile is the one for build scripts. The descriptions are left in the folder as `N.yaml`.

use serde_json::{Map, Value};
use std::{env, fs, path::Path, time::Instant};
use support::build;

const SPEC: &str = include_str!("../openapi.yaml");

fn main() {
    let Some(folder) = env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        return eprintln!("usage: cargo bench --profile dev --bench scale -- FOLDER");
    };
    fs::create_dir_all(&folder).expect("a folder");
    for operations in [1, 10, 100] {
        let spec = yaml_serde::to_string(&cloned(operations)).expect("YAML");
        let started = Instant::now();
        let file = build::client(&spec).expect("a client");
        let elapsed = started.elapsed();
        let lines = prettyplease::unparse(&file).lines().count();
        println!("{operations} {:.3} {lines}", elapsed.as_secs_f64());
        fs::write(Path::new(&folder).join(format!("{operations}.yaml")), spec).expect("a file");
    }
}

/// The description with its paths and types repeated that many times under different names.
fn cloned(times: usize) -> Value {
    let once: Value = yaml_serde::from_str(SPEC).expect("YAML");
    let mut all = once.clone();
    for n in 2..=times {
        let mut paths = once["paths"].clone();
        rename(&mut paths, n);
        all["paths"].as_object_mut().expect("paths").extend(suffixed(&paths, n));
        let mut schemas = once["components"]["schemas"].clone();
        rename(&mut schemas, n);
        all["components"]["schemas"].as_object_mut().expect("schemas").extend(suffixed(&schemas, n));
    }
    all
}

fn suffixed(map: &Value, n: usize) -> Map<String, Value> {
    map.as_object().expect("a map").iter().map(|(key, value)| (format!("{key}{n}"), value.clone())).collect()
}

fn rename(node: &mut Value, n: usize) {
    match node {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "operationId" => *text += &n.to_string(),
                    Value::String(text) if key == "$ref" && text.contains("/schemas/") => *text += &n.to_string(),
                    _ => rename(value, n),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| rename(item, n)),
        _ => {}
    }
}
