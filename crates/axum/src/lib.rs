//! This crate adds SAML single sign-on to an axum service: it has routes, extractors and layers over [`vouchsafe_web`].
//!
//! Start with these items:
//!
//! * [`SingleSignOn`] is the state of the routes. The router's state provides it by `FromRef`.
//! * [`routes`] adds the metadata, the start of a sign-in and the assertion consumer. [`Paths`] renames them, and the router can be
//!   nested.
//! * [`AcceptedLogin`] is an extractor: your handler gets each login that was accepted, and opens a session of its own.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use axum::{Router, extract::State, response::{IntoResponse, Response}};
//! use vouchsafe::{Connection, ConnectionId, Connections, EntityId, IdentityProvider, ServiceProvider};
//! use vouchsafe_axum::{AcceptedLogin, SingleSignOn, routes};
//! use vouchsafe_store::Memory;
//!
//! /// A service with one customer. Its people sign in at `/saml/login?organization=acme`.
//! fn app(okta_metadata: &[u8]) -> Result<Router, Box<dyn std::error::Error>> {
//!     let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
//!         .assertion_consumer("https://app.example.com/saml/acs")?
//!         .build()?;
//!     let acme = Connection::new(ConnectionId::new("acme")?, IdentityProvider::from_metadata(okta_metadata)?);
//!     let customers: Connections = [acme].into_iter().collect();
//!     let sso = SingleSignOn::new(saml, Arc::new(customers), Arc::new(Memory::new()));
//!     Ok(Router::new().merge(routes(signed_in)).with_state(sso))
//! }
//!
//! /// Gets each login that was accepted, and opens a session.
//! async fn signed_in(State(sso): State<SingleSignOn>, AcceptedLogin(accepted): AcceptedLogin) -> Response {
//!     let opened = async {
//!         // A person is found by the connection, and by the name with its format and qualifiers.
//!         let person = accepted.identity()?;
//!         let lifetime = accepted.session_lifetime(Duration::from_secs(3600));
//!         // It ends the session that the browser had before.
//!         let session = my_sessions::open(&person.key(), lifetime, accepted.previous_session.as_deref()).await;
//!         accepted.redirect([sso.cookies().open_session(&session, lifetime)?])
//!     };
//!     opened.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
//! }
//! # mod my_sessions { pub async fn open(_: &str, _: std::time::Duration, _: Option<&str>) -> String { String::new() } }
//! # let _ = app;
//! ```
//!
//! The others:
//!
//! * [`peer_address`] is the client's address if no proxy is in front of the service.
//! * [`own_pages_only`] is a layer that refuses forms that pages of other sites post.
//! * [`SingleSignOn::sign_in_needed`] is the answer to a browser without a session. It redirects the browser to the sign-in page with
//!   `return` in the query. That page passes the value on with [`login_url`], and after the login the browser returns there if
//!   [`ReturnPaths`] allows it. In axum take the address from `OriginalUri`.
//! * [`Provisioned`] is for a service that has neither users nor sessions yet: it keeps both in `vouchsafe-store`. It comes with
//!   [`provisioned_routes`], the extractor [`SignedIn`] for the session, and the layer [`require_signed_in`].
//!
//! Features, all off by default:
//!
//! * `tower-sessions` and `axum-login` put a login into the sessions of the crate of that name: modules `tower_session` and `axum_login`.
//! * `scim` adds the endpoints of a SCIM service provider: `scim_routes`.
//! * `signals` adds the endpoints at which an identity provider ends a person's sessions: `signal_routes`.
//! * `portal` adds the pages on which an administrator of a customer connects an identity provider: `set_up_routes`.
//!
//! # Whole services
//!
//! The repository has [a service with one customer](https://github.com/vouchsafe/vouchsafe/tree/main/examples/minimal) in about 60
//! lines, one [with its own tables of users and sessions](https://github.com/vouchsafe/vouchsafe/tree/main/examples/own-database), and
//! [a whole product](https://github.com/vouchsafe/vouchsafe/tree/main/examples/okta).
//! [OKTA.md](https://github.com/vouchsafe/vouchsafe/blob/main/docs/OKTA.md) says what to type into Okta's console.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod accepted_login;
#[cfg(feature = "axum-login")]
pub mod axum_login;
#[cfg(any(feature = "scim", feature = "signals"))]
mod bounded;
#[cfg(feature = "tower-sessions")]
mod ending_store;
mod peer;
#[cfg(feature = "portal")]
mod portal;
mod routes;
mod same_origin;
#[cfg(feature = "scim")]
mod scim;
mod session;
#[cfg(feature = "signals")]
mod signals;
#[cfg(feature = "tower-sessions")]
pub mod tower_session;

pub use accepted_login::{AcceptedLogin, CheckedLogin, LoginOutcome};
pub use peer::peer_address;
#[cfg(feature = "portal")]
pub use portal::{set_up_routes, set_up_routes_at};
pub use routes::{
    chooser_routes, logout, provision, provisioned_routes, provisioned_routes_at, routes, routes_at,
};
pub use same_origin::own_pages_only;
#[cfg(feature = "scim")]
pub use scim::scim_routes;
pub use session::{SignedIn, require_signed_in};
#[cfg(feature = "signals")]
pub use signals::signal_routes;
pub use vouchsafe_web::{
    ASSERTION_CONSUMER, Accepted, AccountStore, AfterDeclined, CHOOSER, CONNECTION_ASSERTION_CONSUMER,
    CONNECTION_METADATA, CONNECTION_NAME_ID, CONNECTION_NAME_ID_SOAP, CONNECTION_SINGLE_LOGOUT,
    CONNECTION_SINGLE_LOGOUT_SOAP, CandidatePage, Checked, Choice, Chooser, ChooserView, CommonDomainCookie,
    ConnectionSource, Cookies, DISCOVERED, DISCOVERY_FEED, DeclinedSignIn, Discovery, DiscoveryRequest,
    EndedSession, EndsSessions, EscapedText, Federation, HttpError, IdentityProviderList, KEPT_FORM,
    KeptForms, LINK, LOGIN, LOGOUT, LogoutCheck, LogoutPage, LogoutSessions, LogoutView, METADATA, Managed,
    ManagesNames, NAME_CHANGED, NAME_ID, NAME_ID_SOAP, NAME_NOT_CHANGED, NOBODY_SIGNED_IN, NOT_LINKED,
    NOT_STARTED, OpenedSession, OrganizationDiscovery, Paths, Provisioned, QueriedFederation, ReceiveGroup,
    ReceiveLimiter, Reference, RefusalLog, RefusalPage, RefusalRecord, RequestRate, ReturnPath,
    ReturnPathError, ReturnPaths, SINGLE_LOGOUT, SINGLE_LOGOUT_SOAP, ShownChoice, SignInAnswer,
    SignInOutcome, SingleSignOn, StartLimiter, StoredConnections, TriedOut, login_url,
};
#[cfg(feature = "portal")]
pub use vouchsafe_web::{SetUp, SetUpBrand, SetUpChange, SetUpDirectory, SetUpError, SetUpEvent, SetUpView};
