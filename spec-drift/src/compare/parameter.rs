//! What an operation takes besides its body.

use crate::{
    compare::{
        address::{self, Fixed},
        known::Known,
        schema, security,
    },
    document::{annotation::is_annotation, flat::flat, node::Node},
    report::{Change, Direction, Finding, Keyword, Place, Verdict, Witness, token},
    witness::{
        implied::validator,
        meaning::{self, Role},
        sample::{Hints, Sampler},
    },
};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// An operation of a document, as far as its parameters are concerned.
pub(crate) struct Taker<'a> {
    pub(crate) path: &'a str,
    pub(crate) item: Node<'a>,
    pub(crate) operation: Node<'a>,
}

/// Where a parameter is, and what identifies it there.
type Key = (String, String);

impl<'a> Taker<'a> {
    fn listed(&self) -> impl Iterator<Item = Node<'a>> {
        let lists = [self.item, self.operation].into_iter().filter_map(|node| node.value.get("parameters")?.as_array());
        lists.flatten().map(|parameter| self.item.with(parameter).resolved())
    }

    /// All but those of the path for which a literal is sent.
    fn parameters(&self, fixed: &[Fixed]) -> Vec<(Key, Node<'a>)> {
        let is_fixed = |name: &str| fixed.iter().any(|fixed| fixed.name == name);
        let names: Vec<&str> = address::names(self.path).into_iter().filter(|name| !is_fixed(name)).collect();
        let mut found: Vec<(Key, Node)> = Vec::new();
        for parameter in self.listed().filter(|parameter| !parameter.is_dangling()) {
            let of = |key: &str| parameter.value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (place, name) = (of("in"), of("name"));
            let key = match place.as_str() {
                // The name in the template matters only within the document.
                "path" if is_fixed(&name) => continue,
                "path" => names.iter().position(|n| *n == name).map_or(name.clone(), |n| n.to_string()),
                "header" => name.to_ascii_lowercase(),
                _ => name,
            };
            // These three are described elsewhere. As parameters they are ignored (OpenAPI 3.0.3, "in").
            if place == "header" && ["accept", "content-type", "authorization"].contains(&key.as_str()) {
                continue;
            }
            found.retain(|(known, _)| *known != (place.clone(), key.clone()));
            found.push(((place, key), parameter));
        }
        found
    }
}

/// Whether a parameter of the path accepts a literal.
pub(crate) fn may_be(taker: &Taker, fixed: &Fixed) -> bool {
    let of = |node: Node, key: &str, text: &str| node.value.get(key).and_then(Value::as_str) == Some(text);
    let Some(parameter) = taker.listed().find(|node| of(*node, "in", "path") && of(*node, "name", &fixed.name)) else {
        return true;
    };
    let schema = schema(parameter);
    let kind = flat(schema.resolved()).get("type").and_then(Value::as_str).map(str::to_owned);
    let check = validator(&meaning::whole(schema, Role::ServerAccepts));
    check.is_none_or(|check| check.is_valid(&read(&fixed.literal, kind.as_deref())))
}

pub(crate) fn compare(old: &Taker, new: &Taker, fixed: &[Fixed], known: &Known, operation: &str) -> Vec<Finding> {
    let (before, after) = (old.parameters(&[]), new.parameters(fixed));
    let mut findings = Vec::new();
    for fixed in fixed.iter().filter(|fixed| !may_be(new, fixed)) {
        let place = Place::of_message(operation, Direction::Request, &format!("/path{}", token(&fixed.name)));
        let witness =
            Witness::new(json!({ &fixed.name: fixed.literal }), "the server refuses it: it allows other values");
        findings.push(Finding::breaks(place, Change::NewAndRequired, witness));
    }
    let place =
        |key: &Key| Place::of_message(operation, Direction::Request, &format!("{}{}", token(&key.0), token(&key.1)));
    let find = |key: &Key, verdict, change| Finding::new(verdict, place(key), change);
    let missing = |key: &Key, change| {
        let reason = "the server refuses it: the client does not send this parameter";
        Finding::breaks(place(key), change, Witness::new(json!({ &key.0: {} }), reason))
    };
    if old.listed().chain(new.listed()).any(Node::is_dangling) {
        let place = Place::of_message(operation, Direction::Request, "/parameters");
        findings.push(Finding::new(Verdict::Look, place, Change::Dangling));
    }
    for (key, parameter) in &before {
        match after.iter().find(|(other, _)| other == key) {
            None => findings.push(find(key, Verdict::Unseen, Change::NotNamed)),
            Some((_, now)) => match (required(parameter.value), required(now.value)) {
                (false, true) => findings.push(missing(key, Change::Required)),
                (true, false) => findings.push(find(key, Verdict::Harmless, Change::Optional)),
                _ => {}
            },
        }
    }
    for (key, parameter) in &after {
        match before.iter().find(|(other, _)| other == key) {
            None if security::sends(old.operation, &key.0, &key.1) => {
                findings.push(find(key, Verdict::Harmless, Change::SentAsCredential));
            }
            None if required(parameter.value) => findings.push(missing(key, Change::NewAndRequired)),
            None => findings.push(find(key, Verdict::Harmless, Change::NotSent)),
            Some((_, was)) => {
                let find = |verdict, change| find(key, verdict, change);
                findings.extend(settings(was.value, parameter.value, key, find));
                let optional = !required(was.value);
                findings.extend(values(schema(*was), schema(*parameter), known, &place(key), optional));
            }
        }
    }
    findings
}

