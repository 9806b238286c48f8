//! The owners' password. This example has one for all of them, made anew at each start and printed.
//!
//! A real service keeps a salted hash for each account; what matters here is that an owner can get in before SAML is set up.

use vouchsafe::Provider;
use vouchsafe::crypto::constant_time_eq;

use crate::failure::Failure;

/// The password; never shown by `Debug`.
pub(crate) struct OwnerPassword(String);

impl OwnerPassword {
    pub(crate) fn make(provider: &Provider) -> Result<OwnerPassword, Failure> {
        let mut bytes = [0_u8; 8];
        provider.random(&mut bytes)?;
        Ok(OwnerPassword(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// For the terminal of whoever started the program.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, given: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), given.as_bytes())
    }
}
