//! Keeps the files that reviewers read, in `tests/api/` and `generated/`, in step with `openapi.yaml`, and fails if a version
//! bump is smaller than a change requires, or if the hand-written code lacks what the description now asks for. It does not
//! build the client, so a change that breaks that can be reviewed too.
//!
//! To refresh those files, run `EXPECTORATE=overwrite cargo test -p review`. When you publish, make the current state the
//! released one with `cargo test -p review release -- --ignored`.

use heck::ToShoutySnakeCase;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use serde_json::Value;
use spec_drift::{Document, Finding, Format, Verdict, compare, report};
use std::path::{Path, PathBuf};
use std::{collections::BTreeSet, env, fs};
use support::build;
use support::release::{Bump, bump, owed_by_crate, owed_by_description};
use support::surface::{self, Change, change};

const OPENAPI: &str = include_str!("../../openapi.yaml");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const REFRESH: &str = "EXPECTORATE=overwrite cargo test -p review";
const RELEASED_OPENAPI: &str = "tests/api/released/openapi.yaml";
const RELEASED_SURFACE: &str = "tests/api/released/surface.txt";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn file(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Fails if a file is stale, and prints the command that refreshes it.
fn assert_fresh(name: &str, contents: &str) {
    if env::var_os("EXPECTORATE").is_none() && file(name) != contents {
        eprintln!("{name} is stale. To refresh it: {REFRESH}");
    }
    expectorate::assert_contents(path(name), contents);
}

fn generated() -> syn::File {
    build::client(OPENAPI).unwrap()
}

struct DescribedOperation {
    id: String,
    /// The schema of its body.
    body: Option<String>,
}

fn operations() -> Vec<DescribedOperation> {
    let spec: Value = yaml_serde::from_str(OPENAPI).unwrap();
    let mut operations = Vec::new();
    for methods in spec["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let body = body.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned);
            operations.push(DescribedOperation { id: id.to_owned(), body });
        }
    }
    operations
}

fn mocks() -> syn::File {
    build::mocks(OPENAPI, "crate::generated").unwrap()
}

fn crate_version() -> &'static str {
    let version = MANIFEST.lines().find_map(|line| line.strip_prefix("version = \"")).expect("a version");
    version.split_once('+').expect("X.Y.Z+<info.version>").0
}

/// The version of a surface (its first line) and its items.
fn surface_of(text: &str) -> (String, BTreeSet<String>) {
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().expect("a version"), lines.collect())
}

fn surface_text() -> String {
    let lines: Vec<_> = surface::surface(&generated(), &mocks()).into_iter().collect();
    format!("{}\n{}\n", crate_version(), lines.join("\n"))
}

fn info_version(text: &str) -> String {
    let spec: Value = yaml_serde::from_str(text).unwrap();
    spec["info"]["version"].as_str().unwrap().to_owned()
}

fn drift() -> Vec<Finding> {
    let document = |name, text: &str| Document::from_text(name, text).unwrap_or_else(|e| panic!("{e}"));
    compare(&document(RELEASED_OPENAPI, &file(RELEASED_OPENAPI)), &document("openapi.yaml", OPENAPI))
}

fn drift_text(findings: &[Finding], released: &str) -> String {
    let (from, to) = (info_version(released), info_version(OPENAPI));
    let report = report(findings, Format::Markdown);
    format!(
        "# Drift of openapi.yaml since the last release\n\nFrom {from} to {to}, as a shipped client would feel it.\n\n{report}"
    )
}

/// What is read in review is also what ships, and what the build without the feature `generate` uses.
#[test]
fn the_generated_code_matches_the_reviewed_and_shipped_files() {
    let formatted = |file| build::with_header(OPENAPI, &prettyplease::unparse(&file), &build::code(&file));
    assert_fresh("generated/client.rs", &formatted(generated()));
    assert_fresh("generated/mocks.rs", &formatted(mocks()));
}

#[test]
fn the_surface_matches_the_reviewed_file() {
    assert_fresh("tests/api/surface.txt", &surface_text());
}

#[test]
fn the_drift_since_the_last_release_matches_the_reviewed_file() {
    assert_fresh("tests/api/DRIFT.md", &drift_text(&drift(), &file(RELEASED_OPENAPI)));
}

