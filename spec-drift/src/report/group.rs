//! One entry for each changed schema, however many operations use it.

use crate::report::{Change, Direction, Finding, Place, Verdict, Witness};
use std::collections::HashMap;

/// Findings about the same change of the same schema.
pub(crate) struct Group<'f> {
    pub(crate) verdict: Verdict,
    pub(crate) change: &'f Change,
    pub(crate) direction: Option<Direction>,
    /// The schema, or None for what is not in one of the components.
    pub(crate) schema: Option<&'f str>,
    /// Where it takes effect.
    pub(crate) places: Vec<&'f Place>,
    /// The first proof.
    pub(crate) witness: Option<&'f Witness>,
}

/// What findings of one group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Key<'f> {
    verdict: Verdict,
    change: String,
    direction: Option<Direction>,
    /// The schema, or else the pointer into the message.
    subject: &'f str,
    of_document: bool,
}

/// In the order of their first findings.
pub(crate) fn grouped<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Group<'f>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    for finding in findings {
        let Finding { verdict, place, schema, change, witness } = finding;
        let key = Key {
            verdict: *verdict,
            change: change.to_string(),
            direction: place.direction,
            subject: schema.as_ref().unwrap_or(&place.pointer),
            of_document: place.operation.is_none(),
        };
        let n = *known.entry(key).or_insert(groups.len());
        if n == groups.len() {
            groups.push(Group {
                verdict: *verdict,
                change,
                direction: place.direction,
                schema: schema.as_deref(),
                places: Vec::new(),
                witness: witness.as_ref(),
            });
        }
        groups[n].places.push(place);
    }
    groups
}

impl Group<'_> {
    /// What the report calls it: its only place, or what its places have in common.
    pub(crate) fn name(&self) -> String {
        match (self.places.as_slice(), self.schema) {
            ([place], _) => place.to_string(),
            (_, Some(schema)) => Finding::name_of_schema(schema, self.direction),
            (places, None) => places[0].in_several_operations(),
        }
    }

    /// What accepts it: the schema, whatever else comes to use it, or else the first place.
    pub(crate) fn name_to_accept(&self) -> String {
        match self.schema {
            Some(schema) => Finding::name_of_schema(schema, self.direction),
            None => self.places[0].to_string(),
        }
    }

    /// The operations, if there are several places.
    pub(crate) fn operations(&self) -> Vec<&str> {
        if self.places.len() < 2 {
            return Vec::new();
        }
        let mut names: Vec<&str> = self.places.iter().filter_map(|place| place.operation.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
