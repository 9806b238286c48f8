//! This module reads single values of metadata: texts, times, booleans, addresses, endpoints.

use chrono::{DateTime, Utc};
use vouchsafe_xml::namespace::SAML_METADATA;
use vouchsafe_xml::{Element, Quoted};

use crate::bounded::Bounded;
use crate::time::parse_date_time;
use crate::web_address::WebAddress;
use crate::{Binding, Endpoint, MetadataError, Warning};

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

/// Returns the extensions of this holder, the children of its `md:Extensions` (saml-metadata-2.0-os 2.3.1).
pub(crate) fn extensions<'d>(holder: Element<'d>) -> impl Iterator<Item = Element<'d>> + Clone + use<'d> {
    children(holder, "Extensions").flat_map(Element::elements).collect::<Vec<_>>().into_iter()
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

/// A boolean, and whether it has the spelling of XML Schema.
#[derive(Clone, Copy)]
pub(crate) struct Boolean {
    pub(crate) value: bool,
    pub(crate) is_of_the_schema: bool,
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
