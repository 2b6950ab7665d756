//! Generates the client from `openapi.yaml`: see `build/mod.rs`.

#[path = "build/mod.rs"]
mod build;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=openapi.yaml");
    if let Err(error) = build::run() {
        for line in error.lines() {
            println!("cargo::error=openapi.yaml: {line}");
        }
        std::process::exit(1);
    }
}
