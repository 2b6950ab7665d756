//! A gateway itself answers 200, and the backend never sees the request.

use crate::{
    calls::{calls, client, count},
    judge::judge,
    ledger::{Ledger, Then::Answer},
    nginx::nginx,
};

async fn is_no_success(content_type: &str, page: &str) {
    let ledger = Ledger::start(&[Answer]).await;
    let server = format!("location / {{ default_type {content_type}; return 200 '{page}'; }}");
    let nginx = nginx(&server).await;
    let calls = calls(&client(nginx.port), 2, 2).await;
    judge(nginx.name, &ledger, &calls);
    let seen = count(&calls, |call| {
        let is_page = call.result.as_ref().is_err_and(|error| error.body() == page.as_bytes());
        is_page && call.status() == Some(200) && call.header("content-type") == Some(content_type)
    });
    assert_eq!(seen, calls.len(), "the page was not seen");
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn a_page_with_status_200_is_not_a_success() {
    is_no_success("text/html", "<html><body>under maintenance</body></html>").await;
}

#[tokio::test]
#[ignore = "needs nginx, Varnish and HAProxy: run .ci/gateways"]
async fn gateway_json_with_status_200_is_not_a_success() {
    is_no_success("application/json", r#"{"message":"under maintenance"}"#).await;
}
