//! Real gateways sit between the client and a ledger. However they handle a dying backend, and whatever they answer themselves,
//! nothing is applied twice and no call claims what the ledger denies. `.ci/gateways` runs these tests.

mod backend_dies;
mod backend_down;
mod calls;
mod gateway;
mod haproxy;
mod judge;
mod keep_alive;
mod killed_in_flight;
mod ledger;
mod nginx;
mod own_page;
mod rate_limit;
mod reload;
mod varnish;

use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// Bounded, so that a test fails instead of blocking forever.
async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "timed out after {PATIENCE:?} waiting for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
