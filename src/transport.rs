//! The one place where a generated operation touches the wire.

use crate::client::Shared;
use crate::decode::decode;
use crate::generated;
use crate::operation::{Documented, Operation};
use crate::response::RawResponse;
use crate::screen::Screen;
use crate::witness::{Witness, WitnessedBody};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::AUTHORIZATION};
use progenitor_client::ResponseValue;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One attempt: what it sends besides the request, and what comes back.
pub(crate) struct Exchange {
    pub(crate) operation: &'static Operation,
    pub(crate) screen: Screen,
    pub(crate) shared: Arc<Shared>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) record: Record,
}

/// What has come back so far: kept also when reading is cancelled in the middle of a body.
#[derive(Default)]
pub(crate) struct Record(Mutex<Received>);

#[derive(Default)]
pub(crate) struct Received {
    pub(crate) response: Option<RawResponse>,
    pub(crate) body_state: BodyState,
    pub(crate) unreadable_fields: Vec<String>,
    /// What could be read of a body with unreadable fields.
    pub(crate) readable: Option<Value>,
    /// Why the body of a success has no value.
    pub(crate) undecodable: Option<String>,
}

/// How far the reading of a body came.
#[derive(Default)]
pub(crate) enum BodyState {
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
        request.headers_mut().insert(AUTHORIZATION, self.screen.token().header());
        WitnessedBody::wrap(&mut request, &self.witness);
        let sent = http.execute(request);
        async move {
            let mut response = sent.await?;
            self.screen.headers(response.headers_mut());
            self.record.receive(&mut response, self.shared.body_limit).await;
            Ok(response)
        }
    }

    /// The value of a success. Where there is none, the record says why.
    #[allow(clippy::result_large_err)] // It is the error of the generated method.
    pub(crate) fn decode<T: DeserializeOwned + Documented>(&self) -> Result<ResponseValue<T>, generated::Error> {
        let mut received = self.record.received();
        let (Some(raw), BodyState::Complete) = (&received.response, &received.body_state) else {
            return Err(generated::Error::Custom("the body is incomplete".to_owned()));
        };
        match decode(raw.json(), self.operation.documents(raw.status), &self.screen) {
            Ok(decoded) => {
                // The headers stay in the record.
                let value = ResponseValue::new(decoded.value, raw.status, HeaderMap::new());
                received.unreadable_fields = decoded.unreadable_fields;
                received.readable = decoded.readable;
                Ok(value)
            }
            Err(problem) => {
                received.undecodable = Some(problem);
                Err(generated::Error::Custom("the body has no value".to_owned()))
            }
        }
    }
}

impl Record {
    /// What came, once reading is over.
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

    /// Adds a frame of the body, as far as the limit goes. False: it did not fit.
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
