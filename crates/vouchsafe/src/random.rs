//! Random identifiers.

use vouchsafe_crypto::{Provider, hexadecimal};

use crate::error::BindingError;

/// Returns random bytes in hexadecimal, two digits for each byte.
pub(crate) fn random_hexadecimal<const BYTES: usize>(provider: &Provider) -> Result<String, BindingError> {
    let mut bytes = [0_u8; BYTES];
    provider.random(&mut bytes)?;
    Ok(hexadecimal(&bytes))
}
