//! A rate-limiting gateway.

use crate::{
    calls::{Call, calls, client, count, policy},
    judge::judge,
    ledger::{Ledger, Then::Answer},
    nginx::{nginx_with, upstream},
};
use std::time::Duration;
use traxes_connect::{Outcome::Rejected, RetryPolicy};

fn is_refused(call: &Call, attempts: u32) -> bool {
    let refused = call.result.as_ref().is_err_and(|error| error.outcome() == Rejected);
    refused && call.status() == Some(429) && call.attempts() == attempts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn calls_rate_limited_by_nginx_are_rejected_and_safely_retried() {
    let ledger = Ledger::start(&[Answer]).await;
    let http = format!("limit_req_zone $server_port zone=calls:1m rate=20r/s; {}", upstream(&ledger));
    let server = "limit_req zone=calls; limit_req_status 429; location / { proxy_pass http://ledger; }";
    let nginx = nginx_with(&http, server).await;
    let client = client(nginx.port).with_retry(policy().initial_backoff(Duration::from_millis(100)));

    let repeated = calls(&client, 20, 5).await;
    judge(nginx.name, &ledger, &repeated);
    assert!(count(&repeated, |call| is_refused(call, 3)) > 0, "no call was refused on every attempt");
    assert!(count(&repeated, |call| call.result.is_ok() && call.attempts() > 1) > 0, "no retry succeeded");

    let once = calls(&client.with_retry(RetryPolicy::none()), 20, 5).await;
    judge(nginx.name, &ledger, &once);
    assert!(count(&once, |call| is_refused(call, 1)) > 0, "no call was refused");
}
