use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;

use crate::encoding::in_utf8;
use crate::index::Index;
use crate::information::Information;
use crate::{
    AlgorithmSupport, Binding, Contact, Endpoint, EntityAttributes, EntityId, EntityKey, MetadataError,
    Organization, Registration, Scope, UserInterface, Warning, WebAddress,
};

/// An identity provider we trust: its name, its keys and where it takes messages.
///
/// It comes from metadata, or is written in code. Either way it has a signing key: without one nothing it sends could be
/// believed, so there is no such value.
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

/// # From metadata
impl IdentityProvider {
    /// Reads the one identity provider in `metadata`: an EntityDescriptor, or an EntitiesDescriptor in which one entity only is a SAML 2.0
    /// identity provider.
    ///
    /// The bytes must come from a place that is trusted for it: their signature, if any, is not looked at.
    ///
    /// # Errors
    /// * `xml.*`, `metadata.root`: not XML, or not metadata.
    /// * `metadata.no_identity_provider`, `metadata.several_identity_providers`: none or several in it.
    /// * `metadata.protocol`, `metadata.several_roles`: not exactly one IDPSSODescriptor for SAML 2.0.
    /// * `metadata.no_signing_key`: no signing key that can be read.
    /// * `metadata.template`: the entityID has a placeholder such as `{tenantid}`.
    /// * `metadata.entity_id`, `metadata.attribute`: a value that is not of its type.
    /// * `metadata.schema`: an element that may occur once occurs twice.
    pub fn from_metadata(metadata: &[u8]) -> Result<IdentityProvider, MetadataError> {
        let metadata = &*in_utf8(Cow::Borrowed(metadata));
        Index::of(metadata)?.only_identity_provider(metadata)
    }

    /// Reads the identity provider of this name in `metadata`, which may hold others. Of several of this name the first is read, with a
    /// [warning](Warning::DuplicateEntity). To read many of them, keep an [`Aggregate`](crate::Aggregate).
    ///
    /// # Errors
    /// As [`IdentityProvider::from_metadata`], and `metadata.unknown_entity`, and `metadata.not_an_identity_provider` when the entity
    /// has other roles only.
    pub fn from_metadata_entity(
        metadata: &[u8],
        entity_id: &EntityId,
    ) -> Result<IdentityProvider, MetadataError> {
        let metadata = &*in_utf8(Cow::Borrowed(metadata));
        let index = Index::of(metadata)?;
        index.identity_provider(metadata, index.named(entity_id.as_str())?)
    }

    /// Refuses metadata that is no longer valid. No skew is allowed for: `validUntil` is days away in practice.
    ///
    /// # Errors
    /// `metadata.expired` when `now` is [`valid_until`](IdentityProvider::valid_until) or later.
    pub fn check_validity(&self, now: DateTime<Utc>) -> Result<(), MetadataError> {
        match self.valid_until {
            Some(valid_until) if valid_until <= now => Err(MetadataError::Expired { valid_until, now }),
            Some(_) | None => Ok(()),
        }
    }

    /// What an operator should look at: certificates outside their dates at `now`, keys and endpoints that were left out.
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

    /// The same, if it is the entity whose metadata was to be refreshed. A metadata URL that begins to serve another entity must not put
    /// keys in the place of that one's.
    ///
    /// # Errors
    /// [`MetadataError::OtherEntity`].
    pub fn expected_to_be(self, expected: &EntityId) -> Result<IdentityProvider, MetadataError> {
        if self.entity_id == *expected {
            return Ok(self);
        }
        let (expected, actual) = (expected.to_string(), self.entity_id.to_string());
        Err(MetadataError::OtherEntity { expected, actual })
    }

    fn insecure_endpoints(&self) -> impl Iterator<Item = Warning> + '_ {
        let services = [
            ("SingleSignOnService", &self.single_sign_on),
            ("SingleLogoutService", &self.single_logout),
            ("ManageNameIDService", &self.name_id_management),
            ("ArtifactResolutionService", &self.artifact_resolution),
        ];
        services.into_iter().flat_map(|(element, endpoints)| {
            endpoints.iter().filter(|endpoint| !endpoint.is_secure()).map(move |endpoint| {
                Warning::EndpointInsecure {
                    element: element.to_owned(),
                    location: endpoint.location().to_owned(),
                }
            })
        })
    }
}

