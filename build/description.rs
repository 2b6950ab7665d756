//! Reads a description, and rejects what would close the open world or what progenitor cannot express, in a sentence that
//! begins with the place.

use heck::ToPascalCase;
use openapiv3::{
    AdditionalProperties, AnySchema, ArrayType, Components, IntegerType, NumberType, ObjectType, OpenAPI, Operation,
    Parameter, ParameterSchemaOrContent, ReferenceOr, RequestBody, Response, Schema, SchemaKind, StatusCode,
    StringType, Type,
};
use serde_json::Value;
use std::{collections::BTreeMap, ops::RangeInclusive};

/// Keywords whose values are examples or options, not parts of the description.
const VALUES: [&str; 4] = ["example", "examples", "default", "enum"];
/// Keywords whose children are the API's own names, which may be spelled like a keyword.
const NAMES: [&str; 9] =
    ["callbacks", "headers", "links", "parameters", "properties", "requestBodies", "responses", "schemas", "paths"];
const SCHEMAS: &str = "#/components/schemas/";
const JSON: &str = "application/json";
/// Header parameters that OpenAPI ignores (3.0.3, section 4.7.12.1).
const RESERVED_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

pub struct Description {
    pub api: OpenAPI,
    spec: String,
}

/// What the client needs to know about an operation.
pub struct DescribedOperation {
    /// Its place in the document, for messages.
    pub place: String,
    pub id: String,
    pub method: String,
    pub path: String,
    /// The documented success statuses.
    pub success: Vec<RangeInclusive<u16>>,
    /// The name of the success schema.
    pub response: String,
}

impl DescribedOperation {
    /// Whether a request changes nothing (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

impl Description {
    pub fn read(spec: &str) -> Result<Self, String> {
        let api: OpenAPI = yaml_serde::from_str(spec).map_err(|e| e.to_string())?;
        let description = Self { api, spec: spec.to_owned() };
        description.check_references()?;
        Ok(description)
    }

    /// Checks every schema that is part of a request or a response.
    pub fn check(&self) -> Result<(), String> {
        if self.api.paths.iter().len() == 0 {
            return Err("paths: has no operation to generate".to_owned());
        }
        if let Some(Components { schemas, parameters, request_bodies, .. }) = &self.api.components {
            for (name, schema) in schemas {
                check_schema(&format!("components.schemas.{name}"), schema)?;
            }
            for (name, parameter) in parameters {
                check_parameter(&format!("components.parameters.{name}"), parameter)?;
            }
            for (name, body) in request_bodies {
                check_request_body(&format!("components.requestBodies.{name}"), body)?;
            }
        }
        for (path, item) in self.api.paths.iter() {
            let Some(item) = item.as_item() else {
                return Err(format!("paths.{path}: write the path out instead of a $ref"));
            };
            for (method, operation) in item.iter() {
                let place = format!("paths.{path}.{method}");
                if operation.operation_id.is_none() {
                    return Err(format!("{place}: needs an operationId, which names the method of the client"));
                }
                for parameter in item.parameters.iter().chain(&operation.parameters) {
                    let name = parameter.as_item().map_or("$ref", |parameter| &parameter.parameter_data_ref().name);
                    check_parameter(&format!("{place}.parameters.{name}"), parameter)?;
                }
                if let Some(body) = &operation.request_body {
                    check_request_body(&format!("{place}.requestBody"), body)?;
                }
            }
        }
        Ok(())
    }

