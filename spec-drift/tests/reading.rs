//! What is read: OpenAPI 3.1 as 3.0, references that lead nowhere, and descriptions with harmless mistakes.

use serde_json::{Value, json};
use spec_drift::{Change, Document, Finding, Verdict, compare};
use std::{fs, path::Path};

fn read(spec: &Value) -> Document {
    Document::from_text("a test", &spec.to_string()).expect("an OpenAPI document")
}

/// A description with one operation that takes a `Thing` and responds with one.
fn spec(version: &str, schemas: Value) -> Value {
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}});
    json!({
        "openapi": version,
        "info": {"title": "things", "version": "1.0.0"},
        "servers": [{"url": "https://things.example"}],
        "paths": {"/things": {"post": {
            "requestBody": {"required": true, "content": content},
            "responses": {"200": {"description": "a thing", "content": content}},
        }}},
        "components": {"schemas": schemas},
    })
}

/// Everything but the version, which is not on the wire.
fn differences(old: &Value, new: &Value) -> Vec<Finding> {
    let mut findings = compare(&read(old), &read(new));
    findings.retain(|f| f.place.pointer != "/openapi");
    findings
}

fn fixture(name: &str) -> Document {
    Document::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(name)).expect("a description")
}

#[test]
fn three_generations_have_the_same_findings_in_3_0_and_converted_to_3_1() {
    let generations = ["two-generations-ago.yaml", "one-generation-ago.yaml", "onboarding.yaml"];
    for old in generations {
        for new in generations.into_iter().filter(|new| *new != old) {
            let converted = |name: &str| fixture(&format!("3.1/{name}"));
            let expected = compare(&fixture(old), &fixture(new));
            assert!(!expected.is_empty(), "{old} {new}");
            assert_eq!(compare(&converted(old), &converted(new)), expected, "{old} {new}");
        }
    }
}

#[test]
fn a_conversion_to_3_1_is_harmless() {
    for name in ["two-generations-ago.yaml", "one-generation-ago.yaml", "onboarding.yaml", "parcels.yaml"] {
        let (old, new) = (fixture(name), fixture(&format!("3.1/{name}")));
        for findings in [compare(&old, &new), compare(&new, &old)] {
            let pointers: Vec<&str> = findings.iter().map(|f| f.place.pointer.as_str()).collect();
            assert_eq!(pointers, ["/openapi"], "{name}: {findings:#?}");
            assert_eq!(findings[0].verdict, Verdict::Harmless);
        }
    }
}

#[test]
fn openapi_3_1_means_what_3_0_means_in_other_words() {
    let other = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let pairs = [
        (json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]})),
        (json!({"type": "string", "nullable": true}), json!({"type": ["null", "string"]})),
        (json!({"type": "string", "nullable": true}), json!({"anyOf": [{"type": "string"}, {"type": "null"}]})),
        (
            json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/Other"}]}),
            json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Other"}]}),
        ),
        (
            json!({"nullable": true, "oneOf": [{"type": "string"}, {"type": "boolean"}]}),
            json!({"oneOf": [{"type": "string"}, {"type": "null"}, {"type": "boolean"}]}),
        ),
        (json!({"oneOf": [{"type": "boolean"}, {"type": "string"}]}), json!({"type": ["string", "boolean"]})),
        (json!({"type": "number"}), json!({"type": ["integer", "number"]})),
        (
            json!({"type": "integer", "minimum": 3, "exclusiveMinimum": true}),
            json!({"type": "integer", "exclusiveMinimum": 3}),
        ),
        (
            json!({"type": "integer", "maximum": 3, "exclusiveMaximum": true}),
            json!({"type": "integer", "maximum": 3, "exclusiveMaximum": 3}),
        ),
        (json!({"type": "integer", "minimum": 5}), json!({"type": "integer", "minimum": 5, "exclusiveMinimum": 3})),
        (json!({"type": "string", "enum": ["a"]}), json!({"type": "string", "const": "a"})),
        (json!({"type": "string", "format": "byte"}), json!({"type": "string", "contentEncoding": "base64"})),
        (
            json!({"type": "string", "format": "binary"}),
            json!({"type": "string", "contentMediaType": "application/octet-stream"}),
        ),
        (
            json!({"$ref": "#/components/schemas/Other"}),
            json!({"$ref": "#/components/schemas/Other", "description": "d"}),
        ),
        (json!({"$ref": "#/components/schemas/Other"}), json!({"$ref": "#/$defs/Local", "$defs": {"Local": other}})),
        (
            json!({"type": "array", "items": {"$ref": "#/components/schemas/Other"}}),
            json!({
                "type": "array",
                "items": {"$ref": "#/components/schemas/Thing/properties/x/$defs/Local"},
                "$defs": {"Local": other},
            }),
        ),
        (json!({}), json!(true)),
        (
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false}),
            json!({"type": "object", "properties": {"a": true}, "unevaluatedProperties": false}),
        ),
    ];
    for (old, new) in pairs {
        let thing = |version: &str, x: &Value| {
            spec(version, json!({"Thing": {"type": "object", "properties": {"x": x}}, "Other": other}))
        };
        let (before, after) = (thing("3.0.3", &old), thing("3.1.0", &new));
        for findings in [differences(&before, &after), differences(&after, &before)] {
            assert_eq!(findings, [], "{old} {new}");
        }
    }
}

