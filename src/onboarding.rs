//! The operation: creating a collective onboarding request, its input, and how its response is read.

use crate::types::{
    CollectiveOnboardingRequest, CollectiveType, OnboardingActionType, OnboardingRequest, OnboardingStatus,
};
use crate::{Client, Error, Response, generated::operations::CREATE_COLLECTIVE_ONBOARDING};
use serde::Serialize;
use uuid::Uuid;

impl Client {
    /// Creates a request to onboard a collective: `POST /v1/onboarding/collectives`.
    ///
    /// ```
    /// # async fn run(client: traxes_connect::Client) -> Result<(), traxes_connect::Error> {
    /// use traxes_connect::{CollectiveOnboardingRequest, types::CollectiveType};
    ///
    /// let request = CollectiveOnboardingRequest::new("Rue de la Loi 16").collective_type(CollectiveType::Household);
    /// let onboarding = client.create_collective_onboarding(&request).await?;
    /// if let Some(url) = onboarding.consent_url() {
    ///     println!("send the user to {url}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// This is not idempotent: calling it twice with the same request may create two collectives.
    ///
    /// # Errors
    ///
    /// Each [`Error`]'s [outcome](Error::outcome) says whether the request was applied anyway.
    pub async fn create_collective_onboarding(
        &self,
        request: &CollectiveOnboardingRequest,
    ) -> Result<Response<OnboardingRequest>, Error> {
        self.call(&CREATE_COLLECTIVE_ONBOARDING, |api| async move { api.create_collective_onboarding(request).await })
            .await
    }
}

/// Create a request with [`new`](Self::new) or [`unnamed`](Self::unnamed) and these setters. Fields that are not set are not
/// sent.
impl CollectiveOnboardingRequest {
    /// A request for a collective with a name.
    ///
    /// ```
    /// use traxes_connect::{CollectiveOnboardingRequest, CollectiveType};
    ///
    /// let request = CollectiveOnboardingRequest::new("Rue de la Loi 16").collective_type(CollectiveType::Household);
    /// assert_eq!(serde_json::to_string(&request)?, r#"{"name":"Rue de la Loi 16","type":"Household"}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// A request for a collective without a name: `name` is sent as null.
    ///
    /// ```
    /// let request = traxes_connect::CollectiveOnboardingRequest::unnamed();
    /// assert_eq!(serde_json::to_string(&request)?, r#"{"name":null}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// The id to give the collective.
    pub fn collective_id(self, id: Uuid) -> Self {
        Self { collective_id: Some(id), ..self }
    }

    /// The id of the collective's owner.
    pub fn owner(self, id: Uuid) -> Self {
        Self { owner: Some(id), ..self }
    }

    /// Custom properties of the collective: anything that serializes to JSON.
    ///
    /// ```
    /// use serde_json::json;
    /// use traxes_connect::CollectiveOnboardingRequest;
    ///
    /// let request = CollectiveOnboardingRequest::new("Rue de la Loi 16").properties(json!({"floor": 3}))?;
    /// # assert_eq!(serde_json::to_value(&request)?, json!({"name": "Rue de la Loi 16", "properties": {"floor": 3}}));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If serde_json cannot serialize the value, such as a map with non-string keys.
    pub fn properties(self, properties: impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { properties: Some(serde_json::to_value(properties)?), ..self })
    }

    /// The kind of the collective.
    pub fn collective_type(self, kind: impl Into<CollectiveType>) -> Self {
        Self { type_: Some(kind.into()), ..self }
    }
}

impl OnboardingRequest {
    /// Where to send the user to give consent.
    ///
    /// ```
    /// let onboarding: traxes_connect::OnboardingRequest =
    ///     serde_json::from_str(r#"{"action": {"type": "Consent", "redirectLink": "https://consent.example/1"}}"#)?;
    /// assert_eq!(onboarding.consent_url(), Some("https://consent.example/1"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// This is the `redirectLink` of an action of type `Consent`, or of no type: `Consent` is the only documented one. Actions
    /// of other types are in `action`.
    pub fn consent_url(&self) -> Option<&str> {
        let action = self.action.as_ref()?;
        match action.type_ {
            None | Some(OnboardingActionType::Consent) => action.redirect_link.as_deref(),
            Some(_) => None,
        }
    }

    /// Whether the onboarding has ended: succeeded, failed or canceled. An absent or unknown status does not count as ended.
    ///
    /// ```
    /// let onboarding: traxes_connect::OnboardingRequest = serde_json::from_str(r#"{"status": "Failed"}"#)?;
    /// assert!(onboarding.is_finished() && !onboarding.is_succeeded());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        matches!(self.status, Some(OnboardingStatus::Canceled | OnboardingStatus::Failed | OnboardingStatus::Succeeded))
    }

    /// Whether the onboarding has succeeded.
    pub fn is_succeeded(&self) -> bool {
        self.status == Some(OnboardingStatus::Succeeded)
    }
}
