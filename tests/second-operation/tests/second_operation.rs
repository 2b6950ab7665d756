//! A second operation takes one method and gets everything that the first one has.

use second_operation::{Client, ErrorKind, Outcome};
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};
use uuid::Uuid;

/// Answers one request on loopback. Returns the base URL, and a handle that yields what was received.
fn answers(response: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/connect", listener.local_addr().unwrap());
    let received = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(response.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, received)
}

#[tokio::test]
async fn a_second_operation_sends_and_decodes_as_documented() {
    let (url, received) = answers("HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"status\":\"Succeeded\"}");
    let client = Client::builder().token("secret").base_url(url).build().unwrap();
    let onboarding = client.onboarding_request(Uuid::nil()).await.unwrap();
    assert!(onboarding.is_succeeded() && onboarding.attempts() == 1);
    let request = received.join().unwrap().to_lowercase();
    let (line, headers) = request.split_once("\r\n").unwrap();
    let query = "request=7&response=full&url=x";
    assert_eq!(
        line,
        format!("get /connect/v1/onboarding/requests/00000000-0000-0000-0000-000000000000?{query} http/1.1")
    );
    assert!(headers.contains("authorization: bearer secret\r\n"), "{headers}");
    // The documented header, not progenitor's own header of the same name.
    let versions: Vec<_> = headers.lines().filter(|line| line.starts_with("api-version")).collect();
    assert_eq!(versions, ["api-version: 2026-11-24"]);
}

#[tokio::test]
async fn a_second_operation_says_whether_it_happened() {
    let (url, received) = answers("HTTP/1.1 404 Not Found\r\ncontent-length: 17\r\n\r\n{\"code\":\"Nobody\"}");
    let client = Client::builder().token("secret").base_url(url).build().unwrap();
    let error = client.onboarding_request(Uuid::nil()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.code()), (ErrorKind::Status, Outcome::Rejected, Some("Nobody")));
    assert!(error.to_string().starts_with("get_onboarding_request was rejected: "), "{error}");
    received.join().unwrap();
}

#[tokio::test]
async fn a_safe_operation_is_always_retried_and_its_error_never_mentions_being_applied() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    let client = Client::builder().token("secret").base_url(url).build().unwrap();
    let error = client.onboarding_request(Uuid::nil()).await.unwrap_err();
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 3));
    assert!(error.to_string().starts_with("get_onboarding_request failed: the server answered 500"), "{error}");
    assert!(error.to_string().ends_with("; it is safe to retry"), "{error}");
    assert!(!format!("{error} {error:?}").contains("applied"), "{error:?}");
    served.join().unwrap();
}
