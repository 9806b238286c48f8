//! The parts of the browser flows, and their configuration.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::request::Parts;
use vouchsafe::{Connection, ConnectionId, Login, LoginOptions, RequestRate, ServiceProvider};
use vouchsafe_store::{KeyHistory, PendingStore, ReplayStore, StoreError};

use crate::connection_source::{ConnectionSource, Discovery};
use crate::cookies::Cookies;
use crate::declined::Choose;
use crate::error::HttpError;
use crate::kept_forms::KeptForms;
use crate::key_use::KeyUse;
use crate::limiter::ReceiveLimiter;
use crate::logout_page::LogoutPage;
use crate::logout_sessions::{BackChannel, SingleLogout};
use crate::manages_names::ManagesNames;
use crate::refusal_log::{RefusalLog, RefusalRecord};
use crate::refusal_page::RefusalPage;
use crate::request_counts::RequestCounts;
use crate::return_path::ReturnPaths;
use crate::signed_metadata::SignedMetadata;
use crate::start_limiter::StartLimiter;
use crate::tried_out::{TrialPage, TriedOut};

/// The browser flows of a service: starting a sign-in, the assertion consumer, metadata, and the answers to refusals.
///
/// It needs a service provider, a look-up of connections, and a store of replays and pending requests. It does not
/// manage accounts or sessions. Clones are cheap and share everything.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe::{Connections, EntityId, ServiceProvider};
/// use vouchsafe_store::Memory;
/// use vouchsafe_web::{RefusalPage, ReturnPaths, SingleSignOn};
///
/// let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
///     .assertion_consumer("https://app.example.com/saml/acs")?
///     .build()?;
/// let sso = SingleSignOn::new(saml, Arc::new(Connections::new()), Arc::new(Memory::new()))
///     .return_paths(ReturnPaths::new("/home")?.under("/projects")?)
///     .refusal_page(RefusalPage::new("Loadbench"));
/// # let _ = sso;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SingleSignOn {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) service_provider: ServiceProvider,
    pub(crate) connections: Arc<dyn ConnectionSource>,
    pub(crate) discovery: Option<Arc<dyn Discovery>>,
    pub(crate) replays: Arc<dyn ReplayStore>,
    pub(crate) pending: Arc<dyn PendingStore>,
    pub(crate) return_paths: ReturnPaths,
    pub(crate) sign_in_page: String,
    pub(crate) confirms_cross_site_starts: bool,
    pub(crate) limiter: ReceiveLimiter,
    pub(crate) starts: StartLimiter,
    pub(crate) requests: Arc<RequestCounts>,
    pub(crate) refusal_page: RefusalPage,
    pub(crate) trial_page: TrialPage,
    #[cfg(feature = "portal")]
    pub(crate) set_up: Option<crate::set_up::settings::SetUp>,
    pub(crate) single_logout: Option<SingleLogout>,
    pub(crate) back_channel: Option<BackChannel>,
    pub(crate) names: Option<Arc<dyn ManagesNames>>,
    pub(crate) kept_forms: Option<KeptForms>,
    pub(crate) logout_page: LogoutPage,
    pub(crate) refusals: RefusalLog,
    pub(crate) signed_metadata: SignedMetadata,
    key_use: Option<KeyUse>,
    client_address: Option<Hook<Parts, Option<IpAddr>>>,
    browser_session: Option<Hook<Parts, Option<String>>>,
    on_refusal: Option<Hook<RefusalRecord, ()>>,
    login_options: Option<ChooseOptions>,
    pub(crate) when_declined: Option<Choose>,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

type Hook<A, R> = Arc<dyn Fn(&A) -> R + Send + Sync>;
type ChooseOptions = Arc<dyn Fn(&Parts, &Connection) -> LoginOptions + Send + Sync>;

