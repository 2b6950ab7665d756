//! A consent page for the sandbox, whose own links lead nowhere. The API's links lead to a page of the vendor.

use crate::pages;
use axum::{
    response::Redirect,
    routing::{MethodRouter, get},
};

const SANDBOX: &str = "https://sandbox.invalid";
pub const PATH: &str = "/consent/{id}";

pub fn page<S: Clone + Send + Sync + 'static>() -> MethodRouter<S> {
    get(async || pages::sandbox_consent()).post(async || Redirect::to("/return"))
}

/// A consent link of the sandbox, as a link to this page.
pub fn link(url: &str) -> String {
    url.strip_prefix(SANDBOX).unwrap_or(url).to_owned()
}
