//! Whether a request was sent: until the connection asks for its body, it was not.

use crate::error::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::{io, mem};

/// Settles, once, which came first: the connection asking for the body, or the end of the attempt.
///
/// A plain flag could be read just before the connection sets it. Here, a connection that asks too late gets no body, so a
/// request that was reported as not sent cannot be sent afterwards.
#[derive(Debug, Default)]
pub(crate) struct Witness(OnceLock<First>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    Connection,
    End,
}

impl Witness {
    /// The attempt has ended. Returns whether its request may have been sent, wholly or in part.
    pub(crate) fn was_sent(&self) -> bool {
        *self.0.get_or_init(|| First::End) == First::Connection
    }

    fn count_as_sent(&self) {
        self.0.get_or_init(|| First::Connection);
    }

    fn may_send(&self) -> bool {
        *self.0.get_or_init(|| First::Connection) == First::Connection
    }
}

/// A request body that tells its witness when it is asked for. Its size stays exact, so `content-length` stays on the wire.
pub(crate) struct WitnessedBody {
    body: reqwest::Body,
    witness: Arc<Witness>,
}

impl WitnessedBody {
    /// Attaches a witness to a request. A request without a body counts as sent: no connection asks for it.
    pub(crate) fn wrap(request: &mut reqwest::Request, witness: &Arc<Witness>) {
        match request.body_mut() {
            Some(body) if !body.is_end_stream() => {
                let witnessed = Self { body: mem::take(body), witness: Arc::clone(witness) };
                *body = reqwest::Body::wrap(witnessed);
            }
            _ => witness.count_as_sent(),
        }
    }
}

impl Body for WitnessedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.witness.may_send() {
            return Poll::Ready(Some(Err(io::Error::other("the attempt has ended").into())));
        }
        Pin::new(&mut self.body).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witnessed(body: &'static str) -> (reqwest::Request, Arc<Witness>) {
        let mut request = reqwest::Client::new().post("http://localhost").body(body).build().unwrap();
        let witness = Arc::default();
        WitnessedBody::wrap(&mut request, &witness);
        (request, witness)
    }

    fn poll(request: &mut reqwest::Request) -> Poll<Option<reqwest::Result<Frame<Bytes>>>> {
        let body = Pin::new(request.body_mut().as_mut().unwrap());
        body.poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn a_body_that_was_asked_for_may_have_been_sent() {
        let (mut request, witness) = witnessed("body");
        assert_eq!(request.body().unwrap().size_hint().exact(), Some(4));
        assert!(matches!(poll(&mut request), Poll::Ready(Some(Ok(_)))));
        assert!(witness.was_sent());
    }

    #[test]
    fn a_connection_that_asks_after_the_end_gets_no_body() {
        let (mut request, witness) = witnessed("body");
        assert!(!witness.was_sent());
        assert!(matches!(poll(&mut request), Poll::Ready(Some(Err(_)))));
        assert!(!witness.was_sent());
    }

    #[test]
    fn a_request_without_a_body_counts_as_sent() {
        assert!(witnessed("").1.was_sent());
    }
}
