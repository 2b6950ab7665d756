//! Where an operation is called: its servers and its path.

use crate::document::node::Node;
use serde_json::Value;

/// The limit on addresses of one operation, and on ways to fill in one server's variables.
const MAX_ADDRESSES: usize = 256;

/// The servers that apply to an operation: its own, its path's, or the document's. The client uses the first.
pub(crate) fn servers(item: Node, operation: Node) -> Vec<String> {
    let stated = [operation.value, item.value, item.root]
        .into_iter()
        .find_map(|node| node.get("servers").and_then(Value::as_array).filter(|list| !list.is_empty()));
    let mut urls: Vec<String> = Vec::new();
    for server in stated.into_iter().flatten() {
        let url = server.get("url").and_then(Value::as_str).unwrap_or_default();
        urls.extend(filled(url, server.get("variables")).iter().map(|url| normal(url.trim_end_matches('/'))));
    }
    if urls.is_empty() {
        urls.push(String::new());
    }
    urls.truncate(MAX_ADDRESSES);
    urls
}

/// An address as a client dials it: neither the case of its scheme and host nor a default port matters (RFC 3986, section 6.2).
fn normal(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    // The names of variables without values, and user names, keep their case.
    let keeps_case = authority.contains(['{', '@']);
    let authority = if keeps_case { authority.to_owned() } else { authority.to_ascii_lowercase() };
    format!("{scheme}://{authority}{path}")
}

/// A server's address with every listed value of its variables, the default first.
fn filled(url: &str, variables: Option<&Value>) -> Vec<String> {
    let mut urls = vec![url.to_owned()];
    for (name, variable) in variables.and_then(Value::as_object).into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str);
        let others = variable.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let values: Vec<&str> = default.into_iter().chain(others.filter(|v| Some(*v) != default)).collect();
        urls = urls
            .iter()
            .flat_map(|url| values.iter().map(move |value| url.replace(&format!("{{{name}}}"), value)))
            .take(MAX_ADDRESSES)
            .collect();
    }
    urls
}

/// A path without its parameter names, which are not on the wire.
pub(crate) fn template(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                out.push_str("{}");
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// The names of a path's parameters, in order.
pub(crate) fn names(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect()
}

/// A parameter of a path, and the literal that a client sends for it.
pub(crate) struct Fixed {
    pub(crate) name: String,
    pub(crate) literal: String,
}

/// Whether a request to `called` also matches `template`.
pub(crate) fn covers(template: &str, called: &str) -> bool {
    let (template, called): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), called.split('/').collect());
    template.len() == called.len()
        && template.iter().zip(&called).all(|(t, c)| t == c || (t.starts_with('{') && !c.is_empty()))
}

/// What a covered address has in place of the template's parameters.
pub(crate) fn literals(template: &str, called: &str) -> Vec<Fixed> {
    let both = template.split('/').zip(called.split('/'));
    both.filter(|(_, literal)| !literal.contains('{'))
        .filter_map(|(parameter, literal)| {
            let name = parameter.strip_prefix('{')?.strip_suffix('}')?;
            Some(Fixed { name: name.to_owned(), literal: literal.to_owned() })
        })
        .collect()
}
