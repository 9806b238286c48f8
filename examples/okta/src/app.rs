//! The service: its state, its router, and what it gives to the routes of `vouchsafe-axum`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use chrono::Utc;
use tokio::net::TcpListener;
use vouchsafe::assertion::Outcome;
use vouchsafe::crypto::Certificate;
use vouchsafe::{EntityId, ServiceProvider, SoapCall};
use vouchsafe_axum::{
    ASSERTION_CONSUMER, KEPT_FORM, KeptForms, LogoutPage, METADATA, NAME_ID, NAME_ID_SOAP,
    OrganizationDiscovery, Provisioned, ReceiveLimiter, RefusalPage, RefusalRecord, RequestRate, ReturnPaths,
    SINGLE_LOGOUT, SINGLE_LOGOUT_SOAP, SetUp, SingleSignOn, StartLimiter, StoredConnections, own_pages_only,
    peer_address, provisioned_routes, require_signed_in, scim_routes, set_up_routes, signal_routes,
};
use vouchsafe_client::{Client, RefreshStatus, StoredRefresher};
use vouchsafe_scim::ScimService;
use vouchsafe_signals::SignalService;
use vouchsafe_store::{CompletedSignIn, FormStore, HistoryLimits, KeyHistory, Store};

use crate::domains::Dns;
use crate::failure::Failure;
use crate::passwords::OwnerPassword;
use crate::token::FreshTokens;
use crate::{
    api_tokens, connect, domains, home, key_page, keys, links, members, people, policy, refusals, scim, seed,
    settings, sign_in, sign_ins, signals, token, trial,
};

/// The state of the service; clones share it.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) base_url: String,
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) owner_password: OwnerPassword,
    pub(crate) encryption_certificate: Certificate,
    pub(crate) sso: SingleSignOn,
    pub(crate) set_up: SetUp,
    pub(crate) provisioned: Provisioned,
    pub(crate) fresh_tokens: FreshTokens,
    pub(crate) scim: ScimService,
    /// Whose signals that a person is out are believed.
    signals: SignalService,
    pub(crate) dns: Dns,
    refresh_status: OnceLock<RefreshStatus>,
    records: Records,
}

/// Where the service keeps what it knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The folder of the database, if it is SQLite, and of the decryption key.
    pub(crate) folder: Option<PathBuf>,
    /// The address of the store, if it is not in the folder.
    pub(crate) store: Option<String>,
    /// The address of Redis, for the sign-ins that were started.
    pub(crate) pending: Option<String>,
    /// Whether nothing is kept of what comes with sign-ins.
    pub(crate) forgets_sign_ins: bool,
    /// Whether domains are verified in the DNS, and not played.
    pub(crate) asks_dns: bool,
}

/// How many sessions are looked up in the memory of the process.
const SESSIONS: usize = 100_000;

impl Place {
    /// The store. Of one that other instances share, sessions are remembered as long as they are heard of.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder)?;
        }
        let mut store = match (&self.store, &self.folder) {
            (Some(address), _) => Store::connect(address).await?.caching_sessions(SESSIONS),
            (None, Some(folder)) => {
                Store::connect(&format!("sqlite://{}", folder.join("loadbench.db").display())).await?
            }
            (None, None) => Store::connect("sqlite::memory:").await?,
        };
        if let Some(address) = &self.pending {
            store = store.with_pending_at(address).await?;
        }
        Ok(store)
    }
}

type Records = Arc<Mutex<HashMap<String, SignInRecord>>>;

/// What a sign-in changed and how it was checked, for the page that says so.
#[derive(Clone, Default)]
pub(crate) struct SignInRecord {
    pub(crate) changes: Vec<String>,
    pub(crate) checks: Vec<[String; 5]>,
    pub(crate) signatures: Vec<[String; 3]>,
    pub(crate) unsolicited: bool,
}

/// How many sign-ins are remembered. This is a demonstration, not a log.
const REMEMBERED: usize = 1000;

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// How long a sign-in that was started waits for its answer.
pub(crate) const REQUEST_LIFETIME: Duration = Duration::from_secs(600);
/// How many sign-ins may be started while `--load` measures.
const LOAD: RequestRate = RequestRate { burst: 100_000, per_second: 10_000 };

