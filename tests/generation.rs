//! The build follows the description, opens what may grow, and explains what it cannot accept.

use serde_json::Value;
use support::spec;
use support::{
    build::{client, mocks},
    edits,
};

const OPENAPI: &str = include_str!("../openapi.yaml");

fn generated(spec: &str) -> String {
    prettyplease::unparse(&client(spec).unwrap())
}

/// The description with one edit, which must apply.
fn edited(from: &str, to: &str) -> String {
    assert!(OPENAPI.contains(from), "{from:?} is not in openapi.yaml");
    OPENAPI.replacen(from, to, 1)
}

#[test]
fn a_broken_description_is_refused_with_its_location_or_cause() {
    let line = OPENAPI.lines().position(|line| line.ends_with("schemas/OnboardingRequest'")).unwrap() + 1;
    let dangling = format!("line {line}: $ref '#/components/schemas/Onboarding'");
    for (spec, words) in [
        (edited("openapi: 3.0.3", "openapi: [3.0.3"), "line"),
        (edited("openapi: 3.0.3", "openapi: 3.1.0"), "3.1.0"),
        (edited("paths:", "pathz:"), "paths"),
        (edited("operationId:", "operationIdentity:"), "paths./v1/onboarding/collectives.post: needs an operationId"),
        (
            edited("operationId: createCollectiveOnboarding", "operationId: 17"),
            "integer `17`, expected a string at line",
        ),
        (edited("schemas/OnboardingRequest'", "schemas/Onboarding'"), &dangling),
        (
            edited("        '201':", "        '301':"),
            "paths./v1/onboarding/collectives.post: needs one or more 2xx responses",
        ),
        (edited("          type: array\n", "          type: arrow\n"), "arrow"),
        (String::new(), "missing field `openapi`"),
        ("just text".to_owned(), "expected"),
    ] {
        let problem = client(&spec).err().unwrap_or_else(|| panic!("taken, without {words:?}"));
        assert!(problem.contains(words), "{words:?} is not in: {problem}");
        assert!(!problem.contains("panicked"), "{problem}");
    }
}

#[test]
fn a_progenitor_panic_becomes_an_error() {
    let two_bodies = edited(
        "        # INFERRED: documented for the entity endpoints",
        "        '200':\n          description: x\n          content: {application/json: {schema: {type: string}}}\n        # INF",
    );
    assert!(client(&two_bodies).err().unwrap().contains("and the same $ref to an object"));
    let unsupported = edited(
        "application/json:\n            schema:\n              $ref: '#/components/schemas/CollectiveOnboardingRequest'",
        "application/xml:\n            schema: {type: object}",
    );
    let problem = client(&unsupported).err().unwrap();
    assert!(problem.contains("application/xml") || problem.contains("progenitor"), "{problem}");
}

#[test]
fn every_enum_is_open_and_every_type_can_grow() {
    let code = generated(OPENAPI);
    let schemas = spec::SPEC["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let keyword = if schema["enum"].is_array() { "enum" } else { "struct" };
        let item = code.find(&format!("pub {keyword} {name} ")).unwrap_or_else(|| panic!("{name} is missing"));
        let attributes = &code[code[..item].rfind("///").unwrap()..item];
        assert!(attributes.contains("#[non_exhaustive]"), "{name} is not open: {attributes}");
        let described = schema["description"].as_str().unwrap();
        assert!(code.contains(&format!("///{described}\n")), "{name} lost its description");
    }
    let opened = code.matches("crate::open_enum::open_enum!").count();
    assert_eq!(opened, schemas.values().filter(|schema| schema["enum"].is_array()).count());
    assert_eq!(code.matches("    Unknown(::std::string::String),").count(), opened);
    assert!(!code.contains("mod error"), "conversions of closed enums are left over");
}

