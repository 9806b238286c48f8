//! Whom to believe over one connection: the identity provider's name, keys and scopes, and what must be signed.

use std::sync::Arc;

use vouchsafe_crypto::{CryptoError, PrivateKey, Provider};
use vouchsafe_metadata::{EntityId, IdentityProvider, Scope};
use vouchsafe_signature::TrustedKey;

use crate::connection_id::ConnectionId;
use crate::error::AssertionError;

/// One connection's identity provider as configuration trusts it: its entity ID, its keys parsed once, the domains it speaks for, which
/// algorithms are accepted of it, what it must sign, and the keys that open what it encrypts.
///
/// A `Trust` has at least one key. No key means that nothing can be believed, so there is no value for it.
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
    /// Takes the signing keys of an identity provider. The provider decides which of them are strong enough; a certificate's
    /// dates and issuer play no part, since it is trusted for being in the metadata.
    ///
    /// A key that cannot be used is left out and listed in [`unusable_keys`](Trust::unusable_keys), so that one outdated key of several
    /// does not end every login. The provider goes on to decide which algorithms are accepted over this connection.
    ///
    /// # Errors
    /// [`AssertionError::NoUsableKey`] if none remains.
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

    /// Says which signatures must exist.
    #[must_use]
    pub fn with_signature_policy(mut self, policy: SignaturePolicy) -> Trust {
        self.policy = policy;
        self
    }

    /// Gives the keys that open what is encrypted for this connection, tried in this order. No other key opens it.
    #[must_use]
    pub fn with_decryption_keys(mut self, keys: impl Into<Arc<[PrivateKey]>>) -> Trust {
        self.decryption_keys = keys.into();
        self
    }

    /// Gives keys that open what is encrypted for this connection and for no other one: nobody can have it open what was captured from another
    /// customer's. An EncryptedID with AES-CBC in a logout message is opened with such keys alone.
    #[must_use]
    pub fn with_own_decryption_keys(mut self, keys: impl Into<Arc<[PrivateKey]>>) -> Trust {
        self.has_own_decryption_keys = true;
        self.with_decryption_keys(keys)
    }

    /// Takes a `NotBefore` in the data of a bearer confirmation as the start of a window, where the Web Browser SSO profile forbids it
    /// (saml-profiles-2.0-os 4.1.4.2) and it is refused by default.
    ///
    /// It weakens nothing: the window only becomes narrower. It is for products that send it and cannot be told otherwise; the ledger says
    /// of each of their messages that it does not conform.
    #[must_use]
    pub fn tolerate_confirmation_not_before(mut self) -> Trust {
        self.tolerates_confirmation_not_before = true;
        self
    }

    /// Decrypts what comes with AES-CBC even where no signature covers the ciphertext.
    ///
    /// # Danger
    /// Whoever can alter such a message learns from our answers about the plaintext (Jager and Somorovsky, "How to Break XML
    /// Encryption"). Better to have the identity provider sign the Response as well, or encrypt with AES-GCM.
    #[must_use]
    pub fn danger_accept_unauthenticated_cbc(mut self) -> Trust {
        self.accepts_unauthenticated_cbc = true;
        self
    }

    /// Takes an ArtifactResponse without a signature of its own as a mere envelope around a signed Response.
    ///
    /// # Danger
    /// Whoever answers at the resolution service's address is not shown to be the identity provider; SAML asks for that (saml-profiles-2.0-os 5.4.2),
    /// and TLS is not taken for it. The Response inside must still be signed, itself or its Assertion, and answer the request, so that no more can be done
    /// than with a Response that a browser posts.
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

    /// The cryptography, and with it the algorithms that are accepted over this connection.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Which signatures must exist.
    #[must_use]
    pub fn signature_policy(&self) -> SignaturePolicy {
        self.policy
    }

    /// The keys that open what is encrypted for this connection.
    #[must_use]
    pub fn decryption_keys(&self) -> &[PrivateKey] {
        &self.decryption_keys
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

    /// One line for each signing key that is not used, and why: a warning for the operator.
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

    /// Whether identifiers that are encrypted with AES-CBC are opened in a message that needs no browser and no request of ours: whoever signed
    /// it may have captured them, and alters them byte by byte to learn from the answers.
    pub(crate) fn opens_cbc_in_messages(&self) -> bool {
        self.has_own_decryption_keys || self.accepts_unauthenticated_cbc
    }

    /// Whether [`danger_accept_unauthenticated_cbc`](Trust::danger_accept_unauthenticated_cbc) was called.
    #[must_use]
    pub fn accepts_unauthenticated_cbc(&self) -> bool {
        self.accepts_unauthenticated_cbc
    }

    /// Whether [`danger_accept_unsigned_artifact_responses`](Trust::danger_accept_unsigned_artifact_responses) was called.
    #[must_use]
    pub fn accepts_unsigned_artifact_responses(&self) -> bool {
        self.accepts_unsigned_artifact_responses
    }

    /// Whether [`tolerate_confirmation_not_before`](Trust::tolerate_confirmation_not_before) was called.
    #[must_use]
    pub fn tolerates_confirmation_not_before(&self) -> bool {
        self.tolerates_confirmation_not_before
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