    /// The operations, in the order of the document.
    pub fn operations(&self) -> Result<Vec<DescribedOperation>, String> {
        let mut operations = Vec::new();
        for (path, item) in self.api.paths.iter() {
            for (method, operation) in item.as_item().into_iter().flat_map(|item| item.iter()) {
                let place = format!("paths.{path}.{method}");
                operations.push(DescribedOperation {
                    id: operation.operation_id.clone().unwrap_or_default(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    success: operation.responses.responses.keys().filter_map(success).collect(),
                    response: self.response(&place, operation)?,
                    place,
                });
            }
        }
        Ok(operations)
    }

    /// The schema that all documented successes of an operation share.
    fn response(&self, place: &str, operation: &Operation) -> Result<String, String> {
        let problem = || {
            format!(
                "{place}: needs one or more 2xx responses, all with {JSON} and the same $ref to an object in components.schemas"
            )
        };
        let successes = operation.responses.responses.iter().filter(|(status, _)| success(status).is_some());
        let mut names = Vec::new();
        for (_, response) in successes {
            let response = self.response_of(response).ok_or_else(problem)?;
            let schema = response.content.get(JSON).and_then(|body| body.schema.as_ref());
            let Some(ReferenceOr::Reference { reference }) = schema else { return Err(problem()) };
            names.push(reference.strip_prefix(SCHEMAS).ok_or_else(problem)?);
        }
        match names.as_slice() {
            [first, rest @ ..] if rest.iter().all(|name| name == first) => Ok((*first).to_owned()),
            _ => Err(problem()),
        }
    }

    fn response_of<'a>(&'a self, response: &'a ReferenceOr<Response>) -> Option<&'a Response> {
        match response {
            ReferenceOr::Item(response) => Some(response),
            ReferenceOr::Reference { reference } => {
                let name = reference.strip_prefix("#/components/responses/")?;
                self.api.components.as_ref()?.responses.get(name)?.as_item()
            }
        }
    }

    /// progenitor would unwrap a `None` if a reference leads nowhere, without saying which.
    fn check_references(&self) -> Result<(), String> {
        let document = serde_json::to_value(&self.api).map_err(|e| e.to_string())?;
        let mut dangling = Vec::new();
        dangling_references(&document, false, &document, &mut dangling);
        let sentence = |reference: &&str| {
            let line = self.spec.lines().position(|line| refers_to(line, reference)).map_or(0, |n| n + 1);
            format!("line {line}: $ref '{reference}' leads nowhere in this document")
        };
        match dangling.as_slice() {
            [] => Ok(()),
            list => Err(list.iter().map(sentence).collect::<Vec<_>>().join("\n")),
        }
    }
}

fn dangling_references<'a>(node: &'a Value, is_map_of_names: bool, document: &Value, found: &mut Vec<&'a str>) {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref").filter(|_| !is_map_of_names) {
                let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                if target.is_none() && !found.contains(&reference.as_str()) {
                    found.push(reference);
                }
            }
            for (key, child) in map {
                let is_value = VALUES.contains(&key.as_str()) || key.starts_with("x-");
                if is_map_of_names || !is_value {
                    let names = !is_map_of_names && NAMES.contains(&key.as_str());
                    dangling_references(child, names, document, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|child| dangling_references(child, false, document, found)),
        _ => {}
    }
}

/// Whether a line of YAML has this reference, not one that merely begins with it.
fn refers_to(line: &str, reference: &str) -> bool {
    let Some((_, value)) = line.split_once("$ref") else { return false };
    value.match_indices(reference).any(|(at, _)| {
        let after = value[at + reference.len()..].chars().next();
        after.is_none_or(|next| matches!(next, '\'' | '"' | '}' | ',' | ' ' | '\t' | '#'))
    })
}

pub fn success(status: &StatusCode) -> Option<RangeInclusive<u16>> {
    match status {
        StatusCode::Code(code @ 200..=299) => Some(*code..=*code),
        StatusCode::Range(2) => Some(200..=299),
        _ => None,
    }
}

/// A reference is checked where its target stands.
fn check_parameter(place: &str, parameter: &ReferenceOr<Parameter>) -> Result<(), String> {
    let ReferenceOr::Item(parameter) = parameter else { return Ok(()) };
    let data = parameter.parameter_data_ref();
    let is_reserved = RESERVED_HEADERS.iter().any(|header| data.name.eq_ignore_ascii_case(header));
    match parameter {
        Parameter::Cookie { .. } => return Err(format!("{place}: the generated client cannot send a cookie")),
        Parameter::Header { .. } if is_reserved => {
            return Err(format!("{place}: OpenAPI ignores a header of this name, and the client sets it itself"));
        }
        _ => {}
    }
    match &data.format {
        ParameterSchemaOrContent::Schema(schema) => check_schema(place, schema),
        ParameterSchemaOrContent::Content(_) => {
            Err(format!("{place}: describe the parameter with a schema instead of content"))
        }
    }
}

fn check_request_body(place: &str, body: &ReferenceOr<RequestBody>) -> Result<(), String> {
    let ReferenceOr::Item(body) = body else { return Ok(()) };
    for (media_type, content) in &body.content {
        if let Some(schema) = &content.schema {
            check_schema(&format!("{place}.{media_type}"), schema)?;
        }
    }
    Ok(())
}

fn check_schema(place: &str, schema: &ReferenceOr<impl std::borrow::Borrow<Schema>>) -> Result<(), String> {
    let ReferenceOr::Item(schema) = schema else { return Ok(()) };
    if schema.borrow().schema_data.default.is_some() {
        return Err(format!(
            "{place}: default would pass for a value that was received: remove it, and state it in the description"
        ));
    }
    match &schema.borrow().schema_kind {
        SchemaKind::Type(Type::String(string)) => check_string(place, string),
        SchemaKind::Type(Type::Number(number)) => check_number(place, number),
        SchemaKind::Type(Type::Integer(integer)) => check_integer(place, integer),
        SchemaKind::Type(Type::Boolean(boolean)) => refuse(place, &[("enum", !boolean.enumeration.is_empty())]),
        SchemaKind::Type(Type::Object(object)) => check_object(place, object),
        SchemaKind::Type(Type::Array(array)) => check_array(place, array),
        SchemaKind::OneOf { .. } => Err(union(place, "oneOf")),
        SchemaKind::AnyOf { .. } => Err(union(place, "anyOf")),
        SchemaKind::Not { .. } => refuse(place, &[("not", true)]),
        SchemaKind::AllOf { all_of } => {
            all_of.iter().enumerate().try_for_each(|(n, schema)| check_schema(&format!("{place}.allOf.{n}"), schema))
        }
        SchemaKind::Any(any) => check_any(place, any),
    }
}

fn union(place: &str, keyword: &str) -> String {
    format!(
        "{place}: {keyword} would be decided by enums, which are open here, and decode as the wrong alternative: describe an object"
    )
}

/// Rejects the keywords that are set.
fn refuse(place: &str, keywords: &[(&str, bool)]) -> Result<(), String> {
    match keywords.iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((keyword, _)) => Err(format!(
            "{place}: {keyword} would reject what the API may send one day: omit it, and state it in the description"
        )),
    }
}

