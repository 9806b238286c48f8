//! How a service provider is configured: the decisions that must be made, in order, and the settings that have a safe default.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use vouchsafe_assertion::{Expectations, SignaturePolicy, Trust};
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, IdentityProvider, MetadataError, WebAddress};
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::service_provider::{Config, ServiceProvider, SigningCredential, Trusted};

/// A service provider in the making. `Missing` names what it still wants.
#[derive(Debug)]
pub struct Builder<Missing> {
    settings: Settings,
    missing: Missing,
}

/// The address of the assertion consumer is missing.
#[derive(Debug)]
pub struct WantsAssertionConsumer(());

/// Whom to trust is missing.
#[derive(Debug)]
pub struct WantsTrust {
    assertion_consumer: String,
}

/// Nothing is missing.
#[derive(Debug)]
pub struct Complete {
    assertion_consumer: String,
    identity_providers: Vec<IdentityProvider>,
}

/// When AuthnRequests are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    provider: Option<Provider>,
    danger_allowed: Vec<String>,
    limits: Limits,
    clock_skew: TimeDelta,
    maximum_message_age: Option<TimeDelta>,
    maximum_authentication_age: Option<TimeDelta>,
    request_lifetime: TimeDelta,
    decryption: Vec<(PrivateKey, Certificate)>,
    signing: Option<(PrivateKey, Certificate)>,
    sign_requests: SignRequests,
    accept_unsolicited: bool,
    signature_policy: SignaturePolicy,
}

impl Builder<WantsAssertionConsumer> {
    pub(crate) fn new(entity_id: EntityId) -> Self {
        Builder {
            settings: Settings {
                entity_id,
                provider: None,
                danger_allowed: Vec::new(),
                limits: Limits::default(),
                clock_skew: TimeDelta::seconds(60),
                maximum_message_age: None,
                maximum_authentication_age: None,
                request_lifetime: TimeDelta::minutes(10),
                decryption: Vec::new(),
                signing: None,
                sign_requests: SignRequests::WhenWanted,
                accept_unsolicited: false,
                signature_policy: SignaturePolicy::default(),
            },
            missing: WantsAssertionConsumer(()),
        }
    }

    /// Where responses are posted: a [secure](vouchsafe_metadata::WebAddress::is_secure) address, kept as it is written. In Okta's console: "Single sign-on URL".
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn assertion_consumer(self, url: &str) -> Result<Builder<WantsTrust>, BindingError> {
        own_address(url)?;
        Ok(Builder { settings: self.settings, missing: WantsTrust { assertion_consumer: url.to_owned() } })
    }
}

impl Builder<WantsTrust> {
    /// Trusts an identity provider. More may follow.
    pub fn trust(self, identity_provider: IdentityProvider) -> Builder<Complete> {
        self.trust_later().trust(identity_provider)
    }

    /// Trusts nobody yet: for a service whose customers bring their identity providers, which
    /// [`with_trust`](ServiceProvider::with_trust) adds while it runs. Until then every response is refused.
    pub fn trust_later(self) -> Builder<Complete> {
        let assertion_consumer = self.missing.assertion_consumer;
        Builder {
            settings: self.settings,
            missing: Complete { assertion_consumer, identity_providers: Vec::new() },
        }
    }
}

impl Builder<Complete> {
    /// Trusts one more identity provider.
    #[must_use]
    pub fn trust(mut self, identity_provider: IdentityProvider) -> Self {
        self.missing.identity_providers.push(identity_provider);
        self
    }

