//! Everything of a SAML service provider that goes out over HTTPS: today the metadata of customers' identity providers.
//!
//! The addresses come from customers, so each is a way to make this service ask somebody on its own network. [`Client`] asks public
//! addresses alone, over https, within a size, a time and a number of redirects.
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
//! [`Refresher`] keeps the metadata of connections fresh, beside a service, and `StoredRefresher` (feature `store`) that of connections in a store. [`MetadataQuery`] asks a federation's server for one entity at a time.
//! `DomainResolver` (feature `dns`) asks the DNS whether a domain is a customer's own.

mod address;
mod answer;
mod client;
mod copies;
#[cfg(feature = "dns")]
mod domain_resolver;
mod error;
mod metadata_query;
mod refresh_event;
mod refresher;
mod status;
#[cfg(feature = "store")]
mod stored_answer;
#[cfg(feature = "store")]
mod stored_refresher;
mod task;

pub use client::Client;
#[cfg(feature = "dns")]
pub use domain_resolver::DomainResolver;
pub use error::ClientError;
pub use metadata_query::MetadataQuery;
pub use refresh_event::{RefreshEvent, RefreshFailure, RefreshOutcome};
pub use refresher::{RefreshedConnection, Refresher};
pub use status::{RefreshStatus, SourceError, SourceStatus};
#[cfg(feature = "store")]
pub use stored_answer::refresh_stored;
#[cfg(feature = "store")]
pub use stored_refresher::StoredRefresher;
pub use task::RefreshTask;
