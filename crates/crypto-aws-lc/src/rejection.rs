//! Implicit rejection for RSA PKCS#1 v1.5 (draft-irtf-cfrg-rsa-guidance, 7), which AWS-LC does not implement.
//!
//! A ciphertext with wrong padding gives a message of its own. The length and the bytes of this message are derived
//! from the private key and the ciphertext, so it looks like any other message and is the same each time. It is made
//! before anything is decrypted, whether it is needed or not.

use aws_lc_rs::{digest, hmac};
use vouchsafe_crypto::SecretBytes;

/// The smallest number of bytes that PKCS#1 v1.5 adds to a message.
const OVERHEAD: usize = 11;
/// The number of candidates for the length. Only for one in 2^128 keys does none of them fit.
const CANDIDATES: usize = 128;

/// Derives messages for the ciphertexts of one key.
pub(crate) struct Rejection {
    key: hmac::Key,
    modulus_length: usize,
}

impl Rejection {
    /// Makes it from the private key in any form. The form must be secret and always the same.
    pub(crate) fn of_key(private_key: &[u8], modulus_length: usize) -> Self {
        let secret = digest::digest(&digest::SHA256, private_key);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()), modulus_length }
    }

    /// Returns the message for these bytes if their padding is wrong.
    pub(crate) fn message(&self, bytes: &[u8]) -> SecretBytes {
        let key = hmac::sign(&self.key, bytes);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        let length = self.length(&stretch(&key, b"length", CANDIDATES.saturating_mul(2)));
        let mut message = stretch(&key, b"message", self.modulus_length);
        // Take the end, because the message is at the end of a padded block.
        let message = message.split_off(message.len().saturating_sub(length));
        SecretBytes::new(message)
    }

    /// Returns the last candidate that is not too long. Each candidate has two bytes, cut to the bits of the longest
    /// message.
    fn length(&self, candidates: &[u8]) -> usize {
        let longest = self.modulus_length.saturating_sub(OVERHEAD);
        let mask = longest.next_power_of_two().saturating_sub(1);
        let (pairs, _) = candidates.as_chunks::<2>();
        let lengths = pairs.iter().map(|&pair| usize::from(u16::from_be_bytes(pair)) & mask);
        lengths.fold(0, |found, length| if length <= longest { length } else { found })
    }
}

/// Returns `length` bytes: HMAC over a counter and a purpose.
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
