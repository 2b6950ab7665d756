//! Rust names for the description's names. Different names, such as `a-b` and `a_b`, can collide in Rust. rustc would not say
//! where, or one type would silently replace the other.

use super::node::Node;
use heck::{ToPascalCase, ToSnakeCase};
use std::collections::BTreeMap;

/// Methods of the generated client and of its traits.
const METHODS: [&str; 9] =
    ["api_version", "baseurl", "client", "exec", "inner", "new", "new_with_client", "post", "pre"];
/// Variables and functions next to the parameters in the generated code.
const VARIABLES: [&str; 6] = ["body", "encode_path", "header_map", "info", "into_inner", "new"];

/// The name of a type or an option.
pub fn type_name(name: &str) -> String {
    let name = hyphenated(name).to_pascal_case();
    match name.as_str() {
        "Self" => "Self_".to_owned(),
        _ if name.starts_with(char::is_alphabetic) => name,
        _ => format!("X{name}"),
    }
}

/// The name of a method, a field or a parameter.
pub fn value_name(name: &str) -> String {
    let name = hyphenated(name).to_snake_case();
    if name.starts_with(char::is_alphabetic) { name } else { format!("x{name}") }
}

fn hyphenated(name: &str) -> String {
    name.replace('\'', "").replace(|c: char| !c.is_alphanumeric() && c != '_', "-")
}

pub fn check_options(of: &Node, options: &[&str]) -> Result<(), String> {
    unique(options.iter().map(|option| (type_name(option), *option))).map_err(|Same { one, other }| {
        match one == other {
            true => of.problem(&format!("the option {one} is listed twice")),
            false => of.problem(&format!("the options {one} and {other} have the same name in Rust")),
        }
    })
}

pub fn check_properties<'a>(of: &Node, properties: impl Iterator<Item = &'a str>) -> Result<(), String> {
    unique(properties.map(|property| (value_name(property), property))).map_err(|Same { one, other }| {
        of.problem(&format!("the properties {one} and {other} have the same name in Rust"))
    })
}

pub fn check_parameters<'a>(of: &Node, parameters: impl Iterator<Item = &'a str> + Clone) -> Result<(), String> {
    if let Some(name) = parameters.clone().find(|name| VARIABLES.contains(&value_name(name).as_str())) {
        return Err(
            of.problem(&format!("the generated code has a variable or a function named like the parameter {name}"))
        );
    }
    unique(parameters.map(|parameter| (value_name(parameter), parameter))).map_err(|Same { one, other }| {
        of.problem(&format!("the parameters {one} and {other} have the same name in Rust"))
    })
}

/// Checks the operationIds, which come with their operations.
pub fn check_operations(operations: &[(&str, &Node)]) -> Result<(), String> {
    if let Some((id, operation)) = operations.iter().find(|(id, _)| METHODS.contains(&value_name(id).as_str())) {
        return Err(operation.problem(&format!("the generated client has a method named like the operationId {id}")));
    }
    unique(operations.iter().map(|(id, operation)| (value_name(id), operation.place.as_str())))
        .map_err(|Same { one, other }| format!("{other}: its operationId has the same name in Rust as that of {one}"))
}

/// The types that are generated: every component, and the objects and enums within others.
pub fn types(document: &Node) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    if let Some(components) = document.get("components") {
        for (name, schema) in components.entries_of("schemas")? {
            found.push((type_name(name), schema.place.clone()));
            types_within(&type_name(name), &schema, &mut found)?;
        }
    }
    unique(found.iter().map(|(name, place)| (name.clone(), place.as_str())))
        .map_err(|Same { one, other }| format!("{other}: its type has the same name in Rust as that of {one}"))?;
    Ok(found.into_iter().map(|(name, _)| name).collect())
}

/// The types that are generated for schemas within a schema, named as typify does it.
fn types_within(name: &str, schema: &Node, found: &mut Vec<(String, String)>) -> Result<(), String> {
    for (property, of) in schema.entries_of("properties")? {
        type_of(format!("{name}_{}", property.to_snake_case()), &of, found)?;
    }
    if let Some(items) = schema.get("items") {
        type_of(format!("{name}_item"), &items, found)?;
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.value.is_object()) {
        type_of(format!("{name}Value"), &values, found)?;
    }
    let members = schema.items_of("allOf")?;
    // Objects are merged. A single reference stays one.
    if members.len() > 1 {
        for member in &members {
            types_within(name, &member.resolved("schemas")?, found)?;
        }
    }
    Ok(())
}

fn type_of(name: String, schema: &Node, found: &mut Vec<(String, String)>) -> Result<(), String> {
    if schema.get("enum").is_some() || !schema.entries_of("properties")?.is_empty() {
        found.push((type_name(&name), schema.place.clone()));
    }
    types_within(&name, schema, found)
}

/// Two that have the same name in Rust.
struct Same<'a> {
    one: &'a str,
    other: &'a str,
}

/// Checks that no two of these have the same name. Each comes after its name in Rust.
fn unique<'a>(named: impl Iterator<Item = (String, &'a str)>) -> Result<(), Same<'a>> {
    let mut seen = BTreeMap::new();
    for (name, other) in named {
        if let Some(one) = seen.insert(name, other) {
            return Err(Same { one, other });
        }
    }
    Ok(())
}
