//! A SAML 2.0 service provider: only verified octets can be read, and every refusal is explained.
//!
//! This is the facade. It knows the bindings (what a browser posts, where it is redirected), what was asked and is not yet answered,
//! and whom the service trusts; each step from octets to a login is a crate of its own, re-exported here as a module.
//!
//! ```no_run
//! use chrono::{DateTime, Utc};
//! use vouchsafe::{EntityId, Expect, IdentityProvider, LoginOptions, PendingRequest, PostedResponse, ServiceProvider};
//!
//! fn configure(okta_metadata: &[u8]) -> Result<ServiceProvider, Box<dyn std::error::Error>> {
//!     Ok(ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
//!         .assertion_consumer("https://app.example.com/saml/acs")?
//!         .trust(IdentityProvider::from_metadata(okta_metadata)?)
//!         .build()?)
//! }
//!
//! // A sign-in that starts here: redirect the browser, keep `pending` under `pending.handle()`.
//! fn start(sp: &ServiceProvider, okta: &EntityId, now: DateTime<Utc>) -> Result<String, Box<dyn std::error::Error>> {
//!     let (redirect, pending) = sp.start_login(okta, LoginOptions::default(), now)?;
//!     keep(pending);
//!     Ok(redirect.url().to_owned())
//! }
//!
//! // The assertion consumer: the raw body of the POST, and the pending request that its RelayState leads to.
//! fn finish(sp: &ServiceProvider, body: &[u8], pending: &PendingRequest, now: DateTime<Utc>) -> Result<(), Box<dyn std::error::Error>> {
//!     let posted = PostedResponse::from_form(body, sp.limits())?;
//!     let valid = sp.receive(&posted, Expect::Reply(pending), now)?;
//!     let inserted = record(&valid.replay_key()); // atomically: false when it was there already
//!     let login = valid.replay_key().recorded(inserted).and_then(|first| valid.confirm(first))?;
//!     println!("signed in: {}", login.issuer());
//!     Ok(())
//! }
//! # fn keep(_: PendingRequest) {}
//! # fn record(_: &vouchsafe::ReplayKey) -> bool { true }
//! ```
//!
//! Times, and everything expected or stored, are arguments: nothing here does I/O, reads a clock, or is async. `vouchsafe-store` keeps
//! what must be kept, `vouchsafe-axum` speaks HTTP.

mod autopsy;
mod autopsy_finding;
mod builder;
mod descriptor;
#[cfg(feature = "doctor")]
pub mod doctor;
mod error;
mod form;
mod login;
mod pending;
mod post_form;
mod posted;
mod receive;
pub mod redirect;
mod relay_state;
mod request;
mod service_provider;

pub use autopsy::PostMortem;
pub use autopsy_finding::{CertificateFacts, SignatureFinding};
pub use builder::{Builder, Complete, SignRequests, WantsAssertionConsumer, WantsTrust};
pub use error::BindingError;
pub use pending::{PendingRequest, StoredPendingRequest};
pub use post_form::PostForm;
pub use posted::PostedResponse;
pub use receive::Expect;
pub use redirect::Redirect;
pub use relay_state::RelayState;
pub use request::LoginOptions;
pub use service_provider::ServiceProvider;

pub use vouchsafe_assertion::{FirstSeen, Ledger, Login, NameId, Refusal, ReplayKey, ValidAssertion};
pub use vouchsafe_crypto::Provider;
pub use vouchsafe_metadata::{EntityId, IdentityProvider, WebAddress};
pub use vouchsafe_xml::Limits;

pub use vouchsafe_assertion as assertion;
pub use vouchsafe_crypto as crypto;
pub use vouchsafe_encryption as encryption;
pub use vouchsafe_metadata as metadata;
pub use vouchsafe_provisioning as provisioning;
pub use vouchsafe_signature as signature;
pub use vouchsafe_xml as xml;
