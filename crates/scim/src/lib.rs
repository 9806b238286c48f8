//! A SCIM 2.0 service provider (RFC 7643, RFC 7644): the users and groups that a customer's identity provider pushes become facts of the planner.
//!
//! ```text
//! request  ->  connection of its bearer token  ->  resource as it is to be  ->  ScimFact  ->  Plan  ->  one transaction  ->  answer
//! ```
//!
//! [`ScimService`] answers requests over the types of the `http` crate, for any framework; `vouchsafe-axum` has the routes. What it keeps is a
//! [`ScimStore`](vouchsafe_store::ScimStore), which changes the directory in the transaction that writes the resource, and ends the sessions of
//! whoever is deactivated in it.
//!
//! * **Whose people.** A token belongs to one connection. Its people are those whom it pushed; an account that was made by hand or pushed by another
//!   connection is not there. Creating somebody who signs in over the connection already takes that account.
//! * **What is kept.** Everything that the client said, unknown attributes too, and never a password. `active` is what the client said of the
//!   person: an account that an administrator suspended stays suspended, whatever a client says.
//! * **Pages.** Resources stand in the order in which they were made. An index is right while resources are made and changed; a cursor (RFC 9865)
//!   also while they are removed.
//! * **PATCH** is read as the RFC and as Okta and Entra ID write it ([`Patch`]): all operations or none.

mod costly;
mod error;
mod filter;
mod guesses;
mod limits;
mod names;
mod patch;
mod path;
mod projection;
mod query;
mod rate;
mod resource;
mod schema;
mod service;

pub use error::ScimError;
pub use filter::{Comparison, Filter};
pub use limits::Limits;
pub use patch::Patch;
pub use path::AttributePath;
pub use rate::RequestRate;
pub use service::ScimService;
pub use vouchsafe_store::ScimKind;
