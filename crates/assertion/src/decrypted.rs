//! Decrypts an Assertion, and verifies its origin.
//!
//! Ciphertext does not show for whom its content is. A trusted identity provider can sign a Response around
//! ciphertext that it captured from another customer, altered or not. So the origin of decrypted text must be proven
//! first: by its own signature with a key of *this* identity provider, or by the signed Response and the same Issuer.
//! Until then, none of its content reaches an error or the ledger. If the cipher has no authentication (AES-CBC),
//! every failure up to that point is reported as that of a wrong key.

use vouchsafe_encryption::{EncryptionError, Opened, cipher_of, decrypt_element};
use vouchsafe_signature::{Verified, has_signature};
use vouchsafe_xml::{Document, Element, namespace};

use crate::authentic::{DecryptedDocument, SignedBytes, SignedContent, SignedDocument};
use crate::authenticate::{ASSERTION_SIGNATURE, SIGNED, Steps, UNIQUE_IDS};
use crate::envelope::{Issuer, ResponseFacts};
use crate::error::AssertionError;
use crate::ledger::{Check, Outcome};

impl Steps<'_, '_> {
    pub(crate) fn encrypted(
        &mut self,
        document: &Document,
        claims: ResponseFacts,
        response: Option<SignedBytes>,
        encrypted: Element<'_>,
    ) -> Result<SignedContent, AssertionError> {
        let is_authenticated = self.cipher(encrypted, response.is_some())?;
        let response = response.map(|signed| self.signed_document(signed)).transpose()?;
        let signed = response.as_ref().map(SignedDocument::encrypted_assertion).transpose()?;

        let before = self.ledger.checks().len();
        let (opened, inner) = self.decrypt(signed.unwrap_or(encrypted), encrypted)?;
        let vouched = match self.vouched(&opened, inner, response.as_ref()) {
            Err(_) if !is_authenticated => {
                self.ledger.forget_from(before);
                return Err(self.closed());
            }
            vouched => vouched?,
        };
        self.unique_ids(UNIQUE_IDS, &[document, vouched.document()])?;
        match (response, vouched) {
            (Some(response), Vouched::ByItself { own, .. }) => {
                let assertion = self.signed_document(SignedBytes::of_element(own))?;
                Ok(SignedContent::signed_assertion_in_signed_response(response, assertion))
            }
            (Some(response), Vouched::ByResponse { read }) => {
                Ok(SignedContent::decrypted_in_signed_response(response, read))
            }
            (None, Vouched::ByItself { own, .. }) => Ok(SignedContent::signed_assertion(claims, own, true)),
            (None, Vouched::ByResponse { .. }) => Err(self.unsigned(SIGNED, AssertionError::Unsigned)),
        }
    }

