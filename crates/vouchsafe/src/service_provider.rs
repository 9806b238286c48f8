//! The service provider: who we are, and the two things we do, ask and receive.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_assertion::SignaturePolicy;
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::AutopsyBudget;
use vouchsafe_xml::Limits;

use crate::builder::{Builder, SignRequests, WantsAssertionConsumer};
use crate::connection::Connection;

/// A SAML 2.0 service provider (SAML Profiles 4.1, Web Browser SSO). Cheap to clone; it holds no state and no clock.
///
/// Whom it believes is not part of it: a sign-in goes over a [`Connection`], which the caller looks up.
///
/// ```
/// use vouchsafe::{EntityId, ServiceProvider};
///
/// let service_provider = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
///     .assertion_consumer("https://app.example.com/saml/acs")?
///     .build()?;
/// assert_eq!(service_provider.assertion_consumer(), "https://app.example.com/saml/acs");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceProvider {
    pub(crate) config: Arc<Config>,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) entity_id: EntityId,
    pub(crate) assertion_consumer: Arc<str>,
    pub(crate) provider: Provider,
    pub(crate) limits: Limits,
    pub(crate) clock_skew: TimeDelta,
    pub(crate) maximum_message_age: Option<TimeDelta>,
    pub(crate) maximum_authentication_age: Option<TimeDelta>,
    pub(crate) request_lifetime: TimeDelta,
    pub(crate) decryption_keys: Arc<[PrivateKey]>,
    pub(crate) encryption_certificates: Vec<Certificate>,
    pub(crate) signing: Option<SigningCredential>,
    pub(crate) sign_requests: SignRequests,
    pub(crate) signature_policy: SignaturePolicy,
    pub(crate) autopsy_budget: AutopsyBudget,
}

#[derive(Debug)]
pub(crate) struct SigningCredential {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
}

impl ServiceProvider {
    /// Begins with our own entity ID, which is also the audience that assertions must name (Okta: "Audience URI (SP Entity ID)").
    pub fn builder(entity_id: EntityId) -> Builder<WantsAssertionConsumer> {
        Builder::new(entity_id)
    }

    pub(crate) fn new(config: Config) -> ServiceProvider {
        ServiceProvider { config: Arc::new(config) }
    }

    /// Who we are.
    pub fn entity_id(&self) -> &EntityId {
        &self.config.entity_id
    }

    /// Where responses are posted.
    pub fn assertion_consumer(&self) -> &str {
        &self.config.assertion_consumer
    }

    /// The cryptography, and with it the policy.
    pub fn provider(&self) -> &Provider {
        &self.config.provider
    }

    /// The ceilings on what is read.
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// Who we are over this connection.
    pub fn entity_id_for<'a>(&'a self, connection: &'a Connection) -> &'a EntityId {
        connection.settings().entity_id.as_ref().unwrap_or(&self.config.entity_id)
    }

    /// Where responses over this connection are posted.
    pub fn assertion_consumer_for<'a>(&'a self, connection: &'a Connection) -> &'a str {
        connection.settings().assertion_consumer.as_deref().unwrap_or(&self.config.assertion_consumer)
    }

    /// When a request issued now is too old to be answered.
    pub(crate) fn expiry(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_add_signed(self.config.request_lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
