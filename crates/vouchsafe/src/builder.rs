//! The builder of a service provider: required settings in order, and optional settings with safe defaults.

use std::time::Duration;

use vouchsafe_assertion::SignaturePolicy;
use vouchsafe_crypto::{Certificate, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, ServiceInformation};
use vouchsafe_signature::AutopsyBudget;
use vouchsafe_xml::Limits;

use crate::error::BindingError;
use crate::service_provider::{Config, ServiceProvider, SigningCredential};
use crate::settings::{SignRequests, own_address, require_pair, require_small_skew};

/// A builder of a [`ServiceProvider`]. `Missing` names the required setting that is still
/// missing.
#[derive(Debug)]
pub struct Builder<Missing> {
    settings: Settings,
    missing: Missing,
}

/// The address of the assertion consumer is missing.
#[derive(Debug)]
pub struct WantsAssertionConsumer(());

/// No required setting is missing.
#[derive(Debug)]
pub struct Complete {
    assertion_consumer: String,
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
    clock_skew: Duration,
    maximum_message_age: Option<Duration>,
    maximum_authentication_age: Option<Duration>,
    request_lifetime: Duration,
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

impl ServiceProvider {
    /// Starts a builder with our own entity ID, which is also the audience that assertions must name (Okta: "Audience
    /// URI (SP Entity ID)").
    pub fn builder(entity_id: EntityId) -> Builder<WantsAssertionConsumer> {
        Builder::new(entity_id)
    }
}

impl Builder<WantsAssertionConsumer> {
    fn new(entity_id: EntityId) -> Self {
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
                clock_skew: Duration::from_secs(60),
                maximum_message_age: None,
                maximum_authentication_age: None,
                request_lifetime: Duration::from_secs(600),
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

    /// Sets the address to which responses are posted: a [secure](vouchsafe_metadata::WebAddress::is_secure) address,
    /// kept as it is written. Okta's console calls it "Single sign-on URL".
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn assertion_consumer(self, url: &str) -> Result<Builder<Complete>, BindingError> {
        own_address(url)?;
        Ok(Builder { settings: self.settings, missing: Complete { assertion_consumer: url.to_owned() } })
    }
}

impl Builder<Complete> {
    /// Makes the service provider. The trusted identity providers are not part of it: those are
    /// [connections](crate::Connection).
    ///
    /// # Errors
    /// [`BindingError::CertificateMismatch`] if a certificate does not match its key,
    /// [`BindingError::SigningKeyMissing`] if requests must always be signed, or our metadata must be, and there is
    /// no signing key, [`BindingError::LogoutKeyMissing`] if there is none for logout messages,
    /// [`BindingError::ArtifactKeyMissing`] if there is none for resolving artifacts,
    /// [`BindingError::ProviderMissing`] if no provider was given and the feature `rustcrypto` is off,
    /// [`BindingError::Crypto`] if `danger_allow` was given an unknown algorithm, [`BindingError::ClockSkew`] if the
    /// clock skew is more than five minutes.
    pub fn build(self) -> Result<ServiceProvider, BindingError> {
        let settings = self.settings;
        require_small_skew(settings.clock_skew)?;
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
    /// Sets the cryptography and the accepted algorithms. Default: `Provider::rustcrypto`. Without the feature of
    /// that name there is no default.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.settings.provider = Some(provider);
        self
    }

    /// Sets how far the clocks may be apart. Default: 60 seconds; 3 to 5 minutes are usual where clocks are
    /// inaccurate. More than five minutes make [`build`](Builder::build) fail, because a stolen response would stay
    /// usable for that time.
    #[must_use]
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.settings.clock_skew = skew;
        self
    }

    /// Sets the maximum age of a response and its assertion since they were issued, in addition to the times that
    /// they state. Default: no further limit.
    #[must_use]
    pub fn maximum_message_age(mut self, age: Duration) -> Self {
        self.settings.maximum_message_age = Some(age);
        self
    }

    /// Sets how long ago the person may have signed in at the identity provider. It applies to every login, also to
    /// unsolicited ones. Default: no limit.
    /// [`LoginOptions::maximum_authentication_age`](crate::LoginOptions::maximum_authentication_age) can set a
    /// shorter one.
    #[must_use]
    pub fn maximum_authentication_age(mut self, age: Duration) -> Self {
        self.settings.maximum_authentication_age = Some(age);
        self
    }

    /// Sets how long a started sign-in waits for its answer. Default: 10 minutes, so that a person has time for a
    /// second factor.
    #[must_use]
    pub fn request_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.request_lifetime = lifetime;
        self
    }

    /// Also accepts responses by HTTP-Artifact at the assertion consumer: the browser brings a reference, and this
    /// service requests the Response over SOAP. These requests are signed, so a [`signing_key`](Self::signing_key) is
    /// needed. Our metadata then lists the assertion consumer a second time, with the binding HTTP-Artifact and the
    /// index 1.
    #[must_use]
    pub fn receive_artifacts(mut self) -> Self {
        self.settings.receives_artifacts = true;
        self
    }

    /// Answers enhanced clients (ECP). These programs carry the messages themselves: they receive a SOAP envelope
    /// instead of a redirect, and post the response to the assertion consumer. Our metadata then lists the assertion
    /// consumer once more, with the binding PAOS.
    #[must_use]
    pub fn receive_from_enhanced_clients(mut self) -> Self {
        self.settings.receives_from_enhanced_clients = true;
        self
    }

