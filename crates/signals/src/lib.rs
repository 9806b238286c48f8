//! Signals by which an identity provider ends a person's sessions: Okta's Universal Logout (Global Token Revocation) and CAEP session-revoked
//! events (OpenID Shared Signals, RFC 8417 pushed by RFC 8935).
//!
//! ```text
//! POST  ->  signed token  ->  verify: algorithm, type, key, signature, issuer, audience, times  ->  subject  ->  account of that connection
//!       ->  Change::EndSessions, decided and audited by the directory
//! ```
//!
//! * **Whose signals.** A [`Transmitter`] belongs to one connection: its issuer, its keys and the audiences that it says. It ends sessions of
//!   people whom that connection signs in or has pushed, and of nobody else.
//! * **What is believed.** Signatures by RSA, ECDSA and nothing else; `none` and HMAC are no algorithms here. Keys come from the transmitter's JWKS,
//!   never from the token. The cryptography is that of the [`Provider`](vouchsafe::Provider), with its minimum for the length of keys;
//!   `jsonwebtoken` reads headers and JWKs, and its own cryptography, which a process chooses once for all, is not used.
//! * **What comes twice.** A token that was done already does nothing a second time. One that could not be done, since the store was not there, is
//!   done when it comes again.
//!
//! [`verify`] is pure; [`SignalService`] answers requests over the types of the `http` crate.

mod error;
mod keys;
mod service;
mod subject;
mod token;
mod transmitter;

pub use error::SignalError;
pub use keys::{FetchKeys, Fetching, KeySet};
pub use service::{SignalService, SignalStore};
pub use subject::Subject;
pub use token::{Expected, Verified, verify};
pub use transmitter::{Transmitter, Transmitters};
