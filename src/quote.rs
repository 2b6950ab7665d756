//! Text from others, made fit for our messages: on one line, and short.

use std::borrow::Cow;

/// Room for a UUID and a prefix.
const MAX_NAME: usize = 64;
/// Room for what TLS says about a certificate: the expected name, and those it is valid for.
const MAX_CAUSE: usize = 160;

/// A name, a code or an id.
pub(crate) fn quoted(text: &str) -> String {
    cut(&text.escape_debug().to_string(), MAX_NAME).into_owned()
}

/// The cause of a failure, in the words of the operating system, TLS or a proxy.
pub(crate) fn quoted_cause(text: &str) -> String {
    // TLS puts names in quotation marks, which cannot break a line.
    let escaped = text.escape_debug().to_string().replace("\\\"", "\"");
    cut(&escaped, MAX_CAUSE).into_owned()
}

pub(crate) fn cut(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => text.into(),
        Some(_) => text.chars().take(characters - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_short_line() {
        assert_eq!(quoted(&"\n".repeat(100)).chars().count(), MAX_NAME);
        assert_eq!(quoted_cause(&"\u{2028}".repeat(100)).chars().count(), MAX_CAUSE);
        assert!(!quoted("a\nb\u{7}").contains(['\n', '\u{7}']));
        assert_eq!(quoted_cause("not valid for name \"api.example\""), "not valid for name \"api.example\"");
    }
}
