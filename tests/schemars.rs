//! Each type's schema accepts what the type writes, what the documentation shows, and what the API may add later.

#![cfg(feature = "schemars")]

use jsonschema::Validator;
use proptest::{prelude::*, test_runner::TestRunner};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Display};
use support::spec::{SPEC, any_value, examples, schema};
use syn::{Item, Visibility};
use traxes_connect::{ErrorKind, Outcome, types};

struct Covered {
    name: &'static str,
    /// One for reading and one for writing: schemars distinguishes the two.
    judges: fn() -> [Validator; 2],
    written: fn(&Value) -> Value,
}

macro_rules! covered {
    ($($name:ident),* $(,)?) => {
        const TYPES: &[Covered] = &[$(Covered {
            name: stringify!($name),
            judges: judges::<types::$name>,
            written: written::<types::$name>,
        }),*];
    };
}

covered![
    Collective,
    CollectiveOnboardingRequest,
    CollectiveType,
    Entity,
    EntityInformation,
    EntityReference,
    EntityType,
    OnboardingAction,
    OnboardingActionType,
    OnboardingData,
    OnboardingError,
    OnboardingRequest,
    OnboardingRequestType,
    OnboardingStatus,
];

fn judges<T: JsonSchema>() -> [Validator; 2] {
    let settings = SchemaSettings::draft2020_12();
    [settings.clone().for_deserialize(), settings.for_serialize()].map(|settings| {
        let schema = settings.into_generator().into_root_schema_for::<T>();
        // The schema names its draft, in which formats are annotations unless a validator is told to enforce them.
        let judge = jsonschema::options().should_validate_formats(true).build(schema.as_value());
        judge.unwrap_or_else(|e| panic!("{}: {e}", T::schema_name()))
    })
}

fn written<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    let read: T = serde_json::from_str(&value.to_string()).unwrap_or_else(|e| panic!("{e}: {value}"));
    serde_json::to_value(&read).unwrap()
}