/// # What it says
impl IdentityProvider {
    /// Its name, which messages carry as Issuer.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// The earliest `validUntil` of the role, the entity and the aggregates round it (saml-metadata-2.0-os 2.3.1, 2.3.2, 2.4.1).
    #[must_use]
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.valid_until
    }

    /// The shortest `cacheDuration` of the role, the entity and the aggregates round it: how soon to look for newer metadata. A month
    /// counts 28 days.
    #[must_use]
    pub fn cache_duration(&self) -> Option<Duration> {
        self.cache_duration
    }

    /// The keys that may sign for it; one at least.
    #[must_use]
    pub fn signing_keys(&self) -> &[EntityKey] {
        &self.signing
    }

    /// The keys with which we may encrypt for it.
    #[must_use]
    pub fn encryption_keys(&self) -> &[EntityKey] {
        &self.encryption
    }

    /// Where it takes authentication requests.
    #[must_use]
    pub fn single_sign_on(&self) -> &[Endpoint] {
        &self.single_sign_on
    }

    /// The address for authentication requests by `binding`: the first one.
    #[must_use]
    pub fn single_sign_on_at(&self, binding: &Binding) -> Option<&WebAddress> {
        self.single_sign_on.iter().find(|endpoint| endpoint.binding() == binding).map(Endpoint::address)
    }

    /// The first address for authentication requests by HTTP-Redirect or HTTP-POST to which no browser may be sent, because somebody on
    /// the way could read and alter what goes there: `http` and not a loopback host.
    #[must_use]
    pub fn insecure_single_sign_on(&self) -> Option<&WebAddress> {
        let by_browser = |one: &&Endpoint| matches!(one.binding(), Binding::HttpRedirect | Binding::HttpPost);
        self.single_sign_on.iter().filter(by_browser).map(Endpoint::address).find(|one| !one.is_secure())
    }

    /// Where it takes logout requests and responses.
    #[must_use]
    pub fn single_logout(&self) -> &[Endpoint] {
        &self.single_logout
    }

    /// The endpoint for logout by `binding`: the first one.
    #[must_use]
    pub fn single_logout_at(&self, binding: &Binding) -> Option<&Endpoint> {
        self.single_logout.iter().find(|endpoint| endpoint.binding() == binding)
    }

    /// The endpoint for names that change or end (`ManageNameIDService`) by `binding`: the first one.
    #[must_use]
    pub fn name_id_management_at(&self, binding: &Binding) -> Option<&Endpoint> {
        self.name_id_management.iter().find(|endpoint| endpoint.binding() == binding)
    }

    /// Where artifacts are resolved; the index stands in the artifact (saml-bindings-2.0-os 3.6.4).
    #[must_use]
    pub fn artifact_resolution(&self) -> &[Endpoint] {
        &self.artifact_resolution
    }

    /// The NameID formats it offers, in its order; empty when it does not say. See [`name_id_format`](crate::name_id_format).
    #[must_use]
    pub fn name_id_formats(&self) -> &[String] {
        &self.name_id_formats
    }

    /// Whether it refuses authentication requests that are not signed (2.4.3, WantAuthnRequestsSigned).
    #[must_use]
    pub fn wants_authn_requests_signed(&self) -> bool {
        self.wants_authn_requests_signed
    }

    /// The domains it may speak for; empty when it does not say.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Where to send somebody whose sign-in cannot be used, for example for want of an attribute (2.4.1, errorURL).
    #[must_use]
    pub fn error_url(&self) -> Option<&str> {
        self.error_url.as_deref()
    }

    /// Its name for people to read: the English one, or the first. It is that of `mdui:UIInfo`, or else the organization's.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name_in(&[])
    }

    /// The same in the best of these languages, the most wanted first ([`LocalizedText::best_of`](crate::LocalizedText::best_of)).
    #[must_use]
    pub fn display_name_in(&self, languages: &[&str]) -> Option<&str> {
        self.information.display_name(languages)
    }

    /// Names, logos and explanations for people; empty where the metadata does not say.
    #[must_use]
    pub fn user_interface(&self) -> &UserInterface {
        &self.information.user_interface
    }

    /// What a federation says of it: categories, assurance.
    #[must_use]
    pub fn entity_attributes(&self) -> &EntityAttributes {
        &self.information.entity_attributes
    }

    /// The algorithms that it can verify; empty where it does not say.
    #[must_use]
    pub fn algorithm_support(&self) -> &AlgorithmSupport {
        &self.information.algorithm_support
    }

    /// Who registered it.
    #[must_use]
    pub fn registration(&self) -> Option<&Registration> {
        self.information.registration.as_ref()
    }

    /// Who runs it.
    #[must_use]
    pub fn organization(&self) -> Option<&Organization> {
        self.information.organization.as_ref()
    }

    /// Whom to ask about it.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.information.contacts
    }
}

