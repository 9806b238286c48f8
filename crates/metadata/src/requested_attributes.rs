//! The attributes that a service provider requests, `md:AttributeConsumingService` (saml-metadata-2.0-os 2.4.4.1,
//! 2.4.4.2), and the `saml:Attribute` of a role.

use vouchsafe_xml::namespace::SAML_ASSERTION;
use vouchsafe_xml::{Element, Quoted, Writer};

use crate::bounded::{ATTRIBUTES, Bounded, CONSUMING_SERVICES, REASONS};
use crate::entity_attributes::{URI_FORMAT, attribute_values};
use crate::localized;
use crate::values::{boolean, children, trimmed};
use crate::{LocalizedText, Warning, value_writers};

/// A service with its names, and the attributes of a person that it requests.
///
/// ```
/// use vouchsafe_metadata::{AttributeConsumingService, RequestedAttribute};
///
/// let service = AttributeConsumingService::new("en", "Example Analytics")
///     .with_attribute(RequestedAttribute::new("urn:oid:0.9.2342.19200300.100.1.3").with_friendly_name("mail").required());
/// assert!(service.attributes()[0].is_required());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeConsumingService {
    index: Option<u16>,
    is_default: Option<bool>,
    names: Vec<LocalizedText>,
    descriptions: Vec<LocalizedText>,
    attributes: Vec<RequestedAttribute>,
}

/// An attribute that metadata requests or offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAttribute {
    name: String,
    name_format: Option<String>,
    friendly_name: Option<String>,
    is_required: Option<bool>,
    values: Vec<String>,
}

