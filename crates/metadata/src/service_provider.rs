use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::{
    Certificate, ContentCipher, DigestAlgorithm, KeyTransport, Provider, SignatureAlgorithm, hexadecimal,
};
use vouchsafe_signature::{SignatureError, Signer, sign};
use vouchsafe_xml::namespace::SAML_PROTOCOL;
use vouchsafe_xml::{Limits, Writer};

use crate::endpoint::web_endpoint;
use crate::value_writers::{boolean, write_endpoint};
use crate::write::{Extensions, start_entity, write_keys};
use crate::{
    AlgorithmSupport, Binding, Endpoint, EntityId, EntityKey, MetadataError, ServiceInformation,
    SigningMethod,
};

/// Our own metadata, which the operator of an identity provider gets (saml-metadata-2.0-os 2.4.4).
///
/// ```
/// use vouchsafe_metadata::{Binding, EntityId, ServiceProviderDescriptor};
///
/// let descriptor = ServiceProviderDescriptor::builder(EntityId::new("https://app.example.com/saml/metadata")?)
///     .with_assertion_consumer(Binding::HttpPost, "https://app.example.com/saml/acs")?
///     .with_single_logout(Binding::HttpRedirect, "https://app.example.com/saml/logout")?;
///
/// let xml = descriptor.to_xml()?;
/// assert!(xml.contains(r#"<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST""#));
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceProviderDescriptor {
    entity_id: EntityId,
    valid_until: Option<DateTime<Utc>>,
    cache_duration: Option<Duration>,
    assertion_consumers: Vec<Endpoint>,
    single_logout: Vec<Endpoint>,
    name_id_management: Vec<Endpoint>,
    artifact_resolution: Vec<Endpoint>,
    signing: Vec<EntityKey>,
    encryption: Vec<EntityKey>,
    wants_assertions_signed: bool,
    authn_requests_signed: bool,
    encryption_methods: Vec<String>,
    algorithm_support: AlgorithmSupport,
    information: ServiceInformation,
}

/// # Addresses
impl ServiceProviderDescriptor {
    /// Starts a descriptor. An assertion consumer must be added next, because the schema requires one.
    pub fn builder(entity_id: EntityId) -> WantsAssertionConsumer {
        WantsAssertionConsumer { entity_id }
    }

    /// Adds an address that receives Responses. They are numbered from 0 in this order, and the first is the default
    /// (2.2.3).
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_assertion_consumer(self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        let used = self.assertion_consumers.iter().filter_map(Endpoint::index).max();
        let next = used.map_or(0, |index| index.saturating_add(1));
        self.with_assertion_consumer_of_index(next, binding, location)
    }

    /// Adds an address that receives Responses with an index of its own, which stays the same when others are added
    /// or removed.
    ///
    /// # Errors
    /// As for [`with_assertion_consumer`](Self::with_assertion_consumer), and `metadata.index` if another one has the
    /// index.
    pub fn with_assertion_consumer_of_index(
        mut self,
        index: u16,
        binding: Binding,
        location: &str,
    ) -> Result<Self, MetadataError> {
        let element = "AssertionConsumerService";
        let endpoint = web_endpoint(element, binding, location)?;
        push_indexed(&mut self.assertion_consumers, element, index, endpoint)?;
        Ok(self)
    }

    /// Adds an address that receives logout requests and responses.
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_single_logout(mut self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        self.single_logout.push(web_endpoint("SingleLogoutService", binding, location)?);
        Ok(self)
    }

    /// Adds an address that receives logout requests, and another one that receives the responses (ResponseLocation).
    ///
    /// # Errors
    /// `metadata.location` if one of them is not an absolute http or https URL.
    pub fn with_single_logout_and_responses(
        mut self,
        binding: Binding,
        location: &str,
        response_location: &str,
    ) -> Result<Self, MetadataError> {
        let element = "SingleLogoutService";
        let responses = web_endpoint(element, binding.clone(), response_location)?.address().clone();
        let endpoint = web_endpoint(element, binding, location)?.with_response_location(Some(responses));
        self.single_logout.push(endpoint);
        Ok(self)
    }

    /// Adds an address that receives requests about names that change or end, and the answers to ours.
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_name_id_management(
        mut self,
        binding: Binding,
        location: &str,
    ) -> Result<Self, MetadataError> {
        self.name_id_management.push(web_endpoint("ManageNameIDService", binding, location)?);
        Ok(self)
    }

    /// Adds an address that resolves our artifacts over SOAP. They are numbered from 0 in this order.
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_artifact_resolution(mut self, location: &str) -> Result<Self, MetadataError> {
        let element = "ArtifactResolutionService";
        let endpoint = web_endpoint(element, Binding::Soap, location)?;
        let next = u16::try_from(self.artifact_resolution.len()).unwrap_or(u16::MAX);
        push_indexed(&mut self.artifact_resolution, element, next, endpoint)?;
        Ok(self)
    }
}

/// # Keys
impl ServiceProviderDescriptor {
    /// Adds a certificate whose key signs our requests. The next certificate is published in addition to it, before
    /// it is used.
    #[must_use]
    pub fn with_signing_certificate(mut self, certificate: Certificate) -> Self {
        self.signing.push(certificate.into());
        self
    }

