//! The suite of `vouchsafe-crypto` over AWS-LC, and what AWS-LC leaves out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![allow(clippy::arithmetic_side_effects, reason = "lengths in tests are small")]

#[path = "../../crypto/tests/suite/mod.rs"]
mod suite;

use vouchsafe_crypto::Provider;

fn provider() -> Provider {
    vouchsafe_crypto_aws_lc::provider()
}

/// Algorithms that this backend names as not implemented.
const UNSUPPORTED: &[&str] = &[
    "RSA-OAEP with two digests",
    "sign RsaSha1 RSA 2048 bits",
    "sign EcdsaSha256 P-384",
    "sign EcdsaSha384 P-256",
    "sign EcdsaSha512 P-256",
    "sign EcdsaSha512 P-384",
];