impl AttributeConsumingService {
    /// Makes a service with a name in one language, without attributes. It gets its index when it is published.
    #[must_use]
    pub fn new(language: &str, name: &str) -> AttributeConsumingService {
        AttributeConsumingService {
            index: None,
            is_default: None,
            names: vec![LocalizedText::new(language, name)],
            descriptions: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Adds a description.
    #[must_use]
    pub fn with_description(mut self, language: &str, text: &str) -> Self {
        self.descriptions.push(LocalizedText::new(language, text));
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, attribute: RequestedAttribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Returns its index, by which a request refers to it.
    #[must_use]
    pub fn index(&self) -> Option<u16> {
        self.index
    }

    /// Returns whether `isDefault` is true.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.is_default == Some(true)
    }

    /// Returns its names.
    #[must_use]
    pub fn names(&self) -> &[LocalizedText] {
        &self.names
    }

    /// Returns its descriptions.
    #[must_use]
    pub fn descriptions(&self) -> &[LocalizedText] {
        &self.descriptions
    }

    /// Returns the attributes that it requests.
    #[must_use]
    pub fn attributes(&self) -> &[RequestedAttribute] {
        &self.attributes
    }

    pub(crate) fn numbered(self, index: u16, is_default: bool) -> Self {
        AttributeConsumingService { index: Some(index), is_default: is_default.then_some(true), ..self }
    }
}

impl RequestedAttribute {
    /// Makes an attribute with this name, which is a URI.
    #[must_use]
    pub fn new(name: impl Into<String>) -> RequestedAttribute {
        RequestedAttribute {
            name: name.into(),
            name_format: Some(URI_FORMAT.to_owned()),
            friendly_name: None,
            is_required: None,
            values: Vec::new(),
        }
    }

    /// Sets the format of the name.
    #[must_use]
    pub fn with_name_format(self, format: impl Into<String>) -> Self {
        RequestedAttribute { name_format: Some(format.into()), ..self }
    }

    /// Sets a name for display. It is not used for comparisons.
    #[must_use]
    pub fn with_friendly_name(self, name: impl Into<String>) -> Self {
        RequestedAttribute { friendly_name: Some(name.into()), ..self }
    }

    /// Marks it as required: the service does not work without it.
    #[must_use]
    pub fn required(self) -> Self {
        RequestedAttribute { is_required: Some(true), ..self }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the format of the name.
    #[must_use]
    pub fn name_format(&self) -> Option<&str> {
        self.name_format.as_deref()
    }

    /// Returns the name for display.
    #[must_use]
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// Returns whether the service requires it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.is_required == Some(true)
    }

    /// Returns the requested or offered values; empty for any value.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

/// # Reading and writing
impl AttributeConsumingService {
    /// Reads the services of a role.
    pub(crate) fn read_all(role: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<AttributeConsumingService> {
        let mut services = Bounded::new("AttributeConsumingService", CONSUMING_SERVICES);
        for (number, element) in (1_usize..).zip(children(role, "AttributeConsumingService")) {
            if services.has_room() {
                services.push(number, AttributeConsumingService::read(element, warnings));
            } else {
                services.leave_out(number);
            }
        }
        services.finish(warnings)
    }

    fn read(element: Element<'_>, warnings: &mut Vec<Warning>) -> AttributeConsumingService {
        let index = element.attribute("index").map(trimmed);
        if let Some(text) = index.filter(|text| text.parse::<u16>().is_err()) {
            let reason = format!("index {} is not a number up to 65535", Quoted::new(text));
            let extension = "AttributeConsumingService".to_owned();
            warnings.push(Warning::ExtensionIgnored { extension, reason });
        }
        let requested = children(element, "RequestedAttribute");
        AttributeConsumingService {
            index: index.and_then(|text| text.parse().ok()),
            is_default: flag(element, "isDefault"),
            names: localized::read(children(element, "ServiceName"), "ServiceName", warnings),
            descriptions: localized::read(
                children(element, "ServiceDescription"),
                "ServiceDescription",
                warnings,
            ),
            attributes: read_attributes("RequestedAttribute", requested, warnings),
        }
    }

    /// Writes the service. The schema requires a name, an index, and at least one attribute.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.start("md:AttributeConsumingService");
        writer.optional_attribute("index", self.index.map(|index| index.to_string()).as_deref());
        writer.optional_attribute("isDefault", self.is_default.map(value_writers::boolean));
        localized::write(writer, "md:ServiceName", &self.names);
        localized::write(writer, "md:ServiceDescription", &self.descriptions);
        self.attributes.iter().for_each(|one| one.write(writer, "md:RequestedAttribute"));
        writer.end();
    }
}

impl RequestedAttribute {
    pub(crate) fn write(&self, writer: &mut Writer, element: &str) {
        writer.start(element).attribute("Name", &self.name);
        writer.optional_attribute("NameFormat", self.name_format());
        writer.optional_attribute("FriendlyName", self.friendly_name());
        writer.optional_attribute("isRequired", self.is_required.map(value_writers::boolean));
        for value in &self.values {
            writer.start("saml:AttributeValue").namespace("saml", SAML_ASSERTION).text(value).end();
        }
        writer.end();
    }
}

/// Returns the attributes that an identity provider offers.
pub(crate) fn offered_attributes(role: Element<'_>, warnings: &mut Vec<Warning>) -> Vec<RequestedAttribute> {
    let offered = role.elements().filter(|child| child.is(SAML_ASSERTION, "Attribute"));
    read_attributes("saml:Attribute", offered, warnings)
}

fn read_attributes<'d>(
    what: &'static str,
    elements: impl Iterator<Item = Element<'d>>,
    warnings: &mut Vec<Warning>,
) -> Vec<RequestedAttribute> {
    let mut attributes = Bounded::new(what, ATTRIBUTES);
    let mut ignored = Bounded::new("reasons why an attribute cannot be used", REASONS);
    for (number, element) in (1_usize..).zip(elements) {
        let text = |name: &str| element.attribute(name).map(|value| trimmed(value).to_owned());
        match text("Name") {
            None => ignored.push(number, format!("number {number} has no Name")),
            Some(_) if !attributes.has_room() => attributes.leave_out(number),
            Some(name) => {
                let values = attribute_values(element, warnings);
                let (name_format, friendly_name) = (text("NameFormat"), text("FriendlyName"));
                let is_required = flag(element, "isRequired");
                let read = RequestedAttribute { name, name_format, friendly_name, is_required, values };
                attributes.push(number, read);
            }
        }
    }
    let attributes = attributes.finish(warnings);
    for reason in ignored.finish(warnings) {
        warnings.push(Warning::ExtensionIgnored { extension: what.to_owned(), reason });
    }
    attributes
}

/// Reads a boolean, and ignores an invalid one, because it is only used to publish the metadata again.
fn flag(element: Element<'_>, attribute: &'static str) -> Option<bool> {
    boolean(element, attribute).ok().flatten().map(|flag| flag.value)
}
