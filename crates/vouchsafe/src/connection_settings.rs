//! What one connection does otherwise than the service: plain data, to be stored beside it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{Expectations, RequestedAuthnContext, SignaturePolicy};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::builder::{SignRequests, own_address};
use crate::error::BindingError;
use crate::request::NameIdPolicy;
use crate::request_details::{RequestDetails, request_details};

request_details!(ConnectionSettings);

/// The settings of one connection. What is not set is as the service has it.
///
/// Each weakening is a setting of one connection, never of all: its method begins with `danger_`, and so does its stored name.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe::{ConnectionSettings, EntityId, Unsolicited};
///
/// let settings = ConnectionSettings::default()
///     .entity_id(EntityId::new("https://app.example.com/saml/acme")?)
///     .assertion_consumer("https://app.example.com/saml/acme/acs")?
///     .clock_skew(Duration::from_secs(180))?
///     .unsolicited(Unsolicited::Restart);
/// let stored = serde_json::to_string(&settings)?;
/// assert_eq!(serde_json::from_str::<ConnectionSettings>(&stored)?, settings);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entity_id: Option<EntityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assertion_consumer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) single_logout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) single_logout_soap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name_id_management: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name_id_management_soap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock_skew_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) maximum_message_age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) maximum_authentication_age_seconds: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) require_signed_response: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) require_signed_assertion: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sign_requests: Option<SignRequests>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name_id_policy: Option<NameIdPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_context: Option<RequestedAuthnContext>,
    #[serde(skip_serializing_if = "RequestDetails::is_default")]
    pub(crate) request: RequestDetails,
    #[serde(skip_serializing_if = "Unsolicited::is_refuse")]
    pub(crate) unsolicited: Unsolicited,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) tolerate_confirmation_not_before: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) danger_allow: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) danger_accept_unauthenticated_cbc: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) danger_accept_unsigned_artifact_responses: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What is done with a response that answers no request: the person began at the identity provider's dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unsolicited {
    /// It is refused.
    #[default]
    Refuse,
    /// It is not used; a sign-in is started at the same identity provider, which answers at once out of its session. This way the
    /// dashboard's icon works and login CSRF has no door.
    Restart,
    /// It is accepted. Somebody can then be signed in to an account that is not theirs by following a link (login CSRF).
    Accept,
}

impl Unsolicited {
    fn is_refuse(&self) -> bool {
        *self == Unsolicited::Refuse
    }
}

impl ConnectionSettings {
    /// Our entity ID for this connection: the audience of its assertions and the issuer of its requests. Entra ID wants a different one
    /// for each application of a tenant ("Identifier (Entity ID)").
    #[must_use]
    pub fn entity_id(mut self, entity_id: EntityId) -> Self {
        self.entity_id = Some(entity_id);
        self
    }

