//! Opening what is encrypted inside authentic bytes: EncryptedID and EncryptedAttribute.

use std::collections::HashSet;

use vouchsafe_encryption::{DecryptionContext, EncryptionError, cipher_of, decrypt_element};
use vouchsafe_xml::{Document, Element};

use crate::error::AssertionError;
use crate::reading::identifiers;
use crate::schema::Encryptable;

/// Opens the encrypted parts of one assertion or message, out of the budget of its message.
///
/// Only elements of authentic bytes come here, so every ciphertext is covered by a signature whatever its cipher, and so is every
/// namespace around it. But whoever signed it may have captured the ciphertext from somebody else: what fails after decryption is
/// [`EncryptionError::Failed`], and nothing of what was decrypted is told.
pub(crate) struct Opener<'k, 'd> {
    context: DecryptionContext<'k>,
    /// The documents that are one message; one twice where there is only one.
    around: [&'d Document; 2],
    /// Whether ciphertext is opened only where the cipher itself tells that nobody altered it.
    authenticated_only: bool,
    /// The identifiers of what stands around and of what was opened, gathered when the first is opened.
    seen: HashSet<String>,
}

impl<'k, 'd> Opener<'k, 'd> {
    /// For parts of these documents, which are one message.
    pub(crate) fn new(context: DecryptionContext<'k>, around: [&'d Document; 2]) -> Opener<'k, 'd> {
        Opener { context, around, authenticated_only: false, seen: HashSet::new() }
    }

    /// The same one that opens AES-GCM alone: for messages that anybody may send again and again, altered.
    pub(crate) fn authenticated_only(mut self, is_so: bool) -> Self {
        self.authenticated_only = is_so;
        self
    }

    /// Reads the element inside, which must be the SAML element of that name and as the schema says.
    pub(crate) fn open<T>(
        &mut self,
        encrypted: Element<'_>,
        what: Encryptable,
        read: impl FnOnce(Element<'_>) -> Result<T, AssertionError>,
    ) -> Result<T, AssertionError> {
        if self.authenticated_only {
            let cipher = cipher_of(encrypted)?;
            if !cipher.is_authenticated() {
                return Err(AssertionError::CbcInMessage { cipher: cipher.uri() });
            }
        }
        let (_, document) = decrypt_element(encrypted, &encrypted.scope(), &mut self.context)?;
        let root = document.root();
        let is_wanted = root.is(what.namespace(), what.name()) && what.check(root).is_ok();
        let value = if is_wanted { read(root).ok() } else { None };
        match value {
            Some(value) if self.are_new_identifiers(&document) => Ok(value),
            _ => Err(EncryptionError::Failed.into()),
        }
    }

    /// No identifier occurs twice, in the message and in what was decrypted from it (saml-core-2.0-os 1.3.4).
    fn are_new_identifiers(&mut self, opened: &Document) -> bool {
        if self.seen.is_empty() {
            let around = self.around.iter().flat_map(|document| document.elements());
            self.seen.extend(around.flat_map(identifiers).map(str::to_owned));
        }
        opened.elements().flat_map(identifiers).all(|id| self.seen.insert(id.to_owned()))
    }
}
