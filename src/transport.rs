//! The one place where a generated operation touches the wire.

use crate::{auth::AccessToken, client::Shared, generated, response::Reply};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use progenitor_client::ResponseValue;
use reqwest::Url;
use serde::de::DeserializeOwned;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One attempt: what it sends besides the request, and what comes back.
pub(crate) struct Exchange {
    pub(crate) token: AccessToken,
    shared: Arc<Shared>,
    pub(crate) record: Record,
}

/// What has come back so far, kept also when reading is cancelled in the middle of a body.
#[derive(Default)]
pub(crate) struct Record(Mutex<Received>);

#[derive(Default)]
struct Received {
    head: Option<(StatusCode, HeaderMap)>,
    body: Bytes,
    end: End,
}

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
    pub(crate) fn new(token: AccessToken, shared: Arc<Shared>) -> Self {
        Self { token, shared, record: Record::default() }
    }

    /// The URL of a path below the base URL, which is not parsed again.
    pub(crate) fn url(&self, path: &str) -> Url {
        let base_url = &self.shared.base_url;
        let mut url = base_url.clone();
        match base_url.path() {
            "/" => url.set_path(path),
            prefix => url.set_path(&[prefix, path].concat()),
        }
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
            self.record.receive(&mut response, self.shared.body_limit).await;
            Ok(response)
        }
    }

    /// The value of the reply. A body that did not come whole has none: the record says why.
    #[allow(clippy::result_large_err)] // It is the error of the generated method.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<ResponseValue<T>, generated::Error> {
        let received = self.record.received();
        let Received { head: Some((status, _)), body, end: End::Complete } = &*received else {
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
        let Received { head, body, end } = std::mem::take(&mut *self.received());
        (head.map(|(status, headers)| Reply { status, headers, body }), end)
    }

    pub(crate) fn head(&self, status: StatusCode, headers: HeaderMap) {
        self.received().head = Some((status, headers));
    }

    /// Reads a response frame by frame.
    pub(crate) async fn receive(&self, response: &mut reqwest::Response, limit: usize) {
        self.head(response.status(), std::mem::take(response.headers_mut()));
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    if !self.received().append(chunk, limit) {
                        break End::TooLarge;
                    }
                }
                Ok(None) => break End::Complete,
                Err(error) => break End::Cut(error),
            }
        };
        self.received().end = end;
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Received {
    /// Adds a frame, as far as the limit goes. False: it did not fit.
    fn append(&mut self, mut frame: Bytes, limit: usize) -> bool {
        let room = limit - self.body.len();
        let fits = frame.len() <= room;
        frame.truncate(room);
        if self.body.is_empty() {
            // The usual reply is one frame, and is kept without a copy.
            self.body = frame;
        } else {
            let mut body = BytesMut::from(std::mem::take(&mut self.body));
            body.extend_from_slice(&frame);
            self.body = body.freeze();
        }
        fits
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}
