//! The description as progenitor reads it, and what the rows need to know about its operations.

use super::{
    names,
    node::Node,
    schemas,
    supported::{self, JSON},
};
use openapiv3::{OpenAPI, Operation, ReferenceOr, Response, StatusCode};
use serde_json::Value;
use std::ops::RangeInclusive;

pub struct Description {
    pub api: OpenAPI,
    document: Value,
}

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
    /// A description that the client can express.
    pub fn read(spec: &str) -> Result<Self, String> {
        let document = document(spec)?;
        supported::check(&document)?;
        Ok(Self { api: api(document.clone())?, document })
    }

    /// Any description that progenitor can read.
    #[allow(dead_code)] // Only the judge needs it.
    pub fn read_any(spec: &str) -> Result<Self, String> {
        let document = document(spec)?;
        Ok(Self { api: api(document.clone())?, document })
    }

    /// The operations, in the order of the document.
    pub fn operations(&self) -> Result<Vec<DescribedOperation>, String> {
        let mut operations = Vec::new();
        for (path, method, operation) in self.api.operations() {
            let place = format!("paths.{path}.{method}");
            operations.push(DescribedOperation {
                id: operation.operation_id.clone().unwrap_or_default(),
                method: method.to_uppercase(),
                path: path.to_owned(),
                success: operation.responses.responses.keys().filter_map(success).collect(),
                response: self.success_schema(&place, operation)?,
                place,
            });
        }
        Ok(operations)
    }

    /// The names of the types that the client has.
    pub fn types(&self) -> Result<Vec<String>, String> {
        names::types(&Node::root(&self.document))
    }

    /// The documented successes of an operation, with their references followed.
    pub fn successes<'a>(&'a self, operation: &'a Operation) -> impl Iterator<Item = &'a Response> {
        let successes = operation.responses.responses.iter().filter(|(status, _)| success(status).is_some());
        successes.filter_map(|(_, response)| match response {
            ReferenceOr::Item(response) => Some(response),
            ReferenceOr::Reference { reference } => {
                let name = reference.strip_prefix("#/components/responses/")?;
                self.api.components.as_ref()?.responses.get(name)?.as_item()
            }
        })
    }

    /// The schema that all documented successes of an operation share.
    fn success_schema(&self, place: &str, operation: &Operation) -> Result<String, String> {
        let names: Option<Vec<_>> = self.successes(operation).map(schema_of).collect();
        if let Some([first, rest @ ..]) = names.as_deref()
            && rest.iter().all(|name| name == first)
            && let Some(schema) = self.document.pointer(&format!("/components/schemas/{first}"))
            && schemas::is_object(&Node::root(&self.document).child(first, schema))?
        {
            return Ok((*first).to_owned());
        }
        Err(format!(
            "{place}: needs one or more 2xx responses, all with {JSON} and a $ref to the same object with properties in components.schemas"
        ))
    }
}

/// The schema to which a response refers.
pub fn schema_of(response: &Response) -> Option<&str> {
    match response.content.get(JSON)?.schema.as_ref()? {
        ReferenceOr::Reference { reference } => reference.strip_prefix("#/components/schemas/"),
        ReferenceOr::Item(_) => None,
    }
}

pub fn success(status: &StatusCode) -> Option<RangeInclusive<u16>> {
    match status {
        StatusCode::Code(code @ 200..=299) => Some(*code..=*code),
        StatusCode::Range(2) => Some(200..=299),
        _ => None,
    }
}

/// A mapping of YAML, unlike one of JSON, refuses a key that it already has.
fn document(spec: &str) -> Result<Value, String> {
    let document: yaml_serde::Value = yaml_serde::from_str(spec).map_err(|e| e.to_string())?;
    serde_json::to_value(document).map_err(|e| e.to_string())
}

fn api(document: Value) -> Result<OpenAPI, String> {
    serde_json::from_value(document).map_err(|e| e.to_string())
}
