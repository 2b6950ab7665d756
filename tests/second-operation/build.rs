//! Generates the client from `openapi.yaml` with every edit that the build accepts, including one more operation.

#[path = "../../build/mod.rs"]
mod build;
#[path = "../support/edits.rs"]
mod edits;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    for path in ["../../openapi.yaml", "../../build", "../../src", "../support/edits.rs", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let spec = fs::read_to_string("../../openapi.yaml").expect("openapi.yaml");
    let spec = edits::ACCEPTED.iter().fold(spec, |spec, edit| edit.of(&spec));
    let client = build::client(&spec).expect("a client");
    fs::write(out.join("generated.rs"), prettyplease::unparse(&client)).expect("a file");
    copy(Path::new("../../src"), &out.join("src"));
}

/// Copies a folder of sources without crate-level attributes, which an included file cannot have.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        if path.is_dir() {
            copy(&path, &target);
            continue;
        }
        let source = fs::read_to_string(&path).expect("UTF-8");
        // Unit tests run where they are.
        let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = source.lines().filter(|line| !line.starts_with("#![") && !line.starts_with("//!"));
        fs::write(target, lines.collect::<Vec<_>>().join("\n")).expect("a file");
    }
}
