//! Generates the client of `openapi.yaml` and one operation more.

#[allow(dead_code)]
#[path = "../../build.rs"]
mod client;

use quote::ToTokens;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

const OPERATION: &str = "
paths:
  /v1/onboarding/requests/{id}:
    get:
      operationId: getOnboardingRequest
      tags: [Onboarding]
      summary: Read an onboarding request
      parameters:
        - name: id
          in: path
          required: true
          schema: {type: string, format: uuid}
      responses:
        '200':
          description: The request
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/OnboardingRequest'
";

fn main() {
    for path in ["../../openapi.yaml", "../../build.rs", "../../src", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let spec = fs::read_to_string("../../openapi.yaml").expect("openapi.yaml").replacen("\npaths:\n", OPERATION, 1);
    let code = client::generate(&spec).expect("a client").into_token_stream().to_string();
    fs::write(out.join("generated.rs"), code).expect("a file");
    copy(Path::new("../../src"), &out.join("src"));
}

/// Copies a folder of sources, without the attributes of a whole crate, which an included file cannot have.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        if path.is_dir() {
            copy(&path, &target);
            continue;
        }
        let source = fs::read_to_string(&path).expect("UTF-8");
        // Those are run where they stand.
        let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = source.lines().filter(|line| !line.starts_with("#![") && !line.starts_with("//!"));
        fs::write(target, lines.collect::<Vec<_>>().join("\n")).expect("a file");
    }
}
