//! This module reads an identity provider: from a document, or from one EntityDescriptor.

use std::borrow::Cow;

use vouchsafe_xml::{Document, Element};

use crate::bounded::{Bounded, ENDPOINTS, NAME_ID_FORMATS, REASONS, ROLES};
use crate::encoding::in_utf8;
use crate::index::Index;
use crate::information::Information;
use crate::placeholder::placeholder;
use crate::role_description::unused;
use crate::schema::check_entity;
use crate::source::{Entity, cache_duration, earliest, is_role, shortest, speaks_saml2};
use crate::values::{boolean, children, date_time, endpoint, texts, trimmed};
use crate::{Binding, Endpoint, EntityId, IdentityProvider, MetadataError, Warning, WebAddress, keys, scope};

/// # From metadata
impl IdentityProvider {
    /// Reads the only identity provider in `metadata`: an EntityDescriptor, or an EntitiesDescriptor in which only
    /// one entity is a SAML 2.0 identity provider.
    ///
    /// The bytes must come from a place that is trusted for it: their signature, if they have one, is not verified.
    ///
    /// # Errors
    /// * `xml.*`, `metadata.root`: the document is not XML, or not metadata.
    /// * `metadata.no_identity_provider`, `metadata.several_identity_providers`: it contains no identity provider, or
    ///   several.
    /// * `metadata.protocol`, `metadata.several_roles`: there is not exactly one IDPSSODescriptor for SAML 2.0.
    /// * `metadata.no_signing_key`: there is no readable signing key.
    /// * `metadata.template`: the entityID contains a placeholder such as `{tenantid}`.
    /// * `metadata.entity_id`, `metadata.attribute`: a value does not have the right type.
    /// * `metadata.schema`: an element that may occur once occurs twice.
    pub fn from_metadata(metadata: &[u8]) -> Result<IdentityProvider, MetadataError> {
        let metadata = &*in_utf8(Cow::Borrowed(metadata));
        Index::of(metadata)?.only_identity_provider(metadata)
    }

    /// Reads the identity provider with this name in `metadata`, which may contain others. If several have this name,
    /// the first is read, with a [warning](Warning::DuplicateEntity). To read many of them, keep an
    /// [`Aggregate`](crate::Aggregate).
    ///
    /// # Errors
    /// As for [`IdentityProvider::from_metadata`], and `metadata.unknown_entity`, and
    /// `metadata.not_an_identity_provider` if the entity has only other roles.
    pub fn from_metadata_entity(
        metadata: &[u8],
        entity_id: &EntityId,
    ) -> Result<IdentityProvider, MetadataError> {
        let metadata = &*in_utf8(Cow::Borrowed(metadata));
        let index = Index::of(metadata)?;
        index.identity_provider(metadata, index.named(metadata, entity_id.as_str())?)
    }
}

impl Index {
    /// Reads the identity provider at this place.
    pub(crate) fn identity_provider(
        &self,
        metadata: &[u8],
        place: usize,
    ) -> Result<IdentityProvider, MetadataError> {
        identity_provider(self.entity(&self.document(metadata, place)?, place))
    }

    /// Reads the only identity provider of the document, counting the first entity of each name. Identity providers
    /// with SAML 2.0 are preferred. If an entity cannot be read, no other one is chosen, because it may be the one
    /// that is meant.
    pub(crate) fn only_identity_provider(&self, metadata: &[u8]) -> Result<IdentityProvider, MetadataError> {
        let (mut usable, mut all) = (Candidates::default(), Candidates::default());
        let (mut no_metadata, mut roles, mut stray) = (None, Vec::new(), None);
        for place in 0..self.len() {
            let document = match self.document(metadata, place) {
                Ok(document) if self.first_of_name(place).is_none() => document,
                Ok(_) => continue,
                Err(error @ MetadataError::Xml(_)) => return Err(error),
                Err(error) => {
                    no_metadata = no_metadata.or(Some(error));
                    continue;
                }
            };
            let entity = self.entity(&document, place);
            let name = self.entity_id(metadata, place).unwrap_or_default();
            let speaks = entity.identity_provider_roles().any(speaks_saml2);
            if !entity.is_identity_provider() {
                roles = entity.role_names();
                stray = stray.or_else(|| entity.stray_role());
            } else if speaks {
                usable.add(place, name, document);
            } else {
                all.add(place, name, document);
            }
        }
        let chosen = if usable.count > 0 { usable } else { all };
        match chosen.first.filter(|_| chosen.count == 1) {
            Some((place, document)) => identity_provider(self.entity(&document, place)),
            None if chosen.count > 1 => {
                let (count, names) = (chosen.count, chosen.names);
                Err(MetadataError::SeveralIdentityProviders { count, names })
            }
            None => Err(no_metadata.unwrap_or_else(|| MetadataError::NoIdentityProvider {
                entities: self.len(),
                roles: if self.len() == 1 { roles } else { Vec::new() },
                stray,
            })),
        }
    }
}

/// Identity providers, of which exactly one is wanted.
#[derive(Default)]
struct Candidates {
    count: usize,
    names: Vec<String>,
    first: Option<(usize, Document)>,
}

impl Candidates {
    fn add(&mut self, place: usize, name: &str, document: Document) {
        self.count = self.count.saturating_add(1);
        if self.names.len() < NAMES_SHOWN {
            self.names.push(name.to_owned());
        }
        self.first.get_or_insert((place, document));
    }
}

