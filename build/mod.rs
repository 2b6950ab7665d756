//! From `openapi.yaml` to the client: the description is read and checked, progenitor generates, the types are opened, and each
//! operation gets a row.

mod description;
mod expected;
mod generate;
mod header;
mod names;
mod node;
mod open_types;
mod operations;
mod parameters;
mod schemas;
mod supported;
mod syntax;

use description::Description;
pub use header::with_header;
use header::without_header;
use quote::ToTokens;
use std::{env, fs, path::Path};
use syn::File;

/// Writes the client for `openapi.yaml` to `OUT_DIR`.
#[allow(dead_code)] // Tests generate without writing.
pub fn run() -> Result<(), String> {
    let spec = fs::read_to_string("openapi.yaml").map_err(|e| format!("openapi.yaml cannot be read: {e}"))?;
    let named = |problem| format!("openapi.yaml: {problem}");
    write("client.rs", &spec, &client(&spec).map_err(named)?)?;
    if env::var_os("CARGO_FEATURE_SANDBOX").is_some() {
        write("mocks.rs", &spec, &mocks(&spec, "crate::generated").map_err(named)?)?;
    }
    Ok(())
}

fn write(name: &str, spec: &str, file: &File) -> Result<(), String> {
    let reviewed = fs::read_to_string(Path::new("generated").join(name)).unwrap_or_default();
    let path = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join(name);
    fs::write(&path, written(reviewed, spec, &code(file)))
        .map_err(|e| format!("{} cannot be written: {e}", path.display()))
}

/// The reviewed file if it is this code, unedited: it is formatted, which takes a crate that only the tests build. Other code is
/// written as it is.
pub fn written(reviewed: String, spec: &str, generated: &str) -> String {
    if reviewed == with_header(spec, without_header(&reviewed), generated) {
        reviewed
    } else {
        with_header(spec, generated, generated)
    }
}

/// Code before it is formatted.
pub fn code(file: &File) -> String {
    file.to_token_stream().to_string()
}

/// The client for a description, or what is wrong with it.
pub fn client(spec: &str) -> Result<File, String> {
    let description = Description::read(spec)?;
    let mut file = generate::client(&description)?;
    expected::check(&file, description.types()?)?;
    generate::url_of_the_exchange(&mut file)?;
    open_types::open(&mut file)?;
    let rows = operations::rows(&file, &description.operations()?)?;
    file.items.extend(rows);
    file.items.push(operations::base_url(&description));
    Ok(file)
}

/// The httpmock helpers for a description, whose client is the module at `client`.
#[allow(dead_code)] // Not every test needs them.
pub fn mocks(spec: &str, client: &str) -> Result<File, String> {
    generate::mocks(&Description::read(spec)?, client)
}

/// A client that decodes by itself, for any description that progenitor accepts: how `spec-drift`'s judge sees other APIs.
#[allow(dead_code)] // Only the judge needs it.
pub fn client_of_any(spec: &str) -> Result<File, String> {
    let mut file = generate::decoding_client(&Description::read_any(spec)?)?;
    open_types::open(&mut file)?;
    Ok(file)
}
