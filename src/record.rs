//! What has come back of a response so far: kept even if reading is cancelled in the middle of a body.

use crate::raw_response::RawResponse;
use bytes::{Bytes, BytesMut};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