fn required(parameter: &Value) -> bool {
    parameter.get("required") == Some(&true.into()) || parameter.get("in") == Some(&"path".into())
}

fn schema(parameter: Node<'_>) -> Node<'_> {
    static ANY: LazyLock<Value> = LazyLock::new(|| json!({}));
    let media = || parameter.get("content")?.value.as_object()?.values().next()?.get("schema");
    let schema = parameter.value.get("schema").or_else(media);
    parameter.with(schema.unwrap_or(&ANY))
}

/// Everything but the schema.
fn settings<'f>(
    old: &'f Value,
    new: &'f Value,
    key: &'f Key,
    find: impl Fn(Verdict, Change) -> Finding + 'f,
) -> impl Iterator<Item = Finding> + 'f {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new().into_iter() };
    let form = matches!(key.0.as_str(), "query" | "cookie");
    // The schema within is compared like that of any parameter.
    let media = |map: &Map<String, Value>| -> Value {
        map.get("content").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned().collect()
    };
    let setting = |map: &Map<String, Value>, key: &str| match (key, map.get(key)) {
        ("content", _) => Some(media(map)),
        ("style", None) => Some(if form { "form" } else { "simple" }.into()),
        ("explode", None) => Some(map.get("style").map_or(form, |style| style == "form").into()),
        ("allowReserved" | "allowEmptyValue" | "deprecated", Some(Value::Bool(false))) => None,
        (_, value) => value.cloned(),
    };
    let mut keys: Vec<&String> =
        old.keys().chain(new.keys()).filter(|k| !["name", "in", "required", "schema"].contains(&k.as_str())).collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter(|key| setting(old, key) != setting(new, key));
    let findings: Vec<Finding> = changed
        .map(|key| {
            if key == "allowEmptyValue" {
                find(Verdict::Harmless, Change::Keyword(Keyword::between(key, old, new)))
            } else if is_annotation(key) {
                find(Verdict::Harmless, Change::Annotation(key.clone()))
            } else {
                find(Verdict::Look, Change::Serialization(Keyword::between(key, old, new)))
            }
        })
        .collect();
    findings.into_iter()
}

/// A parameter is text on the wire, so another type may still be the same text.
fn values(old: Node, new: Node, known: &Known, place: &Place, optional: bool) -> Vec<Finding> {
    let (before, after) = (flat(old.resolved()), flat(new.resolved()));
    let kind = |schema: &Value| schema.get("type").and_then(Value::as_str).map(str::to_owned);
    let scalar = |kind: &Option<String>| kind.as_deref().is_some_and(|k| !matches!(k, "array" | "object"));
    let (was, is) = (kind(&before), kind(&after));
    if let (Some("array"), Some("array")) = (was.as_deref(), is.as_deref())
        && let (Some(items), Some(new_items)) = (before.get("items"), after.get("items"))
        && settled(old.with(items)) != settled(new.with(new_items))
    {
        // Each item is text too. The lists are compared as if their items were the same.
        let place = place.at(&format!("{}/0", place.pointer));
        let mut findings = values(old.with(items), new.with(new_items), known, &place, false);
        let bare = |list: &Value| {
            let mut list = list.clone();
            list["items"] = json!({});
            list
        };
        let (before, after) = (bare(&before), bare(&after));
        findings.extend(schema::compare_optional(old.with(&before), new.with(&after), known, &place, optional));
        return findings;
    }
    let numeric = |kind: &Option<String>| matches!(kind.as_deref(), Some("integer" | "number"));
    // The text of a number is the same in JSON.
    if was == is || !scalar(&was) || !scalar(&is) || (numeric(&was) && numeric(&is)) {
        return schema::compare_optional(old.with(&before), new.with(&after), known, place, optional);
    }
    let (sent, demanded) =
        (meaning::whole(old.with(&before), Role::ClientSends), meaning::whole(new.with(&after), Role::ServerAccepts));
    let mut hints = Hints::default();
    hints.add(&Value::Object(meaning::scalars(after.as_object().expect("a schema with a type"), Role::ServerAccepts)));
    let samples = Sampler::new(&sent, hints).samples(&sent["allOf"][0]);
    let change = Change::Keyword(Keyword {
        name: "type".to_owned(),
        old: was.map(Value::from),
        new: is.clone().map(Value::from),
    });
    let finding = |verdict| vec![Finding::new(verdict, place.clone(), change.clone())];
    let (Some(valid), Some(accepted)) = (validator(&sent), validator(&demanded)) else {
        return finding(Verdict::Look);
    };
    for sample in samples.into_iter().filter(|v| valid.is_valid(v)) {
        let text = match &sample {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let read = read(&text, is.as_deref());
        if let Some(error) = accepted.iter_errors(&read).next() {
            let reason = format!("the server refuses it: {error}");
            return vec![Finding::breaks(place.clone(), change, Witness::new(sample, reason))];
        }
    }
    // Any text is a valid string. Anything else was only sampled.
    let any_text = is.as_deref() == Some("string")
        && after.as_object().is_some_and(|map| map.keys().all(|k| k == "type" || is_annotation(k)));
    finding(if any_text { Verdict::Harmless } else { Verdict::Look })
}

/// The type of a scalar.
fn settled(schema: Node) -> Option<String> {
    let kind = flat(schema.resolved()).get("type").and_then(Value::as_str).map(str::to_owned);
    kind.filter(|kind| !matches!(kind.as_str(), "array" | "object"))
}

/// What a server makes of a text where it expects a type.
fn read(text: &str, kind: Option<&str>) -> Value {
    match kind {
        Some("string") | None => text.into(),
        Some(_) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}
