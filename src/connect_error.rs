//! Why a connection failed: what to say about it, and whether another attempt can help.

use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;
use crate::quote::quoted_cause;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use std::{error::Error as StdError, io, iter};

/// The prefix of hyper-util's proxy errors. Their type is private, so we have to go by the text.
const TUNNEL: &str = "tunnel error: ";
/// What follows if the proxy answered 407.
const PROXY_AUTHORIZATION: &str = "proxy authorization required";
/// The prefix of hyper-rustls's error for a proxy that is neither http nor https.
const UNSUPPORTED_SCHEME: &str = "unsupported scheme ";

/// What rustls-platform-verifier says if it found no root certificates. It has no error type for that.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
const NO_ROOTS: &str = "No CA certificates were loaded from the system";

/// Why a request could not be sent.
struct Obstacle {
    cause: String,
    /// The proxy was the obstacle, not the server behind it.
    at_proxy: bool,
    /// The next attempt would hit it again: credentials, certificates and settings do not change between attempts.
    permanent: bool,
}

/// The error for a failed connection to a server. `proxy` is the system's proxy for it.
pub(crate) fn not_connected(server: &str, proxy: Option<&str>, error: reqwest::Error) -> Error {
    let Obstacle { cause, at_proxy, permanent } = Obstacle::of(&error);
    let mut message = format!("no connection to {server}: ");
    if at_proxy {
        let proxy = proxy.map_or_else(String::new, |proxy| format!(" {proxy}"));
        message += &format!("the proxy{proxy} failed: ");
    }
    let error = Error::new(ErrorKind::Connect, Outcome::NotSent, message + &cause).with_source(error);
    error.permanent(permanent)
}

impl Obstacle {
    fn of(error: &reqwest::Error) -> Self {
        let tunnel = causes(error).map(ToString::to_string).find(|text| text.starts_with(TUNNEL));
        let root = root_cause(error);
        let refused = tunnel.as_deref().and_then(|text| text.strip_prefix(TUNNEL)) == Some(PROXY_AUTHORIZATION);
        let unsupported = tunnel.is_some() && root.starts_with(UNSUPPORTED_SCHEME);
        Self {
            cause: match error.is_timeout() {
                true => "it timed out".to_owned(),
                false => root.strip_prefix(TUNNEL).unwrap_or(&root).to_owned(),
            },
            at_proxy: tunnel.is_some(),
            permanent: refused || unsupported || causes(error).any(is_bad_certificate),
        }
    }
}

/// Host and port of the proxy that the environment or the operating system sets for a URL, as reqwest finds it.
pub(crate) fn system_proxy(url: &Url) -> Option<String> {
    let proxy = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
    Some(proxy.uri().authority()?.to_string())
}

/// The innermost cause, in the words of the operating system or TLS.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    quoted_cause(&causes(error).last().map(ToString::to_string).unwrap_or_default())
}

/// An error and its causes. An `io::Error`'s `source()` skips the error that it wraps.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    iter::successors(Some(error as &(dyn StdError + 'static)), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    })
}

/// Whether an HTTP client could not be built because the machine has no root certificates.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
pub(crate) fn found_no_roots(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| matches!(cause.downcast_ref(), Some(rustls::Error::General(text)) if text == NO_ROOTS))
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
pub(crate) fn found_no_roots(_: &reqwest::Error) -> bool {
    false
}

#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
fn is_bad_certificate(error: &(dyn StdError + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
fn is_bad_certificate(_: &(dyn StdError + 'static)) -> bool {
    false
}
