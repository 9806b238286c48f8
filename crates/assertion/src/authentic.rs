//! The content that a trusted key signed: first as bytes, then as an assertion.

use std::fmt;
use std::sync::Arc;

use vouchsafe_crypto::Provider;
use vouchsafe_encryption::{DecryptionContext, EncryptionError, Opened};
use vouchsafe_metadata::{EntityId, Scope};
use vouchsafe_signature::{Evidence, Verified, VerifiedForm};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::connection_id::ConnectionId;
use crate::envelope::ResponseFacts;
use crate::error::AssertionError;
use crate::facts::AssertionFacts;
use crate::ledger::{Check, Ledger, Outcome};
use crate::opening::Opener;
use crate::reading::elements_named;
use crate::refusal::Refusal;
use crate::replay::ReplayKey;
use crate::schema::{check_assertion, check_response};
use crate::trust::Trust;

/// Bytes that were digested under a trusted key's signature, with the evidence. The document that they came from no
/// longer exists.
///
/// Only [`authenticate`](crate::authenticate) makes one, and only from a [`Verified`]: there is no other way to an
/// assertion.
///
/// ```compile_fail,E0277
/// # use vouchsafe_assertion::Authentic;
/// fn trust_me(document: vouchsafe_xml::Document) -> Authentic<'static> {
///     document.into() // error: an assertion cannot be had from a document
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::AuthenticAssertion;
/// fn trust_me(document: &vouchsafe_xml::Document) -> AuthenticAssertion {
///     AuthenticAssertion::read(document.root()) // error: no such function
/// }
/// ```
///
/// Reading consumes the value:
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::Authentic;
/// fn twice(authentic: Authentic<'_>) {
///     let first = authentic.read();
///     let second = authentic.read(); // error: use of moved value
/// }
/// ```
pub struct Authentic<'k> {
    content: SignedContent,
    connection: ConnectionId,
    issuer: EntityId,
    scopes: Arc<[Scope]>,
    tolerates_confirmation_not_before: bool,
    context: DecryptionContext<'k>,
    ledger: Ledger,
}

/// The bytes of a Response that a signature covers, with the evidence. The signature is that of the Response, or that
/// of the form that carried it (HTTP-POST-SimpleSign), which covers the whole message. Every constructor needs the
/// proof.
pub(crate) struct SignedBytes {
    bytes: Vec<u8>,
    evidence: Vec<Evidence>,
}

impl SignedBytes {
    /// Takes the bytes that an enveloped signature covers.
    pub(crate) fn of_element(verified: Verified) -> SignedBytes {
        let (bytes, evidence) = verified.into_parts();
        SignedBytes { bytes, evidence: vec![evidence] }
    }

    /// Takes the bytes that the signature of a form covers. If the message had a signature of its own, it was
    /// verified too.
    pub(crate) fn of_form(verified: &VerifiedForm, own: Option<Verified>) -> SignedBytes {
        let own = own.map(|own| own.into_parts().1);
        let evidence = std::iter::once(verified.evidence().clone()).chain(own).collect();
        SignedBytes { bytes: verified.message().to_vec(), evidence }
    }
}

/// The bytes that a signature covers, parsed, with the evidence. It cannot be made of other bytes.
pub(crate) struct SignedDocument {
    document: Document,
    evidence: Vec<Evidence>,
}

impl SignedDocument {
    pub(crate) fn read(signed: SignedBytes, limits: &Limits) -> Result<SignedDocument, AssertionError> {
        let SignedBytes { bytes, evidence } = signed;
        Ok(SignedDocument { document: parse(&bytes, limits)?, evidence })
    }

    /// Returns the encrypted Assertion of a signed Response. The earlier count was made on the unsigned tree, so it
    /// is repeated here.
    pub(crate) fn encrypted_assertion(&self) -> Result<Element<'_>, AssertionError> {
        let root = self.document.root();
        let plain = elements_named(root, namespace::SAML_ASSERTION, "Assertion").count();
        let mut encrypted = elements_named(root, namespace::SAML_ASSERTION, "EncryptedAssertion");
        match (encrypted.next(), encrypted.count().saturating_add(plain)) {
            (Some(only), 0) => Ok(only),
            (first, more) => {
                let count = usize::from(first.is_some()).saturating_add(more);
                Err(AssertionError::AssertionCount { count })
            }
        }
    }

    /// Parses decrypted text with the namespaces of the signed Response, and no others.
    pub(crate) fn decrypted(
        &self,
        opened: &Opened,
        limits: &Limits,
    ) -> Result<DecryptedDocument, AssertionError> {
        let scope = self.encrypted_assertion()?.scope();
        let document = Document::parse_in_scope(opened.bytes(), &scope, limits)?;
        Ok(DecryptedDocument { document, is_authenticated: opened.is_authenticated() })
    }
}

