//! Trusted keys from the configuration, and the search for the key that made a signature.

use std::fmt;
use std::sync::Arc;

use vouchsafe_crypto::{Certificate, CryptoError, Provider, PublicKey, SignatureAlgorithm};

use crate::SignatureError;
use crate::key_fingerprint::KeyFingerprint;

/// A public key that the configuration trusts for one signer, with a label for logs.
///
/// A trusted key is never taken from the message that it verifies. Cloning is cheap.
///
/// ```
/// use vouchsafe_crypto::{KeyKind, Provider};
/// use vouchsafe_signature::TrustedKey;
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let trusted = TrustedKey::new(key.public_key().clone(), "metadata of https://idp.example.com, key 1");
/// assert!(trusted.label().ends_with("key 1"));
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone)]
pub struct TrustedKey {
    shared: Arc<Shared>,
}

struct Shared {
    key: PublicKey,
    label: Arc<str>,
    fingerprint: KeyFingerprint,
}

impl TrustedKey {
    /// Trusts a `key` that has no certificate. `label` says where it came from.
    #[must_use]
    pub fn new(key: PublicKey, label: impl Into<String>) -> TrustedKey {
        let fingerprint = KeyFingerprint::Key(key.fingerprint().into());
        TrustedKey { shared: Arc::new(Shared { key, label: label.into().into(), fingerprint }) }
    }

    /// Trusts the key of a certificate. Messages name the key by the certificate's fingerprint. `label` says where it
    /// came from.
    ///
    /// # Errors
    /// The certificate's key cannot be read, or the provider does not accept it.
    pub fn of_certificate(
        certificate: &Certificate,
        label: impl Into<String>,
        provider: &Provider,
    ) -> Result<TrustedKey, CryptoError> {
        let key = certificate.public_key(provider)?;
        let fingerprint = KeyFingerprint::Certificate(certificate.fingerprint_sha256().into());
        Ok(TrustedKey { shared: Arc::new(Shared { key, label: label.into().into(), fingerprint }) })
    }

    /// Returns the label that says where the key came from, for logs and evidence.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.shared.label
    }

    /// Returns the key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.shared.key
    }

    /// Returns the fingerprint by which messages name the key.
    #[must_use]
    pub fn fingerprint(&self) -> &KeyFingerprint {
        &self.shared.fingerprint
    }

    pub(crate) fn shared_label(&self) -> Arc<str> {
        Arc::clone(&self.shared.label)
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TrustedKey")
            .field("label", &self.shared.label)
            .field("fingerprint", &self.shared.fingerprint)
            .finish()
    }
}

/// A signature value with the message that it is over, to be verified with several keys.
pub(crate) struct Signed<'s> {
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) message: &'s [u8],
    pub(crate) signature: &'s [u8],
    /// The local name of the signed element, for errors only.
    pub(crate) element: &'s str,
}

/// Returns the first trusted key that made the signature, and how many keys were tried. At most `limit` keys are
/// tried, because each costs a public-key operation that anybody can cause by sending a message.
pub(crate) fn key_that_signed<'k>(
    keys: &'k [TrustedKey],
    signed: &Signed<'_>,
    provider: &Provider,
    limit: usize,
) -> Result<(&'k TrustedKey, usize), SignatureError> {
    let &Signed { algorithm, message, signature, element } = signed;
    if keys.is_empty() {
        return Err(SignatureError::NoKeys { element: element.to_owned() });
    }
    let fitting = || keys.iter().filter(|key| algorithm.fits(key.public_key().kind()));
    let mut tried = 0_usize;
    let mut unusable = None;
    for (count, key) in (1..).zip(fitting()).take(limit) {
        match provider.verify(algorithm, key.public_key(), message, signature) {
            Ok(()) => return Ok((key, count)),
            Err(CryptoError::SignatureInvalid { .. } | CryptoError::SignatureLength { .. }) => {
                tried = tried.saturating_add(1);
            }
            Err(error) => unusable = unusable.or(Some(error)),
        }
    }
    if fitting().nth(limit).is_some() {
        let fitting = fitting().count();
        return Err(SignatureError::TooManyKeys { element: element.to_owned(), fitting, limit });
    }
    match unusable {
        // The policy or the backend refuses the key, which is not the sender's fault.
        Some(error) => Err(error.into()),
        None if tried == 0 => Err(SignatureError::NoFittingKey {
            element: element.to_owned(),
            algorithm: algorithm.uri(),
            keys: names(keys.iter()),
        }),
        None => Err(SignatureError::NotVerified {
            element: element.to_owned(),
            algorithm: algorithm.uri(),
            tried,
            keys: names(fitting()),
        }),
    }
}

/// Refuses an algorithm that the provider does not accept.
pub(crate) fn accepted(
    algorithm: SignatureAlgorithm,
    role: &'static str,
    provider: &Provider,
) -> Result<(), SignatureError> {
    if provider.accepts_signature(algorithm) {
        return Ok(());
    }
    Err(SignatureError::Algorithm {
        role,
        uri: algorithm.uri().to_owned(),
        reason: "the provider does not accept it",
    })
}

fn names<'k>(keys: impl Iterator<Item = &'k TrustedKey>) -> String {
    let mut names = String::new();
    for key in keys {
        if !names.is_empty() {
            names.push_str("; ");
        }
        names.push_str(key.label());
        names.push_str(" (");
        names.push_str(&key.fingerprint().to_string());
        names.push(')');
    }
    names
}
