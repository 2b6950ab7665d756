//! HAProxy, without a service manager.

use crate::{
    gateway::{Gateway, folder_with, free_port, write},
    ledger::Ledger,
};

/// The page that an operator shows for any backend failure.
const MAINTENANCE: &str =
    "HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\nmaintenance\n";

/// `proxy` is the proxy's configuration apart from the addresses.
pub async fn haproxy(ledger: &Ledger, proxy: &str) -> Gateway {
    start(ledger, proxy, "-db").await
}

/// Like `haproxy`, but with a master process, which starts a new worker when told to reload.
pub async fn haproxy_with_master(ledger: &Ledger, proxy: &str) -> Gateway {
    start(ledger, proxy, "-W").await
}

async fn start(ledger: &Ledger, proxy: &str, mode: &str) -> Gateway {
    let port = free_port();
    let [one, other] = ledger.ports;
    let configuration = format!(
        "defaults
            mode http
            timeout connect 1s
            timeout client 10s
            timeout server 1s
        listen ledger
            bind 127.0.0.1:{port}
            server one 127.0.0.1:{one}
            server other 127.0.0.1:{other}
            {proxy}\n"
    );
    let folder = folder_with("haproxy.cfg", &configuration);
    write(folder.path(), "maintenance.http", MAINTENANCE);
    Gateway::start("HAProxy", port, folder, "haproxy", &[mode, "-f", "haproxy.cfg"]).await
}
