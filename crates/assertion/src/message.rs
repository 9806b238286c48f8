//! Protocol messages other than a Response, from bytes to an accepted message: logout, name identifiers, and resolved artifacts.
//!
//! They are processed like a Response, and each step consumes its input:
//!
//! | step | result | meaning |
//! |---|---|---|
//! | [`ClaimedMessage::posted`], [`in_query`](ClaimedMessage::in_query), [`in_form`](ClaimedMessage::in_form), [`in_soap`](ClaimedMessage::in_soap) | [`ClaimedMessage`] | parsed once; use its claimed kind and sender for look-ups |
//! | [`authenticate_message`] | [`AuthenticMessage`] | a trusted key signed this message; only the signed bytes are left |
//! | [`AuthenticMessage::read`] | [`ReadMessage`] | the message that was parsed from these bytes and follows the schema |
//! | [`ReadMessage::validate`] | [`ValidMessage`] | every rule accepts it; it may have been used before |
//! | [`ValidMessage::confirm`] | [`Message`] | accepted, for the first and only time |
//!
//! A message is authenticated only by its own signature: the enveloped one of the message's element, or that of the
//! query or the form that carried it. A signature on an element inside it does not count, and neither does TLS.

mod accepted;
mod artifact;
mod authentic;
mod authenticate;
mod choose;
mod claimed;
mod error;
mod expectations;
mod facts;
mod kind;
mod paos;
mod rules;
mod soap;
mod unsigned_artifact;
mod valid;

pub use accepted::{
    LogoutOutcome, LogoutRequest, ManageNameIdRequest, Message, NameIdChange, ResolvedArtifact, StatusAnswer,
};
pub use artifact::{Artifact, ResolvedResponse, SourceId};
pub use authentic::{AuthenticMessage, ReadMessage};
pub use authenticate::authenticate_message;
pub use choose::{choose_for_message, owners_of_message};
pub use claimed::{Carriage, ClaimedMessage};
pub use error::MessageError;
pub use expectations::MessageExpectations;
pub use kind::MessageKind;
pub use paos::PaosResponse;
pub use unsigned_artifact::unsigned_artifact_response;
pub use valid::ValidMessage;
