//! The backend: it records each request before it answers, and the record survives its death.

use std::{
    collections::HashMap,
    future::pending,
    iter::Cycle,
    net::{Ipv4Addr, SocketAddr},
    slice,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use uuid::Uuid;

/// What the ledger does after applying a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    Answer,
    /// Late enough that some requests are always in flight.
    AnswerLate,
    Close,
    Reset,
    Stall,
}

const LATE: Duration = Duration::from_millis(20);

/// How a connection ends.
enum End {
    Close,
    Reset,
}

struct Book {
    applied: Mutex<HashMap<Uuid, usize>>,
    script: Mutex<Cycle<slice::Iter<'static, Then>>>,
    stalled: AtomicUsize,
}

pub struct Ledger {
    /// Two ports, as if two servers shared one record.
    pub ports: [u16; 2],
    book: Arc<Book>,
    /// Dropping this ends every task.
    life: Option<watch::Sender<()>>,
    listening: Vec<JoinHandle<()>>,
    held: Vec<TcpSocket>,
}

impl Ledger {
    /// Takes one step of the script per request, and starts over after the last.
    pub async fn start(script: &'static [Then]) -> Self {
        let book = Arc::new(Book {
            applied: Mutex::default(),
            script: Mutex::new(script.iter().cycle()),
            stalled: AtomicUsize::new(0),
        });
        let mut ledger = Self { ports: [0; 2], book, life: None, listening: Vec::new(), held: Vec::new() };
        ledger.listen().await;
        ledger
    }

    pub fn follow(&self, script: &'static [Then]) {
        *self.book.script.lock().unwrap() = script.iter().cycle();
    }

    /// How many times a collective was created.
    pub fn applied(&self, id: Uuid) -> usize {
        self.book.applied.lock().unwrap().get(&id).copied().unwrap_or_default()
    }

    /// How many requests were applied and then left to stall.
    pub fn stalled(&self) -> usize {
        self.book.stalled.load(Relaxed)
    }

    /// Resets every connection regardless of what is in flight, and refuses new ones.
    pub async fn kill(&mut self) {
        self.life = None;
        for task in self.listening.drain(..) {
            task.await.unwrap();
        }
        // A port that is bound but not listening refuses connections, and no other test can take it.
        self.held = self.ports.iter().map(|port| bind(*port)).collect();
    }

    pub async fn revive(&mut self) {
        self.held.clear();
        self.listen().await;
    }

    async fn listen(&mut self) {
        let (life, alive) = watch::channel(());
        self.life = Some(life);
        for port in &mut self.ports {
            let listener = bind(*port).listen(1024).unwrap();
            *port = listener.local_addr().unwrap().port();
            self.listening.push(tokio::spawn(accept(listener, Arc::clone(&self.book), alive.clone())));
        }
    }
}

fn bind(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    // Connections from an earlier life may still be open.
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    socket
}

async fn accept(listener: TcpListener, book: Arc<Book>, mut alive: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(serve(stream, Arc::clone(&book), alive.clone()));
            }
            _ = alive.changed() => break,
        }
    }
    // Dropped first, so that nothing gets in while the connections end.
    drop(listener);
    connections.join_all().await;
}

async fn serve(mut stream: TcpStream, book: Arc<Book>, mut alive: watch::Receiver<()>) {
    let end = tokio::select! {
        end = converse(&mut stream, &book) => end,
        _ = alive.changed() => End::Reset,
    };
    if let End::Reset = end {
        stream.set_zero_linger().unwrap();
    }
}

async fn converse(stream: &mut TcpStream, book: &Book) -> End {
    let mut buffer = Vec::new();
    while let Some(id) = read_request(stream, &mut buffer).await {
        *book.applied.lock().unwrap().entry(id).or_default() += 1;
        let then = book.script.lock().unwrap().next().expect("a script has a step");
        match then {
            Then::Answer => {}
            Then::AnswerLate => tokio::time::sleep(LATE).await,
            Then::Close => return End::Close,
            Then::Reset => return End::Reset,
            Then::Stall => {
                book.stalled.fetch_add(1, Relaxed);
                pending::<()>().await;
            }
        }
        if stream.write_all(created().as_bytes()).await.is_err() {
            break;
        }
    }
    End::Close
}

fn created() -> String {
    let body = format!(r#"{{"id":"{}","status":"Pending"}}"#, Uuid::new_v4());
    let length = body.len();
    format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nx-ledger: yes\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// The id in the next complete request, or None if the connection ended first.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Uuid> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = buffer.drain(..end + 4).collect();
            break String::from_utf8(head).unwrap().to_ascii_lowercase();
        }
        read_some(stream, buffer).await?;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.expect("a gateway forwards the length").trim().parse().unwrap();
    while buffer.len() < length {
        read_some(stream, buffer).await?;
    }
    let body: Vec<u8> = buffer.drain(..length).collect();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    Some(body["collectiveId"].as_str().unwrap().parse().unwrap())
}

async fn read_some(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
