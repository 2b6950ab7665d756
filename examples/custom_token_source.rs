//! Takes tokens from a file that a vault agent or a sidecar maintains, and rereads it when the server rejects one.
//!
//! `cargo run --example custom_token_source --features sandbox` shows a rotation, with a sandbox and a file of its own.

use std::{
    error::Error,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use traxes_connect::{AccessToken, BoxError, Client, CollectiveOnboardingRequest, Sandbox, TokenFuture, TokenSource};

struct TokenFile {
    path: PathBuf,
    held: Mutex<Option<AccessToken>>,
}

impl TokenFile {
    fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), held: Mutex::new(None) }
    }

    /// Called before each attempt, so the file is read only if no token is held.
    fn get(&self) -> Result<AccessToken, BoxError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = &*held {
            return Ok(token.clone());
        }
        let text = fs::read_to_string(&self.path)
            .map_err(|e| format!("{} cannot be read ({e}): check that the agent writes it", self.path.display()))?;
        Ok(held.insert(AccessToken::new(text.trim())?).clone())
    }
}

impl TokenSource for TokenFile {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { self.get() })
    }

    fn rejected(&self, token: &AccessToken) {
        // Another call may already have read the next one.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take_if(|held| held == token);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start();
    let path = std::env::temp_dir().join(format!("traxes-token-{}", uuid::Uuid::new_v4()));
    fs::write(&path, "first\n")?;
    let client = Client::builder().token_source(TokenFile::new(&path)).base_url(sandbox.url()).build()?;
    let request = CollectiveOnboardingRequest::new("Rue de la Loi 16");

    let onboarding = client.create_collective_onboarding(&request).await?;
    println!("with the first token: {} attempt", onboarding.attempts());

    fs::write(&path, "second\n")?;
    sandbox.reject("first");
    let onboarding = client.create_collective_onboarding(&request).await?;
    println!("after the rotation: {} attempts", onboarding.attempts());
    Ok(fs::remove_file(path)?)
}
