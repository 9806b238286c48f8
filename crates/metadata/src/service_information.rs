//! The statements of our own descriptor in addition to names, keys and addresses.

use vouchsafe_xml::{Element, Writer};

use crate::endpoint::web_endpoint;
use crate::value_writers::endpoint_attributes;
use crate::{
    AttributeConsumingService, Binding, Contact, Endpoint, EntityAttributes, MetadataError, Organization,
    RequestedAttribute, UserInterface,
};

/// The statements of a service provider about itself: for people who choose it and are asked for consent, for the
/// identity provider's administrator, and for the rules about the release of attributes.
///
/// ```
/// use vouchsafe_metadata::{
///     AttributeConsumingService, Contact, ContactKind, EntityAttributes, RequestedAttribute, ServiceInformation,
///     SubjectIdRequirement, UserInterface, name_id_format,
/// };
///
/// let information = ServiceInformation::default()
///     .with_user_interface(UserInterface::default().with_display_name("en", "Example Analytics"))
///     .with_contact(Contact::new(ContactKind::Technical, "saml@example.com"))
///     .with_name_id_format(name_id_format::TRANSIENT)
///     .with_entity_attributes(
///         EntityAttributes::default().with_subject_id_requirement(SubjectIdRequirement::PairwiseId),
///     )
///     .with_attribute_consuming_service(
///         AttributeConsumingService::new("en", "Example Analytics")
///             .with_attribute(RequestedAttribute::new("urn:oid:0.9.2342.19200300.100.1.3").with_friendly_name("mail")),
///     )
///     .with_discovery_response("https://app.example.com/saml/discovered")?;
/// # let _ = information;
/// # Ok::<(), vouchsafe_metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceInformation {
    pub(crate) user_interface: UserInterface,
    pub(crate) entity_attributes: EntityAttributes,
    pub(crate) organization: Option<Organization>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) name_id_formats: Vec<String>,
    pub(crate) consuming_services: Vec<AttributeConsumingService>,
    pub(crate) discovery_responses: Vec<Endpoint>,
}

impl ServiceInformation {
    /// Sets how it is displayed (`mdui:UIInfo`).
    #[must_use]
    pub fn with_user_interface(self, user_interface: UserInterface) -> Self {
        ServiceInformation { user_interface, ..self }
    }

    /// Sets its categories, and the subject identifier that it needs.
    #[must_use]
    pub fn with_entity_attributes(self, entity_attributes: EntityAttributes) -> Self {
        ServiceInformation { entity_attributes, ..self }
    }

    /// Sets the organization that runs it.
    #[must_use]
    pub fn with_organization(self, organization: Organization) -> Self {
        ServiceInformation { organization: Some(organization), ..self }
    }

    /// Adds a contact.
    #[must_use]
    pub fn with_contact(mut self, contact: Contact) -> Self {
        self.contacts.push(contact);
        self
    }

    /// Adds an accepted NameID format, the preferred first. See [`name_id_format`](crate::name_id_format).
    #[must_use]
    pub fn with_name_id_format(mut self, format: impl Into<String>) -> Self {
        self.name_id_formats.push(format.into());
        self
    }

    /// Adds a service with the attributes that it requests. They are numbered from 0 in this order, and the first is
    /// the default.
    #[must_use]
    pub fn with_attribute_consuming_service(mut self, service: AttributeConsumingService) -> Self {
        self.consuming_services.push(service);
        self
    }

    /// Adds an address to which a discovery service may send people back (Identity Provider Discovery Service
    /// Protocol and Profile 2.5). It sends them to no other address. They are numbered from 0 in this order, and the
    /// first is the default.
    ///
    /// # Errors
    /// `metadata.location` if it is not an absolute http or https URL.
    pub fn with_discovery_response(mut self, location: &str) -> Result<Self, MetadataError> {
        let binding = Binding::from_uri(DISCOVERY_PROTOCOL);
        let endpoint = web_endpoint("DiscoveryResponse", binding, location)?;
        let index = u16::try_from(self.discovery_responses.len()).unwrap_or(u16::MAX);
        self.discovery_responses.push(endpoint.with_index(Some(index), (index == 0).then_some(true)));
        Ok(self)
    }

    /// Returns the addresses to which a discovery service may send people back.
    #[must_use]
    pub fn discovery_responses(&self) -> &[Endpoint] {
        &self.discovery_responses
    }

    /// Returns all attributes that its services request.
    pub fn requested_attributes(&self) -> impl Iterator<Item = &RequestedAttribute> {
        self.consuming_services.iter().flat_map(AttributeConsumingService::attributes)
    }

    pub(crate) fn write_consuming_services(&self, writer: &mut Writer) {
        for (service, (index, is_default)) in self.consuming_services.iter().zip(numbers()) {
            // The schema requires at least one attribute.
            if !service.attributes().is_empty() {
                service.clone().numbered(index, is_default).write(writer);
            }
        }
    }
}

/// Returns the indexes from 0, of which the first is the default.
fn numbers() -> impl Iterator<Item = (u16, bool)> {
    (0..=u16::MAX).map(|index| (index, index == 0))
}

/// Returns whether this extension of a role is such an address.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(DISCOVERY_PROTOCOL, "DiscoveryResponse")
}

/// Writes an address to which a discovery service may send people back.
pub(crate) fn write_discovery_response(writer: &mut Writer, endpoint: &Endpoint) {
    writer.start("idpdisc:DiscoveryResponse").namespace("idpdisc", DISCOVERY_PROTOCOL);
    endpoint_attributes(writer, endpoint);
    writer.end();
}

/// The namespace of the extension, and the binding of its endpoints.
pub(crate) const DISCOVERY_PROTOCOL: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol";