impl App {
    /// Opens the store, and makes or loads the key. Connections are read when somebody signs in over them.
    pub(crate) async fn open(
        base_url: &str,
        place: &Place,
        request_lifetime: Duration,
    ) -> Result<App, Failure> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let provider = keys::provider();
        let store = place.open().await?;
        seed::fill(&store).await?;
        let (key, certificate) = keys::load_or_make(place.folder.as_deref(), &provider, Utc::now())?;
        let service_provider = ServiceProvider::builder(EntityId::new(format!("{base_url}{METADATA}"))?)
            .assertion_consumer(&format!("{base_url}{ASSERTION_CONSUMER}"))?
            .provider(provider.clone())
            .request_lifetime(request_lifetime)
            .signing_key(key.clone(), certificate.clone())
            .single_logout(&format!("{base_url}{SINGLE_LOGOUT}"))?
            .single_logout_soap(&format!("{base_url}{SINGLE_LOGOUT_SOAP}"))?
            .name_id_management(&format!("{base_url}{NAME_ID}"))?
            .name_id_management_soap(&format!("{base_url}{NAME_ID_SOAP}"))?
            .decryption_key(key, certificate.clone())
            .build()?;
        // Only a service on this machine may load metadata from this machine.
        let local = base_url.starts_with("http://");
        let client = if local { Client::with_loopback() } else { Client::new() }?;
        let shared = Arc::new(store.clone());
        let dns = if place.asks_dns { Dns::Real } else { Dns::Played };
        let set_up = links::portal(Arc::clone(&shared), client.clone(), dns);
        let connections = Arc::new(StoredConnections::new(Arc::clone(&shared)));
        let discovery = OrganizationDiscovery::new(Arc::clone(&shared), Arc::clone(&connections));
        let (sso, provisioned) =
            Provisioned::over(service_provider, Arc::clone(&connections), Arc::clone(&shared));
        let sso = sso
            .discovery(Arc::new(discovery))
            .key_history(Arc::clone(&shared) as Arc<dyn KeyHistory>)
            .return_paths(
                ReturnPaths::new("/home")?.exact("/")?.exact("/settings")?.exact("/settings/policy")?,
            )
            // Whoever writes a policy for longer than their session lasts finds it again.
            .keep_forms(KeptForms::at(KEPT_FORM)?.over(Arc::clone(&shared) as Arc<dyn FormStore>))
            // A customer's people may all come at nine o'clock.
            .receive_limiter(ReceiveLimiter::new(512).per_connection(256))
            .start_limiter(match place.forgets_sign_ins {
                true => StartLimiter::new(LOAD).per_connection(LOAD),
                false => StartLimiter::default(),
            })
            // The attacks of `--once` come from one address, so clients are not limited by address. A service on the Internet
            // sets `client_address`: docs/PRODUCTION.md.
            .set_up_by(set_up.clone())
            .trial_page({
                let store = store.clone();
                move |tried| trial::page(store.clone(), tried)
            })
            .refusal_page(RefusalPage::new("Loadbench").colors("#2f5bd8", "#f5f7f9"));
        // No proxy stands before it: the client is whoever opened the TCP connection.
        let scim = ScimService::new(shared.clone(), format!("{base_url}{}", scim::PATH), provider.clone())
            .with_client_address(peer_address);
        let signals = signals::service(Arc::clone(&shared), client.clone(), provider.clone());
        let records = Records::default();
        let kept = Arc::clone(&records);
        let provisioned = provisioned.on_sign_in(move |sign_in| remember(&kept, sign_in));
        let provisioned = match place.forgets_sign_ins {
            true => provisioned,
            false => provisioned.keeping_sign_ins(Arc::clone(&shared), HistoryLimits::default()),
        };
        // An identity provider that takes logout over SOAP is asked by this machine, the others by the person's browser.
        let caller = client.clone();
        let sso = sso
            .single_logout_over(shared, Arc::new(provisioned.clone()))
            .names_managed_by(Arc::new(provisioned.clone()))
            .logout_page(LogoutPage::new("Loadbench"))
            .back_channel(move |call| {
                let (caller, location, body) =
                    (caller.clone(), call.location().to_owned(), call.body().to_owned());
                async move { caller.post_soap(&location, body, SoapCall::SOAP_ACTION).await }
            });
        Ok(App(Arc::new(Inner {
            base_url,
            store,
            client,
            owner_password: OwnerPassword::make(&provider)?,
            encryption_certificate: certificate,
            sso,
            set_up,
            provisioned,
            fresh_tokens: FreshTokens::default(),
            scim,
            signals,
            dns,
            refresh_status: OnceLock::new(),
            records,
        })))
    }

    pub(crate) fn router(&self) -> Router {
        let policy_form =
            post(policy::save).layer(from_fn_with_state(self.clone(), require_signed_in::<App>));
        let pages = Router::new()
            .route("/", get(sign_in::page))
            .route("/sign-in/password", post(sign_in::by_password))
            .route("/home", get(home::page))
            .route(api_tokens::PATH, get(api_tokens::page).post(api_tokens::issue))
            .route("/tokens/revoke", post(api_tokens::revoke))
            .route("/api/me", get(api_tokens::me))
            .route("/settings", get(settings::page))
            .route("/settings/connect", post(settings::connect))
            .route("/settings/draft", post(settings::draft))
            .route("/settings/try", post(trial::start))
            .route("/settings/activate", post(settings::activate))
            .route("/settings/discard", post(settings::discard))
            .route("/settings/refusals", get(refusals::page))
            .route("/settings/token", get(token::page).post(token::rotate))
            .route("/settings/token/done", post(token::done))
            .route("/settings/reload", post(settings::reload))
            .route("/settings/keys/approve", post(key_page::approve))
            .route("/settings/keys/refuse", post(key_page::refuse))
            .route("/settings/keys/end-refusal", post(key_page::end_refusal))
            .route("/settings/keys/changes", post(key_page::choose))
            .route("/settings/disconnect", post(settings::disconnect))
            .route("/settings/members/suspend", post(members::suspend))
            .route("/settings/members/reactivate", post(members::reactivate))
            .route("/settings/people", get(people::people))
            .route("/settings/groups", get(people::groups))
            .route("/settings/audit", get(people::audit))
            .route("/settings/policy", get(policy::page).merge(policy_form))
            .route("/settings/policy/try", post(policy::try_out))
            .route("/settings/sign-ins", get(sign_ins::page))
            .route("/settings/domains", get(domains::page).post(domains::challenge))
            .route("/settings/domains/verify", post(domains::verify))
            .route("/settings/domains/give-up", post(domains::give_up))
            .route("/settings/sign-ins.jsonl", get(sign_ins::export))
            .route("/settings/organization.json", get(sign_ins::organization))
            .route("/settings/links", get(links::page).post(links::issue))
            .route("/settings/links/renew", post(links::renew))
            .route("/settings/links/revoke", post(links::revoke))
            .route("/settings/scim", get(scim::page))
            .route("/settings/scim/token", post(scim::new_token))
            .route("/settings/scim/revoke", post(scim::revoke))
            .route("/settings/signals", post(signals::save))
            .route("/settings/encryption-certificate.pem", get(settings::encryption_certificate))
            .route_layer(from_fn_with_state(self.clone(), own_pages_only::<App>));
        pages
            .merge(provisioned_routes())
            .merge(set_up_routes(&self.set_up))
            .nest(scim::PATH, scim_routes(self.scim.clone()))
            .nest(signals::PATH, signal_routes(self.signals.clone()))
            .with_state(self.clone())
    }

    /// Serves until the program ends.
    pub(crate) async fn serve(&self, listener: TcpListener) -> Result<(), Failure> {
        let maintenance = tokio::spawn(connect::maintain(self.clone()));
        let provider = self.service_provider().provider().clone();
        let refresher = StoredRefresher::new(self.client.clone(), provider, Arc::new(self.store.clone()));
        let refreshing = refresher.start(|event| tracing::info!("{event}"));
        let _ = self.refresh_status.set(refreshing.status().clone());
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service).await;
        maintenance.abort();
        refreshing.stop().await;
        Ok(served?)
    }

    /// How fresh the metadata of the connections is, once the service runs.
    pub(crate) fn refresh_status(&self) -> Option<&RefreshStatus> {
        self.refresh_status.get()
    }

    /// What is known of the sign-in that began a session.
    pub(crate) fn record(&self, session_hash: &str) -> Option<SignInRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).get(session_hash).cloned()
    }

    /// The refusal with that reference.
    pub(crate) fn refusal(&self, reference: &str) -> Option<RefusalRecord> {
        self.sso.refusals().find(reference)
    }

    pub(crate) fn service_provider(&self) -> &ServiceProvider {
        self.sso.service_provider()
    }
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

