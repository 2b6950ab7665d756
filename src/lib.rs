// As doctests, the README's snippets need the features that they show.
#![cfg_attr(any(not(doctest), all(feature = "drift", feature = "sandbox")), doc = include_str!("../README.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access_token;
mod added_headers;
mod address;
mod attempt;
mod auth;
mod call;
mod client;
mod client_builder;
mod connect_error;
mod decode;
#[cfg(feature = "drift")]
mod drift;
mod env;
mod error;
mod error_body;
mod generated;
mod onboarding;
mod open_enum;
mod operation;
mod outcome;
mod quote;
mod raw_response;
mod record;
mod request_body;
mod response;
mod retry;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod screen;
mod setting;
mod telemetry;
mod transport;

pub use access_token::AccessToken;
pub use auth::{ClientCredentials, TokenFuture, TokenSource};
pub use client::Client;
pub use client_builder::ClientBuilder;
#[cfg(feature = "drift")]
pub use drift::{DriftReport, UnknownValue};
pub use error::{BoxError, Error, ErrorKind};
pub use generated::types;
pub use outcome::Outcome;
pub use response::Response;
pub use retry::RetryPolicy;
#[cfg(feature = "sandbox")]
pub use sandbox::Sandbox;
pub use types::{CollectiveOnboardingRequest, CollectiveType, OnboardingRequest, OnboardingStatus};

pub use http;
pub use reqwest;
