//! The parts of an authentic message that the rules examine. They keep nothing else of the document.

use std::borrow::Cow;

use vouchsafe_xml::{Element, namespace};

use crate::envelope::{Issuer, Status, VERSION};
use crate::error::AssertionError;
use crate::instant::Moment;
use crate::message::MessageKind;
use crate::name_id::NameId;
use crate::opening::Opener;
use crate::reading::{elements_named, kept, only_child, trimmed};
use crate::schema::Encryptable;

const SAML: &str = namespace::SAML_ASSERTION;
const SAMLP: &str = namespace::SAML_PROTOCOL;

/// The maximum number of bytes of the reason of a logout; a longer one is none.
const LONGEST_REASON: usize = 1_024;

/// The parts that every message has (saml-core-2.0-os 3.2), and those of its kind.
pub(super) struct MessageFacts {
    pub(super) kind: MessageKind,
    pub(super) id: String,
    pub(super) version: Cow<'static, str>,
    pub(super) issue_instant: Moment,
    pub(super) destination: Option<String>,
    pub(super) issuer: Option<Issuer>,
    pub(super) body: Body,
}

/// The parts of one kind of message.
pub(super) enum Body {
    Logout(LogoutFacts),
    NameId(NameIdFacts),
    Answer(AnswerFacts),
}

/// The parts of a `<LogoutRequest>` (saml-core-2.0-os 3.7.1).
pub(super) struct LogoutFacts {
    pub(super) name_id: Option<NameId>,
    pub(super) session_indexes: Vec<String>,
    pub(super) not_on_or_after: Option<Moment>,
    pub(super) reason: Option<String>,
}

/// The parts of a `<ManageNameIDRequest>` (saml-core-2.0-os 3.6.1).
pub(super) struct NameIdFacts {
    pub(super) name_id: Option<NameId>,
    /// The new identifier; `None` if the name is terminated.
    pub(super) new_id: Option<String>,
}

/// The parts of a response message (saml-core-2.0-os 3.2.2).
pub(super) struct AnswerFacts {
    pub(super) in_response_to: Option<String>,
    pub(super) status: Status,
    /// The Response inside an ArtifactResponse.
    pub(super) response: Option<Vec<u8>>,
}

impl MessageFacts {
    /// Reads a message of authentic bytes that was checked against the schema. `opener` decrypts the encrypted parts
    /// inside it.
    pub(super) fn read(
        root: Element<'_>,
        kind: MessageKind,
        response: Option<Vec<u8>>,
        opener: &mut Opener<'_, '_>,
    ) -> Result<MessageFacts, AssertionError> {
        let body = match kind {
            MessageKind::LogoutRequest => Body::Logout(LogoutFacts {
                name_id: name_id(root, opener)?,
                session_indexes: indexes(root),
                not_on_or_after: root.attribute("NotOnOrAfter").map(Moment::read),
                // A URI. It is kept for each connection that has the key.
                reason: root
                    .attribute("Reason")
                    .filter(|reason| reason.len() <= LONGEST_REASON)
                    .map(str::to_owned),
            }),
            MessageKind::ManageNameIdRequest => {
                Body::NameId(NameIdFacts { name_id: name_id(root, opener)?, new_id: new_id(root, opener)? })
            }
            MessageKind::LogoutResponse
            | MessageKind::ManageNameIdResponse
            | MessageKind::ArtifactResponse => Body::Answer(AnswerFacts {
                in_response_to: root.attribute("InResponseTo").map(str::to_owned),
                status: Status::read(root),
                response,
            }),
        };
        Ok(MessageFacts {
            kind,
            id: root.attribute("ID").unwrap_or_default().to_owned(),
            version: kept(root.attribute("Version").unwrap_or_default(), VERSION),
            issue_instant: Moment::read(root.attribute("IssueInstant").unwrap_or_default()),
            destination: root.attribute("Destination").map(|text| trimmed(text).to_owned()),
            issuer: Issuer::read(root),
            body,
        })
    }
}

/// Returns the person whom the message names, plain or encrypted. A BaseID is never known here.
fn name_id(root: Element<'_>, opener: &mut Opener<'_, '_>) -> Result<Option<NameId>, AssertionError> {
    match (only_child(root, SAML, "NameID"), only_child(root, SAML, "EncryptedID")) {
        (Some(plain), _) => Ok(Some(NameId::read(plain))),
        (None, Some(encrypted)) => {
            opener.open(encrypted, Encryptable::NameId, |name| Ok(NameId::read(name))).map(Some)
        }
        (None, None) => Ok(None),
    }
}

fn new_id(root: Element<'_>, opener: &mut Opener<'_, '_>) -> Result<Option<String>, AssertionError> {
    match (only_child(root, SAMLP, "NewID"), only_child(root, SAMLP, "NewEncryptedID")) {
        (Some(plain), _) => Ok(Some(plain.text().into_owned())),
        (None, Some(encrypted)) => {
            opener.open(encrypted, Encryptable::NewId, |name| Ok(name.text().into_owned())).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// Returns the session indexes. White space around one is the sender's layout: the assertion has the index in an
/// attribute. An empty index names no session, so it is left out.
fn indexes(root: Element<'_>) -> Vec<String> {
    let all = elements_named(root, SAMLP, "SessionIndex").map(|element| trimmed(&element.text()).to_owned());
    all.filter(|index| !index.is_empty()).collect()
}
