//! Decrypted content whose padding has not been accepted yet.

use crate::backend::padding;
use crate::{ContentCipher, CryptoError};
use core::fmt;

/// The result of a content cipher: the bytes, and whether the padding of XML Encryption 1.1, 5.2 is valid.
///
/// A decryption oracle needs an answer that distinguishes wrong padding from a later error. So this type contains the
/// bytes in both cases: a reader does the same work with both, and returns the same error. AES-GCM has no padding, so
/// its padding is always valid.
///
/// [`Provider::decrypt_padded_content`](crate::Provider::decrypt_padded_content) makes this value.
/// `Debug` does not show the bytes.
#[derive(Clone)]
pub struct PaddedContent {
    /// The bytes, without the padding if it is valid.
    bytes: Vec<u8>,
    is_right: bool,
}

impl PaddedContent {
    pub(crate) fn new(mut bytes: Vec<u8>, cipher: ContentCipher) -> Self {
        let whole = bytes.len();
        let length = match cipher.padding_block() {
            None => Some(whole),
            Some(block) => padding::length_without(&bytes, block),
        };
        bytes.truncate(length.unwrap_or(whole));
        Self { bytes, is_right: length.is_some() }
    }

    /// Returns the bytes without their padding, or all of them if the padding is wrong.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whether the padding is valid.
    #[must_use]
    pub fn padding_is_right(&self) -> bool {
        self.is_right
    }

    /// Returns the bytes without their padding.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] if the padding is wrong.
    pub fn into_bytes(self) -> Result<Vec<u8>, CryptoError> {
        if self.is_right { Ok(self.bytes) } else { Err(CryptoError::DecryptionFailed {}) }
    }
}

impl fmt::Debug for PaddedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaddedContent").finish_non_exhaustive()
    }
}
