//! What the API description says about an operation. `build/operations.rs` writes one [`Operation`] for each.

use http::StatusCode;
use serde::Serialize;
use std::{marker::PhantomData, ops::RangeInclusive};

/// An operation whose successful response has a value of type `T`.
pub(crate) struct Operation<T> {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The documented success statuses.
    pub(crate) success: &'static [RangeInclusive<u16>],
    /// Whether a request changes nothing (RFC 9110, section 9.2.1).
    pub(crate) is_safe: bool,
    pub(crate) response: PhantomData<fn() -> T>,
}

impl<T> Operation<T> {
    pub(crate) fn documents(&self, status: StatusCode) -> bool {
        self.success.iter().any(|documented| documented.contains(&status.as_u16()))
    }
}

/// The type of a documented response. `build/operations.rs` writes the impl, so it covers every field.
pub(crate) trait Documented: Serialize {
    /// Whether any documented field has a value. An object without one did not come from the API.
    fn has_documented_field(&self) -> bool;

    /// Whether any documented field has a documented value: an unknown enum value, as in `{"status": "ok"}`, does not count.
    fn has_documented_value(&self) -> bool;
}
