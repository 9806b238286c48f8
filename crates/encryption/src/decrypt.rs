//! This module decrypts one element, and its answer does not show an attacker why decryption failed.
//!
//! * A key transport that yields a content key of the right length is **final**: no other key is tried after it. So
//!   the number of operations does not depend on the content.
//! * RSA 1.5 never reports wrong padding, so every pair of keys yields a content key (implicit rejection). All pairs
//!   are tried, and every content is decrypted and parsed before one is chosen: the number of operations is the
//!   number of pairs.
//! * The content is decrypted, read as UTF-8 and parsed as XML, even after an earlier step failed; only then is it
//!   refused. All failures give the same error.

use std::fmt;

use vouchsafe_crypto::{ContentCipher, CryptoError, KeyTransport, SecretBytes, WrappedKey};
use vouchsafe_xml::{Document, Element, NamespaceScope};

use crate::EncryptionError;
use crate::candidates::{Attempt, attempts, encrypted_keys};
use crate::context::DecryptionContext;
use crate::structure::EncryptedData;

/// Decrypts an element that holds exactly one `xenc:EncryptedData`, for example a `saml2:EncryptedAssertion`.
///
/// The `xenc:EncryptedKey` elements are searched inside the `ds:KeyInfo` of the `EncryptedData` and among its
/// siblings. Each is tried with each private key that can fit it, the most likely pair first, until a pair yields a
/// content key or the context has no operation left. The decrypted bytes are valid UTF-8, but need not be XML. To get
/// an element, call [`decrypt_element`].
///
/// # Errors
///
/// Structural errors are returned as they are found. [`EncryptionError::TooManyOperations`] is returned if earlier
/// parts have spent the budget of the message, and [`EncryptionError::Failed`] for every failure that depends on a
/// secret.
pub fn decrypt(
    encrypted: Element<'_>,
    context: &mut DecryptionContext<'_>,
) -> Result<Opened, EncryptionError> {
    let data = EncryptedData::inside(encrypted)?;
    data.require_element()?;
    open(&data, context)
}

/// Decrypts like [`decrypt`], and parses the content as one element, whose prefixes may be declared in `scope`.
///
/// If the content is not a well-formed element, or uses an undeclared prefix, the error is
/// [`EncryptionError::Failed`], as for every failure that depends on a secret. It is returned after the same work.
///
/// # Errors
///
/// As for [`decrypt`].
pub fn decrypt_element(
    encrypted: Element<'_>,
    scope: &NamespaceScope,
    context: &mut DecryptionContext<'_>,
) -> Result<(Opened, Document), EncryptionError> {
    let data = EncryptedData::inside(encrypted)?;
    data.require_element()?;
    let limits = context.limits();
    opened_and_read(&data, context, |text| Document::parse_in_scope(text.as_bytes(), scope, limits).ok())
}

/// Returns the cipher that an element is encrypted with. Nothing is decrypted.
///
/// ```
/// use vouchsafe_crypto::ContentCipher;
/// use vouchsafe_xml::{Document, Limits};
///
/// let text = r#"<EncryptedID><x:EncryptedData xmlns:x="http://www.w3.org/2001/04/xmlenc#">
///   <x:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/>
///   <x:CipherData><x:CipherValue>AAAA</x:CipherValue></x:CipherData>
/// </x:EncryptedData></EncryptedID>"#;
/// let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
///
/// let cipher = vouchsafe_encryption::cipher_of(document.root()).unwrap();
/// assert_eq!(cipher, ContentCipher::Aes256Cbc);
/// assert!(!cipher.is_authenticated());
/// ```
///
/// # Errors
///
/// The structural errors of [`decrypt`], and [`EncryptionError::UnknownAlgorithm`].
pub fn cipher_of(encrypted: Element<'_>) -> Result<ContentCipher, EncryptionError> {
    EncryptedData::inside(encrypted).map(|data| data.cipher)
}

/// The decrypted bytes, and the cipher that protected them.
#[derive(Clone)]
pub struct Opened {
    bytes: Vec<u8>,
    cipher: ContentCipher,
}

impl Opened {
    /// Returns the decrypted bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the decrypted bytes without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the cipher that was used.
    #[must_use]
    pub fn cipher(&self) -> ContentCipher {
        self.cipher
    }

    /// Returns whether the cipher detects changes (GCM). This does not show who encrypted the element: anybody can
    /// encrypt with a public key.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.cipher.is_authenticated()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opened")
            .field("bytes", &self.bytes.len())
            .field("cipher", &self.cipher)
            .finish()
    }
}

