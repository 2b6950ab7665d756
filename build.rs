//! Writes the client for `openapi.yaml` to `OUT_DIR`: generated (`build/mod.rs`), or as shipped (`build/shipped.rs`).

#[cfg(feature = "generate")]
#[path = "build/mod.rs"]
mod build;
#[cfg(not(feature = "generate"))]
#[path = "build/shipped.rs"]
mod build;

fn main() {
    for path in ["build.rs", "build", "generated", "openapi.yaml"] {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Err(error) = build::run() {
        for line in error.lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}
