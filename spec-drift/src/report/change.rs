//! What a change is, apart from where it is and what it does.

use serde_json::{Map, Value};
use std::fmt;

/// Longer values are truncated. The document has them in full.
const MAX_VALUE: usize = 80;

/// What changed. Its `Display` is a sentence without its subject, which is the place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// An operation is not in the new document.
    OperationRemoved,
    /// An operation is only in the new document.
    OperationAdded,
    /// A new operation whose address the named operation's template covers.
    OperationShadows(String),
    /// An operation is gone, and its calls reach the named one.
    OperationShadowed(String),
    /// The new document is a page about an operation that the old one does not describe.
    OperationNotCompared,
    /// The first server stays, and another is gone.
    ServerRemoved,
    /// Servers were added, or are in another order.
    ServersReordered,
    /// At least one server has no absolute address.
    ServersRelative,
    /// The operation is called at another address.
    Moved {
        /// Where the client calls it.
        from: String,
        /// Where it is now.
        to: String,
    },
    /// Other credentials are asked for, and the client's are among them.
    CredentialsAccepted,
    /// Whether the client's credentials are still accepted is not documented.
    CredentialsDoubtful,
    /// None of the client's credentials are accepted.
    CredentialsRefused,
    /// Two documents mean the same.
    Notation,
    /// Text for people.
    Annotation(String),
    /// What no message contains.
    NotOnTheWire(String),
    /// What the client does not read.
    NotRead(String),
    /// Something whose effect on a client is not known.
    Unknown(String),

    /// A request must have a body.
    BodyRequired,
    /// A request may have a body.
    BodyAllowed,
    /// A request has no body.
    BodyNotDescribed,
    /// Whether a request must have a body.
    BodyRequirement,
    /// The request's media type is refused.
    MediaTypeRefused(String),
    /// One of several media types is refused.
    MediaTypeRemoved(String),
    /// Another media type is accepted.
    MediaTypeAdded(String),
    /// A response has other media types besides the client's.
    MediaTypesChanged,
    /// A response has another kind of JSON.
    OtherJson(String),
    /// A response is not JSON.
    NotJson,
    /// A response has no body.
    BodyRemoved,
    /// A response has a body that the client does not read.
    BodyAdded,
    /// A response has a body that the client hands on as bytes.
    BytesChanged,
    /// A response other than a success.
    ErrorResponse,
    /// A new redirect.
    RedirectAdded,
    /// A new success.
    SuccessAdded,
    /// A new response other than a success.
    ErrorAdded,
    /// A status is not documented.
    StatusRemoved,
    /// The old document has no success.
    NoSuccessKnown,
    /// The new document has only a default response.
    OnlyDefault,
    /// The new document has no success.
    SuccessRemoved,

    /// A keyword of a schema or a setting of a parameter.
    Keyword(Keyword),
    /// A default that a server may assume.
    Default(Keyword),
    /// How a parameter is written.
    Serialization(Keyword),
    /// A keyword whose effect on a client is not known.
    UnknownKeyword(Keyword),
    /// The order of a list in which order means nothing.
    Order(String),
    /// A field or parameter is required, and was there before.
    Required,
    /// A field or parameter is required and new.
    NewAndRequired,
    /// A parameter is new, and the client sends it already, as its API key.
    SentAsCredential,
    /// A field is required, but not described any more.
    GoneAndRequired,
    /// A field or parameter is optional.
    Optional,
    /// A described response field is gone.
    FieldRemoved,
    /// A described request field or parameter is gone, and what the client sends is ignored.
    NotNamed,
    /// A request field is gone, and may not be sent.
    FieldForbidden,
    /// A field is gone, and additional fields have another schema.
    FieldBecameExtra,
    /// A request field or parameter is new; the client does not send it.
    NotSent,
    /// A request field is new, and the client may send it as something else.
    ExtraBecameField,
    /// A response field is new, and the client refuses fields that it does not know.
    FieldUnexpected,
    /// A response field is new, and the client reads it as it reads any other field.
    FieldReadAsExtra,
    /// A request field is only for responses now.
    ReadOnly,
    /// A response field is named, and the client read every field before.
    FieldNamed,
    /// A response field is new; the client does not see it.
    FieldAdded,
    /// Alternatives or parts of a schema that were only compared as a whole.
    Composition,
    /// An alternative that the client may send is gone.
    AlternativeRemoved,
    /// An alternative is new, and the client does not know it.
    AlternativeAdded,
    /// There are more alternatives than the other side produces.
    AlternativesAccepted,
    /// A value may match several alternatives of a oneOf.
    Ambiguous,
    /// An anyOf became a oneOf.
    Exclusive,
    /// An anyOf, which the client decodes in its own way.
    AnyOf,
    /// Alternatives that the client tells apart by their one field.
    InlineAlternatives,
    /// An alternative has what an earlier one requires.
    AlternativeMistakable,
    /// One side may produce what the other does not accept.
    Mismatch,

    /// A schema is not an object.
    NotASchema,
    /// A reference leads nowhere.
    Dangling,
    /// The body has too many places.
    TooManyPlaces(usize),
    /// A pattern cannot be read.
    UnreadablePattern,
    /// No valid body could be built.
    NoSample,
    /// A bound on sampling was hit.
    Bounded,

    /// A suspected break that no value proves.
    Unproven(Box<Change>),
    /// A change in a body whose media type is written in a way that is not known.
    InMediaType(Box<Change>),
}

