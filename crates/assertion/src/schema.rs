//! The schema's content model (saml-schema-protocol-2.0, saml-schema-assertion-2.0) of a Response and of all other
//! messages: one table, as data, and the functions that check messages against it.
//!
//! Each element of the two namespaces may have only the children and attributes that its type allows, as often as it
//! allows them, and must have the required ones. The order is not checked. Open parts of the schema are not checked:
//! Extensions, AttributeValue, Advice, StatusDetail, AuthnContextDecl, the content of SubjectConfirmationData, and
//! attributes of other namespaces where `anyAttribute` allows them. Other vocabularies are not checked either, in
//! particular `ds:Signature`, whose form the signature crate checks.
//!
//! The tests of this module compare the table with the published XSD files.

mod assertion_types;
#[cfg(test)]
mod drift;
mod message_types;
mod protocol_types;

use vouchsafe_xml::{Element, ElementType, check, namespace};

use crate::envelope::Status;
use crate::error::AssertionError;
use crate::message::MessageKind;

/// Checks a `samlp:Response` with all its content against the schema.
///
/// # Errors
/// The first violation. If the status is not Success, that is the error instead, since it is the reason whatever else
/// is wrong.
pub(crate) fn check_response(root: Element<'_>) -> Result<(), AssertionError> {
    check(root, &protocol_types::RESPONSE)
        .map_err(|violation| Status::read(root).refusal().unwrap_or(AssertionError::Schema(violation)))
}

/// Checks a `saml:Assertion` in the same way.
pub(crate) fn check_assertion(root: Element<'_>) -> Result<(), AssertionError> {
    check(root, &assertion_types::ASSERTION).map_err(AssertionError::Schema)
}

/// Checks a message of this kind in the same way.
pub(crate) fn check_message(root: Element<'_>, kind: MessageKind) -> Result<(), AssertionError> {
    check(root, message_type(kind)).map_err(AssertionError::Schema)
}

fn message_type(kind: MessageKind) -> &'static ElementType {
    match kind {
        MessageKind::LogoutRequest => &message_types::LOGOUT_REQUEST,
        MessageKind::LogoutResponse | MessageKind::ManageNameIdResponse => &message_types::STATUS_RESPONSE,
        MessageKind::ManageNameIdRequest => &message_types::MANAGE_NAME_ID_REQUEST,
        MessageKind::ArtifactResponse => &message_types::ARTIFACT_RESPONSE,
    }
}

/// The parts that can be encrypted in an assertion or a message, by their names in the table.
#[derive(Clone, Copy)]
pub(crate) enum Encryptable {
    NameId,
    Attribute,
    NewId,
}

impl Encryptable {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Encryptable::NameId => "NameID",
            Encryptable::Attribute => "Attribute",
            Encryptable::NewId => "NewID",
        }
    }

    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Encryptable::NameId | Encryptable::Attribute => namespace::SAML_ASSERTION,
            Encryptable::NewId => namespace::SAML_PROTOCOL,
        }
    }

    /// Checks an element with that name against the schema.
    pub(crate) fn check(self, root: Element<'_>) -> Result<(), AssertionError> {
        let element_type: &'static ElementType = match self {
            Encryptable::NameId => &assertion_types::NAME_ID,
            Encryptable::Attribute => &assertion_types::ATTRIBUTE,
            Encryptable::NewId => &message_types::NEW_ID,
        };
        check(root, element_type).map_err(AssertionError::Schema)
    }
}
