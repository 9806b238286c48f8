//! The further information of `vouchsafe metadata show`, in addition to roles, endpoints and keys.

use serde::Serialize;
use vouchsafe::metadata::{
    Contact, ContactKind, EntityAttribute, EntityDescription, LocalizedText, RequestedAttribute,
    RoleDescription, Scope, SigningMethod,
};

/// The information of an entity.
#[derive(Serialize)]
pub(crate) struct OfEntity {
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Attribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Person>,
}

/// The information of a role.
#[derive(Serialize)]
pub(crate) struct OfRole {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Domain>,
    /// The URIs of the algorithms with which the entity can verify signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signing_algorithms: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requested_attributes: Vec<Requested>,
}

#[derive(Serialize)]
struct Attribute {
    name: String,
    values: Vec<String>,
}

#[derive(Serialize)]
struct Person {
    kind: String,
    email_addresses: Vec<String>,
}

#[derive(Serialize)]
struct Name {
    language: String,
    value: String,
}

#[derive(Serialize)]
struct Domain {
    value: String,
    regexp: bool,
}

#[derive(Serialize)]
struct Requested {
    name: String,
    required: bool,
}

impl OfEntity {
    pub(crate) fn of(entity: &EntityDescription) -> OfEntity {
        let of_roles = entity.roles().iter().flat_map(RoleDescription::contacts);
        OfEntity {
            registered_by: entity.registration().map(|one| one.authority().to_owned()),
            attributes: entity.entity_attributes().all().iter().map(Attribute::of).collect(),
            contacts: entity.contacts().iter().chain(of_roles).map(Person::of).collect(),
        }
    }

    /// Returns the rows for people, with names and values.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let mut rows: Vec<(String, String)> = Vec::new();
        rows.extend(
            self.registered_by.iter().map(|authority| ("registered by".to_owned(), authority.clone())),
        );
        for attribute in &self.attributes {
            for value in &attribute.values {
                rows.push((short(&attribute.name), value.clone()));
            }
        }
        for person in &self.contacts {
            rows.push((format!("{} contact", person.kind), person.email_addresses.join(", ")));
        }
        rows
    }
}

impl OfRole {
    /// Reads the information of a role. `entity` has the scopes of all its roles.
    pub(crate) fn of(role: &RoleDescription, entity: &EntityDescription) -> OfRole {
        let scopes = entity.scopes().iter().chain(role.scopes()).map(Domain::of);
        let is_identity_provider = role.name() == "IDPSSODescriptor";
        let support = if role.algorithm_support().is_empty() {
            entity.algorithm_support()
        } else {
            role.algorithm_support()
        };
        let services = role.attribute_consuming_services().iter();
        OfRole {
            names: role.user_interface().display_names().iter().map(Name::of).collect(),
            scopes: scopes.filter(|_| is_identity_provider).collect(),
            signing_algorithms: support
                .signing_methods()
                .iter()
                .map(SigningMethod::algorithm)
                .map(str::to_owned)
                .collect(),
            requested_attributes: services
                .flat_map(|service| service.attributes())
                .map(Requested::of)
                .collect(),
        }
    }

    /// Returns the rows for people, with names and values.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let mut rows: Vec<(String, String)> = Vec::new();
        rows.extend(self.names.iter().map(|name| (format!("name ({})", name.language), name.value.clone())));
        for scope in &self.scopes {
            let kind = if scope.regexp { "scope (expression)" } else { "scope" };
            rows.push((kind.to_owned(), scope.value.clone()));
        }
        rows.extend(self.signing_algorithms.iter().map(|uri| ("verifies".to_owned(), uri.clone())));
        for attribute in &self.requested_attributes {
            let kind = if attribute.required { "requires" } else { "asks for" };
            rows.push((kind.to_owned(), attribute.name.clone()));
        }
        rows
    }
}

/// Returns the text after the last slash or colon of a name.
fn short(name: &str) -> String {
    name.rsplit(['/', ':']).next().unwrap_or(name).to_owned()
}

impl Attribute {
    fn of(attribute: &EntityAttribute) -> Attribute {
        Attribute { name: attribute.name().to_owned(), values: attribute.values().to_vec() }
    }
}

impl Person {
    fn of(contact: &Contact) -> Person {
        let kind = match contact.kind() {
            ContactKind::Technical => "technical",
            ContactKind::Support => "support",
            ContactKind::Administrative => "administrative",
            ContactKind::Billing => "billing",
            ContactKind::Security => "security",
            ContactKind::Unknown(kind) => kind,
            _ => "other",
        };
        Person { kind: kind.to_owned(), email_addresses: contact.email_addresses().to_vec() }
    }
}

impl Name {
    fn of(text: &LocalizedText) -> Name {
        Name { language: text.language().to_owned(), value: text.value().to_owned() }
    }
}

impl Domain {
    fn of(scope: &Scope) -> Domain {
        Domain { value: scope.value().to_owned(), regexp: scope.is_pattern() }
    }
}

impl Requested {
    fn of(attribute: &RequestedAttribute) -> Requested {
        Requested { name: attribute.name().to_owned(), required: attribute.is_required() }
    }
}
