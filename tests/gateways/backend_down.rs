//! The backend is down, and the gateway answers in its place.

use crate::{
    calls::{Call, calls, client, count},
    gateway::Gateway,
    haproxy::haproxy,
    judge::judge,
    ledger::{Ledger, Then::Answer},
    nginx::{nginx_with, upstream},
    varnish::varnish,
};

async fn nothing_is_claimed(mut ledger: Ledger, gateway: Gateway, status: u16) {
    let client = client(gateway.port);
    let before = calls(&client, 2, 2).await;
    judge(gateway.name, &ledger, &before);
    assert_eq!(count(&before, |call| call.result.is_ok()), 4, "the gateway does not reach the ledger");
    ledger.kill().await;
    let calls = calls(&client, 4, 2).await;
    judge(gateway.name, &ledger, &calls);
    assert_eq!(count(&calls, |call| ledger.applied(call.id) > 0), 0);
    let of_gateway = |call: &Call| call.status() == Some(status) && !call.is_of_ledger();
    // Not for every call: HAProxy sends no response if its kept-alive backend connection turns out to be dead.
    assert!(count(&calls, of_gateway) > 0, "the gateway's own page was not seen");
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_nginx_no_call_claims_to_be_applied_while_the_backend_is_down() {
    let ledger = Ledger::start(&[Answer]).await;
    let nginx = nginx_with(&upstream(&ledger), "location / { proxy_pass http://ledger; }").await;
    nothing_is_claimed(ledger, nginx, 502).await;
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_varnish_no_call_claims_to_be_applied_while_the_backend_is_down() {
    let ledger = Ledger::start(&[Answer]).await;
    let varnish = varnish(&ledger).await;
    nothing_is_claimed(ledger, varnish, 503).await;
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn behind_haproxy_no_call_claims_to_be_applied_while_the_backend_is_down() {
    let ledger = Ledger::start(&[Answer]).await;
    let haproxy = haproxy(&ledger, "").await;
    nothing_is_claimed(ledger, haproxy, 503).await;
}
