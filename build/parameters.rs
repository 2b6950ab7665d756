//! The parameters that the client can send in a path, a query or a header.

use super::{names, node::Node, schemas};
use http::HeaderName;
use std::collections::BTreeMap;

/// Header parameters that OpenAPI ignores (3.0.3, section 4.7.12.1).
const IGNORED_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// Checks the parameters of an operation and of its path.
pub fn check(path: &str, item: &Node, operation: &Node) -> Result<(), String> {
    let mut parameters = BTreeMap::new();
    for owner in [item, operation] {
        let mut of_owner = BTreeMap::new();
        for parameter in owner.items_of("parameters")? {
            let mut parameter = parameter.resolved("parameters")?;
            let Some(name) = parameter.text("name")? else { return Err(parameter.problem("needs a name")) };
            if parameter.place.starts_with(&owner.place) {
                parameter.place = format!("{}.parameters.{name}", owner.place);
            }
            check_parameter(name, &parameter)?;
            if of_owner.insert(name, parameter).is_some() {
                return Err(owner.problem(&format!("has two parameters named {name}")));
            }
        }
        // An operation may say more about a parameter of its path, but progenitor does not look where it is sent.
        for (name, parameter) in of_owner {
            let is_in = parameter.text("in")?;
            if let Some(before) = parameters.insert(name, parameter)
                && before.text("in")? != is_in
            {
                return Err(operation.problem(&format!("has two parameters named {name}")));
            }
        }
    }
    names::check_parameters(operation, parameters.keys().copied())?;
    let in_template = template_names(path).ok_or_else(|| {
        operation.problem("the path must begin with a slash, and have each parameter once, in braces")
    })?;
    if let Some(name) = in_template.iter().find(|name| !parameters.contains_key(**name)) {
        return Err(operation.problem(&format!("the parameter {name} of the path is not described")));
    }
    for (name, parameter) in &parameters {
        if (parameter.text("in")? == Some("path")) != in_template.contains(name) {
            return Err(parameter.problem(&format!("needs in: path if, and only if, the path has {{{name}}}")));
        }
    }
    Ok(())
}

fn check_parameter(name: &str, parameter: &Node) -> Result<(), String> {
    let place = parameter.text("in")?.ok_or_else(|| parameter.problem("needs in: path, query or header"))?;
    if parameter.get("content").is_some() {
        return Err(parameter.problem("describe the parameter with a schema instead of content"));
    }
    let keywords =
        ["name", "in", "description", "required", "deprecated", "example", "examples", "schema", "style", "explode"];
    parameter.allow(&keywords)?;
    let style = match place {
        "path" | "header" => "simple",
        "query" => "form",
        "cookie" => return Err(parameter.problem("the generated client cannot send a cookie")),
        other => return Err(parameter.problem(&format!("in: {other} is not supported: use path, query or header"))),
    };
    if parameter.text("style")?.is_some_and(|other| other != style) {
        return Err(parameter.problem(&format!("only the style {style} is supported here")));
    }
    if place == "path" && !parameter.is_true("required") {
        return Err(parameter.problem("needs required: true, as every parameter in a path"));
    }
    if place == "header" {
        if IGNORED_HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header)) {
            return Err(parameter.problem("OpenAPI ignores a header of this name, and the client sets it itself"));
        }
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| parameter.problem("is not a valid name of a header"))?;
    }
    let schema = parameter.get("schema").ok_or_else(|| parameter.problem("needs a schema"))?;
    // The schema of a parameter has no place of its own: the parameter's is shorter.
    schemas::check(&schema.clone().at(parameter.place.clone()))?;
    if schema.get("enum").is_some() {
        return Err(parameter.problem("put the enum into components.schemas, which names its type"));
    }
    let format = schema.resolved("schemas")?.text("format")?.map(str::to_owned);
    match schemas::is_scalar(&schema)? {
        false => Err(parameter.problem("must be text, a number or a boolean, and not nullable")),
        // Elsewhere, progenitor does not format dates as RFC 3339.
        true if place != "query" && format.as_deref() == Some("date-time") => {
            Err(parameter.problem("a date-time can be sent only in the query"))
        }
        true => Ok(()),
    }
}

/// The names in braces of a path, or `None` if the braces are not in pairs.
fn template_names(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        if before.contains('}') || name.contains(['{', '/']) || names.contains(&name) {
            return None;
        }
        names.push(name);
        rest = after;
    }
    (!rest.contains('}')).then_some(names)
}