impl SingleSignOn {
    /// Makes the flows over a store that keeps replays and pending requests, with defaults for everything else.
    pub fn new<C, S>(service_provider: ServiceProvider, connections: Arc<C>, store: Arc<S>) -> SingleSignOn
    where
        C: ConnectionSource + 'static,
        S: ReplayStore + PendingStore + 'static,
    {
        SingleSignOn {
            inner: Arc::new(Inner {
                service_provider,
                connections,
                discovery: None,
                replays: Arc::clone(&store) as Arc<dyn ReplayStore>,
                pending: store,
                return_paths: ReturnPaths::default(),
                sign_in_page: "/".to_owned(),
                confirms_cross_site_starts: false,
                limiter: ReceiveLimiter::of_the_process().clone(),
                starts: StartLimiter::default(),
                requests: Arc::new(RequestCounts::new(RequestRate { burst: 1_000, per_second: 20 })),
                refusal_page: RefusalPage::default(),
                trial_page: TrialPage::default(),
                #[cfg(feature = "portal")]
                set_up: None,
                single_logout: None,
                back_channel: None,
                names: None,
                kept_forms: None,
                logout_page: LogoutPage::default(),
                refusals: RefusalLog::default(),
                signed_metadata: SignedMetadata::default(),
                key_use: None,
                client_address: None,
                browser_session: None,
                on_refusal: None,
                login_options: None,
                when_declined: None,
                clock: Arc::new(Utc::now),
            }),
        }
    }

    /// Sets a separate store for pending requests.
    #[must_use]
    pub fn pending_store(self, store: Arc<dyn PendingStore>) -> Self {
        self.changed(|inner| inner.pending = store)
    }

    /// Sets how a connection is found by what a person typed. By default the typed text is the connection's name.
    #[must_use]
    pub fn discovery(self, discovery: Arc<dyn Discovery>) -> Self {
        self.changed(|inner| inner.discovery = Some(discovery))
    }

    /// Sets the paths that a sign-in may lead to. The first path of the list is the default. Without this, only `/`
    /// is allowed.
    #[must_use]
    pub fn return_paths(self, paths: ReturnPaths) -> Self {
        self.changed(|inner| {
            inner.return_paths = match &inner.kept_forms {
                Some(forms) => paths.and(forms.path()),
                None => paths,
            };
        })
    }

    /// Sets the page for people who are not signed in. Default: `/`. The query of the page contains, as `return`, a
    /// path that was requested without a session. If the requested connection was not found, the query contains
    /// [`NOT_STARTED`](crate::NOT_STARTED).
    #[must_use]
    pub fn sign_in_page(self, path: &str) -> Self {
        self.changed(|inner| path.clone_into(&mut inner.sign_in_page))
    }

    /// Requires a confirmation if a page of another site, or of another host of the same site, starts a sign-in: the
    /// browser is sent to the [sign-in page](Self::sign_in_page), with the `organization` of a link and the path to
    /// return to in its query. The same applies to a sign-in that would start instead of using a response
    /// ([`Unsolicited::Restart`](vouchsafe::Unsolicited::Restart), or a late answer).
    ///
    /// Without this, an attacker who controls one identity provider can make a page that signs a browser in as one of
    /// the attacker's people. It is off by default, because customers' portals link to the start of a sign-in. The
    /// sign-in page must wait for the person: a page that continues automatically would loop.
    #[must_use]
    pub fn confirm_cross_site_starts(self) -> Self {
        self.changed(|inner| inner.confirms_cross_site_starts = true)
    }

    /// Sets how many responses are checked at a time. By default all services of this process share one limiter.
    #[must_use]
    pub fn receive_limiter(self, limiter: ReceiveLimiter) -> Self {
        self.changed(|inner| inner.limiter = limiter)
    }

    /// Sets how many sign-ins may be started. By default the limits are those of [`StartLimiter::default`], counted
    /// for this service alone.
    #[must_use]
    pub fn start_limiter(self, limiter: StartLimiter) -> Self {
        self.changed(|inner| inner.starts = limiter)
    }

    /// Sets how many requests of identity providers to end sessions or to change names are carried out over one
    /// connection; further ones are answered with status 429 and `Retry-After`. An eighth of the rate is kept for each
    /// key of the connection, and its keys share the rest: a stranger who has copied a key does not use up, by a key of
    /// their own, what comes by the copied one. So a connection with many keys has a higher rate, at most five times as
    /// high. Each key has the whole of a rate that is too small to be divided. If several connections share the identity provider and its key, a request is carried out for those that have
    /// not had too many, and is answered with success only after it was carried out for all of them. Each is remembered
    /// for a day, and an identity provider can send as many as it likes. The default is 1,000 at once and then 20 a
    /// second, counted by this service alone.
    #[must_use]
    pub fn requests_per_connection(self, rate: RequestRate) -> Self {
        self.changed(|inner| inner.requests = Arc::new(RequestCounts::new(rate)))
    }

