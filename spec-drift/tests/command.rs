//! The command: what it prints, what it refuses, and its exit status.

use spec_drift::{MAX_BYTES, MAX_DEPTH};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

const BASE: &str = include_str!("specs/onboarding.yaml");

/// Longer than any comparison of small documents takes, even unoptimised on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).expect("a file to write");
    path
}

fn run(old: &Path, new: &Path, more: &[&str]) -> Output {
    let started = Instant::now();
    let output =
        Command::new(env!("CARGO_BIN_EXE_spec-drift")).args([old, new]).args(more).output().expect("the command");
    assert!(started.elapsed() < PATIENCE, "it took {:?}", started.elapsed());
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What follows the counts.
fn entries(report: &[u8]) -> String {
    text(report).split_once('\n').expect("a first line").1.to_owned()
}

/// Checks that a document cannot be read: the right message and status, as either argument.
#[track_caller]
fn refused(name: &str, content: impl AsRef<[u8]>, words: &[&str]) {
    let bad = file(name, content);
    let good = file(&format!("{name}.good.yaml"), BASE);
    for (old, new) in [(&bad, &good), (&good, &bad)] {
        let output = run(old, new, &[]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
        assert_eq!(error.lines().count(), 1, "{error}");
        for word in [name].iter().chain(words) {
            assert!(error.contains(word), "{word:?} is not in {error:?}");
        }
    }
}

#[test]
fn without_breaking_changes_it_exits_with_0() {
    let old = file("status-0-old.yaml", BASE);
    let same = run(&old, &old, &[]);
    assert_eq!((same.status.code(), text(&same.stdout).as_str()), (Some(0), "no changes\n"));
    let new =
        file("status-0-new.yaml", BASE.replace("        - Consent\n", "        - Consent\n        - Signature\n"));
    let unseen = run(&old, &new, &[]);
    assert_eq!(unseen.status.code(), Some(0));
    assert!(
        entries(&unseen.stdout).starts_with("unseen   POST /v1/onboarding/collectives response /body/action/type: "),
        "{}",
        text(&unseen.stdout)
    );
}

#[test]
fn a_breaking_change_exits_with_1_and_shows_a_witness() {
    let old = file("status-1-old.yaml", BASE);
    let new = file(
        "status-1-new.yaml",
        BASE.replace("      required:\n        - name\n", "      required:\n        - name\n        - owner\n"),
    );
    let output = run(&old, &new, &[]);
    assert_eq!(output.status.code(), Some(1));
    let report = entries(&output.stdout);
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], "breaks   POST /v1/onboarding/collectives request /body/owner: is required now");
    assert!(lines[1].starts_with("    witness: {\"name\":"), "{report}");
    assert!(
        lines[2].starts_with("    reason: the server refuses it: ")
            && lines[2].contains("\"owner\" is a required property"),
        "{report}"
    );
}

#[test]
fn a_change_that_needs_a_look_exits_with_1() {
    let old = file("look-old.yaml", BASE);
    let new = file("look-new.yaml", BASE.replace("      operationId:", "      callbacks: {}\n      operationId:"));
    let output = run(&old, &new, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(entries(&output.stdout).starts_with("look     POST "), "{}", text(&output.stdout));
}

#[test]
fn the_markdown_report_has_a_section_for_each_verdict() {
    let old = file("markdown-old.yaml", BASE);
    let new = file(
        "markdown-new.yaml",
        BASE.replace("        - Consent\n", "        - Signature\n").replace("        - Fleet\n", ""),
    );
    let report = text(&run(&old, &new, &["--format", "markdown"]).stdout);
    assert!(
        report.contains(
            "harmless\n\n## Breaks a shipped client\n\n- `POST /v1/onboarding/collectives request /body/type`: "
        ),
        "{report}"
    );
    assert!(report.contains("\n## Unseen by the client\n\n- "), "{report}");
    assert!(report.contains("\n  - witness: `{"), "{report}");
}

#[test]
fn json_and_yaml_are_equivalent() {
    let old = file("form-old.yaml", BASE);
    let value: serde_json::Value = yaml_serde::from_str(BASE).expect("YAML");
    let new = file("form-new.json", serde_json::to_string(&value).expect("JSON"));
    let output = run(&old, &new, &[]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "no changes\n"));
}

fn page(fragment: &str) -> String {
    format!("# Create\n\nWords.\n\n````yaml post /v1/onboarding/collectives\n{fragment}````\n\nMore words.\n")
}

