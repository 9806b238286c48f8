//! A secret that a caller shows and that stores know by its hash.

use vouchsafe::crypto::{CryptoError, Provider, SecretString, hexadecimal};

/// A secret with its hash. `Debug` does not show it.
#[derive(Debug)]
pub(crate) struct HashedSecret {
    secret: SecretString,
    hash: String,
}

impl HashedSecret {
    /// Generates a secret: a prefix and 256 bits from the provider's random source.
    pub(crate) fn generate(prefix: &str, provider: &Provider) -> Result<Self, CryptoError> {
        let mut bytes = [0_u8; 32];
        provider.random(&mut bytes)?;
        Self::received(format!("{prefix}{}", hexadecimal(&bytes)), provider)
    }

    /// The secret that a caller shows, whatever its text is.
    pub(crate) fn received(text: String, provider: &Provider) -> Result<Self, CryptoError> {
        let secret = SecretString::new(text);
        let hash = hexadecimal(&provider.sha256(secret.as_str().as_bytes())?);
        Ok(Self { secret, hash })
    }

    pub(crate) fn reveal(&self) -> &str {
        self.secret.as_str()
    }

    /// SHA-256, 64 hexadecimal digits.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}
