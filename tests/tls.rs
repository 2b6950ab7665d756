//! HTTPS needs TLS built in and a provider, and says so when the client is built rather than when it is used.

use traxes_connect::{Client, ErrorKind};

#[test]
#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
fn without_tls_an_https_url_is_refused_and_the_feature_named() {
    let error = Client::new("t").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("feature rustls"), "{error}");
    Client::builder().token("t").base_url("http://localhost").build().unwrap();
}

#[test]
#[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
fn without_a_provider_an_https_url_is_refused_and_with_one_it_is_not() {
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
