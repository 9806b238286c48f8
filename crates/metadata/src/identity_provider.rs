use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;

use crate::endpoint::web_endpoint;
use crate::information::Information;
use crate::{
    AlgorithmSupport, Binding, Contact, Endpoint, EntityAttributes, EntityId, EntityKey, MetadataError,
    Organization, Registration, Scope, UserInterface, Warning, WebAddress,
};

/// A trusted identity provider: its name, its keys and its endpoints.
///
/// It is read from metadata or written in code. In both cases it has a signing key: without one no message of it
/// could be trusted, so a value without a key cannot exist.
///
/// ```
/// # use vouchsafe_crypto::{Certificate, KeyKind, Provider};
/// # let provider = Provider::rustcrypto();
/// # let key = provider.generate_key(KeyKind::P256)?;
/// # let pem = Certificate::self_signed(&provider, &key, "idp.example.com", 1_700_000_000, 2_000_000_000)?.to_pem();
/// use vouchsafe_metadata::{Binding, EntityId, IdentityProvider};
///
/// let okta = IdentityProvider::new(EntityId::new("http://www.okta.com/exk1abcdefGHIJKLM0h8")?)
///     .with_signing_certificate_pem(&pem)?
///     .with_single_sign_on(Binding::HttpRedirect, "https://example.okta.com/app/app/exk1abcdefGHIJKLM0h8/sso/saml")?;
///
/// assert_eq!(okta.signing_keys().len(), 1);
/// assert!(okta.single_sign_on_at(&Binding::HttpRedirect).is_some());
/// assert!(okta.single_sign_on_at(&Binding::HttpPost).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    pub(crate) entity_id: EntityId,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) cache_duration: Option<Duration>,
    pub(crate) signing: Vec<EntityKey>,
    pub(crate) encryption: Vec<EntityKey>,
    pub(crate) single_sign_on: Vec<Endpoint>,
    pub(crate) single_logout: Vec<Endpoint>,
    pub(crate) name_id_management: Vec<Endpoint>,
    pub(crate) artifact_resolution: Vec<Endpoint>,
    pub(crate) name_id_formats: Vec<String>,
    pub(crate) wants_authn_requests_signed: bool,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) error_url: Option<String>,
    pub(crate) information: Arc<Information>,
    pub(crate) warnings: Vec<Warning>,
}

/// # Checks
impl IdentityProvider {
    /// Refuses metadata that is no longer valid. No clock skew is allowed, because `validUntil` is usually days away.
    ///
    /// # Errors
    /// `metadata.expired` if `now` is [`valid_until`](IdentityProvider::valid_until) or later.
    pub fn check_validity(&self, now: DateTime<Utc>) -> Result<(), MetadataError> {
        match self.valid_until {
            Some(valid_until) if valid_until <= now => Err(MetadataError::Expired { valid_until, now }),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns what an operator should look at: certificates outside their dates at `now`, and keys and endpoints
    /// that were left out.
    #[must_use]
    pub fn warnings(&self, now: DateTime<Utc>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(valid_until) = self.valid_until.filter(|valid_until| *valid_until <= now) {
            warnings.push(Warning::MetadataExpired { valid_until });
        }
        let mut seen = BTreeSet::new();
        for certificate in self.signing.iter().chain(&self.encryption).filter_map(EntityKey::certificate) {
            if !seen.insert(certificate.der()) {
                continue; // the same certificate for signing and encryption
            }
            let subject = certificate.subject().to_string();
            let date = |seconds: Option<i64>| DateTime::from_timestamp(seconds?, 0);
            if let Some(not_after) = date(certificate.not_after()).filter(|last| *last < now) {
                warnings.push(Warning::CertificateExpired { subject, not_after });
            } else if let Some(not_before) = date(certificate.not_before()).filter(|first| now < *first) {
                warnings.push(Warning::CertificateNotYetValid { subject, not_before });
            }
        }
        warnings.extend(self.insecure_endpoints());
        warnings.extend(self.warnings.iter().cloned());
        warnings
    }

    /// Returns the identity provider if it is the entity whose metadata was to be refreshed. A metadata URL that
    /// starts to serve another entity must not replace the keys of the expected one.
    ///
    /// # Errors
    /// [`MetadataError::OtherEntity`] if it is another entity.
    pub fn expected_to_be(self, expected: &EntityId) -> Result<IdentityProvider, MetadataError> {
        if self.entity_id == *expected {
            return Ok(self);
        }
        let (expected, actual) = (expected.to_string(), self.entity_id.to_string());
        Err(MetadataError::OtherEntity { expected, actual })
    }

    /// Returns its endpoints by the names of their elements.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&'static str, &[Endpoint])> {
        let services: [(&'static str, &[Endpoint]); 4] = [
            ("SingleSignOnService", &self.single_sign_on),
            ("SingleLogoutService", &self.single_logout),
            ("ManageNameIDService", &self.name_id_management),
            ("ArtifactResolutionService", &self.artifact_resolution),
        ];
        services.into_iter()
    }

    fn insecure_endpoints(&self) -> impl Iterator<Item = Warning> + '_ {
        self.services().flat_map(|(element, endpoints)| {
            endpoints.iter().filter(|endpoint| !endpoint.is_secure()).map(move |endpoint| {
                Warning::EndpointInsecure {
                    element: element.to_owned(),
                    location: endpoint.location().to_owned(),
                }
            })
        })
    }
}

/// # Reading values
impl IdentityProvider {
    /// Returns its entity ID, which is the Issuer of its messages.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// Returns the earliest `validUntil` of the role, the entity and the aggregates around it (saml-metadata-2.0-os
    /// 2.3.1, 2.3.2, 2.4.1).
    #[must_use]
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.valid_until
    }

