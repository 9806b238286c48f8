//! SAML single sign-on for actix-web: routes, extractors and middleware over [`vouchsafe_web`].
//!
//! Start with these items:
//!
//! * [`SingleSignOn`] is the state of the routes. The application provides it as [`web::Data`](actix_web::web::Data).
//! * [`routes`] adds the metadata, the start of a sign-in and the assertion consumers. [`Paths`] renames them, and they can be nested in
//!   a scope.
//! * [`AcceptedLogin`] is an extractor: your handler gets each login that was accepted, and opens a session of its own.
//!
//! The others:
//!
//! * [`SingleSignOn::sign_in_needed`] is the answer to a browser without a session: a redirect to the sign-in page with the wanted page
//!   in the query. [`login_url`] starts a sign-in that returns there, if [`ReturnPaths`] allows the page.
//! * [`own_pages_only`] is a middleware that refuses forms that pages of other sites post.
//! * [`RequestParts`] and [`Answer`] convert the request and the answer to the types of the `http` crate, for everything else that
//!   [`SingleSignOn`] does.
//! * [`Provisioned`] is for a service that has neither users nor sessions yet: it keeps both in `vouchsafe-store`. It comes with
//!   [`provisioned_routes`], the extractor [`SignedIn`] for the session, and the middleware [`require_signed_in`].
//!
//! examples/actix is a service with one customer and sessions in memory.
//!
//! The [glossary](https://github.com/vouchsafe/vouchsafe/blob/main/docs/GLOSSARY.md) explains the words of SAML and of this project.

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
    OrganizationDiscovery, Paths, Provisioned, QueriedFederation, Rate, ReceiveLimiter, Reference,
    RefusalLog, RefusalPage, RefusalRecord, ReturnPath, ReturnPaths, SINGLE_LOGOUT, SINGLE_LOGOUT_SOAP,
    ShownChoice, SignInAnswer, SignInOutcome, SingleSignOn, StartLimiter, StoredConnections, TriedOut,
    login_url,
};
