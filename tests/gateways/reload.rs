//! A gateway reloads its configuration while calls are running.

use crate::{
    calls::{Call, call, client, count},
    gateway::Gateway,
    haproxy::haproxy_with_master,
    judge::judge,
    ledger::{Ledger, Then::AnswerLate},
    nginx::{nginx_with, upstream},
    until,
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const WORKERS: usize = 16;
const RELOADS: usize = 5;

/// In `x-worker`, the gateway names the process that sent a response.
async fn reloads_are_survived(ledger: Ledger, gateway: Gateway, signal: &str) {
    let client = client(gateway.port);
    let processes = Arc::new(Mutex::new(HashSet::new()));
    let over = Arc::new(AtomicBool::new(false));
    let mut running = JoinSet::new();
    for _ in 0..WORKERS {
        let (client, processes, over) = (client.clone(), Arc::clone(&processes), Arc::clone(&over));
        running.spawn(async move {
            let mut made = Vec::new();
            while !over.load(Relaxed) {
                let call = call(&client).await;
                processes.lock().unwrap().extend(call.header("x-worker").map(str::to_owned));
                made.push(call);
            }
            made
        });
    }
    until("a call succeeds", || !processes.lock().unwrap().is_empty()).await;
    for _ in 0..RELOADS {
        let before = processes.lock().unwrap().len();
        let mut signalled: Option<Instant> = None;
        until("a new process answers", || {
            // Signal again after a while: HAProxy's master loses a signal that arrives while it is still starting.
            if signalled.is_none_or(|at| at.elapsed() > Duration::from_secs(2)) {
                gateway.signal(signal);
                signalled = Some(Instant::now());
            }
            processes.lock().unwrap().len() > before
        })
        .await;
    }
    over.store(true, Relaxed);
    let calls: Vec<Call> = running.join_all().await.into_iter().flatten().collect();
    judge(gateway.name, &ledger, &calls);
    assert!(count(&calls, Call::is_of_ledger) > 100, "hardly any call got through");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn nginx_reloads_neither_duplicate_nor_misreport_a_call() {
    let ledger = Ledger::start(&[AnswerLate]).await;
    let server = "location / { proxy_pass http://ledger; add_header x-worker $pid always; }";
    let nginx = nginx_with(&upstream(&ledger), server).await;
    reloads_are_survived(ledger, nginx, "HUP").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn haproxy_reloads_neither_duplicate_nor_misreport_a_call() {
    let ledger = Ledger::start(&[AnswerLate]).await;
    let haproxy = haproxy_with_master(&ledger, "http-after-response set-header x-worker %pid").await;
    reloads_are_survived(ledger, haproxy, "USR2").await;
}