    /// Returns the shortest `cacheDuration` of the role, the entity and the aggregates around it: how soon to look
    /// for newer metadata. A month counts 28 days.
    #[must_use]
    pub fn cache_duration(&self) -> Option<Duration> {
        self.cache_duration
    }

    /// Returns the keys that may sign for it; there is at least one.
    #[must_use]
    pub fn signing_keys(&self) -> &[EntityKey] {
        &self.signing
    }

    /// Returns the keys with which messages to it may be encrypted.
    #[must_use]
    pub fn encryption_keys(&self) -> &[EntityKey] {
        &self.encryption
    }

    /// Returns its endpoints for authentication requests.
    #[must_use]
    pub fn single_sign_on(&self) -> &[Endpoint] {
        &self.single_sign_on
    }

    /// Returns the first address for authentication requests with `binding`.
    #[must_use]
    pub fn single_sign_on_at(&self, binding: &Binding) -> Option<&WebAddress> {
        self.single_sign_on.iter().find(|endpoint| endpoint.binding() == binding).map(Endpoint::address)
    }

    /// Returns the first address for authentication requests by HTTP-Redirect or HTTP-POST to which no browser may be
    /// sent, because others on the network could read and alter the request: the scheme is `http`, and the host is
    /// not a loopback host.
    #[must_use]
    pub fn insecure_single_sign_on(&self) -> Option<&WebAddress> {
        let by_browser = |one: &&Endpoint| matches!(one.binding(), Binding::HttpRedirect | Binding::HttpPost);
        self.single_sign_on.iter().filter(by_browser).map(Endpoint::address).find(|one| !one.is_secure())
    }

    /// Returns its endpoints for logout requests and responses.
    #[must_use]
    pub fn single_logout(&self) -> &[Endpoint] {
        &self.single_logout
    }

    /// Returns the first endpoint for logout with `binding`.
    #[must_use]
    pub fn single_logout_at(&self, binding: &Binding) -> Option<&Endpoint> {
        self.single_logout.iter().find(|endpoint| endpoint.binding() == binding)
    }

    /// Returns the first endpoint for name identifier management (`ManageNameIDService`) with `binding`.
    #[must_use]
    pub fn name_id_management_at(&self, binding: &Binding) -> Option<&Endpoint> {
        self.name_id_management.iter().find(|endpoint| endpoint.binding() == binding)
    }

    /// Returns its endpoints that resolve artifacts. The artifact contains the index (saml-bindings-2.0-os 3.6.4).
    #[must_use]
    pub fn artifact_resolution(&self) -> &[Endpoint] {
        &self.artifact_resolution
    }

    /// Returns the NameID formats that it offers, in its order; empty if it states none. See
    /// [`name_id_format`](crate::name_id_format).
    #[must_use]
    pub fn name_id_formats(&self) -> &[String] {
        &self.name_id_formats
    }

    /// Returns whether it refuses authentication requests that are not signed (2.4.3, WantAuthnRequestsSigned).
    #[must_use]
    pub fn wants_authn_requests_signed(&self) -> bool {
        self.wants_authn_requests_signed
    }

    /// Returns its scopes; empty if it states none.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Returns the address for a person whose sign-in cannot be used, for example because an attribute is missing
    /// (2.4.1, errorURL).
    #[must_use]
    pub fn error_url(&self) -> Option<&str> {
        self.error_url.as_deref()
    }