#[test]
fn every_field_and_option_is_documented() {
    let file = client(OPENAPI).unwrap();
    let types = file.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    let undocumented = |attributes: &[syn::Attribute]| !attributes.iter().any(|a| a.path().is_ident("doc"));
    let mut looked_at = 0;
    for item in &types.unwrap().1 {
        let members: Vec<_> = match item {
            syn::Item::Struct(item) => item.fields.iter().map(|f| (f.ident.clone().unwrap(), &f.attrs)).collect(),
            syn::Item::Enum(item) => item.variants.iter().map(|v| (v.ident.clone(), &v.attrs)).collect(),
            _ => continue,
        };
        for (name, attributes) in members {
            assert!(!undocumented(attributes), "{name} has no description");
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "{looked_at}");
}

/// The description with one more schema.
fn with_schema(schema: &str) -> String {
    edited("\n  schemas:\n", &format!("\n  schemas:\n    Added: {schema}\n"))
}

/// The description with one more property.
fn with_property(name: &str, schema: &str) -> String {
    with_schema(&format!("{{description: An object., type: object, properties: {{{name}: {schema}}}}}"))
}

#[test]
fn restrictive_or_unsupported_schemas_are_refused_with_their_location() {
    let of_x = "components.schemas.Added.properties.x: ";
    let of_post = "paths./v1/onboarding/collectives.post";
    for (spec, words) in [
        (with_property("x", "{type: string, default: a}"), format!("{of_x}default would pass for a value")),
        (with_property("x", "{type: string, pattern: '^a'}"), format!("{of_x}pattern would reject")),
        (with_property("x", "{type: string, minLength: 1}"), format!("{of_x}minLength would reject")),
        (with_property("x", "{type: string, maxLength: 9}"), format!("{of_x}maxLength would reject")),
        (with_property("x", "{type: integer, enum: [1, 2]}"), format!("{of_x}enum would reject")),
        (with_property("x", "{type: number, enum: [1.5]}"), format!("{of_x}enum would reject")),
        (with_property("x", "{type: boolean, enum: [true]}"), format!("{of_x}enum would reject")),
        (with_property("x", "{type: integer, minimum: 1}"), format!("{of_x}minimum would reject")),
        (with_property("x", "{type: number, maximum: 1}"), format!("{of_x}maximum would reject")),
        (with_property("x", "{type: array, items: {type: string}, uniqueItems: true}"), format!("{of_x}uniqueItems")),
        (with_property("x", "{type: array, items: {type: string}, maxItems: 1}"), format!("{of_x}maxItems would")),
        (
            with_property("x", "{type: array, items: {type: string, pattern: a}}"),
            format!("{}items: pattern", of_x.replace(": ", ".")),
        ),
        (with_property("x", "{not: {type: string}}"), format!("{of_x}not would reject")),
        (with_property("x", "{oneOf: [{type: string}, {type: object}]}"), format!("{of_x}oneOf would be decided")),
        (with_property("x", "{anyOf: [{type: string}, {type: object}]}"), format!("{of_x}anyOf would be decided")),
        (
            with_schema("{type: object, additionalProperties: false}"),
            "components.schemas.Added: additionalProperties: false would reject".to_owned(),
        ),
        (
            with_schema("{type: object, properties: {a-b: {type: string}, a_b: {type: string}}}"),
            "properties of Added: two of them become a_b".to_owned(),
        ),
        (
            with_schema("{type: string, enum: [a-b, a_b]}"),
            "components.schemas.Added: the options a-b and a_b have the same name".to_owned(),
        ),
        (
            with_schema("{type: object}\n    added: {type: object}"),
            "components.schemas: two of them become Added".to_owned(),
        ),
        (
            edited(
                "      requestBody:\n",
                "      parameters: [{name: c, in: cookie, schema: {type: string}}]\n      requestBody:\n",
            ),
            format!("{of_post}.parameters.c: the generated client cannot send a cookie"),
        ),
        (
            edited(
                "      requestBody:\n",
                "      parameters: [{name: c, in: query, content: {application/json: {schema: {type: object}}}}]\n      requestBody:\n",
            ),
            format!("{of_post}.parameters.c: describe the parameter with a schema"),
        ),
        (
            edited(
                "      requestBody:\n",
                "      parameters: [{name: c, in: query, schema: {type: string, pattern: a}}]\n      requestBody:\n",
            ),
            format!("{of_post}.parameters.c: pattern would reject"),
        ),
        (
            edited(
                "                $ref: '#/components/schemas/OnboardingRequest'",
                "                {type: array, items: {$ref: '#/components/schemas/OnboardingRequest'}}",
            ),
            format!("{of_post}: needs one or more 2xx responses, all with application/json and the same $ref"),
        ),
        (
            edited(
                "                $ref: '#/components/schemas/OnboardingRequest'",
                "                $ref: '#/components/schemas/OnboardingStatus'",
            ),
            format!("{of_post}: its response OnboardingStatus does not name exactly one object with properties"),
        ),
        (
            edited(
                "                $ref: '#/components/schemas/OnboardingRequest'",
                "                $ref: '#/components/schemas/Added'",
            )
            .replacen("\n  schemas:\n", "\n  schemas:\n    Added: {type: object}\n", 1),
            format!("{of_post}: its response Added does not name exactly one object with properties"),
        ),
        (
            edited(
                "      requestBody:\n",
                "      parameters: [{name: Accept, in: header, schema: {type: string}}]\n      requestBody:\n",
            ),
            format!("{of_post}.parameters.Accept: OpenAPI ignores a header of this name"),
        ),
        (
            edited(
                "      requestBody:\n",
                "      parameters: [{$ref: '#/components/parameters/P'}]\n      requestBody:\n",
            )
            .replacen(
                "\n  schemas:\n",
                "\n  parameters: {P: {name: p, in: query, schema: {type: string, pattern: a}}}\n  schemas:\n",
                1,
            ),
            "components.parameters.P: pattern would reject".to_owned(),
        ),
        (
            edited("  - url: https://api.traxes.io/connect", "  - url: /connect"),
            "servers: the first one needs an https URL".to_owned(),
        ),
        (
            edited("  - url: https://api.traxes.io/connect", "  - url: https://{region}.traxes.io"),
            "servers: the first".to_owned(),
        ),
    ] {
        let problem = client(&spec).err().unwrap_or_else(|| panic!("taken, without {words:?}"));
        assert!(problem.contains(&words), "{words:?} is not in: {problem}");
        assert!(!problem.contains('\n'), "{problem}");
    }
}

#[test]
fn each_accepted_edit_builds_on_its_own() {
    for edit in edits::ACCEPTED {
        // This one needs the response that another edit adds.
        if edit.what != "a second success with the same schema" {
            client(&edit.of(OPENAPI)).unwrap_or_else(|problem| panic!("{}: {problem}", edit.what));
        }
    }
}

#[test]
fn a_dangling_reference_is_reported_with_its_line() {
    let line = OPENAPI.lines().position(|line| line.ends_with("schemas/EntityReference'")).unwrap() + 1;
    for (from, to) in [
        ("'#/components/schemas/EntityReference'", "'#/components/schemas/Nobody' # as on the page"),
        ("'#/components/schemas/EntityReference'", "\"#/components/schemas/Nobody\""),
        ("$ref: '#/components/schemas/EntityReference'", "{$ref: '#/components/schemas/Nobody'}"),
    ] {
        let problem = client(&edited(from, to)).err().unwrap();
        assert_eq!(problem, format!("line {line}: $ref '#/components/schemas/Nobody' leads nowhere in this document"));
    }
}

#[test]
fn operations_are_matched_by_id_and_not_by_order() {
    let second = &edits::ACCEPTED[0];
    let (_, get) = second.to.split_once("paths:\n").unwrap();
    let before = second.of(OPENAPI);
    let after = edited("\ncomponents:\n", &format!("\n{get}\ncomponents:\n"));
    let rows = |spec: &str| {
        let code = generated(spec);
        code[code.find("pub mod operations").unwrap()..].to_owned()
    };
    for spec in [before, after] {
        let rows = rows(&spec);
        let (get, post) =
            (rows.find("GET_ONBOARDING_REQUEST").unwrap(), rows.find("CREATE_COLLECTIVE_ONBOARDING").unwrap());
        let row = |from: usize| rows[from..].split_once("};").unwrap().0;
        for part in
            ["\"get_onboarding_request\"", "\"GET\"", "\"/v1/onboarding/requests/{id}\"", "200u16", "is_safe: true"]
        {
            assert!(row(get).contains(part), "{part} is not in {}", row(get));
        }
        for part in [
            "\"create_collective_onboarding\"",
            "\"POST\"",
            "\"/v1/onboarding/collectives\"",
            "201u16",
            "is_safe: false",
        ] {
            assert!(row(post).contains(part), "{part} is not in {}", row(post));
        }
    }
}

#[test]
fn an_option_named_unknown_adds_no_second_variant() {
    let code = generated(&edited("        - Household\n", "        - Household\n        - Unknown\n"));
    let item = &code[code.find("pub enum CollectiveType").unwrap()..];
    assert_eq!(item[..item.find('}').unwrap()].matches("Unknown").count(), 1);
}

#[test]
fn the_mocks_include_the_documented_error() {
    let code = prettyplease::unparse(&mocks(OPENAPI).unwrap());
    assert!(code.contains("fn created") && code.contains("fn bad_request"), "{code}");
}

#[test]
fn every_request_field_has_a_setter() {
    let surface = include_str!("api/surface.txt");
    for name in spec::schema("CollectiveOnboardingRequest")["properties"].as_object().unwrap().keys() {
        let setter = match name.as_str() {
            "name" => "new".to_owned(),
            "type" => "collective_type".to_owned(),
            name => name
                .chars()
                .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
                .collect(),
        };
        assert!(
            surface.contains(&format!("fn CollectiveOnboardingRequest::{setter}(")),
            "write a setter for {name} in src/onboarding.rs"
        );
    }
}

#[test]
fn the_documented_examples_are_valid() {
    for (name, example) in
        [("CollectiveOnboardingRequest", spec::documented("request")), ("OnboardingRequest", spec::documented("reply"))]
    {
        let errors: Vec<String> = spec::validator(name).iter_errors(example).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn the_crate_version_includes_the_description_version() {
    let (_, description) = env!("CARGO_PKG_VERSION").split_once('+').expect("X.Y.Z+<info.version>");
    assert_eq!(Some(description), spec::SPEC["info"]["version"].as_str());
    assert_eq!(spec::SPEC["servers"][0]["url"], Value::from("https://api.traxes.io/connect"));
}
