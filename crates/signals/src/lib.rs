//! Signals with which an identity provider ends a person's sessions: Okta's Universal Logout (Global Token Revocation), and CAEP
//! session-revoked events (OpenID Shared Signals, RFC 8417 pushed by RFC 8935).
//!
//! Start with these items:
//!
//! * [`SignalService`] answers requests over the types of the `http` crate:
//!   [`global_token_revocation`](SignalService::global_token_revocation) for Okta, [`security_event`](SignalService::security_event) for
//!   CAEP.
//! * [`Transmitter`] says whose signals are accepted for one connection: its issuer, its keys and the audiences that it names.
//!   [`StoredTransmitters`] takes them from the settings of stored connections.
//! * [`verify`] judges one signed token. It is a pure function.
//!
//! ```text
//! POST  ->  signed token  ->  verify: algorithm, type, key, signature, issuer, audience, times  ->  subject  ->  account of that connection
//!       ->  Change::EndSessions, decided and audited by the directory
//! ```
//!
//! * **Whose sessions.** A transmitter ends only the sessions of people who sign in over its connection, or whom its connection has
//!   pushed.
//! * **Which tokens.** Only signatures by RSA and ECDSA are accepted; `none` and HMAC are not. Keys come from the transmitter's JWKS and
//!   never from the token. The [`Provider`](vouchsafe::Provider) computes, with its minimum for the length of keys. `jsonwebtoken` only
//!   reads headers and JWKs. Its own cryptography, which a process chooses once, is not used.
//! * **Tokens that are not valid.** Anybody can post them. Their form is checked before anything is read, then one short row of the
//!   store is, at a limited rate. Their number is limited for each client address and connection, and a client that has sent a valid
//!   token is counted apart from all others.
//! * **Repeated tokens.** A token that was processed has no effect a second time. A token that could not be processed, because the store
//!   was not available, is processed when it comes again.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod error;
mod keys;
mod look_ups;
mod service;
mod strangers;
mod subject;
mod token;
mod transmitter;

pub use error::SignalError;
pub use keys::{FetchKeys, Fetching, KeySet};
pub use service::{SignalService, SignalStore};
pub use subject::Subject;
pub use token::{Expected, Verified, verify};
pub use transmitter::{StoredTransmitters, Transmitter, Transmitters};
