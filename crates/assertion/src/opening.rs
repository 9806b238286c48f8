//! Decrypts the encrypted parts inside authentic bytes: EncryptedID and EncryptedAttribute.

use std::collections::HashSet;

use vouchsafe_encryption::{DecryptionContext, EncryptionError, cipher_of, decrypt_element};
use vouchsafe_xml::{Document, Element};

use crate::error::AssertionError;
use crate::reading::identifiers;
use crate::schema::Encryptable;

/// Decrypts the encrypted parts of one assertion or message, within the budget of the message.
///
/// It receives only elements of authentic bytes, so a signature covers every ciphertext, whatever its cipher, and
/// every namespace around it. But the signer may have captured the ciphertext from somebody else. So a failure after
/// decryption is always [`EncryptionError::Failed`], and no decrypted content is shown.
pub(crate) struct Opener<'k, 'd> {
    context: DecryptionContext<'k>,
    /// The documents that form one message. If there is only one, it occurs twice.
    around: [&'d Document; 2],
    /// Whether ciphertext is decrypted only if the cipher itself detects changes.
    authenticated_only: bool,
    /// The identifiers in the documents and in decrypted parts, collected at the first decryption.
    seen: HashSet<String>,
}

impl<'k, 'd> Opener<'k, 'd> {
    /// Makes an opener for parts of these documents, which form one message.
    pub(crate) fn new(context: DecryptionContext<'k>, around: [&'d Document; 2]) -> Opener<'k, 'd> {
        Opener { context, around, authenticated_only: false, seen: HashSet::new() }
    }

    /// Sets whether only AES-GCM is decrypted. This is for messages that anybody may send again and again, altered.
    pub(crate) fn authenticated_only(mut self, is_so: bool) -> Self {
        self.authenticated_only = is_so;
        self
    }

    /// Decrypts and reads an element, which must be the SAML element with that name and follow the schema.
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

    /// Checks that no identifier occurs twice in the message and the decrypted parts together (saml-core-2.0-os
    /// 1.3.4).
    fn are_new_identifiers(&mut self, opened: &Document) -> bool {
        if self.seen.is_empty() {
            let around = self.around.iter().flat_map(|document| document.elements());
            self.seen.extend(around.flat_map(identifiers).map(str::to_owned));
        }
        opened.elements().flat_map(identifiers).all(|id| self.seen.insert(id.to_owned()))
    }
}
