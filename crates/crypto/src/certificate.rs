//! X.509 certificates: a key with names and dates.

mod issue;
mod pieces;
mod read;

use crate::encoding::colon_hex;
use crate::{CryptoError, PrivateKey, Provider, PublicKey, base64_encode, normal_form, own_sha256, pem};
use core::fmt;
use core::ops::Range;
use std::sync::Arc;

const LABEL: &str = "CERTIFICATE";

/// An X.509 certificate, parsed as leniently as SAML allows.
///
/// In SAML a certificate is a container for a key that the metadata makes trusted: issuer, dates, extensions and
/// signature are not checked (SAML V2.0 Metadata Interoperability Profile, 2.6.1), so none of them makes a
/// certificate unreadable. Parsing requires the outline of RFC 5280, 4.1, and the bytes of the key.
/// [`public_key`](Self::public_key) decides whether the key is acceptable.
///
/// ```
/// use vouchsafe_crypto::{Certificate, KeyKind, Provider};
///
/// let provider = Provider::rustcrypto();
/// let key = provider.generate_key(KeyKind::P256)?;
/// let certificate = Certificate::self_signed(&provider, &key, "sp.example.com", 1_700_000_000, 2_000_000_000)?;
///
/// let again = Certificate::from_base64(&certificate.to_base64())?;
/// assert_eq!(again.subject(), "CN=sp.example.com");
/// assert_eq!(again.not_after(), Some(2_000_000_000));
/// assert_eq!(again.public_key(&provider)?.fingerprint(), key.public_key().fingerprint());
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    inner: Arc<Inner>,
}

/// A service may hold a hundred thousand certificates, so the parts are ranges of the DER and are not stored twice.
#[derive(PartialEq, Eq)]
struct Inner {
    der: Box<[u8]>,
    /// The range of the key in the DER.
    spki: Range<usize>,
    /// The range of the serial number in the DER.
    serial: Range<usize>,
    subject: Box<str>,
    /// The issuer; `None` if it equals the subject.
    issuer: Option<Box<str>>,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl Certificate {
    /// Parses a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`CryptoError::CertificateMalformed`] if it is not a certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self { inner: Arc::new(read::read(der)?) })
    }

