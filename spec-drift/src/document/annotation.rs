//! Keywords that describe and constrain nothing.

const ANNOTATIONS: [&str; 7] = ["title", "description", "example", "examples", "externalDocs", "deprecated", "xml"];

/// Whether a keyword of a schema, parameter, body or response is not in any message.
pub(crate) fn is_annotation(key: &str) -> bool {
    ANNOTATIONS.contains(&key) || is_extension(key)
}

/// Whether only tools read it (OpenAPI 3.0.3, "Specification Extensions").
pub(crate) fn is_extension(key: &str) -> bool {
    key.starts_with("x-")
}
