//! Axum routes, cookies and metadata loading for a SAML service provider.
//!
//! * [`routes`]: metadata, the start of a sign-in, the assertion consumer, sign-out. The state of the router is a [`Service`].
//! * [`SignedIn`]: the session, as an argument of a handler.
//! * [`pending_request`], [`open_session`]: the two ends of an assertion consumer, for a handler of one's own.
//! * [`ReturnPaths`]: where a sign-in may lead.
//! * [`MetadataClient`]: metadata over HTTPS from addresses that customers give.
//! * [`sweep`]: forgetting what is over.
//! * [`cookies`]: which cookies are set and why they are what they are.
//! * [`refusal`]: what a browser sees of a refusal, and what the log says.
//!
//! The rules of SAML are not here: this crate carries what comes to `vouchsafe` and what must be kept to `vouchsafe-store`.

mod assertion_consumer;
pub mod cookies;
mod error;
mod fetch;
pub mod refusal;
mod return_path;
mod routes;
mod service;
mod session;
mod sweep;

pub use assertion_consumer::pending_request;
pub use error::HttpError;
pub use fetch::MetadataClient;
pub use refusal::Reference;
pub use return_path::{ReturnPath, ReturnPaths};
pub use routes::{ASSERTION_CONSUMER, LOGIN, LOGOUT, METADATA, login_url, routes};
pub use service::{Service, SignIn, Store};
pub use session::{SignedIn, open_session};
pub use sweep::{Swept, sweep};

/// The commands and the handler of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
