//! SAML single sign-on for axum: routes, extractors and layers over [`vouchsafe_web`].
//!
//! Start with these items:
//!
//! * [`SingleSignOn`] is the state of the routes. The router's state provides it by `FromRef`.
//! * [`routes`] adds the metadata, the start of a sign-in and the assertion consumer. [`Paths`] renames them, and the router can be
//!   nested.
//! * [`AcceptedLogin`] is an extractor: your handler gets each login that was accepted, and opens a session of its own.
//!
//! The others:
//!
//! * [`peer_address`] is the client's address where no proxy stands before the service.
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
//! # A whole service
//!
//! examples/minimal is a service with one customer in about 60 lines. examples/own-database has its own users and `tower-sessions`, and
//! examples/okta is a whole product. docs/OKTA.md tells what to type into Okta's console.
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
pub use portal::set_up_routes;
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
    CONNECTION_SINGLE_LOGOUT_SOAP, Checked, Choice, Chooser, ChooserView, CommonDomainCookie,
    ConnectionSource, Cookies, DISCOVERED, DISCOVERY_FEED, DeclinedSignIn, Discovery, DiscoveryRequest,
    EndedSession, EndsSessions, Federation, HttpError, IdentityProviderList, KEPT_FORM, KeptForms, LINK,
    LOGIN, LOGOUT, LogoutPage, LogoutSessions, LogoutView, METADATA, Managed, ManagesNames, NAME_CHANGED,
    NAME_ID, NAME_ID_SOAP, NAME_NOT_CHANGED, NOBODY_SIGNED_IN, NOT_LINKED, NOT_STARTED, OpenedSession,
    OrganizationDiscovery, Paths, Provisioned, QueriedFederation, Rate, ReceiveLimiter, Reference,
    RefusalLog, RefusalPage, RefusalRecord, ReturnPath, ReturnPaths, SINGLE_LOGOUT, SINGLE_LOGOUT_SOAP,
    ShownChoice, SignInAnswer, SignInOutcome, SingleSignOn, StartLimiter, StoredConnections, TriedOut,
    login_url,
};
#[cfg(feature = "portal")]
pub use vouchsafe_web::{SetUp, SetUpBrand, SetUpDirectory, SetUpError, SetUpView};
