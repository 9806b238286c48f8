//! This crate contains an identity provider for tests and demonstrations, in the style of Okta, and attacks to run against your own
//! service.
//!
//! Start with these items:
//!
//! * [`IdentityProvider`] issues responses. [`IdentityProvider::okta`] has the form that Okta uses: prefixes `saml2p` and `saml2`,
//!   Response and Assertion both signed, certificates with line breaks, five minutes of validity.
//! * [`ResponseBuilder`] changes any field, leaves any part out and adds anything, so that a test can make the message that it needs.
//! * [`attacks`] runs every attack against your assertion consumer and reports which were accepted. You implement
//!   [`attacks::Service`] for your service, which has two customers for the test.
//!
//! Keys are made when they are first used and live as long as the process; the source contains no secret. Everything else is
//! deterministic: identifiers and times have fixed defaults ([`ISSUE_INSTANT`]) or are arguments. Do not sign real people in with it.
//!
//! ```
//! # fn main() -> Result<(), vouchsafe_testkit::TestkitError> {
//! use vouchsafe_testkit::{Attribute, IdentityProvider, Part, Signed};
//!
//! let okta = IdentityProvider::okta();
//! let good = okta.response().in_response_to("_request").name_id("ada@example.com").issue()?;
//! assert!(good.xml().contains("ada@example.com"));
//!
//! let unsigned_response_without_audience = okta
//!     .response()
//!     .sign(Signed::Assertion)
//!     .omit(Part::AudienceRestriction)
//!     .attribute(Attribute::new("groups", ["Everyone", "perf-team"]))
//!     .issue()?;
//! assert!(!unsigned_response_without_audience.xml().contains("AudienceRestriction"));
//! # Ok(())
//! # }
//! ```
//!
//! The others:
//!
//! * The feature `server` has the same identity provider as a small HTTP server with a page on which a person chooses who signs in.
//! * [`Xsd`] compares a table of element types with the published schema files.
//! * [`counting`] has a provider that counts its operations.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

pub mod artifact;
pub mod attacks;
mod authn_request;
pub mod counting;
mod deflate;
mod error;
mod identity_provider;
mod issue;
pub mod keys;
pub mod logout;
mod particle;
mod parts;
mod render;
#[cfg(feature = "server")]
pub mod server;
pub mod shared;
mod xsd;
mod xsd_name;

pub use artifact::{ARTIFACT_INDEX, artifact_of};
pub use authn_request::AuthnRequest;
pub use error::TestkitError;
pub use identity_provider::{IdentityProvider, OKTA_ENTITY_ID, OKTA_SINGLE_SIGN_ON};
pub use issue::{
    ASSERTION_CONSUMER, ASSERTION_ID, EMAIL_ADDRESS, ISSUE_INSTANT, Issued, RESPONSE_ID, ResponseBuilder,
    SERVICE_PROVIDER,
};
pub use keys::KeyPair;
pub use logout::{LOGOUT_ID, LogoutBuilder, SINGLE_LOGOUT};
pub use parts::{Attribute, Encryption, Instant, Part, Place, Signed};
pub use xsd::Xsd;
