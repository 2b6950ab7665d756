//! The small examples do what they claim.

#![cfg(feature = "sandbox")]

use rcgen::{CertifiedKey, KeyPair};
use std::{
    fs,
    process::{Command, Output},
    sync::{Arc, Mutex},
};
use support::example;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use traxes_connect::Sandbox;

#[test]
fn a_custom_token_source_survives_a_rotation() {
    let output = example("custom_token_source").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let expected = "with the first token: 1 attempt\nafter the rotation: 2 attempts\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

/// A proxy that demands credentials, presents its own certificate for every host, and forwards what it reads to the sandbox.
/// Returns its address and the request heads it received.
async fn inspecting_proxy(own: &CertifiedKey<KeyPair>, sandbox: &Sandbox) -> (String, Arc<Mutex<Vec<String>>>) {
    let tls = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], own.signing_key.serialize_der().try_into().unwrap());
    let (tls, heads) = (TlsAcceptor::from(Arc::new(tls.unwrap())), Arc::<Mutex<Vec<String>>>::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sandbox, seen) = (sandbox.url().strip_prefix("http://").unwrap().to_owned(), Arc::clone(&heads));
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            seen.lock().unwrap().push(head.clone());
            // user:password
            if !head.contains("dXNlcjpwYXNzd29yZA==") {
                client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
                continue;
            }
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let Ok(mut inside) = tls.accept(client).await else { continue };
            let mut api = TcpStream::connect(&sandbox).await.unwrap();
            let _ = copy_bidirectional(&mut inside, &mut api).await;
        }
    });
    (url, heads)
}

async fn output(mut command: Command) -> (Output, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let message = String::from_utf8(output.stderr.clone()).unwrap();
    (output, message)
}

#[tokio::test]
async fn a_request_goes_through_a_proxy_with_credentials_and_its_own_root() {
    let sandbox = Sandbox::start();
    let own = rcgen::generate_simple_self_signed(["api.invalid".to_owned()]).unwrap();
    let folder = TempDir::new().unwrap();
    let (root, other) = (folder.path().join("root.pem"), folder.path().join("other.pem"));
    fs::write(&root, own.cert.pem()).unwrap();
    let stranger = rcgen::generate_simple_self_signed(["api.invalid".to_owned()]).unwrap();
    fs::write(&other, stranger.cert.pem()).unwrap();
    let (proxy, heads) = inspecting_proxy(&own, &sandbox).await;
    let settings = [
        ("PROXY_URL", proxy.as_str()),
        ("PROXY_USER", "user"),
        ("PROXY_PASSWORD", "password"),
        ("PROXY_ROOT", root.to_str().unwrap()),
        ("TRAXES_ACCESS_TOKEN", "tok-1"),
        ("TRAXES_BASE_URL", "https://api.invalid"),
    ];
    let behind = |change: Option<(&str, &str)>| {
        let mut command = example("behind_a_proxy");
        command.envs(settings).envs(change);
        command
    };

    let (done, message) = output(behind(None)).await;
    assert!(done.status.success(), "{message}");
    assert!(String::from_utf8(done.stdout).unwrap().starts_with("created through the proxy: "));
    assert_eq!(sandbox.requests()[0].headers["authorization"], "Bearer tok-1");
    let head = heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("CONNECT api.invalid:443 ") && !head.contains("tok-1"), "{head}");

    for (name, value) in [("PROXY_PASSWORD", "stale"), ("PROXY_ROOT", other.to_str().unwrap())] {
        let (refused, message) = output(behind(Some((name, value)))).await;
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert!(message.contains("was not sent") && message.contains("fix it and retry"), "{name}: {message}");
        assert!(!message.contains("stale") && !message.contains("tok-1"), "{message}");
    }
    assert_eq!(sandbox.requests().len(), 1);

    for (name, value, problem) in [
        ("PROXY_URL", "", "PROXY_URL is not a proxy URL"),
        ("PROXY_ROOT", "nowhere.pem", "PROXY_ROOT cannot be read"),
        ("PROXY_ROOT", file!(), "PROXY_ROOT holds no certificate"),
        ("TRAXES_BASE_URL", "http://api.invalid", "use https"),
    ] {
        let (refused, message) = output(behind(Some((name, value)))).await;
        assert_eq!(refused.status.code(), Some(1), "{name}: {message}");
        assert!(message.starts_with("error: ") && message.contains(problem), "{name}: {message}");
    }
    for (name, _) in settings {
        let mut command = behind(None);
        command.env_remove(name);
        let (_, message) = output(command).await;
        assert_eq!(message, format!("error: {name} is not set: set it\n"));
    }
}