/// Decrypts one EncryptedData, of any Type.
pub(crate) fn open(
    data: &EncryptedData<'_>,
    context: &mut DecryptionContext<'_>,
) -> Result<Opened, EncryptionError> {
    opened_and_read(data, context, |_| Some(())).map(|(opened, ())| opened)
}

fn opened_and_read<T>(
    data: &EncryptedData<'_>,
    context: &mut DecryptionContext<'_>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(Opened, T), EncryptionError> {
    let (provider, limits) = (context.provider(), context.limits());
    let cipher = data.cipher;
    if !provider.accepts_cipher(cipher) {
        return Err(EncryptionError::RefusedAlgorithm {
            purpose: "content encryption",
            algorithm: cipher.uri().to_owned(),
        });
    }
    let bytes = data.bytes()?;
    let wrapped = encrypted_keys(data, provider, limits)?;
    if context.keys().is_empty() {
        return Err(EncryptionError::NoDecryptionKey);
    }
    if context.operations_left() == 0 {
        return Err(EncryptionError::TooManyOperations { limit: limits.private_key_operations });
    }
    let content = Content { cipher, bytes: &bytes };
    let attempts = attempts(&wrapped, context);
    let (implicit, explicit): (Vec<_>, Vec<_>) =
        attempts.into_iter().partition(|attempt| attempt.wrapped.transport == KeyTransport::Rsa15);
    let mut refused = EncryptionError::Failed;

    for attempt in explicit {
        match content.key(&attempt, context) {
            Ok(Some(key)) => {
                context.remember(attempt.place);
                return content.read(&key, context, &read)?.ok_or(EncryptionError::Failed);
            }
            Ok(None) => {}
            Err(error) => refused = error,
        }
    }
    let mut found = None;
    for attempt in implicit {
        match content.key(&attempt, context) {
            Ok(Some(key)) => {
                let plain = content.read(&key, context, &read)?;
                found = found.or(plain.map(|plain| (attempt.place, plain)));
            }
            Ok(None) => {}
            Err(error) => refused = error,
        }
    }
    let (place, plain) = found.ok_or(refused)?;
    context.remember(place);
    Ok(plain)
}

/// The ciphertext that is to be decrypted.
struct Content<'c> {
    cipher: ContentCipher,
    bytes: &'c [u8],
}

impl Content<'_> {
    /// Does one private-key operation, which yields a content key of the right length or `None`. An error means that
    /// the backend does not implement the algorithm; it does not depend on a secret.
    fn key(
        &self,
        attempt: &Attempt<'_>,
        context: &mut DecryptionContext<'_>,
    ) -> Result<Option<SecretBytes>, EncryptionError> {
        context.spend();
        let wrapped = attempt.wrapped;
        let wrapped = WrappedKey {
            transport: wrapped.transport,
            label: &wrapped.label,
            bytes: &wrapped.bytes,
            cipher: self.cipher,
        };
        match context.provider().decrypt_content_key(attempt.key, &wrapped) {
            Ok(key) => Ok(Some(key)),
            Err(error @ CryptoError::AlgorithmUnsupported { .. }) => Err(EncryptionError::Backend(error)),
            Err(_) => Ok(None),
        }
    }

    /// Decrypts the content and reads it. Bytes that are not UTF-8 come from a wrong key or an alteration. Wrong
    /// padding and wrong UTF-8 are refused only after the valid part of the text has been read, so they cost the same
    /// as XML that cannot be parsed.
    fn read<T>(
        &self,
        key: &SecretBytes,
        context: &DecryptionContext<'_>,
        read: &impl Fn(&str) -> Option<T>,
    ) -> Result<Option<(Opened, T)>, EncryptionError> {
        let cipher = self.cipher;
        let content = match context.provider().decrypt_padded_content(cipher, key.as_slice(), self.bytes) {
            Ok(content) => content,
            Err(error @ CryptoError::AlgorithmUnsupported { .. }) => {
                return Err(EncryptionError::Backend(error));
            }
            Err(_) => return Ok(None),
        };
        let (text, is_text) = as_far_as_text(content.bytes());
        let value = read(text);
        Ok(match (value, content.into_bytes()) {
            (Some(value), Ok(bytes)) if is_text => Some((Opened { bytes, cipher }, value)),
            _ => None,
        })
    }
}

/// Returns the text up to the first byte that is not UTF-8, and whether all bytes are valid.
fn as_far_as_text(bytes: &[u8]) -> (&str, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (std::str::from_utf8(valid).unwrap_or_default(), false)
        }
    }
}
