//! What the API description says about an operation. `build.rs` writes one [`Operation`] for each.

use http::StatusCode;
use serde::Serialize;
use std::ops::RangeInclusive;

/// What the client, its logs and its errors need to know about an operation.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The documented statuses of success.
    pub(crate) success: &'static [RangeInclusive<u16>],
}

impl Operation {
    pub(crate) fn documents(&self, status: StatusCode) -> bool {
        self.success.iter().any(|documented| documented.contains(&status.as_u16()))
    }
}

/// The type of a documented response. `build.rs` writes the impl, so it covers every field.
pub(crate) trait Documented: Serialize {
    /// Whether any documented field has a value. An object without one was written by somebody else than the API.
    fn has_documented_field(&self) -> bool;

    /// Whether any documented field has a documented value: the unknown value of an enum, as in `{"status": "ok"}`, is none.
    fn has_documented_value(&self) -> bool;
}
