//! Creates a request through a proxy that requires its own credentials and, as corporate proxies do, signs with its own root.
//!
//! `HTTPS_PROXY` and `NO_PROXY` in the environment, and the roots that the platform trusts, need no code: this is for what cannot be
//! set there. It reads `PROXY_URL`, `PROXY_USER`, `PROXY_PASSWORD`, `PROXY_ROOT` (a PEM file), `TRAXES_ACCESS_TOKEN` and
//! `TRAXES_BASE_URL`.

use std::{env, error::Error, fs, process::ExitCode};
use tokio::runtime::Runtime;
use traxes_connect::{
    Client, CollectiveOnboardingRequest,
    reqwest::{Certificate, Proxy},
};

fn main() -> ExitCode {
    let runtime = Runtime::new().expect("a runtime");
    let result = runtime.block_on(run());
    // Do not wait for the system's resolver, which may hang past any deadline.
    runtime.shutdown_background();
    match result {
        Ok(id) => {
            println!("created through the proxy: {id}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<String, Box<dyn Error>> {
    let proxy = Proxy::https(variable("PROXY_URL")?)
        .map_err(|error| format!("PROXY_URL is not a proxy URL ({error}): write it as http://host:port"))?
        .basic_auth(&variable("PROXY_USER")?, &variable("PROXY_PASSWORD")?);
    let root = fs::read(variable("PROXY_ROOT")?)
        .map_err(|error| format!("PROXY_ROOT cannot be read ({error}): give the path of a PEM file"))?;
    let roots = Certificate::from_pem_bundle(&root).ok().filter(|roots| !roots.is_empty());
    let roots = roots.ok_or("PROXY_ROOT holds no certificate: give the path of a PEM file")?;
    let client = Client::builder()
        .token(variable("TRAXES_ACCESS_TOKEN")?)
        .base_url(variable("TRAXES_BASE_URL")?)
        .configure_http(|http| http.proxy(proxy).tls_certs_merge(roots))
        .build()?;
    let onboarding = client.create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await?;
    Ok(onboarding.id.map_or_else(|| "without an id".to_owned(), |id| id.to_string()))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: set it"))
}
