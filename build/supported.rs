//! The part of OpenAPI that the client can express. Everything else is refused, in a sentence that begins with its place.

use super::{names, node::Node, parameters, schemas};
use http::{StatusCode, Uri};
use serde_json::Value;

/// Methods whose responses have a body, and for which reqwest has a function.
const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];
/// Characters of a path that mean the same in a URL, and nothing harmful in the regular expression of a mock.
const PATH_CHARACTERS: &str = "-._~/:@,;=!&'%{}";
pub const JSON: &str = "application/json";

pub fn check(document: &Value) -> Result<(), String> {
    let root = Node::root(document);
    root.allow(&["openapi", "info", "servers", "security", "tags", "paths", "components", "externalDocs"])?;
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
        item.allow(&[METHODS.as_slice(), &["summary", "description", "parameters"]].concat())?;
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
    operation.allow(&[annotations.as_slice(), &["parameters", "requestBody", "responses"]].concat())?;
    parameters::check(path, item, operation)?;
    if let Some(body) = operation.get("requestBody") {
        check_request_body(&body)?;
    }
    check_responses(operation)
}

fn check_request_body(body: &Node) -> Result<(), String> {
    let body = body.resolved("requestBodies")?;
    body.allow(&["description", "content", "required"])?;
    if !body.is_true("required") {
        return Err(body.problem("needs required: true: the client always sends it"));
    }
    let content = body.entries_of("content")?;
    let [(JSON, json)] = content.as_slice() else {
        return Err(body.problem(&format!("must have {JSON}, and no other content")));
    };
    json.allow(&["schema", "example", "examples"])?;
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
