//! A backend is killed while calls are in flight and comes back at once, so any retry would now succeed.

use crate::{
    calls::{calls, client, count},
    gateway::Gateway,
    haproxy::haproxy,
    judge::judge,
    ledger::{
        Ledger,
        Then::{Answer, Stall},
    },
    nginx::{nginx_with, upstream},
    until,
    varnish::varnish,
};

const IN_FLIGHT: usize = 64;

async fn nothing_in_flight_is_duplicated_or_denied(mut ledger: Ledger, gateway: Gateway) {
    let client = client(gateway.port);
    // The requests in flight then use connections that were in use before, which gateways treat differently.
    let before = calls(&client, IN_FLIGHT, 2).await;
    judge(gateway.name, &ledger, &before);
    assert_eq!(count(&before, |call| call.result.is_ok()), 2 * IN_FLIGHT, "the gateway does not reach the ledger");
    ledger.follow(&[Stall]);
    let running = tokio::spawn(async move { calls(&client, IN_FLIGHT, 1).await });
    until("all calls are in flight", || ledger.stalled() == IN_FLIGHT).await;
    ledger.kill().await;
    ledger.follow(&[Answer]);
    ledger.revive().await;
    let calls = running.await.unwrap();
    judge(gateway.name, &ledger, &calls);
    let applied_and_failed = count(&calls, |call| call.result.is_err() && ledger.applied(call.id) == 1);
    assert_eq!(applied_and_failed, IN_FLIGHT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_nginx_no_call_in_flight_is_duplicated_or_denied() {
    let ledger = Ledger::start(&[Answer]).await;
    let nginx = nginx_with(&upstream(&ledger), "location / { proxy_pass http://ledger; }").await;
    nothing_in_flight_is_duplicated_or_denied(ledger, nginx).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_varnish_no_call_in_flight_is_duplicated_or_denied() {
    let ledger = Ledger::start(&[Answer]).await;
    let varnish = varnish(&ledger).await;
    nothing_in_flight_is_duplicated_or_denied(ledger, varnish).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_haproxy_no_call_in_flight_is_duplicated_or_denied() {
    let ledger = Ledger::start(&[Answer]).await;
    let haproxy = haproxy(&ledger, "timeout server 10s").await;
    nothing_in_flight_is_duplicated_or_denied(ledger, haproxy).await;
}
