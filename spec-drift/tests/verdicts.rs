//! Each row of the table has the verdict that the judge's run confirmed, in both directions.

mod table;

use spec_drift::{Document, Format, Verdict, compare, report};
use std::path::Path;

fn rows() -> Vec<table::Row> {
    table::rows(Path::new(env!("CARGO_MANIFEST_DIR")))
}

fn document(value: &serde_json::Value) -> Document {
    Document::from_text("a row of the table", &value.to_string()).expect("an OpenAPI document")
}

/// The overall verdict: that of the worst finding.
fn verdict(old: &Document, new: &Document) -> Option<Verdict> {
    compare(old, new).first().map(|finding| finding.verdict)
}

#[test]
fn every_row_of_the_table_has_its_verdict() {
    let mut wrong = Vec::new();
    for row in rows() {
        let (base, variant) = (document(&row.base_spec), document(&row.variant));
        for (expected, old, new, direction) in
            [(&row.forward, &base, &variant, "forward"), (&row.backward, &variant, &base, "backward")]
        {
            let Some(expected) = expected else { continue };
            let got = verdict(old, new).map_or("no changes".to_owned(), |verdict| verdict.to_string());
            if got != *expected {
                wrong.push(format!(
                    "{}: {}, {direction}: {got}, not {expected}\n{}",
                    row.base,
                    row.name,
                    report(&compare(old, new), Format::Text)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn the_table_has_at_least_sixty_rows_covering_both_specs() {
    let rows = rows();
    assert!(rows.len() >= 60, "{}", rows.len());
    assert!(["onboarding", "parcels"].iter().all(|base| rows.iter().filter(|row| row.base == *base).count() >= 30));
}

#[test]
fn a_document_compared_with_itself_has_no_changes() {
    for row in rows() {
        let text = document(&row.variant);
        assert_eq!(compare(&text, &document(&row.variant)), [], "{}", row.name);
    }
}

#[test]
fn every_breaking_change_has_a_witness_and_a_reason() {
    for row in rows() {
        let (base, variant) = (document(&row.base_spec), document(&row.variant));
        for finding in compare(&base, &variant).into_iter().chain(compare(&variant, &base)) {
            let proven = finding.witness.as_ref().is_some_and(|witness| !witness.reason.is_empty());
            assert_eq!(proven, finding.verdict == Verdict::Breaks, "{}: {finding:?}", row.name);
        }
    }
}
