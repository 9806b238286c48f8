//! This crate is the HTTPS client of a SAML service provider: it loads the metadata of customers' identity providers.
//!
//! Start with these items:
//!
//! * [`Client`] sends requests only to public addresses, over https, with limits for the size, the time and the
//!   number of redirects.
//! * [`Client::identity_provider`] loads one identity provider.
//! * [`Refresher`] keeps the metadata of connections fresh while a service runs. `StoredRefresher` (feature `store`) does so for
//!   connections in a store.
//!
//! Customers give the addresses, so a customer could give the address of a machine in your own network. Therefore each address is
//! resolved and checked, and again after each redirect.
//!
//! ```no_run
//! # async fn example() -> Result<(), vouchsafe_client::ClientError> {
//! use vouchsafe_client::Client;
//!
//! let client = Client::new()?;
//! let okta = client.identity_provider("https://example.okta.com/app/exk1/sso/saml/metadata").await?;
//! println!("{}", okta.entity_id());
//! # Ok(())
//! # }
//! ```
//!
//! The others:
//!
//! * [`DocumentRefresher`] keeps one document of many entities fresh: the aggregate of a federation.
//! * [`MetadataQuery`] asks the metadata server of a federation for one entity at a time.
//! * `DomainResolver` (feature `dns`) looks up the DNS record with which a customer proves that a domain is theirs.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod address;
mod answer;
mod client;
mod copies;
mod document_refresher;
#[cfg(feature = "dns")]
mod domain_resolver;
mod entity_copies;
mod error;
mod metadata_query;
mod queried_entity;
mod questions;
mod refresh_event;
mod refresher;
mod status;
#[cfg(feature = "store")]
mod stored_answer;
#[cfg(feature = "store")]
mod stored_refresher;
#[cfg(feature = "store")]
mod stored_requests;
mod task;

pub use client::Client;
pub use document_refresher::DocumentRefresher;
#[cfg(feature = "dns")]
pub use domain_resolver::DomainResolver;
pub use error::ClientError;
pub use metadata_query::MetadataQuery;
pub use questions::QueryLimits;
pub use refresh_event::{RefreshEvent, RefreshFailure, RefreshOutcome};
pub use refresher::{RefreshedConnection, Refresher};
pub use status::{RefreshStatus, SourceError, SourceStatus};
#[cfg(feature = "store")]
pub use stored_answer::refresh_stored;
#[cfg(feature = "store")]
pub use stored_refresher::StoredRefresher;
pub use task::RefreshTask;
