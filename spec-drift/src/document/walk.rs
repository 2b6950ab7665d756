//! Which parts of a document are schemas, which are maps of names, and which are data, where a `$ref` is no reference.

use crate::report::token;
use serde_json::Value;

/// How a part of a document is read.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Part {
    /// An object of OpenAPI, with known fields.
    Object,
    /// Objects by names, which mean nothing.
    Objects,
    Schema,
    /// Schemas by names.
    Schemas,
    /// Examples, constants and extensions.
    Data,
}

impl Part {
    /// What is below a key.
    pub(crate) fn below(self, key: &str, value: &Value) -> Self {
        match self {
            Self::Data => Self::Data,
            Self::Objects if key.starts_with("x-") => Self::Data,
            Self::Objects => Self::Object,
            Self::Schemas => Self::Schema,
            Self::Schema => in_schema(key, value),
            Self::Object => in_object(key, value),
        }
    }
}

fn in_object(key: &str, value: &Value) -> Part {
    match key {
        "schema" => Part::Schema,
        "schemas" => Part::Schemas,
        "example" | "examples" | "default" | "enum" | "links" | "mapping" | "scopes" => Part::Data,
        "paths" | "webhooks" | "pathItems" | "responses" | "parameters" | "requestBodies" | "headers" | "callbacks"
        | "securitySchemes" | "content" | "encoding" | "variables"
            if value.is_object() =>
        {
            Part::Objects
        }
        key if key.starts_with("x-") => Part::Data,
        _ => Part::Object,
    }
}

fn in_schema(key: &str, value: &Value) -> Part {
    match key {
        "properties" | "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => Part::Schemas,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" | "not" | "if" | "then" | "else" | "contains" | "propertyNames"
        | "items" | "contentSchema" => Part::Schema,
        // A boolean here is not written as a schema in OpenAPI 3.0.
        "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems" if value.is_object() => Part::Schema,
        _ => Part::Data,
    }
}

/// Visits every schema and object with its JSON pointer, the innermost first.
pub(crate) fn each(root: &mut Value, visit: &mut impl FnMut(&mut Value, Part, &str)) {
    below(root, Part::Object, &mut String::new(), visit);
}

fn below(node: &mut Value, part: Part, pointer: &mut String, visit: &mut impl FnMut(&mut Value, Part, &str)) {
    let here = pointer.len();
    match node {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                pointer.push_str(&token(key));
                below(value, part.below(key, value), pointer, visit);
                pointer.truncate(here);
            }
        }
        Value::Array(list) => {
            for (n, item) in list.iter_mut().enumerate() {
                pointer.push_str(&format!("/{n}"));
                below(item, part, pointer, visit);
                pointer.truncate(here);
            }
            return;
        }
        _ => {}
    }
    if matches!(part, Part::Object | Part::Schema) {
        visit(node, part, pointer);
    }
}
