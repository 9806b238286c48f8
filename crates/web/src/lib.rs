//! The browser flows of a SAML service provider, over the types of the `http` crate.
//!
//! [`SingleSignOn`] turns the parts and the body of a request into an answer or a login, for any framework that can hand them over:
//!
//! | flow | function |
//! |---|---|
//! | a sign-in that starts here | [`SingleSignOn::start`], or [`login`](SingleSignOn::login) with everything |
//! | the assertion consumer | [`SingleSignOn::accept`], [`accept_for`](SingleSignOn::accept_for): an [`Accepted`] login, or the answer |
//! | the same where the identity provider may say no | [`SingleSignOn::outcome`], [`SingleSignOn::when_declined`] |
//! | a connection that is tried out | [`SingleSignOn::start_trial`], shown by [`trial_page`](SingleSignOn::trial_page) |
//! | our metadata | [`SingleSignOn::metadata`], [`metadata_for`](SingleSignOn::metadata_for) |
//! | the end of a session, here and at its identity provider | [`SingleSignOn::sign_out`], [`local_logout`](SingleSignOn::local_logout) |
//! | the single logout addresses | [`SingleSignOn::single_logout`], [`single_logout_by_soap`](SingleSignOn::single_logout_by_soap) |
//! | names that identity providers change or end | [`SingleSignOn::name_id`], [`name_id_by_soap`](SingleSignOn::name_id_by_soap), [`order_name_id`](SingleSignOn::order_name_id) |
//! | a form that was posted without a session | [`SingleSignOn::sign_in_needed_for`], [`kept_form`](SingleSignOn::kept_form) |
//! | pages for whoever is signed in, forms of our own pages | [`SingleSignOn::sign_in_needed`], [`SingleSignOn::own_forms_only`] |
//! | refusals | [`SingleSignOn::refuse`], [`RefusalPage`], [`RefusalLog`] |
//!
//! It needs a [`ReplayStore`](vouchsafe_store::ReplayStore), a [`PendingStore`](vouchsafe_store::PendingStore) and a [`ConnectionSource`], and
//! nothing else: an application keeps its own users and its own sessions. One that has neither takes [`Provisioned`], the ready-made answer over a
//! directory and a store of sessions. It runs on Tokio, since a response is checked where no other
//! request waits for it. `vouchsafe-axum` and `vouchsafe-actix` have routes, extractors and layers.
//!
//! ```
//! use http::{Response, request::Parts};
//! use vouchsafe::provisioning::Identity;
//! use vouchsafe_web::{HttpError, SingleSignOn};
//!
//! /// The assertion consumer of a service with users and sessions of its own.
//! async fn assertion_consumer(sso: &SingleSignOn, request: &Parts, body: &[u8]) -> Response<String> {
//!     let accepted = match sso.accept(request, body).await {
//!         Ok(accepted) => accepted,
//!         Err(answer) => return *answer,
//!     };
//!     // Which customer, and who there: the connection, and the name with its format and qualifiers.
//!     let Some(person) = Identity::of_login(&accepted.login) else { return accepted.refuse(HttpError::UnknownPerson) };
//!     let session = my_sessions::open(&person.key()).await;
//!     let answer = sso.cookies().open_session(&session, 3600).and_then(|cookie| accepted.redirect([cookie]));
//!     answer.unwrap_or_else(|error| accepted.refuse(error))
//! }
//! # mod my_sessions { pub async fn open(_: &str) -> String { String::new() } }
//! ```

mod accept;
mod answers;
mod artifact;
mod awaited;
mod believed;
mod check;
mod chooser;
mod chooser_page;
mod client_network;
mod common_domain;
mod connection_cache;
mod connection_source;
pub mod cookies;
mod declined;
mod discovery_request;
mod error;
mod federation;
mod folded;
mod form_fields;
mod identity_provider_list;
mod kept_form;
mod key_use;
mod limiter;
mod link;
mod logout;
mod logout_page;
mod name_id;
mod organization_discovery;
mod paths;
mod places;
mod provisioned;
mod reference;
mod refusal_log;
mod refusal_page;
mod restart;
mod return_path;
pub mod same_origin;
mod single_logout;
mod single_sign_on;
mod start;
mod start_limiter;
mod stored_connections;
mod stores;
mod trial;

pub use accept::{Accepted, Checked, SignInAnswer, SignInOutcome};
pub use answers::{asks_by_paos, login_url, wants_json};
pub use chooser::{Chooser, ChooserView, ShownChoice};
pub use common_domain::CommonDomainCookie;
pub use connection_source::{ConnectionSource, Discovery};
pub use cookies::Cookies;
pub use declined::{AfterDeclined, DeclinedSignIn, NOBODY_SIGNED_IN};
pub use discovery_request::{DiscoveryRequest, discovered};
pub use error::{ApplicationError, HttpError};
pub use federation::Federation;
pub use identity_provider_list::{Choice, FoundChoices, IdentityProviderList};
pub use kept_form::KeptForms;
pub use limiter::{ReceiveLimiter, ReceivePermit};
pub use link::NOT_LINKED;
pub use logout::{EndedSession, EndsSessions, LogoutSessions};
pub use logout_page::{LogoutPage, LogoutView};
pub use name_id::{Managed, ManagesNames, NAME_CHANGED, NAME_NOT_CHANGED};
pub use organization_discovery::OrganizationDiscovery;
pub use paths::{
    ASSERTION_CONSUMER, CHOOSER, CONNECTION_ASSERTION_CONSUMER, CONNECTION_METADATA, CONNECTION_NAME_ID,
    CONNECTION_NAME_ID_SOAP, CONNECTION_SINGLE_LOGOUT, CONNECTION_SINGLE_LOGOUT_SOAP, DISCOVERED,
    DISCOVERY_FEED, KEPT_FORM, LINK, LOGIN, LOGOUT, METADATA, NAME_ID, NAME_ID_SOAP, Paths, SINGLE_LOGOUT,
    SINGLE_LOGOUT_SOAP,
};
pub use provisioned::{AccountStore, OpenedSession, Provisioned};
pub use reference::Reference;
pub use refusal_log::{RefusalLog, RefusalRecord};
pub use refusal_page::{RefusalPage, RefusalView, RefusedAttempt};
pub use return_path::{ReturnPath, ReturnPaths};
pub use single_sign_on::SingleSignOn;
pub use start::NOT_STARTED;
pub use start_limiter::{Rate, StartLimiter};
pub use stored_connections::StoredConnections;
pub use trial::TriedOut;
