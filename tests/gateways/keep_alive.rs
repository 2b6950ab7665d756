//! Connections that a gateway closes just as the client is about to use them.

use crate::{
    calls::{Call, builder, call, client, count},
    gateway::Gateway,
    haproxy::haproxy,
    judge::judge,
    ledger::{Ledger, Then::Answer},
    nginx::{nginx_with, upstream},
};
use futures_util::future::join_all;
use std::{collections::HashMap, thread, time::Duration};
use tokio::task::JoinSet;
use traxes_connect::{Client, Outcome::Unknown};

const WORKERS: usize = 32;
const EACH: usize = 12;

/// Close to the one second after which the gateway closes a connection.
fn pause() -> Duration {
    Duration::from_micros(fastrand::u64(996_000..1_003_000))
}

async fn closing_connections_are_survived(ledger: Ledger, gateway: Gateway) {
    let mut running = JoinSet::new();
    for _ in 0..WORKERS {
        // Its own client, and so one connection that nobody else keeps busy.
        let client = client(gateway.port);
        running.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..EACH {
                made.push(call(&client).await);
                tokio::time::sleep(pause()).await;
            }
            made
        });
    }
    let calls: Vec<Call> = running.join_all().await.into_iter().flatten().collect();
    judge(gateway.name, &ledger, &calls);
    let connections = connections(&calls);
    let reused = connections.values().filter(|responses| **responses > 1).count();
    let unknown = count(&calls, is_unknown);
    println!("{}: {} connections, {reused} reused, {unknown} calls unknown", gateway.name, connections.len());
    assert!(connections.len() > 2 * WORKERS, "hardly any connection was closed");
    assert!(reused > WORKERS / 2, "hardly any connection was kept");
}

/// The client's only thread is blocked while the gateway closes its connections, and the next calls take those connections
/// before the client has polled any of them. How many calls that leaves unknown depends on the client's idle timeout.
async fn unknown_after_a_standstill(client: Client, ledger: &Ledger, gateway: &Gateway) -> usize {
    let before = at_once(&client).await;
    judge(gateway.name, ledger, &before);
    assert_eq!(count(&before, |call| call.result.is_ok()), WORKERS, "the gateway does not reach the ledger");
    thread::sleep(Duration::from_millis(1300));
    let after = at_once(&client).await;
    judge(gateway.name, ledger, &after);
    let (earlier, later) = (connections(&before), connections(&after));
    // A port may be reused by chance.
    let kept = later.keys().filter(|connection| earlier.contains_key(*connection)).count();
    assert!(earlier.len() > WORKERS / 2 && kept < WORKERS / 4, "of {} connections, {kept} were kept", earlier.len());
    count(&after, is_unknown)
}

async fn at_once(client: &Client) -> Vec<Call> {
    join_all((0..WORKERS).map(|_| call(client))).await
}

async fn a_standstill_is_survived(ledger: Ledger, gateway: Gateway) {
    let unknown = unknown_after_a_standstill(client(gateway.port), &ledger, &gateway).await;
    println!("{}: {unknown} of {WORKERS} calls unknown after a standstill", gateway.name);
    // There is no risk if the client drops idle connections before the gateway does.
    let shorter = builder(gateway.port).pool_idle_timeout(Duration::from_millis(500)).build().unwrap();
    assert_eq!(unknown_after_a_standstill(shorter, &ledger, &gateway).await, 0);
}

fn is_unknown(call: &Call) -> bool {
    call.result.as_ref().is_err_and(|error| error.outcome() == Unknown)
}

/// How many responses each connection carried. The gateway names the connection in `x-connection`.
fn connections(calls: &[Call]) -> HashMap<String, usize> {
    let mut responses = HashMap::new();
    for connection in calls.iter().filter_map(|call| call.header("x-connection")) {
        *responses.entry(connection.to_owned()).or_default() += 1;
    }
    responses
}

const FOR_NGINX: &str = "keepalive_timeout 1s;
    location / { proxy_pass http://ledger; add_header x-connection $remote_port always; }";

const FOR_HAPROXY: &str = "timeout client 1s
            timeout http-keep-alive 1s
            http-after-response set-header x-connection %[src_port]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_nginx_a_closing_connection_neither_duplicates_nor_misreports_a_call() {
    let ledger = Ledger::start(&[Answer]).await;
    let nginx = nginx_with(&upstream(&ledger), FOR_NGINX).await;
    closing_connections_are_survived(ledger, nginx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_haproxy_a_closing_connection_neither_duplicates_nor_misreports_a_call() {
    let ledger = Ledger::start(&[Answer]).await;
    let haproxy = haproxy(&ledger, FOR_HAPROXY).await;
    closing_connections_are_survived(ledger, haproxy).await;
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_nginx_connections_closed_during_a_standstill_neither_duplicate_nor_misreport_calls() {
    let ledger = Ledger::start(&[Answer]).await;
    let nginx = nginx_with(&upstream(&ledger), FOR_NGINX).await;
    a_standstill_is_survived(ledger, nginx).await;
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_haproxy_connections_closed_during_a_standstill_neither_duplicate_nor_misreport_calls() {
    let ledger = Ledger::start(&[Answer]).await;
    let haproxy = haproxy(&ledger, FOR_HAPROXY).await;
    a_standstill_is_survived(ledger, haproxy).await;
}
