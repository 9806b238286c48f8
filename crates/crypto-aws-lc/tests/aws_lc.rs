//! The suite of `vouchsafe-crypto` with AWS-LC.

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
