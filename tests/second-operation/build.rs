//! Generates the client with one more operation, and a client for each other edit of `openapi.yaml` that the build accepts.

#[path = "../../build/mod.rs"]
mod build;
#[path = "../support/edits.rs"]
mod edits;

use edits::{Becomes, Edit};
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    for path in ["../../openapi.yaml", "../../build", "../../src", "../support/edits.rs", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let spec = fs::read_to_string("../../openapi.yaml").expect("openapi.yaml");
    generate(&edits::second_operation(), &spec, &out, "generated");
    let mut modules = String::new();
    let accepted = edits::all().into_iter().filter(|edit| matches!(edit.becomes, Becomes::Client(_)));
    for (n, edit) in accepted.enumerate() {
        let name = format!("edit_{n}");
        generate(&edit, &spec, &out.join(&name), &name);
        writeln!(modules, "edit!({name});").expect("a string");
    }
    fs::write(out.join("edits.rs"), modules).expect("a file");
    copy(Path::new("../../src"), &out.join("src"));
}

fn generate(edit: &Edit, spec: &str, folder: &Path, module: &str) {
    let spec = edit.of(spec);
    fs::create_dir_all(folder).expect("a folder");
    let write =
        |name: &str, file: &syn::File| fs::write(folder.join(name), prettyplease::unparse(file)).expect("a file");
    write("client.rs", &build::client(&spec).expect("a client"));
    write("mocks.rs", &build::mocks(&spec, &format!("crate::{module}")).expect("mocks"));
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