    /// Returns its name for display: the English one, or the first. It is the name of `mdui:UIInfo`, or else the
    /// organization's.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name_in(&[])
    }

    /// Returns its name in the best of these languages, the preferred one first
    /// ([`LocalizedText::best_of`](crate::LocalizedText::best_of)).
    #[must_use]
    pub fn display_name_in(&self, languages: &[&str]) -> Option<&str> {
        self.information.display_name(languages)
    }

    /// Returns names, logos and explanations for display; empty if the metadata has none.
    #[must_use]
    pub fn user_interface(&self) -> &UserInterface {
        &self.information.user_interface
    }

    /// Returns what a federation states about it: categories, assurance.
    #[must_use]
    pub fn entity_attributes(&self) -> &EntityAttributes {
        &self.information.entity_attributes
    }

    /// Returns the algorithms that it can verify; empty if it states none.
    #[must_use]
    pub fn algorithm_support(&self) -> &AlgorithmSupport {
        &self.information.algorithm_support
    }

    /// Returns who registered it.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        self.information.registration.as_ref()
    }

    /// Returns the organization that runs it.
    #[must_use]
    pub fn organization(&self) -> Option<&Organization> {
        self.information.organization.as_ref()
    }

    /// Returns its contacts.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.information.contacts
    }
}

/// # Building in code
impl IdentityProvider {
    /// Starts an identity provider without metadata. A signing certificate must be added next.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the builder's state names what is missing; the value exists with a key only"
    )]
    pub fn new(entity_id: EntityId) -> WantsSigningCertificate {
        WantsSigningCertificate { entity_id }
    }

    /// Adds a certificate whose key may sign for it, such as the next one before a key roll-over.
    #[must_use]
    pub fn with_signing_certificate(mut self, certificate: Certificate) -> Self {
        self.signing.push(certificate.into());
        self
    }

    /// Adds a signing certificate in PEM.
    ///
    /// # Errors
    /// `metadata.certificate` if it cannot be read.
    pub fn with_signing_certificate_pem(self, pem: &str) -> Result<Self, MetadataError> {
        Ok(self.with_signing_certificate(signing_certificate(pem)?))
    }

    /// Adds a certificate with whose key messages to it may be encrypted.
    #[must_use]
    pub fn with_encryption_certificate(mut self, certificate: Certificate) -> Self {
        self.encryption.push(certificate.into());
        self
    }

    /// Adds an address for authentication requests (Okta: "Identity Provider Single Sign-On URL").
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_single_sign_on(mut self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        self.single_sign_on.push(web_endpoint("SingleSignOnService", binding, location)?);
        Ok(self)
    }

    /// Adds an address for logout (Okta: "Identity Provider Single Logout URL").
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_single_logout(mut self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        self.single_logout.push(web_endpoint("SingleLogoutService", binding, location)?);
        Ok(self)
    }

    /// Adds a NameID format that it offers.
    #[must_use]
    pub fn with_name_id_format(mut self, format: impl Into<String>) -> Self {
        self.name_id_formats.push(format.into());
        self
    }

    /// Sets the algorithms that it can verify. Messages to it are signed with the one that it prefers, as far as our
    /// key and our policy allow.
    #[must_use]
    pub fn with_algorithm_support(mut self, support: AlgorithmSupport) -> Self {
        Arc::make_mut(&mut self.information).algorithm_support = support;
        self
    }

    /// Sets how it is displayed.
    #[must_use]
    pub fn with_user_interface(mut self, shown: UserInterface) -> Self {
        Arc::make_mut(&mut self.information).user_interface = shown;
        self
    }

    /// Adds a domain as its scope.
    #[must_use]
    pub fn with_scope(mut self, domain: impl Into<Box<str>>) -> Self {
        self.scopes.push(Scope::domain(domain.into()));
        self
    }

    /// Sets whether it refuses authentication requests that are not signed.
    #[must_use]
    pub fn with_authn_requests_signed(mut self, wanted: bool) -> Self {
        self.wants_authn_requests_signed = wanted;
        self
    }
}

/// An identity provider written in code that has no signing certificate yet. See [`IdentityProvider::new`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WantsSigningCertificate {
    entity_id: EntityId,
}

impl WantsSigningCertificate {
    /// Sets the certificate whose key signs for it.
    #[must_use]
    pub fn with_signing_certificate(self, certificate: Certificate) -> IdentityProvider {
        IdentityProvider {
            entity_id: self.entity_id,
            valid_until: None,
            cache_duration: None,
            signing: vec![certificate.into()],
            encryption: Vec::new(),
            single_sign_on: Vec::new(),
            single_logout: Vec::new(),
            name_id_management: Vec::new(),
            artifact_resolution: Vec::new(),
            name_id_formats: Vec::new(),
            wants_authn_requests_signed: false,
            scopes: Vec::new(),
            error_url: None,
            information: Information::nothing(),
            warnings: Vec::new(),
        }
    }

    /// Sets the signing certificate in PEM (Okta: "SAML Signing Certificates", Actions, "Download certificate").
    ///
    /// # Errors
    /// `metadata.certificate` if it cannot be read.
    pub fn with_signing_certificate_pem(self, pem: &str) -> Result<IdentityProvider, MetadataError> {
        Ok(self.with_signing_certificate(signing_certificate(pem)?))
    }
}

fn signing_certificate(pem: &str) -> Result<Certificate, MetadataError> {
    Certificate::from_pem(pem).map_err(|source| MetadataError::Certificate { usage: "signing", source })
}
