//! SAML responses from octets to a login: authenticate, validate, confirm, explain.
//!
//! Bytes travel one straight path, and no type on it can be made in any other way. Each step consumes its input:
//!
//! | step | gives | which means |
//! |---|---|---|
//! | [`authenticate`] | [`Authentic`] | octets that were digested under a trusted key's signature; the tree is gone |
//! | [`Authentic::read`] | [`AuthenticAssertion`] | those octets parsed, and nothing else |
//! | [`AuthenticAssertion::validate`] | [`ValidAssertion`] | every rule accepts it; it may have been used before |
//! | [`ValidAssertion::confirm`] | [`Login`] | accepted, once |
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use vouchsafe_assertion::{Expectations, Login, Refusal, SignaturePolicy, Trust, authenticate};
//! use vouchsafe_crypto::{PrivateKey, Provider};
//! use vouchsafe_xml::{Document, Limits};
//!
//! fn receive(
//!     posted: &[u8],
//!     trust: &Trust,
//!     keys: &[PrivateKey],
//!     expectations: &Expectations,
//!     now: DateTime<Utc>,
//!     record: impl FnOnce(&str) -> bool,
//! ) -> Result<Login, Refusal> {
//!     let (provider, limits) = (Provider::rustcrypto(), Limits::default());
//!     let document = Document::parse(posted, &limits)?;
//!     let valid = authenticate(document, trust, keys, &provider, &limits, SignaturePolicy::default())?
//!         .read()?
//!         .validate(expectations, now)?;
//!     let key = valid.replay_key();
//!     let inserted = record(key.hash());
//!     valid.confirm(key.recorded(inserted)?)
//! }
//! ```
//!
//! # What is where
//!
//! * `authenticate` and `authentic` are the part that must be right before anything else matters; `envelope` is what an unsigned
//!   Response may be used for, which is little.
//! * `rules` is one function a rule, in tables that follow the specification, in a file a topic. The rules see facts, not documents.
//! * `ledger` records each check; `error` has one variant a reason, `error_hints` what an operator changes.
//!
//! This crate does no I/O and knows no clock: time, keys and expectations are arguments.

mod attributes;
mod authentic;
mod authenticate;
mod authn_context;
mod conditions;
mod envelope;
mod error;
mod error_hints;
mod expectations;
mod explain;
mod facts;
mod instant;
mod ledger;
mod ledger_text;
mod login;
mod message_id;
mod name_id;
mod opening;
mod reading;
mod refusal;
mod replay;
mod rules;
mod subject_id;
mod trust;
mod valid;

pub use attributes::{Attribute, Attributes};
pub use authentic::{Authentic, AuthenticAssertion};
pub use authenticate::authenticate;
pub use authn_context::{Comparison, RequestedAuthnContext};
pub use conditions::ProxyRestriction;
pub use envelope::Envelope;
pub use error::AssertionError;
pub use expectations::{Correlation, Expectations};
pub use ledger::{Check, Ledger, Outcome, UnredactedLedger};
pub use login::Login;
pub use message_id::MessageId;
pub use name_id::{NameId, PersistentName};
pub use refusal::Refusal;
pub use replay::{FirstSeen, ReplayKey};
pub use subject_id::SubjectId;
pub use trust::{SignaturePolicy, Trust};
pub use valid::ValidAssertion;
