//! An HTTP server on a thread of its own, which can fail in the middle of an answer.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::pending;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::{io, mem, net};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::oneshot;

pub(super) struct Server {
    pub(super) port: u16,
    /// The thread ends when this is dropped.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

pub(super) enum Answer {
    Response(Response<Bytes>),
    Silence,
    BrokenConnection,
    CutResponse(Response<Bytes>),
}

impl Server {
    pub(super) fn start(answer: impl Fn(Request<Bytes>) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = thread::spawn(move || {
            runtime.spawn(accept(listener, Arc::new(answer)));
            drop(runtime.block_on(stopped));
        });
        Ok(Self { port, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    /// Once it is dropped, nothing listens on its port.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has panicked at worst, and is over then.
            drop(thread.join());
        }
    }
}

async fn accept<F>(listener: net::TcpListener, answer: Arc<F>) -> io::Result<()>
where
    F: Fn(Request<Bytes>) -> Answer + Send + Sync + 'static,
{
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request| respond(request, Arc::clone(&answer)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// An error closes the connection.
async fn respond<F>(request: Request<Incoming>, answer: Arc<F>) -> io::Result<Response<AnswerBody>>
where
    F: Fn(Request<Bytes>) -> Answer,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match answer(Request::from_parts(head, body)) {
        Answer::Response(response) => Ok(response.map(AnswerBody::Whole)),
        Answer::Silence => pending().await,
        Answer::BrokenConnection => Err(io::Error::other("broken on purpose")),
        Answer::CutResponse(mut response) => {
            let length = response.body().len();
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            Ok(response.map(|body| AnswerBody::FirstHalf(body.slice(..length / 2))))
        }
    }
}

enum AnswerBody {
    Whole(Bytes),
    FirstHalf(Bytes),
    /// A pause, in which the connection sends what it has.
    Pause,
    Cut,
    End,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match mem::replace(&mut *self, Self::End) {
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Self::FirstHalf(bytes) => {
                *self = Self::Pause;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Pause => {
                *self = Self::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Cut => Poll::Ready(Some(Err(io::Error::other("cut on purpose")))),
            Self::End => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::End) || matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
