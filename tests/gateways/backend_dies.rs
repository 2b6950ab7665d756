//! A backend applies a request and dies before it answers. Through a gateway, that looks like an outage in which nothing
//! happened.

use crate::{
    calls::{Call, calls, client, count},
    gateway::Gateway,
    haproxy::haproxy,
    judge::judge,
    ledger::{
        Ledger,
        Then::{Answer, Close, Reset, Stall},
    },
    nginx::{nginx_with, upstream},
    varnish::varnish,
};

const WORKERS: usize = 8;
const EACH: usize = 8;

async fn ledger() -> Ledger {
    Ledger::start(&[Answer, Close, Answer, Reset, Answer, Stall]).await
}

/// Makes calls that the ledger answers, mixed with calls that it applies and then fails in each way in the script.
async fn judged(ledger: &Ledger, gateway: &Gateway) -> Vec<Call> {
    let calls = calls(&client(gateway.port), WORKERS, EACH).await;
    judge(gateway.name, ledger, &calls);
    assert!(count(&calls, Call::is_of_ledger) > EACH, "hardly any call got through");
    calls
}

fn applied_and_failed(ledger: &Ledger, calls: &[Call], status: u16, retry_after: Option<&str>) -> usize {
    count(calls, |call| {
        let of_gateway = !call.is_of_ledger() && call.status() == Some(status);
        of_gateway && call.header("retry-after") == retry_after && ledger.applied(call.id) == 1
    })
}

/// Varnish itself retries a request if a reused backend connection breaks, unless the request has a body that it did not keep.
/// The default VCL keeps none. With `std.cache_req_body`, Varnish was seen to apply calls twice that the client had sent once.
#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn varnishs_error_page_is_not_mistaken_for_a_refusal() {
    let ledger = ledger().await;
    let varnish = varnish(&ledger).await;
    let calls = judged(&ledger, &varnish).await;
    assert!(applied_and_failed(&ledger, &calls, 503, Some("5")) > 0, "Varnish's page was not seen");
    assert!(count(&calls, |call| call.header("x-varnish").is_some()) > 0, "Varnish was not involved");
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn nginxs_maintenance_page_is_not_mistaken_for_a_refusal() {
    let ledger = ledger().await;
    let server = "location / { proxy_pass http://ledger; proxy_read_timeout 1s; error_page 502 504 =503 @busy; }
        location @busy { add_header Retry-After 1 always; return 503 busy; }";
    let nginx = nginx_with(&upstream(&ledger), server).await;
    let calls = judged(&ledger, &nginx).await;
    assert!(applied_and_failed(&ledger, &calls, 503, Some("1")) > 0, "the page was not seen");
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn haproxys_default_pages_hide_no_applied_call() {
    let ledger = ledger().await;
    let haproxy = haproxy(&ledger, "").await;
    let calls = judged(&ledger, &haproxy).await;
    let timed_out = applied_and_failed(&ledger, &calls, 504, None);
    let broken = applied_and_failed(&ledger, &calls, 502, None);
    assert!(timed_out > 0 && broken > 0, "{timed_out} of 504, {broken} of 502");
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn haproxys_maintenance_page_is_not_mistaken_for_a_refusal() {
    let ledger = ledger().await;
    let pages = "errorfile 502 maintenance.http
            errorfile 503 maintenance.http
            errorfile 504 maintenance.http";
    let haproxy = haproxy(&ledger, pages).await;
    let calls = judged(&ledger, &haproxy).await;
    assert!(applied_and_failed(&ledger, &calls, 503, Some("1")) > 0, "the page was not seen");
}

/// Some gateways can be configured to retry requests that may have been applied. No client can prevent that, so the judge says
/// who caused the duplicate.
#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
#[should_panic(expected = "by the gateway, applied 2 times in 1 attempts")]
async fn gateway_duplicates_are_distinguished_from_client_duplicates() {
    let ledger = ledger().await;
    let server = "location / {
        proxy_pass http://ledger;
        proxy_read_timeout 1s;
        proxy_next_upstream error timeout non_idempotent;
    }";
    let nginx = nginx_with(&upstream(&ledger), server).await;
    judged(&ledger, &nginx).await;
}
