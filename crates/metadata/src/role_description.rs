//! One role of an entity, as metadata describes it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Element, Quoted};

use crate::bounded::{
    ALGORITHMS, Bounded, ENDPOINTS, NAME_ID_FORMATS, PROTOCOLS, REASONS, first as first_few,
};
use crate::requested_attributes::offered_attributes;
use crate::source::cache_duration;
use crate::time::parse_date_time;
use crate::values::{boolean, children, endpoint, extensions, texts, trimmed};
use crate::{
    AlgorithmSupport, AttributeConsumingService, Contact, Endpoint, EntityKey, Extension, Organization,
    RequestedAttribute, Scope, UserInterface, Warning, extension, keys, scope, service_information,
};

/// One role of an entity, such as `IDPSSODescriptor` (saml-metadata-2.0-os 2.4).
#[derive(Clone, Debug)]
pub struct RoleDescription {
    pub(crate) name: String,
    pub(crate) protocols: Vec<String>,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) cache_duration: Option<Duration>,
    pub(crate) error_url: Option<String>,
    pub(crate) flags: Vec<(&'static str, bool)>,
    pub(crate) signing: Vec<EntityKey>,
    pub(crate) encryption: Vec<EntityKey>,
    pub(crate) encryption_methods: Vec<String>,
    unreadable_keys: Vec<String>,
    pub(crate) endpoints: Vec<(String, Result<Endpoint, String>)>,
    pub(crate) name_id_formats: Vec<String>,
    pub(crate) attribute_profiles: Vec<String>,
    pub(crate) offered_attributes: Vec<RequestedAttribute>,
    pub(crate) consuming_services: Vec<AttributeConsumingService>,
    pub(crate) discovery_responses: Vec<Endpoint>,
    pub(crate) user_interface: UserInterface,
    pub(crate) algorithm_support: AlgorithmSupport,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) organization: Option<Organization>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) other_extensions: Vec<Extension>,
    extensions: Vec<String>,
    warnings: Vec<Warning>,
    /// The whole element of a role that SAML 2.0 does not define.
    pub(crate) other: Option<Extension>,
}

impl RoleDescription {
    /// Returns the local name of its element.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the protocols in `protocolSupportEnumeration`.
    #[must_use]
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Returns the keys that may sign for it.
    #[must_use]
    pub fn signing_keys(&self) -> &[EntityKey] {
        &self.signing
    }

    /// Returns the keys to encrypt for it.
    #[must_use]
    pub fn encryption_keys(&self) -> &[EntityKey] {
        &self.encryption
    }

    /// Returns why each of the other KeyDescriptors contains no key.
    #[must_use]
    pub fn unreadable_keys(&self) -> &[String] {
        &self.unreadable_keys
    }

    /// Returns its endpoints with the local names of their elements, or the reason why one cannot be used.
    pub fn endpoints(&self) -> &[(String, Result<Endpoint, String>)] {
        &self.endpoints
    }

    /// Returns the NameID formats that it offers.
    #[must_use]
    pub fn name_id_formats(&self) -> &[String] {
        &self.name_id_formats
    }

    /// Returns `validUntil` of the role alone.
    #[must_use]
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.valid_until
    }

    /// Returns `cacheDuration` of the role alone. A month counts 28 days.
    #[must_use]
    pub fn cache_duration(&self) -> Option<Duration> {
        self.cache_duration
    }

    /// Returns the address for a person whose sign-in cannot be used (2.4.1, errorURL).
    #[must_use]
    pub fn error_url(&self) -> Option<&str> {
        self.error_url.as_deref()
    }

    /// Returns `WantAuthnRequestsSigned`, `AuthnRequestsSigned` or `WantAssertionsSigned`; `None` if it is missing.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.flags.iter().find(|(flag, _)| *flag == name).map(|(_, value)| *value)
    }

    /// Returns the URIs of the algorithms for encryption with its keys, each once, the preferred first (2.4.1.1).
    #[must_use]
    pub fn encryption_methods(&self) -> &[String] {
        &self.encryption_methods
    }

    /// Returns the attribute profiles that it supports.
    #[must_use]
    pub fn attribute_profiles(&self) -> &[String] {
        &self.attribute_profiles
    }

    /// Returns the attributes that it offers.
    #[must_use]
    pub fn offered_attributes(&self) -> &[RequestedAttribute] {
        &self.offered_attributes
    }

    /// Returns the services of a service provider, with the attributes that they request.
    #[must_use]
    pub fn attribute_consuming_services(&self) -> &[AttributeConsumingService] {
        &self.consuming_services
    }

    /// Returns the addresses to which a discovery service may send people back (Identity Provider Discovery Service
    /// Protocol and Profile 2.5).
    #[must_use]
    pub fn discovery_responses(&self) -> &[Endpoint] {
        &self.discovery_responses
    }

    /// Returns how it is displayed; empty if the metadata does not state it.
    #[must_use]
    pub fn user_interface(&self) -> &UserInterface {
        &self.user_interface
    }

    /// Returns the algorithms that it can verify. If it is empty, those of the entity apply.
    #[must_use]
    pub fn algorithm_support(&self) -> &AlgorithmSupport {
        &self.algorithm_support
    }

    /// Returns its scopes, without those of the entity.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Returns the organization that runs it, if it is not the one that runs the entity.
    #[must_use]
    pub fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// Returns its contacts.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Returns its extensions that this library does not interpret.
    #[must_use]
    pub fn other_extensions(&self) -> &[Extension] {
        &self.other_extensions
    }

    /// Returns the names of its extensions, as `{namespace}name`, each once.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Returns the warnings about its keys, about what is left out, and about what cannot be read.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// # Reading
