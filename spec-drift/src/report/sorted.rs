//! What was found, with what is accepted set apart.

use crate::report::{
    Accepted, Finding, Verdict,
    group::{Group, grouped},
};

/// Findings, those that are accepted, and entries that accept none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    findings: Vec<Finding>,
    accepted: Vec<AcceptedFinding>,
    stale: Vec<Accepted>,
}

#[derive(Clone, Debug, PartialEq)]
struct AcceptedFinding {
    entry: Accepted,
    finding: Finding,
}

impl Report {
    /// Sets apart what is accepted.
    pub fn new(findings: Vec<Finding>, entries: &[Accepted]) -> Self {
        let stale = entries.iter().filter(|entry| !findings.iter().any(|finding| entry.accepts(finding)));
        let mut report = Self { findings: Vec::new(), accepted: Vec::new(), stale: stale.cloned().collect() };
        for finding in findings {
            match entries.iter().find(|entry| entry.accepts(&finding)) {
                Some(entry) => report.accepted.push(AcceptedFinding { entry: entry.clone(), finding }),
                None => report.findings.push(finding),
            }
        }
        report
    }

    /// Whether something breaks or needs a look and is not accepted, or an entry accepts nothing.
    pub fn fails(&self) -> bool {
        !self.stale.is_empty() || self.findings.iter().any(|finding| finding.verdict <= Verdict::Look)
    }

    /// The line that would accept the first finding that fails.
    pub fn line_to_accept(&self) -> Option<String> {
        let groups = self.groups();
        let first = groups.iter().find(|group| group.verdict <= Verdict::Look)?;
        Some(Accepted::line(&first.name_to_accept(), first.verdict))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.accepted.is_empty() && self.stale.is_empty()
    }

    pub(crate) fn groups(&self) -> Vec<Group<'_>> {
        grouped(&self.findings)
    }

    /// Each group with the entry that accepts it.
    pub(crate) fn accepted_groups(&self) -> Vec<(&Accepted, Group<'_>)> {
        let mut entries: Vec<&Accepted> = Vec::new();
        for accepted in &self.accepted {
            if !entries.contains(&&accepted.entry) {
                entries.push(&accepted.entry);
            }
        }
        let of = |entry: &Accepted| {
            let findings = self.accepted.iter().filter(|accepted| accepted.entry == *entry);
            grouped(findings.map(|accepted| &accepted.finding).collect::<Vec<_>>())
        };
        entries.into_iter().flat_map(|entry| of(entry).into_iter().map(move |group| (entry, group))).collect()
    }

    pub(crate) fn stale(&self) -> &[Accepted] {
        &self.stale
    }

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.groups().iter().filter(|group| group.verdict == verdict).count()
    }

    /// The first line: `1 breaks, 0 look, 2 unseen, 3 harmless`.
    pub(crate) fn counts(&self) -> String {
        let mut parts: Vec<String> =
            Verdict::ALL.into_iter().map(|verdict| format!("{} {verdict}", self.count(verdict))).collect();
        if !self.accepted.is_empty() {
            parts.push(format!("{} accepted", self.accepted_groups().len()));
        }
        if !self.stale.is_empty() {
            parts.push(format!("{} accepted but not found", self.stale.len()));
        }
        parts.join(", ")
    }
}
