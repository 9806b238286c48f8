//! The metadata of this service, for the identity provider's administrator.

use vouchsafe_assertion::SignaturePolicy;
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::{Binding, EntityId, ServiceProviderDescriptor};
use vouchsafe_signature::Signer;

use crate::connection::Connection;
use crate::error::BindingError;
use crate::service_provider::ServiceProvider;
use crate::settings::SignRequests;

impl ServiceProvider {
    /// Writes our own descriptor (SAML Metadata 2.4.4) as XML: entity ID, assertion consumer, certificates, which
    /// messages must be signed, and the [information](crate::Builder::information) about the service. It is signed if
    /// [`sign_metadata`](crate::Builder::sign_metadata) is set. Serve it under the entity ID, as
    /// `application/samlmetadata+xml`.
    ///
    /// # Errors
    /// [`BindingError::Metadata`] if it cannot be written or signed.
    pub fn metadata_xml(&self) -> Result<String, BindingError> {
        self.xml_of(&self.descriptor()?)
    }

    /// Writes the descriptor for the identity provider of one connection: with the connection's own entity ID,
    /// assertion consumer, decryption certificates and signature requirements.
    ///
    /// # Errors
    /// The same as for [`metadata_xml`](Self::metadata_xml).
    pub fn metadata_xml_for(&self, connection: &Connection) -> Result<String, BindingError> {
        self.xml_of(&self.descriptor_for(connection)?)
    }

    /// Returns the descriptor that [`metadata_xml`](Self::metadata_xml) writes, to extend it: a further assertion
    /// consumer, or an expiry.
    ///
    /// ```
    /// use vouchsafe::metadata::{Binding, EntityId};
    /// use vouchsafe::ServiceProvider;
    ///
    /// let service_provider = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
    ///     .assertion_consumer("https://app.example.com/saml/acs")?
    ///     .build()?;
    /// let descriptor =
    ///     service_provider.descriptor()?.with_assertion_consumer(Binding::HttpPost, "https://old.example.com/saml/acs")?;
    /// assert!(descriptor.to_xml()?.contains("https://old.example.com/saml/acs"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BindingError::Metadata`].
    pub fn descriptor(&self) -> Result<ServiceProviderDescriptor, BindingError> {
        self.described(&Described {
            entity_id: &self.config.entity_id,
            assertion_consumer: &self.config.assertion_consumer,
            single_logout: self.single_logout(),
            single_logout_soap: self.single_logout_soap(),
            name_id_management: self.name_id_management(),
            name_id_management_soap: self.name_id_management_soap(),
            signatures: self.config.signature_policy,
            sign_requests: self.config.sign_requests,
            encryption_certificates: &self.config.encryption_certificates,
        })
    }

    /// Returns the descriptor that [`metadata_xml_for`](Self::metadata_xml_for) writes.
    ///
    /// # Errors
    /// [`BindingError::Metadata`].
    pub fn descriptor_for(&self, connection: &Connection) -> Result<ServiceProviderDescriptor, BindingError> {
        let settings = connection.settings();
        self.described(&Described {
            entity_id: self.entity_id_for(connection),
            assertion_consumer: self.assertion_consumer_for(connection),
            single_logout: self.single_logout_for(connection),
            single_logout_soap: self.single_logout_soap_for(connection),
            name_id_management: self.name_id_management_for(connection),
            name_id_management_soap: self.name_id_management_soap_for(connection),
            signatures: settings.signature_policy(self.config.signature_policy),
            sign_requests: settings.sign_requests.unwrap_or(self.config.sign_requests),
            encryption_certificates: self.encryption_certificates_for(connection),
        })
    }

    fn described(&self, described: &Described<'_>) -> Result<ServiceProviderDescriptor, BindingError> {
        let signing = self.config.signing.as_ref();
        let mut descriptor = ServiceProviderDescriptor::builder(described.entity_id.clone())
            .with_assertion_consumer(Binding::HttpPost, described.assertion_consumer)?
            .with_assertions_signed(described.signatures.requires_signed_assertion())
            .with_authn_requests_signed(signing.is_some() && described.sign_requests == SignRequests::Always)
            .with_algorithms_of(&self.config.provider)
            .with_information(self.config.information.clone());
        if self.receives_artifacts() {
            descriptor =
                descriptor.with_assertion_consumer(Binding::HttpArtifact, described.assertion_consumer)?;
        }
        if self.receives_from_enhanced_clients() {
            descriptor = descriptor.with_assertion_consumer(Binding::Paos, described.assertion_consumer)?;
        }
        let simple_sign = self.config.publishes_simple_sign.then_some(Binding::HttpPostSimpleSign);
        if let Some(binding) = simple_sign.clone() {
            descriptor = descriptor.with_assertion_consumer(binding, described.assertion_consumer)?;
        }
        let by_browser = [Binding::HttpRedirect, Binding::HttpPost].into_iter().chain(simple_sign);
        let at = |browser, soap| {
            let by_browser = by_browser.clone().map(move |binding| (binding, browser));
            by_browser
                .chain([(Binding::Soap, soap)])
                .filter_map(|(binding, location)| Some((binding, location?)))
        };
        for (binding, location) in at(described.single_logout, described.single_logout_soap) {
            descriptor = descriptor.with_single_logout(binding, location)?;
        }
        for (binding, location) in at(described.name_id_management, described.name_id_management_soap) {
            descriptor = descriptor.with_name_id_management(binding, location)?;
        }
        let current = signing.map(|credential| &credential.certificate);
        for certificate in current.into_iter().chain(&self.config.next_signing_certificates) {
            descriptor = descriptor.with_signing_certificate(certificate.clone());
        }
        for certificate in described.encryption_certificates {
            descriptor = descriptor.with_encryption_certificate(certificate.clone());
        }
        Ok(descriptor)
    }

    /// Writes a descriptor, such as an extended one, as XML. It is signed if
    /// [`sign_metadata`](crate::Builder::sign_metadata) is set. The ID of a signed document is random, and so are some
    /// signatures: the document is another one at each call.
    ///
    /// # Errors
    /// The same as for [`metadata_xml`](Self::metadata_xml).
    pub fn xml_of(&self, descriptor: &ServiceProviderDescriptor) -> Result<String, BindingError> {
        match self.config.signing.as_ref().filter(|_| self.config.sign_metadata) {
            Some(credential) => {
                let signer = Signer::new(&credential.key).certificate(&credential.certificate);
                Ok(descriptor.to_signed_xml(&signer, self.provider())?)
            }
            None => Ok(descriptor.to_xml()?),
        }
    }

    /// Returns whether our metadata is signed.
    #[must_use]
    pub fn signs_metadata(&self) -> bool {
        self.config.sign_metadata && self.config.signing.is_some()
    }
}

/// The values of a descriptor, for the service or for one connection.
struct Described<'a> {
    entity_id: &'a EntityId,
    assertion_consumer: &'a str,
    single_logout: Option<&'a str>,
    single_logout_soap: Option<&'a str>,
    name_id_management: Option<&'a str>,
    name_id_management_soap: Option<&'a str>,
    signatures: SignaturePolicy,
    sign_requests: SignRequests,
    encryption_certificates: &'a [Certificate],
}
