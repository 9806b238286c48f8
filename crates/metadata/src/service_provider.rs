use chrono::{DateTime, SecondsFormat, Utc};
use vouchsafe_crypto::{
    Certificate, ContentCipher, DigestAlgorithm, KeyTransport, Provider, SignatureAlgorithm,
};
use vouchsafe_xml::Writer;
use vouchsafe_xml::namespace::{DSIG, SAML_METADATA, SAML_PROTOCOL};

use crate::identity_provider::web_endpoint;
use crate::{Binding, Endpoint, EntityId, MetadataError};

/// Our own metadata: what an identity provider's operator is given (saml-metadata-2.0-os 2.4.4).
///
/// ```
/// use vouchsafe_metadata::{Binding, EntityId, ServiceProviderDescriptor, name_id_format};
///
/// let descriptor = ServiceProviderDescriptor::builder(EntityId::new("https://app.example.com/saml/metadata")?)
///     .with_assertion_consumer(Binding::HttpPost, "https://app.example.com/saml/acs")?
///     .with_single_logout(Binding::HttpRedirect, "https://app.example.com/saml/logout")?
///     .with_name_id_format(name_id_format::EMAIL_ADDRESS);
///
/// let xml = descriptor.to_xml()?;
/// assert!(xml.contains(r#"<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST""#));
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceProviderDescriptor {
    entity_id: EntityId,
    valid_until: Option<DateTime<Utc>>,
    assertion_consumers: Vec<Endpoint>,
    single_logout: Vec<Endpoint>,
    signing: Vec<Certificate>,
    encryption: Vec<Certificate>,
    name_id_formats: Vec<String>,
    wants_assertions_signed: bool,
    authn_requests_signed: bool,
    encryption_methods: Vec<String>,
    signing_methods: Vec<String>,
    digest_methods: Vec<String>,
}

impl ServiceProviderDescriptor {
    /// Begins a descriptor; an assertion consumer comes next, since the schema asks for one.
    pub fn builder(entity_id: EntityId) -> WantsAssertionConsumer {
        WantsAssertionConsumer { entity_id }
    }

    /// Adds an address that takes Responses. They are numbered from 0 in this order, and the first is the default (2.2.3).
    ///
    /// # Errors
    /// `metadata.location` when it is not an absolute http or https URL.
    pub fn with_assertion_consumer(
        mut self,
        binding: Binding,
        location: &str,
    ) -> Result<Self, MetadataError> {
        self.assertion_consumers.push(web_endpoint("AssertionConsumerService", binding, location)?);
        Ok(self)
    }

    /// Adds an address that takes logout requests and responses.
    ///
    /// # Errors
    /// `metadata.location` when it is not an absolute http or https URL.
    pub fn with_single_logout(mut self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        self.single_logout.push(web_endpoint("SingleLogoutService", binding, location)?);
        Ok(self)
    }

    /// Adds a certificate whose key signs our requests.
    #[must_use]
    pub fn with_signing_certificate(mut self, certificate: Certificate) -> Self {
        self.signing.push(certificate);
        self
    }

    /// Adds a certificate to encrypt for. Several are published during a rollover; identity providers take the first they like.
    #[must_use]
    pub fn with_encryption_certificate(mut self, certificate: Certificate) -> Self {
        self.encryption.push(certificate);
        self
    }

    /// Adds a NameID format we take, the preferred first.
    #[must_use]
    pub fn with_name_id_format(mut self, format: impl Into<String>) -> Self {
        self.name_id_formats.push(format.into());
        self
    }

    /// Says whether Assertions must be signed themselves, not by their Response alone. True unless changed.
    #[must_use]
    pub fn with_assertions_signed(mut self, wanted: bool) -> Self {
        self.wants_assertions_signed = wanted;
        self
    }

    /// Says whether we sign authentication requests. False unless changed.
    #[must_use]
    pub fn with_authn_requests_signed(mut self, signed: bool) -> Self {
        self.authn_requests_signed = signed;
        self
    }

    /// Adds an algorithm we decrypt, by URI, to every encryption key (2.4.1.1, EncryptionMethod); the preferred first.
    #[must_use]
    pub fn with_encryption_method(mut self, algorithm: impl Into<String>) -> Self {
        self.encryption_methods.push(algorithm.into());
        self
    }

    /// Publishes what `provider` accepts: signature and digest algorithms (SAML V2.0 Metadata Profile for Algorithm Support), and for
    /// the encryption keys the authenticated ciphers, then CBC, and key transport (MD09).
    #[must_use]
    pub fn with_algorithms_of(mut self, provider: &Provider) -> Self {
        let signatures = SIGNATURES.iter().filter(|algorithm| provider.accepts_signature(**algorithm));
        self.signing_methods = signatures.map(|algorithm| algorithm.uri().to_owned()).collect();
        self.digest_methods =
            DIGESTS.iter().filter(|d| provider.accepts_digest(**d)).map(|d| d.uri().to_owned()).collect();
        let ciphers = CIPHERS.iter().filter(|c| provider.accepts_cipher(**c)).map(|c| c.uri().to_owned());
        let transports =
            TRANSPORTS.iter().filter(|t| provider.accepts_key_transport(**t)).map(|t| t.uri().to_owned());
        self.encryption_methods = ciphers.chain(transports).collect();
        self.encryption_methods.dedup();
        self
    }

