//! Our own metadata, for the identity provider's administrator.

use vouchsafe_metadata::{Binding, ServiceProviderDescriptor};

use crate::builder::SignRequests;
use crate::error::BindingError;
use crate::service_provider::ServiceProvider;

impl ServiceProvider {
    /// Our own descriptor (SAML Metadata 2.4.4) as XML: entity ID, assertion consumer, certificates, and what we want signed.
    /// Serve it under the entity ID, as `application/samlmetadata+xml`.
    ///
    /// # Errors
    /// [`BindingError::Metadata`] when it cannot be written.
    pub fn metadata_xml(&self) -> Result<String, BindingError> {
        let config = &self.config;
        let mut descriptor = ServiceProviderDescriptor::builder(config.entity_id.clone())
            .with_assertion_consumer(Binding::HttpPost, &config.assertion_consumer)?
            .with_assertions_signed(config.signature_policy.requires_signed_assertion())
            .with_authn_requests_signed(
                config.signing.is_some() && config.sign_requests == SignRequests::Always,
            )
            .with_algorithms_of(&config.provider);
        if let Some(credential) = &config.signing {
            descriptor = descriptor.with_signing_certificate(credential.certificate.clone());
        }
        for certificate in &config.encryption_certificates {
            descriptor = descriptor.with_encryption_certificate(certificate.clone());
        }
        Ok(descriptor.to_xml()?)
    }
}
