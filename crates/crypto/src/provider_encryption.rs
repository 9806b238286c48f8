//! The operations of the provider with keys and ciphers of XML Encryption.

use crate::{
    ContentCipher, CryptoError, KeyTransport, PaddedContent, PrivateKey, Provider, PublicKey, SecretBytes,
    secret,
};

/// The key of a content cipher, encrypted to a private key: an `xenc:EncryptedKey`.
///
/// ```
/// use vouchsafe_crypto::{ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, Provider, WrappedKey};
///
/// # fn main() -> Result<(), vouchsafe_crypto::CryptoError> {
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::Rsa { bits: 2048 })?;
/// let transport = KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 };
/// let bytes = provider.encrypt_key(transport, key.public_key(), &[7; 32])?;
///
/// let wrapped = WrappedKey { transport, label: &[], bytes: &bytes, cipher: ContentCipher::Aes256Gcm };
/// assert_eq!(provider.decrypt_content_key(&key, &wrapped)?.as_slice(), [7; 32]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WrappedKey<'b> {
    /// How it is encrypted.
    pub transport: KeyTransport,
    /// The label in `xenc:OAEPparams`, usually empty. RSA PKCS#1 v1.5 has none.
    pub label: &'b [u8],
    /// The encrypted bytes.
    pub bytes: &'b [u8],
    /// The cipher that the key is for, which has keys of one length.
    pub cipher: ContentCipher,
}

impl Provider {
    /// Decrypts a content key of unknown length. If the cipher of the content is known, use
    /// [`decrypt_content_key`](Self::decrypt_content_key) instead.
    ///
    /// With RSA PKCS#1 v1.5, wrong padding gives a random-looking message and never an error (implicit rejection), so
    /// that an attacker learns nothing from the answer.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`]; [`CryptoError::AlgorithmRefused`], [`CryptoError::KeyMismatch`] or
    /// [`CryptoError::KeyTooSmall`] before anything is computed.
    pub fn decrypt_key(
        &self,
        transport: KeyTransport,
        key: &PrivateKey,
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        self.policy.check_transport(transport, key.public_key())?;
        key.operations().decrypt_key(transport, &[], bytes)
    }

    /// Decrypts the key of a content cipher.
    ///
    /// With RSA PKCS#1 v1.5, **every** failure (wrong padding, wrong length, bytes of another length than the
    /// modulus) gives a random key of the cipher's length instead of an error. Then the decryption of the content
    /// fails, in the same way and at the same place as for altered content (RFC 3218, 2.3.2; RFC 8017, 7.2). With
    /// RSA-OAEP, a failure and a key of another length are both [`CryptoError::DecryptionFailed`].
    ///
    /// # Errors
    ///
    /// As for [`decrypt_key`](Self::decrypt_key), [`CryptoError::Random`], and [`CryptoError::AlgorithmUnsupported`] for a
    /// label with an algorithm that has none.
    pub fn decrypt_content_key(
        &self,
        key: &PrivateKey,
        wrapped: &WrappedKey<'_>,
    ) -> Result<SecretBytes, CryptoError> {
        let WrappedKey { transport, label, bytes, cipher } = *wrapped;
        self.policy.check_transport(transport, key.public_key())?;
        self.check_label(transport, label)?;
        if transport != KeyTransport::Rsa15 {
            let found = key.operations().decrypt_key(transport, label, bytes)?;
            let right = found.as_slice().len() == cipher.key_length();
            return if right { Ok(found) } else { Err(CryptoError::DecryptionFailed {}) };
        }
        let mut substitute = vec![0; cipher.key_length()];
        self.random(&mut substitute)?;
        let found = match key.operations().decrypt_key(transport, &[], bytes) {
            Err(error @ CryptoError::AlgorithmUnsupported { .. }) => return Err(error),
            found => found.ok(),
        };
        Ok(secret::same_length_or(found, SecretBytes::new(substitute)))
    }

