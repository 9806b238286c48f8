//! This crate implements the browser flows of a SAML service provider: the start of a sign-in, its answer, and the sign-out. They are
//! functions over the types of the `http` crate, for any web framework.
//!
//! Start with these items:
//!
//! * [`SingleSignOn`] gets the parts and the body of a request, and returns an answer or a login.
//! * [`Accepted`] is a login that was accepted. Your service opens its session and sends the browser on with [`Accepted::redirect`].
//! * [`Provisioned`] is for a service that has neither users nor sessions yet: it keeps both in `vouchsafe-store`.
//!
//! `vouchsafe-axum` and `vouchsafe-actix` have routes, extractors and layers over this crate.
//!
//! | flow | function |
//! |---|---|
//! | start a sign-in | [`SingleSignOn::start`], or [`login`](SingleSignOn::login), which also reads from the request which organization, and where to return |
//! | the assertion consumer | [`SingleSignOn::accept`], [`accept_for`](SingleSignOn::accept_for): an [`Accepted`] login, or the answer |
//! | the same, if the identity provider may answer that nobody signed in | [`SingleSignOn::outcome`], [`SingleSignOn::when_declined`] |
//! | try a connection without changing anything | [`SingleSignOn::start_trial`]; [`trial_page`](SingleSignOn::trial_page) shows the result |
//! | the metadata of this service | [`SingleSignOn::metadata`], [`metadata_for`](SingleSignOn::metadata_for) |
//! | end a session, here and at its identity provider | [`SingleSignOn::sign_out`], [`local_logout`](SingleSignOn::local_logout) |
//! | the single logout addresses | [`SingleSignOn::single_logout`], [`single_logout_by_soap`](SingleSignOn::single_logout_by_soap) |
//! | names that identity providers change or end | [`SingleSignOn::name_id`], [`name_id_by_soap`](SingleSignOn::name_id_by_soap), [`order_name_id`](SingleSignOn::order_name_id) |
//! | a form that was posted without a session | [`SingleSignOn::sign_in_needed_for`], [`kept_form`](SingleSignOn::kept_form) |
//! | pages that need a session, and forms that only your own pages may post | [`SingleSignOn::sign_in_needed`], [`SingleSignOn::own_forms_only`] |
//! | the pages on which a customer's administrator connects an identity provider (feature `portal`) | `SetUp`, `SingleSignOn::set_up` |
//! | refusals | [`SingleSignOn::refuse`], [`RefusalPage`], [`RefusalLog`] |
//!
//! [`SingleSignOn`] needs only a [`ReplayStore`](vouchsafe_store::ReplayStore), a
//! [`PendingStore`](vouchsafe_store::PendingStore) and a [`ConnectionSource`]: the application keeps its own users
//! and sessions. It runs on Tokio, because a response is checked on a thread where no other request waits for it.
//!
//! ```
//! use std::time::Duration;
//! use http::{Response, request::Parts};
//! use vouchsafe_web::SingleSignOn;
//!
//! /// The assertion consumer of a service that has its own users and sessions.
//! async fn assertion_consumer(sso: &SingleSignOn, request: &Parts, body: &[u8]) -> Response<String> {
//!     let accepted = match sso.accept(request, body).await {
//!         Ok(accepted) => accepted,
//!         Err(answer) => return *answer,
//!     };
//!     let opened = async {
//!         // A person is found by the connection, and by the name with its format and qualifiers.
//!         let person = accepted.identity()?;
//!         let lifetime = accepted.session_lifetime(Duration::from_secs(3600));
//!         // It ends the session that the browser had before.
//!         let session = my_sessions::open(&person.key(), lifetime, accepted.previous_session.as_deref()).await;
//!         accepted.redirect([sso.cookies().open_session(&session, lifetime)?])
//!     };
//!     opened.await.unwrap_or_else(|error| accepted.refuse(error))
//! }
//! # mod my_sessions { pub async fn open(_: &str, _: std::time::Duration, _: Option<&str>) -> String { String::new() } }
//! ```
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod accept;
mod answers;
mod artifact;
mod awaited;
mod believed;
mod carry_out;
mod check;
mod choice;
mod chooser;
mod chooser_page;
mod chooser_view;
mod common_domain;
mod connection_cache;
mod connection_source;
pub mod cookies;
mod declined;
mod discovery_feed;
mod discovery_request;
mod error;
mod escaped_text;
mod federation;
mod folded;
mod form_fields;
mod form_network;
mod identity_provider_list;
mod kept_form;
mod kept_forms;
mod key_use;
mod limiter;
mod link;
mod logout;
mod logout_check;
mod logout_page;
mod logout_sessions;
mod manages_names;
mod many_candidates;
mod name_id;
mod opened;
mod organization_discovery;
mod own_metadata;
mod page_look;
mod paths;
mod places;
mod previous_session;
mod provisioned;
mod queried_federation;
mod receive_group;
mod reference;
mod refusal_log;
mod refusal_page;
mod refuse;
mod replies;
mod request_counts;
mod restart;
mod return_path;
pub mod same_origin;
#[cfg(feature = "portal")]
mod set_up;
mod sign_in_answer;
mod signed_metadata;
mod single_logout;
mod single_sign_on;
mod start;
mod start_limiter;
mod stored_connections;
mod stores;
mod trial;
mod tried_out;
mod unasked;
mod work;