impl FromRef<App> for Provisioned {
    fn from_ref(app: &App) -> Provisioned {
        app.provisioned.clone()
    }
}

fn remember(records: &Records, sign_in: &CompletedSignIn) {
    let record = SignInRecord::of(sign_in);
    let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
    if records.len() >= REMEMBERED {
        records.clear();
    }
    records.insert(sign_in.id.hash().to_owned(), record);
}

impl SignInRecord {
    fn of(sign_in: &CompletedSignIn) -> SignInRecord {
        let checks = sign_in.login.ledger().checks().iter();
        let evidence = sign_in.login.evidence().iter();
        SignInRecord {
            changes: sign_in.plan.explanation(),
            checks: checks
                .map(|check| {
                    [
                        check.rule(),
                        check.clause(),
                        outcome(check.outcome()),
                        &check.expected_text(),
                        &check.actual_text(),
                    ]
                    .map(str::to_owned)
                })
                .collect(),
            signatures: evidence
                .map(|one| {
                    [one.element().to_owned(), short(one.algorithm().uri()), one.key_label().to_owned()]
                })
                .collect(),
            unsolicited: sign_in.login.in_response_to().is_none(),
        }
    }
}

/// The name at the end of an algorithm's identifier.
fn short(uri: &str) -> String {
    uri.rsplit_once('#').map_or(uri, |(_, name)| name).to_owned()
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        _ => "skipped",
    }
}

/// Listens there, or on a free port of this machine when the usual one is taken.
pub(crate) async fn listen(wanted: Option<SocketAddr>, usual: SocketAddr) -> Result<TcpListener, Failure> {
    match wanted {
        Some(address) => Ok(TcpListener::bind(address).await?),
        None => match TcpListener::bind(usual).await {
            Ok(listener) => Ok(listener),
            Err(_) => Ok(TcpListener::bind(SocketAddr::new(usual.ip(), 0)).await?),
        },
    }
}