/// # In code
impl IdentityProvider {
    /// Begins an identity provider without metadata; a signing certificate comes next.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the builder's state names what is missing; the value exists with a key only"
    )]
    pub fn new(entity_id: EntityId) -> WantsSigningCertificate {
        WantsSigningCertificate { entity_id }
    }

    /// Adds a certificate whose key may sign for it, such as the next one before a rollover.
    #[must_use]
    pub fn with_signing_certificate(mut self, certificate: Certificate) -> Self {
        self.signing.push(certificate.into());
        self
    }

    /// The same from PEM.
    ///
    /// # Errors
    /// `metadata.certificate` when it cannot be read.
    pub fn with_signing_certificate_pem(self, pem: &str) -> Result<Self, MetadataError> {
        Ok(self.with_signing_certificate(signing_certificate(pem)?))
    }

    /// Adds a certificate whose key we may encrypt for it.
    #[must_use]
    pub fn with_encryption_certificate(mut self, certificate: Certificate) -> Self {
        self.encryption.push(certificate.into());
        self
    }

    /// Adds an address for authentication requests (Okta: "Identity Provider Single Sign-On URL").
    ///
    /// # Errors
    /// `metadata.location` when it is not an absolute http or https URL.
    pub fn with_single_sign_on(mut self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        self.single_sign_on.push(web_endpoint("SingleSignOnService", binding, location)?);
        Ok(self)
    }

    /// Adds an address for logout (Okta: "Identity Provider Single Logout URL").
    ///
    /// # Errors
    /// `metadata.location` when it is not an absolute http or https URL.
    pub fn with_single_logout(mut self, binding: Binding, location: &str) -> Result<Self, MetadataError> {
        self.single_logout.push(web_endpoint("SingleLogoutService", binding, location)?);
        Ok(self)
    }

    /// Adds a NameID format it offers.
    #[must_use]
    pub fn with_name_id_format(mut self, format: impl Into<String>) -> Self {
        self.name_id_formats.push(format.into());
        self
    }

    /// Says which algorithms it can verify: we sign with those that it prefers, as far as our key and our policy allow.
    #[must_use]
    pub fn with_algorithm_support(mut self, support: AlgorithmSupport) -> Self {
        Arc::make_mut(&mut self.information).algorithm_support = support;
        self
    }

    /// Says how it is shown to people.
    #[must_use]
    pub fn with_user_interface(mut self, shown: UserInterface) -> Self {
        Arc::make_mut(&mut self.information).user_interface = shown;
        self
    }

    /// Adds a domain it may speak for.
    #[must_use]
    pub fn with_scope(mut self, domain: impl Into<Box<str>>) -> Self {
        self.scopes.push(Scope::domain(domain.into()));
        self
    }

    /// Says whether it refuses authentication requests that are not signed.
    #[must_use]
    pub fn with_authn_requests_signed(mut self, wanted: bool) -> Self {
        self.wants_authn_requests_signed = wanted;
        self
    }
}

/// An identity provider written in code, before its first signing certificate. See [`IdentityProvider::new`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WantsSigningCertificate {
    entity_id: EntityId,
}

impl WantsSigningCertificate {
    /// Names the certificate whose key signs for it.
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

    /// The same from PEM (Okta: "SAML Signing Certificates", Actions, "Download certificate").
    ///
    /// # Errors
    /// `metadata.certificate` when it cannot be read.
    pub fn with_signing_certificate_pem(self, pem: &str) -> Result<IdentityProvider, MetadataError> {
        Ok(self.with_signing_certificate(signing_certificate(pem)?))
    }
}

fn signing_certificate(pem: &str) -> Result<Certificate, MetadataError> {
    Certificate::from_pem(pem).map_err(|source| MetadataError::Certificate { usage: "signing", source })
}

/// An endpoint whose address was checked.
pub(crate) fn web_endpoint(
    element: &'static str,
    binding: Binding,
    location: &str,
) -> Result<Endpoint, MetadataError> {
    match WebAddress::new(location) {
        Ok(address) => Ok(Endpoint::new(binding, address)),
        Err(MetadataError::WebAddress { address, reason }) => {
            Err(MetadataError::Location { element, location: address, reason })
        }
        Err(other) => Err(other),
    }
}
