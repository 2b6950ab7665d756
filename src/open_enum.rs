//! The impls behind every generated enum: a value that the description does not know is kept, not rejected.

macro_rules! open_enum {
    // The values after the semicolon are documented too, but kept in `Unknown`, whose name they share.
    ($name:ident { $($variant:ident = $value:literal),* ; $($kept:literal),* }) => {
        impl $name {
            /// The value as it appears in JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Unknown(value) => value,
                }
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    _ => Self::Unknown(value.to_owned()),
                }
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(value: ::std::string::String) -> Self {
                value.as_str().into()
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(value: &str) -> ::std::result::Result<Self, ::std::convert::Infallible> {
                ::std::result::Result::Ok(value.into())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let value = deserializer.deserialize_str($crate::open_enum::OpenEnumVisitor(::std::marker::PhantomData))?;
                #[cfg(feature = "drift")]
                if let Self::Unknown(value) = &value
                    && ![$($kept),*].contains(&value.as_str())
                {
                    $crate::drift::unknown_value(::std::stringify!($name), value);
                }
                ::std::result::Result::Ok(value)
            }
        }
    };
}
pub(crate) use open_enum;

/// Reads an open enum from a borrowed string, so that a known value costs no allocation.
pub(crate) struct OpenEnumVisitor<T>(pub(crate) std::marker::PhantomData<T>);

impl<T: for<'a> From<&'a str>> serde::de::Visitor<'_> for OpenEnumVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(value.into())
    }
}

#[cfg(test)]
mod tests {
    #[derive(Debug, PartialEq)]
    enum Light {
        Red,
        Unknown(String),
    }

    open_enum!(Light { Red = "red"; "Unknown" });

    #[test]
    fn a_documented_option_with_the_name_of_the_open_variant_is_kept() {
        let read = |json: &str| serde_json::from_str::<Light>(json).unwrap();
        assert_eq!((read("\"red\""), read("\"Unknown\"")), (Light::Red, Light::from("Unknown")));
        assert_eq!(serde_json::to_string(&read("\"Unknown\"")).unwrap(), "\"Unknown\"");
    }

    #[test]
    #[cfg(feature = "drift")]
    fn only_an_undocumented_option_is_drift() {
        use crate::{
            AccessToken, decode::Decoded, drift::observe, operation::Operation, raw_response::RawResponse,
            screen::Screen,
        };
        use std::marker::PhantomData;
        use std::sync::{Arc, Mutex};
        let operation = Operation {
            name: "test",
            method: "POST",
            path: "/",
            success: &[201..=201],
            is_safe: false,
            response: PhantomData,
        };
        let found = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&found);
        let on_drift: crate::drift::OnDrift = Arc::new(move |report| sink.lock().unwrap().push(report.to_string()));
        for value in ["red", "Unknown", "blue"] {
            let body = format!("\"{value}\"").into();
            let raw = RawResponse { status: http::StatusCode::CREATED, headers: Default::default(), body };
            observe(
                &operation,
                &raw,
                &Decoded { value: Light::from(value), unreadable_fields: Vec::new(), readable: None },
                &Screen::new(AccessToken::new("t").unwrap()),
                Some(&on_drift),
            );
        }
        assert_eq!(*found.lock().unwrap(), ["test: the response has Light \"blue\", unknown to this version"]);
    }
}
