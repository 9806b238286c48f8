//! The service provider: its configuration and its addresses. Other modules let it send requests and receive
//! responses.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_assertion::SignaturePolicy;
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, ServiceInformation};
use vouchsafe_signature::AutopsyBudget;
use vouchsafe_xml::Limits;

use crate::builder::{Builder, SignRequests, WantsAssertionConsumer};
use crate::connection::Connection;
use crate::connection_settings::ConnectionSettings;

/// A SAML 2.0 service provider (SAML Profiles 4.1, Web Browser SSO). It is cheap to clone, and holds no state and no
/// clock.
///
/// The trusted identity providers are not part of it: a sign-in goes over a [`Connection`], which the caller looks
/// up.
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
    pub(crate) clock_skew: Duration,
    pub(crate) maximum_message_age: Option<Duration>,
    pub(crate) maximum_authentication_age: Option<Duration>,
    pub(crate) request_lifetime: Duration,
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
    /// Starts a builder with our own entity ID, which is also the audience that assertions must name (Okta: "Audience
    /// URI (SP Entity ID)").
    pub fn builder(entity_id: EntityId) -> Builder<WantsAssertionConsumer> {
        Builder::new(entity_id)
    }

    pub(crate) fn new(config: Config) -> ServiceProvider {
        ServiceProvider { config: Arc::new(config) }
    }

    /// Our entity ID.
    pub fn entity_id(&self) -> &EntityId {
        &self.config.entity_id
    }

    /// The address to which responses are posted.
    pub fn assertion_consumer(&self) -> &str {
        &self.config.assertion_consumer
    }

    /// The cryptography, with the policy about algorithms.
    pub fn provider(&self) -> &Provider {
        &self.config.provider
    }

    /// The limits on the sizes of what is read.
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// The information in our metadata for people and for the release of attributes.
    #[must_use]
    pub fn information(&self) -> &ServiceInformation {
        &self.config.information
    }

    /// Our entity ID over this connection.
    pub fn entity_id_for<'a>(&'a self, connection: &'a Connection) -> &'a EntityId {
        connection.settings().entity_id.as_ref().unwrap_or(&self.config.entity_id)
    }

    /// The address to which responses over this connection are posted.
    pub fn assertion_consumer_for<'a>(&'a self, connection: &'a Connection) -> &'a str {
        connection.settings().assertion_consumer.as_deref().unwrap_or(&self.config.assertion_consumer)
    }

    /// The address for logout messages by browser over this connection, if it accepts them: its own address, or the
    /// service's. A connection with an assertion consumer of its own has a logout address of its own or none, so that
    /// both identify the connection in the same way.
    #[must_use]
    pub fn single_logout_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.single_logout, settings, &self.config.single_logout)
    }

    /// The address for logout requests by SOAP over this connection, if it accepts them, chosen like
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn single_logout_soap_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.single_logout_soap, settings, &self.config.single_logout_soap)
    }

    /// The certificates of our decryption keys, with which identity providers encrypt, unless a connection has keys
    /// of its own.
    #[must_use]
    pub fn encryption_certificates(&self) -> &[Certificate] {
        &self.config.encryption_certificates
    }

    /// The certificates in the metadata for a connection's identity provider: those of the connection's own decryption
    /// keys, or, if it has none, ours.
    #[must_use]
    pub fn encryption_certificates_for<'a>(&'a self, connection: &'a Connection) -> &'a [Certificate] {
        match connection.encryption_certificates() {
            [] => self.encryption_certificates(),
            own => own,
        }
    }

    /// The certificate of the key that signs our requests, if we have one.
    #[must_use]
    pub fn signing_certificate(&self) -> Option<&Certificate> {
        self.config.signing.as_ref().map(|credential| &credential.certificate)
    }

    /// Returns the certificates that the metadata has beside the one of the signing key: of the key that will sign next,
    /// or of the key that signed before.
    #[must_use]
    pub fn next_signing_certificates(&self) -> &[Certificate] {
        &self.config.next_signing_certificates
    }

    /// The address for logout messages by browser, unless a connection has an address of its own.
    #[must_use]
    pub fn single_logout(&self) -> Option<&str> {
        self.config.single_logout.as_deref()
    }

    /// The address for logout requests by SOAP, unless a connection has an address of its own.
    #[must_use]
    pub fn single_logout_soap(&self) -> Option<&str> {
        self.config.single_logout_soap.as_deref()
    }

    /// The address for messages about names by browser over this connection, if it accepts them, chosen like
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn name_id_management_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.name_id_management, settings, &self.config.name_id_management)
    }

    /// The address for requests about names by SOAP over this connection, if it accepts them, chosen like
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn name_id_management_soap_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.name_id_management_soap, settings, &self.config.name_id_management_soap)
    }

    /// The address for messages about names by browser, unless a connection has an address of its own.
    #[must_use]
    pub fn name_id_management(&self) -> Option<&str> {
        self.config.name_id_management.as_deref()
    }

    /// The address for requests about names by SOAP, unless a connection has an address of its own.
    #[must_use]
    pub fn name_id_management_soap(&self) -> Option<&str> {
        self.config.name_id_management_soap.as_deref()
    }

    /// The allowed difference of the clocks over this connection.
    pub(crate) fn clock_skew_for(&self, connection: &Connection) -> Duration {
        connection.settings().clock_skew_seconds.map(Duration::from_secs).unwrap_or(self.config.clock_skew)
    }

    /// The maximum age of a message, if one is configured: the smaller of the service's and the connection's.
    pub(crate) fn maximum_message_age_for(&self, connection: &Connection) -> Option<Duration> {
        let own = connection.settings().maximum_message_age_seconds.map(Duration::from_secs);
        [own, self.config.maximum_message_age].into_iter().flatten().min()
    }

    /// Returns the time from which a request issued now can no longer be answered.
    pub(crate) fn expiry(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let lifetime = TimeDelta::from_std(self.config.request_lifetime).ok();
        lifetime.and_then(|lifetime| now.checked_add_signed(lifetime)).unwrap_or(DateTime::<Utc>::MAX_UTC)
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
