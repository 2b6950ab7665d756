//! The schemas that the client can express without rejecting what the API may send one day.

use super::{names, node::Node};
use serde_json::Value;
use std::collections::BTreeMap;

/// Keywords that say something about a schema and restrict nothing.
const ANNOTATIONS: [&str; 8] =
    ["description", "example", "deprecated", "externalDocs", "nullable", "readOnly", "writeOnly", "type"];
/// Formats of strings that become a type of their own, or stay text. Others may reject text that they do not expect.
const TEXT_FORMATS: [&str; 8] = ["date-time", "email", "hostname", "password", "uri", "url", "uuid", "byte"];

pub fn check_components(schemas: &Node) -> Result<(), String> {
    for (_, schema) in schemas.entries()? {
        if schema.is_reference() {
            return Err(schema.problem("is an alias: refer to its target instead"));
        }
        if schema.is_true("nullable") {
            return Err(schema.problem("say nullable where the schema is used, next to an allOf with the $ref"));
        }
        match schema.get("allOf") {
            Some(_) => check_merged(&schema)?,
            None => check(&schema)?,
        }
    }
    Ok(())
}

/// Checks a schema. The target of a reference is checked where it stands.
pub fn check(schema: &Node) -> Result<(), String> {
    if schema.is_reference() {
        return schema.resolved("schemas").map(|_| ());
    }
    match schema.text("type")? {
        Some("string") => check_string(schema),
        Some("integer") => check_number(schema, "int64"),
        Some("number") => check_number(schema, "double"),
        Some("boolean") => allow(schema, &[]),
        Some("object") => check_object(schema),
        Some("array") => {
            allow(schema, &["items"])?;
            check(&schema.get("items").ok_or_else(|| schema.problem("needs items"))?)
        }
        Some(other) => Err(schema.problem(&format!("{other} is not a type of OpenAPI 3.0"))),
        None if schema.get("allOf").is_some() => check_wrapped(schema),
        None => allow(schema, &[]),
    }
}

fn check_string(schema: &Node) -> Result<(), String> {
    allow(schema, &["format", "enum"])?;
    if let Some(format) = schema.text("format")?.filter(|format| !TEXT_FORMATS.contains(format)) {
        return Err(schema.problem(&format!(
            "the format {format} may reject what the API sends one day: omit it, and state it in the description"
        )));
    }
    if schema.get("enum").is_none() {
        return Ok(());
    }
    if schema.get("format").is_some() {
        return Err(schema.problem("an enum has no format"));
    }
    let mut options = Vec::new();
    for option in schema.items_of("enum")? {
        match option.value {
            Value::Null => return Err(option.problem("write nullable: true instead of the option null")),
            _ => options.push(option.as_text()?),
        }
    }
    match options.is_empty() {
        true => Err(schema.problem("enum needs an option")),
        false => names::check_options(schema, &options),
    }
}

/// Narrower numbers would reject what a wider one can hold.
fn check_number(schema: &Node, widest: &str) -> Result<(), String> {
    allow(schema, &["format"])?;
    match schema.text("format")? {
        Some(format) if format != widest => Err(schema.problem(&format!(
            "the format {format} would reject what the API may send one day: omit it or use {widest}"
        ))),
        _ => Ok(()),
    }
}

fn check_object(schema: &Node) -> Result<(), String> {
    allow(schema, &["properties", "required", "additionalProperties"])?;
    let properties = schema.entries_of("properties")?;
    for (name, property) in &properties {
        let is_required = schema.items_of("required")?.iter().any(|item| item.value == name);
        if is_required && (property.is_true("readOnly") || property.is_true("writeOnly")) {
            return Err(property.problem(
                "is required, but readOnly or writeOnly omits it in one direction: use a schema for each direction",
            ));
        }
        check(property)?;
    }
    for required in schema.items_of("required")? {
        if !properties.iter().any(|(name, _)| required.value == name) {
            return Err(required.problem(&format!("{} is not among the properties", required.value)));
        }
    }
    names::check_properties(schema, properties.iter().map(|(name, _)| *name))?;
    match schema.get("additionalProperties") {
        None | Some(Node { value: Value::Bool(true), .. }) => Ok(()),
        Some(Node { value: Value::Bool(false), .. }) => refuse(schema, "additionalProperties: false"),
        Some(values) if properties.is_empty() => check(&values),
        Some(values) => {
            Err(values.problem("would reject properties that the API may add one day: describe the map by itself"))
        }
    }
}

