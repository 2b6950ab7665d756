//! The one place where a generated operation touches the wire.

use crate::added_headers::{self, OnAttempt};
use crate::record::Record;
use crate::request_body::{Witness, WitnessedBody};
use crate::screen::Screen;
use http::header::{ACCEPT, AUTHORIZATION, Entry};
use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use std::sync::Arc;
use tracing::Span;

/// One attempt: what it sends besides the request, and what comes back.
pub(crate) struct Exchange {
    pub(crate) screen: Screen,
    pub(crate) base_url: Arc<Url>,
    pub(crate) on_attempt: Option<OnAttempt>,
    pub(crate) body_limit: usize,
    pub(crate) span: Span,
    pub(crate) witness: Arc<Witness>,
    pub(crate) record: Record,
}

impl Exchange {
    /// The URL of a path below the base URL, without parsing that again.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = Url::clone(&self.base_url);
        url.set_path(&[url.path().trim_end_matches('/'), path].concat());
        url
    }

    /// Sends a request with the token, and reads what comes back into the record.
    // Not an `async fn`, whose future would keep room for the request long after it is handed on: with many calls in flight, small
    // futures are fast.
    pub(crate) fn send(
        &self,
        http: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> {
        self.span.record("url.full", request.url().as_str());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.screen.token().header());
        remove_version(headers);
        if let Some(on_attempt) = &self.on_attempt {
            added_headers::add(headers, on_attempt);
        }
        WitnessedBody::wrap(&mut request, &self.witness);
        let sent = http.execute(request);
        async move {
            let mut response = sent.await?;
            self.screen.headers(response.headers_mut());
            self.record.receive(&mut response, self.body_limit).await;
            Ok(response)
        }
    }
}

/// Removes progenitor's own header, which the API does not document and a version-aware server would act on. It is the first
/// with its name: a documented one comes after it.
fn remove_version(headers: &mut HeaderMap) {
    let Entry::Occupied(version) = headers.entry("api-version") else { return };
    let (name, values) = version.remove_entry_mult();
    let documented: Vec<_> = values.skip(1).collect();
    for value in documented {
        headers.append(&name, value);
    }
}
