//! Implicit rejection for RSA PKCS#1 v1.5 (draft-irtf-cfrg-rsa-guidance, 7), which AWS-LC does not have.
//!
//! A ciphertext whose padding is wrong is answered with a message of its own: its length and its bytes are derived from
//! the private key and the ciphertext, so that they look like any message and are the same each time. It is made before
//! anything is decrypted, whether it is needed or not.

use aws_lc_rs::{digest, hmac};
use vouchsafe_crypto::SecretBytes;

/// Bytes that PKCS#1 v1.5 needs round a message at least.
const OVERHEAD: usize = 11;
/// So many candidates that one of them fits but once in 2^128 keys.
const CANDIDATES: usize = 128;

/// Derives messages for ciphertexts of one key.
pub(crate) struct Rejection {
    key: hmac::Key,
    modulus_length: usize,
}

impl Rejection {
    /// From the private key in any form: it must be secret and always the same.
    pub(crate) fn of_key(private_key: &[u8], modulus_length: usize) -> Self {
        let secret = digest::digest(&digest::SHA256, private_key);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()), modulus_length }
    }

    /// The message to give when the padding of these bytes is wrong.
    pub(crate) fn message(&self, bytes: &[u8]) -> SecretBytes {
        let key = hmac::sign(&self.key, bytes);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        let length = self.length(&stretch(&key, b"length", CANDIDATES.saturating_mul(2)));
        let mut message = stretch(&key, b"message", self.modulus_length);
        // The end of it, as the end of a padded block would be the message.
        let message = message.split_off(message.len().saturating_sub(length));
        SecretBytes::new(message)
    }

    /// The last candidate of two bytes each, cut to the bits of the longest message, that is not too long.
    fn length(&self, candidates: &[u8]) -> usize {
        let longest = self.modulus_length.saturating_sub(OVERHEAD);
        let mask = longest.next_power_of_two().saturating_sub(1);
        let (pairs, _) = candidates.as_chunks::<2>();
        let lengths = pairs.iter().map(|&pair| usize::from(u16::from_be_bytes(pair)) & mask);
        lengths.fold(0, |found, length| if length <= longest { length } else { found })
    }
}

/// HMAC over a counter and a purpose, as long as it takes.
fn stretch(key: &hmac::Key, purpose: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length.saturating_add(32));
    let bits = u16::try_from(length.saturating_mul(8)).unwrap_or(u16::MAX);
    for counter in 0..=u16::MAX {
        if bytes.len() >= length {
            break;
        }
        let input = [&counter.to_be_bytes(), purpose, &bits.to_be_bytes()].concat();
        bytes.extend_from_slice(hmac::sign(key, &input).as_ref());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{OVERHEAD, Rejection};
    use std::collections::BTreeSet;

    #[test]
    fn messages_are_steady_and_of_every_length() {
        let rejection = Rejection::of_key(b"key", 256);
        let mut lengths = BTreeSet::new();
        for byte in 0..=255u8 {
            let bytes = [byte; 256];
            let message = rejection.message(&bytes);
            assert_eq!(message.as_slice(), rejection.message(&bytes).as_slice());
            assert!(message.as_slice().len() <= 256 - OVERHEAD);
            lengths.insert(message.as_slice().len());
        }
        assert!(lengths.len() > 100, "{lengths:?}");
        let other = Rejection::of_key(b"another key", 256);
        assert_ne!(other.message(&[7; 256]).as_slice(), rejection.message(&[7; 256]).as_slice());
    }
}
