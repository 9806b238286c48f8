use std::fmt;

use vouchsafe_crypto::{Certificate, CryptoError, KeyValue, Provider};
use vouchsafe_signature::TrustedKey;
use vouchsafe_xml::Quoted;

/// A key of an entity: a certificate, or bare numbers (`ds:KeyValue`) if the metadata has no certificate for it
/// (Metadata Interoperability Profile 2.5.1).
///
/// In both cases only the key counts; the dates and the issuer of a certificate are ignored (MD12). The certificate
/// determines the fingerprint, which is the one that consoles and `openssl x509 -fingerprint -sha256` show.
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
    /// Returns the certificate, if there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match &self.0 {
            Form::Certificate(certificate) => Some(certificate),
            Form::Value(_) => None,
        }
    }

    /// Returns the key as SubjectPublicKeyInfo in DER, for
    /// [`Provider::public_key`](vouchsafe_crypto::Provider::public_key), which checks it.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        match &self.0 {
            Form::Certificate(certificate) => certificate.spki_der(),
            Form::Value(value) => value.spki_der(),
        }
    }

    /// Trusts the key; `label` says where it came from. The trusted key has the same fingerprint as this one.
    ///
    /// # Errors
    /// As for [`Provider::public_key`]. Its policy applies to a bare key as to the key of a certificate.
    pub fn trusted(&self, label: impl Into<String>, provider: &Provider) -> Result<TrustedKey, CryptoError> {
        match &self.0 {
            Form::Certificate(certificate) => TrustedKey::of_certificate(certificate, label, provider),
            Form::Value(value) => Ok(TrustedKey::new(provider.public_key(value.spki_der())?, label)),
        }
    }

    /// Returns the certificate's SHA-256 fingerprint as consoles show it ("AB:CD:.."). If there is no certificate, it
    /// is the fingerprint of the key itself.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        match &self.0 {
            Form::Certificate(certificate) => certificate.fingerprint_sha256(),
            Form::Value(value) => value.fingerprint(),
        }
    }
}

/// Shows the certificate or the key, with its fingerprint and the kind of the fingerprint.
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
