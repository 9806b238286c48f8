//! The service provider: who we are, and the two things we do, ask and receive.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_assertion::SignaturePolicy;
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, ServiceInformation};
use vouchsafe_signature::AutopsyBudget;
use vouchsafe_xml::Limits;

use crate::builder::{Builder, SignRequests, WantsAssertionConsumer};
use crate::connection::Connection;
use crate::connection_settings::ConnectionSettings;
use crate::receive::seconds;

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
    pub(crate) receives_artifacts: bool,
    pub(crate) receives_from_enhanced_clients: bool,
    pub(crate) single_logout: Option<Arc<str>>,
    pub(crate) single_logout_soap: Option<Arc<str>>,
    pub(crate) name_id_management: Option<Arc<str>>,
    pub(crate) name_id_management_soap: Option<Arc<str>>,
    pub(crate) publishes_simple_sign: bool,
    pub(crate) provider: Provider,
    pub(crate) limits: Limits,
    pub(crate) clock_skew: TimeDelta,
    pub(crate) maximum_message_age: Option<TimeDelta>,
    pub(crate) maximum_authentication_age: Option<TimeDelta>,
    pub(crate) request_lifetime: TimeDelta,
    pub(crate) decryption_keys: Arc<[PrivateKey]>,
    pub(crate) encryption_certificates: Vec<Certificate>,
    pub(crate) signing: Option<SigningCredential>,
    pub(crate) next_signing_certificates: Vec<Certificate>,
    pub(crate) sign_metadata: bool,
    pub(crate) information: ServiceInformation,
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

    /// What our metadata says for people and for the release of attributes.
    #[must_use]
    pub fn information(&self) -> &ServiceInformation {
        &self.config.information
    }

    /// Who we are over this connection.
    pub fn entity_id_for<'a>(&'a self, connection: &'a Connection) -> &'a EntityId {
        connection.settings().entity_id.as_ref().unwrap_or(&self.config.entity_id)
    }

    /// Where responses over this connection are posted.
    pub fn assertion_consumer_for<'a>(&'a self, connection: &'a Connection) -> &'a str {
        connection.settings().assertion_consumer.as_deref().unwrap_or(&self.config.assertion_consumer)
    }

    /// Where logout messages over this connection come by browser, if it takes them: its own address, else the service's. A connection with
    /// an assertion consumer of its own has a logout address of its own or none, so that each is found in the same way.
    #[must_use]
    pub fn single_logout_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.single_logout, settings, &self.config.single_logout)
    }

    /// Where logout requests over this connection come by SOAP, if it takes them, as [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn single_logout_soap_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.single_logout_soap, settings, &self.config.single_logout_soap)
    }

    /// The certificates of our decryption keys, which identity providers encrypt for, unless a connection has keys of its own.
    #[must_use]
    pub fn encryption_certificates(&self) -> &[Certificate] {
        &self.config.encryption_certificates
    }

    /// The certificate of the key that we sign requests with, if we have one.
    #[must_use]
    pub fn signing_certificate(&self) -> Option<&Certificate> {
        self.config.signing.as_ref().map(|credential| &credential.certificate)
    }

    /// Where logout messages come by browser, unless a connection has an address of its own.
    #[must_use]
    pub fn single_logout(&self) -> Option<&str> {
        self.config.single_logout.as_deref()
    }

    /// Where logout requests come by SOAP, unless a connection has an address of its own.
    #[must_use]
    pub fn single_logout_soap(&self) -> Option<&str> {
        self.config.single_logout_soap.as_deref()
    }

    /// Where messages about names come by browser over this connection, if it takes them, as [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn name_id_management_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.name_id_management, settings, &self.config.name_id_management)
    }

    /// Where requests about names come by SOAP over this connection, if it takes them, as
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn name_id_management_soap_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.name_id_management_soap, settings, &self.config.name_id_management_soap)
    }

    /// Where messages about names come by browser, unless a connection has an address of its own.
    #[must_use]
    pub fn name_id_management(&self) -> Option<&str> {
        self.config.name_id_management.as_deref()
    }

    /// Where requests about names come by SOAP, unless a connection has an address of its own.
    #[must_use]
    pub fn name_id_management_soap(&self) -> Option<&str> {
        self.config.name_id_management_soap.as_deref()
    }

    /// How far the clocks may be apart over this connection.
    pub(crate) fn clock_skew_for(&self, connection: &Connection) -> TimeDelta {
        seconds(connection.settings().clock_skew_seconds).unwrap_or(self.config.clock_skew)
    }

    /// How old a message may be, if that is configured: the smaller of the service's and the connection's.
    pub(crate) fn maximum_message_age_for(&self, connection: &Connection) -> Option<TimeDelta> {
        let own = seconds(connection.settings().maximum_message_age_seconds);
        [own, self.config.maximum_message_age].into_iter().flatten().min()
    }

    /// When a request issued now is too old to be answered.
    pub(crate) fn expiry(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_add_signed(self.config.request_lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

pub(crate) fn own_or<'a>(
    own: &'a Option<String>,
    settings: &ConnectionSettings,
    service: &'a Option<Arc<str>>,
) -> Option<&'a str> {
    let shared = service.as_deref().filter(|_| settings.assertion_consumer.is_none());
    own.as_deref().or(shared)
}
