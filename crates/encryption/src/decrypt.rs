use std::fmt;

use vouchsafe_crypto::{ContentCipher, CryptoError, PrivateKey, Provider};
use vouchsafe_xml::{Element, Limits};

use crate::EncryptionError;
use crate::candidates::{Attempt, attempts, encrypted_keys};
use crate::structure::EncryptedData;

/// Decrypts an element that holds exactly one `xenc:EncryptedData`, for example a `saml2:EncryptedAssertion`.
///
/// The `xenc:EncryptedKey` elements are looked for inside the `ds:KeyInfo` of the `EncryptedData` and among its siblings.
/// Each is tried with each of `keys` that can fit it, in at most as many private-key operations as
/// `limits.encrypted_keys` allows. What comes out is octets: the caller parses them with
/// [`Document::parse_in_scope`](vouchsafe_xml::Document::parse_in_scope), because they may use prefixes that are bound
/// around `encrypted`. They are UTF-8, whatever else they are.
///
/// # Errors
///
/// Structural errors as they are found, and [`EncryptionError::Failed`] for everything that depends on a secret.
pub fn decrypt(
    encrypted: Element<'_>,
    keys: &[PrivateKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Opened, EncryptionError> {
    let data = EncryptedData::inside(encrypted)?;
    data.require_element()?;
    open(&data, keys, provider, limits)
}

/// The cipher that an element is encrypted with, read without decrypting anything.
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

/// What was inside: octets, and how they were protected.
#[derive(Clone)]
pub struct Opened {
    octets: Vec<u8>,
    cipher: ContentCipher,
}

impl Opened {
    /// The decrypted octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The decrypted octets, taken out.
    #[must_use]
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// The cipher that was used.
    #[must_use]
    pub fn cipher(&self) -> ContentCipher {
        self.cipher
    }

    /// Whether the cipher detects changes (GCM). This says nothing about who encrypted: anybody can, with a public key.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.cipher.is_authenticated()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opened")
            .field("octets", &self.octets.len())
            .field("cipher", &self.cipher)
            .finish()
    }
}

/// Decrypts one EncryptedData, of any Type.
pub(crate) fn open(
    data: &EncryptedData<'_>,
    keys: &[PrivateKey],
    provider: &Provider,
    limits: &Limits,
) -> Result<Opened, EncryptionError> {
    let cipher = data.cipher;
    if !provider.accepts_cipher(cipher) {
        return Err(EncryptionError::RefusedAlgorithm {
            purpose: "content encryption",
            algorithm: cipher.uri().to_owned(),
        });
    }
    let octets = data.octets()?;
    let wrapped = encrypted_keys(data, provider, limits)?;
    if keys.is_empty() {
        return Err(EncryptionError::NoDecryptionKey);
    }
    let mut refused = EncryptionError::Failed;
    for attempt in attempts(&wrapped, keys, limits) {
        match opened_by(&attempt, cipher, &octets, provider) {
            Ok(Some(octets)) => return Ok(Opened { octets, cipher }),
            Ok(None) => {}
            Err(error) => refused = EncryptionError::Backend(error),
        }
    }
    Err(refused)
}

/// Octets that are no text were decrypted with a wrong key: with CBC, one wrong key in sixteen goes unnoticed, and with
/// RSA 1.5 every failure yields a random key, so that nothing can be learned from it. An error is what the backend does not
/// implement, and no secret has a part in that.
fn opened_by(
    attempt: &Attempt<'_>,
    cipher: ContentCipher,
    octets: &[u8],
    provider: &Provider,
) -> Result<Option<Vec<u8>>, CryptoError> {
    let wrapped = attempt.wrapped;
    let (transport, label) = (wrapped.transport, &wrapped.label);
    let key = provider.decrypt_content_key_with_label(transport, label, attempt.key, &wrapped.octets, cipher);
    let plain = key.and_then(|key| provider.decrypt_content(cipher, key.as_slice(), octets));
    match plain {
        Ok(plain) => Ok(std::str::from_utf8(&plain).is_ok().then_some(plain)),
        Err(error @ CryptoError::AlgorithmUnsupported { .. }) => Err(error),
        Err(_) => Ok(None),
    }
}