    /// Sets how to find the address of the client that sends a request, for the limits of one client. By default it
    /// is not known, and these limits do not apply.
    ///
    /// With a proxy in front, the address of the TCP connection is always the proxy's. Use the header that the proxy
    /// writes, and only if the proxy removes the same header from clients' requests.
    #[must_use]
    pub fn client_address(self, find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        self.changed(|inner| inner.client_address = Some(Arc::new(find)))
    }

    /// Sets the options of each sign-in, depending on the request that starts it and on the connection.
    #[must_use]
    pub fn login_options(
        self,
        choose: impl Fn(&Parts, &Connection) -> LoginOptions + Send + Sync + 'static,
    ) -> Self {
        self.changed(|inner| inner.login_options = Some(Arc::new(choose)))
    }

    /// Sets the page that a browser sees after a refusal.
    #[must_use]
    pub fn refusal_page(self, page: RefusalPage) -> Self {
        self.changed(|inner| inner.refusal_page = page)
    }

    /// Sets the page that shows the result of a [trial](Self::start_trial): HTML, sent with a Content-Security-Policy
    /// that allows inline styles, images and forms of the application's own, and no script. The function may use the
    /// application's database, for example to record the trial. The default is a plain page.
    ///
    /// ```
    /// # use vouchsafe_web::SingleSignOn;
    /// # fn example(sso: SingleSignOn) -> SingleSignOn {
    /// sso.trial_page(|tried| async move {
    ///     match &tried.outcome {
    ///         Ok(_) => "<p>It works.</p>".to_owned(),
    ///         Err(refusal) => format!("<p>{}</p>", refusal.code()),
    ///     }
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn trial_page<F: Future<Output = String> + Send + 'static>(
        self,
        render: impl Fn(TriedOut) -> F + Send + Sync + 'static,
    ) -> Self {
        self.changed(|inner| inner.trial_page = TrialPage::new(render))
    }

    /// Sets where refusals are kept. By default each service has its own log: [`RefusalLog::default`].
    #[must_use]
    pub fn refusal_log(self, log: RefusalLog) -> Self {
        self.changed(|inner| inner.refusals = log)
    }

    /// Sets where the use of identity providers' keys is recorded: which keys signed sign-ins, and when they last
    /// did. This helps the person who manages a key roll-over ([`KeyEvidence`](vouchsafe::metadata::KeyEvidence)).
    /// Each key is written at most once a minute, and no sign-in waits for it. By default nothing is recorded.
    #[must_use]
    pub fn key_history(self, store: Arc<dyn KeyHistory>) -> Self {
        self.changed(|inner| inner.key_use = Some(KeyUse::new(store)))
    }

    /// Sets a function that is called for every refusal, such as a counter by code or an alert.
    #[must_use]
    pub fn on_refusal(self, tell: impl Fn(&RefusalRecord) + Send + Sync + 'static) -> Self {
        self.changed(|inner| inner.on_refusal = Some(Arc::new(tell)))
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.changed(|inner| inner.clock = Arc::new(clock))
    }

    pub(crate) fn changed(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner);
        SingleSignOn { inner: Arc::new(inner) }
    }

    /// The service provider.
    #[must_use]
    pub fn service_provider(&self) -> &ServiceProvider {
        &self.inner.service_provider
    }

    /// The last refusals.
    #[must_use]
    pub fn refusals(&self) -> &RefusalLog {
        &self.inner.refusals
    }

    /// The paths that a sign-in may lead to.
    #[must_use]
    pub fn allowed_return_paths(&self) -> &ReturnPaths {
        &self.inner.return_paths
    }

    /// The format of this service's cookies.
    #[must_use]
    pub fn cookies(&self) -> Cookies {
        Cookies::for_address(self.service_provider().assertion_consumer())
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.inner.clock)()
    }

    /// Returns the connection with this name. A text that is not a valid name finds none.
    ///
    /// # Errors
    /// [`HttpError::Store`].
    pub async fn find_connection(&self, id: &str) -> Result<Option<Connection>, HttpError> {
        let Ok(id) = ConnectionId::new(id) else { return Ok(None) };
        Ok(self.inner.connections.find(&id).await?)
    }

    /// Returns the connection whose name is part of the requested address.
    pub(crate) async fn find_by_address(&self, id: &str) -> Result<Option<Connection>, HttpError> {
        let Ok(id) = ConnectionId::new(id) else { return Ok(None) };
        Ok(self.inner.connections.find_by_address(&id).await?)
    }

    /// Returns the connection of a person's organization, by what they typed.
    ///
    /// # Errors
    /// [`HttpError::Store`].
    pub async fn discover(&self, asked: &str) -> Result<Option<Connection>, HttpError> {
        match &self.inner.discovery {
            Some(discovery) => Ok(discovery.discover(asked.trim()).await?),
            None => self.find_connection(asked.trim()).await,
        }
    }

    /// Returns the history of keys, if the use of keys is recorded.
    #[cfg(feature = "portal")]
    pub(crate) fn noted_keys(&self) -> Option<&dyn KeyHistory> {
        self.inner.key_use.as_ref().map(KeyUse::history)
    }

    /// Writes the counts for the [history of keys](Self::key_history) that still wait for their minute. Call it at
    /// the end of a process. [`sweep`](Self::sweep) does it too.
    ///
    /// # Errors
    /// The errors of the store. The counts are kept.
    pub async fn flush_key_history(&self) -> Result<(), StoreError> {
        match &self.inner.key_use {
            Some(key_use) => key_use.flush(self.now()).await,
            None => Ok(()),
        }
    }

    /// Counts the keys of a sign-in.
    pub(crate) fn note_keys(&self, login: &Login) {
        if let Some(key_use) = &self.inner.key_use {
            key_use.note(login, self.now());
        }
    }

    /// Removes expired replays, and expired sign-ins, sign-outs and forms that waited. Returns the number of replays,
    /// and the number of all others together. Set-up links are removed a month after their expiry. Only the size of
    /// the store depends on this: call it every few minutes, or use [`sweep_every`](Self::sweep_every).
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn sweep(&self) -> Result<(u64, u64), StoreError> {
        let now = self.now();
        let replays = self.inner.replays.sweep_replays(now).await?;
        let started = self.inner.pending.sweep_pending(now).await?;
        let logouts = match &self.inner.single_logout {
            Some(single_logout) => single_logout.store.sweep_logouts(now).await?,
            None => 0,
        };
        let forms = match &self.inner.kept_forms {
            Some(forms) => forms.store().sweep_forms(now).await?,
            None => 0,
        };
        self.flush_key_history().await?;
        // Last: it decides on connections of organizations, and keeps nothing else from being swept.
        #[cfg(feature = "portal")]
        if let Some(set_up) = &self.inner.set_up {
            set_up.sweep(now).await?;
        }
        Ok((replays, started.saturating_add(logouts).saturating_add(forms)))
    }

    /// [Sweeps](Self::sweep) now and again after each `period`, which is at least a second, for as long as this
    /// future is polled. If a store fails, a warning is logged, and the next sweep tries again.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn example(sso: vouchsafe_web::SingleSignOn) {
    /// tokio::spawn(sso.sweep_every(Duration::from_secs(60)));
    /// # }
    /// ```
    pub async fn sweep_every(self, period: Duration) {
        let period = period.max(Duration::from_secs(1));
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(code = error.code(), reason = %error, "expired records could not be removed");
            }
            tokio::time::sleep(period).await;
        }
    }
}

impl Inner {
    pub(crate) fn address_of(&self, request: &Parts) -> Option<IpAddr> {
        self.client_address.as_ref().and_then(|find| find(request))
    }

    pub(crate) fn browser_session(&self) -> Option<&Hook<Parts, Option<String>>> {
        self.browser_session.as_ref()
    }

    pub(crate) fn set_browser_session(
        &mut self,
        find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) {
        self.browser_session = Some(Arc::new(find));
    }

    pub(crate) fn options_for(&self, request: &Parts, connection: &Connection) -> LoginOptions {
        self.login_options.as_ref().map_or_else(LoginOptions::default, |choose| choose(request, connection))
    }

    pub(crate) fn tell(&self, record: &RefusalRecord) {
        if let Some(tell) = &self.on_refusal {
            tell(record);
        }
    }
}

impl fmt::Debug for SingleSignOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleSignOn")
            .field("service_provider", self.service_provider().entity_id())
            .field("connections", &self.inner.connections)
            .finish_non_exhaustive()
    }
}
