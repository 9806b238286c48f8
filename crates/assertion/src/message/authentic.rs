//! The content of a message that a trusted key signed: first as bytes, then as facts.

use std::fmt;

use vouchsafe_encryption::DecryptionContext;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::Evidence;
use vouchsafe_xml::Document;

use crate::connection_id::ConnectionId;
use crate::ledger::{Check, Ledger, Outcome};
use crate::message::facts::MessageFacts;
use crate::message::{Carriage, MessageKind};
use crate::opening::Opener;
use crate::refusal::Refusal;
use crate::replay::ReplayKey;
use crate::schema::check_message;
use crate::trust::Trust;

/// The bytes of a message that a trusted key signed, with the evidence. The document that they came from no longer
/// exists.
///
/// Only [`authenticate_message`](crate::authenticate_message) makes one. Reading consumes it:
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::AuthenticMessage;
/// fn twice(authentic: AuthenticMessage<'_>) {
///     let first = authentic.read();
///     let second = authentic.read(); // error: use of moved value
/// }
/// ```
///
/// ```compile_fail,E0451
/// # use vouchsafe_assertion::AuthenticMessage;
/// fn forge(other: AuthenticMessage<'static>) -> AuthenticMessage<'static> {
///     AuthenticMessage { ledger: todo!(), ..other } // error: the fields are private
/// }
/// ```
pub struct AuthenticMessage<'k> {
    content: SignedMessage,
    kind: MessageKind,
    carriage: Carriage,
    connection: ConnectionId,
    issuer: EntityId,
    context: DecryptionContext<'k>,
    opens_cbc: bool,
    ledger: Ledger,
}

/// The signed bytes, parsed. Only [`authenticate`](super::authenticate) makes one.
pub(super) struct SignedMessage {
    pub(super) document: Document,
    pub(super) evidence: Evidence,
    /// The Response inside an ArtifactResponse. It is verified by its own signature.
    pub(super) response: Option<Vec<u8>>,
}

impl<'k> AuthenticMessage<'k> {
    pub(super) fn new(
        content: SignedMessage,
        (kind, carriage): (MessageKind, Carriage),
        trust: &Trust,
        context: DecryptionContext<'k>,
        ledger: Ledger,
    ) -> AuthenticMessage<'k> {
        let (connection, issuer) = (trust.connection().clone(), trust.entity_id().clone());
        let opens_cbc = trust.opens_cbc_in_messages();
        AuthenticMessage { content, kind, carriage, connection, issuer, context, opens_cbc, ledger }
    }

    /// The kind of the message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The connection whose key made the signature.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The evidence for the signature: its key and what it covers.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.content.evidence
    }

    /// Reads the message from the authentic bytes.
    ///
    /// # Errors
    /// A [`Refusal`] if anything in them does not follow the schema (`assertion.schema`), or if an encrypted
    /// identifier cannot be decrypted.
    pub fn read(self) -> Result<ReadMessage, Refusal> {
        let AuthenticMessage { content, kind, carriage, connection, issuer, context, opens_cbc, mut ledger } =
            self;
        let SignedMessage { document, evidence, response } = content;
        let provider = context.provider().clone();
        let (rule, clause) = ("message.structure", "saml-schema-protocol-2.0, saml-schema-assertion-2.0");
        let check = |outcome| Check::new(rule, clause, outcome).expected("a message as its schema says");
        let facts = check_message(document.root(), kind).and_then(|()| {
            let opener = Opener::new(context, [&document, &document]);
            let mut opener = opener.authenticated_only(!opens_cbc);
            // An enveloped signature covers the message's element, which is the root here. The signature of a query
            // or a form covers the whole document.
            MessageFacts::read(document.root(), kind, response, &mut opener)
        });
        let facts = facts.and_then(|facts| {
            let replay = ReplayKey::hash_of(&[issuer.as_str(), kind.name(), &facts.id], &provider)?;
            Ok((facts, replay))
        });
        match facts {
            Ok((facts, replay)) => {
                ledger.record(check(Outcome::Passed).actual("as expected"));
                Ok(ReadMessage { facts, carriage, connection, issuer, evidence, ledger, replay })
            }
            Err(error) => {
                ledger.record(check(Outcome::Failed).actual(error.to_string()));
                Err(Refusal::with_ledger(error, ledger).over(&connection))
            }
        }
    }
}

/// An authentic message that was not checked yet. None of its content can be read before
/// [`validate`](ReadMessage::validate) has checked it.
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::ReadMessage;
/// fn who(message: &ReadMessage) -> String {
///     message.name_id().value().to_owned() // error: no such method
/// }
/// ```
pub struct ReadMessage {
    pub(super) facts: MessageFacts,
    pub(super) carriage: Carriage,
    pub(super) connection: ConnectionId,
    pub(super) issuer: EntityId,
    pub(super) evidence: Evidence,
    pub(super) ledger: Ledger,
    pub(super) replay: String,
}

impl fmt::Debug for AuthenticMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticMessage")
            .field("kind", &self.kind)
            .field("issuer", &self.issuer)
            .field("evidence", &self.content.evidence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ReadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadMessage")
            .field("kind", &self.facts.kind)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
