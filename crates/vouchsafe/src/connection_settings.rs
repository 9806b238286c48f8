//! The settings in which one connection differs from the service. They are plain data, stored together with the
//! connection.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{RequestedAuthnContext, SignaturePolicy};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;

use crate::error::BindingError;
use crate::request::NameIdPolicy;
use crate::request_details::{RequestDetails, request_details};
use crate::settings::{SignRequests, own_address, require_small_skew};

request_details!(ConnectionSettings);

/// The settings of one connection. A setting that is not set has the service's value.
///
/// A weakening applies to one connection only, never to all. The name of its method and its stored name begin with
/// `danger_`.
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
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) logout_by_session_index: bool,
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

/// States what is done with a response that answers no request: the person started at the identity provider's
/// dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unsolicited {
    /// The response is refused.
    #[default]
    Refuse,
    /// The response is not used. A new sign-in is started at the same identity provider, which answers at once
    /// because the person has a session there. The icon on the dashboard works, and login CSRF is not possible.
    Restart,
    /// The response is accepted. A link can then sign a person in to an account that is not theirs (login CSRF).
    Accept,
}

impl Unsolicited {
    fn is_refuse(&self) -> bool {
        *self == Unsolicited::Refuse
    }
}

impl ConnectionSettings {
    /// Sets our entity ID for this connection: the audience of its assertions and the issuer of its requests. Entra
    /// ID needs a different one for each application of a tenant ("Identifier (Entity ID)").
    #[must_use]
    pub fn entity_id(mut self, entity_id: EntityId) -> Self {
        self.entity_id = Some(entity_id);
        self
    }