pub use accept::{Accepted, SignInOutcome};
pub use answers::{asks_by_paos, login_url, wants_json};
pub use choice::Choice;
pub use chooser::Chooser;
pub use chooser_view::{ChooserView, ShownChoice};
pub use common_domain::CommonDomainCookie;
pub use connection_source::{CandidatePage, ConnectionSource, Discovery};
pub use cookies::Cookies;
pub use declined::{AfterDeclined, DeclinedSignIn, NOBODY_SIGNED_IN};
pub use discovery_request::{DiscoveryRequest, discovered};
pub use error::{ApplicationError, HttpError};
pub use escaped_text::EscapedText;
pub use federation::Federation;
pub use identity_provider_list::{FoundChoices, IdentityProviderList};
pub use kept_forms::KeptForms;
pub use limiter::{ReceiveLimiter, ReceivePermit};
pub use link::NOT_LINKED;
pub use logout::EndedSession;
pub use logout_check::LogoutCheck;
pub use logout_page::{LogoutPage, LogoutView};
pub use logout_sessions::{EndsSessions, LogoutSessions};
pub use manages_names::{Managed, ManagesNames};
pub use name_id::{NAME_CHANGED, NAME_NOT_CHANGED};
pub use organization_discovery::OrganizationDiscovery;
pub use paths::{
    ASSERTION_CONSUMER, CHOOSER, CONNECTION_ASSERTION_CONSUMER, CONNECTION_METADATA, CONNECTION_NAME_ID,
    CONNECTION_NAME_ID_SOAP, CONNECTION_SINGLE_LOGOUT, CONNECTION_SINGLE_LOGOUT_SOAP, DISCOVERED,
    DISCOVERY_FEED, KEPT_FORM, LINK, LOGIN, LOGOUT, METADATA, NAME_ID, NAME_ID_SOAP, Paths, SINGLE_LOGOUT,
    SINGLE_LOGOUT_SOAP,
};
pub use provisioned::{AccountStore, OpenedSession, Provisioned};
pub use queried_federation::QueriedFederation;
pub use receive_group::ReceiveGroup;
pub use reference::Reference;
pub use refusal_log::{RefusalLog, RefusalRecord};
pub use refusal_page::{RefusalPage, RefusalView, RefusedAttempt};
pub use return_path::{ReturnPath, ReturnPathError, ReturnPaths};
#[cfg(feature = "portal")]
pub use set_up::{SetUp, SetUpBrand, SetUpChange, SetUpDirectory, SetUpError, SetUpEvent, SetUpView};
pub use sign_in_answer::{Checked, SignInAnswer};
pub use single_sign_on::SingleSignOn;
pub use start::NOT_STARTED;
pub use start_limiter::StartLimiter;
pub use stored_connections::StoredConnections;
pub use tried_out::TriedOut;
pub use vouchsafe::RequestRate;
