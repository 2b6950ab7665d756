//! The same call three ways: with this crate, hand-written with reqwest and serde, and with bare hyper.
#![allow(dead_code)]

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request,
    client::conn::http1::SendRequest,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use traxes_connect::{Client, CollectiveOnboardingRequest, CollectiveType};
use uuid::Uuid;

pub const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzY29wZSI6ImVzcCIsImV4cCI6MTc2MzgzMDAwMH0.c2lnbmF0dXJl";
const PATH: &str = "/v1/onboarding/collectives";
const TIMEOUT: Duration = Duration::from_secs(30);
const OWNER: Uuid = Uuid::from_u128(0x3c90_c3cc_0d44_4b50_8888_8dd2_5736_052a);

/// The documentation page's example.
pub const RESPONSE: &str = r#"{"action":{"documentationLink":"https://docs.example/consent","redirectLink":"https://consent.example/c/3c90c3cc","type":"Consent"},"created":"2023-11-07T05:31:56Z","data":{"collective":{"id":"3c90c3cc-0d44-4b50-8888-8dd25736052a","name":"Rue de la Loi 16","owner":"3c90c3cc-0d44-4b50-8888-8dd25736052a","properties":{"floor":3,"tags":["a","b"]},"type":"Household"},"entity":{"collectiveId":"3c90c3cc-0d44-4b50-8888-8dd25736052a","id":"3c90c3cc-0d44-4b50-8888-8dd25736052a","information":{"type":"Battery","brand":"Acme","identifier":"A-1","pairingCode":"1234","associatedEmail":"a@b.example","name":"Cellar","track":"oem"},"owner":"3c90c3cc-0d44-4b50-8888-8dd25736052a","properties":{},"reference":{"brand":"Acme","type":"battery","identifier":"A-1"},"systemProperties":null,"type":"Battery"}},"id":"3c90c3cc-0d44-4b50-8888-8dd25736052a","principalId":"3c90c3cc-0d44-4b50-8888-8dd25736052a","requestType":"Collective","returnUrl":null,"status":"Pending","errors":null}"#;

/// Answers every request with the same 201, on any number of connections.
pub async fn serve(listener: TcpListener) {
    let response = format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ndate: Sun, 22 Nov 2026 20:00:00 GMT\r\n\
         x-request-id: 0b8f4e12-8993-4de1-94ca-ab12d7c6712f\r\nserver: bench\r\ncontent-length: {}\r\n\r\n{RESPONSE}",
        RESPONSE.len()
    );
    loop {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let response = response.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true).expect("an open socket");
            let mut buffer = Vec::with_capacity(4096);
            while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                // Bodies end with a brace, heads with an empty line, and no client here pipelines.
                if buffer.ends_with(b"}") {
                    buffer.clear();
                    stream.write_all(response.as_bytes()).await.expect("a client that reads");
                }
            }
        });
    }
}

/// Runs a server on its own thread.
pub fn server() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { serve(TcpListener::from_std(listener).expect("a socket")).await });
    });
    address
}

/// Times `rounds` rounds of `in_flight` concurrent calls, each made by its own future.
pub fn timed<F>(runtime: &Runtime, rounds: u64, in_flight: u64, call: impl Fn() -> F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime.block_on(async {
        let started = Instant::now();
        for _ in 0..rounds {
            let mut calls: JoinSet<()> = (0..in_flight).map(|_| call()).collect();
            while let Some(call) = calls.join_next().await {
                call.expect("a call that succeeds");
            }
        }
        started.elapsed()
    })
}

pub fn request() -> CollectiveOnboardingRequest {
    CollectiveOnboardingRequest::new("Rue de la Loi 16").collective_type(CollectiveType::Household).owner(OWNER)
}

pub fn ours(address: SocketAddr) -> Client {
    Client::builder().token(TOKEN).base_url(format!("http://{address}")).build().expect("good settings")
}

/// A typical hand-written client: reqwest, closed types, and an error for any other status.
#[derive(Clone)]
pub struct Handwritten {
    http: reqwest::Client,
    base_url: String,
}

