//! What a server says about an error in its response body.

use crate::screen::Screen;
use serde_json::Value;

/// The code and explanation in an error body, whatever its shape. Both are optional.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
}

impl ErrorBody {
    /// Looks in an error object, in problem details (RFC 9457), and in the first element of an `errors` array.
    pub(crate) fn parse(json: &[u8], screen: &Screen) -> Self {
        let body: Value = serde_json::from_slice(json).unwrap_or_default();
        let objects = [&body, &body["error"], &body["errors"][0]];
        let text = |value: &Value| match value {
            Value::String(text) => Some(screen.text(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let find = |names: &[&str]| objects.iter().find_map(|object| names.iter().find_map(|name| text(&object[name])));
        Self {
            code: find(&["code", "errorCode", "error"]),
            detail: find(&["detail", "message", "error_description", "title"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_token::AccessToken;

    #[test]
    fn code_and_detail_are_found_in_every_usual_shape() {
        let screen = Screen::new(AccessToken::new("an-access-token-of-the-call").unwrap());
        for (body, code, detail) in [
            (r#"{"code":"an-access-token-of-the-call!"}"#, Some("(hidden: access token)!"), None),
            (r#"{"code":"E1","message":"no"}"#, Some("E1"), Some("no")),
            (r#"{"code":17,"message":"no"}"#, Some("17"), Some("no")),
            (r#"{"type":"about:blank","title":"Bad","status":400,"detail":"no"}"#, None, Some("no")),
            (r#"{"errors":[{"code":"E1","message":"no"},{"code":"E2"}]}"#, Some("E1"), Some("no")),
            (r#"{"error":{"code":"E1","message":"no"}}"#, Some("E1"), Some("no")),
            (r#"{"error":"invalid_client","error_description":"no"}"#, Some("invalid_client"), Some("no")),
            (r#"{"errors":{"name":["required"]},"title":"no"}"#, None, Some("no")),
            (r#"{"code":null,"message":{"a":1}}"#, None, None),
            ("[]", None, None),
            ("<html>", None, None),
            ("", None, None),
        ] {
            let expected = ErrorBody { code: code.map(str::to_owned), detail: detail.map(str::to_owned) };
            assert_eq!(ErrorBody::parse(body.as_bytes(), &screen), expected, "{body}");
        }
    }
}
