//! How to test your own code that creates onboarding requests: `cargo test --example test_your_code --features sandbox`.

use traxes_connect::{Client, CollectiveOnboardingRequest, Outcome};

#[derive(Debug, PartialEq)]
enum SignUp {
    /// Send the user there.
    Consent(String),
    /// Nothing was created: the user may try again.
    TryAgain,
    /// It may have been created: a person has to look, with the request id.
    Unclear(Option<String>),
}

/// The code under test: what a sign-up page does.
async fn sign_up(client: &Client, name: &str) -> SignUp {
    match client.create_collective_onboarding(&CollectiveOnboardingRequest::new(name)).await {
        Ok(onboarding) => match onboarding.consent_url() {
            Some(url) => SignUp::Consent(url.to_owned()),
            None => SignUp::Unclear(onboarding.request_id().map(str::to_owned)),
        },
        Err(error) => match error.outcome() {
            Outcome::NotSent | Outcome::Rejected => SignUp::TryAgain,
            _ => SignUp::Unclear(error.request_id().map(str::to_owned)),
        },
    }
}

#[tokio::main]
async fn main() {
    let sandbox = traxes_connect::Sandbox::start();
    println!("{:?}", sign_up(&sandbox.client(), "Rue de la Loi 16").await);
    println!("run its tests with: cargo test --example test_your_code --features sandbox");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use traxes_connect::{RetryPolicy, Sandbox, sandbox::Fault};

    #[tokio::test]
    async fn a_user_is_sent_to_the_consent_link() {
        let sandbox = Sandbox::start();
        let SignUp::Consent(url) = sign_up(&sandbox.client(), "Rue de la Loi 16").await else {
            panic!("no consent link")
        };
        assert!(url.starts_with("https://"), "{url}");
        assert_eq!(sandbox.requests()[0].body, br#"{"name":"Rue de la Loi 16"}"#);
    }

    #[tokio::test]
    async fn a_refused_user_may_try_again() {
        let sandbox = Sandbox::start();
        sandbox.enqueue(400, &[], r#"{"code": "NameTaken"}"#);
        assert_eq!(sign_up(&sandbox.client(), "Rue de la Loi 16").await, SignUp::TryAgain);
    }

    #[tokio::test]
    async fn what_may_have_been_created_is_not_sent_again() {
        let sandbox = Sandbox::start();
        sandbox.enqueue(500, &[("x-request-id", "req-1")], "out of order");
        let sign_up = sign_up(&sandbox.client(), "Rue de la Loi 16").await;
        assert_eq!(sign_up, SignUp::Unclear(Some("req-1".to_owned())));
        assert_eq!(sandbox.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_lost_response_is_not_sent_again() {
        for fault in [Fault::BrokenConnection, Fault::CutResponse, Fault::Silence] {
            let sandbox = Sandbox::start();
            sandbox.enqueue_fault(fault);
            let client = sandbox.client_builder().attempt_timeout(Duration::from_millis(200)).build().unwrap();
            assert!(matches!(sign_up(&client, "Rue de la Loi 16").await, SignUp::Unclear(_)), "{fault:?}");
            assert_eq!(sandbox.requests().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_user_may_try_again_when_the_server_cannot_be_reached() {
        let sandbox = Sandbox::start();
        let client = sandbox.client().with_retry(RetryPolicy::none());
        drop(sandbox);
        assert_eq!(sign_up(&client, "Rue de la Loi 16").await, SignUp::TryAgain);
    }
}
