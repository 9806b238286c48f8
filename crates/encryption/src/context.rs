//! The keys, the provider and the limits of decryption, with the budget of one message.

use std::fmt;

use vouchsafe_crypto::{PrivateKey, Provider};
use vouchsafe_xml::Limits;

/// The keys, the provider and the limits for **one message**, with its budget of private-key operations.
///
/// Make one for each message, and pass it to every decryption in that message: each part can only spend what the
/// earlier parts left. The budget is `limits.private_key_operations`. It does not depend on the number of encrypted
/// parts, encrypted keys and private keys.
///
/// ```
/// use vouchsafe_crypto::Provider;
/// use vouchsafe_encryption::DecryptionContext;
/// use vouchsafe_xml::Limits;
///
/// let (provider, limits) = (Provider::rustcrypto(), Limits::default());
/// let context = DecryptionContext::new(&[], &provider, &limits);
/// assert_eq!(context.operations_left(), limits.private_key_operations);
/// ```
pub struct DecryptionContext<'k> {
    keys: &'k [PrivateKey],
    provider: &'k Provider,
    limits: &'k Limits,
    operations_left: usize,
    opened_last: Option<usize>,
}

impl<'k> DecryptionContext<'k> {
    /// Makes a context for one message, with the whole budget.
    #[must_use]
    pub fn new(keys: &'k [PrivateKey], provider: &'k Provider, limits: &'k Limits) -> DecryptionContext<'k> {
        let operations_left = limits.private_key_operations;
        DecryptionContext { keys, provider, limits, operations_left, opened_last: None }
    }

    /// Returns the private keys.
    #[must_use]
    pub fn keys(&self) -> &'k [PrivateKey] {
        self.keys
    }

    /// Returns the provider of the cryptography.
    #[must_use]
    pub fn provider(&self) -> &'k Provider {
        self.provider
    }

    /// Returns the limits for parsing.
    #[must_use]
    pub fn limits(&self) -> &'k Limits {
        self.limits
    }

    /// Returns how many private-key operations may still be done for this message.
    #[must_use]
    pub fn operations_left(&self) -> usize {
        self.operations_left
    }

    /// Counts one operation, whether it succeeds or not.
    pub(crate) fn spend(&mut self) {
        self.operations_left = self.operations_left.saturating_sub(1);
    }

    /// Returns whether the key at this index opened the previous part.
    pub(crate) fn opened_last(&self, place: usize) -> bool {
        self.opened_last == Some(place)
    }

    pub(crate) fn remember(&mut self, place: usize) {
        self.opened_last = Some(place);
    }
}

impl fmt::Debug for DecryptionContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DecryptionContext")
            .field("keys", &self.keys.len())
            .field("operations_left", &self.operations_left)
            .finish_non_exhaustive()
    }
}
