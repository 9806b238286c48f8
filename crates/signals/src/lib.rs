//! This crate receives signals with which an identity provider ends a person's sessions: Okta's Universal Logout (Global Token Revocation), and CAEP
//! session-revoked events (OpenID Shared Signals, RFC 8417 pushed by RFC 8935).
//!
//! Start with these items:
//!
//! * [`SignalService`] answers requests over the types of the `http` crate:
//!   [`global_token_revocation`](SignalService::global_token_revocation) for Okta, [`security_event`](SignalService::security_event) for
//!   CAEP.
//! * [`Transmitter`] says whose signals are accepted for one connection: its issuer, its keys and the audiences that it names.
//!   [`StoredTransmitters`] takes them from the settings of stored connections.
//! * [`FetchKeys`] fetches the keys of a transmitter, for example by `vouchsafe_client::Client::load`.
//! * [`verify`] judges one signed token. It is a pure function.
//!
//! With axum, `vouchsafe_axum::signal_routes` makes the routes. With any other framework, pass each request to the service:
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use vouchsafe::{ConnectionId, Provider};
//! use vouchsafe_signals::{FetchKeys, Fetching, SignalService, Transmitter};
//! use vouchsafe_store::Memory;
//!
//! #[derive(Debug)]
//! struct Keys;
//!
//! impl FetchKeys for Keys {
//!     fn fetch<'a>(&'a self, address: &'a str) -> Fetching<'a> {
//!         // In your service: client.load(address).await
//!         Box::pin(async move { Err(format!("this example does not ask {address}").into()) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The people of the organization "acme" sign in over the connection "acme-okta". Its administrator enters the address of
//! // the route in Okta, and Okta writes it into its tokens as the audience.
//! let address = "https://app.example.com/signals/acme-okta/global-token-revocation";
//! let connection = ConnectionId::new("acme-okta")?;
//! let keys = "https://acme.okta.com/oauth2/v1/keys";
//! let okta = Transmitter::new("acme".into(), connection.clone(), "https://acme.okta.com", keys).for_audience(address);
//! let transmitters = BTreeMap::from([(connection, okta)]);
//! // The store that has the accounts and sessions.
//! let store = Arc::new(Memory::new());
//! let signals = SignalService::new(store, Arc::new(transmitters), Arc::new(Keys), Provider::rustcrypto());
//!
//! // A text that is not a signed token ends no session.
//! let request = http::Request::post(address).header("authorization", "Bearer x").body(())?;
//! let (request, ()) = request.into_parts();
//! // The body is read only for a valid token, and has at most `_most` bytes.
//! let body = |_most| async { Some(br#"{"sub_id": {"format": "email", "email": "ada@acme.example"}}"#.to_vec()) };
//! // In your service: chrono::Utc::now()
//! let now = "2026-01-15T09:00:00Z".parse()?;
//! let answer = signals.global_token_revocation("acme-okta", &request, body, now).await;
//! assert_eq!(answer.status(), http::StatusCode::BAD_REQUEST);
//! # Ok(())
//! # }
//! ```
//!
//! The checks of a request, in their order:
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
//! * **Tokens that are not valid.** Anybody can post them. Their form is checked first. Then one short row of the store is read, at a
//!   limited rate. Their number is limited for each client address and connection, and a client that has sent a valid
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
