//! The one place where a generated operation touches the wire.

use crate::{auth::AccessToken, client::Shared, generated, response::Reply};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header::AUTHORIZATION};
use progenitor_client::ResponseValue;
use reqwest::Url;
use serde::de::DeserializeOwned;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One attempt: what it sends besides the request, and what comes back.
pub(crate) struct Exchange {
    pub(crate) token: AccessToken,
    pub(crate) shared: Arc<Shared>,
    pub(crate) record: Record,
}

/// What has come back so far, and how far that is: kept also when reading is cancelled in the middle of a body.
#[derive(Default)]
pub(crate) struct Record(Mutex<(Option<Reply>, End)>);

/// How far the reading of a body came.
#[derive(Default)]
pub(crate) enum End {
    #[default]
    Open,
    Complete,
    Cut(reqwest::Error),
    TooLarge,
}

impl Exchange {
    /// The URL of a path below the base URL, which is not parsed again.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.shared.base_url.clone();
        url.set_path(&[url.path().trim_end_matches('/'), path].concat());
        url
    }

    /// Sends a request with the token, and reads what comes back into the record.
    // No `async fn`: its future would keep room for the request, long after that was handed on.
    pub(crate) fn send(
        &self,
        http: &reqwest::Client,
        mut request: reqwest::Request,
    ) -> impl Future<Output = reqwest::Result<reqwest::Response>> {
        request.headers_mut().insert(AUTHORIZATION, self.token.header());
        let sent = http.execute(request);
        async move {
            let mut response = sent.await?;
            // So that no output of ours shows a header in which the server echoes the token.
            let echoes = |value: &&mut HeaderValue| self.token.is_in(value.as_bytes());
            response.headers_mut().values_mut().filter(echoes).for_each(|value| value.set_sensitive(true));
            self.record.receive(&mut response, self.shared.body_limit).await;
            Ok(response)
        }
    }

    /// The value of the reply. A body that did not come whole has none: the record says why.
    #[allow(clippy::result_large_err)] // It is the error of the generated method.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<ResponseValue<T>, generated::Error> {
        let (Some(Reply { status, body, .. }), End::Complete) = &*self.record.received() else {
            return Err(generated::Error::Custom("the body did not come whole".to_owned()));
        };
        match serde_json::from_slice(body) {
            // The headers stay in the record.
            Ok(value) => Ok(ResponseValue::new(value, *status, HeaderMap::new())),
            Err(error) => Err(generated::Error::InvalidResponsePayload(body.clone(), error)),
        }
    }
}

impl Record {
    /// What came, once reading is over.
    pub(crate) fn take(&self) -> (Option<Reply>, End) {
        mem::take(&mut *self.received())
    }

    pub(crate) fn head(&self, status: StatusCode, headers: HeaderMap) {
        self.received().0 = Some(Reply { status, headers, body: Bytes::new() });
    }

    /// Reads a response frame by frame.
    pub(crate) async fn receive(&self, response: &mut reqwest::Response, limit: usize) {
        self.head(response.status(), mem::take(response.headers_mut()));
        let end = loop {
            match response.chunk().await {
                Ok(Some(frame)) if self.append(&frame, limit) => {}
                Ok(Some(_)) => break End::TooLarge,
                Ok(None) => break End::Complete,
                Err(error) => break End::Cut(error),
            }
        };
        self.received().1 = end;
    }

    /// Adds a frame of the body, as far as the limit goes. False: it did not fit.
    fn append(&self, frame: &Bytes, limit: usize) -> bool {
        let mut received = self.received();
        let Some(Reply { body, .. }) = &mut received.0 else { return false };
        let fitting = frame.slice(..frame.len().min(limit - body.len()));
        let fits = fitting.len() == frame.len();
        // The usual reply is one frame, and is kept without a copy.
        let before = mem::replace(body, fitting);
        if !before.is_empty() {
            let mut whole = BytesMut::from(before);
            whole.extend_from_slice(body);
            *body = whole.freeze();
        }
        fits
    }

    fn received(&self) -> MutexGuard<'_, (Option<Reply>, End)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
