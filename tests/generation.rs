//! The build takes what the description says, opens what may grow, and explains what it cannot take.

#[path = "../build.rs"]
mod build;
#[path = "support/spec.rs"]
mod spec;

use build::{generate, generate_mocks};
use serde_json::Value;

const OPENAPI: &str = include_str!("../openapi.yaml");

fn generated(spec: &str) -> String {
    prettyplease::unparse(&generate(spec).unwrap())
}

/// The description with one edit, which must be one.
fn edited(from: &str, to: &str) -> String {
    assert!(OPENAPI.contains(from), "{from:?} is not in openapi.yaml");
    OPENAPI.replacen(from, to, 1)
}

#[test]
fn a_broken_description_is_refused_in_words_that_say_where_or_what() {
    let line = OPENAPI.lines().position(|line| line.ends_with("schemas/OnboardingRequest'")).unwrap() + 1;
    let dangling = format!("line {line}: $ref '#/components/schemas/Onboarding'");
    for (spec, words) in [
        (edited("openapi: 3.0.3", "openapi: [3.0.3"), "line"),
        (edited("openapi: 3.0.3", "openapi: 3.1.0"), "3.1.0"),
        (edited("paths:", "pathz:"), "paths"),
        (edited("operationId:", "operationIdentity:"), "operation ID"),
        (
            edited("operationId: createCollectiveOnboarding", "operationId: 17"),
            "integer `17`, expected a string at line",
        ),
        (edited("schemas/OnboardingRequest'", "schemas/Onboarding'"), &dangling),
        (edited("        '201':", "        '301':"), "post /v1/onboarding/collectives: needs one or more 2xx"),
        (edited("          type: array\n", "          type: arrow\n"), "arrow"),
        (String::new(), "missing field `openapi`"),
        ("just text".to_owned(), "expected"),
    ] {
        let problem = generate(&spec).err().unwrap_or_else(|| panic!("taken, without {words:?}"));
        assert!(problem.contains(words), "{words:?} is not in: {problem}");
        assert!(!problem.contains("panicked"), "{problem}");
    }
}

#[test]
fn what_progenitor_panics_at_is_an_error_too() {
    let two_bodies = edited(
        "        # INFERRED: documented for the entity endpoints",
        "        '200':\n          description: x\n          content: {application/json: {schema: {type: string}}}\n        # INF",
    );
    assert!(generate(&two_bodies).err().unwrap().contains("all of one body"));
    let unsupported = edited(
        "application/json:\n            schema:\n              $ref: '#/components/schemas/CollectiveOnboardingRequest'",
        "application/xml:\n            schema: {type: object}",
    );
    let problem = generate(&unsupported).err().unwrap();
    assert!(problem.contains("application/xml") || problem.contains("progenitor"), "{problem}");
}

#[test]
fn every_enum_is_open_and_every_type_may_grow() {
    let code = generated(OPENAPI);
    let schemas = spec::SPEC["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let keyword = if schema["enum"].is_array() { "enum" } else { "struct" };
        let item = code.find(&format!("pub {keyword} {name} ")).unwrap_or_else(|| panic!("{name} is missing"));
        let attributes = &code[code[..item].rfind("///").unwrap()..item];
        assert!(attributes.contains("#[non_exhaustive]"), "{name} is closed: {attributes}");
        let described = schema["description"].as_str().unwrap();
        assert!(code.contains(&format!("///{described}\n")), "{name} has lost its description");
    }
    let opened = code.matches("crate::open_enum::open_enum!").count();
    assert_eq!(opened, schemas.values().filter(|schema| schema["enum"].is_array()).count());
    assert_eq!(code.matches("    Unknown(::std::string::String),").count(), opened);
    assert!(!code.contains("mod error"), "closed conversions are left over");
}

#[test]
fn every_field_and_option_is_documented() {
    let file = generate(OPENAPI).unwrap();
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

#[test]
fn an_option_that_is_called_unknown_makes_no_second_variant() {
    let code = generated(&edited("        - Household\n", "        - Household\n        - Unknown\n"));
    let item = &code[code.find("pub enum CollectiveType").unwrap()..];
    assert_eq!(item[..item.find('}').unwrap()].matches("Unknown").count(), 1);
}

#[test]
fn the_operations_of_logs_are_those_of_the_description() {
    let code = generated(OPENAPI);
    let operations = &code[code.find("pub mod operations").unwrap()..];
    for part in [
        "CREATE_COLLECTIVE_ONBOARDING",
        "\"create_collective_onboarding\"",
        "\"POST\"",
        "\"/v1/onboarding/collectives\"",
    ] {
        assert!(operations.contains(part), "{part} is not in {operations}");
    }
}

#[test]
fn the_mocks_know_the_documented_error() {
    let code = prettyplease::unparse(&generate_mocks(OPENAPI).unwrap());
    assert!(code.contains("fn created") && code.contains("fn bad_request"), "{code}");
}

#[test]
fn every_field_of_the_request_has_a_setter() {
    let source = include_str!("../src/onboarding.rs");
    for name in spec::schema("CollectiveOnboardingRequest")["properties"].as_object().unwrap().keys() {
        let setter = match name.as_str() {
            "name" => "new".to_owned(),
            "type" => "collective_type".to_owned(),
            name => name
                .chars()
                .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
                .collect(),
        };
        assert!(source.contains(&format!("pub fn {setter}(")), "write a setter for {name} in src/onboarding.rs");
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
fn the_crate_is_versioned_with_its_description() {
    let (_, description) = env!("CARGO_PKG_VERSION").split_once('+').expect("X.Y.Z+<info.version>");
    assert_eq!(Some(description), spec::SPEC["info"]["version"].as_str());
    assert_eq!(spec::SPEC["servers"][0]["url"], Value::from("https://api.traxes.io/connect"));
    assert!(include_str!("../src/client.rs").contains("\"https://api.traxes.io/connect\""));
}
