//! Varnish with its default VCL.

use crate::{
    gateway::{Gateway, folder_with, free_port},
    ledger::Ledger,
};

/// The built-in VCL passes a POST through, and answers with its own error page if the backend fails.
pub async fn varnish(ledger: &Ledger) -> Gateway {
    let [backend, _] = ledger.ports;
    let vcl = format!(
        r#"vcl 4.1;
        backend default {{ .host = "127.0.0.1"; .port = "{backend}"; }}"#
    );
    let port = free_port();
    let folder = folder_with("default.vcl", &vcl);
    let vcl = folder.path().join("default.vcl");
    let working = folder.path().join("working");
    let address = format!("127.0.0.1:{port}");
    // No jail, because its users may not enter the folder. No administration port, because nobody uses it.
    let arguments = [
        ["-n", working.to_str().unwrap()],
        ["-f", vcl.to_str().unwrap()],
        ["-a", &address],
        ["-j", "none"],
        ["-T", "none"],
        ["-s", "malloc,16m"],
        ["-p", "first_byte_timeout=1"],
    ];
    let arguments = [&["-F"], arguments.as_flattened()].concat();
    Gateway::start("Varnish", port, folder, "varnishd", &arguments).await
}
