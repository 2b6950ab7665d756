//! The part of OpenAPI that the client can express. Everything else is refused, in a sentence that begins with its place.

use super::{names, node::Node, schemas};
use http::{HeaderName, StatusCode, Uri};
use serde_json::Value;
use std::collections::BTreeMap;

/// Methods whose responses have a body, and for which reqwest has a function.
const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];
/// Characters of a path that mean the same in a URL, and nothing harmful in the regular expression of a mock.
const PATH_CHARACTERS: &str = "-._~/:@,;=!&'%{}";
/// Header parameters that OpenAPI ignores (3.0.3, section 4.7.12.1).
const IGNORED_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];
pub const JSON: &str = "application/json";

pub fn check(document: &Value) -> Result<(), String> {
    let root = Node::root(document);
    allow(&root, &["openapi", "info", "servers", "security", "tags", "paths", "components", "externalDocs"])?;
    match root.text("openapi")? {
        Some(version) if version.starts_with("3.0.") => {}
        Some(version) => return Err(format!("openapi: {version} is not supported: use 3.0.3")),
        None => return Err("needs openapi, the version of the format".to_owned()),
    }
    check_info(&root)?;
    check_server(&root)?;
    check_security(&root)?;
    if let Some(schemas) = root.get("components").and_then(|components| components.get("schemas")) {
        schemas::check_components(&schemas)?;
    }
    names::types(&root)?;
    check_paths(&root)
}

/// progenitor puts the version into a header.
fn check_info(root: &Node) -> Result<(), String> {
    let info = root.get("info").ok_or("needs info, with a title and a version")?;
    if info.text("title")?.is_none() {
        return Err(info.problem("needs a title"));
    }
    match info.text("version")? {
        Some(version) if version.chars().all(|c| c.is_ascii_graphic()) => Ok(()),
        _ => Err(info.problem("needs a version of ASCII characters, without spaces")),
    }
}

fn check_server(root: &Node) -> Result<(), String> {
    let url = match root.items_of("servers")?.first() {
        Some(server) => server.text("url")?.unwrap_or_default(),
        None => "",
    };
    let is_base =
        url.parse::<Uri>().is_ok_and(|url| url.host().is_some() && url.query().is_none()) && !url.contains(['{', '#']);
    match url.starts_with("https://") && is_base {
        true => Ok(()),
        false => {
            Err("servers: the first one needs an https URL without variables or a query, which is the client's default"
                .to_owned())
        }
    }
}

/// The client sends an access token with every request, and nothing else.
fn check_security(root: &Node) -> Result<(), String> {
    let problem = "security: needs one requirement: a scheme of the type http with bearer, or oauth2";
    let requirements = root.items_of("security")?;
    let [requirement] = requirements.as_slice() else { return Err(problem.to_owned()) };
    let schemes = requirement.entries()?;
    let [(name, _)] = schemes.as_slice() else { return Err(problem.to_owned()) };
    let scheme = root.get("components").and_then(|components| components.get("securitySchemes")?.get(name));
    let scheme = scheme.ok_or_else(|| format!("security: {name} is not in components.securitySchemes"))?;
    match (scheme.text("type")?, scheme.text("scheme")?) {
        (Some("http"), Some(of)) if of.eq_ignore_ascii_case("bearer") => Ok(()),
        (Some("oauth2"), _) => Ok(()),
        _ => Err(scheme.problem("the client sends an access token: use the type http with bearer, or oauth2")),
    }
}

fn check_paths(root: &Node) -> Result<(), String> {
    let mut paths = root.entries_of("paths")?;
    paths.retain(|(path, _)| !path.starts_with("x-"));
    let mut operations = Vec::new();
    for (path, item) in &paths {
        if item.is_reference() {
            return Err(item.problem("write the path out instead of a $ref"));
        }
        if let Some(c) = path.chars().find(|c| !c.is_ascii_alphanumeric() && !PATH_CHARACTERS.contains(*c)) {
            return Err(item.problem(&format!("the client cannot send the character {c:?} in a path as it is")));
        }
        allow(item, &[METHODS.as_slice(), &["summary", "description", "parameters"]].concat())?;
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            check_operation(path, item, &operation)?;
            let id = operation.text("operationId")?;
            let id =
                id.ok_or_else(|| operation.problem("needs an operationId, which names the method of the client"))?;
            operations.push((id, operation));
        }
    }
    if operations.is_empty() {
        return Err("paths: has no operation to generate".to_owned());
    }
    names::check_operations(&operations.iter().map(|(id, operation)| (*id, operation)).collect::<Vec<_>>())
}

fn check_operation(path: &str, item: &Node, operation: &Node) -> Result<(), String> {
    let annotations = ["operationId", "summary", "description", "tags", "externalDocs", "deprecated"];
    allow(operation, &[annotations.as_slice(), &["parameters", "requestBody", "responses"]].concat())?;
    check_parameters(path, item, operation)?;
    if let Some(body) = operation.get("requestBody") {
        check_request_body(&body)?;
    }
    check_responses(operation)
}

fn check_parameters(path: &str, item: &Node, operation: &Node) -> Result<(), String> {
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
    allow(parameter, &keywords)?;
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

fn check_request_body(body: &Node) -> Result<(), String> {
    let body = body.resolved("requestBodies")?;
    allow(&body, &["description", "content", "required"])?;
    if !body.is_true("required") {
        return Err(body.problem("needs required: true: the client always sends it"));
    }
    let content = body.entries_of("content")?;
    let [(JSON, json)] = content.as_slice() else {
        return Err(body.problem(&format!("must have {JSON}, and no other content")));
    };
    allow(json, &["schema", "example", "examples"])?;
    let schema = json.get("schema").ok_or_else(|| json.problem("needs a schema"))?;
    match schema.is_reference() && schemas::is_object(&schema)? {
        true => Ok(()),
        false => {
            Err(schema
                .problem("must be a $ref to an object with properties, which names the type that the client sends"))
        }
    }
}

/// What a success must look like is checked where the rows are made. Of an error, only the mocks use the schema.
fn check_responses(operation: &Node) -> Result<(), String> {
    for (status, response) in operation.entries_of("responses")? {
        if status.starts_with("x-") {
            continue;
        }
        let response = response.resolved("responses")?;
        if response.text("description")?.is_none() {
            return Err(response.problem("needs a description"));
        }
        for (_, content) in response.entries_of("content")? {
            if let Some(schema) = content.get("schema") {
                schema.resolved("schemas")?;
            }
        }
        let number = status.parse().ok().and_then(|number| StatusCode::from_u16(number).ok());
        let is_range = matches!(status, "default" | "1XX" | "2XX" | "3XX" | "4XX" | "5XX");
        if !is_range && number.and_then(|number| number.canonical_reason()).is_none() {
            return Err(response.problem("is neither a registered status nor a range such as 4XX"));
        }
    }
    Ok(())
}

fn allow(node: &Node, keywords: &[&str]) -> Result<(), String> {
    for key in node.keywords()? {
        if keywords.contains(&key) {
            continue;
        }
        let why = match key {
            "security" => "the client sends its access token with every request",
            "servers" => "the client sends every request to the first server of the document",
            "allowReserved" | "allowEmptyValue" => "progenitor ignores it",
            "head" => "the response to HEAD has no body, which the client would need",
            _ => "it is not supported here",
        };
        return Err(node.problem(&format!("remove {key}: {why}")));
    }
    Ok(())
}
