//! This crate lets Vouchsafe compute with AWS-LC. AWS-LC is faster than RustCrypto, the default, and it has a [FIPS 140-3](#fips) module.
//!
//! Start with these items:
//!
//! * [`provider`] computes with AWS-LC, and with RustCrypto where AWS-LC has no implementation.
//! * [`provider_of_aws_lc_alone`] computes with AWS-LC and refuses everything else.
//!
//! ```
//! use vouchsafe_crypto::{KeyKind, SignatureAlgorithm};
//!
//! let provider = vouchsafe_crypto_aws_lc::provider();
//! let key = provider.generate_key(KeyKind::P256)?;
//! let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, &key, b"message")?;
//! provider.verify(SignatureAlgorithm::EcdsaSha256, key.public_key(), b"message", &signature)?;
//! # Ok::<(), vouchsafe_crypto::CryptoError>(())
//! ```
//!
//! The list of accepted algorithms is that of [`Provider::rustcrypto`], and the answers are the same. Both providers apply the list, and
//! the limits for the length of keys, before they compute anything. An algorithm that needs
//! [`danger_allow`](Provider::danger_allow) there needs it here too.
//!
//! # What AWS-LC does not implement
//!
//! `aws-lc-rs` has no interface for the following. [`provider`] computes it with the RustCrypto implementation of `vouchsafe-crypto`;
//! [`provider_of_aws_lc_alone`] refuses it with [`CryptoError::AlgorithmUnsupported`], which names the algorithm:
//!
//! * RSA-OAEP with two different digests. AWS-LC computes `rsa-oaep-mgf1p` with its default digest SHA-1, and `xmlenc11#rsa-oaep` with
//!   twice SHA-256, SHA-384 or SHA-512, with and without a label.
//! * RSA keys below 2048 bits, except to verify PKCS#1 v1.5 signatures with SHA-1, SHA-256 or SHA-512.
//! * Signing with RSA-SHA1, and signing with ECDSA on P-256 or P-384 with a digest other than the curve's own. AWS-LC verifies these
//!   signatures.
//! * Generating RSA keys of lengths other than 2048, 3072, 4096 and 8192 bits.
//! * Triple DES with weak keys, and with keys whose parts are equal. AWS-LC computes Triple DES with all other keys. With these keys
//!   [`provider_of_aws_lc_alone`] fails as it does with a wrong key.
//!
//! The sender of a message chooses its key transport. If even the timing of the crate `rsa` is a risk for you (SECURITY.md says what is
//! known about it), use [`provider_of_aws_lc_alone`].
//!
//! RSA PKCS#1 v1.5 key transport, where it is allowed, has implicit rejection, as in the default provider. It is built here with AWS-LC's
//! HMAC. AWS-LC compares the padding in constant time, but takes another branch when the padding is wrong: a few instructions that the
//! default provider does not have.
//!
//! # FIPS
//!
//! Use [`provider_of_aws_lc_alone`] and add `aws-lc-rs = { version = "1", features = ["fips"] }` to the service: Cargo unifies features.
//! Switch off the default feature `rustcrypto`, here and in `vouchsafe`; then that provider is the only one, and no RustCrypto cipher,
//! curve or RSA is built. `vouchsafe-crypto` itself still computes fingerprints of keys and certificates, which protect nothing, with the
//! crates `sha2` and, for the key identifier in a certificate that it issues, `sha1`. It also checks the form of public keys and
//! signatures before AWS-LC, which makes the checks that its validation asks for again. AWS-LC computes everything that needs a private
//! key.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod cipher;
#[cfg(feature = "rustcrypto")]
mod completed;
mod elliptic;
mod rejection;
mod rsa_keys;

use aws_lc_rs::digest;
#[cfg(feature = "rustcrypto")]
use completed::Completed;
use std::sync::Arc;
use vouchsafe_crypto::backend::{PrivateKeyOperations, PublicKeyOperations, failure};
use vouchsafe_crypto::{
    Backend, ContentCipher, CryptoError, DigestAlgorithm, DigestContext, DigestValue, KeyKind, KeyTransport,
    Provider, SecretBytes, SignatureAlgorithm,
};