    /// Adds a certificate to encrypt for. Several are published during a key roll-over; an identity provider may use
    /// any of them.
    #[must_use]
    pub fn with_encryption_certificate(mut self, certificate: Certificate) -> Self {
        self.encryption.push(certificate.into());
        self
    }

    /// Adds an algorithm that we can decrypt, by URI, to every encryption key (2.4.1.1, EncryptionMethod); the
    /// preferred first.
    #[must_use]
    pub fn with_encryption_method(mut self, algorithm: impl Into<String>) -> Self {
        self.encryption_methods.push(algorithm.into());
        self
    }

    /// Publishes the algorithms that `provider` accepts: signature and digest algorithms (SAML V2.0 Metadata Profile
    /// for Algorithm Support), and for the encryption keys the authenticated ciphers, then CBC, and key transport
    /// (MD09).
    #[must_use]
    pub fn with_algorithms_of(mut self, provider: &Provider) -> Self {
        let digests = DIGESTS.iter().filter(|digest| provider.accepts_digest(**digest));
        let support = digests
            .fold(AlgorithmSupport::default(), |support, digest| support.with_digest_method(digest.uri()));
        let signatures = SIGNATURES.iter().filter(|algorithm| provider.accepts_signature(**algorithm));
        self.algorithm_support = signatures.fold(support, |support, algorithm| {
            support.with_signing_method(SigningMethod::new(algorithm.uri()))
        });
        let ciphers = CIPHERS.iter().filter(|c| provider.accepts_cipher(**c)).map(|c| c.uri().to_owned());
        let transports =
            TRANSPORTS.iter().filter(|t| provider.accepts_key_transport(**t)).map(|t| t.uri().to_owned());
        self.encryption_methods = ciphers.chain(transports).collect();
        self.encryption_methods.dedup();
        self
    }
}

/// # Other statements
impl ServiceProviderDescriptor {
    /// Sets whether we refuse Assertions that are signed only by their Response. The default is false, because the
    /// library accepts them by default.
    #[must_use]
    pub fn with_assertions_signed(mut self, wanted: bool) -> Self {
        self.wants_assertions_signed = wanted;
        self
    }

    /// Sets whether we sign authentication requests. The default is false.
    #[must_use]
    pub fn with_authn_requests_signed(mut self, signed: bool) -> Self {
        self.authn_requests_signed = signed;
        self
    }

    /// Sets until when this document may be used.
    #[must_use]
    pub fn with_valid_until(mut self, time: DateTime<Utc>) -> Self {
        self.valid_until = Some(time);
        self
    }

    /// Sets how soon to look for a newer document, in whole seconds.
    #[must_use]
    pub fn with_cache_duration(mut self, duration: Duration) -> Self {
        self.cache_duration = Some(duration);
        self
    }

    /// Sets the information for people and for the release of attributes.
    #[must_use]
    pub fn with_information(mut self, information: ServiceInformation) -> Self {
        self.information = information;
        self
    }
}

/// # The document
impl ServiceProviderDescriptor {
    /// Returns the document without a signature. It is valid by the schema of SAML metadata.
    ///
    /// # Errors
    /// `xml.*` if a value contains a character that XML cannot represent.
    pub fn to_xml(&self) -> Result<String, MetadataError> {
        self.written(None)
    }

    /// Returns the document with a signature of the root, for parties that read metadata from anywhere and trust the
    /// key. The ID is random, from the provider.
    ///
    /// ```
    /// # use vouchsafe_crypto::{Certificate, KeyKind, Provider};
    /// # let provider = Provider::rustcrypto();
    /// # let key = provider.generate_key(KeyKind::P256)?;
    /// # let certificate = Certificate::self_signed(&provider, &key, "app.example.com", 1_700_000_000, 2_000_000_000)?;
    /// use vouchsafe_metadata::{Aggregate, Binding, EntityId, ServiceProviderDescriptor};
    /// use vouchsafe_signature::{Signer, TrustedKey};
    ///
    /// let descriptor = ServiceProviderDescriptor::builder(EntityId::new("https://app.example.com/saml/metadata")?)
    ///     .with_assertion_consumer(Binding::HttpPost, "https://app.example.com/saml/acs")?;
    /// let signed = descriptor.to_signed_xml(&Signer::new(&key).certificate(&certificate), &provider)?;
    /// let trusted = TrustedKey::of_certificate(&certificate, "ours", &provider)?;
    /// assert_eq!(Aggregate::read_signed(signed, &[trusted], &provider)?.0.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`to_xml`](Self::to_xml), and `signature.*` if it cannot be signed.
    pub fn to_signed_xml(&self, signer: &Signer<'_>, provider: &Provider) -> Result<String, MetadataError> {
        let mut random = [0_u8; 16];
        provider.random(&mut random).map_err(SignatureError::from)?;
        let id = format!("_{}", hexadecimal(&random));
        Ok(sign(&self.written(Some(&id))?, &id, signer, provider, &Limits::metadata())?)
    }

