//! actix-web routes, extractors and middleware for a SAML service provider: thin over [`vouchsafe_web`].
//!
//! The application has a [`SingleSignOn`] as [`web::Data`](actix_web::web::Data). Then
//!
//! * [`routes`] are metadata, the start of a sign-in and the assertion consumers; [`Paths`] renames them, and a scope nests them;
//! * [`AcceptedLogin`] is the login, as an argument of the application's handler, with users and sessions of its own;
//! * [`own_pages_only`] is a middleware that refuses what pages of other sites post;
//! * [`RequestParts`] and [`Answer`] are the request and the answer in the types of the `http` crate, for everything else that
//!   [`SingleSignOn`] does.
//!
//! Who has neither users nor sessions yet takes [`Provisioned`], the ready-made answer over `vouchsafe-store`: [`provisioned_routes`], the
//! session as the argument [`SignedIn`], and the middleware [`require_signed_in`].
//!
//! examples/actix is a service with one customer and sessions in memory.

mod accepted_login;
mod convert;
mod routes;
mod same_origin;
mod session;

pub use accepted_login::{AcceptedLogin, CheckedLogin, LoginOutcome};
pub use convert::{Answer, RequestParts, peer_address};
pub use routes::{chooser_routes, provisioned_routes, provisioned_routes_at, routes, routes_at};
pub use same_origin::own_pages_only;
pub use session::{MaybeSignedIn, SignedIn, require_signed_in};
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
