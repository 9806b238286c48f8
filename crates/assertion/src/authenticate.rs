//! From a tree that nobody vouches for to octets that a trusted key signed.
//!
//! The whole of it happens on the one original tree, because a signature may depend on namespaces that are declared outside the signed
//! element, and decrypted text on prefixes bound around it: outermost signature, decryption, inner signature. Then the tree goes.

use std::borrow::Cow;

use vouchsafe_encryption::{cipher_of, decrypt};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::{Verified, signature_child, verify};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::authentic::{Authentic, Contents};
use crate::claimed::Claimed;
use crate::envelope::{ResponseFacts, claimed_issuer};
use crate::error::AssertionError;
use crate::ledger::{Check, Ledger, Outcome};
use crate::ledger_text::Text;
use crate::opening::Means;
use crate::reading::{elements_named, identifiers};
use crate::refusal::Refusal;
use crate::schema::check_response;
use crate::trust::{SignaturePolicy, Trust};

/// Decides what of a response is authentic, by the trust of one connection: its keys, its algorithms, its decryption keys.
///
/// * The root is a `samlp:Response` of SAML 2.0 with exactly one Assertion, plain or encrypted, among its children. An assertion anywhere
///   else is not looked at, and a signature anywhere else is neither believed nor followed.
/// * Every Signature that the Response and the Assertion carry must verify with a key of `trust`; at least one must be there.
/// * An encrypted Assertion is opened after the Response's signature has been verified. If the Response has none, a cipher that
///   authenticates nothing (AES-CBC) is refused before it is opened, unless this identity provider was configured otherwise.
/// * No identifier occurs twice, in the document and in what was decrypted.
///
/// The document is consumed: nothing that comes after can look at it.
///
/// ```compile_fail,E0382
/// # use vouchsafe_assertion::{Claimed, Trust, authenticate};
/// # fn example(claimed: Claimed, trust: Trust) {
/// let limits = vouchsafe_xml::Limits::default();
/// let _ = authenticate(claimed, &trust, &limits);
/// let _ = claimed.issuer(); // error: use of moved value
/// # }
/// ```
///
/// # Errors
/// A [`Refusal`] with the first thing that is wrong; `xml.*`, `signature.*` and `encryption.*` codes come through as they are.
pub fn authenticate<'k>(
    claimed: Claimed,
    trust: &'k Trust,
    limits: &'k Limits,
) -> Result<Authentic<'k>, Refusal> {
    let Claimed { document, facts, ledger, .. } = claimed;
    let means = Means { keys: trust.decryption_keys(), provider: trust.provider(), limits };
    let mut steps = Steps { trust, means, policy: trust.signature_policy(), ledger };
    let outcome = steps.run(&document, facts);
    drop(document);
    match outcome {
        Ok(contents) => Ok(Authentic::new(contents, trust, means, steps.ledger)),
        Err(error) => Err(Refusal::with_ledger(error, steps.ledger)),
    }
}

