//! nginx, with everything it writes in its own folder.

use crate::{
    gateway::{Gateway, folder_with, free_port},
    ledger::Ledger,
};

/// `server` is the content of the server block.
pub async fn nginx(server: &str) -> Gateway {
    nginx_with("", server).await
}

/// `http` is the content of the http block apart from the server.
pub async fn nginx_with(http: &str, server: &str) -> Gateway {
    let port = free_port();
    let configuration = format!(
        "daemon off;
        pid nginx.pid;
        error_log error.log;
        events {{ worker_connections 1024; }}
        http {{
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            {http}
            server {{
                listen 127.0.0.1:{port} backlog=1024;
                {server}
            }}
        }}"
    );
    let folder = folder_with("nginx.conf", &configuration);
    let prefix = folder.path().to_str().unwrap().to_owned();
    Gateway::start("nginx", port, folder, "nginx", &["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"]).await
}

/// Both of the ledger's addresses, with kept-alive connections.
pub fn upstream(ledger: &Ledger) -> String {
    let [one, other] = ledger.ports;
    // With the default max_fails, one failure disables an address for ten seconds, and most calls would not reach the ledger.
    format!(
        "upstream ledger {{
            server 127.0.0.1:{one} max_fails=0;
            server 127.0.0.1:{other} max_fails=0;
            keepalive 16;
        }}
        proxy_http_version 1.1;
        proxy_set_header Connection '';"
    )
}
