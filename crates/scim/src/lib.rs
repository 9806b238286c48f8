//! This crate is a SCIM 2.0 service provider (RFC 7643, RFC 7644): it receives the users and groups that a customer's identity provider pushes.
//!
//! Start with these items:
//!
//! * [`ScimService`] answers requests over the types of the `http` crate, for any framework. `vouchsafe-axum` has the routes.
//! * [`Filter`] and [`Patch`] read what clients send. Both can be used alone.
//! * [`Limits`] and [`RequestRate`] limit what one customer may cost.
//!
//! ```text
//! request  ->  connection of its bearer token  ->  new state of the resource  ->  ScimFact  ->  Plan  ->  one transaction  ->  answer
//! ```
//!
//! [`ScimService`] keeps its resources in a [`ScimStore`](vouchsafe_store::ScimStore). One transaction writes the resource, changes the
//! directory, and ends the sessions of a person who was deactivated.
//!
//! * **Which people.** A token belongs to one connection, and a client sees the people whom that connection pushed. It does not see an
//!   account that was made by hand or pushed by another connection. If it creates a person who already signs in over the connection, it
//!   takes over that account.
//! * **What is stored.** Everything that the client sent, unknown attributes too, but never a password. `active` is what the client said:
//!   an account that an administrator suspended stays suspended, whatever a client says.
//! * **Pages.** Resources are listed in the order in which they were made. Paging by index is correct while resources are made and
//!   changed; paging by cursor (RFC 9865) is correct also while they are removed.
//! * **PATCH** is read as the RFC, Okta and Entra ID write it ([`Patch`]): all operations are applied, or none.
//!
//! ```
//! use std::sync::Arc;
//! use http::{Response, request::Parts};
//! use vouchsafe::Provider;
//! use vouchsafe_scim::ScimService;
//! use vouchsafe_store::Memory;
//!
//! // One base address for all customers: the bearer token says which connection sends a request.
//! let scim = ScimService::new(Arc::new(Memory::new()), "https://app.example.com/scim/v2", Provider::rustcrypto())
//!     .with_client_address(|request| request.headers.get("x-real-ip")?.to_str().ok()?.parse().ok());
//!
//! /// The handler of everything below `/scim/v2`. `path` is the rest of the path.
//! async fn endpoint(scim: &ScimService, request: &Parts, path: &str, body: Vec<u8>) -> Response<Vec<u8>> {
//!     // The body is read only after the token was found valid; `most` is the largest length that is allowed.
//!     let read = async |most: usize| Some(body).filter(|body| body.len() <= most);
//!     scim.handle(request, path, read, chrono::Utc::now).await
//! }
//! # let _ = (scim, endpoint);
//! ```
//!
//! [SCIM.md](https://github.com/vouchsafe/vouchsafe/blob/main/docs/SCIM.md) says what to type into Okta's and Entra ID's console, and how a connection gets its token.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod costly;
mod error;
mod filter;
mod limits;
mod names;
mod patch;
mod path;
mod projection;
mod query;
mod resource;
mod schema;
mod service;

pub use error::ScimError;
pub use filter::{Comparison, Filter};
pub use limits::Limits;
pub use patch::Patch;
pub use path::AttributePath;
pub use service::ScimService;
pub use vouchsafe::RequestRate;
pub use vouchsafe_store::ScimKind;
