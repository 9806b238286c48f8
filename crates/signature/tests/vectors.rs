//! Signatures of other projects, verified with the default provider.
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

mod vector_suite;

use vouchsafe_crypto::Provider;

fn provider() -> Provider {
    Provider::rustcrypto()
}
