//! An encrypted Assertion: decryption, and what vouches for what came out.
//!
//! Ciphertext says nothing about who may see what is inside. An identity provider that is trusted itself can sign a Response around
//! ciphertext that it captured from another customer, altered or not. So until a key of *this* identity provider has vouched for the
//! decrypted text, by its own signature or by the signed Response and the same Issuer, nothing it says reaches an error or the ledger;
//! and where the cipher authenticates nothing (AES-CBC), every failure up to there is the same as that of a wrong key.

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

    /// Ciphertext that nothing authenticates can be altered bit by bit, and what decryption does with it watched. Tells whether the
    /// cipher itself notices that.
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

    /// What is inside, read with the namespaces of the place in the tree: a signature of its own may depend on them.
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

    /// Who vouches for decrypted text: its own signature, else the signature of the Response that it came from. Then it is read again
    /// with the namespaces of the signed Response, since nobody signed those of the tree.
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
            // In the tree it had no signature. One that appears under other declarations was hidden.
            Ok(read) if is_unsigned_assertion(read.document().root()) => {
                self.decrypted_issuer(read.document().root())?;
                Ok(Vouched::ByResponse { read })
            }
            Ok(_) | Err(_) => Err(self.closed()),
        }
    }

    /// The signature of decrypted text. Why it fails is told by its code and no further: the rest may be another customer's.
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

    /// A signed Response vouches for what its issuer says of itself, not for what somebody encrypted in another name.
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

    /// The failure of decryption, whatever failed.
    fn closed(&mut self) -> AssertionError {
        let error = EncryptionError::Failed;
        let actual = error.to_string();
        self.fail(DECRYPTION, CORE_6, AN_ASSERTION, actual, error.into())
    }

    /// Reads the bytes that a signature covers.
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

/// A decrypted Assertion, and what vouches for it.
enum Vouched {
    /// Its own signature, verified in the tree; what is read are the bytes that it covers.
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