    /// Makes the service provider; the keys of everyone trusted are parsed here, once.
    ///
    /// # Errors
    /// [`BindingError::AlreadyTrusted`] when an entity ID comes twice, [`BindingError::UnusableKeys`] when an identity provider has no
    /// key that the policy accepts, [`BindingError::CertificateMismatch`] when a certificate is another key's,
    /// [`BindingError::SigningKeyMissing`] when requests are always to be signed and there is no key for that,
    /// [`BindingError::InsecureLocation`] when an identity provider takes sign-ins without TLS,
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
        let mut provider = settings.provider.unwrap_or_else(Provider::rustcrypto);
        for uri in &settings.danger_allowed {
            provider = provider.danger_allow(uri)?;
        }
        for (key, certificate) in &settings.decryption {
            require_pair(key, certificate, "decryption")?;
        }
        if settings.signing.is_none() && settings.sign_requests == SignRequests::Always {
            return Err(BindingError::SigningKeyMissing);
        }
        if let Some((key, certificate)) = &settings.signing {
            require_pair(key, certificate, "signing")?;
        }
        let (decryption_keys, encryption_certificates) = settings.decryption.into_iter().unzip();
        let config = Config {
            entity_id: settings.entity_id,
            assertion_consumer: self.missing.assertion_consumer,
            provider,
            limits: settings.limits,
            clock_skew: settings.clock_skew,
            maximum_message_age: settings.maximum_message_age,
            maximum_authentication_age: settings.maximum_authentication_age,
            request_lifetime: settings.request_lifetime,
            decryption_keys,
            encryption_certificates,
            signing: settings.signing.map(|(key, certificate)| SigningCredential { key, certificate }),
            sign_requests: settings.sign_requests,
            accept_unsolicited: settings.accept_unsolicited,
            signature_policy: settings.signature_policy,
        };
        self.missing
            .identity_providers
            .into_iter()
            .try_fold(ServiceProvider::new(config), |service_provider, one| service_provider.with_trust(one))
    }
}

impl<Missing> Builder<Missing> {
    /// The cryptography and the algorithms that are accepted. Default: [`Provider::rustcrypto`].
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

    /// The ceilings on what is read.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// A key that opens encrypted assertions, with the certificate for our metadata (Okta: "Encryption Certificate"). Several may be
    /// given while one replaces the other; they are tried in this order.
    #[must_use]
    pub fn decryption_key(mut self, key: PrivateKey, certificate: Certificate) -> Self {
        self.settings.decryption.push((key, certificate));
        self
    }

    /// The key that signs requests, with the certificate for our metadata (Okta: "Signature Certificate").
    #[must_use]
    pub fn signing_key(mut self, key: PrivateKey, certificate: Certificate) -> Self {
        self.settings.signing = Some((key, certificate));
        self
    }

    /// When requests are signed. Default: when the identity provider wants it.
    #[must_use]
    pub fn sign_requests(mut self, when: SignRequests) -> Self {
        self.settings.sign_requests = when;
        self
    }

    /// Accepts responses that answer no request: sign-ins that begin at the identity provider (Okta: the dashboard's icon). By default
    /// they are refused.
    ///
    /// No browser has to prove that it asked for such a response. Somebody can sign in at the identity provider as themselves and have
    /// the response posted by another person's browser, who then works in an account that is not theirs (login CSRF).
    #[must_use]
    pub fn accept_unsolicited(mut self) -> Self {
        self.settings.accept_unsolicited = true;
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

fn require_pair(
    key: &PrivateKey,
    certificate: &Certificate,
    purpose: &'static str,
) -> Result<(), BindingError> {
    let same = key.public_key().spki_der() == certificate.spki_der();
    if same { Ok(()) } else { Err(BindingError::CertificateMismatch { purpose }) }
}

/// Reads an address of our own.
fn own_address(text: &str) -> Result<WebAddress, BindingError> {
    let refuse = |reason| BindingError::Url { url: text.to_owned(), reason };
    match WebAddress::new(text) {
        Ok(address) if address.is_secure() => Ok(address),
        Ok(_) => Err(refuse("http is for loopback hosts alone; use https")),
        Err(MetadataError::WebAddress { reason, .. }) => Err(refuse(reason)),
        Err(other) => Err(other.into()),
    }
}

/// The refusal to send a browser to an address where others can read and alter what it sends.
pub(crate) fn insecure(identity_provider: &IdentityProvider, address: &WebAddress) -> BindingError {
    BindingError::InsecureLocation {
        entity_id: identity_provider.entity_id().as_str().to_owned(),
        location: address.as_str().to_owned(),
    }
}

/// Takes an identity provider into trust: parses its keys under the policy, and refuses addresses for single sign-on without TLS.
pub(crate) fn trusted(
    identity_provider: IdentityProvider,
    provider: &Provider,
) -> Result<Arc<Trusted>, BindingError> {
    if let Some(address) = identity_provider.insecure_single_sign_on() {
        return Err(insecure(&identity_provider, address));
    }
    let trust = Trust::new(&identity_provider, provider).map_err(|source| BindingError::UnusableKeys {
        entity_id: identity_provider.entity_id().as_str().to_owned(),
        source: Box::new(source),
    })?;
    Ok(Arc::new(Trusted { identity_provider, trust }))
}

/// Everyone trusted, by entity ID.
pub(crate) type TrustedByName = HashMap<String, Arc<Trusted>>;