/// Returns the provider that computes with AWS-LC, with the default list of accepted algorithms. RustCrypto computes
/// [what AWS-LC does not implement](crate#what-aws-lc-does-not-implement).
///
/// ```
/// use vouchsafe_crypto::{DigestAlgorithm, KeyKind, KeyTransport};
///
/// let provider = vouchsafe_crypto_aws_lc::provider();
/// let key = provider.generate_key(KeyKind::Rsa { bits: 2048 })?;
/// let transport = KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha1 };
/// let bytes = provider.encrypt_key(transport, key.public_key(), &[7; 16])?;
/// assert_eq!(provider.decrypt_key(transport, &key, &bytes)?.as_slice(), [7; 16]);
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[cfg(feature = "rustcrypto")]
#[must_use]
pub fn provider() -> Provider {
    Provider::with_backend(Arc::new(Completed::new()))
}

/// Returns the provider that computes only with AWS-LC, with the default list of accepted algorithms. It refuses
/// [what AWS-LC does not implement](crate#what-aws-lc-does-not-implement), with an error that names the algorithm.
///
/// ```
/// use vouchsafe_crypto::{DigestAlgorithm, KeyKind, KeyTransport};
///
/// let provider = vouchsafe_crypto_aws_lc::provider_of_aws_lc_alone();
/// let key = provider.generate_key(KeyKind::Rsa { bits: 2048 })?;
/// let transport = KeyTransport::RsaOaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha1 };
/// let refused = provider.encrypt_key(transport, key.public_key(), &[7; 16]).unwrap_err();
/// assert_eq!(refused.code(), "crypto.algorithm_unsupported");
/// # Ok::<(), vouchsafe_crypto::CryptoError>(())
/// ```
#[must_use]
pub fn provider_of_aws_lc_alone() -> Provider {
    Provider::with_backend(Arc::new(AwsLc(())))
}

const NAME: &str = "AWS-LC";

/// The backend that uses AWS-LC.
#[derive(Debug)]
struct AwsLc(());

impl Backend for AwsLc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn digest(&self, algorithm: DigestAlgorithm, message: &[u8]) -> Result<DigestValue, CryptoError> {
        value(&digest::digest(digest_of(algorithm)?, message)).ok_or_else(|| unsupported(algorithm.uri()))
    }

    fn digest_context(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>, CryptoError> {
        Ok(Box::new(Context(digest::Context::new(digest_of(algorithm)?))))
    }

    fn public_key(
        &self,
        kind: KeyKind,
        spki_der: &[u8],
    ) -> Result<Arc<dyn PublicKeyOperations>, CryptoError> {
        match kind {
            KeyKind::Rsa { bits } => rsa_keys::public_key(bits, spki_der),
            _ => elliptic::public_key(kind, spki_der),
        }
    }

    fn private_key(
        &self,
        kind: KeyKind,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn PrivateKeyOperations>, CryptoError> {
        match kind {
            KeyKind::Rsa { bits } => rsa_keys::private_key(bits, pkcs8_der),
            _ => elliptic::private_key(kind, pkcs8_der),
        }
    }

    fn public_half(&self, kind: KeyKind, secret: &[u8]) -> Result<Vec<u8>, CryptoError> {
        elliptic::public_half(kind, secret)
    }

    fn check_rsa_private_key(&self, bits: u32, pkcs1_der: &[u8]) -> Result<(), CryptoError> {
        rsa_keys::check_private(bits, pkcs1_der)
    }

    fn generate_key(&self, kind: KeyKind) -> Result<SecretBytes, CryptoError> {
        match kind {
            KeyKind::Rsa { bits } => rsa_keys::generate(bits),
            _ => elliptic::generate(kind),
        }
    }

    fn decrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        cipher::decrypt(cipher, key, bytes)
    }

    fn encrypt_content(
        &self,
        cipher: ContentCipher,
        key: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        cipher::encrypt(cipher, key, plain)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        aws_lc_rs::rand::fill(buffer).map_err(|_| failure::random())
    }
}

struct Context(digest::Context);

impl DigestContext for Context {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> DigestValue {
        // There are four digests, and all are short enough. If not, the empty value equals none of them.
        value(&self.0.finish()).unwrap_or(DigestValue::from_array([]))
    }
}

fn value(digest: &digest::Digest) -> Option<DigestValue> {
    DigestValue::new(digest.as_ref())
}

fn digest_of(algorithm: DigestAlgorithm) -> Result<&'static digest::Algorithm, CryptoError> {
    Ok(match algorithm {
        DigestAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
        _ => return Err(unsupported(algorithm.uri())),
    })
}

fn unsupported(algorithm: &'static str) -> CryptoError {
    failure::unsupported(NAME, algorithm)
}

fn no_signature(algorithm: SignatureAlgorithm) -> CryptoError {
    unsupported(algorithm.uri())
}

fn no_transport(transport: KeyTransport) -> CryptoError {
    unsupported(transport.uri())
}
