//! `/Schemas` and `/ResourceTypes`, written from the table.

use serde_json::{Value, json};

use vouchsafe_store::ScimKind;

use super::{Attribute, Described as _, Kind, Mutability, Returned, table, urn};

/// The schema documents (RFC 7643, 7); `base` is the address that the endpoints stand below.
pub(crate) fn schemas(base: &str) -> Vec<Value> {
    let common = |name: &str| table::COMMON.iter().any(|attribute| attribute.name == name);
    let own = |kind: ScimKind| -> Vec<Value> {
        kind.attributes().filter(|attribute| !common(attribute.name)).map(described).collect()
    };
    let extension: Vec<Value> = table::ENTERPRISE.iter().map(described).collect();
    let schema = |id: &str, name: &str, description: &str, attributes: Vec<Value>| {
        json!({
            "schemas": [urn::SCHEMA],
            "id": id,
            "name": name,
            "description": description,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")},
        })
    };
    vec![
        schema(urn::USER, "User", "A person", own(ScimKind::User)),
        schema(urn::GROUP, "Group", "A group of people", own(ScimKind::Group)),
        schema(urn::ENTERPRISE, "EnterpriseUser", "What an enterprise knows of a person", extension),
    ]
}

/// The resource types (RFC 7643, 6).
pub(crate) fn resource_types(base: &str) -> Vec<Value> {
    let resource_type = |kind: ScimKind, extensions: Value| {
        let (name, endpoint) = (kind.name(), kind.endpoint());
        json!({
            "schemas": [urn::RESOURCE_TYPE],
            "id": name,
            "name": name,
            "endpoint": format!("/{endpoint}"),
            "description": if kind == ScimKind::User { "People" } else { "Groups of people" },
            "schema": kind.schema(),
            "schemaExtensions": extensions,
            "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")},
        })
    };
    vec![
        resource_type(ScimKind::User, json!([{"schema": urn::ENTERPRISE, "required": false}])),
        resource_type(ScimKind::Group, json!([])),
    ]
}

fn described(attribute: &Attribute) -> Value {
    let kind = match attribute.kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::DateTime => "dateTime",
        Kind::Reference => "reference",
        Kind::Binary => "binary",
        Kind::Complex => "complex",
    };
    let mutability = match attribute.mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    };
    let returned = match attribute.returned {
        Returned::Always => "always",
        Returned::Default => "default",
        Returned::Never => "never",
    };
    let mut document = json!({
        "name": attribute.name,
        "type": kind,
        "multiValued": attribute.is_many,
        "description": attribute.description,
        "required": attribute.is_required,
        "caseExact": attribute.is_case_exact,
        "mutability": mutability,
        "returned": returned,
        "uniqueness": if attribute.is_unique { "server" } else { "none" },
    });
    if let Some(object) = document.as_object_mut() {
        if attribute.kind == Kind::Complex {
            let parts: Vec<Value> = attribute.parts.iter().map(described).collect();
            object.insert("subAttributes".to_owned(), Value::Array(parts));
        }
        if !attribute.canonical.is_empty() {
            object.insert("canonicalValues".to_owned(), json!(attribute.canonical));
        }
        if !attribute.references.is_empty() {
            object.insert("referenceTypes".to_owned(), json!(attribute.references));
        } else if attribute.kind == Kind::Reference {
            object.insert("referenceTypes".to_owned(), json!(["uri"]));
        }
    }
    document
}
