//! XML encryption as identity providers send it: find the key, decrypt; and the other way round.
//!
//! SAML wraps a piece of a message (`saml2:EncryptedAssertion`, `saml2:EncryptedID`, `saml2:EncryptedAttribute`) in an
//! element that holds one `xenc:EncryptedData`, and one `xenc:EncryptedKey` for each recipient. The keys stand inside
//! the `ds:KeyInfo`, or beside the `EncryptedData` and are named by a `ds:RetrievalMethod` (Okta), or beside it without
//! one. [`decrypt`] finds them all.
//!
//! Three rules:
//!
//! * What a document says about a key (`ds:RetrievalMethod`, a certificate, `Recipient`, `ds:KeyName`) orders the
//!   attempts and excludes none. A [`DecryptionContext`] is the budget of private-key operations of one message.
//! * The [`Provider`](vouchsafe_crypto::Provider) decides which algorithms are accepted. SHA-1 inside RSA-OAEP is no
//!   weakness and is accepted; RSA 1.5 key transport is refused by name unless the provider was told otherwise.
//! * Whatever fails for a reason that depends on a secret is one opaque error, [`EncryptionError::Failed`], with no
//!   cause inside it, after the same operations. What can be read off the ciphertext's own structure has errors that say so.
//!
//! Whether unauthenticated ciphertext (AES-CBC that no signature covers) may be decrypted at all is decided above this
//! crate: [`cipher_of`] tells the cipher before anything is decrypted.
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
//! let sealed = encrypt("<greeting>hello</greeting>", key.public_key(), &EncryptOptions::default(), &provider)?;
//! let message = format!("<Encrypted>{sealed}</Encrypted>");
//!
//! let document = Document::parse(message.as_bytes(), &Limits::default())?;
//! let (keys, limits) = ([key], Limits::default());
//! let opened = decrypt(document.root(), &mut DecryptionContext::new(&keys, &provider, &limits))?;
//! assert_eq!(opened.octets(), b"<greeting>hello</greeting>");
//! assert!(opened.is_authenticated());
//! # Ok(())
//! # }
//! ```

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
