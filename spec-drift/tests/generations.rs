//! This API has drifted before. Compared with the present description, the report names every change.

use spec_drift::{Direction, Document, Finding, Verdict, compare};
use std::path::Path;

fn findings(old: &str) -> Vec<Finding> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| Document::read(&directory.join(path)).expect("a description");
    compare(&read(old), &read("tests/specs/onboarding.yaml"))
}

/// The verdict at a pointer whose sentence contains `word`.
#[track_caller]
fn named(findings: &[Finding], direction: Option<Direction>, pointer: &str, word: &str) -> Verdict {
    let found = findings
        .iter()
        .find(|f| f.place.direction == direction && f.place.pointer == pointer && f.change.to_string().contains(word));
    found.unwrap_or_else(|| panic!("{direction:?} {pointer}: {word} is not named: {findings:#?}")).verdict
}

const REQUEST: Option<Direction> = Some(Direction::Request);
const RESPONSE: Option<Direction> = Some(Direction::Response);

/// What both earlier generations had and today's lacks, or vice versa.
#[track_caller]
fn names_differences_from_both_generations(findings: &[Finding]) {
    assert_eq!(named(findings, None, "/servers", "https://api.traxes.io/connect"), Verdict::Breaks);
    for of in ["information", "reference"] {
        for (was, is) in [("manufacturer", "brand"), ("reference", "identifier")] {
            named(findings, RESPONSE, &format!("/body/data/entity/{of}/{was}"), "no longer sent");
            assert_eq!(named(findings, RESPONSE, &format!("/body/data/entity/{of}/{is}"), "is new"), Verdict::Unseen);
        }
    }
    for gone in ["code", "ean", "email", "model", "uuid", "vin"] {
        named(findings, RESPONSE, &format!("/body/data/entity/information/{gone}"), "no longer sent");
    }
    for new in ["pairingCode", "associatedEmail", "name"] {
        let verdict = named(findings, RESPONSE, &format!("/body/data/entity/information/{new}"), "is new");
        assert_eq!(verdict, Verdict::Unseen);
    }
}

#[test]
fn changes_over_one_generation_are_named() {
    names_differences_from_both_generations(&findings("tests/specs/one-generation-ago.yaml"));
}

#[test]
fn changes_over_two_generations_are_named() {
    let findings = findings("tests/specs/two-generations-ago.yaml");
    names_differences_from_both_generations(&findings);
    assert_eq!(named(&findings, REQUEST, "/body/tenantId", "no longer named"), Verdict::Unseen);
    assert_eq!(named(&findings, RESPONSE, "/body/created", "is new"), Verdict::Unseen);
    for gone in ["data/tenant", "data/user", "data/client", "data/collective/tenantId", "data/entity/tenantId"] {
        named(&findings, RESPONSE, &format!("/body/{gone}"), "no longer sent");
    }
    for gone in ["Community", "WindFarm"] {
        assert_eq!(named(&findings, REQUEST, "/body/type", gone), Verdict::Breaks);
        named(&findings, RESPONSE, "/body/data/collective/type", gone);
    }
    for gone in ["Boiler", "ChargePole", "PV", "SmartMeter"] {
        for place in ["type", "information/type"] {
            named(&findings, RESPONSE, &format!("/body/data/entity/{place}"), gone);
        }
    }
    for gone in ["Tenant", "User", "Client"] {
        named(&findings, RESPONSE, "/body/requestType", gone);
    }
}
