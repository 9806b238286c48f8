//! Opening what is encrypted inside authentic octets: EncryptedID and EncryptedAttribute.

use std::collections::HashSet;

use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_encryption::decrypt;
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::error::AssertionError;
use crate::reading::identifiers;
use crate::schema::Encryptable;

/// What cryptography needs, borrowed from the caller for as long as octets are still to be read.
#[derive(Clone, Copy)]
pub(crate) struct Means<'k> {
    pub(crate) keys: &'k [PrivateKey],
    pub(crate) provider: &'k Provider,
    pub(crate) limits: &'k Limits,
}

impl Means<'_> {
    /// Parses octets that were made here out of a document within the limits. Canonical octets may be longer than that document was, so
    /// the size is not asked again; everything else is. Nor may they grow a second time: what is made of them again, the XML of attribute
    /// values, is at most as long as they are, beside the constant of the limits.
    pub(crate) fn parse(&self, octets: &[u8]) -> Result<Document, AssertionError> {
        let limits = self.limits.clone().with_input_bytes(self.limits.input_bytes.max(octets.len()));
        let limits = limits.with_canonical_bytes_factor(self.limits.canonical_bytes_factor.min(1));
        Ok(Document::parse(octets, &limits)?)
    }
}

/// Opens the encrypted parts of one assertion, a bounded number of them.
///
/// Only elements of authentic octets come here, so every ciphertext is covered by a signature whatever its cipher.
pub(crate) struct Opener<'k, 'd> {
    means: Means<'k>,
    left: usize,
    around: &'d Document,
    /// The identifiers of what stands around and of what was opened, gathered when the first is opened.
    seen: HashSet<String>,
}

impl<'k, 'd> Opener<'k, 'd> {
    /// For parts of that document. Each costs private-key operations. Whoever signed it may cause some, eight times what one element may.
    pub(crate) fn new(means: Means<'k>, around: &'d Document) -> Opener<'k, 'd> {
        let left = means.limits.encrypted_keys.saturating_mul(8);
        Opener { means, left, around, seen: HashSet::new() }
    }

    /// The element inside, which must be the SAML element of that name and as the schema says.
    pub(crate) fn open(
        &mut self,
        encrypted: Element<'_>,
        what: Encryptable,
    ) -> Result<Document, AssertionError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| AssertionError::Malformed {
            place: "Assertion",
            expected: "fewer encrypted identifiers and attributes",
            actual: "more than the limit".to_owned(),
        })?;
        let Means { keys, provider, limits } = self.means;
        let opened = decrypt(encrypted, keys, provider, limits)?;
        let document = Document::parse_in_scope(opened.octets(), &encrypted.scope(), limits)?;
        if !document.root().is(namespace::SAML_ASSERTION, what.name()) {
            return Err(AssertionError::Malformed {
                place: "encrypted element",
                expected: what.name(),
                actual: document.root().local_name().to_owned(),
            });
        }
        self.remember(&document)?;
        what.check(document.root())?;
        Ok(document)
    }

    /// No identifier occurs twice, in the document and in what was decrypted from it (saml-core-2.0-os 1.3.4).
    fn remember(&mut self, opened: &Document) -> Result<(), AssertionError> {
        if self.seen.is_empty() {
            self.seen.extend(self.around.elements().flat_map(identifiers).map(str::to_owned));
        }
        for id in opened.elements().flat_map(identifiers) {
            if !self.seen.insert(id.to_owned()) {
                return Err(AssertionError::DuplicateId { id: id.to_owned() });
            }
        }
        Ok(())
    }
}
