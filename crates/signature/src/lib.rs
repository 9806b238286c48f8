//! This crate verifies and makes XML signatures as SAML uses them, and the signatures of the bindings HTTP-Redirect and
//! HTTP-POST-SimpleSign.
//!
//! Start with these items:
//!
//! * [`verify`] takes an element of an untrusted tree and returns [`Verified`]: the bytes that a trusted key signed, with the
//!   [`Evidence`]. Nothing else can make that value. Read the data from these bytes, and never from the tree.
//! * [`TrustedKey`] is a key from your configuration. A key in a message is never used. Without a trusted key the message is refused.
//! * [`sign`] makes a signature that [`verify`] accepts.
//!
//! A signature must have the form that SAML Core 5.4 prescribes. Any other form is refused before anything is computed; `profile.rs` has
//! that form, rule by rule. The [`Provider`](vouchsafe_crypto::Provider) decides which algorithms are accepted. HMAC, DSA, XPath and XSLT
//! are not implemented here.
//!
//! The others:
//!
//! * [`sign_query`] and [`verify_query`] are for the HTTP-Redirect binding and use the raw bytes of the query. [`sign_form`] and
//!   [`verify_form`] are for HTTP-POST-SimpleSign and use the message in the form.
//! * [`autopsy`] looks for the reason why a signature fails. Call it when a person asks for the reason; it has no influence on the
//!   result.
//!
//! This crate does not decide which elements of a message must be signed, whether identifiers other than the referenced one are unique,
//! or what a message means. `vouchsafe-assertion` decides that.
//!
//! ```
//! use vouchsafe_crypto::{KeyKind, Provider};
//! use vouchsafe_signature::{Signer, TrustedKey, sign, verify};
//! use vouchsafe_xml::{Document, Limits};
//!
//! let (provider, limits) = (Provider::rustcrypto(), Limits::default());
//! let key = provider.generate_key(KeyKind::P256)?;
//! let xml = sign(r#"<Response ID="_1"><Status/></Response>"#, "_1", &Signer::new(&key), &provider, &limits)?;
//!
//! let trusted = [TrustedKey::new(key.public_key().clone(), "the identity provider's key")];
//! let document = Document::parse(xml.as_bytes(), &limits)?;
//! let verified = verify(document.root(), &trusted, &provider, &limits)?;
//! assert_eq!(verified.bytes(), br#"<Response ID="_1"><Status></Status></Response>"#);
//!
//! let changed = xml.replace("<Status/>", "<Status>Success</Status>");
//! let document = Document::parse(changed.as_bytes(), &limits)?;
//! let refused = verify(document.root(), &trusted, &provider, &limits).unwrap_err();
//! assert_eq!(refused.code(), "signature.digest_mismatch");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod algorithms;
mod autopsy;
mod autopsy_bench;
mod autopsy_budget;
mod autopsy_case;
mod autopsy_explanation;
mod autopsy_readings;
mod autopsy_texts;
mod children;
mod deflate;
mod error;
mod form;
mod insert;
mod key_fingerprint;
mod keys;
mod profile;
mod query;
mod query_autopsy;
mod sign;
mod signed_info;
mod verify;

pub use autopsy::{Autopsy, autopsy, has_its_digest};
pub use autopsy_budget::{AutopsyBudget, Stopped};
pub use autopsy_case::{DigestedContent, FailedSignature, Maker};
pub use autopsy_explanation::Explanation;
pub use deflate::{NotInflated, inflate};
pub use error::SignatureError;
pub use form::{SignedForm, UnsignedForm, VerifiedForm, sign_form, verify_form};
pub use insert::Place;
pub use key_fingerprint::KeyFingerprint;
pub use keys::TrustedKey;
pub use profile::signature_child;
pub use query::{MessageParameter, UnverifiedQuery, VerifiedQuery, sign_query, verify_query};
pub use query_autopsy::{QueryExplanation, explain_query};
pub use sign::{Signer, sign};
pub use signed_info::SignedInfo;
pub use verify::{Evidence, OutlineLimits, Verified, has_signature, verify, verify_any, verify_outline};