impl RoleDescription {
    pub(crate) fn read(role: Element<'_>) -> RoleDescription {
        let keys = keys::read(role);
        let mut warnings = keys.remarks;
        warnings.extend(unused(role));
        let protocols =
            role.attribute("protocolSupportEnumeration").unwrap_or_default().split_ascii_whitespace();
        let endpoints = role
            .elements()
            .filter(|child| child.namespace() == SAML_METADATA && child.attribute("Location").is_some());
        let described = |child: Element<'_>| (child.local_name().to_owned(), endpoint(child));
        let own = || extensions(role);
        RoleDescription {
            name: role.local_name().to_owned(),
            protocols: first_few("protocols", PROTOCOLS, protocols, &mut warnings, str::to_owned),
            valid_until: valid_until(role, &mut warnings),
            cache_duration: cache_duration(role),
            error_url: role.attribute("errorURL").map(|url| trimmed(url).to_owned()),
            flags: FLAGS
                .into_iter()
                .filter_map(|name| Some((name, boolean(role, name).ok()??.value)))
                .collect(),
            signing: keys.signing,
            encryption: keys.encryption,
            encryption_methods: encryption_methods(role, &mut warnings),
            unreadable_keys: keys.ignored,
            endpoints: first_few("endpoints", ENDPOINTS, endpoints, &mut warnings, described),
            name_id_formats: texts(role, "NameIDFormat", NAME_ID_FORMATS, &mut warnings),
            attribute_profiles: texts(role, "AttributeProfile", NAME_ID_FORMATS, &mut warnings),
            offered_attributes: offered_attributes(role, &mut warnings),
            consuming_services: AttributeConsumingService::read_all(role, &mut warnings),
            discovery_responses: discovery_responses(role, &mut warnings),
            user_interface: UserInterface::read(own(), &mut warnings),
            algorithm_support: AlgorithmSupport::read(own(), &mut warnings),
            scopes: scope::read(&[role], &mut warnings),
            organization: Organization::read(role, &mut warnings),
            contacts: Contact::read_all(role, &mut warnings),
            other_extensions: extension::others(role, &mut warnings),
            extensions: extension::names(role, &mut warnings),
            other: (!KINDS.contains(&role.local_name())).then(|| Extension::of(role)).flatten(),
            warnings,
        }
    }
}

/// Returns the warning that the role is not used, with the reason.
pub(crate) fn unused(role: Element<'_>) -> Option<Warning> {
    if role.local_name() == "AffiliationDescriptor" {
        return Some(Warning::Affiliation);
    }
    let enumeration = role.attribute("protocolSupportEnumeration").unwrap_or_default();
    trimmed(enumeration)
        .is_empty()
        .then(|| Warning::RoleWithoutProtocol { role: role.local_name().to_owned() })
}

fn valid_until(role: Element<'_>, warnings: &mut Vec<Warning>) -> Option<DateTime<Utc>> {
    let written = role.attribute("validUntil")?;
    let time = parse_date_time(written);
    if time.is_none() {
        let extension = format!("{}/@validUntil", role.local_name());
        let reason = format!("{} is not an xs:dateTime", Quoted::new(written));
        warnings.push(Warning::ExtensionIgnored { extension, reason });
    }
    time
}

fn discovery_responses(role: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<Endpoint> {
    let elements = extensions(role).filter(|one| service_information::is_known(*one));
    let mut found = Bounded::new("idpdisc:DiscoveryResponse", ENDPOINTS);
    let mut ignored = Bounded::new("reasons why an endpoint cannot be used", REASONS);
    for (number, element) in (1_usize..).zip(elements) {
        match endpoint(element) {
            Ok(endpoint) if endpoint.binding().uri() == service_information::DISCOVERY_PROTOCOL => {
                found.push(number, endpoint);
            }
            Ok(endpoint) => {
                ignored.push(number, format!("its Binding is {}", Quoted::new(endpoint.binding().uri())));
            }
            Err(reason) => ignored.push(number, reason),
        }
    }
    let found = found.finish(warnings);
    for reason in ignored.finish(warnings) {
        warnings.push(Warning::EndpointIgnored { element: "DiscoveryResponse".to_owned(), reason });
    }
    found
}

fn encryption_methods(role: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<String> {
    let mut methods = Bounded::new("EncryptionMethod", ALGORITHMS);
    let elements = children(role, "KeyDescriptor").flat_map(|key| children(key, "EncryptionMethod"));
    for (number, element) in (1_usize..).zip(elements) {
        let algorithm = element.attribute("Algorithm").map(trimmed).unwrap_or_default();
        if !algorithm.is_empty() {
            methods.push_new(number, algorithm.to_owned());
        }
    }
    methods.finish(warnings)
}

/// The roles of SAML 2.0 (2.4.3 to 2.4.7).
pub(crate) const KINDS: [&str; 5] = [
    "IDPSSODescriptor",
    "SPSSODescriptor",
    "AuthnAuthorityDescriptor",
    "AttributeAuthorityDescriptor",
    "PDPDescriptor",
];

/// The boolean attributes of roles.
const FLAGS: [&str; 3] = ["WantAuthnRequestsSigned", "AuthnRequestsSigned", "WantAssertionsSigned"];