#[test]
fn what_stands_beside_a_reference_counts_only_in_3_1() {
    let thing = |version: &str, beside: Value| {
        let mut x = json!({"$ref": "#/components/schemas/Other"});
        x.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        spec(
            version,
            json!({
                "Thing": {"type": "object", "required": ["x"], "properties": {"x": x}},
                "Other": {"type": "string"},
            }),
        )
    };
    let longer = json!({"minLength": 3});
    let in_3_0 = differences(&thing("3.0.3", json!({})), &thing("3.0.3", longer.clone()));
    assert!(in_3_0.iter().all(|f| f.verdict == Verdict::Harmless), "{in_3_0:#?}");
    let in_3_1 = differences(&thing("3.1.0", json!({})), &thing("3.1.0", longer));
    assert!(in_3_1.iter().any(|f| f.verdict <= Verdict::Look), "{in_3_1:#?}");
}

#[test]
fn a_list_of_types_that_gains_null_breaks_a_client_in_either_version() {
    let thing = |kinds: Value| {
        spec("3.1.0", json!({"Thing": {"type": "object", "required": ["x"], "properties": {"x": {"type": kinds}}}}))
    };
    let findings = differences(&thing(json!(["string"])), &thing(json!(["string", "null"])));
    assert!(findings.iter().any(|f| f.verdict == Verdict::Breaks && f.witness.is_some()), "{findings:#?}");
}

#[test]
fn a_change_behind_a_definition_inside_a_schema_is_found() {
    let thing = |kind: &str| {
        spec(
            "3.1.0",
            json!({"Thing": {
                "type": "object",
                "properties": {"x": {"$ref": "#/$defs/Local"}},
                "$defs": {"Local": {"$defs": {"Inner": {"type": kind}}, "$ref": "#/$defs/Inner"}},
            }}),
        )
    };
    let findings = differences(&thing("string"), &thing("integer"));
    assert!(findings.iter().any(|f| f.verdict == Verdict::Breaks), "{findings:#?}");
}

#[test]
fn a_reference_inside_an_example_is_data() {
    let thing = |named: &str| {
        let data = json!({"$ref": "nowhere.json", "deep": [{"$ref": "#/nothing"}]});
        spec(
            "3.1.0",
            json!({"Thing": {
                "type": "object",
                "example": data, "examples": [data], "default": data, "x-data": data,
                "properties": {named: {"type": "object", "enum": [data], "properties": {"a": {"type": "string"}}}},
            }}),
        )
    };
    let findings = differences(&thing("x"), &thing("y"));
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|f| f.change != Change::Dangling), "{findings:#?}");
}

