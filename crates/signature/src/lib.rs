//! The SAML profile of XML signatures: verify, sign, and the signatures of HTTP-Redirect and HTTP-POST-SimpleSign.
//!
//! [`verify`] borrows an element of a tree that nobody vouches for and returns [`Verified`]: the octets that a trusted key
//! signed, and the [`Evidence`]. Nothing else makes that value, and what is read afterwards is read from its octets, never
//! from the tree. A signature of any other shape than the one that SAML Core 5.4 prescribes is refused before anything is
//! computed; `profile.rs` is that shape, rule by rule.
//!
//! * Keys come from configuration ([`TrustedKey`]), never from the message. No keys: refused.
//! * Algorithms are the policy of the [`Provider`](vouchsafe_crypto::Provider). HMAC, DSA, XPath and XSLT do not exist here.
//! * [`sign`] makes what [`verify`] accepts; [`sign_query`] and [`verify_query`] do the same for the HTTP-Redirect binding, over
//!   the raw octets of the query, [`sign_form`] and [`verify_form`] for HTTP-POST-SimpleSign, over the message in the form.
//! * [`autopsy`] looks for the reason of a signature that fails: on demand, for people, and without any say in the verdict.
//!
//! What this crate does not decide: which elements of a message must be signed, whether identifiers are unique beyond the
//! one that is referenced, and what a message means.

mod algorithms;
mod autopsy;
mod autopsy_bench;
mod autopsy_budget;
mod autopsy_explanation;
mod autopsy_readings;
mod autopsy_texts;
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

pub use autopsy::{Autopsy, DigestedContent, FailedSignature, Maker, autopsy, has_its_digest};
pub use autopsy_budget::{AutopsyBudget, Stopped};
pub use autopsy_explanation::Explanation;
pub use deflate::{NotInflated, inflate};
pub use error::SignatureError;
pub use form::{SignedForm, VerifiedForm, sign_form, verify_form};
pub use key_fingerprint::KeyFingerprint;
pub use keys::TrustedKey;
pub use profile::signature_child;
pub use query::{MessageParameter, UnverifiedQuery, VerifiedQuery, sign_query, verify_query};
pub use query_autopsy::{QueryExplanation, explain_query};
pub use sign::{Place, Signer, sign};
pub use signed_info::SignedInfo;
pub use verify::{Evidence, Verified, has_signature, verify, verify_any, verify_outline};