/// Fails if a version bump is smaller than a change requires.
fn assert_moved(what: &str, change: &str, owed: Bump, released: &str, now: &str) {
    let enough = bump(released, now).is_some_and(|moved| moved >= owed);
    let owed = format!("{owed:?}").to_lowercase();
    assert!(enough, "{change} since the release of {released}: {what} is {now} and needs a {owed} bump");
}

#[test]
fn the_crate_version_reflects_surface_changes() {
    let (released, items) = surface_of(&file(RELEASED_SURFACE));
    let (_, now) = surface_of(&surface_text());
    let change = change(&items, &now);
    let owed = owed_by_crate(&released, change, info_version(&file(RELEASED_OPENAPI)) != info_version(OPENAPI));
    let reason = match change {
        Change::Breaking => "the surface has a breaking change",
        Change::Additive => "the surface has an addition",
        Change::None => "info.version has changed",
    };
    assert_moved("`version` in Cargo.toml", reason, owed, &released, crate_version());
}

#[test]
fn the_description_version_reflects_wire_changes() {
    let worst = drift().iter().map(|finding| finding.verdict).min();
    let (released, now) = (info_version(&file(RELEASED_OPENAPI)), info_version(OPENAPI));
    let reason =
        worst.map_or("nothing changed".to_owned(), |worst| format!("the worst change on the wire is \"{worst}\""));
    assert_moved("info.version in openapi.yaml", &reason, owed_by_description(worst), &released, &now);
}

fn parsed(source: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(source).unwrap()).unwrap()
}

