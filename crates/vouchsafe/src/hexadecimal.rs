//! Bytes as hexadecimal digits in lower case.

use vouchsafe_crypto::Provider;

use crate::error::BindingError;

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Random bytes: two digits for each.
pub(crate) fn random_hexadecimal<const BYTES: usize>(provider: &Provider) -> Result<String, BindingError> {
    let mut bytes = [0_u8; BYTES];
    provider.random(&mut bytes)?;
    Ok(hexadecimal(&bytes))
}
