//! A part of the description and its place. Every message starts with the place.

use serde_json::{Map, Value};

#[derive(Clone)]
pub struct Node<'a> {
    /// The keys that lead here, separated by dots. Empty for the whole document.
    pub place: String,
    pub value: &'a Value,
    document: &'a Value,
}

impl<'a> Node<'a> {
    pub fn root(document: &'a Value) -> Self {
        Self { place: String::new(), value: document, document }
    }

    pub fn problem(&self, sentence: &str) -> String {
        match self.place.as_str() {
            "" => sentence.to_owned(),
            place => format!("{place}: {sentence}"),
        }
    }

    pub fn at(self, place: String) -> Self {
        Self { place, ..self }
    }

    pub fn child(&self, key: &str, value: &'a Value) -> Self {
        let place = if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) };
        Self { place, value, document: self.document }
    }

    pub fn map(&self) -> Result<&'a Map<String, Value>, String> {
        self.value.as_object().ok_or_else(|| self.problem("must be a mapping"))
    }

    pub fn get(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| self.child(key, value))
    }

    pub fn entries(&self) -> Result<Vec<(&'a str, Self)>, String> {
        Ok(self.map()?.iter().map(|(key, value)| (key.as_str(), self.child(key, value))).collect())
    }

    /// The keywords of a mapping that OpenAPI defines. Extensions are left out, except those that progenitor acts on. Fails if a
    /// keyword has a value of the wrong type.
    pub fn keywords(&self) -> Result<Vec<&'a str>, String> {
        let mut keywords = Vec::new();
        for (key, node) in self.entries()? {
            match key {
                "description" | "summary" if node.as_text()?.contains('\r') => {
                    return Err(node.problem("has a carriage return, which Rust does not allow in documentation"));
                }
                "description" | "summary" | "format" | "in" | "name" | "operationId" | "style" | "title" | "type" => {
                    node.as_text()?;
                }
                "deprecated" | "explode" | "nullable" | "readOnly" | "writeOnly" if !node.value.is_boolean() => {
                    return Err(node.problem("must be true or false"));
                }
                "tags" => {
                    self.items_of(key)?;
                }
                _ => {}
            }
            if !key.starts_with("x-") || key.starts_with("x-dropshot-") {
                keywords.push(key);
            }
        }
        Ok(keywords)
    }

    /// The entries of the mapping under a key, none if there is no such key.
    pub fn entries_of(&self, key: &str) -> Result<Vec<(&'a str, Self)>, String> {
        self.get(key).map_or(Ok(Vec::new()), |map| map.entries())
    }

    /// The items of the list under a key, none if there is no such key.
    pub fn items_of(&self, key: &str) -> Result<Vec<Self>, String> {
        let Some(list) = self.get(key) else { return Ok(Vec::new()) };
        let items = list.value.as_array().ok_or_else(|| list.problem("must be a list"))?;
        Ok(items.iter().enumerate().map(|(n, item)| list.child(&n.to_string(), item)).collect())
    }

    pub fn text(&self, key: &str) -> Result<Option<&'a str>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(node) => node.as_text().map(Some),
        }
    }

    pub fn as_text(&self) -> Result<&'a str, String> {
        self.value.as_str().ok_or_else(|| self.problem(&format!("must be text, and is {}", self.value)))
    }

    /// Refuses every keyword that is not among these.
    pub fn allow(&self, keywords: &[&str]) -> Result<(), String> {
        let mut given = self.keywords()?.into_iter();
        let Some(keyword) = given.find(|keyword| !keywords.contains(keyword)) else { return Ok(()) };
        let why = match keyword {
            "security" => "the client sends its access token with every request",
            "servers" => "the client sends every request to the first server of the document",
            "allowReserved" | "allowEmptyValue" => "progenitor ignores it",
            "head" => "the response to HEAD has no body, which the client would need",
            _ => "it is not supported here",
        };
        Err(self.problem(&format!("remove {keyword}: {why}")))
    }

    pub fn is_true(&self, key: &str) -> bool {
        self.value.get(key) == Some(&Value::Bool(true))
    }

    pub fn is_reference(&self) -> bool {
        self.value.get("$ref").is_some()
    }

    /// The name at the end of a reference to `components`, or `None` if this is not a reference.
    pub fn reference(&self, kind: &str) -> Result<Option<&'a str>, String> {
        let Some(reference) = self.text("$ref")? else { return Ok(None) };
        let names = format!("#/components/{kind}/");
        let name = reference.strip_prefix(&names).filter(|name| !name.contains('/'));
        match name {
            Some(name) if self.document["components"][kind].get(name).is_some() => Ok(Some(name)),
            _ => Err(self.problem(&format!("$ref '{reference}' does not name an entry of components.{kind}"))),
        }
    }

    /// This node, or the target of the reference that it is.
    pub fn resolved(&self, kind: &str) -> Result<Self, String> {
        let Some(name) = self.reference(kind)? else { return Ok(self.clone()) };
        if self.map()?.len() > 1 {
            return Err(self.problem("OpenAPI ignores keys next to a $ref: remove them, or put the $ref into allOf"));
        }
        let value = &self.document["components"][kind][name];
        let target = Node { place: format!("components.{kind}.{name}"), value, document: self.document };
        match target.is_reference() {
            true => Err(target.problem("is an alias: refer to its target instead")),
            false => Ok(target),
        }
    }
}