    /// Encrypts a content key to a public key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::EncryptionFailed`]; [`CryptoError::AlgorithmRefused`], [`CryptoError::KeyMismatch`] or
    /// [`CryptoError::KeyTooSmall`] before anything is computed.
    pub fn encrypt_key(
        &self,
        transport: KeyTransport,
        key: &PublicKey,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.encrypt_key_with_label(transport, &[], key, plain)
    }

    /// Encrypts a content key with a label for RSA-OAEP. The recipient must know the label, which is written into
    /// `xenc:OAEPparams`.
    ///
    /// # Errors
    ///
    /// As for [`encrypt_key`](Self::encrypt_key), and [`CryptoError::AlgorithmUnsupported`] for a label with an
    /// algorithm that has none.
    pub fn encrypt_key_with_label(
        &self,
        transport: KeyTransport,
        label: &[u8],
        key: &PublicKey,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.policy.check_transport(transport, key)?;
        self.check_label(transport, label)?;
        key.operations().encrypt_key(transport, label, plain)
    }

    /// Decrypts content: initialisation vector || ciphertext (|| tag), as in `xenc:CipherValue`. The padding of XML
    /// Encryption 1.1, 5.2 is removed.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] for every failure that depends on the key or the bytes;
    /// [`CryptoError::AlgorithmRefused`] before anything is computed.
    pub fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.decrypt_padded_content(cipher, key, bytes)?.into_bytes()
    }

    /// Decrypts content, but wrong padding is not an error yet. [`PaddedContent`] contains the bytes in either case,
    /// so that the caller can do the same work with them before it refuses them.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] for a wrong tag (GCM), and for wrong lengths, which everybody can see;
    /// [`CryptoError::AlgorithmRefused`] before anything is computed.
    ///
    /// ```
    /// use vouchsafe_crypto::{ContentCipher, Provider};
    ///
    /// let provider = Provider::rustcrypto();
    /// let (cipher, key) = (ContentCipher::Aes128Cbc, [7; 16]);
    /// // One block of arbitrary bytes after the initialisation vector: its padding is right once in sixteen times.
    /// let content = provider.decrypt_padded_content(cipher, &key, &[1; 32])?;
    /// assert_eq!(content.padding_is_right(), content.bytes().len() < 16);
    /// assert_eq!(content.padding_is_right(), content.into_bytes().is_ok());
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn decrypt_padded_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<PaddedContent, CryptoError> {
        self.policy.check_cipher(cipher)?;
        Ok(PaddedContent::new(self.backend.decrypt_content(cipher, key, bytes)?, cipher))
    }

    /// Encrypts content with a new random initialisation vector, which is written before the ciphertext.
    ///
    /// # Errors
    ///
    /// [`CryptoError::KeyLength`], [`CryptoError::Random`], [`CryptoError::AlgorithmRefused`].
    ///
    /// ```
    /// use vouchsafe_crypto::{ContentCipher, Provider};
    ///
    /// let provider = Provider::rustcrypto();
    /// let mut key = [0; 32];
    /// provider.random(&mut key)?;
    /// let bytes = provider.encrypt_content(ContentCipher::Aes256Gcm, &key, b"plain")?;
    /// assert_eq!(provider.decrypt_content(ContentCipher::Aes256Gcm, &key, &bytes)?, b"plain");
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    pub fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.policy.check_cipher(cipher)?;
        if key.len() != cipher.key_length() {
            let (uri, expected, actual) = (cipher.uri(), cipher.key_length(), key.len());
            return Err(CryptoError::KeyLength { uri, expected, actual });
        }
        self.backend.encrypt_content(cipher, key, plain)
    }

    fn check_label(&self, transport: KeyTransport, label: &[u8]) -> Result<(), CryptoError> {
        if transport != KeyTransport::Rsa15 || label.is_empty() {
            return Ok(());
        }
        let (backend, algorithm) = (self.backend.name(), "RSA PKCS#1 v1.5 with a label");
        Err(CryptoError::AlgorithmUnsupported { backend, algorithm })
    }
}
