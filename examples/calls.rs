//! Makes N calls on one connection, so that `valgrind --tool=callgrind` at two values of N shows what one call costs: see
//! BENCHMARKS.md.
//!
//! `calls ours|handwritten|hyper N`. The server runs in another process, so that its work is not counted.

#[path = "../benches/clients/mod.rs"]
mod clients;

use clients::{Handwritten, Hyper, closed};
use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments == ["serve"] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        clients::serve(listener).await;
    }
    let [client, calls] = &arguments[..] else { return Err("usage: calls ours|handwritten|hyper N".into()) };
    let calls: usize = calls.parse()?;
    let mut server = Command::new(env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("it is piped")).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    match client.as_str() {
        "ours" => {
            let (client, request) = (clients::ours(address), clients::request());
            for _ in 0..calls {
                client.create_collective_onboarding(&request).await?;
            }
        }
        "handwritten" => {
            let (client, request) = (Handwritten::new(address), closed::request());
            for _ in 0..calls {
                client.create(&request).await?;
            }
        }
        "hyper" => {
            let (mut client, request) = (Hyper::connect(address).await, closed::request());
            for _ in 0..calls {
                client.create(&request).await;
            }
        }
        other => return Err(format!("unknown client {other}: use ours, handwritten or hyper").into()),
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}
