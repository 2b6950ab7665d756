//! Without the feature `generate`: the code in `generated/`, provided that it was made from this `openapi.yaml`.

mod header;

use header::{origin, without_header};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Copies the shipped client to `OUT_DIR`.
pub fn run() -> Result<(), String> {
    let spec = read(Path::new("openapi.yaml"))?;
    copy("client.rs", &spec)?;
    if env::var_os("CARGO_FEATURE_SANDBOX").is_some() {
        copy("mocks.rs", &spec)?;
    }
    Ok(())
}

fn copy(name: &str, spec: &str) -> Result<(), String> {
    let shipped = Path::new("generated").join(name);
    let code = read(&shipped)?;
    if !code.starts_with(&origin(spec, without_header(&code))) {
        return Err(format!(
            "{} is not what was generated from this openapi.yaml: enable the feature `generate`, which generates it",
            shipped.display()
        ));
    }
    let written = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join(name);
    fs::write(&written, code).map_err(|e| format!("{} cannot be written: {e}", written.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}
