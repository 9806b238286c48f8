//! Axum routes, extractors and layers for a SAML service provider: thin over [`vouchsafe_web`].
//!
//! The state of the router gives a [`SingleSignOn`] by `FromRef`. Then
//!
//! * [`routes`] are metadata, the start of a sign-in and the assertion consumers; [`Paths`] renames them, and the router can be nested;
//! * [`AcceptedLogin`] is the login, as the argument of the application's handler, with users and sessions of its own;
//! * [`SingleSignOn::sign_in_needed`] is what a page of the application's answers to a browser without session: it sends the browser to the sign-in
//!   page with `return` in the query; that page hands it on with [`login_url`], and the login leads back where [`ReturnPaths`] allows it. In axum
//!   take the address from `OriginalUri`;
//! * [`own_pages_only`] is a layer that refuses what pages of other sites post.
//!
//! Who has neither users nor sessions yet takes [`Provisioned`], the ready-made answer over `vouchsafe-store`: [`provisioned_routes`], the
//! session as the argument [`SignedIn`], and the layer [`require_signed_in`].
//!
//! Who has `tower-sessions` or `axum-login` switches the feature of that name on: the modules `tower_session` and `axum_login` put a login into
//! them. Both are off by default.
//!
//! The feature `scim` has the endpoints of a SCIM service provider: `scim_routes`. The feature `signals` has the doors by which an identity
//! provider ends a person's sessions: `signal_routes`. The feature `portal` has the pages on which an administrator of a customer connects an
//! identity provider: `set_up_routes`.
//!
//! # A whole service
//!
//! examples/minimal is a service with one customer in about 60 lines, examples/own-database one with its own users and `tower-sessions`,
//! examples/okta a product. What to type into Okta's console is in docs/OKTA.md.

mod accepted_login;
#[cfg(feature = "axum-login")]
pub mod axum_login;
#[cfg(any(feature = "scim", feature = "signals"))]
mod bounded;
#[cfg(feature = "tower-sessions")]
mod ending_store;
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
    OrganizationDiscovery, Paths, Provisioned, Rate, ReceiveLimiter, Reference, RefusalLog, RefusalPage,
    RefusalRecord, ReturnPath, ReturnPaths, SINGLE_LOGOUT, SINGLE_LOGOUT_SOAP, ShownChoice, SignInAnswer,
    SignInOutcome, SingleSignOn, StartLimiter, StoredConnections, TriedOut, login_url,
};
#[cfg(feature = "portal")]
pub use vouchsafe_web::{SetUp, SetUpBrand, SetUpDirectory, SetUpError, SetUpView};
