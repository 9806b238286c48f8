//! Decrypted content whose padding is not believed yet.

use crate::backend::padding;
use crate::{ContentCipher, CryptoError};
use core::fmt;

/// What came out of a content cipher: the bytes, and whether the padding of XML Encryption 1.1, 5.2 holds.
///
/// A decryption oracle needs an answer that tells wrong padding from what is wrong later. So the bytes are here in both cases:
/// whoever reads them does the same work with both, and gives one error. With AES-GCM there is no padding, and it holds.
///
/// [`Provider::decrypt_padded_content`](crate::Provider::decrypt_padded_content) makes it.
/// `Debug` shows nothing of the bytes.
#[derive(Clone)]
pub struct PaddedContent {
    /// Without the padding if it is right.
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

    /// The bytes without their padding; all of them if the padding is wrong.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the padding holds.
    #[must_use]
    pub fn padding_is_right(&self) -> bool {
        self.is_right
    }

    /// The bytes without their padding.
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