    /// Parses the first certificate of a PEM text. Text around it is skipped.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Pem`], [`CryptoError::Base64`], [`CryptoError::CertificateMalformed`].
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        Self::from_der(&pieces::first_of_pem(text)?)
    }

    /// Parses a certificate from a file in one of the usual formats: PEM, DER, or base64 of DER.
    ///
    /// ```
    /// use vouchsafe_crypto::{Certificate, KeyKind, Provider};
    ///
    /// let provider = Provider::rustcrypto();
    /// let key = provider.generate_key(KeyKind::P256)?;
    /// let certificate = Certificate::self_signed(&provider, &key, "idp.example.com", 1_700_000_000, 2_000_000_000)?;
    /// assert_eq!(Certificate::from_file_contents(certificate.der())?, certificate);
    /// assert_eq!(Certificate::from_file_contents(certificate.to_pem().as_bytes())?, certificate);
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CryptoError::Pem`], [`CryptoError::Base64`], [`CryptoError::CertificateMalformed`].
    pub fn from_file_contents(contents: &[u8]) -> Result<Self, CryptoError> {
        match core::str::from_utf8(contents) {
            Ok(text) if text.contains("-----BEGIN ") => Self::from_pem(text),
            Ok(text) => Self::from_base64(text),
            Err(_) => Self::from_der(contents),
        }
    }

    /// Parses the text of `ds:X509Certificate`: base64 of DER, which may contain white space. Two common mistakes are
    /// accepted too: plain PEM, and base64 of PEM (AD FS). If the text contains several certificates, the first is
    /// returned.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Base64`], [`CryptoError::Pem`], [`CryptoError::CertificateMalformed`].
    pub fn from_base64(text: &str) -> Result<Self, CryptoError> {
        Self::from_der(&first_of_base64(text)?)
    }

    /// Parses every certificate in such a text. The standard allows one (XML-DSig 4.4.4), but some products write a
    /// whole chain: base64 after base64, several PEM blocks, or DER after DER. All of these are accepted.
    ///
    /// ```
    /// # use vouchsafe_crypto::{Certificate, KeyKind, Provider};
    /// # let provider = Provider::rustcrypto();
    /// # let key = provider.generate_key(KeyKind::P256)?;
    /// # let certificate = Certificate::self_signed(&provider, &key, "sp.example.com", 1_700_000_000, 2_000_000_000)?;
    /// let twice = certificate.to_base64().repeat(2);
    /// assert_eq!(Certificate::all_from_base64(&twice)?, [certificate.clone(), certificate]);
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`from_base64`](Self::from_base64), for any of the certificates.
    pub fn all_from_base64(text: &str) -> Result<Vec<Self>, CryptoError> {
        let mut all = Vec::new();
        for piece in pieces::of_base64(text)? {
            let mut rest = piece.as_slice();
            loop {
                let certificate = Self::from_der(rest)?;
                rest = rest.get(certificate.der().len()..).unwrap_or_default();
                all.push(certificate);
                // Any other bytes after a certificate are ignored.
                if read::outline(rest).is_err() {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// Returns the key of the certificate in such a text, as SubjectPublicKeyInfo in DER. Returns `None` if the text
    /// does not have the outline of a certificate. Names and dates are not parsed, so the cost of a certificate that
    /// anybody sent depends only on its length.
    ///
    /// ```
    /// # use vouchsafe_crypto::{Certificate, KeyKind, Provider};
    /// # let provider = Provider::rustcrypto();
    /// # let key = provider.generate_key(KeyKind::P256)?;
    /// # let certificate = Certificate::self_signed(&provider, &key, "sp.example.com", 1_700_000_000, 2_000_000_000)?;
    /// let found = Certificate::spki_of_base64(&certificate.to_base64());
    /// assert_eq!(found.as_deref(), Some(key.public_key().spki_der()));
    /// assert_eq!(Certificate::spki_of_base64("no certificate"), None);
    /// # Ok::<(), vouchsafe_crypto::CryptoError>(())
    /// ```
    #[must_use]
    pub fn spki_of_base64(text: &str) -> Option<Vec<u8>> {
        let der = first_of_base64(text).ok()?;
        read::outline(&der).ok().map(|outline| outline.spki.to_vec())
    }

    /// Issues a certificate for a key, signed by that key: version 3, a random serial number, and the given name as
    /// `CN=`. Times are seconds since 1970 UTC.
    ///
    /// # Errors
    ///
    /// [`CryptoError::CertificateNotIssued`] if the name or a time cannot be encoded; [`CryptoError::SigningFailed`].
    pub fn self_signed(
        provider: &Provider,
        key: &PrivateKey,
        common_name: &str,
        not_before: i64,
        not_after: i64,
    ) -> Result<Self, CryptoError> {
        Self::from_der(&issue::self_signed(provider, key, common_name, not_before, not_after)?)
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// Returns the text for `ds:X509Certificate`: base64 on one line.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64_encode(self.der())
    }

    /// Returns the certificate in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, self.der())
    }

    /// Returns the subject in the form of RFC 4514 ("CN=sp.example.com,O=Example"), or "#30.." in hexadecimal if it
    /// cannot be parsed.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.inner.subject
    }

    /// Returns the issuer, in the same form as the subject.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.inner.issuer.as_deref().unwrap_or(&self.inner.subject)
    }

    /// Returns the serial number as "AB:CD:..".
    #[must_use]
    pub fn serial(&self) -> String {
        colon_hex(self.part(&self.inner.serial))
    }

    /// Returns the begin of validity in seconds since 1970 UTC; `None` if it has no known form.
    #[must_use]
    pub fn not_before(&self) -> Option<i64> {
        self.inner.not_before
    }

    /// Returns the end of validity in seconds since 1970 UTC; `None` if it has no known form.
    #[must_use]
    pub fn not_after(&self) -> Option<i64> {
        self.inner.not_after
    }

    /// Returns the key as SubjectPublicKeyInfo in DER, unchanged from the certificate. [`certifies`](Self::certifies)
    /// compares it with a key.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        self.part(&self.inner.spki)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.inner.der.get(range.clone()).unwrap_or_default()
    }

    /// Parses and checks the key of the certificate.
    ///
    /// # Errors
    ///
    /// As for [`Provider::public_key`].
    pub fn public_key(&self, provider: &Provider) -> Result<PublicKey, CryptoError> {
        provider.public_key(self.spki_der())
    }

    /// Returns whether the certificate contains this key. The keys are compared in their [normal
    /// form](crate#forms-of-keys-and-signatures), because a certificate may contain the key in another form.
    #[must_use]
    pub fn certifies(&self, key: &PublicKey) -> bool {
        normal_form::public(self.spki_der()).is_ok_and(|own| own.spki_der == key.spki_der())
    }

    /// Returns whether the certificate states that its key signs certificates: cA and keyCertSign (RFC 5280, 4.2.1.9
    /// and 4.2.1.3). Such a certificate is part of a chain, and is rarely the certificate of a party that signs
    /// messages.
    #[must_use]
    pub fn signs_certificates(&self) -> bool {
        read::signs_certificates(self.der())
    }

    /// Returns SHA-256 over the certificate as "AB:CD:..", as consoles show it.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        colon_hex(&own_sha256(self.der()))
    }
}

fn first_of_base64(text: &str) -> Result<Vec<u8>, CryptoError> {
    let first = pieces::of_base64(text)?.into_iter().next();
    first.ok_or(CryptoError::CertificateMalformed { detail: "it is empty", offset: 0 })
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("fingerprint_sha256", &self.fingerprint_sha256())
            .finish_non_exhaustive()
    }
}