/// A reference within an `allOf`, so that it can have a description of its own or be nullable.
fn check_wrapped(schema: &Node) -> Result<(), String> {
    allow(schema, &["allOf"])?;
    match schema.items_of("allOf")?.as_slice() {
        [member] if member.is_reference() => check(member),
        _ => Err(schema.problem("only a single $ref can be in allOf here: put merged objects into components.schemas")),
    }
}

/// A component that merges objects.
fn check_merged(schema: &Node) -> Result<(), String> {
    allow(schema, &["allOf"])?;
    let members = schema.items_of("allOf")?;
    if members.len() < 2 {
        return Err(schema.problem("allOf needs two or more objects to merge"));
    }
    let mut described = BTreeMap::new();
    for member in &members {
        for (name, property) in merged_properties(member, &mut vec![schema.place.clone()])? {
            if let Some(before) = described.insert(name, property.place.clone()) {
                return Err(property.problem(&format!("{before} describes the same property: the two are merged")));
            }
        }
        if !member.is_reference() {
            check(member)?;
        }
    }
    names::check_properties(schema, described.keys().copied())
}

/// The properties that a member of an `allOf` contributes. `within` has the components around it.
fn merged_properties<'a>(member: &Node<'a>, within: &mut Vec<String>) -> Result<Vec<(&'a str, Node<'a>)>, String> {
    let object = member.resolved("schemas")?;
    if within.contains(&object.place) {
        return Err(member.problem("is part of itself"));
    }
    let members = object.items_of("allOf")?;
    if members.is_empty() {
        return match is_object(&object)? {
            true => object.entries_of("properties"),
            false => Err(member.problem("allOf can only merge objects with properties")),
        };
    }
    within.push(object.place.clone());
    let mut properties = Vec::new();
    for member in &members {
        properties.extend(merged_properties(member, within)?);
    }
    within.pop();
    Ok(properties)
}

/// Whether this becomes a struct with fields.
pub fn is_object(schema: &Node) -> Result<bool, String> {
    let schema = schema.resolved("schemas")?;
    let has_properties = !schema.entries_of("properties")?.is_empty();
    Ok(schema.items_of("allOf")?.len() > 1 || schema.text("type")? == Some("object") && has_properties)
}

/// Whether a value is a single word in a URL or a header, and which type it has there.
pub fn is_scalar(schema: &Node) -> Result<bool, String> {
    let schema = schema.resolved("schemas")?;
    Ok(!schema.is_true("nullable") && matches!(schema.text("type")?, Some("string" | "integer" | "number" | "boolean")))
}

fn allow(schema: &Node, keywords: &[&str]) -> Result<(), String> {
    let mut given = schema.keywords()?.into_iter();
    match given.find(|keyword| !ANNOTATIONS.contains(keyword) && !keywords.contains(keyword)) {
        Some(keyword) => refuse(schema, keyword),
        None => Ok(()),
    }
}

fn refuse(schema: &Node, keyword: &str) -> Result<(), String> {
    let why = match keyword {
        "default" => "would look like a received value: remove it, and state it in the description",
        "title" => "would name the Rust type: remove it, and put the schema into components.schemas under that name",
        "oneOf" | "anyOf" | "discriminator" => {
            "cannot be told apart, because enums are open: describe one object with the properties of all"
        }
        "additionalProperties: false"
        | "enum"
        | "pattern"
        | "minLength"
        | "maxLength"
        | "minimum"
        | "maximum"
        | "exclusiveMinimum"
        | "exclusiveMaximum"
        | "multipleOf"
        | "minItems"
        | "maxItems"
        | "uniqueItems"
        | "minProperties"
        | "maxProperties"
        | "not" => "would reject what the API may send one day: omit it, and state it in the description",
        "properties" | "required" | "additionalProperties" => "needs type: object, and no allOf",
        "items" => "needs type: array",
        _ => "is not supported here",
    };
    Err(schema.problem(&format!("{keyword} {why}")))
}
