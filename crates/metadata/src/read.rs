//! This module reads an identity provider from an EntityDescriptor.

use vouchsafe_xml::Element;

use crate::bounded::{Bounded, ENDPOINTS, NAME_ID_FORMATS, REASONS, ROLES};
use crate::information::Information;
use crate::placeholder::placeholder;
use crate::role_description::unused;
use crate::schema::check_entity;
use crate::source::{Entity, cache_duration, earliest, is_role, shortest, speaks_saml2};
use crate::values::{boolean, children, date_time, endpoint, texts, trimmed};
use crate::{Binding, Endpoint, EntityId, IdentityProvider, MetadataError, Warning, WebAddress, keys, scope};

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
