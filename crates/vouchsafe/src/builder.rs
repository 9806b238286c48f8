//! How a service provider is configured: the decisions that must be made, in order, and the settings that have a safe default.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{Expectations, SignaturePolicy};
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, MetadataError, ServiceInformation, WebAddress};
use vouchsafe_signature::AutopsyBudget;
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::service_provider::{Config, ServiceProvider, SigningCredential};

/// A service provider in the making. `Missing` names what it still wants.
#[derive(Debug)]
pub struct Builder<Missing> {
    settings: Settings,
    missing: Missing,
}

/// The address of the assertion consumer is missing.
#[derive(Debug)]
pub struct WantsAssertionConsumer(());

/// Nothing is missing.
#[derive(Debug)]
pub struct Complete {
    assertion_consumer: String,
}

/// When AuthnRequests are signed, given a signing key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignRequests {
    /// When the identity provider's metadata says WantAuthnRequestsSigned.
    #[default]
    WhenWanted,
    /// Always; our metadata then says AuthnRequestsSigned. Without a signing key [`build`](Builder::build) fails.
    Always,
}

#[derive(Debug)]
struct Settings {
    entity_id: EntityId,
    receives_artifacts: bool,
    receives_from_enhanced_clients: bool,
    single_logout: Option<String>,
    single_logout_soap: Option<String>,
    name_id_management: Option<String>,
    name_id_management_soap: Option<String>,
    publishes_simple_sign: bool,
    provider: Option<Provider>,
    danger_allowed: Vec<String>,
    limits: Limits,
    clock_skew: TimeDelta,
    maximum_message_age: Option<TimeDelta>,
    maximum_authentication_age: Option<TimeDelta>,
    request_lifetime: TimeDelta,
    decryption: Vec<(PrivateKey, Certificate)>,
    unpublished_decryption: Vec<PrivateKey>,
    signing: Option<(PrivateKey, Certificate)>,
    next_signing_certificates: Vec<Certificate>,
    sign_metadata: bool,
    information: ServiceInformation,
    sign_requests: SignRequests,
    signature_policy: SignaturePolicy,
    autopsy_budget: AutopsyBudget,
}

impl Builder<WantsAssertionConsumer> {
    pub(crate) fn new(entity_id: EntityId) -> Self {
        Builder {
            settings: Settings {
                entity_id,
                receives_artifacts: false,
                receives_from_enhanced_clients: false,
                single_logout: None,
                single_logout_soap: None,
                name_id_management: None,
                name_id_management_soap: None,
                publishes_simple_sign: false,
                provider: None,
                danger_allowed: Vec::new(),
                limits: Limits::default(),
                clock_skew: TimeDelta::seconds(60),
                maximum_message_age: None,
                maximum_authentication_age: None,
                request_lifetime: TimeDelta::minutes(10),
                decryption: Vec::new(),
                unpublished_decryption: Vec::new(),
                signing: None,
                next_signing_certificates: Vec::new(),
                sign_metadata: false,
                information: ServiceInformation::default(),
                sign_requests: SignRequests::WhenWanted,
                signature_policy: SignaturePolicy::default(),
                autopsy_budget: AutopsyBudget::for_receiving(),
            },
            missing: WantsAssertionConsumer(()),
        }
    }

    /// Where responses are posted: a [secure](vouchsafe_metadata::WebAddress::is_secure) address, kept as it is written. In Okta's console:
    /// "Single sign-on URL".
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn assertion_consumer(self, url: &str) -> Result<Builder<Complete>, BindingError> {
        own_address(url)?;
        Ok(Builder { settings: self.settings, missing: Complete { assertion_consumer: url.to_owned() } })
    }
}

