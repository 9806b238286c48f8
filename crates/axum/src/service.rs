//! What a service gives to the routes, and what it is told.

use std::future::Future;
use std::net::IpAddr;

use axum::http::request::Parts;
use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::provisioning::EmailAddress;
use vouchsafe::{Connection, Connections, ServiceProvider};
use vouchsafe_store::{Directory, PendingStore, ReplayStore, SessionStore, SignedIn};

use crate::error::HttpError;
use crate::limiter::ReceiveLimiter;
use crate::refusal::Reference;
use crate::return_path::ReturnPaths;

/// Everything that must be remembered, in one: what `vouchsafe_store::Memory` and `Sqlite` are.
pub trait Store: ReplayStore + PendingStore + SessionStore + Directory {}

impl<T: ReplayStore + PendingStore + SessionStore + Directory> Store for T {}

/// A service that signs people in through SAML: the state of its router.
///
/// Four methods must be given, the others have defaults: an organization is found in the directory, by its slug or by a verified domain;
/// a login is planned by the organization's policy, and everything that follows is written in one transaction.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe::{Connections, ServiceProvider};
/// use vouchsafe_axum::{ReturnPaths, Service, Store};
///
/// #[derive(Clone)]
/// struct App {
///     service_provider: ServiceProvider,
///     connections: Arc<Connections>,
///     store: Arc<dyn Store>,
///     return_paths: Arc<ReturnPaths>,
/// }
///
/// impl Service for App {
///     fn service_provider(&self) -> ServiceProvider {
///         self.service_provider.clone()
///     }
///     fn connections(&self) -> &Connections {
///         &self.connections
///     }
///     fn store(&self) -> &dyn Store {
///         self.store.as_ref()
///     }
///     fn return_paths(&self) -> &ReturnPaths {
///         &self.return_paths
///     }
/// }
///
/// fn router(app: App) -> axum::Router {
///     axum::Router::new().merge(vouchsafe_axum::routes()).with_state(app)
/// }
/// ```
pub trait Service: Clone + Send + Sync + 'static {
    /// The service provider.
    fn service_provider(&self) -> ServiceProvider;

    /// Where everything is kept.
    fn store(&self) -> &dyn Store;

    /// Where a sign-in may lead. Its first path is for everybody who asked for no other.
    fn return_paths(&self) -> &ReturnPaths;

    /// The page for whoever is not signed in, or no longer: `/` by default. It must not ask for [`SignedIn`](crate::SignedIn) itself. A
    /// page that was asked for without a session is named in its query, as `return`; handed on to [`login_url`](crate::login_url), that
    /// is where the sign-in leads. Whoever named an organization that is not found comes back with
    /// [`NOT_STARTED`](crate::NOT_STARTED) in the query.
    fn sign_in_page(&self) -> &str {
        "/"
    }

    /// Whom to believe, and under which settings.
    fn connections(&self) -> &Connections;

    /// The connection of the organization a person means, by what they typed: an e-mail address or the organization's slug. By default
    /// a connection has the name of its organization's id. Connections of other names are listed in
    /// [`Organization::connections`](vouchsafe::provisioning::Organization::connections): over no others anybody signs in to it.
    ///
    /// By an address it is the organization that has verified its domain, whoever has accounts there or elsewhere: so no customer can
    /// attract or block the people of another, and the answer is the same whether the person has an account or not.
    ///
    /// # Errors
    /// Whatever the look-up raises; "there is none" is `None`.
    fn find_connection(
        &self,
        asked: &str,
    ) -> impl Future<Output = Result<Option<Connection>, HttpError>> + Send {
        async move {
            let asked = asked.trim();
            let found = match EmailAddress::parse(asked) {
                Ok(address) => self.store().organization_by_domain(address.domain()).await?,
                Err(_) if asked.contains('@') => None,
                Err(_) => self.store().organization_by_slug(&asked.to_ascii_lowercase()).await?,
            };
            Ok(found.and_then(|organization| self.connections().get(organization.value.id.as_str())))
        }
    }

    /// How many responses are checked at a time. By default the limiter that all services of this process share:
    /// [`ReceiveLimiter::default`].
    fn receive_limiter(&self) -> &ReceiveLimiter {
        ReceiveLimiter::of_the_process()
    }

    /// The address of the client who sends a request, for the limiter's share of one client. By default nobody knows it, and that limit
    /// does not apply.
    ///
    /// Without a proxy in front of the service it is `ConnectInfo<SocketAddr>` among the request's extensions, if the router is served with
    /// `into_make_service_with_connect_info`. Behind a proxy that address is the proxy's for everybody: take what the proxy writes into a
    /// header, and only if the proxy takes away what clients write there.
    fn client_address(&self, request: &Parts) -> Option<IpAddr> {
        let _ = request;
        None
    }

    /// How long a session lasts at most. The identity provider's SessionNotOnOrAfter can shorten it. Default: 8 hours.
    fn session_lifetime(&self) -> TimeDelta {
        TimeDelta::hours(8)
    }

    /// Told after somebody has signed in, before the browser is.
    fn signed_in(&self, signed_in: &SignedIn) -> impl Future<Output = ()> + Send {
        let _ = signed_in;
        async {}
    }

    /// Told after somebody was refused, with the reference that the browser shows.
    fn refused(&self, error: &HttpError, reference: &Reference) {
        let _ = (error, reference);
    }

    /// The time. Tests may have their own.
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
