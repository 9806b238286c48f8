//! Axum routes and cookies for a SAML service provider.
//!
//! * [`routes`]: metadata, the start of a sign-in, the assertion consumer, sign-out. The state of the router is a [`Service`].
//! * [`SignedIn`]: the session, as an argument of a handler.
//! * [`pending_request`], [`receive`], [`open_session`]: the parts of an assertion consumer, for a handler of one's own.
//! * [`own_pages_only`]: a layer that refuses what pages of other sites post.
//! * [`ReceiveLimiter`]: how many responses are checked at a time.
//! * [`ReturnPaths`]: where a sign-in may lead.
//! * [`sweep`]: forgetting what is over.
//! * [`cookies`]: which cookies are set and why they are what they are.
//! * [`refusal`]: what a browser sees of a refusal, and what the log says.
//!
//! # A whole service
//!
//! With one customer, Okta; [`Connections::put`](vouchsafe::Connections::put) adds others while it runs. It needs `vouchsafe`,
//! `vouchsafe-axum`, `vouchsafe-client`, `vouchsafe-store`, `axum` and `tokio`. What to type into Okta's console is in docs/OKTA.md, and
//! examples/okta is a service with everything.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//!
//! use axum::{Router, extract::State, response::Html, routing::get};
//! use vouchsafe::provisioning::{Organization, OrganizationId};
//! use vouchsafe::{Connection, ConnectionId, Connections, EntityId, ServiceProvider};
//! use vouchsafe_axum::{ReturnPaths, Service, SignedIn, Store, login_url, routes, sweep};
//! use vouchsafe_client::Client;
//! use vouchsafe_store::{Directory, Sqlite};
//!
//! const OKTA: &str = "https://your-organization.okta.com/app/your-app-id/sso/saml/metadata";
//!
//! #[derive(Clone)]
//! struct App {
//!     service_provider: ServiceProvider,
//!     connections: Arc<Connections>,
//!     store: Sqlite,
//!     return_paths: Arc<ReturnPaths>,
//! }
//!
//! impl Service for App {
//!     fn service_provider(&self) -> ServiceProvider {
//!         self.service_provider.clone()
//!     }
//!     fn connections(&self) -> &Connections {
//!         &self.connections
//!     }
//!     fn store(&self) -> &dyn Store {
//!         &self.store
//!     }
//!     fn return_paths(&self) -> &ReturnPaths {
//!         &self.return_paths
//!     }
//! }
//!
//! async fn front() -> Html<String> {
//!     Html(format!("<a href=\"{}\">Sign in with Okta</a>", login_url("acme", "/home")))
//! }
//!
//! async fn home(State(_): State<App>, who: SignedIn) -> String {
//!     format!("account {:?}", who.session().account)
//! }
//!
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     let okta = Client::new()?.identity_provider(OKTA).await?;
//!     let service_provider = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
//!         .assertion_consumer("https://app.example.com/saml/acs")?
//!         .build()?;
//!     let connections = [Connection::new(ConnectionId::new("acme")?, okta.clone())].into_iter().collect();
//!     let store = Sqlite::open("app.db").await?;
//!     if store.organization_by_slug("acme").await?.is_none() {
//!         let mut organization = Organization::new(OrganizationId::new("acme"), "acme", "Acme Rockets");
//!         organization.entitled = true;
//!         let now = chrono::Utc::now();
//!         let token = organization.convert(okta.entity_id().clone(), service_provider.provider(), now)?;
//!         store.add_organization(&organization).await?;
//!         println!("for the attribute statement `token`, in double quotes, shown once: {}", token.reveal());
//!     }
//!     let return_paths = Arc::new(ReturnPaths::new("/home").exact("/"));
//!     let app = App { service_provider, connections: Arc::new(connections), store, return_paths };
//!     let sweeping = app.clone();
//!     tokio::spawn(async move {
//!         loop {
//!             tokio::time::sleep(Duration::from_secs(300)).await;
//!             let _ = sweep(&sweeping).await; // a failure waits for the next time
//!         }
//!     });
//!     let pages = Router::new().route("/", get(front)).route("/home", get(home));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?; // behind what speaks TLS
//!     Ok(axum::serve(listener, pages.merge(routes()).with_state(app)).await?)
//! }
//! ```
//!
//! The rules of SAML are not here: this crate carries what comes to `vouchsafe` and what must be kept to `vouchsafe-store`.

mod assertion_consumer;
pub mod cookies;
mod error;
mod limiter;
pub mod refusal;
mod return_path;
mod routes;
pub mod same_origin;
mod service;
mod session;
mod sweep;

pub use assertion_consumer::{Checked, pending_request, receive};
pub use error::HttpError;
pub use limiter::{ReceiveLimiter, ReceivePermit};
pub use refusal::Reference;
pub use return_path::{ReturnPath, ReturnPaths};
pub use routes::{ASSERTION_CONSUMER, LOGIN, LOGOUT, METADATA, NOT_STARTED, login_url, routes};
pub use same_origin::own_pages_only;
pub use service::{Service, Store};
pub use session::{SignedIn, open_session, session_cookie};
pub use sweep::{Swept, sweep};

/// The commands and the handler of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
