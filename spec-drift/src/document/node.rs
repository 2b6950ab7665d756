//! A node and the document that its references lead into.

use crate::document::reference;
use serde_json::Value;

#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) root: &'a Value,
    pub(crate) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(crate) fn new(root: &'a Value, value: &'a Value) -> Self {
        Self { root, value }
    }

    /// Another node of the same document.
    pub(crate) fn with<'b>(self, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        Node { root: self.root, value }
    }

    pub(crate) fn get(self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| self.with(value))
    }

    /// Follows references to the end.
    pub(crate) fn resolved(self) -> Self {
        self.with(reference::resolve(self.root, self.value))
    }

    /// Of a resolved node: it is a reference that leads nowhere, or out of the document.
    pub(crate) fn is_dangling(self) -> bool {
        reference::reference(self.value).is_some()
    }
}
