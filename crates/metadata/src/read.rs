//! This module reads an identity provider from an EntityDescriptor.

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Element, Quoted};

use crate::bounded::{Bounded, ENDPOINTS, NAME_ID_FORMATS, REASONS, ROLES};
use crate::information::Information;
use crate::placeholder::placeholder;
use crate::role_description::unused;
use crate::schema::check_entity;
use crate::source::{Entity, cache_duration, earliest, is_role, shortest, speaks_saml2};
use crate::time::parse_date_time;
use crate::web_address::WebAddress;
use crate::{Binding, Endpoint, EntityId, IdentityProvider, MetadataError, Warning, keys, scope};

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

/// Reads one endpoint. Returns the reason if it cannot be used, so that one bad address does not affect the others.
pub(crate) fn endpoint(element: Element<'_>) -> Result<Endpoint, String> {
    let value = |name: &str| element.attribute(name).map(trimmed).filter(|value| !value.is_empty());
    let binding = value("Binding").ok_or("it has no Binding")?;
    let location = address(value("Location").ok_or("it has no Location")?)?;
    let response_location = value("ResponseLocation").map(address).transpose()?;
    let index = match value("index") {
        None => None,
        Some(text) => Some(
            text.parse().map_err(|_| format!("index {} is not a number up to 65535", Quoted::new(text)))?,
        ),
    };
    let is_default = boolean(element, "isDefault").map_err(|error| error.to_string())?.map(|one| one.value);
    Ok(Endpoint::new(Binding::from_uri(binding), location)
        .with_response_location(response_location)
        .with_index(index, is_default))
}

/// Returns the texts in the children with this name, without empty ones.
pub(crate) fn texts(
    role: Element<'_>,
    name: &'static str,
    limit: usize,
    warnings: &mut Vec<Warning>,
) -> Vec<String> {
    let mut texts = Bounded::new(name, limit);
    for (number, element) in (1_usize..).zip(children(role, name)) {
        let text = element.text();
        let value = trimmed(&text);
        if !value.is_empty() {
            texts.push(number, value.to_owned());
        }
    }
    texts.finish(warnings)
}

fn address(text: &str) -> Result<WebAddress, String> {
    WebAddress::new(text).map_err(|error| error.to_string())
}

/// Returns the children with this name in the metadata namespace.
pub(crate) fn children<'d>(
    parent: Element<'d>,
    name: &'static str,
) -> impl Iterator<Item = Element<'d>> + use<'d> {
    parent.elements().filter(move |child| child.is(SAML_METADATA, name))
}

/// Reads an `xs:dateTime` attribute.
pub(crate) fn date_time(
    element: Element<'_>,
    attribute: &'static str,
) -> Result<Option<DateTime<Utc>>, MetadataError> {
    element
        .attribute(attribute)
        .map(|value| {
            let refused = || not_a_date_time(entity_round(element), element.local_name(), attribute, value);
            parse_date_time(value).ok_or_else(refused)
        })
        .transpose()
}

/// Returns the error about an attribute that is not an `xs:dateTime`.
pub(crate) fn not_a_date_time(
    entity_id: Option<&str>,
    element: &str,
    attribute: &'static str,
    value: &str,
) -> MetadataError {
    MetadataError::Attribute {
        entity_id: entity_id.map(Box::from),
        element: element.into(),
        attribute,
        value: value.into(),
        expected: "an xs:dateTime, such as 2026-11-24T00:00:00Z",
    }
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

/// A boolean, and whether it has the spelling of XML Schema.
#[derive(Clone, Copy)]
pub(crate) struct Boolean {
    pub(crate) value: bool,
    is_of_the_schema: bool,
}

/// Reads an `xs:boolean` attribute. Capital letters are not in XML Schema, but are not ambiguous, so they are
/// accepted.
pub(crate) fn boolean(
    element: Element<'_>,
    attribute: &'static str,
) -> Result<Option<Boolean>, MetadataError> {
    let Some(text) = element.attribute(attribute).map(trimmed) else { return Ok(None) };
    let value = match text {
        "1" => true,
        "0" => false,
        _ if text.eq_ignore_ascii_case("true") => true,
        _ if text.eq_ignore_ascii_case("false") => false,
        _ => return Err(not_of_type(element, attribute, text, "true or false")),
    };
    Ok(Some(Boolean { value, is_of_the_schema: !text.contains(|one: char| one.is_ascii_uppercase()) }))
}

fn not_of_type(
    element: Element<'_>,
    attribute: &'static str,
    value: &str,
    expected: &'static str,
) -> MetadataError {
    MetadataError::Attribute {
        entity_id: entity_round(element).map(Box::from),
        element: element.local_name().into(),
        attribute,
        value: value.into(),
        expected,
    }
}

/// Returns the entityID of the EntityDescriptor that this element is, or that contains it.
fn entity_round(element: Element<'_>) -> Option<&str> {
    let mut next = Some(element);
    while let Some(one) = next {
        if one.is(SAML_METADATA, "EntityDescriptor") {
            return one.attribute("entityID").map(trimmed).filter(|id| !id.is_empty());
        }
        next = one.parent();
    }
    None
}

/// Returns the text without XML white space around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
