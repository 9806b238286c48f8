//! The service: its state, its router, and what it gives to the routes of `vouchsafe-axum`.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use chrono::Utc;
use tokio::net::TcpListener;
use vouchsafe::assertion::Outcome;
use vouchsafe::crypto::Certificate;
use vouchsafe::{Connections, EntityId, Provider, ServiceProvider};
use vouchsafe_axum::{
    ASSERTION_CONSUMER, HttpError, METADATA, Reference, ReturnPaths, Service, Store, own_pages_only,
};
use vouchsafe_client::Client;
use vouchsafe_store::{SignedIn, Sqlite};

use crate::failure::Failure;
use crate::passwords::OwnerPassword;
use crate::{connect, home, keys, members, seed, settings, sign_in};

/// The state of the service; clones share it.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) base_url: String,
    pub(crate) store: Sqlite,
    pub(crate) client: Client,
    pub(crate) owner_password: OwnerPassword,
    pub(crate) encryption_certificate: Certificate,
    /// Connecting and disconnecting identity providers happens one after the other.
    pub(crate) connecting: tokio::sync::Mutex<()>,
    service_provider: ServiceProvider,
    connections: Connections,
    return_paths: ReturnPaths,
    records: Mutex<HashMap<String, SignInRecord>>,
    refusals: Mutex<VecDeque<RefusalRecord>>,
}

/// What a sign-in changed and how it was checked, for the page that says so.
#[derive(Clone, Default)]
pub(crate) struct SignInRecord {
    pub(crate) changes: Vec<String>,
    pub(crate) checks: Vec<[String; 5]>,
    pub(crate) signatures: Vec<[String; 3]>,
    pub(crate) unsolicited: bool,
}

/// A refusal, as the operator's log has it.
#[derive(Clone)]
pub(crate) struct RefusalRecord {
    pub(crate) reference: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// How many refusals and sign-ins are remembered. This is a demonstration, not a log.
const REMEMBERED: usize = 1000;

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Opens the store, makes or loads the key, and connects the organizations again.
    pub(crate) async fn open(base_url: &str, folder: Option<&Path>) -> Result<App, Failure> {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let provider = Provider::rustcrypto();
        let store = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                Sqlite::open(folder.join("loadbench.db")).await?
            }
            None => Sqlite::in_memory().await?,
        };
        seed::fill(&store).await?;
        let (key, certificate) = keys::load_or_make(folder, &provider, Utc::now())?;
        let service_provider = ServiceProvider::builder(EntityId::new(format!("{base_url}{METADATA}"))?)
            .assertion_consumer(&format!("{base_url}{ASSERTION_CONSUMER}"))?
            .decryption_key(key, certificate.clone())
            .build()?;
        // Only a service on this machine may load metadata from this machine.
        let local = base_url.starts_with("http://");
        let client = if local { Client::with_loopback() } else { Client::new() }?;
        let app = App(Arc::new(Inner {
            base_url,
            store,
            client,
            owner_password: OwnerPassword::make(&provider)?,
            encryption_certificate: certificate,
            connecting: tokio::sync::Mutex::new(()),
            service_provider,
            connections: Connections::new(),
            return_paths: ReturnPaths::new("/home").exact("/").exact("/settings"),
            records: Mutex::default(),
            refusals: Mutex::default(),
        }));
        connect::connect_again(&app).await?;
        Ok(app)
    }

    pub(crate) fn router(&self) -> Router {
        let pages = Router::new()
            .route("/", get(sign_in::page))
            .route("/sign-in/password", post(sign_in::by_password))
            .route("/home", get(home::page))
            .route("/settings", get(settings::page))
            .route("/settings/connect", post(settings::connect))
            .route("/settings/token", post(settings::rotate_token))
            .route("/settings/reload", post(settings::reload))
            .route("/settings/members/suspend", post(members::suspend))
            .route("/settings/members/reactivate", post(members::reactivate))
            .route("/settings/encryption-certificate.pem", get(settings::encryption_certificate))
            .route_layer(from_fn_with_state(self.clone(), own_pages_only::<App>));
        pages.merge(vouchsafe_axum::routes()).with_state(self.clone())
    }

    /// Serves until the program ends.
    pub(crate) async fn serve(&self, listener: TcpListener) -> Result<(), Failure> {
        let maintenance = tokio::spawn(connect::maintain(self.clone()));
        let served = axum::serve(listener, self.router()).await;
        maintenance.abort();
        Ok(served?)
    }

    /// What is known of the sign-in that began a session.
    pub(crate) fn record(&self, session_hash: &str) -> Option<SignInRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).get(session_hash).cloned()
    }

    /// The refusal with that reference.
    pub(crate) fn refusal(&self, reference: &str) -> Option<RefusalRecord> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.iter().find(|refusal| refusal.reference == reference).cloned()
    }
}

impl Service for App {
    fn service_provider(&self) -> ServiceProvider {
        self.service_provider.clone()
    }

    fn connections(&self) -> &Connections {
        &self.connections
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn return_paths(&self) -> &ReturnPaths {
        &self.return_paths
    }

    async fn signed_in(&self, signed_in: &SignedIn) {
        let record = SignInRecord::of(signed_in);
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= REMEMBERED {
            records.clear();
        }
        records.insert(signed_in.id.hash().to_owned(), record);
    }

    fn refused(&self, error: &HttpError, reference: &Reference) {
        let record = RefusalRecord {
            reference: reference.as_str().to_owned(),
            code: error.code(),
            message: error.to_string(),
        };
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.truncate(REMEMBERED.saturating_sub(1));
        refusals.push_front(record);
    }
}

impl SignInRecord {
    fn of(signed_in: &SignedIn) -> SignInRecord {
        let checks = signed_in.login.ledger().checks().iter();
        let evidence = signed_in.login.evidence().iter();
        SignInRecord {
            changes: signed_in.plan.explanation(),
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
            unsolicited: signed_in.login.in_response_to().is_none(),
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
