//! Which values of a field tell the alternatives of a union apart.

use crate::document::{flat::flat, node::Node, reference::reference};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A union's discriminator (OpenAPI 3.0.3, "Discriminator Object").
#[derive(Clone, Copy)]
pub(crate) struct Discriminator<'a> {
    pub(crate) field: &'a str,
    mapping: Option<&'a Map<String, Value>>,
}

impl<'a> Discriminator<'a> {
    /// None if there is none, or if an alternative lacks the field that it names: then nobody can be built to follow it.
    pub(crate) fn of(union: Node<'a>) -> Option<Self> {
        let node = union.value.get("discriminator")?;
        let field = node.get("propertyName")?.as_str()?;
        let branches = ["oneOf", "anyOf"].into_iter().find_map(|key| union.value.get(key)?.as_array())?;
        let described = |branch: &Value| {
            flat(union.with(branch).resolved()).get("properties").is_some_and(|fields| fields.get(field).is_some())
        };
        let mapping = node.get("mapping").and_then(Value::as_object);
        branches.iter().all(described).then_some(Self { field, mapping })
    }

    /// The values of the field that select an alternative. Empty if the document does not say.
    pub(crate) fn tags(&self, branch: Node) -> BTreeSet<String> {
        let own: Vec<String> = flat(branch.resolved())
            .pointer(&format!("/properties/{}", self.field.replace('~', "~0").replace('/', "~1")))
            .map(|field| flat(branch.with(field).resolved()).into_owned())
            .and_then(|field| {
                Some(field.get("enum")?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            })
            .unwrap_or_default();
        let Some(reference) = reference(branch.value) else { return own.into_iter().collect() };
        let name = reference.rsplit('/').next().unwrap_or_default();
        let leads_here = |target: &Value| target == reference || target == name;
        let mapped = self.mapping.into_iter().flatten().filter(|(_, target)| leads_here(target)).map(|(tag, _)| tag);
        let mut tags: BTreeSet<String> = mapped.cloned().collect();
        if tags.is_empty() {
            tags.insert(name.to_owned());
        }
        // What the field may hold is more certain than what it is called.
        if own.is_empty() || own.iter().any(|tag| tags.contains(tag)) { tags } else { own.into_iter().collect() }
    }

    /// What an alternative demands besides its own schema.
    pub(crate) fn demand(&self, branch: Node) -> Option<Value> {
        let tags = self.tags(branch);
        (!tags.is_empty()).then(|| json!({ "required": [self.field], "properties": { self.field: { "enum": tags } } }))
    }
}
