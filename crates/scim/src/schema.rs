//! The attributes of users and groups in one table, which filters, PATCH, projections and `/Schemas` use.

mod document;
mod table;

pub(crate) use document::{resource_types, schemas};
use vouchsafe_store::ScimKind;

/// URNs of RFC 7643 and RFC 7644.
pub(crate) mod urn {
    pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
    pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    pub(crate) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
    pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
    pub(crate) const CONFIGURATION: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    pub(crate) const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
    pub(crate) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
}

/// The schemas of a kind of resource.
pub(crate) trait Described: Copy {
    /// The endpoint below the base: `Users` or `Groups`.
    fn endpoint(self) -> &'static str;

    /// The URN of the core schema.
    fn schema(self) -> &'static str;

    /// The attribute that people know it by: `userName` or `displayName`.
    fn name_attribute(self) -> &'static str;

    /// The attributes of the core schema, and those of every resource.
    fn attributes(self) -> impl Iterator<Item = &'static Attribute>;

    /// The attribute with this name, ignoring case.
    fn attribute(self, name: &str) -> Option<&'static Attribute> {
        named(self.attributes(), name)
    }

    /// The extension with this URN, ignoring case: the URN as it is written, and its attributes.
    fn extension(self, schema: &str) -> Option<(&'static str, &'static [Attribute])>;
}

impl Described for ScimKind {
    fn endpoint(self) -> &'static str {
        if self == Self::User { "Users" } else { "Groups" }
    }

    fn schema(self) -> &'static str {
        if self == Self::User { urn::USER } else { urn::GROUP }
    }

    fn name_attribute(self) -> &'static str {
        if self == Self::User { "userName" } else { "displayName" }
    }

    fn attributes(self) -> impl Iterator<Item = &'static Attribute> {
        table::COMMON.iter().chain(if self == Self::User { table::USER } else { table::GROUP })
    }

    fn extension(self, schema: &str) -> Option<(&'static str, &'static [Attribute])> {
        (self == Self::User && schema.eq_ignore_ascii_case(urn::ENTERPRISE))
            .then_some((urn::ENTERPRISE, table::ENTERPRISE))
    }
}

/// The attribute with this name, ignoring case.
pub(crate) fn named(
    attributes: impl IntoIterator<Item = &'static Attribute>,
    name: &str,
) -> Option<&'static Attribute> {
    attributes.into_iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// An attribute as its schema describes it (RFC 7643, 7).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_many: bool,
    pub(crate) is_required: bool,
    pub(crate) is_case_exact: bool,
    pub(crate) mutability: Mutability,
    pub(crate) returned: Returned,
    pub(crate) is_unique: bool,
    pub(crate) parts: &'static [Attribute],
    pub(crate) canonical: &'static [&'static str],
    pub(crate) references: &'static [&'static str],
    pub(crate) description: &'static str,
}

impl Attribute {
    /// The sub-attribute with this name, ignoring case.
    pub(crate) fn part(&self, name: &str) -> Option<&'static Attribute> {
        named(self.parts, name)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Boolean,
    DateTime,
    Reference,
    Binary,
    Complex,
}

/// Who may change a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an answer contains a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    Always,
    Default,
    Never,
}
