//! The one place where a generated operation touches the wire.

use crate::{auth::AccessToken, client::Shared, generated, response::Reply};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use progenitor_client::{ClientHooks, OperationInfo};
use reqwest::{ResponseBuilderExt, Url};
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

    /// Reads a response frame by frame. None: the body did not come whole.
    pub(crate) async fn receive(&self, mut response: reqwest::Response, limit: usize) -> Option<Bytes> {
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
        let mut received = self.received();
        let whole = matches!(end, End::Complete).then(|| received.body.clone());
        received.end = end;
        whole
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

impl ClientHooks<Arc<Exchange>> for generated::Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, _: &OperationInfo) -> Result<(), generated::Error<E>> {
        request.headers_mut().insert(AUTHORIZATION, self.inner.token.header());
        Ok(())
    }

    async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        let mut response = self.client.execute(request).await?;
        let mut whole = http::Response::builder().status(response.status());
        // Without a URL of its own the response would parse a made-up one. It is put where there is room for it already.
        if let Some(extensions) = whole.extensions_mut() {
            *extensions = std::mem::take(response.extensions_mut());
        }
        let whole = whole.url(response.url().clone());
        // A body that did not come whole is not decoded: the record says why.
        let body = self.inner.record.receive(response, self.inner.shared.body_limit).await.unwrap_or_default();
        Ok(whole.body(body).expect("a status that was received").into())
    }
}
