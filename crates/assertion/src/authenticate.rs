//! Verifies the signatures of a parsed response, and returns the bytes that a trusted key signed.
//!
//! All steps work on the one original tree: the outermost signature, decryption, and the inner signature. A signature
//! may depend on namespaces that are declared outside the signed element, and decrypted text may depend on prefixes
//! that are bound around it. Afterwards the tree is dropped.

use std::borrow::Cow;

use vouchsafe_encryption::DecryptionContext;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::{SignatureError, Verified, VerifiedForm, signature_child, verify, verify_form};
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::authentic::{Authentic, SignedBytes, SignedContent};
use crate::claimed::Claimed;
use crate::envelope::{ResponseFacts, claimed_issuer};
use crate::error::AssertionError;
use crate::ledger::{Check, Ledger, Outcome};
use crate::ledger_text::Text;
use crate::reading::{elements_named, identifiers};
use crate::refusal::Refusal;
use crate::schema::check_response;
use crate::trust::{SignaturePolicy, Trust};

/// Decides which part of a response is authentic, by the trust in one connection: its keys, its algorithms, its
/// decryption keys.
///
/// * The root is a `samlp:Response` of SAML 2.0 with exactly one Assertion, plain or encrypted, among its children.
///   Assertions and signatures anywhere else are ignored.
/// * Every Signature of the Response and of the Assertion must be verified by a key of `trust`, and so must that of a
///   signed form (HTTP-POST-SimpleSign), which covers the Response. At least one must be present.
/// * An encrypted Assertion is decrypted after the Response's signature has been verified. If the Response is not
///   signed, a cipher without authentication (AES-CBC) is refused before decryption, unless this is configured for
///   the identity provider.
/// * Only the decryption keys of `trust` are used.
/// * Decrypted text without a signature of its own is read with the namespaces of the signed bytes around it, and must name this
///   identity provider as its Issuer.
/// * All private-key operations for the message share one budget, and so do all public-key operations.
/// * No identifier occurs twice in the document and the decrypted text together.
///
/// The document is consumed, so later steps cannot read it.
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
/// A [`Refusal`] with the first error. Codes of `xml.*`, `signature.*` and `encryption.*` are passed on unchanged.
pub fn authenticate<'k>(
    claimed: Claimed,
    trust: &'k Trust,
    limits: &'k Limits,
) -> Result<Authentic<'k>, Refusal> {
    let Claimed { document, facts, ledger, form, .. } = claimed;
    let mut steps = Steps::new(trust, limits, ledger);
    let outcome = steps.run(&document, form.as_deref(), facts);
    drop(document);
    match outcome {
        Ok(content) => Ok(Authentic::new(content, trust, steps.context, steps.ledger)),
        Err(error) => Err(steps.refused(error)),
    }
}

