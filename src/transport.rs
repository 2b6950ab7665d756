//! The one place where a generated operation touches the wire.

use crate::raw_response::RawResponse;
use crate::request_body::{Witness, WitnessedBody};
use crate::screen::Screen;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, Entry};
use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One attempt: what it sends besides the request, and what comes back.
pub(crate) struct Exchange {
    pub(crate) screen: Screen,
    pub(crate) base_url: Arc<Url>,
    pub(crate) body_limit: usize,
    pub(crate) witness: Arc<Witness>,
    pub(crate) record: Record,
}

/// What has come back so far: kept even if reading is cancelled in the middle of a body.
#[derive(Default)]
pub(crate) struct Record(Mutex<Received>);

#[derive(Default)]
pub(crate) struct Received {
    pub(crate) response: Option<RawResponse>,
    pub(crate) body_state: BodyState,
}

/// How far reading a body got.
#[derive(Default)]
pub(crate) enum BodyState {
    #[default]
    Open,
    Complete,
    Cut(reqwest::Error),
    TooLarge,
}

impl Exchange {
    /// The URL of a path below the base URL, without parsing that again.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = Url::clone(&self.base_url);
        url.set_path(&[url.path().trim_end_matches('/'), path].concat());
        url
    }

    /// Sends a request with the token, and reads what comes back into the record.
    pub(crate) async fn send(
        &self,
        http: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.screen.token().header());
        remove_version(headers);
        WitnessedBody::wrap(&mut request, &self.witness);
        let mut response = http.execute(request).await?;
        self.screen.headers(response.headers_mut());
        self.record.receive(&mut response, self.body_limit).await;
        Ok(response)
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

impl Record {
    /// What arrived, once reading is over.
    pub(crate) fn take(&self) -> Received {
        mem::take(&mut *self.received())
    }

    /// Reads a response frame by frame.
    pub(crate) async fn receive(&self, response: &mut reqwest::Response, limit: usize) {
        let (status, headers) = (response.status(), mem::take(response.headers_mut()));
        self.received().response = Some(RawResponse { status, headers, body: Bytes::new() });
        let state = loop {
            match response.chunk().await {
                Ok(Some(frame)) if !self.append(&frame, limit) => break BodyState::TooLarge,
                Ok(Some(_)) => {}
                Ok(None) => break BodyState::Complete,
                Err(error) => break BodyState::Cut(error),
            }
        };
        self.received().body_state = state;
    }

    /// Appends a frame of the body, up to the limit. Returns false if it did not fit.
    fn append(&self, frame: &Bytes, limit: usize) -> bool {
        let mut received = self.received();
        let Some(RawResponse { body, .. }) = &mut received.response else { return false };
        let fitting = frame.slice(..frame.len().min(limit - body.len()));
        let fits = fitting.len() == frame.len();
        // The usual response is one frame, and is kept without a copy.
        let before = mem::replace(body, fitting);
        if !before.is_empty() {
            let mut whole = BytesMut::from(before);
            whole.extend_from_slice(body);
            *body = whole.freeze();
        }
        fits
    }

    pub(crate) fn received(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
