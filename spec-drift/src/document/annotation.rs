//! Keywords that describe a schema and constrain nothing.

pub(crate) const ANNOTATIONS: [&str; 7] =
    ["title", "description", "example", "examples", "externalDocs", "deprecated", "xml"];