#[test]
fn a_field_that_is_called_example_is_not_data() {
    let thing = |kind: Value| spec("3.0.3", json!({"Thing": {"type": "object", "properties": {"example": kind}}}));
    let findings = differences(&thing(json!({"type": "string"})), &thing(json!({"$ref": "#/nowhere"})));
    assert!(
        findings.iter().any(|f| f.change == Change::Dangling && f.place.pointer == "/body/example"),
        "{findings:#?}"
    );
}

#[test]
fn a_reference_that_leads_nowhere_or_out_is_a_look_at_its_place() {
    let whole = spec("3.0.3", json!({"Thing": {"type": "object", "properties": {"x": {"type": "string"}}}}));
    let places = [
        ("/components/schemas/Thing/properties/x", "/body/x"),
        ("/components/schemas/Thing", "/body"),
        ("/paths/~1things/post/requestBody", "/body"),
        ("/paths/~1things/post/responses/200", "/body"),
        ("/paths/~1things/post/parameters/0", "/parameters"),
        ("/paths/~1things", "/paths/~1things"),
    ];
    for reference in ["#/components/schemas/Nothing", "other.yaml#/Thing", "#/paths/~1circle"] {
        for (at, place) in places {
            let mut broken = whole.clone();
            broken["paths"]["/things"]["post"]["parameters"] = json!([{}]);
            let mut unbroken = broken.clone();
            unbroken["paths"]["/things"]["post"]["parameters"] = json!([]);
            *broken.pointer_mut(at).unwrap() = json!({ "$ref": reference });
            broken["paths"]["/circle"] = json!({ "$ref": "#/paths/~1circle" });
            let mut other = broken.clone();
            other["paths"]["/more"] = json!({"get": {"responses": {"204": {"description": "d"}}}});
            for (old, new) in [(&unbroken, &broken), (&broken, &unbroken), (&broken, &other)] {
                let findings = differences(old, new);
                let found = |f: &Finding| {
                    f.verdict == Verdict::Look && f.change == Change::Dangling && f.place.pointer == place
                };
                assert!(findings.iter().any(found), "{reference} {at}: {findings:#?}");
                assert!(findings.iter().all(|f| f.verdict != Verdict::Breaks), "{reference} {at}: {findings:#?}");
            }
        }
    }
}

const YAML: &str = "openapi: 3.0.3
info: { title: things, version: '1' }
servers: [{ url: 'https://things.example' }]
paths:
  /things:
    get:
      responses:
        '200':
          description: OK
          content:
            application/json:
              schema: { $ref: '#/components/schemas/Thing' }
components:
  schemas:
    Thing: { type: object, properties: { a: { type: integer } } }
";

#[test]
fn a_byte_order_mark_is_not_part_of_the_text() {
    let utf16 =
        |unit: fn(u16) -> [u8; 2]| "\u{feff}".encode_utf16().chain(YAML.encode_utf16()).flat_map(unit).collect();
    let forms: [Vec<u8>; 3] =
        [format!("\u{feff}{YAML}").into_bytes(), utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)];
    let plain = Document::from_text("plain", YAML).unwrap();
    for (n, bytes) in forms.into_iter().enumerate() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mark-{n}.yaml"));
        fs::write(&path, bytes).unwrap();
        assert_eq!(compare(&plain, &Document::read(&path).unwrap()), [], "{n}");
    }
}

