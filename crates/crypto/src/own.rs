//! The operations that this crate does itself, without a provider and in the same way in every build: SHA-256 and
//! SHA-1 of the crates `sha2` and `sha1`, and random bytes from the operating system.
//!
//! [`Provider::sha256`](crate::Provider::sha256) and [`Provider::random`](crate::Provider::random) do the same with
//! the backend that a service chose. Use these two methods wherever there is a provider, and for everything that must
//! be kept secret.

use crate::CryptoError;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Computes SHA-256 in this crate and not in a backend. It is for fingerprints of keys and certificates, where no
/// provider is available and nothing must be protected.
///
/// ```
/// assert_eq!(vouchsafe_crypto::own_sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
/// ```
#[must_use]
pub fn own_sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// Computes SHA-1 in this crate and not in a backend. It is for the names that SAML derives from entity IDs: the
/// SourceID of an artifact (saml-bindings-2.0-os 3.6.4) and `{sha1}` of the metadata query protocol. They protect
/// nothing, so no policy applies.
///
/// ```
/// assert_eq!(vouchsafe_crypto::own_sha1(b"")[..4], [0xda, 0x39, 0xa3, 0xee]);
/// ```
#[must_use]
pub fn own_sha1(message: &[u8]) -> [u8; 20] {
    Sha1::digest(message).into()
}

/// Returns random bytes from the operating system and not from a backend. It is for names that must not collide and
/// are not secret.
///
/// # Errors
///
/// [`CryptoError::Random`].
///
/// ```
/// let mut name = [0; 16];
/// vouchsafe_crypto::system_random(&mut name)?;
/// assert_ne!(name, [0; 16]);
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
pub fn system_random(buffer: &mut [u8]) -> Result<(), CryptoError> {
    getrandom::fill(buffer).map_err(|_| CryptoError::Random {})
}
