//! A loopback server that does as it is told: real sockets, real bytes, a queue of behaviours.

use std::{
    collections::VecDeque,
    env,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// An example, which cargo builds with the tests, without any environment variables that it would read.
pub fn example(name: &str) -> Command {
    let tests = PathBuf::from(env::current_exe().unwrap().parent().unwrap());
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let path = tests.parent().unwrap().join("examples").join(name);
    assert!(path.exists(), "cargo skips the examples when a test is named: run cargo build --examples --all-features");
    let mut command = Command::new(path);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TRAXES_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG");
    command
}

/// What the server does with one connection or request.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub when: When,
    pub write: Vec<u8>,
    pub then: Then,
    /// How long the server waits before it writes.
    pub delay: Duration,
    /// Whether the request is applied before the response.
    pub applies: Applies,
}

/// A server that answers for itself knows what it did. One in front of another server does not, so its response proves nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Applies {
    Always,
    Never,
    ByChance,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// As soon as the connection is accepted, before a byte is read.
    OnAccept,
    /// After the request's head, before its body.
    AfterHead,
    AfterRequest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    KeepAlive,
    Close,
    Reset,
    Stall,
    /// Writes spaces for as long as the client reads them.
    Endless,
}

/// A request, and whether the server applied it.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// When its head arrived.
    pub at: Instant,
    pub applied: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub const CREATED: &str = r#"{"id":"3c90c3cc-0d44-4b50-8888-8dd25736052a","status":"Pending"}"#;

/// The statuses with which a server refuses a request that it has not applied: the client errors that IANA registers, except
/// 408 and the unused 418, and the two redirects that ask for the same request elsewhere.
/// <https://www.iana.org/assignments/http-status-codes>
///
/// This is the one thing that the client and this server both take from the standard. A firewall that answered 403 after it had
/// forwarded the request would violate it, and no client could tell.
pub const REFUSALS: [u16; 29] = [
    307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424,
    425, 426, 428, 429, 431, 451,
];

/// A complete response on a connection that is kept alive.
pub fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Behaviour {
    let mut head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    raw(When::AfterRequest, [head.as_bytes(), b"\r\n", body.as_bytes()].concat(), Then::KeepAlive)
}

pub fn created() -> Behaviour {
    response(201, &[("content-type", "application/json"), ("x-request-id", "req-1")], CREATED)
}

pub fn raw(when: When, write: impl Into<Vec<u8>>, then: Then) -> Behaviour {
    let write = write.into();
    let status = write.strip_prefix(b"HTTP/1.1 ").and_then(|rest| str::from_utf8(rest.get(..3)?).ok()?.parse().ok());
    let applies = match status {
        // It has not read the whole request.
        _ if when != When::AfterRequest => Applies::Never,
        Some(201) => Applies::Always,
        Some(status) if REFUSALS.contains(&status) => Applies::Never,
        _ => Applies::ByChance,
    };
    Behaviour { when, write, then, delay: Duration::ZERO, applies }
}

impl Behaviour {
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub fn applies(mut self, applies: Applies) -> Self {
        self.applies = applies;
        self
    }
}

type Next = Box<dyn FnMut() -> Behaviour + Send>;

struct State {
    queue: VecDeque<Behaviour>,
    next: Next,
    requests: Vec<Request>,
    connections: usize,
}

pub struct Server {
    pub port: u16,
    state: Arc<Mutex<State>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Takes one behaviour from the queue per request, and answers 201 once it is empty.
    pub async fn queue(queue: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::start(0, queue.into_iter().collect(), Box::new(created)).await
    }

    /// The same, on a port of one's own.
    pub async fn queue_on(port: u16, queue: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::start(port, queue.into_iter().collect(), Box::new(created)).await
    }

    /// Calls `next` for each behaviour.
    pub async fn endless(next: impl FnMut() -> Behaviour + Send + 'static) -> Self {
        Self::start(0, VecDeque::new(), Box::new(next)).await
    }

    /// The same, on a port of one's own.
    pub async fn endless_on(port: u16, next: impl FnMut() -> Behaviour + Send + 'static) -> Self {
        Self::start(port, VecDeque::new(), Box::new(next)).await
    }

    async fn start(port: u16, queue: VecDeque<Behaviour>, next: Next) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { queue, next, requests: Vec::new(), connections: 0 }));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state, accepting }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

/// An address whose connection queue is full: connection attempts get no answer.
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    pub async fn open() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
            assert!(waiting.len() < 64, "the queue did not fill");
        }
        Self { address, _listener: listener, _waiting: waiting }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A port that nobody listens on.
pub async fn refusing_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let draw = || {
        let mut state = state.lock().unwrap();
        state.queue.pop_front().unwrap_or_else(|| (state.next)())
    };
    let mut buffer = Vec::new();
    let mut drawn = Some(draw());
    if let Some(behaviour) = drawn.take_if(|b| b.when == When::OnAccept) {
        return act(&mut stream, &behaviour).await;
    }
    while let Some(mut request) = read_head(&mut stream, &mut buffer).await {
        let behaviour = drawn.take().unwrap_or_else(draw);
        if behaviour.when == When::AfterRequest {
            let Some(body) = read_body(&mut stream, &mut buffer, &request).await else { return };
            request.body = body;
            request.applied = match behaviour.applies {
                Applies::Always => true,
                Applies::Never => false,
                Applies::ByChance => fastrand::bool(),
            };
        }
        state.lock().unwrap().requests.push(request);
        act(&mut stream, &behaviour).await;
        if behaviour.then != Then::KeepAlive {
            return;
        }
    }
    if let Some(unused) = drawn {
        state.lock().unwrap().queue.push_front(unused);
    }
}

async fn act(stream: &mut TcpStream, behaviour: &Behaviour) {
    tokio::time::sleep(behaviour.delay).await;
    if stream.write_all(&behaviour.write).await.is_err() {
        return;
    }
    match behaviour.then {
        Then::KeepAlive | Then::Close => {}
        Then::Reset => stream.set_zero_linger().unwrap(),
        Then::Stall => tokio::time::sleep(Duration::from_secs(3600)).await,
        Then::Endless => while stream.write_all(&[b' '; 16 * 1024]).await.is_ok() {},
    }
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
        }
        read_some(stream, buffer).await?;
    };
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned()));
    Some(Request { line, headers: headers.collect(), body: Vec::new(), at: Instant::now(), applied: false })
}

async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &Request) -> Option<Vec<u8>> {
    let length = request.header("content-length").map_or(0, |l| l.parse().unwrap());
    while buffer.len() < length {
        read_some(stream, buffer).await?;
    }
    Some(buffer.drain(..length).collect())
}

async fn read_some(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