/// Reads the SAML 2.0 identity provider role of `entity`.
pub(crate) fn identity_provider(entity: Entity<'_>) -> Result<IdentityProvider, MetadataError> {
    let entity_id = entity.checked_entity_id()?;
    if let Some(placeholder) = placeholder(entity_id.as_str()) {
        let (entity_id, placeholder) = (entity_id.to_string(), placeholder.to_owned());
        return Err(MetadataError::Template { entity_id, placeholder });
    }
    let role = role(entity, &entity_id)?;
    let keys = keys::read(role);
    if keys.signing.is_empty() {
        return Err(MetadataError::NoSigningKey { entity_id: entity_id.to_string(), reasons: keys.ignored });
    }
    let mut warnings = check_entity(entity.element)?;
    warnings.extend(keys.ignored.into_iter().map(|reason| Warning::KeyIgnored { reason }));
    warnings.extend(keys.remarks);
    if entity.duplicates > 0 {
        warnings.push(Warning::DuplicateEntity { count: entity.duplicates });
    }
    let single_sign_on = endpoints(role, "SingleSignOnService", &mut warnings);
    warnings.extend(no_way_to_ask(&single_sign_on));
    warnings.extend(entity.element.elements().filter(is_role).take(ROLES).filter_map(unused));
    let information = Information::read(entity.element, role, &mut warnings);
    Ok(IdentityProvider {
        valid_until: earliest(entity.valid_until()?, date_time(role, "validUntil")?),
        cache_duration: shortest(entity.cache_duration(), cache_duration(role)),
        signing: keys.signing,
        encryption: keys.encryption,
        single_sign_on,
        single_logout: endpoints(role, "SingleLogoutService", &mut warnings),
        name_id_management: endpoints(role, "ManageNameIDService", &mut warnings),
        artifact_resolution: endpoints(role, "ArtifactResolutionService", &mut warnings),
        name_id_formats: texts(role, "NameIDFormat", NAME_ID_FORMATS, &mut warnings),
        wants_authn_requests_signed: wants_authn_requests_signed(role, &mut warnings)?,
        scopes: scope::read(&[entity.element, role], &mut warnings),
        error_url: role
            .attribute("errorURL")
            .map(trimmed)
            .filter(|url| WebAddress::new(url).is_ok())
            .map(str::to_owned),
        information: information.shared(),
        warnings,
        entity_id,
    })
}

/// Returns the warning that no sign-in request can be sent to these addresses, with the reason.
fn no_way_to_ask(single_sign_on: &[Endpoint]) -> Option<Warning> {
    let is_foreign = |endpoint: &&Endpoint| matches!(endpoint.binding(), Binding::Other(_));
    if single_sign_on.is_empty() {
        return Some(Warning::NoSingleSignOn);
    }
    let mut bindings: Vec<String> = single_sign_on
        .iter()
        .filter(is_foreign)
        .map(|endpoint| endpoint.binding().uri().to_owned())
        .collect();
    let are_all = bindings.len() == single_sign_on.len();
    bindings.sort_unstable();
    bindings.dedup();
    bindings.truncate(REASONS);
    are_all.then_some(Warning::ForeignBindings { bindings })
}

/// Returns the one IDPSSODescriptor for SAML 2.0. Another one for other protocols (SAML 1.1) is usual, and is
/// ignored.
fn role<'d>(entity: Entity<'d>, entity_id: &EntityId) -> Result<Element<'d>, MetadataError> {
    let roles: Vec<Element<'d>> =
        entity.identity_provider_roles().filter(|role| speaks_saml2(*role)).collect();
    match roles.as_slice() {
        [role] => Ok(*role),
        [] => {
            let protocols: Vec<&str> = entity
                .identity_provider_roles()
                .map(|role| trimmed(role.attribute("protocolSupportEnumeration").unwrap_or_default()))
                .collect();
            if protocols.is_empty() {
                let (entity_id, roles) = (entity_id.to_string(), entity.role_names());
                return Err(MetadataError::NotAnIdentityProvider { entity_id, roles });
            }
            Err(MetadataError::Protocol {
                entity_id: entity_id.to_string(),
                protocols: trimmed(&protocols.join(" ")).to_owned(),
            })
        }
        several => {
            Err(MetadataError::SeveralRoles { entity_id: entity_id.to_string(), count: several.len() })
        }
    }
}

fn endpoints(role: Element<'_>, element: &'static str, warnings: &mut Vec<Warning>) -> Vec<Endpoint> {
    let mut found = Bounded::new(element, ENDPOINTS);
    let mut ignored = Bounded::new("reasons why an endpoint cannot be used", REASONS);
    for (number, child) in (1_usize..).zip(children(role, element)) {
        if !found.has_room() {
            found.leave_out(number);
            continue;
        }
        match endpoint(child) {
            Ok(endpoint) => found.push(number, endpoint),
            Err(reason) => ignored.push(number, reason),
        }
    }
    let found = found.finish(warnings);
    let ignored = ignored.finish(warnings).into_iter();
    warnings.extend(ignored.map(|reason| Warning::EndpointIgnored { element: element.to_owned(), reason }));
    found
}

fn wants_authn_requests_signed(
    role: Element<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<bool, MetadataError> {
    let attribute = "WantAuthnRequestsSigned";
    let Some(boolean) = boolean(role, attribute)? else { return Ok(false) };
    if !boolean.is_of_the_schema {
        let element = role.local_name().to_owned();
        let value = role.attribute(attribute).unwrap_or_default().to_owned();
        warnings.push(Warning::BooleanSpelling { element, attribute, value, read_as: boolean.value });
    }
    Ok(boolean.value)
}

/// The number of names in an error.
const NAMES_SHOWN: usize = 5;