/// The only Assertion of a Response.
enum Candidate<'d> {
    Plain(Element<'d>),
    Encrypted(Element<'d>),
}

pub(crate) struct Steps<'s, 'k> {
    pub(crate) trust: &'s Trust,
    pub(crate) context: DecryptionContext<'k>,
    /// The number of public-key operations that this message may still cause.
    verifications_left: usize,
    policy: SignaturePolicy,
    /// Whether a key of the trust signed a SignedInfo of the message, even if the message is refused for another
    /// reason.
    pub(crate) is_signed_by_trusted_key: bool,
    pub(crate) ledger: Ledger,
}

impl<'s, 'k> Steps<'s, 'k> {
    pub(crate) fn new(trust: &'k Trust, limits: &'k Limits, ledger: Ledger) -> Steps<'s, 'k>
    where
        'k: 's,
    {
        Steps {
            trust,
            context: DecryptionContext::new(trust.decryption_keys(), trust.provider(), limits),
            verifications_left: limits.public_key_operations,
            policy: trust.signature_policy(),
            is_signed_by_trusted_key: false,
            ledger,
        }
    }

    /// Makes the refusal of a message. If one of the connection's keys signed the message, the refusal names the
    /// connection.
    pub(crate) fn refused(self, error: AssertionError) -> Refusal {
        let refusal = Refusal::with_ledger(error, self.ledger);
        if self.is_signed_by_trusted_key { refusal.over(self.trust.connection()) } else { refusal }
    }
}

impl Steps<'_, '_> {
    fn run(
        &mut self,
        document: &Document,
        form: Option<&[(String, String)]>,
        claims: ResponseFacts,
    ) -> Result<SignedContent, AssertionError> {
        let root = document.root();
        self.success(&claims)?;
        self.claimed_issuer(root, &claims)?;
        let candidate = self.only_assertion(root, &claims)?;
        self.unique_ids(UNIQUE_IDS, &[document])?;

        let by_form = form.map(|fields| self.form_signature(fields)).transpose()?;
        let response = match (by_form, self.signature(root, RESPONSE_SIGNATURE)?) {
            (Some(form), own) => Some(SignedBytes::of_form(&form, own)),
            (None, own) => own.map(SignedBytes::of_element),
        };
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

    /// Refuses a response whose status is not Success. That is the reason, whatever else is wrong.
    fn success(&mut self, claims: &ResponseFacts) -> Result<(), AssertionError> {
        let Some(error) = claims.status.refusal() else { return Ok(()) };
        self.ledger.record(claims.status.failed_check());
        Err(error)
    }

    /// Checks an unsigned Response against the schema here, while its tree still exists. Signed bytes are checked
    /// when they are read.
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
        response: Option<SignedBytes>,
        assertion: Element<'_>,
    ) -> Result<SignedContent, AssertionError> {
        let own = self.assertion_signature(assertion)?;
        match (response, own) {
            (Some(response), own) => Ok(SignedContent::signed_response(response, own)),
            (None, Some(own)) => Ok(SignedContent::signed_assertion(claims, own, false)),
            (None, None) => Err(self.unsigned(SIGNED, AssertionError::Unsigned)),
        }
    }

    /// Requires that the claimed issuer is the identity provider whose keys are used.
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

    /// Requires exactly one assertion, which is a child of the Response. If there is none, the status tells the
    /// reason.
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

    /// Refuses identifiers that occur twice: one element could be verified and another one with the same identifier
    /// be read.
    pub(crate) fn unique_ids(
        &mut self,
        rule: &'static str,
        documents: &[&Document],
    ) -> Result<(), AssertionError> {
        let clause = "saml-core-2.0-os 1.3.4";
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

    /// Verifies the signature of an element. A missing signature is not an error here; an invalid one always is.
    pub(crate) fn signature(
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
            Ok(Some(_)) => {
                let limits =
                    self.context.limits().clone().with_public_key_operations(self.verifications_left);
                verify(element, self.trust.keys(), self.context.provider(), &limits)
            }
            Err(error) => Err(error),
        };
        // The digest is compared only after the signature over SignedInfo was verified.
        self.is_signed_by_trusted_key |=
            matches!(&verified, Ok(_) | Err(SignatureError::DigestMismatch { .. }));
        match verified {
            Ok(verified) => {
                self.verifications_left = self.verifications_left.saturating_sub(verified.operations());
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

    /// Verifies the signature over the fields of the form. It covers the whole message, so it is verified before
    /// every other.
    fn form_signature(&mut self, fields: &[(String, String)]) -> Result<VerifiedForm, AssertionError> {
        let clause = "saml-binding-simplesign 3.2.4";
        let expected = "fields that a trusted key signed";
        let keys = self.trust.keys();
        match verify_form(fields, keys, self.context.provider()) {
            Ok(verified) => {
                // Each key may have been tried.
                self.verifications_left = self.verifications_left.saturating_sub(keys.len());
                self.is_signed_by_trusted_key = true;
                let evidence = verified.evidence();
                let actual = [evidence.algorithm().uri(), " by ", evidence.key_label()].concat();
                self.pass(FORM_SIGNATURE, clause, expected, actual);
                Ok(verified)
            }
            Err(error) => {
                let actual = error.to_string();
                Err(self.fail(FORM_SIGNATURE, clause, expected, actual, error.into()))
            }
        }
    }

    pub(crate) fn assertion_signature(
        &mut self,
        assertion: Element<'_>,
    ) -> Result<Option<Verified>, AssertionError> {
        let own = self.signature(assertion, ASSERTION_SIGNATURE)?;
        if own.is_none() && self.policy.requires_signed_assertion() {
            return Err(self.unsigned("assertion.signature_required", AssertionError::AssertionUnsigned));
        }
        Ok(own)
    }

    /// Records that a required signature is missing.
    pub(crate) fn unsigned(&mut self, rule: &'static str, error: AssertionError) -> AssertionError {
        self.fail(rule, "saml-profiles-2.0-os 4.1.4.5", "a signature", "none", error)
    }

    pub(crate) fn pass(
        &mut self,
        rule: &'static str,
        clause: &'static str,
        expected: impl Into<Text>,
        actual: impl Into<Text>,
    ) {
        self.ledger.record(Check::new(rule, clause, Outcome::Passed).expected(expected).actual(actual));
    }

    pub(crate) fn fail(
        &mut self,
        rule: &'static str,
        clause: &'static str,
        expected: impl Into<Text>,
        actual: impl Into<Text>,
        error: AssertionError,
    ) -> AssertionError {
        let check = Check::new(rule, clause, Outcome::Failed).expected(expected).actual(actual);
        self.ledger.record(check.because(error.code(), error.hint()));
        error
    }
}

pub(crate) const UNIQUE_IDS: &str = "response.unique_ids";
const FORM_SIGNATURE: &str = "response.form_signature";
const RESPONSE_SIGNATURE: &str = "response.signature";
/// The rule that the Response or the Assertion must be signed.
pub(crate) const SIGNED: &str = "response.or_assertion_signed";
pub(crate) const ASSERTION_SIGNATURE: &str = "assertion.signature";
const STRUCTURE: &str = "response.structure";
const SCHEMA: &str = "saml-schema-protocol-2.0";
