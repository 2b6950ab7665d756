//! Addresses of servers that receive secrets: checked when they are set, and shown in messages.

use crate::error::Error;
use reqwest::Url;
use std::net::IpAddr;

/// Parses a URL, and checks that a secret may be sent to it.
pub(crate) fn checked_url(setting: &str, text: &str, plain_http: bool) -> Result<Url, Error> {
    let url = Url::parse(text)
        .map_err(|e| Error::config(setting, format_args!("is not a valid URL ({e}): write it as https://host/path")))?;
    let tls = cfg!(any(feature = "rustls", feature = "rustls-no-provider"));
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let has_query = url.query().is_some() || url.fragment().is_some();
    let problem = match url.scheme() {
        "https" if !tls => "is https, but no TLS is built in: enable the feature rustls",
        "http" if !plain_http && !is_loopback(&url) => {
            "is plain http, which exposes the token to anyone on the path: use https"
        }
        "https" | "http" if has_credentials => "contains credentials: pass them in their own settings",
        "https" | "http" if has_query => "has a query or a fragment: remove it",
        "https" | "http" => return Ok(url),
        _ => "has a scheme other than https: use https",
    };
    Err(Error::config(setting, problem))
}

/// The host, without the brackets of an IPv6 address.
pub(crate) fn bare_host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// Host and port, for messages.
pub(crate) fn server(url: &Url) -> String {
    format!("{}:{}", bare_host(url), url.port_or_known_default().unwrap_or_default())
}

/// Whether a URL names this machine in any form, including those for which plain http is not allowed.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = bare_host(url).trim_end_matches('.');
    let name = host == "localhost" || host.ends_with(".localhost");
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical());
    name || address.is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

fn is_loopback(url: &Url) -> bool {
    let host = bare_host(url);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