impl Builder<Complete> {
    /// Makes the service provider. Whom it believes is not part of it: that are [connections](crate::Connection).
    ///
    /// # Errors
    /// [`BindingError::CertificateMismatch`] when a certificate is another key's, [`BindingError::SigningKeyMissing`] when requests are
    /// always to be signed, or our metadata is, and there is no key for that, [`BindingError::LogoutKeyMissing`] when there is none for logout messages,
    /// [`BindingError::ArtifactKeyMissing`] when there is none for resolving artifacts,
    /// [`BindingError::ProviderMissing`] when none was given and the feature `rustcrypto` is off,
    /// [`BindingError::Crypto`] when `danger_allow` was given something unknown, [`BindingError::ClockSkew`] when more than five minutes
    /// of skew are granted.
    pub fn build(self) -> Result<ServiceProvider, BindingError> {
        let settings = self.settings;
        if settings.clock_skew > Expectations::GREATEST_CLOCK_SKEW {
            return Err(BindingError::ClockSkew {
                skew: settings.clock_skew,
                limit: Expectations::GREATEST_CLOCK_SKEW,
            });
        }
        let mut provider =
            settings.provider.or_else(default_provider).ok_or(BindingError::ProviderMissing)?;
        for uri in &settings.danger_allowed {
            provider = provider.danger_allow(uri)?;
        }
        for (key, certificate) in &settings.decryption {
            require_pair(key, certificate, "decryption")?;
        }
        let always_signs = settings.sign_requests == SignRequests::Always
            || settings.sign_metadata
            || !settings.next_signing_certificates.is_empty();
        if settings.signing.is_none() && always_signs {
            return Err(BindingError::SigningKeyMissing);
        }
        let addresses = [
            &settings.single_logout,
            &settings.single_logout_soap,
            &settings.name_id_management,
            &settings.name_id_management_soap,
        ];
        if settings.signing.is_none() && addresses.into_iter().any(Option::is_some) {
            return Err(BindingError::LogoutKeyMissing);
        }
        if settings.signing.is_none() && settings.receives_artifacts {
            return Err(BindingError::ArtifactKeyMissing);
        }
        if let Some((key, certificate)) = &settings.signing {
            require_pair(key, certificate, "signing")?;
        }
        let (mut decryption_keys, encryption_certificates): (Vec<_>, Vec<_>) =
            settings.decryption.into_iter().unzip();
        decryption_keys.extend(settings.unpublished_decryption);
        let config = Config {
            entity_id: settings.entity_id,
            assertion_consumer: self.missing.assertion_consumer.into(),
            receives_artifacts: settings.receives_artifacts,
            receives_from_enhanced_clients: settings.receives_from_enhanced_clients,
            single_logout: settings.single_logout.map(Into::into),
            single_logout_soap: settings.single_logout_soap.map(Into::into),
            name_id_management: settings.name_id_management.map(Into::into),
            name_id_management_soap: settings.name_id_management_soap.map(Into::into),
            publishes_simple_sign: settings.publishes_simple_sign,
            provider,
            limits: settings.limits,
            clock_skew: settings.clock_skew,
            maximum_message_age: settings.maximum_message_age,
            maximum_authentication_age: settings.maximum_authentication_age,
            request_lifetime: settings.request_lifetime,
            decryption_keys: decryption_keys.into(),
            encryption_certificates,
            signing: settings.signing.map(|(key, certificate)| SigningCredential { key, certificate }),
            next_signing_certificates: settings.next_signing_certificates,
            sign_metadata: settings.sign_metadata,
            information: settings.information,
            sign_requests: settings.sign_requests,
            signature_policy: settings.signature_policy,
            autopsy_budget: settings.autopsy_budget,
        };
        Ok(ServiceProvider::new(config))
    }
}

