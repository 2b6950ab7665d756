//! Legal documents that are endless, or enormous once expanded, are compared within bounds, which are reported.

use cpu_time::ThreadTime;
use serde_json::{Map, json};
use spec_drift::{Document, Finding, Verdict, compare};
use std::{collections::BTreeSet, time::Duration};

/// CPU time of this thread, so that other load on the machine does not matter.
const PATIENCE: Duration = Duration::from_secs(60);

fn document(schemas: &str) -> Document {
    let text = format!(
        "openapi: 3.0.3
info: {{ title: T, version: '1' }}
servers: [{{ url: 'https://example.com' }}]
paths:
  /a:
    post:
      operationId: a
      requestBody: {{ content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/A' }} }} }} }}
      responses: {{ '200': {{ description: d, content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/A' }} }} }} }} }}
components:
  schemas:
{schemas}"
    );
    Document::from_text("a test", &text).expect("an OpenAPI document")
}

fn compared(old: &str, new: &str) -> Vec<Finding> {
    let started = ThreadTime::now();
    let (old, new) = (document(old), document(new));
    assert_eq!(compare(&old, &old), []);
    let findings = compare(&old, &new);
    let _ = compare(&new, &old);
    assert!(started.elapsed() < PATIENCE, "it took {:?}", started.elapsed());
    findings
}

const TREE: &str = "    A: { type: object, properties: { name: { type: string }, children: { type: array, items: { $ref: '#/components/schemas/A' } } } }\n";

#[test]
fn a_recursive_schema_is_compared_and_the_bound_is_reported() {
    let findings = compared(TREE, &TREE.replace("name: { type: string }", "name: { type: string, nullable: true }"));
    assert!(findings.iter().any(|f| f.change.to_string() == "may now be null"), "{findings:#?}");
    // No sample shows that all that one pattern matches another does too, so it matters how many were tried.
    let named = |pattern: &str| TREE.replace("type: string", &format!("type: string, pattern: '{pattern}'"));
    let findings = compared(&named("^a+$"), &named("^(a|b)+$"));
    assert!(
        findings.iter().any(|f| f.verdict == Verdict::Look && f.change.to_string().contains("bound")),
        "{findings:#?}"
    );
}

#[test]
fn a_recursive_schema_that_breaks_has_a_witness() {
    let findings = compared(TREE, &TREE.replace("name: { type: string }", "name: { type: integer }"));
    assert!(findings.iter().any(|f| f.verdict == Verdict::Breaks && f.witness.is_some()), "{findings:#?}");
}

#[test]
fn a_union_that_contains_itself_is_compared() {
    let of = |first: &str| {
        format!(
            "    A: {{ type: object, properties: {{ id: {{ type: {first} }}, replaces: {{ oneOf: [{{ type: string }}, {{ $ref: '#/components/schemas/A' }}] }} }} }}\n"
        )
    };
    let findings = compared(&of("string"), &of("integer"));
    assert!(findings.iter().any(|f| f.verdict == Verdict::Breaks && f.witness.is_some()), "{findings:#?}");
}

#[test]
fn an_unsatisfiable_schema_needs_a_look() {
    let endless = "    A: { type: object, required: [next], properties: { next: { $ref: '#/components/schemas/A' }, n: { type: integer } } }\n";
    let findings = compared(endless, &endless.replace("type: integer", "type: number"));
    assert!(findings.iter().any(|f| f.verdict <= Verdict::Look), "{findings:#?}");
}

#[test]
fn multiplying_layers_are_compared_in_time() {
    let layers = |leaf: &str| {
        let mut schemas = String::new();
        for n in 0..12 {
            let name = if n == 0 { "A".to_owned() } else { format!("L{n}") };
            let next = format!("{{ $ref: '#/components/schemas/L{}' }}", n + 1);
            let fields: Vec<String> = (0..8).map(|f| format!("f{f}: {next}")).collect();
            schemas.push_str(&format!("    {name}: {{ type: object, properties: {{ {} }} }}\n", fields.join(", ")));
        }
        format!("{schemas}    L12: {{ type: object, properties: {{ leaf: {{ type: {leaf} }} }} }}\n")
    };
    let findings = compared(&layers("string"), &layers("integer"));
    assert!(findings.iter().any(|f| f.verdict == Verdict::Breaks), "{}", findings.len());
}

#[test]
fn a_change_deep_in_schemas_that_refer_to_each_other_is_found_in_every_operation() {
    const SCHEMAS: usize = 40;
    const OPERATIONS: usize = 16;
    let description = |longest: u32| {
        let field =
            |to: usize| json!({ "anyOf": [{ "type": "string" }, { "$ref": format!("#/components/schemas/S{to}") }] });
        let schema = |n: usize| {
            let fields = (0..10).map(|f| (format!("f{f}"), field((n * 7 + f * 3 + 1) % SCHEMAS)));
            let mut fields: Map<_, _> = fields.collect();
            if n == 5 {
                fields.insert("changed".to_owned(), json!({ "type": "string", "maxLength": longest }));
            }
            (format!("S{n}"), json!({ "type": "object", "properties": fields }))
        };
        let operation = |n: usize| {
            let schema = json!({ "$ref": format!("#/components/schemas/S{n}") });
            let content = json!({ "application/json": { "schema": schema } });
            (format!("/o{n}"), json!({ "get": { "responses": { "200": { "description": "", "content": content } } } }))
        };
        let text = json!({
            "openapi": "3.0.3",
            "info": { "title": "t", "version": "1" },
            "paths": (0..OPERATIONS).map(operation).collect::<Map<_, _>>(),
            "components": { "schemas": (0..SCHEMAS).map(schema).collect::<Map<_, _>>() },
        });
        Document::from_text("test", &text.to_string()).unwrap()
    };
    let findings = compare(&description(5), &description(9));
    let breaking = findings.iter().filter(|finding| finding.verdict == Verdict::Breaks);
    let operations: BTreeSet<_> = breaking.map(|finding| finding.place.operation.clone()).collect();
    assert_eq!(operations.len(), OPERATIONS);
}

#[test]
fn limits_beyond_sampling_are_reported() {
    let long = |limit: &str| format!("    A: {{ type: array, maxItems: {limit}, items: {{ type: string }} }}\n");
    let findings = compared(&long("5000000000"), &long("4000000000"));
    assert!(findings.iter().any(|f| f.verdict == Verdict::Look), "{findings:#?}");
}

#[test]
fn an_unreadable_pattern_needs_a_look() {
    let with = |pattern: &str| {
        format!(
            "    A: {{ type: object, required: [n], properties: {{ n: {{ type: string, pattern: '{pattern}' }} }} }}\n"
        )
    };
    let findings = compared(&with("^a"), &with("(((("));
    assert!(findings.iter().any(|f| f.verdict <= Verdict::Look), "{findings:#?}");
    let findings = compared(&with("(?=a)a+"), &with("(?!a)b+"));
    assert!(findings.iter().any(|f| f.verdict <= Verdict::Look), "{findings:#?}");
}

#[test]
fn malformed_schemas_are_never_ignored() {
    let odd = [
        "    A: true\n",
        "    A: [1]\n",
        "    A: { type: [string, integer] }\n",
        "    A: { type: object, properties: [a] }\n",
        "    A: { type: object, required: yes }\n",
        "    A: { allOf: {} }\n",
        "    A: { oneOf: [] }\n",
        "    A: { enum: x }\n",
        "    A: { type: string, minLength: -1 }\n",
        "    A: { type: string, maxLength: many }\n",
        "    A: { not: { type: string } }\n",
        "    A: { const: 1 }\n",
    ];
    for schema in odd {
        let findings = compared("    A: { type: string }\n", schema);
        assert!(findings.iter().any(|f| f.verdict <= Verdict::Look), "{schema}: {findings:#?}");
    }
}