    fn written(&self, id: Option<&str>) -> Result<String, MetadataError> {
        let mut writer = Writer::new();
        start_entity(&mut writer, self.entity_id.as_str(), self.valid_until, self.cache_duration);
        writer.optional_attribute("ID", id);
        let entity_attributes = Some(&self.information.entity_attributes);
        Extensions { entity_attributes, ..Extensions::default() }.write(&mut writer);
        self.write_role(&mut writer);
        self.information.organization.iter().for_each(|organization| organization.write(&mut writer));
        self.information.contacts.iter().for_each(|contact| contact.write(&mut writer));
        writer.end();
        Ok(writer.finish()?)
    }

    /// Writes the role. Its children have the order of the schema (SPSSODescriptorType).
    fn write_role(&self, writer: &mut Writer) {
        writer
            .start("md:SPSSODescriptor")
            .attribute("AuthnRequestsSigned", boolean(self.authn_requests_signed))
            .attribute("WantAssertionsSigned", boolean(self.wants_assertions_signed))
            .attribute("protocolSupportEnumeration", SAML_PROTOCOL);
        Extensions {
            algorithm_support: Some(&self.algorithm_support),
            user_interface: Some(&self.information.user_interface),
            discovery_responses: &self.information.discovery_responses,
            ..Extensions::default()
        }
        .write(writer);
        write_keys(writer, &self.signing, &self.encryption, &self.encryption_methods);
        let write_all = |writer: &mut Writer, element: &str, endpoints: &[Endpoint]| {
            endpoints.iter().for_each(|endpoint| write_endpoint(writer, element, endpoint));
        };
        write_all(writer, "md:ArtifactResolutionService", &self.artifact_resolution);
        write_all(writer, "md:SingleLogoutService", &self.single_logout);
        write_all(writer, "md:ManageNameIDService", &self.name_id_management);
        for format in &self.information.name_id_formats {
            writer.start("md:NameIDFormat").text(format).end();
        }
        write_all(writer, "md:AssertionConsumerService", &self.assertion_consumers);
        self.information.write_consuming_services(writer);
        writer.end();
    }
}

/// A descriptor that has no assertion consumer yet. See [`ServiceProviderDescriptor::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WantsAssertionConsumer {
    entity_id: EntityId,
}

impl WantsAssertionConsumer {
    /// Sets the address that receives Responses, with index 0 and as the default (Okta: "Single Sign-On URL").
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_assertion_consumer(
        self,
        binding: Binding,
        location: &str,
    ) -> Result<ServiceProviderDescriptor, MetadataError> {
        ServiceProviderDescriptor {
            entity_id: self.entity_id,
            valid_until: None,
            cache_duration: None,
            assertion_consumers: Vec::new(),
            single_logout: Vec::new(),
            artifact_resolution: Vec::new(),
            name_id_management: Vec::new(),
            signing: Vec::new(),
            encryption: Vec::new(),
            wants_assertions_signed: false,
            authn_requests_signed: false,
            encryption_methods: Vec::new(),
            algorithm_support: AlgorithmSupport::default(),
            information: ServiceInformation::default(),
        }
        .with_assertion_consumer(binding, location)
    }
}

/// Adds an indexed endpoint. The first of a kind is the default.
fn push_indexed(
    endpoints: &mut Vec<Endpoint>,
    element: &'static str,
    index: u16,
    endpoint: Endpoint,
) -> Result<(), MetadataError> {
    if endpoints.iter().any(|other| other.index() == Some(index)) {
        return Err(MetadataError::Index { element, index });
    }
    let is_default = endpoints.is_empty().then_some(true);
    endpoints.push(endpoint.with_index(Some(index), is_default));
    Ok(())
}

/// The signature algorithms, in the order of preference that is published.
const SIGNATURES: [SignatureAlgorithm; 11] = [
    SignatureAlgorithm::RsaSha256,
    SignatureAlgorithm::EcdsaSha256,
    SignatureAlgorithm::RsaSha384,
    SignatureAlgorithm::RsaSha512,
    SignatureAlgorithm::EcdsaSha384,
    SignatureAlgorithm::EcdsaSha512,
    SignatureAlgorithm::RsaPssSha256,
    SignatureAlgorithm::RsaPssSha384,
    SignatureAlgorithm::RsaPssSha512,
    SignatureAlgorithm::Ed25519,
    SignatureAlgorithm::RsaSha1,
];

const DIGESTS: [DigestAlgorithm; 4] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512, DigestAlgorithm::Sha1];

const CIPHERS: [ContentCipher; 7] = [
    ContentCipher::Aes256Gcm,
    ContentCipher::Aes192Gcm,
    ContentCipher::Aes128Gcm,
    ContentCipher::Aes256Cbc,
    ContentCipher::Aes192Cbc,
    ContentCipher::Aes128Cbc,
    ContentCipher::TripleDesCbc,
];

/// The key transports, one for each URI. The digests inside do not change the URI, except that MGF1 with SHA-1 has
/// the older URI.
const TRANSPORTS: [KeyTransport; 3] = [
    KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 },
    KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha1, mgf: DigestAlgorithm::Sha1 },
    KeyTransport::Rsa15,
];