/// The only Assertion of a Response.
enum Candidate<'d> {
    Plain(Element<'d>),
    Encrypted(Element<'d>),
}

struct Steps<'s, 'k> {
    trust: &'s Trust,
    means: Means<'k>,
    policy: SignaturePolicy,
    ledger: Ledger,
}

impl Steps<'_, '_> {
    fn run(&mut self, document: &Document, claims: ResponseFacts) -> Result<Contents, AssertionError> {
        let root = document.root();
        self.claimed_issuer(root, &claims)?;
        let candidate = self.only_assertion(root, &claims)?;
        self.unique_ids(&[document])?;

        let response = self.signature(root, RESPONSE_SIGNATURE)?;
        if response.is_none() && self.policy.requires_signed_response() {
            return Err(self.unsigned("response.signature_required", AssertionError::ResponseUnsigned));
        }
        let response_is_signed = response.is_some();
        let contents = match candidate {
            Candidate::Plain(assertion) => self.plain(claims, response, assertion),
            Candidate::Encrypted(encrypted) => self.encrypted(document, claims, response, encrypted),
        }?;
        if !response_is_signed {
            self.structure_of_unsigned(root)?;
        }
        Ok(contents)
    }

    /// A Response that nobody signed is held against the schema here, where it still exists; what is signed, when its bytes are read.
    fn structure_of_unsigned(&mut self, root: Element<'_>) -> Result<(), AssertionError> {
        let expected = "a Response as its schema says";
        match check_response(root) {
            Ok(()) => {
                self.pass(STRUCTURE, SCHEMA, expected, "as expected");
                Ok(())
            }
            Err(error) => {
                let actual = error.to_string();
                Err(self.fail(STRUCTURE, SCHEMA, expected, actual, error))
            }
        }
    }

    fn plain(
        &mut self,
        claims: ResponseFacts,
        response: Option<Verified>,
        assertion: Element<'_>,
    ) -> Result<Contents, AssertionError> {
        let own = self.assertion_signature(assertion)?;
        match (response, own) {
            (Some(response), own) => Ok(Contents::signed_response(response, own)),
            (None, Some(own)) => Ok(Contents::signed_assertion(claims, own, false)),
            (None, None) => Err(self.unsigned(SIGNED, AssertionError::Unsigned)),
        }
    }

    fn encrypted(
        &mut self,
        document: &Document,
        claims: ResponseFacts,
        response: Option<Verified>,
        encrypted: Element<'_>,
    ) -> Result<Contents, AssertionError> {
        self.cipher(encrypted, response.is_some())?;
        let inner = self.decrypt(encrypted)?;
        self.unique_ids(&[document, &inner])?;
        let own = self.assertion_signature(inner.root())?;
        match (response, own) {
            (Some(response), Some(own)) => Ok(Contents::signed_assertion_in_signed_response(response, own)),
            (Some(response), None) => Contents::decrypted_in_signed_response(response, inner.root()),
            (None, Some(own)) => Ok(Contents::signed_assertion(claims, own, true)),
            (None, None) => Err(self.unsigned(SIGNED, AssertionError::Unsigned)),
        }
    }

    /// These keys are only good for the identity provider whose they are.
    fn claimed_issuer(&mut self, root: Element<'_>, claims: &ResponseFacts) -> Result<(), AssertionError> {
        let (rule, clause) = ("response.claimed_issuer", "saml-profiles-2.0-os 4.1.4.2");
        let expected = self.trust.entity_id();
        let own = claims.issuer.as_ref().map(|issuer| Cow::Borrowed(issuer.value.as_str()));
        let claimed = claimed_issuer(root, own);
        if claimed.as_deref() == Some(expected.as_str()) {
            let check = Check::new(rule, clause, Outcome::Passed).expected(expected).same();
            self.ledger.record(check);
            return Ok(());
        }
        match claimed.and_then(|claimed| EntityId::new(claimed).ok()) {
            None => {
                let check = Check::new(rule, clause, Outcome::Skipped).expected(expected).actual("none");
                self.ledger.record(check);
                Ok(())
            }
            Some(claimed) => {
                let error = AssertionError::Issuer {
                    element: "Response",
                    expected: expected.to_string(),
                    actual: Some(claimed.to_string()),
                };
                Err(self.fail(rule, clause, expected, &claimed, error))
            }
        }
    }

    /// Exactly one, and it is a child of the Response. When there is none, the status says why.
    fn only_assertion<'d>(
        &mut self,
        root: Element<'d>,
        claims: &ResponseFacts,
    ) -> Result<Candidate<'d>, AssertionError> {
        let (rule, clause) = ("response.assertion_count", "saml-core-2.0-os 3.3.3");
        let plain = elements_named(root, namespace::SAML_ASSERTION, "Assertion").map(Candidate::Plain);
        let encrypted =
            elements_named(root, namespace::SAML_ASSERTION, "EncryptedAssertion").map(Candidate::Encrypted);
        let mut candidates = plain.chain(encrypted);
        match (candidates.next(), candidates.count()) {
            (Some(candidate), 0) => {
                self.pass(rule, clause, "1", "1");
                Ok(candidate)
            }
            (None, _) => {
                let error = claims.status.refusal().unwrap_or(AssertionError::AssertionCount { count: 0 });
                Err(self.fail(rule, clause, "1", "0", error))
            }
            (Some(_), more) => {
                let count = more.saturating_add(1);
                let error = AssertionError::AssertionCount { count };
                Err(self.fail(rule, clause, "1", count.to_string(), error))
            }
        }
    }

    /// An identifier that stands for two elements lets one be verified and the other be read.
    fn unique_ids(&mut self, documents: &[&Document]) -> Result<(), AssertionError> {
        let (rule, clause) = ("response.unique_ids", "saml-core-2.0-os 1.3.4");
        let mut found = Vec::with_capacity(16);
        for document in documents {
            found.extend(document.elements().flat_map(identifiers));
        }
        found.sort_unstable();
        match found.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            Some(&id) => {
                let error = AssertionError::DuplicateId { id: id.to_owned() };
                Err(self.fail(rule, clause, "every identifier once", id.to_owned(), error))
            }
            None => {
                self.pass(rule, clause, "every identifier once", Text::Count(found.len(), "identifiers"));
                Ok(())
            }
        }
    }

    /// No signature is no error here; a signature that does not verify always is.
    fn signature(
        &mut self,
        element: Element<'_>,
        rule: &'static str,
    ) -> Result<Option<Verified>, AssertionError> {
        let clause = "saml-core-2.0-os 5.4";
        let expected = "a signature by a trusted key";
        let verified = match signature_child(element) {
            Ok(None) => {
                self.ledger
                    .record(Check::new(rule, clause, Outcome::Skipped).expected(expected).actual("none"));
                return Ok(None);
            }
            Ok(Some(_)) => verify(element, self.trust.keys(), self.means.provider, self.means.limits),
            Err(error) => Err(error),
        };
        match verified {
            Ok(verified) => {
                let evidence = verified.evidence();
                let actual = [evidence.algorithm().uri(), " by ", evidence.key_label()].concat();
                self.pass(rule, clause, expected, actual);
                Ok(Some(verified))
            }
            Err(error) => {
                let actual = error.to_string();
                Err(self.fail(rule, clause, expected, actual, error.into()))
            }
        }
    }

    fn assertion_signature(&mut self, assertion: Element<'_>) -> Result<Option<Verified>, AssertionError> {
        let own = self.signature(assertion, ASSERTION_SIGNATURE)?;
        if own.is_none() && self.policy.requires_signed_assertion() {
            return Err(self.unsigned("assertion.signature_required", AssertionError::AssertionUnsigned));
        }
        Ok(own)
    }

    /// Ciphertext that nothing authenticates can be altered bit by bit, and what decryption does with it watched.
    fn cipher(&mut self, encrypted: Element<'_>, response_is_signed: bool) -> Result<(), AssertionError> {
        let (rule, clause) = ("assertion.cipher", "xmlenc-core1 6.1");
        let expected = "an authenticated cipher, or a signed response";
        let cipher = match cipher_of(encrypted) {
            Ok(cipher) => cipher,
            Err(error) => {
                let actual = error.to_string();
                return Err(self.fail(rule, clause, expected, actual, error.into()));
            }
        };
        if cipher.is_authenticated() || response_is_signed || self.trust.accepts_unauthenticated_cbc() {
            self.pass(rule, clause, expected, cipher.uri());
            return Ok(());
        }
        let error = AssertionError::UnauthenticatedCbc { cipher: cipher.uri() };
        Err(self.fail(rule, clause, expected, cipher.uri(), error))
    }

    /// The octets inside, parsed with the namespaces that are in scope where they stood.
    fn decrypt(&mut self, encrypted: Element<'_>) -> Result<Document, AssertionError> {
        let (rule, clause) = ("assertion.decryption", "saml-core-2.0-os 6");
        let expected = "a saml:Assertion";
        let Means { keys, provider, limits } = self.means;
        let inner = decrypt(encrypted, keys, provider, limits)
            .map_err(AssertionError::from)
            .and_then(|opened| Ok(Document::parse_in_scope(opened.octets(), &encrypted.scope(), limits)?));
        match inner {
            Ok(inner) if inner.root().is(namespace::SAML_ASSERTION, "Assertion") => {
                self.pass(rule, clause, expected, expected);
                Ok(inner)
            }
            Ok(inner) => {
                let name = inner.root().local_name().to_owned();
                let error = AssertionError::NotAnAssertion { name: name.clone() };
                Err(self.fail(rule, clause, expected, name, error))
            }
            Err(error) => {
                let actual = error.to_string();
                Err(self.fail(rule, clause, expected, actual, error))
            }
        }
    }

    /// A signature that must be there is not.
    fn unsigned(&mut self, rule: &'static str, error: AssertionError) -> AssertionError {
        self.fail(rule, "saml-profiles-2.0-os 4.1.4.5", "a signature", "none", error)
    }

    fn pass(
        &mut self,
        rule: &'static str,
        clause: &'static str,
        expected: impl Into<Text>,
        actual: impl Into<Text>,
    ) {
        self.ledger.record(Check::new(rule, clause, Outcome::Passed).expected(expected).actual(actual));
    }

    fn fail(
        &mut self,
        rule: &'static str,
        clause: &'static str,
        expected: impl Into<Text>,
        actual: impl Into<Text>,
        error: AssertionError,
    ) -> AssertionError {
        self.ledger.record(Check::new(rule, clause, Outcome::Failed).expected(expected).actual(actual));
        error
    }
}

const RESPONSE_SIGNATURE: &str = "response.signature";
/// Something vouches for the assertion.
const SIGNED: &str = "response.or_assertion_signed";
const ASSERTION_SIGNATURE: &str = "assertion.signature";
const STRUCTURE: &str = "response.structure";
const SCHEMA: &str = "saml-schema-protocol-2.0";