/// Whether code has this identifier, anywhere but in comments and text.
fn mentions(code: TokenStream, name: &str) -> bool {
    code.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The method that makes calls with this row of the operations.
fn method_with(row: &str) -> Option<String> {
    let files = surface::sources().into_iter().map(|source| parsed(&source));
    let blocks = files.flat_map(|file| file.items).filter_map(|item| match item {
        syn::Item::Impl(block) => Some(block.items),
        _ => None,
    });
    blocks.flatten().find_map(|item| match item {
        syn::ImplItem::Fn(method) if mentions(method.block.to_token_stream(), row) => {
            Some(method.sig.ident.to_string())
        }
        _ => None,
    })
}

/// A method of one's own, an answer of the sandbox, and a test of the request on the wire.
#[test]
fn each_operation_has_all_that_is_written_by_hand() {
    let operations = operations();
    assert!(!operations.is_empty());
    let code = |name| parsed(&path(name)).to_token_stream();
    for DescribedOperation { id, .. } in operations {
        let row = id.to_shouty_snake_case();
        let method = method_with(&row);
        let method = method.unwrap_or_else(|| panic!("{id} has no method: write one in src/onboarding.rs, with {row}"));
        assert!(
            mentions(code("src/sandbox/documented.rs"), &row),
            "the sandbox does not answer {id}: do so in src/sandbox/documented.rs, with {row}"
        );
        assert!(
            mentions(code("tests/wire.rs"), &method),
            "no test sends {id}: write one in tests/wire.rs, which calls {method}"
        );
    }
}

#[test]
fn each_field_that_a_request_requires_is_a_parameter_of_its_constructor() {
    let surface = surface_text();
    let spec: Value = yaml_serde::from_str(OPENAPI).unwrap();
    for body in operations().into_iter().filter_map(|operation| operation.body) {
        let required = spec["components"]["schemas"][&body]["required"].as_array().into_iter().flatten();
        let required: Vec<_> = required.filter_map(Value::as_str).collect();
        let new = surface.lines().find(|line| line.starts_with(&format!("fn {body}::new(")));
        let parameters = new.unwrap_or_else(|| panic!("{body} has no constructor `new`")).matches("_: ").count();
        assert!(
            parameters == required.len(),
            "openapi.yaml requires {} of a {body}: its `new` in src/onboarding.rs must take exactly that",
            required.join(" and ")
        );
    }
}

#[test]
fn version_bumps_follow_cargo_and_wire_rules() {
    for (released, change, new_info, owed) in [
        ("0.3.1", Change::Breaking, false, Bump::Minor),
        ("0.3.1", Change::Additive, false, Bump::Patch),
        ("0.3.1", Change::None, true, Bump::Patch),
        ("0.3.1", Change::None, false, Bump::None),
        ("1.3.1", Change::Breaking, true, Bump::Major),
        ("1.3.1", Change::Additive, true, Bump::Minor),
    ] {
        assert_eq!(owed_by_crate(released, change, new_info), owed, "{released} {change:?}");
    }
    for (worst, owed) in [
        (Some(Verdict::Breaks), Bump::Major),
        (Some(Verdict::Look), Bump::Major),
        (Some(Verdict::Unseen), Bump::Minor),
        (Some(Verdict::Harmless), Bump::Patch),
        (None, Bump::None),
    ] {
        assert_eq!(owed_by_description(worst), owed);
    }
    for (from, to, moved) in [
        ("1.2.3", "1.2.3", Some(Bump::None)),
        ("1.2.3", "1.2.10", Some(Bump::Patch)),
        ("1.2.3", "1.3.0", Some(Bump::Minor)),
        ("1.2.3", "2.0.0", Some(Bump::Major)),
        ("1.2.3", "1.1.9", None),
    ] {
        assert_eq!(bump(from, to), moved, "{from} {to}");
    }
}

#[test]
fn surface_changes_are_classified_by_cargos_rules() {
    let released = [
        "enum Closed (exhaustive)",
        "enum Open",
        "field Closed.a: u8",
        "fn Open::new() -> Self",
        "struct Closed (exhaustive)",
        "struct Open",
        "trait Source: Send",
    ];
    let with =
        |added: &str| -> BTreeSet<String> { released.iter().chain([&added]).map(|line| line.to_string()).collect() };
    let released: BTreeSet<String> = released.iter().map(|line| line.to_string()).collect();
    for (added, expected) in [
        ("fn Open::other() -> Self", Change::Additive),
        ("variant Open::New", Change::Additive),
        ("variant Closed::New", Change::Breaking),
        ("field Open.b: u8", Change::Additive),
        ("field Closed.b: u8", Change::Breaking),
        ("provided fn Source::more(&self)", Change::Additive),
        ("required fn Source::more(&self)", Change::Breaking),
        ("required fn Fresh::more(&self)", Change::Additive),
        ("impl Clone for Open", Change::Additive),
    ] {
        assert_eq!(change(&released, &with(added)), expected, "{added}");
    }
    assert_eq!(change(&released, &released), Change::None);
    for line in &released {
        let mut narrower = released.clone();
        narrower.remove(line);
        assert_eq!(change(&released, &narrower), Change::Breaking, "{line} removed");
    }
}

#[test]
fn the_surface_lists_every_kind_of_item() {
    let (_, items) = surface_of(&surface_text());
    for line in [
        "async fn Client::create_collective_onboarding(&self, _: &CollectiveOnboardingRequest) -> Result<Response<OnboardingRequest>, Error>",
        "enum Outcome",
        "variant Outcome::Unknown",
        "variant CollectiveType::SolarFarm",
        "struct AccessToken",
        "fn RetryPolicy::none() -> Self",
        "required fn TokenSource::token(&self) -> TokenFuture<'_>",
        "provided fn TokenSource::rejected(&self, _: &AccessToken)",
        "impl Clone for Client",
        "impl std::fmt::Display for EntityType",
        "fn EntityType::as_str(&self) -> &str",
        "feature drift",
        "default feature rustls",
        "rust-version \"1.88\"",
        "mocks fn CreateCollectiveOnboardingThen::bad_request(self) -> Self [feature = \"sandbox\"]",
        "mod sandbox [feature = \"sandbox\"]",
    ] {
        assert!(items.contains(line), "{line} is missing. If that is intentional, remove it from this list");
    }
    assert!(
        !items.iter().any(|line| line.contains("Exchange") || line.contains("progenitor")),
        "the surface contains something private"
    );
}

#[test]
#[ignore = "makes the current state the released one: run it when you publish"]
fn release() {
    fs::write(path(RELEASED_OPENAPI), OPENAPI).unwrap();
    fs::write(path(RELEASED_SURFACE), surface_text()).unwrap();
    fs::write(path("tests/api/DRIFT.md"), drift_text(&[], OPENAPI)).unwrap();
}