    /// Sets the address for logout messages by browser, with HTTP-Redirect and HTTP-POST. With it, this service takes
    /// part in single logout. Our logout messages are signed, so a [`signing_key`](Self::signing_key) is needed.
    /// Okta's console calls it "Single Logout URL".
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.single_logout = Some(url.to_owned());
        Ok(self)
    }

    /// Sets the address for logout requests by SOAP, from the identity provider's server. A
    /// [`signing_key`](Self::signing_key) is needed.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn single_logout_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.single_logout_soap = Some(url.to_owned());
        Ok(self)
    }

    /// Sets the address for messages about names by browser, with HTTP-Redirect and HTTP-POST. Identity providers
    /// send there that the name of a person changes or ends, and the answers to our requests about names. Our
    /// messages are signed, so a [`signing_key`](Self::signing_key) is needed.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.name_id_management = Some(url.to_owned());
        Ok(self)
    }

    /// Sets the address for requests about names by SOAP, from the identity provider's server. A
    /// [`signing_key`](Self::signing_key) is needed.
    ///
    /// # Errors
    /// [`BindingError::Url`].
    pub fn name_id_management_soap(mut self, url: &str) -> Result<Self, BindingError> {
        own_address(url)?;
        self.settings.name_id_management_soap = Some(url.to_owned());
        Ok(self)
    }

    /// Lists HTTP-POST-SimpleSign in our metadata in addition to HTTP-POST, at the same addresses. Messages by this
    /// binding are always accepted; this setting is for identity providers that use only the bindings in the
    /// metadata.
    #[must_use]
    pub fn publish_simple_sign(mut self) -> Self {
        self.settings.publishes_simple_sign = true;
        self
    }

    /// Sets the limits on the sizes of what is read.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets how much work is done to find the cause if a signature fails. Default: [`AutopsyBudget::for_receiving`],
    /// a few milliseconds. A budget without public-key operations, such as `AutopsyBudget::new(0, 0)`, turns the
    /// search off.
    #[must_use]
    pub fn autopsy_budget(mut self, budget: AutopsyBudget) -> Self {
        self.settings.autopsy_budget = budget;
        self
    }

    /// Adds a key that decrypts encrypted assertions, with the certificate for our metadata (Okta: "Encryption
    /// Certificate"). Several are tried in this order. Identity providers encrypt to any of them, so the next key is
    /// [unpublished](Self::unpublished_decryption_key) until every process has it.
    #[must_use]
    pub fn decryption_key(mut self, key: PrivateKey, certificate: Certificate) -> Self {
        self.settings.decryption.push((key, certificate));
        self
    }

    /// Adds a key that decrypts encrypted assertions and is not in our metadata: the next key before it is published,
    /// or the old key while identity providers that have not read our new metadata still encrypt to it.
    /// [`OwnRollover`](crate::metadata::OwnRollover) tells the order of the steps.
    #[must_use]
    pub fn unpublished_decryption_key(mut self, key: PrivateKey) -> Self {
        self.settings.unpublished_decryption.push(key);
        self
    }

    /// Sets the key that signs requests, with the certificate for our metadata (Okta: "Signature Certificate").
    #[must_use]
    pub fn signing_key(mut self, key: PrivateKey, certificate: Certificate) -> Self {
        self.settings.signing = Some((key, certificate));
        self
    }

    /// Adds the certificate of the key that will sign next, or that signed before. It is published in our metadata
    /// next to that of the [signing key](Self::signing_key), which is required. Identity providers then know the new
    /// key before the change, and still accept messages that the old key signed shortly before.
    /// [`OwnRollover`](crate::metadata::OwnRollover) tells the order of the steps.
    #[must_use]
    pub fn next_signing_certificate(mut self, certificate: Certificate) -> Self {
        self.settings.next_signing_certificates.push(certificate);
        self
    }

    /// Signs our metadata with the [`signing_key`](Self::signing_key), for readers that trust the key and not the
    /// place of the document. By default our metadata is not signed, since it is served over TLS.
    #[must_use]
    pub fn sign_metadata(mut self) -> Self {
        self.settings.sign_metadata = true;
        self
    }

    /// Sets the information in our metadata for people and for the release of attributes: names, logos, contacts, the
    /// requested attributes and the subject identifier.
    #[must_use]
    pub fn information(mut self, information: ServiceInformation) -> Self {
        self.settings.information = information;
        self
    }

    /// Sets when requests are signed. Default: if the identity provider's metadata has WantAuthnRequestsSigned.
    #[must_use]
    pub fn sign_requests(mut self, when: SignRequests) -> Self {
        self.settings.sign_requests = when;
        self
    }

    /// Refuses responses whose Response element is not signed, even if the Assertion inside is signed (Okta:
    /// "Response: Signed").
    #[must_use]
    pub fn require_signed_response(mut self) -> Self {
        self.settings.signature_policy = self.settings.signature_policy.require_signed_response();
        self
    }

    /// Refuses assertions without a signature of their own, even in a signed Response (Okta: "Assertion Signature:
    /// Signed").
    #[must_use]
    pub fn require_signed_assertion(mut self) -> Self {
        self.settings.signature_policy = self.settings.signature_policy.require_signed_assertion();
        self
    }

    /// Accepts an algorithm that is refused by default. It is given by its URI, or as `rsa-1024` for RSA keys of 1024
    /// bits.
    ///
    /// This weakens the signatures or ciphertexts of every identity provider. Possible values are SHA-1 signatures
    /// and digests, RSA-1.5 key transport, and 3DES. Any other value makes [`build`](Builder::build) fail.
    #[must_use]
    pub fn danger_allow(mut self, uri: &str) -> Self {
        self.settings.danger_allowed.push(uri.to_owned());
        self
    }
}

/// The default provider of cryptography, if the build has one.
fn default_provider() -> Option<Provider> {
    #[cfg(feature = "rustcrypto")]
    let provider = Some(Provider::rustcrypto());
    #[cfg(not(feature = "rustcrypto"))]
    let provider = None;
    provider
}