    /// Sets an assertion consumer that only this connection uses: an absolute https URL, or http on a loopback host.
    /// Responses that were posted to another address are not accepted over this connection.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn assertion_consumer(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.assertion_consumer = Some(url.to_owned());
        Ok(self)
    }

    /// The assertion consumer that only this connection uses, if it has one.
    #[must_use]
    pub fn own_assertion_consumer(&self) -> Option<&str> {
        self.assertion_consumer.as_deref()
    }

    /// Sets the address for logout messages by browser that only this connection uses. It distinguishes connections
    /// that have the same identity provider.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.single_logout = Some(url.to_owned());
        Ok(self)
    }

    /// Sets the address for logout requests by SOAP that only this connection uses.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.single_logout_soap = Some(url.to_owned());
        Ok(self)
    }

    /// Sets the address for messages about names by browser that only this connection uses.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.name_id_management = Some(url.to_owned());
        Ok(self)
    }

    /// Sets the address for requests about names by SOAP that only this connection uses.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.name_id_management_soap = Some(url.to_owned());
        Ok(self)
    }

    /// Sets how far the clocks may be apart, in whole seconds.
    ///
    /// # Errors
    /// [`BindingError::ClockSkew`] if it is more than five minutes.
    pub fn clock_skew(mut self, skew: Duration) -> Result<Self, BindingError> {
        require_small_skew(skew)?;
        self.clock_skew_seconds = Some(skew.as_secs());
        Ok(self)
    }

    /// Sets the maximum age of a response and its assertion since they were issued, in whole seconds.
    #[must_use]
    pub fn maximum_message_age(mut self, age: Duration) -> Self {
        self.maximum_message_age_seconds = Some(age.as_secs());
        self
    }

    /// Sets how long ago the person may have signed in at the identity provider, in whole seconds.
    #[must_use]
    pub fn maximum_authentication_age(mut self, age: Duration) -> Self {
        self.maximum_authentication_age_seconds = Some(age.as_secs());
        self
    }

    /// Refuses responses whose Response element is not signed, even if the Assertion inside is signed.
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

    /// Sets when requests over this connection are signed.
    #[must_use]
    pub fn sign_requests(mut self, when: SignRequests) -> Self {
        self.sign_requests = Some(when);
        self
    }

    /// Sets the NameIDPolicy of each request, unless the sign-in sets another.
    #[must_use]
    pub fn name_id_policy(mut self, policy: NameIdPolicy) -> Self {
        self.name_id_policy = Some(policy);
        self
    }

    /// Sets the authentication context of each request, unless the sign-in sets another. Every answer must meet it,
    /// also an unsolicited one.
    #[must_use]
    pub fn requested_context(mut self, requested: RequestedAuthnContext) -> Self {
        self.requested_context = Some(requested);
        self
    }

    /// Sets what is done with responses that answer no request.
    #[must_use]
    pub fn unsolicited(mut self, unsolicited: Unsolicited) -> Self {
        self.unsolicited = unsolicited;
        self
    }

    /// The setting for responses that answer no request.
    #[must_use]
    pub fn on_unsolicited(&self) -> Unsolicited {
        self.unsolicited
    }

    /// Accepts an algorithm over this connection that is refused by default. It is given by its URI, or as `rsa-1024`
    /// for RSA keys of 1024 bits.
    ///
    /// # Danger
    /// The possible algorithms are weak: SHA-1 signatures and digests, RSA-1.5 key transport, 3DES, and short RSA
    /// keys.
    ///
    /// # Errors
    /// [`BindingError::Crypto`] for any other value.
    pub fn danger_allow(mut self, uri: &str) -> Result<Self, BindingError> {
        Provider::check_danger(uri)?;
        self.danger_allow.push(uri.to_owned());
        Ok(self)
    }

    /// Accepts a `NotBefore` in the data of a bearer confirmation, as the earliest time of use. The Web Browser SSO
    /// profile forbids it (SAML Profiles 4.1.4.2), so it is refused by default. This setting weakens nothing, since
    /// it only shortens the time of validity. The ledger records that such a message does not conform.
    #[must_use]
    pub fn tolerate_confirmation_not_before(mut self) -> Self {
        self.tolerate_confirmation_not_before = true;
        self
    }

    /// Ends, by a logout request with session indexes, all sessions over this connection with one of them, whatever
    /// name the request has. Entra ID needs it if the NameID is customized there: its logout requests then have
    /// another name than its assertions, and only the index is the same. The request is signed by the connection's
    /// key, so it reaches no session of another connection.
    ///
    /// It is off by default, because SAML allows small indexes that many people have in common (SAML Core 2.7.2).
    /// With such an identity provider, the logout of one person would end the sessions of others.
    #[must_use]
    pub fn logout_by_session_index(mut self) -> Self {
        self.logout_by_session_index = true;
        self
    }

    /// Whether the session indexes of a logout request decide alone.
    #[must_use]
    pub fn ends_by_session_index(&self) -> bool {
        self.logout_by_session_index
    }

    /// Decrypts content that was encrypted with AES-CBC even if no signature covers the ciphertext.
    ///
    /// # Danger
    /// An attacker who can alter such a message learns about the plaintext from our answers (Jager and Somorovsky,
    /// "How to Break XML Encryption"). It is better if the identity provider also signs the Response, or encrypts
    /// with AES-GCM.
    #[must_use]
    pub fn danger_accept_unauthenticated_cbc(mut self) -> Self {
        self.danger_accept_unauthenticated_cbc = true;
        self
    }

    /// Accepts an ArtifactResponse without a signature, if the Response inside is signed.
    ///
    /// # Danger
    /// Without that signature, the sender of the answer is not proven to be the identity provider, which SAML
    /// requires (SAML Profiles 5.4.2); TLS does not prove it. The Response inside, or its Assertion, must still be
    /// signed and answer the request, so an attacker can do no more than with a Response that a browser posts. It is
    /// better if the identity provider signs its SOAP messages.
    #[must_use]
    pub fn danger_accept_unsigned_artifact_responses(mut self) -> Self {
        self.danger_accept_unsigned_artifact_responses = true;
        self
    }

    /// Returns the name of every setting that weakens a check, for an administrator's page and for alerts.
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

    /// Combines the signatures that the service requires with those that this connection requires.
    pub(crate) fn signature_policy(&self, service: SignaturePolicy) -> SignaturePolicy {
        let policy = if self.require_signed_response { service.require_signed_response() } else { service };
        if self.require_signed_assertion { policy.require_signed_assertion() } else { policy }
    }

    /// Checks settings that were read from a store, since no setter validated them.
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