#[test]
fn what_does_not_matter_does_not_prevent_reading() {
    let plain = Document::from_text("plain", YAML).unwrap();
    let forms = [
        ("a version without its last part", YAML.replace("3.0.3", "3.0")),
        ("no version", YAML.replace("openapi: 3.0.3\n", "")),
        ("no info", YAML.replace("info: { title: things, version: '1' }\n", "")),
        ("a status that is a number", YAML.replace("'200'", "200")),
        (
            "a repeated key",
            YAML.replace("          description: OK\n", "          description: KO\n          description: OK\n"),
        ),
        ("a tag", YAML.replace("description: OK", "description: !text OK")),
        ("a second document", format!("---\n{YAML}---\nmore: 1\n")),
        (
            "a merge key",
            YAML.replace("    get:\n", "    get:\n      <<: &all { operationId: things }\n")
                .replace("operationId: things", "deprecated: false"),
        ),
        ("an empty path item", YAML.replace("paths:\n", "paths:\n  /empty:\n")),
        ("an extension among the paths", YAML.replace("paths:\n", "paths:\n  x-note: bar\n")),
        ("a description that is not text", YAML.replace("description: OK", "description: [1, 2]")),
        ("a keyword without a value", YAML.replace("{ type: integer }", "{ type: integer, format: }")),
        (
            "a number beyond 64 bits",
            YAML.replace("{ type: integer }", "{ type: integer, example: 123456789012345678901234567890 }"),
        ),
        ("tabs and trailing commas in JSON", {
            let json: Value = yaml_serde::from_str(YAML).unwrap();
            json.to_string().replace("},", "},\n").replacen(",\n", ",", 1).replace("}}}}", "},}}}")
        }),
    ];
    for (name, text) in forms {
        assert_ne!(text, YAML, "{name}");
        let document = Document::from_text(name, &text).unwrap_or_else(|e| panic!("{e}"));
        for findings in [compare(&plain, &document), compare(&document, &plain)] {
            assert!(findings.iter().all(|f| f.verdict == Verdict::Harmless), "{name}: {findings:#?}");
        }
    }
}

#[test]
fn limits_beyond_64_bits_are_compared() {
    let limited = |limit: &str| {
        let text = YAML.replace("{ type: integer }", &format!("{{ type: integer, maximum: {limit} }}"));
        Document::from_text("limited", &text).unwrap()
    };
    let findings = compare(&limited("123456789012345678901234567890"), &limited("223456789012345678901234567890"));
    assert!(findings.iter().any(|f| f.change.to_string().starts_with("maximum changed")), "{findings:#?}");
}

#[test]
fn a_mapping_merges_others_but_keeps_its_own_keys() {
    let merged = YAML.replace(
        "    Thing: { type: object, properties: { a: { type: integer } } }\n",
        "    Base: &base { type: object, properties: { a: { type: string } } }\n    Thing:\n      <<: [*base, { title: T }]\n      properties: { a: { type: integer } }\n",
    );
    let findings =
        compare(&Document::from_text("plain", YAML).unwrap(), &Document::from_text("merged", &merged).unwrap());
    assert!(findings.iter().all(|f| f.verdict == Verdict::Harmless), "{findings:#?}");
}

#[test]
fn an_error_that_changed_behind_a_reference_is_named() {
    let mut old = spec("3.0.3", json!({"Thing": {"type": "object"}, "Problem": {"type": "object"}}));
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    old["paths"]["/things"]["post"]["responses"]["400"] = json!({"description": "refused", "content": content});
    let mut new = old.clone();
    new["components"]["schemas"]["Problem"] = json!({"type": "string"});
    let findings = differences(&old, &new);
    let changes: Vec<_> = findings.iter().map(|finding| (finding.verdict, &finding.change)).collect();
    assert_eq!(changes, [(Verdict::Harmless, &Change::ErrorResponse)]);
}

/// What the tool does not read may refer to what changed.
#[test]
fn a_change_behind_a_reference_in_a_keyword_that_is_not_read_needs_a_look() {
    let referring = json!({"$ref": "#/components/schemas/Part"});
    for keywords in [
        json!({"prefixItems": [referring]}),
        json!({"patternProperties": {"^x": referring}}),
        json!({"dependentSchemas": {"n": {"properties": {"m": referring}}}}),
        json!({"if": {"required": ["n"]}, "then": {"properties": {"m": referring}}}),
        json!({"unevaluatedProperties": referring}),
        json!({"unevaluatedItems": referring}),
        json!({"contains": referring}),
        json!({"propertyNames": referring}),
    ] {
        let with = |kind: &str| spec("3.1.0", json!({"Thing": keywords, "Part": {"type": kind}}));
        let findings = differences(&with("string"), &with("integer"));
        assert!(findings.iter().any(|finding| finding.verdict == Verdict::Look), "{keywords}: {findings:#?}");
        assert_eq!(differences(&with("string"), &with("string")), [], "{keywords}");
    }
}