impl Covered {
    /// Each part of the documented examples that has this type.
    fn documented(&self) -> Vec<&'static Value> {
        fn walk(node: &'static Value, schema: &'static Value, name: &str, found: &mut Vec<&'static Value>) {
            let reference = schema["$ref"].as_str();
            if reference.and_then(|r| r.strip_prefix("#/components/schemas/")) == Some(name) {
                found.push(node);
            }
            let schema = reference.map_or(schema, |r| SPEC.pointer(&r[1..]).unwrap());
            match node {
                Value::Object(map) => map.iter().for_each(|(key, v)| walk(v, &schema["properties"][key], name, found)),
                Value::Array(list) => list.iter().for_each(|v| walk(v, &schema["items"], name, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        for (schema, example) in examples() {
            walk(example, schema, self.name, &mut found);
        }
        assert!(!found.is_empty(), "no documented example holds a {}", self.name);
        found
    }

    fn is_enum(&self) -> bool {
        schema(self.name)["enum"].is_array()
    }
}

/// Why a type's schemas refuse a value that the type reads, or what it makes of that value.
fn refused(of: &Covered, [read, written]: &[Validator; 2], value: &Value) -> Option<String> {
    let back = (of.written)(value);
    let checks = [("read", read, value), ("written", written, &back), ("written and read again", read, &back)];
    checks.into_iter().find_map(|(what, judge, value)| {
        let error = judge.iter_errors(value).next()?;
        Some(format!("{}, {what}, at '{}': {error}: {value}", of.name, error.instance_path()))
    })
}

fn assert_accepted(of: &Covered, values: impl IntoIterator<Item = Value>) {
    let judges = (of.judges)();
    for value in values {
        assert_eq!(refused(of, &judges, &value), None);
    }
}

#[test]
fn each_public_type_is_covered() {
    let generated = syn::parse_file(include_str!("../generated/client.rs")).unwrap();
    let module = generated.items.into_iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content,
        _ => None,
    });
    let named = module.expect("types are generated").1.into_iter().filter_map(|item| match item {
        Item::Struct(item) => Some((item.vis, item.ident)),
        Item::Enum(item) => Some((item.vis, item.ident)),
        Item::Type(item) => Some((item.vis, item.ident)),
        _ => None,
    });
    let public = named.filter(|(vis, _)| matches!(vis, Visibility::Public(_))).map(|(_, name)| name.to_string());
    let covered = TYPES.iter().map(|of| of.name.to_owned());
    assert_eq!(public.collect::<BTreeSet<_>>(), covered.collect(), "types::* and the list above differ");
}

#[test]
fn the_documented_examples_are_accepted() {
    for of in TYPES {
        assert_accepted(of, of.documented().into_iter().cloned());
    }
}

#[test]
fn any_documented_value_is_accepted() {
    for of in TYPES {
        let judges = (of.judges)();
        let checked = TestRunner::default().run(&any_value(schema(of.name)), |mut value| {
            if of.name == "CollectiveOnboardingRequest" {
                value.as_object_mut().unwrap().entry("name").or_insert(Value::Null);
            }
            prop_assert_eq!(refused(of, &judges, &value), None);
            Ok(())
        });
        checked.unwrap_or_else(|e| panic!("{}: {e}", of.name));
    }
}

#[test]
fn an_option_added_later_is_accepted() {
    for of in TYPES.iter().filter(|of| of.is_enum()) {
        assert_accepted(of, ["AddedLater", "", "household", "Unknown"].map(Value::from));
    }
}

#[test]
fn nulls_and_fields_added_later_are_accepted() {
    for of in TYPES.iter().filter(|of| !of.is_enum()) {
        for example in of.documented() {
            let with = |name: &str, value: Value| {
                let mut changed = example.clone();
                changed[name] = value;
                changed
            };
            let nulls = example.as_object().unwrap().keys().map(|name| with(name, Value::Null));
            assert_accepted(of, nulls.chain([with("addedLater", json!({"a": [1, "x", null]}))]));
        }
    }
}

#[test]
fn error_kinds_and_outcomes_match_their_schema_and_display() {
    fn check<T: JsonSchema + Serialize + Display>(value: T, shown: &str) {
        let written = serde_json::to_value(&value).unwrap();
        assert_eq!((written.as_str(), value.to_string().as_str()), (Some(shown), shown));
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let judge =
            jsonschema::validator_for(settings.into_generator().into_root_schema_for::<T>().as_value()).unwrap();
        assert!(judge.is_valid(&written) && !judge.is_valid(&json!("NotSent")), "{written}");
    }
    use {ErrorKind::*, Outcome::*};
    let kinds = [
        (Config, "config"),
        (Auth, "auth"),
        (Connect, "connect"),
        (Timeout, "timeout"),
        (Transport, "transport"),
        (Status, "status"),
        (Decode, "decode"),
    ];
    let outcomes = [(NotSent, "not_sent"), (Rejected, "rejected"), (Applied, "applied"), (Unknown, "unknown")];
    kinds.into_iter().for_each(|(kind, shown)| check(kind, shown));
    outcomes.into_iter().for_each(|(outcome, shown)| check(outcome, shown));
}

/// Guards against a schema that accepts everything.
#[test]
fn values_that_no_type_accepts_are_refused() {
    let wrong_fields = [json!({"id": "no-uuid"}), json!({"created": "yesterday"}), json!({"action": 1})];
    for of in TYPES {
        let mut wrong = if of.is_enum() { vec![json!(1), json!(null), json!({})] } else { vec![json!("x"), json!(1)] };
        if of.name == "OnboardingRequest" {
            wrong.extend(wrong_fields.clone());
        }
        for (judge, value) in (of.judges)().iter().flat_map(|judge| wrong.iter().map(move |value| (judge, value))) {
            assert!(!judge.is_valid(value), "{}: {value}", of.name);
        }
    }
    let [_, written] = judges::<types::CollectiveOnboardingRequest>();
    assert!(!written.is_valid(&json!({})), "the name is always sent");
}
