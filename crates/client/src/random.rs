//! Random numbers by which questions are spread over time.

use vouchsafe::Provider;

/// It protects nothing, so a source of random numbers that fails does no harm.
pub(crate) fn random(provider: &Provider) -> u64 {
    let mut bytes = [0_u8; 8];
    match provider.random(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}
