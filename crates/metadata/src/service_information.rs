//! What our own descriptor says beside names, keys and addresses.

use vouchsafe_xml::{Element, Writer};

use crate::identity_provider::web_endpoint;
use crate::write::endpoint_attributes;
use crate::{
    AttributeConsumingService, Binding, Contact, Endpoint, EntityAttributes, MetadataError, Organization,
    RequestedAttribute, UserInterface,
};

/// What a service provider tells about itself: for people who choose and are asked for consent, for the identity provider's administrator, and
/// for the rules by which attributes are released.
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
    /// Says how it is shown to people (`mdui:UIInfo`).
    #[must_use]
    pub fn with_user_interface(self, user_interface: UserInterface) -> Self {
        ServiceInformation { user_interface, ..self }
    }

    /// Says in which categories it is, and which subject identifier it needs.
    #[must_use]
    pub fn with_entity_attributes(self, entity_attributes: EntityAttributes) -> Self {
        ServiceInformation { entity_attributes, ..self }
    }

    /// Says who runs it.
    #[must_use]
    pub fn with_organization(self, organization: Organization) -> Self {
        ServiceInformation { organization: Some(organization), ..self }
    }

    /// Adds somebody to ask.
    #[must_use]
    pub fn with_contact(mut self, contact: Contact) -> Self {
        self.contacts.push(contact);
        self
    }

    /// Adds a NameID format we take, the preferred first. See [`name_id_format`](crate::name_id_format).
    #[must_use]
    pub fn with_name_id_format(mut self, format: impl Into<String>) -> Self {
        self.name_id_formats.push(format.into());
        self
    }

    /// Adds a service with the attributes that it wants. They are numbered from 0 in this order, and the first is the default.
    #[must_use]
    pub fn with_attribute_consuming_service(mut self, service: AttributeConsumingService) -> Self {
        self.consuming_services.push(service);
        self
    }

    /// Adds an address to which a discovery service may send people back (Identity Provider Discovery Service Protocol and Profile 2.5): it
    /// sends nobody to another one. They are numbered from 0 in this order, and the first is the default.
    ///
    /// # Errors
    /// `metadata.location` when it is not an absolute http or https URL.
    pub fn with_discovery_response(mut self, location: &str) -> Result<Self, MetadataError> {
        let binding = Binding::from_uri(DISCOVERY_PROTOCOL);
        let endpoint = web_endpoint("DiscoveryResponse", binding, location)?;
        let index = u16::try_from(self.discovery_responses.len()).unwrap_or(u16::MAX);
        self.discovery_responses.push(endpoint.with_index(Some(index), (index == 0).then_some(true)));
        Ok(self)
    }

    /// The addresses to which a discovery service may send people back.
    #[must_use]
    pub fn discovery_responses(&self) -> &[Endpoint] {
        &self.discovery_responses
    }

    /// All attributes that its services want.
    pub fn requested_attributes(&self) -> impl Iterator<Item = &RequestedAttribute> {
        self.consuming_services.iter().flat_map(AttributeConsumingService::attributes)
    }

    pub(crate) fn write_consuming_services(&self, writer: &mut Writer) {
        for (service, (index, is_default)) in self.consuming_services.iter().zip(numbers()) {
            // The schema wants one attribute at least.
            if !service.attributes().is_empty() {
                service.clone().numbered(index, is_default).write(writer);
            }
        }
    }
}

/// From 0, where the first is the default.
fn numbers() -> impl Iterator<Item = (u16, bool)> {
    (0..=u16::MAX).map(|index| (index, index == 0))
}

/// Whether this extension of a role is an address of the kind.
pub(crate) fn is_known(extension: Element<'_>) -> bool {
    extension.is(DISCOVERY_PROTOCOL, "DiscoveryResponse")
}

/// An address to which a discovery service may send people back.
pub(crate) fn write_discovery_response(writer: &mut Writer, endpoint: &Endpoint) {
    writer.start("idpdisc:DiscoveryResponse").namespace("idpdisc", DISCOVERY_PROTOCOL);
    endpoint_attributes(writer, endpoint);
    writer.end();
}

/// The namespace of the extension and the binding of its endpoints.
pub(crate) const DISCOVERY_PROTOCOL: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol";
