//! SAML responses from octets to a login: authenticate, validate, confirm, explain.
//!
//! Bytes travel one straight path, and no type on it can be made in any other way. Each step consumes its input:
//!
//! | step | gives | which means |
//! |---|---|---|
//! | [`Claimed::parse`] | [`Claimed`] | parsed once; tells who claims to answer which request, for look-ups, and nothing else |
//! | [`authenticate`] | [`Authentic`] | octets that were digested under a trusted key's signature; the tree is gone |
//! | [`Authentic::read`] | [`AuthenticAssertion`] | those octets parsed, and nothing else |
//! | [`AuthenticAssertion::validate`] | [`ValidAssertion`] | every rule accepts it; it may have been used before |
//! | [`ValidAssertion::confirm`] | [`Login`] | accepted, once |
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
//! # What is where
//!
//! * `authenticate` and `authentic` are the part that must be right before anything else matters; `envelope` is what an unsigned
//!   Response may be used for, which is little.
//! * `schema` is the schema's content model as one table; everything is held against it before it is read.
//! * `rules` is one function a rule, in tables that follow the specification, in a file a topic. The rules see facts, not documents.
//! * `message` is the same path for every other message: logout, name identifiers, resolved artifacts.
//! * `ledger` records each check; `error` has one variant a reason, `error_hints` what an operator changes.
//!
//! This crate does no I/O and knows no clock: time, keys and expectations are arguments.

mod attributes;
mod authentic;
mod authenticate;
mod authn_context;
mod candidates;
mod claimed;
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
pub use authn_context::{Comparison, RequestedAuthnContext};
pub use candidates::{MOST_CANDIDATES, choose};
pub use claimed::Claimed;
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
    choose_for_message, unsigned_artifact_response,
};
pub use message_id::MessageId;
pub use name_id::{NameId, PersistentName};
pub use near_miss::only_difference;
pub use refusal::Refusal;
pub use replay::{Recorded, ReplayKey};
pub use requested_name::{NameMismatch, RequestedName, SessionNameId};
pub use subject_id::SubjectId;
pub use trial::Trial;
pub use trust::{SignaturePolicy, Trust};
pub use valid::ValidAssertion;