    /// Says until when this copy may be used.
    #[must_use]
    pub fn with_valid_until(mut self, time: DateTime<Utc>) -> Self {
        self.valid_until = Some(time);
        self
    }

    /// The document, valid by the schema of SAML metadata, without a signature.
    ///
    /// # Errors
    /// `xml.*` when a value holds a character that XML cannot carry.
    pub fn to_xml(&self) -> Result<String, MetadataError> {
        let mut writer = Writer::new();
        writer.start("md:EntityDescriptor").namespace("md", SAML_METADATA);
        writer.attribute("entityID", self.entity_id.as_str());
        if let Some(time) = self.valid_until {
            writer.attribute("validUntil", &time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
        self.write_role(&mut writer);
        writer.end();
        Ok(writer.finish()?)
    }

    /// The children stand in the order of the schema (SPSSODescriptorType).
    fn write_role(&self, writer: &mut Writer) {
        writer
            .start("md:SPSSODescriptor")
            .attribute("AuthnRequestsSigned", boolean(self.authn_requests_signed))
            .attribute("WantAssertionsSigned", boolean(self.wants_assertions_signed))
            .attribute("protocolSupportEnumeration", SAML_PROTOCOL);
        self.write_algorithms(writer);
        for certificate in &self.signing {
            write_key(writer, "signing", certificate, &[]);
        }
        for certificate in &self.encryption {
            write_key(writer, "encryption", certificate, &self.encryption_methods);
        }
        for endpoint in &self.single_logout {
            write_endpoint(writer, "md:SingleLogoutService", endpoint);
            writer.end();
        }
        for format in &self.name_id_formats {
            writer.start("md:NameIDFormat").text(format).end();
        }
        for (index, endpoint) in self.assertion_consumers.iter().enumerate() {
            write_endpoint(writer, "md:AssertionConsumerService", endpoint);
            writer.attribute("index", &index.to_string());
            if index == 0 {
                writer.attribute("isDefault", "true");
            }
            writer.end();
        }
        writer.end();
    }

    fn write_algorithms(&self, writer: &mut Writer) {
        if self.signing_methods.is_empty() && self.digest_methods.is_empty() {
            return;
        }
        writer.start("md:Extensions").namespace("alg", ALGORITHM_SUPPORT);
        for (element, algorithms) in
            [("alg:DigestMethod", &self.digest_methods), ("alg:SigningMethod", &self.signing_methods)]
        {
            for algorithm in algorithms {
                writer.start(element).attribute("Algorithm", algorithm).end();
            }
        }
        writer.end();
    }
}

/// A descriptor before its first assertion consumer. See [`ServiceProviderDescriptor::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WantsAssertionConsumer {
    entity_id: EntityId,
}

impl WantsAssertionConsumer {
    /// Names the address that takes Responses: index 0 and the default (Okta: "Single Sign-On URL").
    ///
    /// # Errors
    /// `metadata.location` when it is not an absolute http or https URL.
    pub fn with_assertion_consumer(
        self,
        binding: Binding,
        location: &str,
    ) -> Result<ServiceProviderDescriptor, MetadataError> {
        ServiceProviderDescriptor {
            entity_id: self.entity_id,
            valid_until: None,
            assertion_consumers: Vec::new(),
            single_logout: Vec::new(),
            signing: Vec::new(),
            encryption: Vec::new(),
            name_id_formats: Vec::new(),
            wants_assertions_signed: true,
            authn_requests_signed: false,
            encryption_methods: Vec::new(),
            signing_methods: Vec::new(),
            digest_methods: Vec::new(),
        }
        .with_assertion_consumer(binding, location)
    }
}

fn write_key(writer: &mut Writer, usage: &str, certificate: &Certificate, encryption_methods: &[String]) {
    writer.start("md:KeyDescriptor").attribute("use", usage);
    writer.start("ds:KeyInfo").namespace("ds", DSIG).start("ds:X509Data");
    writer.start("ds:X509Certificate").text(&certificate.to_base64()).end();
    writer.end().end();
    for algorithm in encryption_methods {
        writer.start("md:EncryptionMethod").attribute("Algorithm", algorithm).end();
    }
    writer.end();
}

/// Leaves the element open.
fn write_endpoint(writer: &mut Writer, element: &str, endpoint: &Endpoint) {
    writer
        .start(element)
        .attribute("Binding", endpoint.binding().uri())
        .attribute("Location", endpoint.location());
}

fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

const ALGORITHM_SUPPORT: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";

/// In the order of preference that is published.
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

/// One a URI: the digests inside do not change which one it is, except MGF1 with SHA-1, which is the older URI.
const TRANSPORTS: [KeyTransport; 3] = [
    KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 },
    KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha1, mgf: DigestAlgorithm::Sha1 },
    KeyTransport::Rsa15,
];
