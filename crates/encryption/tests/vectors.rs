//! Ciphertexts of other projects, decrypted with the default provider.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod vector_suite;

use vouchsafe_crypto::Provider;

fn provider() -> Provider {
    Provider::rustcrypto()
}
