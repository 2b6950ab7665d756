//! What may be shown of a response: everything but the access tokens that a server echoes. The value that a caller gets is as
//! received: a link may need what it contains.

use crate::access_token::AccessToken;
use crate::quote::quoted;
use http::{HeaderMap, HeaderName};
use memchr::memmem;
use std::{fmt, iter, mem};

/// Shorter ones occur in ordinary words, and no server issues them.
const SHORTEST_SCREENED: usize = 16;
/// What replaces a token.
const HIDDEN: &str = "(hidden: access token)";

/// The token of an attempt, and those of the attempts before it: a server may echo one that it rejected.
#[derive(Clone)]
pub(crate) struct Screen {
    token: AccessToken,
    earlier: Vec<AccessToken>,
}

impl Screen {
    pub(crate) fn new(token: AccessToken) -> Self {
        Self { token, earlier: Vec::new() }
    }

    /// The token to send.
    pub(crate) fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Continues with a token, which may be the same.
    pub(crate) fn continue_with(&mut self, token: AccessToken) {
        if token != self.token {
            self.earlier.push(mem::replace(&mut self.token, token));
        }
    }

    /// Marks values that contain a token as sensitive. A name cannot be marked, so a header whose name contains one is removed.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if self.finds_token_in(value.as_bytes()) {
                value.set_sensitive(true);
            }
        }
        let names: Vec<_> = headers.keys().filter(|name| self.finds_token_in_name(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }

    /// A text from the server, without the tokens.
    pub(crate) fn text(&self, text: &str) -> String {
        self.tokens().fold(text.to_owned(), |text, token| text.replace(token, HIDDEN))
    }

    /// A name or value from the server, fit for a message.
    pub(crate) fn quoted(&self, text: &str) -> String {
        quoted(&self.text(text))
    }

    /// A value's `Debug` without the tokens, on several lines if `pretty`.
    pub(crate) fn debug(&self, value: &impl fmt::Debug, pretty: bool) -> String {
        let text = if pretty { format!("{value:#?}") } else { format!("{value:?}") };
        self.tokens().fold(text, |text, token| {
            // As `Debug` escapes it, without its quotation marks.
            let shown = format!("{token:?}");
            text.replace(&shown[1..shown.len() - 1], HIDDEN)
        })
    }

    fn finds_token_in(&self, text: &[u8]) -> bool {
        self.tokens().any(|token| memmem::find(text, token.as_bytes()).is_some())
    }

    /// Header names are in lower case, whatever the server wrote.
    fn finds_token_in_name(&self, name: &HeaderName) -> bool {
        let name = name.as_str().as_bytes();
        self.tokens().any(|token| name.windows(token.len()).any(|part| part.eq_ignore_ascii_case(token.as_bytes())))
    }

    fn tokens(&self) -> impl Iterator<Item = &str> {
        let tokens = iter::once(&self.token).chain(&self.earlier).map(AccessToken::exposed);
        tokens.filter(|token| token.len() >= SHORTEST_SCREENED)
    }
}