    /// Checks the cipher. Ciphertext without authentication can be altered bit by bit, and an attacker can observe
    /// how decryption reacts. Returns whether the cipher itself detects changes.
    fn cipher(&mut self, encrypted: Element<'_>, response_is_signed: bool) -> Result<bool, AssertionError> {
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
            return Ok(cipher.is_authenticated());
        }
        let error = AssertionError::UnauthenticatedCbc { cipher: cipher.uri() };
        Err(self.fail(rule, clause, expected, cipher.uri(), error))
    }

    /// Decrypts and parses the content with the namespaces of its place in the tree: a signature of its own may
    /// depend on them.
    fn decrypt(
        &mut self,
        encrypted: Element<'_>,
        in_the_tree: Element<'_>,
    ) -> Result<(Opened, Document), AssertionError> {
        match decrypt_element(encrypted, &in_the_tree.scope(), &mut self.context) {
            Ok((opened, inner)) if is_assertion(inner.root()) => {
                self.pass(DECRYPTION, CORE_6, AN_ASSERTION, AN_ASSERTION);
                Ok((opened, inner))
            }
            Ok(_) => Err(self.closed()),
            Err(error) => {
                let actual = error.to_string();
                Err(self.fail(DECRYPTION, CORE_6, AN_ASSERTION, actual, error.into()))
            }
        }
    }

    /// Verifies the origin of decrypted text: by its own signature, or by the signature of the Response. In the
    /// second case it is parsed again with the namespaces of the signed Response, since those of the tree are not
    /// signed.
    fn vouched(
        &mut self,
        opened: &Opened,
        inner: Document,
        response: Option<&SignedDocument>,
    ) -> Result<Vouched, AssertionError> {
        if let Some(own) = self.own_signature(inner.root())? {
            return Ok(Vouched::ByItself { inner, own });
        }
        let Some(response) = response else {
            return Err(self.unsigned(SIGNED, AssertionError::Unsigned));
        };
        match response.decrypted(opened, self.context.limits()) {
            // In the tree it had no signature. If one appears under other namespace declarations, somebody hid it.
            Ok(read) if is_unsigned_assertion(read.document().root()) => {
                self.decrypted_issuer(read.document().root())?;
                Ok(Vouched::ByResponse { read })
            }
            Ok(_) | Err(_) => Err(self.closed()),
        }
    }

    /// Verifies the signature of decrypted text. An error reports only its code: the rest may belong to another
    /// customer.
    fn own_signature(&mut self, assertion: Element<'_>) -> Result<Option<Verified>, AssertionError> {
        let before = self.ledger.checks().len();
        self.assertion_signature(assertion).map_err(|error| match error {
            AssertionError::Signature(error) => {
                self.ledger.forget_from(before);
                let (code, hint) = (error.code(), error.hint());
                let error = AssertionError::DecryptedSignature { code, hint };
                self.fail(
                    ASSERTION_SIGNATURE,
                    "saml-core-2.0-os 5.4",
                    "a signature by a trusted key",
                    code,
                    error,
                )
            }
            other => other,
        })
    }

    /// Requires that the decrypted Assertion names the identity provider. A signed Response proves the statements of
    /// its own issuer, and not of another.
    fn decrypted_issuer(&mut self, assertion: Element<'_>) -> Result<(), AssertionError> {
        let (rule, clause) = ("assertion.decrypted_issuer", "saml-profiles-2.0-os 4.1.4.2");
        let expected = self.trust.entity_id();
        let issuer = Issuer::read(assertion);
        if issuer.is_some_and(|issuer| issuer.value == expected.as_str()) {
            self.ledger.record(Check::new(rule, clause, Outcome::Passed).expected(expected).same());
            return Ok(());
        }
        let error = AssertionError::DecryptedIssuer { expected: expected.to_string() };
        Err(self.fail(rule, clause, expected, "another, or none", error))
    }

    /// Reports a failed decryption, always in the same way.
    fn closed(&mut self) -> AssertionError {
        let error = EncryptionError::Failed;
        let actual = error.to_string();
        self.fail(DECRYPTION, CORE_6, AN_ASSERTION, actual, error.into())
    }

    /// Parses the bytes that a signature covers.
    fn signed_document(&mut self, signed: SignedBytes) -> Result<SignedDocument, AssertionError> {
        SignedDocument::read(signed, self.context.limits()).map_err(|error| {
            let actual = error.to_string();
            self.fail(
                "assertion.structure",
                "saml-core-2.0-os 2.3.3",
                "well-formed signed bytes",
                actual,
                error,
            )
        })
    }
}

const DECRYPTION: &str = "assertion.decryption";
const CORE_6: &str = "saml-core-2.0-os 6";
const AN_ASSERTION: &str = "a saml:Assertion";

/// A decrypted Assertion, and the proof of its origin.
enum Vouched {
    /// Its own signature, verified in the tree. The bytes that it covers are read.
    ByItself { inner: Document, own: Verified },
    /// The signature of the Response.
    ByResponse { read: DecryptedDocument },
}

impl Vouched {
    fn document(&self) -> &Document {
        match self {
            Vouched::ByItself { inner, .. } => inner,
            Vouched::ByResponse { read } => read.document(),
        }
    }
}

fn is_assertion(element: Element<'_>) -> bool {
    element.is(namespace::SAML_ASSERTION, "Assertion")
}

fn is_unsigned_assertion(element: Element<'_>) -> bool {
    is_assertion(element) && !has_signature(element)
}
