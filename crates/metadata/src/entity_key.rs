use std::fmt;

use vouchsafe_crypto::{Certificate, CryptoError, KeyValue, Provider};
use vouchsafe_signature::TrustedKey;
use vouchsafe_xml::Quoted;

/// A key of an entity: as a certificate, or as bare numbers (`ds:KeyValue`) where the metadata has no certificate for it (Metadata
/// Interoperability Profile 2.5.1).
///
/// Either way the key is all that counts; a certificate's dates and issuer mean nothing (MD12). A certificate gives it the fingerprint that
/// consoles and `openssl x509 -fingerprint -sha256` show.
///
/// ```
/// # use vouchsafe_crypto::{Certificate, KeyKind, KeyValue, Provider};
/// # let provider = Provider::rustcrypto();
/// # let private = provider.generate_key(KeyKind::P256)?;
/// # let certificate = Certificate::self_signed(&provider, &private, "idp.example.com", 1_700_000_000, 2_000_000_000)?;
/// use vouchsafe_metadata::EntityKey;
///
/// let key = EntityKey::from(certificate.clone());
/// assert_eq!(key.fingerprint_sha256(), certificate.fingerprint_sha256());
///
/// let bare = EntityKey::from(KeyValue::from_spki_der(key.spki_der())?);
/// assert!(bare.certificate().is_none());
/// assert_eq!(bare.fingerprint_sha256(), private.public_key().fingerprint());
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityKey(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Certificate(Certificate),
    Value(KeyValue),
}

impl EntityKey {
    /// The certificate, if it came as one.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.0 {
            Form::Certificate(certificate) => Some(certificate),
            Form::Value(_) => None,
        }
    }

    /// The key as SubjectPublicKeyInfo in DER, for [`Provider::public_key`](vouchsafe_crypto::Provider::public_key), which judges it.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        match &self.0 {
            Form::Certificate(certificate) => certificate.spki_der(),
            Form::Value(value) => value.spki_der(),
        }
    }

    /// Trusts it; `label` says where it came from. It is named by the same fingerprint as here.
    ///
    /// # Errors
    /// As [`Provider::public_key`], whose policy judges a bare key as it does a certificate's.
    pub fn trusted(&self, label: impl Into<String>, provider: &Provider) -> Result<TrustedKey, CryptoError> {
        match &self.0 {
            Form::Certificate(certificate) => TrustedKey::of_certificate(certificate, label, provider),
            Form::Value(value) => Ok(TrustedKey::new(provider.public_key(value.spki_der())?, label)),
        }
    }

    /// The certificate's SHA-256 fingerprint as consoles show it ("AB:CD:.."); only where there is none, that of the key itself.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        match &self.0 {
            Form::Certificate(certificate) => certificate.fingerprint_sha256(),
            Form::Value(value) => value.fingerprint(),
        }
    }
}

/// What it is, with its fingerprint and of what that is.
impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Certificate(certificate) => {
                let subject = Quoted::new(certificate.subject());
                write!(f, "the certificate {subject} (SHA-256 {})", certificate.fingerprint_sha256())
            }
            Form::Value(value) => {
                write!(
                    f,
                    "the key without a certificate, {} (SHA-256 of the key {})",
                    value.kind(),
                    value.fingerprint()
                )
            }
        }
    }
}

impl From<Certificate> for EntityKey {
    fn from(certificate: Certificate) -> EntityKey {
        EntityKey(Form::Certificate(certificate))
    }
}

impl From<KeyValue> for EntityKey {
    fn from(value: KeyValue) -> EntityKey {
        EntityKey(Form::Value(value))
    }
}
