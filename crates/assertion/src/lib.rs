//! This crate turns the bytes of a SAML response into a login, or explains why the response is refused.
//!
//! Start with these items:
//!
//! * [`Claimed`] is a parsed response that is not verified yet. It has only the claimed sender and the
//!   claimed request.
//! * [`authenticate`] verifies the signatures with your keys, and returns the bytes that a trusted key signed. Everything else is
//!   dropped.
//! * [`Login`] is an assertion that every rule accepted and that was not used before. A [`Refusal`] tells why a
//!   response was not accepted.
//!
//! Most services use the facade, `vouchsafe`, which does these steps for them. Each step consumes its input, and its result cannot be
//! made in any other way:
//!
//! | step | result | meaning |
//! |---|---|---|
//! | [`Claimed::parse`] | [`Claimed`] | parsed once; use it to look up the connection and the request |
//! | [`authenticate`] | [`Authentic`] | bytes that were digested under a trusted key's signature; the tree is gone |
//! | [`Authentic::read`] | [`AuthenticAssertion`] | the assertion that was parsed from these bytes alone |
//! | [`AuthenticAssertion::validate`] | [`ValidAssertion`] | every rule accepts it; it may have been used before |
//! | [`ValidAssertion::confirm`] | [`Login`] | accepted, for the first and only time |
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use vouchsafe_assertion::{Claimed, Expectations, Login, Refusal, Trust, authenticate, choose};
//! use vouchsafe_xml::Limits;
//!
//! fn receive(
//!     posted: &[u8],
//!     candidates: impl FnOnce(&Claimed) -> Vec<Trust>,
//!     expectations: &Expectations,
//!     now: DateTime<Utc>,
//!     record: impl FnOnce(&str) -> bool,
//! ) -> Result<Login, Refusal> {
//!     let limits = Limits::default();
//!     let claimed = Claimed::parse(posted, &limits)?;
//!     let candidates = candidates(&claimed);
//!     let trust = choose(&claimed, &candidates.iter().collect::<Vec<_>>(), &limits)?;
//!     let valid = authenticate(claimed, trust, &limits)?.read()?.validate(expectations, now)?;
//!     let key = valid.replay_key();
//!     let inserted = record(key.hash());
//!     valid.confirm(key.recorded(inserted))
//! }
//! ```
//!
//! This crate does no I/O and reads no clock: time, keys and expectations are arguments.
//!
//! # Layout
//!
//! * `authenticate` and `authentic` are the most critical part. `envelope` has the few parts of an unsigned Response
//!   that are used.
//! * `schema` is the schema's content model as one table. Every message is compared with it before anything is read from it.
//! * `rules` has one function for each rule, in tables in the order of the specification, one file for each topic. The rules get facts,
//!   not documents.
//! * `message` is the same path for all other messages: logout, name identifiers, resolved artifacts.
//! * `ledger` records each check. `error` has one variant for each reason, and `error_hints` says what an operator
//!   should change.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod attributes;
mod authentic;
mod authenticate;
mod authn_context;
mod candidates;
mod claimed;
mod comparison;
mod conditions;
mod connection_id;
mod declined;
mod decrypted;
mod envelope;
mod error;
mod error_cut;
mod error_hints;
mod error_words;
mod expectations;
mod explain;
mod facts;
mod instant;
mod ledger;
mod ledger_text;
mod login;
mod message;
mod message_id;
mod mixed_up;
mod name_id;
mod near_miss;
mod opening;
mod reading;
mod refusal;
mod replay;
mod requested_name;
mod rules;
mod schema;
mod subject_id;
mod trial;
mod trust;
mod valid;

pub use attributes::{Attribute, Attributes};
pub use authentic::{Authentic, AuthenticAssertion};
pub use authenticate::authenticate;
pub use authn_context::RequestedAuthnContext;
pub use candidates::{MOST_CANDIDATES, choose, owners_of_response};
pub use claimed::Claimed;
pub use comparison::Comparison;
pub use conditions::ProxyRestriction;
pub use connection_id::ConnectionId;
pub use declined::Declined;
pub use error::AssertionError;
pub use expectations::{Correlation, Expectations, OutstandingRequest};
pub use ledger::{Check, Ledger, Outcome, UnredactedLedger};
pub use login::Login;
pub use message::{
    Artifact, AuthenticMessage, Carriage, ClaimedMessage, LogoutOutcome, LogoutRequest, ManageNameIdRequest,
    Message, MessageError, MessageExpectations, MessageKind, NameIdChange, PaosResponse, ReadMessage,
    ResolvedArtifact, ResolvedResponse, SourceId, StatusAnswer, ValidMessage, authenticate_message,
    choose_for_message, owners_of_message, unsigned_artifact_response,
};
pub use message_id::MessageId;
pub use name_id::{NameId, PersistentName};
pub use near_miss::only_difference;
pub use refusal::Refusal;
pub use replay::{Recorded, ReplayKey};
pub use requested_name::{NameMismatch, RequestedName, SessionNameId};
pub use subject_id::{SubjectId, SubjectIdError};
pub use trial::Trial;
pub use trust::{SignaturePolicy, Trust};
pub use valid::ValidAssertion;