impl Handwritten {
    pub fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder()
            .user_agent("handwritten/1.0")
            .connect_timeout(Duration::from_secs(5))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("good settings");
        Self { http, base_url: format!("http://{address}") }
    }

    pub async fn create(&self, request: &closed::Request) -> Result<closed::Onboarding, Box<dyn std::error::Error>> {
        let url = format!("{}{PATH}", self.base_url);
        let request = self.http.post(url).bearer_auth(TOKEN).header(ACCEPT, "application/json").json(request);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

pub struct Hyper {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Hyper {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server");
        stream.set_nodelay(true).expect("an open socket");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Self { sender, host: address.to_string() }
    }

    pub async fn create(&mut self, request: &closed::Request) -> closed::Onboarding {
        let body = serde_json::to_vec(request).expect("JSON");
        let request = Request::builder()
            .method(Method::POST)
            .uri(PATH)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .expect("a request");
        let response = self.sender.send_request(request).await.expect("a response");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        serde_json::from_slice(&body).expect("an onboarding request")
    }
}

/// The documented types, closed: the minimum that a hand-written client decodes into.
pub mod closed {
    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Request {
        #[serde(skip_serializing_if = "Option::is_none")]
        pub collective_id: Option<Uuid>,
        pub name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub owner: Option<Uuid>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub properties: Option<Value>,
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        pub kind: Option<CollectiveKind>,
    }

    pub fn request() -> Request {
        Request {
            collective_id: None,
            name: Some("Rue de la Loi 16".to_owned()),
            owner: Some(OWNER),
            properties: None,
            kind: Some(CollectiveKind::Household),
        }
    }

    #[derive(Serialize, Deserialize)]
    pub enum CollectiveKind {
        Household,
        Fleet,
        SolarFarm,
        VirtualPowerPlant,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Onboarding {
        pub action: Option<Action>,
        pub created: Option<DateTime<Utc>>,
        pub data: Option<Data>,
        pub errors: Option<Vec<Problem>>,
        pub id: Option<Uuid>,
        pub principal_id: Option<Uuid>,
        pub request_type: Option<RequestType>,
        pub return_url: Option<String>,
        pub status: Option<Status>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Action {
        pub documentation_link: Option<String>,
        pub redirect_link: Option<String>,
        #[serde(rename = "type")]
        pub kind: Option<ActionKind>,
    }

    #[derive(Deserialize)]
    pub enum ActionKind {
        Consent,
    }

    #[derive(Deserialize)]
    pub enum RequestType {
        Collective,
        Entity,
    }

    #[derive(Deserialize)]
    pub enum Status {
        Canceled,
        Failed,
        InProgress,
        Pending,
        Succeeded,
    }

    #[derive(Deserialize)]
    pub struct Data {
        pub collective: Option<Collective>,
        pub entity: Option<Entity>,
    }

    #[derive(Deserialize)]
    pub struct Problem {
        pub code: Option<String>,
        pub message: Option<String>,
    }

    #[derive(Deserialize)]
    pub struct Collective {
        pub id: Option<Uuid>,
        pub name: Option<String>,
        pub owner: Option<Uuid>,
        pub properties: Option<Value>,
        #[serde(rename = "type")]
        pub kind: Option<CollectiveKind>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Entity {
        pub collective_id: Option<Uuid>,
        pub id: Option<Uuid>,
        pub information: Option<Information>,
        pub owner: Option<Uuid>,
        pub properties: Option<Value>,
        pub reference: Option<Reference>,
        pub system_properties: Option<Value>,
        #[serde(rename = "type")]
        pub kind: Option<EntityKind>,
    }

    #[derive(Deserialize)]
    pub enum EntityKind {
        Battery,
        ChargePoint,
        EV,
        HeatPump,
        SolarPlant,
        RetrofitMeter,
        Meter,
        Inverter,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Information {
        pub associated_email: Option<String>,
        pub brand: Option<String>,
        pub identifier: Option<String>,
        pub name: Option<String>,
        pub pairing_code: Option<String>,
        pub track: Option<String>,
        #[serde(rename = "type")]
        pub kind: Option<EntityKind>,
    }

    #[derive(Deserialize)]
    pub struct Reference {
        pub brand: Option<String>,
        pub identifier: Option<String>,
        #[serde(rename = "type")]
        pub kind: Option<String>,
    }
}
