//! Opening what is encrypted inside authentic octets: EncryptedID and EncryptedAttribute.

use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_encryption::decrypt;
use vouchsafe_xml::{Document, Element, Limits, namespace};

use crate::error::AssertionError;

/// What cryptography needs, borrowed from the caller for as long as octets are still to be read.
#[derive(Clone, Copy)]
pub(crate) struct Means<'k> {
    pub(crate) keys: &'k [PrivateKey],
    pub(crate) provider: &'k Provider,
    pub(crate) limits: &'k Limits,
}

impl Means<'_> {
    /// Parses octets that were made here out of a document within the limits. Canonical octets may be longer than that document was, so
    /// the size is not asked again; everything else is.
    pub(crate) fn parse(&self, octets: &[u8]) -> Result<Document, AssertionError> {
        let limits = self.limits.clone().with_input_bytes(self.limits.input_bytes.max(octets.len()));
        Ok(Document::parse(octets, &limits)?)
    }
}

/// Opens the encrypted parts of one assertion, a bounded number of them.
///
/// Only elements of authentic octets come here, so every ciphertext is covered by a signature whatever its cipher.
pub(crate) struct Opener<'k> {
    means: Means<'k>,
    left: usize,
}

impl<'k> Opener<'k> {
    /// Each part costs private-key operations. Whoever signed it may cause some, eight times what one element may.
    pub(crate) fn new(means: Means<'k>) -> Opener<'k> {
        Opener { means, left: means.limits.encrypted_keys.saturating_mul(8) }
    }

    /// The element inside, which must be the SAML element of that name.
    pub(crate) fn open(
        &mut self,
        encrypted: Element<'_>,
        name: &'static str,
    ) -> Result<Document, AssertionError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| AssertionError::Malformed {
            place: "Assertion",
            expected: "fewer encrypted identifiers and attributes",
            actual: "more than the limit".to_owned(),
        })?;
        let Means { keys, provider, limits } = self.means;
        let opened = decrypt(encrypted, keys, provider, limits)?;
        let document = Document::parse_in_scope(opened.octets(), &encrypted.scope(), limits)?;
        if !document.root().is(namespace::SAML_ASSERTION, name) {
            return Err(AssertionError::Malformed {
                place: "encrypted element",
                expected: name,
                actual: document.root().local_name().to_owned(),
            });
        }
        Ok(document)
    }
}