    /// The assertion consumer of this connection alone: an absolute https URL, or http on a loopback host. Responses that were posted to
    /// another address are not received over this connection.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn assertion_consumer(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.assertion_consumer = Some(url.to_owned());
        Ok(self)
    }

    /// The assertion consumer of this connection alone, if it has one.
    #[must_use]
    pub fn own_assertion_consumer(&self) -> Option<&str> {
        self.assertion_consumer.as_deref()
    }

    /// The address of this connection alone for logout messages by browser. It tells connections with one identity provider apart.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.single_logout = Some(url.to_owned());
        Ok(self)
    }

    /// The address of this connection alone for logout requests by SOAP.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.single_logout_soap = Some(url.to_owned());
        Ok(self)
    }

    /// The address of this connection alone for messages about names by browser.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.name_id_management = Some(url.to_owned());
        Ok(self)
    }

    /// The address of this connection alone for requests about names by SOAP.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.name_id_management_soap = Some(url.to_owned());
        Ok(self)
    }

    /// How far the clocks may be apart, in whole seconds.
    ///
    /// # Errors
    /// [`BindingError::ClockSkew`] when it is more than five minutes.
    pub fn clock_skew(mut self, skew: Duration) -> Result<Self, BindingError> {
        require_small_skew(skew)?;
        self.clock_skew_seconds = Some(skew.as_secs());
        Ok(self)
    }

    /// How long ago a response and its assertion may have been issued, in whole seconds.
    #[must_use]
    pub fn maximum_message_age(mut self, age: Duration) -> Self {
        self.maximum_message_age_seconds = Some(age.as_secs());
        self
    }

    /// How long ago the person may have signed in at the identity provider, in whole seconds.
    #[must_use]
    pub fn maximum_authentication_age(mut self, age: Duration) -> Self {
        self.maximum_authentication_age_seconds = Some(age.as_secs());
        self
    }

    /// Refuses responses whose Response element is not signed, even around a signed Assertion.
    #[must_use]
    pub fn require_signed_response(mut self) -> Self {
        self.require_signed_response = true;
        self
    }

    /// Refuses assertions without a signature of their own, even in a signed Response.
    #[must_use]
    pub fn require_signed_assertion(mut self) -> Self {
        self.require_signed_assertion = true;
        self
    }

    /// When requests over this connection are signed.
    #[must_use]
    pub fn sign_requests(mut self, when: SignRequests) -> Self {
        self.sign_requests = Some(when);
        self
    }

    /// The NameIDPolicy of each request, unless the sign-in asks for another.
    #[must_use]
    pub fn name_id_policy(mut self, policy: NameIdPolicy) -> Self {
        self.name_id_policy = Some(policy);
        self
    }

    /// The authentication context of each request, unless the sign-in asks for another. Every answer is held against it, an unsolicited
    /// one too.
    #[must_use]
    pub fn requested_context(mut self, requested: RequestedAuthnContext) -> Self {
        self.requested_context = Some(requested);
        self
    }

    /// What is done with responses that answer no request.
    #[must_use]
    pub fn unsolicited(mut self, unsolicited: Unsolicited) -> Self {
        self.unsolicited = unsolicited;
        self
    }

    /// What is done with responses that answer no request, as it is set.
    #[must_use]
    pub fn on_unsolicited(&self) -> Unsolicited {
        self.unsolicited
    }

    /// Accepts an algorithm over this connection that is refused by default, by its URI, or `rsa-1024` for RSA keys of 1024 bits.
    ///
    /// # Danger
    /// What it can be given is weak: SHA-1 signatures and digests, RSA-1.5 key transport, 3DES, short RSA keys.
    ///
    /// # Errors
    /// [`BindingError::Crypto`] for anything else.
    pub fn danger_allow(mut self, uri: &str) -> Result<Self, BindingError> {
        Provider::check_danger(uri)?;
        self.danger_allow.push(uri.to_owned());
        Ok(self)
    }

    /// Takes a `NotBefore` in the data of a bearer confirmation as the start of a window, where the Web Browser SSO profile forbids it
    /// (SAML Profiles 4.1.4.2) and it is refused by default. It weakens nothing, since the window only becomes narrower; the ledger says
    /// of each such message that it does not conform.
    #[must_use]
    pub fn tolerate_confirmation_not_before(mut self) -> Self {
        self.tolerate_confirmation_not_before = true;
        self
    }

    /// Decrypts what comes with AES-CBC even where no signature covers the ciphertext.
    ///
    /// # Danger
    /// Whoever can alter such a message learns from our answers about the plaintext (Jager and Somorovsky, "How to Break XML
    /// Encryption"). Better to have the identity provider sign the Response as well, or encrypt with AES-GCM.
    #[must_use]
    pub fn danger_accept_unauthenticated_cbc(mut self) -> Self {
        self.danger_accept_unauthenticated_cbc = true;
        self
    }

    /// Takes an ArtifactResponse without a signature of its own as a mere envelope around a signed Response.
    ///
    /// # Danger
    /// Whoever answers at the resolution service's address is not shown to be the identity provider, which SAML asks for (SAML Profiles 5.4.2);
    /// TLS is not taken for it. The Response inside must still be signed, itself or its Assertion, and answer the request, so that no more can
    /// be done than with a Response that a browser posts. Better to have the identity provider sign its SOAP messages.
    #[must_use]
    pub fn danger_accept_unsigned_artifact_responses(mut self) -> Self {
        self.danger_accept_unsigned_artifact_responses = true;
        self
    }

    /// Every setting that weakens a check, by its name: for an administrator's page, and for alerts.
    #[must_use]
    pub fn dangers(&self) -> Vec<String> {
        let algorithms = self.danger_allow.iter().map(|uri| format!("danger_allow {uri}"));
        let cbc =
            self.danger_accept_unauthenticated_cbc.then(|| "danger_accept_unauthenticated_cbc".to_owned());
        let artifacts = self
            .danger_accept_unsigned_artifact_responses
            .then(|| "danger_accept_unsigned_artifact_responses".to_owned());
        algorithms.chain(cbc).chain(artifacts).collect()
    }

    /// What must be signed here, given what must be signed everywhere.
    pub(crate) fn signature_policy(&self, service: SignaturePolicy) -> SignaturePolicy {
        let policy = if self.require_signed_response { service.require_signed_response() } else { service };
        if self.require_signed_assertion { policy.require_signed_assertion() } else { policy }
    }

    /// Settings may come out of a store, where no method looked at them.
    pub(crate) fn check(&self) -> Result<(), BindingError> {
        let addresses = [
            &self.assertion_consumer,
            &self.single_logout,
            &self.single_logout_soap,
            &self.name_id_management,
            &self.name_id_management_soap,
        ];
        for url in addresses.into_iter().flatten() {
            own_address(url)?;
        }
        self.request.check()?;
        require_small_skew(Duration::from_secs(self.clock_skew_seconds.unwrap_or_default()))
    }
}

fn require_small_skew(skew: Duration) -> Result<(), BindingError> {
    let limit = Expectations::GREATEST_CLOCK_SKEW;
    let skew = chrono::TimeDelta::from_std(skew).unwrap_or(chrono::TimeDelta::MAX);
    if skew > limit { Err(BindingError::ClockSkew { skew, limit }) } else { Ok(()) }
}
