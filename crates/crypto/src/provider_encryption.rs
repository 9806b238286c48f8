//! What the provider does with keys and ciphers of XML Encryption.

use crate::{
    ContentCipher, CryptoError, KeyTransport, PaddedContent, PrivateKey, Provider, PublicKey, SecretBytes,
    secret,
};

impl Provider {
    /// Decrypts a content key of unknown length. Where the cipher of the content is known,
    /// [`decrypt_content_key`](Self::decrypt_content_key) is the one to use.
    ///
    /// With RSA PKCS#1 v1.5, bytes with wrong padding give a random-looking message, never an error (implicit
    /// rejection), so that nothing can be learned from the answer.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`]; [`CryptoError::AlgorithmRefused`], [`CryptoError::KeyMismatch`],
    /// [`CryptoError::KeyTooSmall`] before any work.
    pub fn decrypt_key(
        &self,
        transport: KeyTransport,
        key: &PrivateKey,
        bytes: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        self.policy.check_transport(transport, key.public_key())?;
        key.operations().decrypt_key(transport, bytes)
    }

    /// Decrypts the key of a content cipher.
    ///
    /// With RSA PKCS#1 v1.5, **every** failure (wrong padding, wrong length, bytes of another length than the modulus)
    /// gives a random key of the cipher's length instead of an error: what fails is then the decryption of the content,
    /// in the same way and at the same place as with altered content (RFC 3218, 2.3.2; RFC 8017, 7.2). With RSA-OAEP a
    /// failure is [`CryptoError::DecryptionFailed`], as is a key of another length.
    ///
    /// # Errors
    ///
    /// As [`decrypt_key`](Self::decrypt_key), and [`CryptoError::Random`].
    pub fn decrypt_content_key(
        &self,
        transport: KeyTransport,
        key: &PrivateKey,
        bytes: &[u8],
        cipher: ContentCipher,
    ) -> Result<SecretBytes, CryptoError> {
        self.decrypt_content_key_with_label(transport, &[], key, bytes, cipher)
    }

    /// The same with the label that stands in `xenc:OAEPparams`. RSA PKCS#1 v1.5 has none.
    ///
    /// # Errors
    ///
    /// As [`decrypt_content_key`](Self::decrypt_content_key), and [`CryptoError::AlgorithmUnsupported`] for a label where
    /// there is no place for it.
    pub fn decrypt_content_key_with_label(
        &self,
        transport: KeyTransport,
        label: &[u8],
        key: &PrivateKey,
        bytes: &[u8],
        cipher: ContentCipher,
    ) -> Result<SecretBytes, CryptoError> {
        self.policy.check_transport(transport, key.public_key())?;
        self.check_label(transport, label)?;
        if transport != KeyTransport::Rsa15 {
            let found = key.operations().decrypt_key_with_label(transport, label, bytes)?;
            let right = found.as_slice().len() == cipher.key_length();
            return if right { Ok(found) } else { Err(CryptoError::DecryptionFailed {}) };
        }
        let mut substitute = vec![0; cipher.key_length()];
        self.random(&mut substitute)?;
        let found = match key.operations().decrypt_key(transport, bytes) {
            Err(error @ CryptoError::AlgorithmUnsupported { .. }) => return Err(error),
            found => found.ok(),
        };
        Ok(secret::same_length_or(found, SecretBytes::new(substitute)))
    }

    /// Encrypts a content key to a public key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::EncryptionFailed`]; [`CryptoError::AlgorithmRefused`], [`CryptoError::KeyMismatch`],
    /// [`CryptoError::KeyTooSmall`] before any work.
    pub fn encrypt_key(
        &self,
        transport: KeyTransport,
        key: &PublicKey,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.encrypt_key_with_label(transport, &[], key, plain)
    }

    /// The same with a label for RSA-OAEP, which the recipient must know: `xenc:OAEPparams` carries it.
    ///
    /// # Errors
    ///
    /// As [`encrypt_key`](Self::encrypt_key), and [`CryptoError::AlgorithmUnsupported`] for a label where there is no place
    /// for it.
    pub fn encrypt_key_with_label(
        &self,
        transport: KeyTransport,
        label: &[u8],
        key: &PublicKey,
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.policy.check_transport(transport, key)?;
        self.check_label(transport, label)?;
        key.operations().encrypt_key_with_label(transport, label, plain)
    }

    /// Decrypts content: initialisation vector || ciphertext (|| tag), as in `xenc:CipherValue`; the padding of XML
    /// Encryption 1.1, 5.2 is taken off.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] for everything that depends on the key or the bytes;
    /// [`CryptoError::AlgorithmRefused`] before any work.
    pub fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.decrypt_padded_content(cipher, key, bytes)?.into_bytes()
    }

    /// The same, where wrong padding is no error yet: [`PaddedContent`] has the bytes either way, so that the caller can do the
    /// same work with them before it refuses them.
    ///
    /// # Errors
    ///
    /// [`CryptoError::DecryptionFailed`] for a wrong tag (GCM) and for wrong lengths, which everybody can see;
    /// [`CryptoError::AlgorithmRefused`] before any work.
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

    /// Encrypts content under a fresh random initialisation vector, which stands before the ciphertext.
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
