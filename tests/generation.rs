//! The build follows the description, opens what may grow, and explains what it cannot accept.

use serde_json::Value;
use support::{
    build::{self, client, mocks},
    edits::{self, Becomes},
    spec,
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
fn each_edit_becomes_a_client_or_a_sentence_that_begins_with_the_place() {
    let mut wrong = Vec::new();
    for edit in edits::all() {
        match (&edit.becomes, client(&edit.of(OPENAPI))) {
            (Becomes::Client(_), Ok(_)) => {}
            (Becomes::Client(what), Err(problem)) => wrong.push(format!("{what}: {problem}")),
            (Becomes::Refused(sentence), Ok(_)) => wrong.push(format!("{sentence}: accepted")),
            (Becomes::Refused(sentence), Err(problem)) => {
                if !problem.starts_with(*sentence) || problem.contains('\n') {
                    wrong.push(format!("{sentence}: {problem}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn text_that_is_not_a_description_is_refused_with_its_cause() {
    for (spec, cause) in [
        (edited("openapi: 3.0.3", "openapi: [3.0.3"), "line"),
        (String::new(), "must be a mapping"),
        ("just text".to_owned(), "must be a mapping"),
    ] {
        let problem = client(&spec).err().unwrap_or_else(|| panic!("accepted, without {cause:?}"));
        assert!(problem.contains(cause), "{cause:?} is not in: {problem}");
    }
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

#[test]
fn operations_are_matched_by_id_and_not_by_order() {
    let before = edits::second_operation().of(OPENAPI);
    let (_, get) = before.split_once("\npaths:\n").unwrap();
    let (get, _) = get.split_once("  /v1/onboarding/collectives:\n").unwrap();
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
    let code = prettyplease::unparse(&mocks(OPENAPI, "crate::generated").unwrap());
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
    let examples = spec::examples();
    assert!(!examples.is_empty());
    for (schema, example) in examples {
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
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

/// The same files ship, and the build without the feature `generate` uses them.
#[cfg(feature = "sandbox")]
#[test]
fn the_build_uses_the_files_that_reviewers_read() {
    for (built, reviewed, name) in [
        (include_str!(concat!(env!("OUT_DIR"), "/client.rs")), include_str!("../generated/client.rs"), "client.rs"),
        (include_str!(concat!(env!("OUT_DIR"), "/mocks.rs")), include_str!("../generated/mocks.rs"), "mocks.rs"),
    ] {
        assert!(
            built == reviewed,
            "generated/{name} is stale. To refresh it: EXPECTORATE=overwrite cargo test -p review"
        );
    }
}

#[test]
fn a_reviewed_file_that_was_edited_is_not_built() {
    let generated = build::code(&client(OPENAPI).unwrap());
    let built_from = |reviewed: &str| build::written(reviewed.to_owned(), OPENAPI, &generated);
    let reviewed = include_str!("../generated/client.rs");
    assert!(built_from(reviewed) == reviewed);
    let edited = reviewed.replacen("self.client.post(url)", "self.client.put(url)", 1);
    assert_ne!(edited, reviewed);
    assert!(built_from(&edited).ends_with(&generated));
}
