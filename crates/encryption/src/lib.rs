//! This crate decrypts the XML elements that identity providers have encrypted: it finds the key and decrypts one element. It can also
//! encrypt one.
//!
//! Start with these items:
//!
//! * [`decrypt`] decrypts one encrypted element.
//! * [`DecryptionContext`] holds the private keys, and the number of private-key operations that one message may cost.
//! * [`encrypt`] makes an element that [`decrypt`] reads.
//!
//! SAML puts a part of a message (`saml2:EncryptedAssertion`, `saml2:EncryptedID`, `saml2:EncryptedAttribute`) into
//! an element with one `xenc:EncryptedData`, and one `xenc:EncryptedKey` for each recipient. Identity providers place
//! the encrypted keys in three ways: inside the `ds:KeyInfo`; next to the `EncryptedData`, with a
//! `ds:RetrievalMethod` that refers to them (Okta); or next to it without a reference. [`decrypt`] finds them all.
//!
//! Three rules:
//!
//! * What a document says about a key (`ds:RetrievalMethod`, a certificate, `Recipient`, `ds:KeyName`) determines the order of the
//!   attempts and excludes no key.
//! * The [`Provider`](vouchsafe_crypto::Provider) decides which algorithms are accepted. SHA-1 inside RSA-OAEP is not a weakness and is
//!   accepted. RSA 1.5 key transport is refused unless `danger_allow` names it.
//! * Every failure that depends on a secret is the same error, [`EncryptionError::Failed`], with no cause inside it, after the same
//!   operations. A fault that anybody can see in the ciphertext's structure has an error of its own.
//!
//! This crate does not decide whether ciphertext that nothing authenticates (AES-CBC that no signature covers) may be decrypted.
//! [`cipher_of`] tells the cipher before anything is decrypted, and `vouchsafe-assertion` decides.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use vouchsafe_crypto::{KeyKind, Provider};
//! use vouchsafe_encryption::{DecryptionContext, EncryptOptions, decrypt, encrypt};
//! use vouchsafe_xml::{Document, Limits};
//!
//! let provider = Provider::rustcrypto();
//! let key = provider.generate_key(KeyKind::Rsa { bits: 2048 })?;
//!
//! let encrypted = encrypt("<greeting>hello</greeting>", key.public_key(), &EncryptOptions::default(), &provider)?;
//! let message = format!("<Encrypted>{encrypted}</Encrypted>");
//!
//! let document = Document::parse(message.as_bytes(), &Limits::default())?;
//! let (keys, limits) = ([key], Limits::default());
//! let decrypted = decrypt(document.root(), &mut DecryptionContext::new(&keys, &provider, &limits))?;
//! assert_eq!(decrypted.bytes(), b"<greeting>hello</greeting>");
//! assert!(decrypted.is_authenticated());
//! # Ok(())
//! # }
//! ```
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod candidates;
mod context;
mod decrypt;
mod document;
mod encrypt;
mod error;
mod structure;

pub use context::DecryptionContext;
pub use decrypt::{Opened, cipher_of, decrypt, decrypt_element};
pub use document::decrypt_document;
pub use encrypt::{EncryptOptions, KeyLayout, Recipient, encrypt, encrypt_for};
pub use error::EncryptionError;
