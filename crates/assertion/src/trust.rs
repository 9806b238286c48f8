//! The trust in the identity provider of one connection: its entity ID, keys and scopes, and what must be signed.

use std::sync::Arc;

use vouchsafe_crypto::{CryptoError, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, IdentityProvider, Scope};
use vouchsafe_signature::TrustedKey;

use crate::connection_id::ConnectionId;
use crate::error::AssertionError;

/// The configured trust in one connection's identity provider: its entity ID, its keys (parsed once), its domains,
/// the accepted algorithms, what it must sign, and the keys that decrypt its messages.
///
/// A `Trust` has at least one key. Without a key no message could be verified, so such a value does not exist.
#[derive(Clone, Debug)]
pub struct Trust {
    connection: ConnectionId,
    provider: Provider,
    policy: SignaturePolicy,
    decryption_keys: Arc<[PrivateKey]>,
    has_own_decryption_keys: bool,
    entity_id: EntityId,
    keys: Vec<TrustedKey>,
    unusable: Vec<String>,
    scopes: Arc<[Scope]>,
    accepts_unauthenticated_cbc: bool,
    accepts_unsigned_artifact_responses: bool,
    tolerates_confirmation_not_before: bool,
}

impl Trust {
    /// Makes a trust of the signing keys of an identity provider. The provider decides which of them are strong
    /// enough. A certificate's dates and issuer are not checked, since the certificate is trusted because it is in
    /// the metadata.
    ///
    /// A key that cannot be used is skipped and listed in [`unusable_keys`](Trust::unusable_keys), so that one
    /// outdated key of several does not end every login. The provider also decides which algorithms are accepted over
    /// this connection.
    ///
    /// # Errors
    /// [`AssertionError::NoUsableKey`] if no key remains.
    pub fn new(
        connection: ConnectionId,
        identity_provider: &IdentityProvider,
        provider: &Provider,
    ) -> Result<Trust, AssertionError> {
        let entity_id = identity_provider.entity_id().clone();
        let signing = identity_provider.signing_keys();
        let mut keys = Vec::with_capacity(signing.len());
        let mut unusable = Vec::new();
        let mut last: Option<CryptoError> = None;
        for (place, signing_key) in (1_usize..).zip(signing) {
            let label = format!("{entity_id}, signing key {place}");
            match signing_key.trusted(&label, provider) {
                Ok(key) => keys.push(key),
                Err(error) => {
                    unusable.push(format!("{label}: {error}"));
                    last = Some(error);
                }
            }
        }
        if keys.is_empty() {
            return Err(AssertionError::NoUsableKey {
                entity_id: entity_id.as_str().to_owned(),
                count: signing.len(),
                source: last,
            });
        }
        let scopes = identity_provider.scopes().into();
        Ok(Trust {
            connection,
            provider: provider.clone(),
            policy: SignaturePolicy::default(),
            decryption_keys: Arc::new([]),
            has_own_decryption_keys: false,
            entity_id,
            keys,
            unusable,
            scopes,
            accepts_unauthenticated_cbc: false,
            accepts_unsigned_artifact_responses: false,
            tolerates_confirmation_not_before: false,
        })
    }

    /// Sets which signatures are required.
    #[must_use]
    pub fn with_signature_policy(mut self, policy: SignaturePolicy) -> Trust {
        self.policy = policy;
        self
    }

    /// Sets the keys that decrypt messages over this connection, tried in this order. No other key is used.
    #[must_use]
    pub fn with_decryption_keys(mut self, keys: impl Into<Arc<[PrivateKey]>>) -> Trust {
        self.decryption_keys = keys.into();
        self
    }

    /// Sets keys that decrypt messages over this connection only. Then nobody can use this connection to decrypt
    /// ciphertext that was captured from another customer. An EncryptedID with AES-CBC in a logout message is
    /// decrypted only with such keys.
    #[must_use]
    pub fn with_own_decryption_keys(mut self, keys: impl Into<Arc<[PrivateKey]>>) -> Trust {
        self.has_own_decryption_keys = true;
        self.with_decryption_keys(keys)
    }

