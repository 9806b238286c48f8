//! Small things about text.

use vouchsafe::crypto::Provider;

use crate::StoreError;

/// Octets as lower-case hexadecimal digits.
pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Names that nothing else has, for what a plan makes: 128 random bits each.
pub(crate) fn fresh_ids(count: usize) -> Result<Vec<String>, StoreError> {
    let provider = Provider::rustcrypto();
    let one = |_| {
        let mut octets = [0_u8; 16];
        provider.random(&mut octets).map_err(StoreError::cryptography)?;
        Ok(hexadecimal(&octets))
    };
    (0..count).map(one).collect()
}

/// The form in which names and e-mail addresses are compared: the planner's.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}
