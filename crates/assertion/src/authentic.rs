//! What a trusted key signed: first as octets, then read.

use std::fmt;
use std::sync::Arc;

use vouchsafe_crypto::DigestAlgorithm;
use vouchsafe_metadata::{EntityId, Scope};
use vouchsafe_signature::{Evidence, Verified};
use vouchsafe_xml::{Canonicalization, Document, Element, canonicalize, namespace};

use crate::connection_id::ConnectionId;
use crate::envelope::ResponseFacts;
use crate::error::AssertionError;
use crate::facts::AssertionFacts;
use crate::ledger::{Check, Ledger, Outcome};
use crate::opening::{Means, Opener};
use crate::reading::elements_named;
use crate::refusal::Refusal;
use crate::schema::{check_assertion, check_response};
use crate::trust::Trust;

/// Octets that were digested under a trusted key's signature, and the evidence. The document they came from is gone.
///
/// Only [`authenticate`](crate::authenticate) makes one, and inside it only a [`Verified`] does: there is no other way to an assertion.
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
/// Reading consumes it:
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::Authentic;
/// fn twice(authentic: Authentic<'_>) {
///     let first = authentic.read();
///     let second = authentic.read(); // error: use of moved value
/// }
/// ```
pub struct Authentic<'k> {
    contents: Contents,
    connection: ConnectionId,
    issuer: EntityId,
    scopes: Arc<[Scope]>,
    tolerates_confirmation_not_before: bool,
    means: Means<'k>,
    ledger: Ledger,
}

/// The octets, by what was signed. Every constructor takes the proof.
pub(crate) struct Contents {
    octets: Octets,
    evidence: Vec<Evidence>,
}

enum Octets {
    /// The Response is signed and holds the Assertion in clear.
    Response(Vec<u8>),
    /// Only the Assertion is signed; what the Response says can cause a refusal and nothing else.
    Assertion { response: Box<ResponseFacts>, assertion: Vec<u8>, encrypted: bool },
    /// The Response is signed and its Assertion was encrypted.
    ResponseAndAssertion { response: Vec<u8>, assertion: Vec<u8> },
}

impl Contents {
    /// The Response's octets cover the Assertion; a signature of its own was verified too.
    pub(crate) fn signed_response(response: Verified, own: Option<Verified>) -> Contents {
        let (octets, evidence) = response.into_parts();
        let evidence = std::iter::once(evidence).chain(own.map(|own| own.into_parts().1)).collect();
        Contents { octets: Octets::Response(octets), evidence }
    }

    /// The Assertion's own octets, in a Response that nobody signed.
    pub(crate) fn signed_assertion(response: ResponseFacts, own: Verified, encrypted: bool) -> Contents {
        let (assertion, evidence) = own.into_parts();
        Contents {
            octets: Octets::Assertion { response: Box::new(response), assertion, encrypted },
            evidence: vec![evidence],
        }
    }

    /// The Response's octets, which cover the ciphertext, and those that the decrypted Assertion's own signature covers.
    pub(crate) fn signed_assertion_in_signed_response(response: Verified, own: Verified) -> Contents {
        let (response, outer) = response.into_parts();
        let (assertion, inner) = own.into_parts();
        Contents {
            octets: Octets::ResponseAndAssertion { response, assertion },
            evidence: vec![outer, inner],
        }
    }

    /// The Response's octets, which cover the ciphertext, and what was inside it, unsigned itself.
    pub(crate) fn decrypted_in_signed_response(
        response: Verified,
        decrypted: Element<'_>,
    ) -> Result<Contents, AssertionError> {
        let (response, evidence) = response.into_parts();
        let mut assertion = Vec::new();
        canonicalize(decrypted, Canonicalization::EXCLUSIVE, &[], None, &mut assertion)?;
        Ok(Contents {
            octets: Octets::ResponseAndAssertion { response, assertion },
            evidence: vec![evidence],
        })
    }
}

impl<'k> Authentic<'k> {
    pub(crate) fn new(contents: Contents, trust: &Trust, means: Means<'k>, ledger: Ledger) -> Authentic<'k> {
        let (connection, issuer) = (trust.connection().clone(), trust.entity_id().clone());
        Authentic {
            contents,
            connection,
            issuer,
            scopes: trust.shared_scopes(),
            tolerates_confirmation_not_before: trust.tolerates_confirmation_not_before(),
            means,
            ledger,
        }
    }

    /// The connection whose key signed.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Which key signed what, outermost first.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        &self.contents.evidence
    }