    /// Accepts a `NotBefore` in the data of a bearer confirmation, as the earliest time of use. The Web Browser SSO
    /// profile forbids it (saml-profiles-2.0-os 4.1.4.2), so it is refused by default.
    ///
    /// This weakens nothing, since it only shortens the time of validity. It is for products that always send it. The
    /// ledger records that each of their messages does not conform.
    #[must_use]
    pub fn tolerate_confirmation_not_before(mut self) -> Trust {
        self.tolerates_confirmation_not_before = true;
        self
    }

    /// Decrypts content that was encrypted with AES-CBC even if no signature covers the ciphertext.
    ///
    /// # Danger
    /// An attacker who can alter such a message learns about the plaintext from our answers (Jager and Somorovsky,
    /// "How to Break XML Encryption"). It is better if the identity provider also signs the Response, or encrypts
    /// with AES-GCM.
    #[must_use]
    pub fn danger_accept_unauthenticated_cbc(mut self) -> Trust {
        self.accepts_unauthenticated_cbc = true;
        self
    }

    /// Accepts an ArtifactResponse without a signature, if the Response inside is signed.
    ///
    /// # Danger
    /// Without that signature, the sender of the answer is not proven to be the identity provider, which SAML
    /// requires (saml-profiles-2.0-os 5.4.2); TLS does not prove it. The Response inside, or its Assertion, must
    /// still be signed and answer the request, so an attacker can do no more than with a Response that a browser
    /// posts.
    #[must_use]
    pub fn danger_accept_unsigned_artifact_responses(mut self) -> Trust {
        self.accepts_unsigned_artifact_responses = true;
        self
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The cryptography, with the algorithms that are accepted over this connection.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The required signatures.
    #[must_use]
    pub fn signature_policy(&self) -> SignaturePolicy {
        self.policy
    }

    /// The keys that decrypt messages over this connection.
    #[must_use]
    pub fn decryption_keys(&self) -> &[PrivateKey] {
        &self.decryption_keys
    }

    /// The entity ID of the identity provider.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.entity_id
    }

    /// The signing keys, for other messages of the same identity provider, such as a logout request.
    #[must_use]
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// One line for each signing key that cannot be used, with the reason: a warning for the operator.
    #[must_use]
    pub fn unusable_keys(&self) -> &[String] {
        &self.unusable
    }

    /// The domains of the identity provider (`shibmd:Scope`).
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    pub(crate) fn shared_scopes(&self) -> Arc<[Scope]> {
        Arc::clone(&self.scopes)
    }

    /// Returns whether identifiers that are encrypted with AES-CBC are decrypted in messages that need no browser and
    /// no request of ours. Their signer may have captured the ciphertext, and could alter it byte by byte to learn
    /// from the answers.
    pub(crate) fn opens_cbc_in_messages(&self) -> bool {
        self.has_own_decryption_keys || self.accepts_unauthenticated_cbc
    }

    /// Returns whether [`danger_accept_unauthenticated_cbc`](Trust::danger_accept_unauthenticated_cbc) was called.
    #[must_use]
    pub fn accepts_unauthenticated_cbc(&self) -> bool {
        self.accepts_unauthenticated_cbc
    }

    /// Returns whether
    /// [`danger_accept_unsigned_artifact_responses`](Trust::danger_accept_unsigned_artifact_responses) was called.
    #[must_use]
    pub fn accepts_unsigned_artifact_responses(&self) -> bool {
        self.accepts_unsigned_artifact_responses
    }

    /// Returns whether [`tolerate_confirmation_not_before`](Trust::tolerate_confirmation_not_before) was called.
    #[must_use]
    pub fn tolerates_confirmation_not_before(&self) -> bool {
        self.tolerates_confirmation_not_before
    }
}

/// The required signatures. Under every policy, each existing signature must be valid, and at least one must exist.
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
    /// Requires that the Response itself is signed, and not only its Assertion.
    #[must_use]
    pub fn require_signed_response(mut self) -> SignaturePolicy {
        self.response = true;
        self
    }

    /// Requires that the Assertion itself is signed, and not only the Response (`WantAssertionsSigned` of our
    /// metadata).
    #[must_use]
    pub fn require_signed_assertion(mut self) -> SignaturePolicy {
        self.assertion = true;
        self
    }

    /// Returns whether a signed Response is required.
    #[must_use]
    pub fn requires_signed_response(self) -> bool {
        self.response
    }

    /// Returns whether a signed Assertion is required.
    #[must_use]
    pub fn requires_signed_assertion(self) -> bool {
        self.assertion
    }
}
