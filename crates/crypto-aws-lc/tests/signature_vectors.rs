//! Signatures of other projects with AWS-LC: the suite of `vouchsafe-signature`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test: a panic is its failure, and it prints what it counted"
)]

#[path = "../../signature/tests/vector_suite/mod.rs"]
mod vector_suite;

use vouchsafe_crypto::Provider;

fn provider() -> Provider {
    vouchsafe_crypto_aws_lc::provider()
}
