//! HTTPS needs TLS support and a crypto provider, and says so when the client is built rather than when it is used.

use traxes_connect::{Client, ErrorKind};

#[test]
#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
fn without_tls_an_https_url_is_refused_and_the_error_names_the_feature() {
    let error = Client::new("t").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("feature rustls"), "{error}");
    Client::builder().token("t").base_url("http://localhost").build().unwrap();
}

#[test]
#[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
fn https_urls_are_refused_until_a_provider_is_installed() {
    let error = Client::new("t").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("CryptoProvider"), "{error}");
    assert!(Client::builder().token("t").base_url("http://localhost").build().is_err());
    rustls::crypto::ring::default_provider().install_default().unwrap();
    Client::new("t").unwrap();
}

#[test]
#[cfg(feature = "rustls")]
fn with_rustls_an_https_url_needs_nothing_else() {
    assert_eq!(Client::new("t").map_err(|e| -> ErrorKind { e.kind() }).err(), None);
}

/// Set in the child process that this file starts as if on a machine without root certificates.
#[cfg(all(feature = "rustls", target_os = "linux"))]
const WITHOUT_ROOTS: &str = "TEST_WITHOUT_ROOTS";

/// Reruns a test as if on a machine without root certificates. Returns false inside that rerun.
#[cfg(all(feature = "rustls", target_os = "linux"))]
fn again_without_roots(test: &str) -> bool {
    if std::env::var_os(WITHOUT_ROOTS).is_some() {
        return false;
    }
    let empty = tempfile::tempdir().unwrap();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test]).env(WITHOUT_ROOTS, "1");
    for name in ["TRAXES_CLIENT_ID", "TRAXES_CLIENT_SECRET", "TRAXES_TOKEN_URL", "TRAXES_BASE_URL"] {
        again.env_remove(name);
    }
    // Searched for certificates instead of the usual places.
    let file = empty.path().join("roots.pem");
    std::fs::write(&file, "").unwrap();
    again.env("SSL_CERT_DIR", empty.path()).env("SSL_CERT_FILE", file);
    let output = again.env("TRAXES_ACCESS_TOKEN", "t").output().unwrap();
    let (printed, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}{failed}");
    true
}

#[test]
#[cfg(all(feature = "rustls", target_os = "linux"))]
fn without_root_certificates_an_https_client_says_what_to_install() {
    if again_without_roots("without_root_certificates_an_https_client_says_what_to_install") {
        return;
    }
    for error in [Client::new("t").unwrap_err(), Client::from_env().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Config);
        let message = "TLS found no root certificates on this machine: install the package ca-certificates";
        assert!(error.to_string().starts_with(message), "{error}");
    }
    // With its own roots, a client does not need the machine's.
    let own = rcgen::generate_simple_self_signed(["api.invalid".to_owned()]).unwrap();
    let own = traxes_connect::reqwest::Certificate::from_der(own.cert.der()).unwrap();
    Client::builder().token("t").configure_http(|http| http.tls_certs_merge([own])).build().unwrap();
}

#[tokio::test]
#[cfg(all(feature = "rustls", feature = "sandbox", target_os = "linux"))]
async fn without_root_certificates_a_local_client_still_works() {
    if again_without_roots("without_root_certificates_a_local_client_still_works") {
        return;
    }
    let sandbox = traxes_connect::Sandbox::start();
    let request = traxes_connect::CollectiveOnboardingRequest::unnamed();
    sandbox.client().create_collective_onboarding(&request).await.unwrap();
    let credentials = traxes_connect::ClientCredentials::new("id", "secret");
    let client = sandbox.client_builder().client_credentials(credentials).build().unwrap();
    client.create_collective_onboarding(&request).await.unwrap();
    Client::builder().token("t").base_url(sandbox.url()).build().unwrap();
}
