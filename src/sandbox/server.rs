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

pub(super) struct Answer {
    pub(super) response: Response<Bytes>,
    /// What keeps the response from arriving.
    pub(super) fault: Option<Fault>,
}

/// How the sandbox loses the response to a request that it has received and applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It sends nothing, and keeps the connection open: the call waits for its timeout.
    Silence,
    /// It closes the connection before it sends anything.
    BrokenConnection,
    /// It closes the connection in the middle of the response's body.
    CutResponse,
}

pub(super) type Service = Arc<dyn Fn(Request<Bytes>) -> Answer + Send + Sync>;

impl Server {
    pub(super) fn start(service: Service) -> io::Result<Self> {
        let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = thread::spawn(move || {
            runtime.spawn(accept(listener, service));
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
            // At worst, it panicked; either way it has ended.
            drop(thread.join());
        }
    }
}

async fn accept(listener: TcpListener, service: Service) {
    loop {
        // A connection that ends before it is accepted ends no others.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let service = Arc::clone(&service);
        let respond = service_fn(move |request| respond(request, Arc::clone(&service)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), respond));
    }
}

/// An error closes the connection.
async fn respond(request: Request<Incoming>, service: Service) -> io::Result<Response<AnswerBody>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let Answer { mut response, fault } = service(Request::from_parts(head, body));
    match fault {
        None => Ok(response.map(AnswerBody::Whole)),
        Some(Fault::Silence) => pending().await,
        Some(Fault::BrokenConnection) => Err(io::Error::other("broken on purpose")),
        Some(Fault::CutResponse) => {
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
