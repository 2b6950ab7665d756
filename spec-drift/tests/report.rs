//! The report: counts, one finding for each changed schema, JSON, accepted findings, and the sample in README.md.

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const README: &str = include_str!("../README.md");

/// A code block of README.md, by what follows its three backticks.
fn block(name: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("```{name}\n")).unwrap_or_else(|| panic!("README.md has no {name}"));
    rest.split_once("```").expect("a closed block").0
}

/// A folder with the two descriptions of README.md.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("old.yaml"), block("yaml old")).unwrap();
    fs::write(folder.join("new.yaml"), block("yaml new")).unwrap();
    folder
}

fn run(folder: &Path, more: &[&str]) -> Output {
    let command = env!("CARGO_BIN_EXE_spec-drift");
    Command::new(command).current_dir(folder).args(["old.yaml", "new.yaml"]).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_readme_shows_what_the_command_prints() {
    let output = run(&folder("readme"), &[]);
    assert_eq!(text(&output.stdout), block("text report"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_counts_come_first_and_are_those_of_the_findings() {
    let folder = folder("counts");
    let report = json_of(&run(&folder, &["--format", "json"]));
    let verdicts = ["breaks", "look", "unseen", "harmless"];
    let count = |verdict: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().filter(|finding| finding["verdict"] == verdict).count()
    };
    for verdict in verdicts {
        assert_eq!(report["counts"][verdict], count(verdict), "{verdict}");
    }
    let first = verdicts.map(|verdict| format!("{} {verdict}", count(verdict))).join(", ");
    for format in ["text", "markdown"] {
        let output = run(&folder, &["--format", format]);
        assert_eq!(text(&output.stdout).lines().next(), Some(first.as_str()), "{format}");
    }
}

#[test]
fn a_schema_that_several_operations_use_is_one_finding_that_lists_them() {
    let folder = folder("schema");
    let report = json_of(&run(&folder, &["--format", "json"]));
    let of_weight: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| {
            finding["schema"] == "#/components/schemas/Parcel/weight" && finding["direction"] == "response"
        })
        .collect();
    let [finding] = of_weight.as_slice() else { panic!("{report:#}") };
    assert_eq!(
        finding["places"],
        json!([
            {"operation": "GET /parcels/{id}", "pointer": "/body/weight"},
            {"operation": "POST /parcels", "pointer": "/body/weight"},
        ])
    );
    for format in ["text", "markdown"] {
        let output = run(&folder, &["--format", format]);
        assert!(text(&output.stdout).contains("in 2 operations: "), "{}", text(&output.stdout));
    }
}

#[test]
fn json_has_the_fields_that_the_readme_documents() {
    let folder = folder("json");
    let accepted = r##"- { place: "#/components/schemas/Parcel/weight response", verdict: breaks, reason: known, date: 2026-01-31 }
- { place: nowhere, verdict: look, reason: gone, date: 2026-01-31 }
"##;
    fs::write(folder.join("old.accepted.yaml"), accepted).unwrap();
    let report = json_of(&run(&folder, &["--format", "json"]));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&report), ["accepted", "counts", "findings", "stale"]);
    let of_finding = ["change", "direction", "name", "places", "schema", "verdict", "witness"];
    let findings = report["findings"].as_array().unwrap();
    for finding in findings {
        assert_eq!(keys(finding), of_finding);
        assert_eq!(finding["verdict"] == "breaks", finding["witness"].is_object(), "{finding}");
    }
    let proven = findings.iter().find(|finding| finding["witness"].is_object()).expect("a proven break");
    assert_eq!(keys(&proven["witness"]), ["reason", "value"]);
    assert_eq!(report["accepted"][0]["reason"], "known");
    assert_eq!(report["accepted"][0]["date"], "2026-01-31");
    assert_eq!(
        report["stale"],
        json!([{"place": "nowhere", "verdict": "look", "reason": "gone", "date": "2026-01-31"}])
    );
    for field in ["counts", "findings[]", "accepted[]", "stale[]"] {
        assert!(README.contains(&format!("| `{field}` |")), "{field}");
    }
    for field in of_finding {
        assert!(README.contains(&format!("| `findings[].{field}")), "{field}");
    }
}

#[test]
fn the_line_that_a_failing_run_shows_accepts_the_finding() {
    let folder = folder("accepted");
    let mut lines = String::new();
    for _ in 0..20 {
        let output = run(&folder, &[]);
        if output.status.code() == Some(0) {
            let report = text(&output.stdout);
            assert!(report.contains("\naccepted "), "{report}");
            assert!(!report.contains("\nbreaks") && !report.contains("\nlook"), "{report}");
            return;
        }
        let error = text(&output.stderr);
        assert!(error.contains("old.accepted.yaml"), "{error}");
        let line = error.lines().find(|line| line.starts_with("- ")).expect("a line to add");
        lines.push_str(&format!("{line}\n"));
        fs::write(folder.join("old.accepted.yaml"), &lines).unwrap();
    }
    panic!("still failing: {lines}");
}

#[test]
fn an_entry_that_accepts_nothing_any_more_fails_the_run() {
    let folder = folder("stale");
    fs::write(folder.join("new.yaml"), block("yaml old")).unwrap();
    assert_eq!(run(&folder, &[]).status.code(), Some(0));
    let entry = "- { place: GET /parcels response /body/x, verdict: look, reason: known, date: 2026-01-31 }\n";
    fs::write(folder.join("old.accepted.yaml"), entry).unwrap();
    let output = run(&folder, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("stale    GET /parcels response /body/x"), "{}", text(&output.stdout));
}

#[test]
fn an_entry_accepts_only_its_own_verdict() {
    let folder = folder("verdict");
    let entry = r##"- { place: "#/components/schemas/Parcel/weight response", verdict: look, reason: known, date: 2026-01-31 }"##;
    fs::write(folder.join("old.accepted.yaml"), entry).unwrap();
    let report = json_of(&run(&folder, &["--format", "json"]));
    assert_eq!((report["accepted"].clone(), report["stale"].as_array().unwrap().len()), (json!([]), 1));
}

#[test]
fn accepted_findings_that_cannot_be_read_are_refused_by_name() {
    let whole = "- { place: p, verdict: look, reason: r, date: 2026-01-31 }\n";
    for (part, instead) in [
        ("place: p, ", ""),
        ("look", "fine"),
        ("reason: r", "reason: ''"),
        ("2026-01-31", "soon"),
        ("reason: r", "reason: r, more: 1"),
    ] {
        let folder = folder("refused");
        fs::write(folder.join("old.accepted.yaml"), whole.replace(part, instead)).unwrap();
        let output = run(&folder, &[]);
        assert_eq!(output.status.code(), Some(2), "{instead}");
        let error = text(&output.stderr);
        assert!(error.starts_with("old.accepted.yaml: ") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn help_shows_how_to_accept_a_finding() {
    let output = Command::new(env!("CARGO_BIN_EXE_spec-drift")).arg("--help").output().unwrap();
    let help = text(&output.stdout);
    assert!(help.contains("openapi.accepted.yaml") && help.contains("- { place: "), "{help}");
}