/// Decrypted text, parsed, that a signed Response covers. Only a [`SignedDocument`] makes one.
pub(crate) struct DecryptedDocument {
    document: Document,
    /// Whether the cipher detects changes. Otherwise the text may come from somebody else, and may have been changed
    /// bit by bit.
    is_authenticated: bool,
}

impl DecryptedDocument {
    pub(crate) fn document(&self) -> &Document {
        &self.document
    }
}

/// Parses bytes that this crate made of a document within the limits. Canonical bytes may be longer than that
/// document, so their size is not limited again; all other limits apply. They must not grow a second time: the XML of
/// attribute values that is made of them may be at most as long as these bytes, plus the constant of the limits.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Document, AssertionError> {
    let factor = limits.canonical_bytes_factor.min(1);
    let limits = limits.clone().with_input_bytes(limits.input_bytes.max(bytes.len()));
    let limits = limits.with_canonical_bytes_factor(factor);
    Ok(Document::parse(bytes, &limits)?)
}

/// The content to read, by what was signed. Every constructor needs the proof.
pub(crate) struct SignedContent {
    layers: Layers,
    evidence: Vec<Evidence>,
}

enum Layers {
    /// The Response is signed and contains the plain Assertion.
    Response(Vec<u8>),
    /// Only the Assertion is signed. The Response around it can only cause a refusal.
    Assertion { response: Box<ResponseFacts>, assertion: Vec<u8>, encrypted: bool },
    /// The Response is signed and its Assertion was encrypted.
    ResponseAndAssertion {
        response: Box<Document>,
        assertion: Box<Document>,
        /// Whether the Assertion has a signature of its own, or came unchanged out of its cipher and names this
        /// identity provider.
        is_vouched_for: bool,
    },
}

impl SignedContent {
    /// The Response's bytes cover the Assertion. If the Assertion has a signature of its own, it was verified too.
    pub(crate) fn signed_response(response: SignedBytes, own: Option<Verified>) -> SignedContent {
        let SignedBytes { bytes, mut evidence } = response;
        evidence.extend(own.map(|own| own.into_parts().1));
        SignedContent { layers: Layers::Response(bytes), evidence }
    }

    /// The bytes of a signed Assertion, in a Response that is not signed.
    pub(crate) fn signed_assertion(response: ResponseFacts, own: Verified, encrypted: bool) -> SignedContent {
        let (assertion, evidence) = own.into_parts();
        SignedContent {
            layers: Layers::Assertion { response: Box::new(response), assertion, encrypted },
            evidence: vec![evidence],
        }
    }

    /// The Response, which covers the ciphertext, and the bytes that the decrypted Assertion's own signature covers.
    pub(crate) fn signed_assertion_in_signed_response(
        response: SignedDocument,
        own: SignedDocument,
    ) -> SignedContent {
        SignedContent {
            layers: Layers::ResponseAndAssertion {
                response: Box::new(response.document),
                assertion: Box::new(own.document),
                is_vouched_for: true,
            },
            evidence: [response.evidence, own.evidence].concat(),
        }
    }

    /// The Response, which covers the ciphertext, and the decrypted Assertion, which has no signature and was parsed
    /// with the namespaces of the Response.
    pub(crate) fn decrypted_in_signed_response(
        response: SignedDocument,
        assertion: DecryptedDocument,
    ) -> SignedContent {
        SignedContent {
            layers: Layers::ResponseAndAssertion {
                response: Box::new(response.document),
                is_vouched_for: assertion.is_authenticated,
                assertion: Box::new(assertion.document),
            },
            evidence: response.evidence,
        }
    }
}

impl<'k> Authentic<'k> {
    pub(crate) fn new(
        content: SignedContent,
        trust: &Trust,
        context: DecryptionContext<'k>,
        ledger: Ledger,
    ) -> Authentic<'k> {
        let (connection, issuer) = (trust.connection().clone(), trust.entity_id().clone());
        Authentic {
            content,
            connection,
            issuer,
            scopes: trust.shared_scopes(),
            tolerates_confirmation_not_before: trust.tolerates_confirmation_not_before(),
            context,
            ledger,
        }
    }

    /// The connection whose key made the signature.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The evidence for each signature: its key and what it covers, outermost first.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        &self.content.evidence
    }

    /// Reads the assertion from the authentic bytes. Nothing else is parsed.
    ///
    /// # Errors
    /// A [`Refusal`] if the bytes do not contain exactly one assertion, if anything in them does not follow the
    /// schema (`assertion.schema`), or if an encrypted identifier in them cannot be decrypted.
    pub fn read(self) -> Result<AuthenticAssertion, Refusal> {
        let Authentic {
            content,
            connection,
            issuer,
            scopes,
            tolerates_confirmation_not_before,
            context,
            mut ledger,
        } = self;
        let provider = context.provider();
        let (rule, clause) = ("assertion.structure", "saml-schema-protocol-2.0, saml-schema-assertion-2.0");
        let expected = "one assertion, and everything as its schema says";
        match SignedFacts::read(content.layers, context).and_then(|facts| {
            Ok((ReplayKey::hash_of(&[issuer.as_str(), &facts.assertion.id], provider)?, facts))
        }) {
            Ok((replay, facts)) => {
                ledger.record(
                    Check::new(rule, clause, Outcome::Passed).expected(expected).actual("as expected"),
                );
                Ok(AuthenticAssertion {
                    provider: provider.clone(),
                    facts,
                    connection,
                    issuer,
                    scopes,
                    tolerates_confirmation_not_before,
                    evidence: content.evidence,
                    ledger,
                    replay,
                })
            }
            Err(error) => {
                let check =
                    Check::new(rule, clause, Outcome::Failed).expected(expected).actual(error.to_string());
                ledger.record(check);
                Err(Refusal::with_ledger(error, ledger).over(&connection))
            }
        }
    }
}

