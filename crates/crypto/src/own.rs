//! The operations that this crate does itself, with no provider and the same in every build: SHA-256 and SHA-1 by the crates `sha2` and
//! `sha1`, and random bytes from the operating system.
//!
//! [`Provider::sha256`](crate::Provider::sha256) and [`Provider::random`](crate::Provider::random) do the same by the backend that a
//! service chose: use them wherever there is a provider, and for everything that must be kept secret.

use crate::CryptoError;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// SHA-256 by this crate and not by a backend: for fingerprints of keys and certificates, which have no provider at hand and protect
/// nothing.
///
/// ```
/// assert_eq!(vouchsafe_crypto::own_sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
/// ```
#[must_use]
pub fn own_sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// SHA-1 by this crate and not by a backend: for the names that SAML makes of entity IDs with it, the SourceID of an artifact
/// (saml-bindings-2.0-os 3.6.4) and `{sha1}` of the metadata query protocol. They protect nothing, so no policy is asked.
///
/// ```
/// assert_eq!(vouchsafe_crypto::own_sha1(b"")[..4], [0xda, 0x39, 0xa3, 0xee]);
/// ```
#[must_use]
pub fn own_sha1(message: &[u8]) -> [u8; 20] {
    Sha1::digest(message).into()
}

/// Random bytes from the operating system and not from a backend: for names that must not collide and are no secret.
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