impl Change {
    /// Whether its effect depends on how values are written: `7` and `"7"` differ in JSON, but not in a form.
    pub(crate) fn is_about_notation(&self) -> bool {
        match self {
            Self::Keyword(keyword) => keyword.name == "type",
            Self::Annotation(key) => key == "xml",
            _ => false,
        }
    }
}

/// A keyword's old and new value. None for absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    /// Its name.
    pub name: String,
    /// Its old value.
    pub old: Option<Value>,
    /// Its new value.
    pub new: Option<Value>,
}

impl Keyword {
    pub(crate) fn between(name: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Self {
        Self { name: name.to_owned(), old: old.get(name).cloned(), new: new.get(name).cloned() }
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, old, new } = self;
        match (name.as_str(), old, new) {
            ("nullable", Some(Value::Bool(true)), _) => f.write_str("may no longer be null"),
            ("nullable", ..) => f.write_str("may now be null"),
            ("enum", Some(Value::Array(old)), Some(Value::Array(new))) => enumerated(old, new, f),
            ("enum", Some(old), None) => write!(f, "any value is now allowed, not only {}", shown(old)),
            ("enum", None, Some(new)) => write!(f, "now only {} is allowed", shown(new)),
            (_, Some(old), Some(new)) => write!(f, "{name} changed from {} to {}", shown(old), shown(new)),
            (_, None, Some(new)) => write!(f, "{name} {} was added", shown(new)),
            (_, Some(old), None) => write!(f, "{name} {} was removed", shown(old)),
            (_, None, None) => write!(f, "{name} changed"),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn enumerated(old: &[Value], new: &[Value], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let list = |of: &[Value], but: &[Value]| {
        let names: Vec<String> = of.iter().filter(|v| !but.contains(v)).map(ToString::to_string).collect();
        names.join(", ")
    };
    match (list(new, old), list(old, new)) {
        (added, removed) if removed.is_empty() => write!(f, "enum gained {added}"),
        (added, removed) if added.is_empty() => write!(f, "enum lost {removed}"),
        (added, removed) => write!(f, "enum gained {added} and lost {removed}"),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::OperationShadows(name) => return write!(f, "is new, and some calls of {name} will reach it"),
            Self::OperationShadowed(name) => return write!(f, "the operation is gone, and its calls reach {name}"),
            Self::Moved { from, to } => return write!(f, "is now called at {to}, not at {from}"),
            Self::Annotation(key) => return write!(f, "{key}, which is for people, changed"),
            Self::NotOnTheWire(key) => return write!(f, "{key}, which is not on the wire, changed"),
            Self::NotRead(key) => return write!(f, "{key}, which the client does not read, changed"),
            Self::Unknown(key) => return write!(f, "{key} changed; what that means for a client is not known"),
            Self::MediaTypeRefused(media) => return write!(f, "{media} is no longer accepted"),
            Self::MediaTypeRemoved(media) => {
                return write!(f, "{media} is no longer accepted; which one a client sends is not known");
            }
            Self::MediaTypeAdded(media) => return write!(f, "{media} is now accepted; the client does not send it"),
            Self::OtherJson(media) => {
                return write!(f, "is now {media}; the client asks for application/json and may be refused");
            }
            Self::Keyword(keyword) => return keyword.fmt(f),
            Self::Default(keyword) => {
                return write!(f, "{keyword}; a server may assume something else if it is not sent");
            }
            Self::Serialization(keyword) => return write!(f, "{keyword}; it is written differently in the request"),
            Self::UnknownKeyword(keyword) => {
                return write!(f, "{keyword}; what that means for a client is not known");
            }
            Self::Order(key) => return write!(f, "the order of {key} changed"),
            Self::TooManyPlaces(most) => return write!(f, "stopped here: this body has more than {most} places"),
            Self::Unproven(change) => return write!(f, "{change}; no value was found that fails"),
            Self::InMediaType(change) => {
                return write!(f, "{change}; how it is written in this media type is not known");
            }
            Self::OperationRemoved => "the operation is gone",
            Self::OperationAdded => "is new; the client does not call it",
            Self::OperationNotCompared => "the old document does not contain this operation, so nothing was compared",
            Self::ServerRemoved => "a server that a client may have been pointed at is gone",
            Self::ServersReordered => "servers were added or their order changed",
            Self::ServersRelative => "the servers changed, and at least one has no absolute address",
            Self::CredentialsAccepted => "the security requirements changed; what was accepted before still is",
            Self::CredentialsDoubtful => {
                "the security requirements changed; whether a client's credentials are still accepted is not documented"
            }
            Self::CredentialsRefused => "none of the credentials that the client was built for are accepted",
            Self::Notation => "only its notation changed (references, order, unused parts)",
            Self::BodyRequired => "a body is required now",
            Self::BodyAllowed => "may have a body now; the client sends none",
            Self::BodyNotDescribed => "no longer has a body; whether the client's is tolerated is not documented",
            Self::BodyRequirement => "whether the body is required changed; the client always sends it",
            Self::MediaTypesChanged => "the media types changed; the client asks for application/json",
            Self::NotJson => "is no longer JSON",
            Self::BodyRemoved => "no longer has a body",
            Self::BodyAdded => "now has a body, which the client does not read",
            Self::BytesChanged => "a body that is not decoded changed; anyone who reads its bytes must look",
            Self::ErrorResponse => "a non-success response changed; its body is not decoded",
            Self::RedirectAdded => "is new; redirects are not followed",
            Self::SuccessAdded => "is new; any 2xx is a success",
            Self::ErrorAdded => "is new; it is not a success, and its body is not decoded",
            Self::StatusRemoved => "is no longer documented",
            Self::NoSuccessKnown => "no success was documented, so it is not known what the client decodes",
            Self::OnlyDefault => "only a default is documented, which may be a success or an error",
            Self::SuccessRemoved => "a success is no longer documented",
            Self::Required => "is required now",
            Self::NewAndRequired => "is new and required",
            Self::SentAsCredential => "is new; the client sends it as its API key",
            Self::GoneAndRequired => "is required, but no longer described",
            Self::Optional => "is no longer required",
            Self::FieldRemoved => "is no longer sent; the client finds it absent",
            Self::NotNamed => "is no longer named; the client may still send it",
            Self::FieldForbidden => "is no longer allowed, and the client may send it",
            Self::FieldBecameExtra => "is no longer named, and additional fields have another schema",
            Self::NotSent => "is new; the client does not send it",
            Self::ExtraBecameField => "is named now, and the client may send it as something else",
            Self::FieldUnexpected => "is new, and the client refuses fields that it does not know",
            Self::FieldReadAsExtra => "is new, and the client reads it as it reads any other field",
            Self::ReadOnly => "is for responses only now; whether a request may still have it is not documented",
            Self::FieldNamed => "is named now; the client reads every field",
            Self::FieldAdded => "is new; the client does not see it",
            Self::Composition => "alternatives or parts changed",
            Self::AlternativeRemoved => "an alternative that the client may send is gone",
            Self::AlternativeAdded => "there is a new alternative that the client does not know",
            Self::AlternativesAccepted => "has another number of alternatives; the client is not affected",
            Self::Ambiguous => "a value may match several alternatives now, and a oneOf allows only one",
            Self::Exclusive => "only one alternative may match now, and whether a value matches several is not known",
            Self::AnyOf => "an anyOf changed, which the client decodes in its own way",
            Self::InlineAlternatives => {
                "a oneOf of inline objects changed, which the client tells apart by their one field"
            }
            Self::AlternativeMistakable => {
                "an alternative gained what an earlier one requires, and the client may mistake it for that one"
            }
            Self::Mismatch => "one side may produce what the other does not accept",
            Self::NotASchema => "is not a schema, so it was not compared",
            Self::Dangling => "a $ref leads nowhere, so nothing beyond it was compared",
            Self::UnreadablePattern => "a pattern cannot be read, so nothing could be sampled",
            Self::NoSample => "no valid body could be built, so none was tried",
            Self::Bounded => {
                "a bound on sampling was hit (a recursive, very wide or very long schema): not everything was tried"
            }
        };
        f.write_str(text)
    }
}
