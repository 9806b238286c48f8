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

use crate::settings::SignRequests;

/// A SAML 2.0 service provider (SAML Profiles 4.1, Web Browser SSO). It is cheap to clone, and holds no state and no
/// clock.
///
/// The trusted identity providers are not part of it: a sign-in goes over a [`Connection`](crate::Connection), which the caller looks
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

    /// The certificates of our decryption keys, with which identity providers encrypt, unless a connection has keys
    /// of its own.
    #[must_use]
    pub fn encryption_certificates(&self) -> &[Certificate] {
        &self.config.encryption_certificates
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

    /// Returns the time from which a request issued now can no longer be answered.
    pub(crate) fn expiry(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let lifetime = TimeDelta::from_std(self.config.request_lifetime).ok();
        lifetime.and_then(|lifetime| now.checked_add_signed(lifetime)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
