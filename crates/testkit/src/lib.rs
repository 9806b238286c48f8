//! An Okta-shaped identity provider for tests and demos.
//!
//! [`IdentityProvider::okta`] issues responses in the shape that Okta gives them: prefixes `saml2p` and `saml2`, Response
//! and Assertion both signed, certificates with line breaks, five minutes of validity. [`ResponseBuilder`] overrides any
//! field, leaves any part out and puts anything in, so that a test can make the message it is about.
//!
//! Keys are made at first use and live as long as the process; nothing secret stands in the source. Everything else is
//! deterministic: identifiers and times have fixed defaults ([`ISSUE_INSTANT`]) or are arguments.
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
//! [`attacks`] turns the same messages against a service: named attacks to run against its own endpoint in its own tests.
//!
//! [`Xsd`] holds a table of element types against the published schema files.
//!
//! [`counting`] has a provider that counts its operations.
//!
//! With the feature `server`, the same identity provider as a small HTTP server with a dashboard page.

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
