//! The service provider: who we are, whom we trust, and the two things we do, ask and receive.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_assertion::{SignaturePolicy, Trust};
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_xml::Limits;

use crate::builder::{Builder, SignRequests, TrustedByName, WantsAssertionConsumer, trusted};
use crate::error::BindingError;

/// A SAML 2.0 service provider (SAML Profiles 4.1, Web Browser SSO). Cheap to clone; it holds no connection and no clock.
///
/// Whom it trusts never changes under a caller's feet: [`with_trust`](Self::with_trust), [`with_refreshed_trust`](Self::with_refreshed_trust)
/// and [`without_trust`](Self::without_trust) give a new value, and a running service puts it in the place of the old one.
///
/// ```
/// use vouchsafe::{EntityId, ServiceProvider};
///
/// let service_provider = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
///     .assertion_consumer("https://app.example.com/saml/acs")?
///     .trust_later()
///     .build()?;
/// assert_eq!(service_provider.identity_providers().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceProvider {
    pub(crate) config: Arc<Config>,
    trusted: Arc<TrustedByName>,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) entity_id: EntityId,
    pub(crate) assertion_consumer: String,
    pub(crate) provider: Provider,
    pub(crate) limits: Limits,
    pub(crate) clock_skew: TimeDelta,
    pub(crate) maximum_message_age: Option<TimeDelta>,
    pub(crate) maximum_authentication_age: Option<TimeDelta>,
    pub(crate) request_lifetime: TimeDelta,
    pub(crate) decryption_keys: Vec<PrivateKey>,
    pub(crate) encryption_certificates: Vec<Certificate>,
    pub(crate) signing: Option<SigningCredential>,
    pub(crate) sign_requests: SignRequests,
    pub(crate) accept_unsolicited: bool,
    pub(crate) signature_policy: SignaturePolicy,
}

#[derive(Debug)]
pub(crate) struct SigningCredential {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
}

/// An identity provider with its keys parsed.
#[derive(Debug)]
pub(crate) struct Trusted {
    pub(crate) identity_provider: IdentityProvider,
    pub(crate) trust: Trust,
}

impl ServiceProvider {
    /// Begins with our own entity ID, which is also the audience that assertions must name (Okta: "Audience URI (SP Entity ID)").
    pub fn builder(entity_id: EntityId) -> Builder<WantsAssertionConsumer> {
        Builder::new(entity_id)
    }

    pub(crate) fn new(config: Config) -> ServiceProvider {
        ServiceProvider { config: Arc::new(config), trusted: Arc::default() }
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

    /// Whether responses that answer no request are accepted. They are not, unless
    /// [`accept_unsolicited`](crate::Builder::accept_unsolicited) says so.
    pub fn accepts_unsolicited(&self) -> bool {
        self.config.accept_unsolicited
    }

    /// The ceilings on what is read.
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// Everyone trusted, in no order.
    pub fn identity_providers(&self) -> impl Iterator<Item = &IdentityProvider> {
        self.trusted.values().map(|one| &one.identity_provider)
    }

    /// The trusted identity provider of that entity ID.
    pub fn identity_provider(&self, entity_id: &EntityId) -> Option<&IdentityProvider> {
        self.trusted(entity_id).map(|one| &one.identity_provider)
    }

    /// The same service provider, which trusts one identity provider more.
    ///
    /// An entity ID that is trusted already is refused: where customers bring their metadata, one must not be able to put keys in the
    /// place of another's.
    ///
    /// # Errors
    /// [`BindingError::AlreadyTrusted`], [`BindingError::InsecureLocation`] and [`BindingError::UnusableKeys`].
    pub fn with_trust(&self, identity_provider: IdentityProvider) -> Result<ServiceProvider, BindingError> {
        let entity_id = identity_provider.entity_id();
        if self.trusted(entity_id).is_some() {
            return Err(BindingError::AlreadyTrusted { entity_id: entity_id.as_str().to_owned() });
        }
        self.put(identity_provider)
    }

    /// The same service provider with newer metadata of an identity provider that is trusted already: its keys are exchanged.
    ///
    /// `expected` is the entity ID of the identity provider whose metadata was to be refreshed. A customer whose metadata URL begins to
    /// serve the metadata of another customer's identity provider could otherwise exchange the other's keys.
    ///
    /// # Errors
    /// [`BindingError::Metadata`] when it is the metadata of another entity, [`BindingError::UnknownIdentityProvider`], [`BindingError::InsecureLocation`] and
    /// [`BindingError::UnusableKeys`].
    pub fn with_refreshed_trust(
        &self,
        expected: &EntityId,
        identity_provider: IdentityProvider,
    ) -> Result<ServiceProvider, BindingError> {
        self.require(expected)?;
        self.put(identity_provider.expected_to_be(expected)?)
    }

    /// The same service provider, which trusts this identity provider no longer. Its pending requests can no more be answered.
    pub fn without_trust(&self, entity_id: &EntityId) -> ServiceProvider {
        let mut trusted = TrustedByName::clone(&self.trusted);
        trusted.remove(entity_id.as_str());
        ServiceProvider { config: Arc::clone(&self.config), trusted: Arc::new(trusted) }
    }

    fn put(&self, identity_provider: IdentityProvider) -> Result<ServiceProvider, BindingError> {
        let name = identity_provider.entity_id().as_str().to_owned();
        let mut all = TrustedByName::clone(&self.trusted);
        all.insert(name, trusted(identity_provider, &self.config.provider)?);
        Ok(ServiceProvider { config: Arc::clone(&self.config), trusted: Arc::new(all) })
    }

    pub(crate) fn trusted(&self, entity_id: &EntityId) -> Option<&Trusted> {
        self.trusted.get(entity_id.as_str()).map(Arc::as_ref)
    }

    pub(crate) fn require(&self, entity_id: &EntityId) -> Result<&Trusted, BindingError> {
        self.trusted(entity_id)
            .ok_or_else(|| BindingError::UnknownIdentityProvider { entity_id: entity_id.as_str().to_owned() })
    }

    /// When a request issued now is too old to be answered.
    pub(crate) fn expiry(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_add_signed(self.config.request_lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
