//! How much a report shows, and text from the documents as one line of it.

use crate::report::Verdict;

/// Findings without consequences are many in a large description. `--format json` has them all.
const MAX_LISTED: usize = 100;
/// Longer text is truncated, except in JSON.
const MAX_TEXT: usize = 2_000;

/// How many findings of a verdict are listed.
pub(crate) fn listed(verdict: Verdict) -> usize {
    if verdict <= Verdict::Look { usize::MAX } else { MAX_LISTED }
}

/// Text from the documents must not look like our own lines.
pub(crate) fn one_line(text: &str) -> String {
    shown(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
}

pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}… (cut)", &text[..end]),
        None => text.to_owned(),
    }
}
