//! Secret values, which are wiped when dropped and never shown.

use core::fmt;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

/// Secret bytes. They are wiped when dropped and have no `PartialEq`, and `Debug` does not show them.
///
/// ```
/// use vouchsafe_crypto::SecretBytes;
///
/// let key = SecretBytes::new(vec![1, 2, 3]);
/// assert_eq!(key.as_slice(), [1, 2, 3]);
/// assert_eq!(format!("{key:?}"), "SecretBytes(…)");
/// ```
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Makes a secret of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// A secret text, such as a private key in PEM. It is wiped when dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Makes a secret of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(…)")
    }
}

/// Returns whether two values are equal, in a time that depends only on their lengths.
///
/// ```
/// assert!(vouchsafe_crypto::constant_time_eq(b"token", b"token"));
/// assert!(!vouchsafe_crypto::constant_time_eq(b"token", b"taken"));
/// assert!(!vouchsafe_crypto::constant_time_eq(b"token", b"tok"));
/// ```
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Returns `found` if it has the length of `substitute`, else `substitute`. The bytes are copied under a mask,
/// without a branch on them. The comparison of the lengths is not hidden, which is acceptable because RSA PKCS#1 v1.5
/// with implicit rejection gives a random length for wrong padding.
pub(crate) fn same_length_or(found: Option<SecretBytes>, mut substitute: SecretBytes) -> SecretBytes {
    let found = found.as_ref().map(SecretBytes::as_slice).unwrap_or_default();
    let right = found.len().ct_eq(&substitute.as_slice().len());
    for (index, byte) in substitute.0.iter_mut().enumerate() {
        let other = found.get(index).copied().unwrap_or_default();
        byte.conditional_assign(&other, right);
    }
    substitute
}