impl<Missing> Builder<Missing> {
    /// The cryptography and the algorithms that are accepted. Default: `Provider::rustcrypto`, and none without the feature of that name.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.settings.provider = Some(provider);
        self
    }

    /// How far the clocks may be apart. Default: 60 seconds; 3 to 5 minutes are usual where clocks are bad. Negative counts as none, and
    /// more than five minutes make [`build`](Builder::build) fail: they would keep a stolen response good for that much longer.
    #[must_use]
    pub fn clock_skew(mut self, skew: TimeDelta) -> Self {
        self.settings.clock_skew = skew.max(TimeDelta::zero());
        self
    }

    /// How long ago a response and its assertion may have been issued, whatever their own windows say. Default: no limit but those.
    #[must_use]
    pub fn maximum_message_age(mut self, age: TimeDelta) -> Self {
        self.settings.maximum_message_age = Some(age);
        self
    }

    /// How long ago the person may have signed in at the identity provider, in every login, asked for or not. Default: no limit.
    /// [`LoginOptions::maximum_authentication_age`](crate::LoginOptions::maximum_authentication_age) can set a shorter one.
    #[must_use]
    pub fn maximum_authentication_age(mut self, age: TimeDelta) -> Self {
        self.settings.maximum_authentication_age = Some(age);
        self
    }

    /// How long a started sign-in waits for its reply. Default: 10 minutes, time enough to find a second factor.
    #[must_use]
    pub fn request_lifetime(mut self, lifetime: TimeDelta) -> Self {
        self.settings.request_lifetime = lifetime;
        self
    }

    /// Takes responses by HTTP-Artifact too, at the assertion consumer: the browser brings a reference, and the Response is asked for over SOAP. The
    /// questions are signed, so it needs a [`signing_key`](Self::signing_key). Our metadata then has the assertion consumer a second time, with the
    /// binding HTTP-Artifact and the index 1.
    #[must_use]
    pub fn receive_artifacts(mut self) -> Self {
        self.settings.receives_artifacts = true;
        self
    }

    /// Answers enhanced clients (ECP): programs that carry the messages themselves, with a SOAP envelope in the place of a redirect, and take what they
    /// post to the assertion consumer. Our metadata then has the assertion consumer once more, with the binding PAOS.
    #[must_use]
    pub fn receive_from_enhanced_clients(mut self) -> Self {
        self.settings.receives_from_enhanced_clients = true;
        self
    }

    /// Where logout messages come by browser, by HTTP-Redirect and HTTP-POST: with it this service takes part in single logout. The messages of
    /// ours are signed, so it needs a [`signing_key`](Self::signing_key). In Okta's console: "Single Logout URL".
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.single_logout = Some(url.to_owned());
        Ok(self)
    }

    /// Where logout requests come by SOAP, from the identity provider's own server. It needs a [`signing_key`](Self::signing_key) too.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.single_logout_soap = Some(url.to_owned());
        Ok(self)
    }

    /// Where identity providers say by browser, by HTTP-Redirect and HTTP-POST, that the name of one of their people changes or ends, and answer
    /// what we ask about names. The messages of ours are signed, so it needs a [`signing_key`](Self::signing_key).
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.name_id_management = Some(url.to_owned());
        Ok(self)
    }

    /// Where they say so by SOAP, from their own servers. It needs a [`signing_key`](Self::signing_key) too.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.name_id_management_soap = Some(url.to_owned());
        Ok(self)
    }

    /// Has our metadata offer HTTP-POST-SimpleSign beside HTTP-POST, at the same addresses. What comes so is always taken; this is for identity
    /// providers that send what metadata offers.
    #[must_use]
    pub fn publish_simple_sign(mut self) -> Self {
        self.settings.publishes_simple_sign = true;
        self
    }

    /// The ceilings on what is read.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// What may be spent to find the cause when a signature fails: [`AutopsyBudget::for_receiving`] by default, some milliseconds. Without any
    /// public-key operation, such as `AutopsyBudget::new(0, 0)`, nothing is looked into.
    #[must_use]
    pub fn autopsy_budget(mut self, budget: AutopsyBudget) -> Self {
        self.settings.autopsy_budget = budget;
        self
    }

    /// A key that opens encrypted assertions, with the certificate for our metadata (Okta: "Encryption Certificate"). Several may be
    /// given while one replaces the other; they are tried in this order.
    #[must_use]
    pub fn decryption_key(mut self, key: PrivateKey, certificate: Certificate) -> Self {
        self.settings.decryption.push((key, certificate));
        self
    }

    /// A key that opens encrypted assertions and is not in our metadata: the next one before it is published, and the old one while identity
    /// providers that have not read our metadata still encrypt to it. [`OwnRollover`](crate::metadata::OwnRollover) tells the order.
    #[must_use]
    pub fn unpublished_decryption_key(mut self, key: PrivateKey) -> Self {
        self.settings.unpublished_decryption.push(key);
        self
    }

    /// The key that signs requests, with the certificate for our metadata (Okta: "Signature Certificate").
    #[must_use]
    pub fn signing_key(mut self, key: PrivateKey, certificate: Certificate) -> Self {
        self.settings.signing = Some((key, certificate));
        self
    }

    /// The certificate of the key that will sign after the one in use, or that signed before it. It is published in our metadata beside that of
    /// the [signing key](Self::signing_key), which there must be, so that identity providers know it before the change and while what the old
    /// key signed is on its way. [`OwnRollover`](crate::metadata::OwnRollover) tells the order.
    #[must_use]
    pub fn next_signing_certificate(mut self, certificate: Certificate) -> Self {
        self.settings.next_signing_certificates.push(certificate);
        self
    }

    /// Signs our metadata with the [`signing_key`](Self::signing_key), for those who take it from anywhere and trust the key. By default it
    /// is not signed: it is served over TLS.
    #[must_use]
    pub fn sign_metadata(mut self) -> Self {
        self.settings.sign_metadata = true;
        self
    }

    /// What our metadata says for people and for the release of attributes: names, logos, contacts, the attributes and the subject identifier
    /// that are wanted.
    #[must_use]
    pub fn information(mut self, information: ServiceInformation) -> Self {
        self.settings.information = information;
        self
    }

    /// When requests are signed. Default: when the identity provider wants it.
    #[must_use]
    pub fn sign_requests(mut self, when: SignRequests) -> Self {
        self.settings.sign_requests = when;
        self
    }

    /// Refuses responses whose Response element is not signed, even around a signed Assertion (Okta: "Response: Signed").
    #[must_use]
    pub fn require_signed_response(mut self) -> Self {
        self.settings.signature_policy = self.settings.signature_policy.require_signed_response();
        self
    }

    /// Refuses assertions without a signature of their own, even in a signed Response (Okta: "Assertion Signature: Signed").
    #[must_use]
    pub fn require_signed_assertion(mut self) -> Self {
        self.settings.signature_policy = self.settings.signature_policy.require_signed_assertion();
        self
    }

    /// Accepts an algorithm that is refused by default, by its URI, or `rsa-1024` for RSA keys of 1024 bits.
    ///
    /// This weakens every identity provider's signatures or ciphertexts. What it can be given: SHA-1 signatures and digests, RSA-1.5
    /// key transport, 3DES. Anything else makes [`build`](Builder::build) fail.
    #[must_use]
    pub fn danger_allow(mut self, uri: &str) -> Self {
        self.settings.danger_allowed.push(uri.to_owned());
        self
    }
}

/// What the service has when none is chosen.
fn default_provider() -> Option<Provider> {
    #[cfg(feature = "rustcrypto")]
    let provider = Some(Provider::rustcrypto());
    #[cfg(not(feature = "rustcrypto"))]
    let provider = None;
    provider
}

pub(crate) fn require_pair(
    key: &PrivateKey,
    certificate: &Certificate,
    purpose: &'static str,
) -> Result<(), BindingError> {
    if certificate.certifies(key.public_key()) {
        Ok(())
    } else {
        Err(BindingError::CertificateMismatch { purpose })
    }
}

/// Reads an address of our own.
pub(crate) fn own_address(text: &str) -> Result<WebAddress, BindingError> {
    let refuse = |reason| BindingError::Url { url: text.to_owned(), reason };
    match WebAddress::new(text) {
        Ok(address) if address.is_secure() => Ok(address),
        Ok(_) => Err(refuse("http is for loopback hosts alone; use https")),
        Err(MetadataError::WebAddress { reason, .. }) => Err(refuse(reason)),
        Err(other) => Err(other.into()),
    }
}
