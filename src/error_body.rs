//! What a server says about an error in its response body.

use serde_json::Value;

/// The code and explanation in an error body, whatever its shape. Both are optional.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
}

impl ErrorBody {
    /// Looks in an error object, in problem details (RFC 9457), and in the first element of an `errors` array.
    pub(crate) fn parse(json: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(json).unwrap_or_default();
        let objects = [&body, &body["error"], &body["errors"][0]];
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let find = |names: &[&str]| objects.iter().find_map(|object| names.iter().find_map(|name| text(&object[name])));
        Self {
            code: find(&["code", "errorCode", "error"]),
            detail: find(&["detail", "message", "error_description", "title"]),
        }
    }

    /// The same, with each text as it may be shown.
    pub(crate) fn map(self, shown: impl Fn(&str) -> String) -> Self {
        let shown = |text: Option<String>| text.map(|text| shown(&text));
        Self { code: shown(self.code), detail: shown(self.detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_detail_are_found_in_every_usual_shape() {
        for (body, code, detail) in [
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
            assert_eq!(ErrorBody::parse(body.as_bytes()), expected, "{body}");
        }
    }
}
