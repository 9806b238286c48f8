//! Whom to believe: one identity provider's name, keys and scopes, and what must be signed.

use std::sync::Arc;

use vouchsafe_crypto::{CryptoError, Provider};
use vouchsafe_metadata::{EntityId, IdentityProvider, Scope};
use vouchsafe_signature::TrustedKey;

use crate::error::AssertionError;

/// One identity provider as configuration trusts it: its entity ID, its keys parsed once, and the domains it speaks for.
///
/// A `Trust` has at least one key. No key means that nothing can be believed, so there is no value for it.
#[derive(Clone, Debug)]
pub struct Trust {
    entity_id: EntityId,
    keys: Vec<TrustedKey>,
    unusable: Vec<String>,
    scopes: Arc<[Scope]>,
    accepts_unauthenticated_cbc: bool,
}

impl Trust {
    /// Takes the signing certificates of an identity provider. The provider decides which keys are strong enough; a certificate's
    /// dates and issuer play no part, since it is trusted for being in the metadata.
    ///
    /// A key that cannot be used is left out and listed in [`unusable_keys`](Trust::unusable_keys), so that one outdated key of several
    /// does not end every login.
    ///
    /// # Errors
    /// [`AssertionError::NoUsableKey`] if none remains.
    pub fn new(identity_provider: &IdentityProvider, provider: &Provider) -> Result<Trust, AssertionError> {
        let entity_id = identity_provider.entity_id().clone();
        let certificates = identity_provider.signing_certificates();
        let mut keys = Vec::with_capacity(certificates.len());
        let mut unusable = Vec::new();
        let mut last: Option<CryptoError> = None;
        for (place, certificate) in (1_usize..).zip(certificates) {
            let label = format!("{entity_id}, signing key {place}");
            match provider.public_key(certificate.spki_der()) {
                Ok(key) => keys.push(TrustedKey::new(key, label)),
                Err(error) => {
                    unusable.push(format!("{label}: {error}"));
                    last = Some(error);
                }
            }
        }
        if keys.is_empty() {
            return Err(AssertionError::NoUsableKey {
                entity_id: entity_id.as_str().to_owned(),
                count: certificates.len(),
                source: last,
            });
        }
        let accepts_unauthenticated_cbc = identity_provider.accepts_unauthenticated_cbc();
        let scopes = identity_provider.scopes().into();
        Ok(Trust { entity_id, keys, unusable, scopes, accepts_unauthenticated_cbc })
    }

    /// The identity provider.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// The keys, for other messages of the same identity provider, such as a logout request.
    #[must_use]
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// One line for each signing certificate that is not used, and why: a warning for the operator.
    #[must_use]
    pub fn unusable_keys(&self) -> &[String] {
        &self.unusable
    }

    /// The domains it speaks for (`shibmd:Scope`).
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    pub(crate) fn shared_scopes(&self) -> Arc<[Scope]> {
        Arc::clone(&self.scopes)
    }

    pub(crate) fn accepts_unauthenticated_cbc(&self) -> bool {
        self.accepts_unauthenticated_cbc
    }
}

/// Which signatures must exist. Whatever is asked for here, every signature that exists must verify, and one must exist.
///
/// ```
/// use vouchsafe_assertion::SignaturePolicy;
///
/// let policy = SignaturePolicy::default().require_signed_response();
/// assert!(policy.requires_signed_response());
/// assert!(!policy.requires_signed_assertion());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SignaturePolicy {
    response: bool,
    assertion: bool,
}

impl SignaturePolicy {
    /// The Response itself must be signed, not its Assertion alone.
    #[must_use]
    pub fn require_signed_response(mut self) -> SignaturePolicy {
        self.response = true;
        self
    }

    /// The Assertion itself must be signed, not the Response alone (`WantAssertionsSigned` of our metadata).
    #[must_use]
    pub fn require_signed_assertion(mut self) -> SignaturePolicy {
        self.assertion = true;
        self
    }

    /// Whether a signed Response is asked for.
    #[must_use]
    pub fn requires_signed_response(self) -> bool {
        self.response
    }

    /// Whether a signed Assertion is asked for.
    #[must_use]
    pub fn requires_signed_assertion(self) -> bool {
        self.assertion
    }
}