fn check_string(place: &str, string: &StringType) -> Result<(), String> {
    refuse(
        place,
        &[
            ("pattern", string.pattern.is_some()),
            ("minLength", string.min_length.is_some()),
            ("maxLength", string.max_length.is_some()),
        ],
    )?;
    let mut options = BTreeMap::new();
    for option in string.enumeration.iter().flatten() {
        if let Some(other) = options.insert(option.to_pascal_case(), option) {
            return Err(format!("{place}: the options {other} and {option} have the same name in Rust"));
        }
    }
    Ok(())
}

fn check_number(place: &str, number: &NumberType) -> Result<(), String> {
    refuse(
        place,
        &[
            ("enum", !number.enumeration.is_empty()),
            ("minimum", number.minimum.is_some()),
            ("maximum", number.maximum.is_some()),
            ("multipleOf", number.multiple_of.is_some()),
        ],
    )
}

fn check_integer(place: &str, integer: &IntegerType) -> Result<(), String> {
    refuse(
        place,
        &[
            ("enum", !integer.enumeration.is_empty()),
            ("minimum", integer.minimum.is_some()),
            ("maximum", integer.maximum.is_some()),
            ("multipleOf", integer.multiple_of.is_some()),
        ],
    )
}

fn check_object(place: &str, object: &ObjectType) -> Result<(), String> {
    refuse(
        place,
        &[
            (
                "additionalProperties: false",
                matches!(object.additional_properties, Some(AdditionalProperties::Any(false))),
            ),
            ("minProperties", object.min_properties.is_some()),
            ("maxProperties", object.max_properties.is_some()),
        ],
    )?;
    if let Some(AdditionalProperties::Schema(schema)) = &object.additional_properties {
        check_schema(&format!("{place}.additionalProperties"), schema)?;
    }
    check_properties(place, &object.properties)
}

fn check_properties<'a>(
    place: &str,
    properties: impl IntoIterator<Item = (&'a String, &'a ReferenceOr<Box<Schema>>)>,
) -> Result<(), String> {
    properties.into_iter().try_for_each(|(name, schema)| check_schema(&format!("{place}.properties.{name}"), schema))
}

fn check_array(place: &str, array: &ArrayType) -> Result<(), String> {
    refuse(
        place,
        &[
            ("uniqueItems", array.unique_items),
            ("minItems", array.min_items.is_some()),
            ("maxItems", array.max_items.is_some()),
        ],
    )?;
    array.items.as_ref().map_or(Ok(()), |items| check_schema(&format!("{place}.items"), items))
}

/// A schema without a type, or with keywords of several.
fn check_any(place: &str, any: &AnySchema) -> Result<(), String> {
    if !any.one_of.is_empty() {
        return Err(union(place, "oneOf"));
    }
    if !any.any_of.is_empty() {
        return Err(union(place, "anyOf"));
    }
    refuse(
        place,
        &[
            ("not", any.not.is_some()),
            ("pattern", any.pattern.is_some()),
            ("minLength", any.min_length.is_some()),
            ("maxLength", any.max_length.is_some()),
            ("enum without a type", !any.enumeration.is_empty()),
            ("minimum", any.minimum.is_some()),
            ("maximum", any.maximum.is_some()),
            ("multipleOf", any.multiple_of.is_some()),
            (
                "additionalProperties: false",
                matches!(any.additional_properties, Some(AdditionalProperties::Any(false))),
            ),
            ("minProperties", any.min_properties.is_some()),
            ("maxProperties", any.max_properties.is_some()),
            ("uniqueItems", any.unique_items == Some(true)),
            ("minItems", any.min_items.is_some()),
            ("maxItems", any.max_items.is_some()),
        ],
    )?;
    for (n, schema) in any.all_of.iter().enumerate() {
        check_schema(&format!("{place}.allOf.{n}"), schema)?;
    }
    if let Some(items) = &any.items {
        check_schema(&format!("{place}.items"), items)?;
    }
    check_properties(place, &any.properties)
}