#[test]
fn a_page_is_compared_only_for_its_operation() {
    let more = BASE.replace(
        "paths:\n",
        "paths:\n  /v1/other:\n    get:\n      responses:\n        '204':\n          description: None\n",
    );
    let old = file("page-old.yaml", more);
    let same = run(&old, &file("page-same.md", page(BASE)), &[]);
    assert_eq!((same.status.code(), text(&same.stdout).as_str()), (Some(0), "no changes\n"));
    let changed =
        BASE.replace("openapi: 3.0.3", "openapi: 3.0.4").replace("        - Pending\n", "        - Waiting\n");
    let report = run(&old, &file("page-new.md", page(&changed)), &[]);
    assert!(
        entries(&report.stdout).starts_with("unseen   POST /v1/onboarding/collectives response /body/status: "),
        "{}",
        text(&report.stdout)
    );
}

#[test]
fn a_page_whose_operation_the_other_document_lacks_needs_a_look() {
    let moved = BASE.replace("  /v1/onboarding/collectives:", "  /v2/onboarding/collectives:");
    let new = page(&moved).replace("post /v1/", "post /v2/");
    let output = run(&file("moved-old.yaml", BASE), &file("moved-new.md", new), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        entries(&output.stdout).starts_with("look     POST /v2/onboarding/collectives: "),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn unreadable_documents_are_refused_by_name_with_status_2() {
    refused("empty.yaml", "", &["is empty"]);
    refused("binary.yaml", [b'o', b'\n', 0xff, 0xfe, 0x00], &["line 2", "UTF-8"]);
    refused("not.yaml", "openapi: 3.0.3\npaths: [}\n", &["line 2", "not YAML"]);
    refused("not.json", "{\n\"openapi\": \"3.0.3\",,\n}", &["line 2", "not JSON"]);
    refused("words.yaml", "just words", &["not an OpenAPI document"]);
    let line = BASE.lines().position(|line| line == "openapi: 3.0.3").expect("a version") + 1;
    refused("four.yaml", BASE.replace("openapi: 3.0.3", "openapi: 4.0.0"), &[&format!("line {line}:"), "4.0.0", "3.x"]);
    refused("swagger.yaml", "swagger: '2.0'\npaths: {}\n", &["line 1", "Swagger 2"]);
    refused("no-paths.yaml", "openapi: 3.0.3\n", &["`paths`"]);
}

#[test]
fn a_page_without_a_complete_fragment_is_refused() {
    let cut = page(BASE);
    refused("cut.md", &cut[..cut.len() / 2], &["line 5", "not closed"]);
    refused("none.md", "# A page\n\nwithout a fence\n", &["has no fragment"]);
    refused(
        "other.md",
        page(BASE).replace("post /v1/onboarding/collectives", "get /v1/nothing"),
        &["line 5", "get /v1/nothing"],
    );
    refused("two.md", page(BASE).repeat(2), &["second fragment"]);
    let broken = page(BASE).replace("paths:\n", "paths: [}\n");
    let line = broken.lines().position(|line| line == "paths: [}").expect("a broken line") + 1;
    refused("broken.md", &broken, &[&format!("line {line}:"), "not YAML"]);
}

#[test]
fn documents_that_would_exhaust_the_machine_are_refused() {
    refused("huge.yaml", vec![b'#'; MAX_BYTES as usize + 1], &["larger than"]);
    refused("deep.yaml", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), &["line 1", "nested deeper"]);
    refused("deep.json", format!("{{\"openapi\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)), &["not JSON"]);
    let nested = "{\"a\":".repeat(MAX_DEPTH + 2);
    refused("deep-map.yaml", format!("openapi: 3.0.3\nx-a: {nested}1{}\n", "}".repeat(MAX_DEPTH + 2)), &["deep-map"]);
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    // The YAML reader would need a hundred bytes for each of these two.
    refused("many.yaml", format!("openapi: 3.0.3\nx: [{}]", "a,".repeat(15_000_000)), &["commas"]);
    refused("bomb.yaml", format!("{bomb}openapi: 3.0.3\npaths: {{}}\n"), &["bomb.yaml"]);
}

#[test]
fn a_missing_file_is_named() {
    let good = file("there.yaml", BASE);
    let output = run(&good, Path::new("not-there.yaml"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("not-there.yaml: cannot be read: "), "{}", text(&output.stderr));
}