#[test]
fn a_change_behind_a_reference_of_a_webhook_needs_a_look() {
    let with = |kind: &str| {
        let mut spec = spec("3.1.0", json!({"Thing": {"type": "string"}, "Event": {"type": kind}}));
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}});
        spec["webhooks"] = json!({"changed": {"post": {"requestBody": {"content": content}}}});
        spec
    };
    let findings = differences(&with("string"), &with("integer"));
    assert_eq!(
        findings.iter().map(|f| (f.verdict, &*f.place.pointer)).collect::<Vec<_>>(),
        [(Verdict::Look, "/webhooks")]
    );
}

#[test]
fn a_security_scheme_that_is_named_but_not_declared_needs_a_look() {
    let mut declared = spec("3.0.3", json!({"Thing": {"type": "string"}}));
    declared["security"] = json!([{"bearer": []}]);
    let undeclared = declared.clone();
    declared["components"]["securitySchemes"] = json!({"bearer": {"type": "http", "scheme": "bearer"}});
    let findings = differences(&declared, &undeclared);
    assert_eq!(findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Look], "{findings:#?}");
}

#[test]
fn an_address_that_is_only_written_differently_is_the_same() {
    let at = |url: &str| {
        let mut spec = spec("3.0.3", json!({"Thing": {"type": "string"}}));
        spec["servers"] = json!([{"url": url}]);
        spec
    };
    let old = at("https://things.example/v1");
    for same in ["https://things.example:443/v1", "HTTPS://Things.Example/v1/", "https://THINGS.example:443/v1"] {
        let findings = differences(&old, &at(same));
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Harmless), "{same}: {findings:#?}");
    }
    for other in ["https://things.example:444/v1", "http://things.example/v1", "https://things.example/V1"] {
        let findings = differences(&old, &at(other));
        assert!(findings.iter().any(|finding| finding.verdict == Verdict::Breaks), "{other}: {findings:#?}");
    }
}

#[test]
fn an_api_key_that_is_also_a_parameter_is_sent_already() {
    let with = |secured: bool, listed: bool| {
        let mut spec = spec("3.0.3", json!({"Thing": {"type": "string"}}));
        spec["components"]["securitySchemes"] = json!({"key": {"type": "apiKey", "in": "header", "name": "X-Key"}});
        if secured {
            spec["security"] = json!([{"key": []}]);
        }
        if listed {
            let parameter = json!({"name": "X-Key", "in": "header", "required": true, "schema": {"type": "string"}});
            spec["paths"]["/things"]["post"]["parameters"] = json!([parameter]);
        }
        spec
    };
    for to in [with(true, true), with(false, true)] {
        let findings = differences(&with(true, false), &to);
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Harmless), "{findings:#?}");
    }
    let findings = differences(&with(false, false), &with(false, true));
    assert!(findings.iter().any(|finding| finding.verdict == Verdict::Breaks), "{findings:#?}");
}

#[test]
fn one_more_credential_that_no_client_has_breaks() {
    let with = |ways: Value| {
        let mut spec = spec("3.0.3", json!({"Thing": {"type": "string"}}));
        spec["components"]["securitySchemes"] = json!({
            "basic": {"type": "http", "scheme": "basic"},
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        });
        spec["security"] = ways;
        spec
    };
    let (one, both) = (json!([{"basic": []}]), json!([{"basic": [], "key": []}]));
    let verdicts = |old: &Value, new: &Value| -> Vec<Verdict> {
        differences(&with(old.clone()), &with(new.clone())).iter().map(|finding| finding.verdict).collect()
    };
    assert_eq!(verdicts(&one, &both), [Verdict::Breaks]);
    assert_eq!(verdicts(&both, &one), [Verdict::Harmless]);
}