    /// Reads the assertion out of the authentic octets, by parsing those and nothing else.
    ///
    /// # Errors
    /// A [`Refusal`] if the octets do not hold exactly one assertion, if anything in them is not as the schema says
    /// (`assertion.schema`), or if an encrypted identifier in it cannot be opened.
    pub fn read(self) -> Result<AuthenticAssertion, Refusal> {
        let Authentic {
            contents,
            connection,
            issuer,
            scopes,
            tolerates_confirmation_not_before,
            means,
            mut ledger,
        } = self;
        let (rule, clause) = ("assertion.structure", "saml-schema-protocol-2.0, saml-schema-assertion-2.0");
        let expected = "one assertion, and everything as its schema says";
        match Parts::read(contents.octets, means)
            .and_then(|parts| Ok((replay_hash(&issuer, &parts.assertion.id, means)?, parts)))
        {
            Ok((replay, parts)) => {
                ledger.record(
                    Check::new(rule, clause, Outcome::Passed).expected(expected).actual("as expected"),
                );
                Ok(AuthenticAssertion {
                    parts,
                    connection,
                    issuer,
                    scopes,
                    tolerates_confirmation_not_before,
                    evidence: contents.evidence,
                    ledger,
                    replay,
                })
            }
            Err(error) => {
                let check =
                    Check::new(rule, clause, Outcome::Failed).expected(expected).actual(error.to_string());
                ledger.record(check);
                Err(Refusal::with_ledger(error, ledger))
            }
        }
    }
}

/// What rules look at, and how far it is signed.
pub(crate) struct Parts {
    pub(crate) response: ResponseFacts,
    pub(crate) response_is_signed: bool,
    pub(crate) was_encrypted: bool,
    pub(crate) assertion: AssertionFacts,
}

impl Parts {
    fn read(octets: Octets, means: Means<'_>) -> Result<Parts, AssertionError> {
        match octets {
            Octets::Response(octets) => {
                let document = means.parse(&octets)?;
                check_response(document.root())?;
                let response = ResponseFacts::read(document.root())?;
                let mut opener = Opener::new(means, &document);
                let assertion = AssertionFacts::read(only_assertion(document.root())?, &mut opener)?;
                Ok(Parts { response, response_is_signed: true, was_encrypted: false, assertion })
            }
            Octets::Assertion { response, assertion, encrypted } => {
                let assertion = read_root(&means.parse(&assertion)?, means)?;
                Ok(Parts {
                    response: *response,
                    response_is_signed: false,
                    was_encrypted: encrypted,
                    assertion,
                })
            }
            Octets::ResponseAndAssertion { response, assertion } => {
                let document = means.parse(&response)?;
                check_response(document.root())?;
                let response = ResponseFacts::read(document.root())?;
                let assertion = read_root(&means.parse(&assertion)?, means)?;
                Ok(Parts { response, response_is_signed: true, was_encrypted: true, assertion })
            }
        }
    }
}

fn read_root(document: &Document, means: Means<'_>) -> Result<AssertionFacts, AssertionError> {
    let root = document.root();
    if !root.is(namespace::SAML_ASSERTION, "Assertion") {
        return Err(AssertionError::NotAnAssertion { name: root.local_name().to_owned() });
    }
    check_assertion(root)?;
    AssertionFacts::read(root, &mut Opener::new(means, document))
}

/// Asked again of the authentic octets: what was counted before was the document.
fn only_assertion(root: Element<'_>) -> Result<Element<'_>, AssertionError> {
    let mut found = elements_named(root, namespace::SAML_ASSERTION, "Assertion");
    match (found.next(), found.count()) {
        (Some(assertion), 0) => Ok(assertion),
        (None, _) => Err(AssertionError::AssertionCount { count: 0 }),
        (Some(_), more) => Err(AssertionError::AssertionCount { count: more.saturating_add(1) }),
    }
}

/// SHA-256 over the issuer and the assertion's ID, in hexadecimal. Neither can hold the zero octet between them, so no two pairs are
/// written alike.
fn replay_hash(issuer: &EntityId, id: &str, means: Means<'_>) -> Result<String, AssertionError> {
    let text = [issuer.as_str(), "\0", id].concat();
    let digest = means.provider.digest(DigestAlgorithm::Sha256, text.as_bytes())?;
    let mut hash = String::with_capacity(64);
    for octet in digest.as_ref() {
        hash.extend(
            [octet >> 4, octet & 0xF].map(|digit| char::from_digit(digit.into(), 16)).into_iter().flatten(),
        );
    }
    Ok(hash)
}

/// An authentic assertion that nobody has held against anything yet. It gives nothing away: [`validate`](AuthenticAssertion::validate)
/// it.
///
/// ```compile_fail,E0599
/// # use vouchsafe_assertion::AuthenticAssertion;
/// fn who(assertion: &AuthenticAssertion) -> String {
///     assertion.name_id().value().to_owned() // error: no such method
/// }
/// ```
pub struct AuthenticAssertion {
    pub(crate) parts: Parts,
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
            .field("evidence", &self.contents.evidence)
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