/// The facts that the rules examine, and which of them are signed.
pub(crate) struct SignedFacts {
    pub(crate) response: ResponseFacts,
    pub(crate) response_is_signed: bool,
    pub(crate) was_encrypted: bool,
    pub(crate) assertion: AssertionFacts,
}

impl SignedFacts {
    fn read(layers: Layers, context: DecryptionContext<'_>) -> Result<SignedFacts, AssertionError> {
        match layers {
            Layers::Response(bytes) => {
                let document = parse(&bytes, context.limits())?;
                drop(bytes);
                check_response(document.root())?;
                let response = ResponseFacts::read(document.root())?;
                let mut opener = Opener::new(context, [&document, &document]);
                let assertion = AssertionFacts::read(only_assertion(document.root())?, &mut opener)?;
                Ok(SignedFacts { response, response_is_signed: true, was_encrypted: false, assertion })
            }
            Layers::Assertion { response, assertion, encrypted } => {
                let document = parse(&assertion, context.limits())?;
                drop(assertion);
                let mut opener = Opener::new(context, [&document, &document]);
                let assertion = read_root(&document, &mut opener)?;
                Ok(SignedFacts {
                    response: *response,
                    response_is_signed: false,
                    was_encrypted: encrypted,
                    assertion,
                })
            }
            Layers::ResponseAndAssertion { response, assertion, is_vouched_for } => {
                check_response(response.root())?;
                // If nothing proves the origin of decrypted text, no details of it are told.
                check_assertion(assertion.root()).map_err(|error| match is_vouched_for {
                    true => error,
                    false => EncryptionError::Failed.into(),
                })?;
                let mut opener = Opener::new(context, [&response, &assertion]);
                let facts = AssertionFacts::read(assertion.root(), &mut opener)?;
                let response = ResponseFacts::read(response.root())?;
                Ok(SignedFacts { response, response_is_signed: true, was_encrypted: true, assertion: facts })
            }
        }
    }
}

fn read_root(document: &Document, opener: &mut Opener<'_, '_>) -> Result<AssertionFacts, AssertionError> {
    let root = document.root();
    if !root.is(namespace::SAML_ASSERTION, "Assertion") {
        return Err(AssertionError::AssertionCount { count: 0 });
    }
    check_assertion(root)?;
    AssertionFacts::read(root, opener)
}

/// Counts again in the authentic bytes: the earlier count was made on the unverified document.
fn only_assertion(root: Element<'_>) -> Result<Element<'_>, AssertionError> {
    let mut found = elements_named(root, namespace::SAML_ASSERTION, "Assertion");
    match (found.next(), found.count()) {
        (Some(assertion), 0) => Ok(assertion),
        (None, _) => Err(AssertionError::AssertionCount { count: 0 }),
        (Some(_), more) => Err(AssertionError::AssertionCount { count: more.saturating_add(1) }),
    }
}

/// An authentic assertion that was not checked yet. None of its content can be read before
/// [`validate`](AuthenticAssertion::validate) has checked it.
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::AuthenticAssertion;
/// fn who(assertion: &AuthenticAssertion) -> String {
///     assertion.name_id().value().to_owned() // error: no such method
/// }
/// ```
pub struct AuthenticAssertion {
    pub(crate) provider: Provider,
    pub(crate) facts: SignedFacts,
    pub(crate) connection: ConnectionId,
    pub(crate) issuer: EntityId,
    pub(crate) scopes: Arc<[Scope]>,
    pub(crate) tolerates_confirmation_not_before: bool,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) ledger: Ledger,
    pub(crate) replay: String,
}

impl fmt::Debug for Authentic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentic")
            .field("issuer", &self.issuer)
            .field("evidence", &self.content.evidence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthenticAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticAssertion")
            .field("issuer", &self.issuer)
            .field("evidence", &self.evidence)
            .finish_non_exhaustive()
    }
}
