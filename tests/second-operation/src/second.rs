//! The second operation. In the client, it would be in `onboarding.rs`.

use crate::{Client, Error, Response, generated::operations::GET_ONBOARDING_REQUEST, types::OnboardingRequest};
use uuid::Uuid;

impl Client {
    /// Reads an onboarding request: `GET /v1/onboarding/requests/{id}`.
    pub async fn onboarding_request(&self, id: Uuid) -> Result<Response<OnboardingRequest>, Error> {
        let version = "2026-11-24";
        self.call(&GET_ONBOARDING_REQUEST, |api| async move {
            api.get_onboarding_request(&id, Some(7), Some("full"), Some("x"), version).await
        })
        .await
    }
}
