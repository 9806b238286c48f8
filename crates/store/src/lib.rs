//! This crate stores what a SAML service provider must remember: accepted responses, pending requests, sessions, connections, and the
//! directory of accounts.
//!
//! Start with these items:
//!
//! * [`Store`] opens a store by its address. [`Memory`] is for tests and for one process. `Sqlite` (feature `sqlite`, on by default)
//!   keeps everything in a file or in memory, for the processes of one machine. `Postgres` (feature `postgres`) is for several machines.
//! * [`ReplayStore`], [`PendingStore`], [`SessionStore`], [`ConnectionStore`] and [`Directory`] are the main traits. [`Memory`], `Sqlite`
//!   and `Postgres` implement them all; `Redis` (feature `redis`) implements the first three. An application may implement each of them
//!   itself. A service with its own users and sessions needs [`ReplayStore`] and [`PendingStore`] only.
//! * [`SignIn`] describes what one sign-in writes in one transaction: the replay record, the changes of the plan, and
//!   the session.
//!
//! The traits can be used as trait objects (`Arc<dyn Directory>`). Their methods return a boxed future, an [`Answer`]. Nothing here reads
//! a clock: time is an argument.
//!
//! ```
//! use std::sync::Arc;
//! use vouchsafe_store::{ReplayStore, Store};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In production `sqlite:///var/lib/example/service.db` or `postgres://user:password@host/database`.
//! let store = Arc::new(Store::connect("memory").await?);
//!
//! // Of all calls with one hash, in all processes, exactly one is answered `true`.
//! let expires_at = "2026-01-15T09:10:00Z".parse()?;
//! assert!(store.insert_once("hash of an assertion", expires_at).await?);
//! assert!(!store.insert_once("hash of an assertion", expires_at).await?);
//! # Ok(())
//! # }
//! ```
//!
//! `vouchsafe-web` and the crates for frameworks take such a store, and call it. To write a store of your own, implement the traits
//! and run the suite of the feature `conformance` over it.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod api_token;
mod audit;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod audit_delivery;
mod audit_detail;
mod audit_entry;
mod audit_feed;
mod audited_refusal;
mod audited_state;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod cached_sessions;
mod claim;
mod configuration_audit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod connection_audit;
mod connection_decision;
mod connection_metadata;
mod connection_store;
mod connection_totals;
mod connection_write;
mod decision;
mod directory;
mod domain_recheck;
mod ended_session;
mod error;
mod error_makers;
mod form;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod json;
mod key_history;
mod logout;
mod memory;
mod metadata_audit;
mod new_customer;
mod newer_metadata;
mod pending;
#[cfg(feature = "postgres")]
mod postgres;
mod record_budget;
#[cfg(feature = "redis")]
mod redis;
mod refused_metadata;
mod renewal;
mod replay;
mod revocation;
mod scim;
mod scim_decision;
mod scim_token;
mod secret;
mod session;
mod set_up_link;
mod set_up_sweep;
mod sign_in;
mod sign_in_error;
mod sign_in_history;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod stored_connection;
mod text;
#[cfg(test)]
mod work;
mod written_refusals;

use std::pin::Pin;

pub use api_token::{ApiToken, ApiTokenSecret, ApiTokenStore};
pub use audit::AuditRecord;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub use audit_delivery::{AuditDelivery, RunningAuditDelivery};
pub use audit_detail::AuditDetail;
pub use audit_feed::{AuditCursor, AuditEntry, AuditFeed, export_audit};
pub use audited_refusal::{AskedDecision, AuditedRefusal, NotedRefusals};
pub use audited_state::{AuditedAccount, AuditedState};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub use cached_sessions::CachedSessions;
pub use claim::{Claim, ClaimStore};
pub use configuration_audit::Author;
pub use connection_decision::{ConnectionDecision, DecidedConnections, OrganizationConnections};
pub use connection_metadata::{ConnectionMetadata, MetadataComparison, MetadataSource};
pub use connection_store::{ConnectionOutline, ConnectionRevision, ConnectionStore};
pub use connection_totals::ConnectionTotals;
pub use connection_write::ConnectionWrite;
pub use decision::{About, Applied, Decided, Decision};
pub use directory::{AccountKey, Directory, Versioned};
pub use domain_recheck::{RecheckedDomains, recheck_domains};
pub use ended_session::EndedSessionStore;
pub use error::StoreError;
pub use form::{FormLimits, FormStore, SealedForm};
pub use key_history::{KeyHistory, keys_in_metadata, remembered_since};
pub use logout::{LOGOUT_MEMORY, LogoutStore, MOST_REMEMBERED_INDEXES, RememberedLogout, may_be_logged_out};
pub use memory::Memory;
pub use new_customer::{NewCustomer, PreparedCustomer};
pub use newer_metadata::{MetadataTrust, OfferedMetadata};
pub use pending::PendingStore;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use record_budget::RecordBudget;
#[cfg(feature = "redis")]
pub use redis::Redis;
pub use refused_metadata::RefusedMetadata;
pub use replay::{ReplayStore, forgotten_until};
pub use revocation::{Announcements, Announces, Revocation};
pub use scim::{ScimForm, ScimFrom, ScimKey, ScimKind, ScimPage, ScimResource, ScimStore, ScimWrite};
pub use scim_decision::{ScimApplied, ScimDecision, ScimRevision};
pub use scim_token::ScimToken;
pub use session::{Session, SessionId, SessionStore};
pub use set_up_link::{
    SetUpLink, SetUpLinkState, SetUpProgress, SetUpPurpose, SetUpSecret, SetUpStore, SetUpTrial,
};
pub use set_up_sweep::sweep_set_up_links;
pub use sign_in::{CompletedSignIn, ConfirmedSignIn, DecidedSignIn, SignIn, SignInContext};
pub use sign_in_error::SignInError;
pub use sign_in_history::{
    ExplainedLine, HistoryLimits, PlannedSignIn, RecordedSignIn, SignInHistory, export_sign_ins,
};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use store::Store;
pub use stored_connection::{StoredConnection, StoredSettings, StoredTransmitter};

pub use vouchsafe::SessionNameId;
pub use written_refusals::WrittenRefusals;

/// The result of a store's method: a future that can be sent to another thread.
///
/// ```
/// use vouchsafe_store::{Answer, StoreError};
///
/// fn two() -> Answer<'static, u64> {
///     Box::pin(async { Ok(2) })
/// }
/// ```
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The result of a decision: a future whose error may be a refusal.
pub type Decides<'a, T> = Pin<Box<dyn Future<Output = Result<T, SignInError>> + Send + 'a>>;
