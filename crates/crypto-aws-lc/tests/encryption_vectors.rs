//! Ciphertexts of other projects with AWS-LC: the suite of `vouchsafe-encryption`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../../encryption/tests/vector_suite/mod.rs"]
mod vector_suite;

use vouchsafe_crypto::Provider;

fn provider() -> Provider {
    vouchsafe_crypto_aws_lc::provider()
}
