//! This crate adds SAML single sign-on to an actix-web service: it has routes, extractors and middleware over [`vouchsafe_web`].
//!
//! Start with these items:
//!
//! * [`SingleSignOn`] is the state of the routes. The application provides it as [`web::Data`](actix_web::web::Data).
//! * [`routes`] adds the metadata, the start of a sign-in and the assertion consumers. [`Paths`] renames them, and they can be nested in
//!   a scope.
//! * [`AcceptedLogin`] is an extractor: your handler gets each login that was accepted, and opens a session of its own.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use actix_web::web::{Data, ServiceConfig};
//! use vouchsafe::{Connection, ConnectionId, Connections, EntityId, IdentityProvider, ServiceProvider};
//! use vouchsafe_actix::{AcceptedLogin, Answer, SingleSignOn, routes};
//! use vouchsafe_store::Memory;
//!
//! /// A service with one customer. Its people sign in at `/saml/login?organization=acme`.
//! fn sso(okta_metadata: &[u8]) -> Result<Data<SingleSignOn>, Box<dyn std::error::Error>> {
//!     let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
//!         .assertion_consumer("https://app.example.com/saml/acs")?
//!         .build()?;
//!     let acme = Connection::new(ConnectionId::new("acme")?, IdentityProvider::from_metadata(okta_metadata)?);
//!     let customers: Connections = [acme].into_iter().collect();
//!     Ok(Data::new(SingleSignOn::new(saml, Arc::new(customers), Arc::new(Memory::new()))))
//! }
//!
//! /// For each worker: `App::new().configure(|config| configure(config, sso.clone()))`.
//! fn configure(config: &mut ServiceConfig, sso: Data<SingleSignOn>) {
//!     config.app_data(sso).configure(routes(signed_in));
//! }
//!
//! /// Gets each login that was accepted, and opens a session.
//! async fn signed_in(sso: Data<SingleSignOn>, AcceptedLogin(accepted): AcceptedLogin) -> Answer {
//!     let opened = async {
//!         // A person is found by the connection, and by the name with its format and qualifiers.
//!         let person = accepted.identity()?;
//!         let lifetime = accepted.session_lifetime(Duration::from_secs(3600));
//!         // It ends the session that the browser had before.
//!         let session = my_sessions::open(&person.key(), lifetime, accepted.previous_session.as_deref()).await;
//!         accepted.redirect([sso.cookies().open_session(&session, lifetime)?])
//!     };
//!     Answer(opened.await.unwrap_or_else(|error| accepted.refuse(error)))
//! }
//! # mod my_sessions { pub async fn open(_: &str, _: std::time::Duration, _: Option<&str>) -> String { String::new() } }
//! # let _ = (sso, configure);
//! ```
//!
//! The others:
//!
//! * [`SingleSignOn::sign_in_needed`] is the answer to a browser without a session: a redirect to the sign-in page with the wanted page
//!   in the query. [`login_url`] starts a sign-in that returns there, if [`ReturnPaths`] allows the page.
//! * [`own_pages_only`] is a middleware that refuses forms that pages of other sites post.
//! * [`RequestParts`] and [`Answer`] convert the request and the answer to the types of the `http` crate, for everything else that
//!   [`SingleSignOn`] does. [`HeaderMap`] is that of the `http` crate, and not that of actix-web.
//! * [`Provisioned`] is for a service that has neither users nor sessions yet: it keeps both in `vouchsafe-store`. It comes with
//!   [`provisioned_routes`], the extractor [`SignedIn`] for the session, and the middleware [`require_signed_in`].
//!
//! [examples/actix](https://github.com/vouchsafe/vouchsafe/tree/main/examples/actix) is a service with one customer and sessions in
//! memory.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

mod accepted_login;
mod convert;
mod routes;
mod same_origin;
mod session;

pub use accepted_login::{AcceptedLogin, CheckedLogin, LoginOutcome};
pub use convert::{Answer, RequestParts, peer_address};
pub use http::HeaderMap;
pub use routes::{chooser_routes, provisioned_routes, provisioned_routes_at, routes, routes_at};
pub use same_origin::own_pages_only;
pub use session::{MaybeSignedIn, SignedIn, require_signed_in};
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
