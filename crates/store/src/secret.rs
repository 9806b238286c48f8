//! A secret that somebody shows, and that stores know by its hash.

use vouchsafe::crypto::{CryptoError, Provider, SecretString, hexadecimal};

/// A secret with its hash. There is no `Debug` of the content.
#[derive(Debug)]
pub(crate) struct HashedSecret {
    secret: SecretString,
    hash: String,
}

impl HashedSecret {
    /// A new one: 256 bits from the provider's random source, behind a prefix.
    pub(crate) fn generate(prefix: &str, provider: &Provider) -> Result<Self, CryptoError> {
        let mut bytes = [0_u8; 32];
        provider.random(&mut bytes)?;
        Self::received(format!("{prefix}{}", hexadecimal(&bytes)), provider)
    }

    /// The one that somebody shows, whatever it is.
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
