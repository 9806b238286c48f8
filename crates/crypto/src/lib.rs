//! This crate computes the signatures, digests and ciphers of SAML, and reads keys and certificates. The list of a [`Provider`] says
//! which algorithms are accepted.
//!
//! Start with these items:
//!
//! * [`Provider`] signs, verifies, digests, encrypts and decrypts. It refuses each algorithm that its list does not contain. It computes
//!   with a [`backend`]: RustCrypto in this crate, AWS-LC in `vouchsafe-crypto-aws-lc`.
//! * [`PublicKey`] and [`PrivateKey`] are parsed keys. Each key is checked, and written in one normal form, before a backend gets it.
//! * [`Certificate`] contains a key, names and dates. Nothing here validates chains or dates: trust in SAML comes from configured
//!   metadata (SAML V2.0 Metadata Interoperability Profile, 2.6.1).
//!
//! ```
//! use vouchsafe_crypto::{Certificate, KeyKind, Provider, SignatureAlgorithm};
//!
//! let provider = Provider::rustcrypto();
//! let private = provider.generate_key(KeyKind::P256)?;
//! let certificate = Certificate::self_signed(&provider, &private, "sp.example.com", 1_700_000_000, 2_000_000_000)?;
//!
//! // Trust in a certificate is trust in the key that it contains. The key is parsed once.
//! let key = certificate.public_key(&provider)?;
//! let signature = provider.sign(SignatureAlgorithm::EcdsaSha256, &private, b"message")?;
//! provider.verify(SignatureAlgorithm::EcdsaSha256, &key, b"message", &signature)?;
//! # Ok::<(), vouchsafe_crypto::CryptoError>(())
//! ```
//!
//! The others:
//!
//! * [`KeyValue`] is a public key that came without a certificate, as numbers.
//! * The feature `rustcrypto`, on by default, contains the RustCrypto backend. Without it another crate provides the backend. All checks
//!   of keys and signatures stay, because this crate makes them and not the backend.
//! * This crate does not know XML: identifiers of algorithms are plain text.
//!
//! # What `danger_allow` accepts
//!
//! A setting that weakens a check is a method whose name begins with `danger_`. This table lists everything that
//! [`Provider::danger_allow`] can add to the default list. The first column is its argument:
//!
//! | word | what | why it is not accepted by default |
//! | --- | --- | --- |
//! | `http://www.w3.org/2000/09/xmldsig#rsa-sha1` | RSA PKCS#1 v1.5 signatures with SHA-1 | somebody who can influence what is signed can find a collision |
//! | `http://www.w3.org/2000/09/xmldsig#sha1` | the digest SHA-1 in references | the same; SHA-1 signatures of XML need both words, those of queries the first |
//! | `http://www.w3.org/2001/04/xmlenc#rsa-1_5` | RSA PKCS#1 v1.5 key transport | an answer from which an attacker learns whether the padding was valid allows decryption (Bleichenbacher, 1998) |
//! | `http://www.w3.org/2001/04/xmlenc#tripledes-cbc` | Triple DES in CBC mode | blocks of 64 bits repeat, and nothing authenticates them (NIST SP 800-131A) |
//! | `rsa-1024` | RSA keys from 1024 to 2047 bits | states can factor them (NIST SP 800-131A) |
//!
//! `danger_allow` also accepts each word that [`Provider::deny`] accepts, and then withdraws the denial. Nothing else
//! can be allowed: MD5, DSA, ECDSA with SHA-1 and HMAC are not implemented here.
//!
//! # Forms of keys and signatures
//!
//! Cryptographic libraries differ in the keys and signatures that they accept. Therefore each key is read, checked and written again
//! before a [`backend`] gets it, and [`backend::signature_form`] checks each signature. The answer depends on these rules and not on the
//! backend. "Refused" means [`CryptoError::KeyMalformed`] or [`CryptoError::KeyUnsupported`] for keys, and
//! [`CryptoError::SignatureLength`] or [`CryptoError::SignatureInvalid`] for signatures.
//!
//! | input | answer |
//! | --- | --- |
//! | any key that is not DER: lengths or INTEGERs that are not minimal, negative numbers, unused bits, data after the end | refused |
//! | RSA parameters: NULL, or none | accepted; the normal form has NULL (RFC 3279, 2.3.1) |
//! | RSA parameters: anything else | refused |
//! | RSASSA-PSS (RFC 4055) without parameters, or with SHA-256, SHA-384 or SHA-512, MGF1 over the same, and a salt no longer than the digest | accepted for RSASSA-PSS signatures only; the parameters stay as they are |
//! | RSASSA-PSS with other parameters | refused |
//! | RSA modulus from 2048 to 8192 bits (from 1024 with `rsa-1024`), of any length in between | accepted |
//! | RSA modulus that is even | refused |
//! | RSA exponent that is odd, from 3 to 2^33 - 1 | accepted |
//! | RSA exponent 1, even, or longer | refused: with exponent 1 everything verifies, and a long exponent makes each verification slow |
//! | RSA private key of two primes, each at most half as long as the modulus (rounded up) | accepted |
//! | RSA private key of more primes, of one prime twice, with d not below the modulus, or with any number that does not follow from modulus, exponents and primes (d, and the three CRT values) | refused and never repaired: the file is damaged |
//! | curves P-256, P-384, P-521 by name | accepted |
//! | any other curve, explicit parameters, no parameters | refused |
//! | point uncompressed (4), or compressed (2, 3) | accepted; the normal form is uncompressed |
//! | point hybrid (6, 7), compact (5), at infinity (0), off the curve, with a coordinate not below the prime, or of another length | refused (RFC 5480, 2.2) |
//! | scalar from 1 to the order less 1, with leading zeros left out or added | accepted; the normal form is as wide as the order (RFC 5915, 3) |
//! | scalar 0, or not below the order | refused |
//! | curve inside ECPrivateKey that differs from the curve outside | refused |
//! | public key inside a private key (RFC 5915, RFC 5958) | must belong to the private key; the normal form has the point, uncompressed, in ECPrivateKey and nowhere else |
//! | PKCS#8 version 1 with attributes, version 2 with a public key | accepted; the normal form is version 1 without them |
//! | PKCS#8 version 1 with a public key, version 2 without one | refused (RFC 5958, 2) |
//! | Ed25519 with parameters, or a key or seed that is not 32 bytes long | refused (RFC 8410, 3) |
//! | Ed25519 point not on the curve, with y not below 2^255 - 19, or of small order | refused: under such a key one signature fits many messages |
//! | signature whose length does not fit the key, ECDSA in ASN.1 | refused |
//! | ECDSA r or s zero, or not below the order | refused |
//! | ECDSA s in the upper half | accepted: no standard of XML signatures forbids it |
//! | RSA signature not below the modulus | refused (RFC 8017, 5.2.2) |
//! | Ed25519 S not below the order; R not a point in its only encoding, or of small order | refused (RFC 8032, 5.1.7) |
//! | Ed25519 signatures that hold only after multiplication by the cofactor | refused |
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod algorithm;
pub mod backend;
mod certificate;
mod content;
mod encoding;
mod error;
mod hexadecimal;
mod key;
mod key_format;
mod key_value;
mod normal_form;
mod own;
mod pem;
mod policy;
mod provider;
mod provider_encryption;
mod pss_key;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;
mod secret;
mod tlv;

pub use algorithm::{ContentCipher, DigestAlgorithm, KeyKind, KeyTransport, SignatureAlgorithm};
pub use backend::{Backend, DigestContext, DigestValue};
pub use certificate::Certificate;
pub use content::PaddedContent;
pub use encoding::{base64_decode, base64_encode};
pub use error::CryptoError;
pub use hexadecimal::{from_fingerprint, from_hexadecimal, hexadecimal};
pub use key::{PrivateKey, PublicKey};
pub use key_value::KeyValue;
pub use own::{own_sha1, own_sha256, system_random};
pub use provider::Provider;
pub use provider_encryption::WrappedKey;
pub use secret::{SecretBytes, SecretString, constant_time_eq};
