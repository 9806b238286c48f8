//! This crate is a SAML 2.0 service provider: with it, your service signs people in with their company's identity provider. Your service
//! reads only bytes that a trusted key signed, and every refusal is explained.
//!
//! Start with these items:
//!
//! * [`ServiceProvider`] is your service: its name (entity ID), its addresses, its keys and its defaults.
//! * [`Connection`] is one customer's identity provider with its settings. [`Connections`] holds several.
//! * [`PostedResponse`] is what a browser posts to your service. [`ServiceProvider::receive`] judges it, and the result becomes a
//!   [`Login`].
//!
//! With axum or actix-web, start at `vouchsafe-axum` or `vouchsafe-actix` instead: they have the routes, the cookies and the stores.
//!
//! This crate is the facade. It handles the bindings (what a browser posts, and where it is redirected), the requests that are not answered
//! yet, and the identity providers that the service trusts. Each step from bytes to a login is a crate of its own, which is re-exported here as a module.
//!
//! ```no_run
//! use chrono::{DateTime, Utc};
//! use vouchsafe::{Connection, ConnectionId, Connections, EntityId, Expect, IdentityProvider};
//! use vouchsafe::{LoginOptions, OutgoingMessage, PendingRequest, PostedResponse, ServiceProvider, StartedLogin};
//!
//! fn configure(okta_metadata: &[u8]) -> Result<(ServiceProvider, Connection), Box<dyn std::error::Error>> {
//!     let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
//!         .assertion_consumer("https://app.example.com/saml/acs")?
//!         .build()?;
//!     let okta = Connection::new(ConnectionId::new("acme")?, IdentityProvider::from_metadata(okta_metadata)?);
//!     Ok((saml, okta))
//! }
//!
//! // Starts a sign-in over the connection that the person chose (`connections.get("acme")`): stores `pending` under `pending.handle()`,
//! // sets the cookie, and redirects the browser. If all requests use one cookie, a second tab overwrites the cookie of the first. If that
//! // matters, give each request its own cookie name, and limit their number.
//! fn start(saml: &ServiceProvider, okta: &Connection, now: DateTime<Utc>) -> Result<String, Box<dyn std::error::Error>> {
//!     let StartedLogin { request, pending, binding, .. } = saml.start_login(okta, LoginOptions::default(), now)?;
//!     set_cookie(binding.set_cookie("__Host-saml", std::time::Duration::from_secs(600)));
//!     keep(pending);
//!     Ok(request.redirect().map(|redirect| redirect.url().to_owned()).unwrap_or_default())
//! }
//!
//! // The assertion consumer: it gets the raw body of the POST, and the browser's cookie.
//! fn finish(
//!     saml: &ServiceProvider,
//!     connections: &Connections,
//!     body: &[u8],
//!     cookie: Option<&str>,
//!     now: DateTime<Utc>,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let claimed = saml.open(PostedResponse::from_form(body, saml.limits())?)?;
//!     // Take the request out of the store by its RelayState, so that it is answered only once, and only for a browser that sent the cookie.
//!     let handle = claimed.relay_state().filter(|_| cookie.is_some()).map(|handle| handle.as_str());
//!     let pending = handle.and_then(take).ok_or("no request is pending, or it was answered already")?;
//!     let candidates = connections.candidates(&claimed, Some(&pending));
//!     let pending = pending.bind(cookie, saml.provider())?;
//!     let valid = saml.receive(claimed, &candidates, Expect::Reply(&pending), now)?;
//!     let recorded = record(valid.replay_key()); // atomically: was it there already?
//!     let login = valid.confirm(recorded)?;
//!     // Find the account by the connection and the name together: the identity providers of two customers may use the same name.
//!     println!("signed in over {}", login.connection());
//!     Ok(())
//! }
//! # fn keep(_: PendingRequest) {}
//! # fn take(_: &str) -> Option<PendingRequest> { None }
//! # fn set_cookie(_: String) {}
//! # fn record(key: vouchsafe::ReplayKey) -> vouchsafe::Recorded { key.recorded(true) }
//! ```
//!
//! The random bytes of a session identifier come from `saml.provider().random(&mut bytes)`.
//!
//! This crate does no I/O, reads no clock and is not async: the current time and all stored or expected values are
//! arguments. `vouchsafe-store` stores what must be stored, and `vouchsafe-axum`, `vouchsafe-actix` and
//! `vouchsafe-web` have the HTTP side.
//!
//! The [`guides`] show how to build a service, how to operate it, and how to connect Okta and other products. The [glossary](guides::glossary)
//! explains the words of SAML and of this project.

mod artifact;
mod attempt_limiter;
mod autopsy;
mod autopsy_finding;
mod back_channel;
mod browser_binding;
mod builder;
mod claimed_response;
mod client_network;
mod connection;
mod connection_settings;
mod connections;
#[cfg(feature = "console")]
pub mod console;
mod descriptor;
#[cfg(feature = "doctor")]
pub mod doctor;
mod enhanced_client;
mod error;
mod etag;
mod explain;
mod explained;
mod field_beginning;
mod field_content;
mod field_encoding;
mod field_sniffing;
mod form;
#[cfg(all(doc, not(doctest)))]
pub mod guides;
mod incoming;
mod login;
mod logout;
mod logout_journey;
mod logout_message;
mod message_route;
mod metadata_check;
mod name_id_management;
mod name_id_order;
mod outgoing;
mod over_connection;
mod participant;
mod pending;
mod post_form;
mod posted;
mod random;
mod receive;
mod receive_message;
mod receive_request;
mod recently_used;
pub mod redirect;
mod relay_state;
mod request;
mod request_details;
mod request_rate;
mod service_provider;
mod settings;
mod signature_inquiry;
mod signing;
mod stored_time;

pub use artifact::{ArtifactResolution, ConfirmedArtifact, ReceivedArtifact, SentArtifact, ValidArtifact};
pub use attempt_limiter::{Attempt, AttemptLimiter};
pub use autopsy_finding::{CertificateFacts, PostMortem, SignatureFinding};
pub use back_channel::SoapCall;
pub use browser_binding::BrowserBinding;
pub use builder::{Builder, Complete, WantsAssertionConsumer};
pub use claimed_response::ClaimedResponse;
pub use client_network::ClientNetwork;
pub use connection::{Connection, ConnectionState};
pub use connection_settings::{ConnectionSettings, Unsolicited};
pub use connections::Connections;
pub use enhanced_client::PaosRequest;
pub use error::BindingError;
pub use etag::ETag;
pub use explain::Explain;
pub use explained::Explained;
pub use field_content::FieldContent;
pub use incoming::{ExpectMessage, IncomingMessage, SentMessage};
pub use login::StartedLogin;
pub use logout::StartedLogout;
pub use logout_journey::{
    BoundLogout, LogoutAnswer, LogoutJourney, ParticipantAnswer, PendingLogout, StoredPendingLogout,
    unasked_message,
};
pub use logout_message::LogoutStatus;
pub use metadata_check::MetadataFinding;
pub use name_id_management::{NameIdStatus, StartedNameIdOrder};
pub use name_id_order::{NameIdOrder, StoredNameIdOrder};
pub use outgoing::OutgoingMessage;
pub use participant::Participant;
pub use pending::{BoundRequest, PendingRequest, StoredPendingRequest};
pub use post_form::PostForm;
pub use posted::PostedResponse;
pub use receive::Expect;
pub use receive_request::ReceivedRequest;
pub use recently_used::RecentlyUsed;
pub use redirect::Redirect;
pub use relay_state::RelayState;
pub use request::{LoginOptions, NameIdPolicy};
pub use request_details::{RequestBinding, ResponseBinding, Scoping};
pub use request_rate::{RequestLimiter, RequestRate};
pub use service_provider::ServiceProvider;
pub use settings::SignRequests;
pub use signature_inquiry::SignatureInquiry;

pub use vouchsafe_assertion::{
    Artifact, Carriage, ConnectionId, Declined, Ledger, Login, LogoutOutcome, LogoutRequest,
    ManageNameIdRequest, Message, MessageKind, NameId, NameIdChange, Recorded, Refusal, ReplayKey,
    SessionNameId, StatusAnswer, Trial, ValidAssertion, ValidMessage,
};
pub use vouchsafe_crypto::Provider;
pub use vouchsafe_metadata::{EntityId, IdentityProvider, WebAddress};
pub use vouchsafe_xml::Limits;

pub use vouchsafe_assertion as assertion;
pub use vouchsafe_crypto as crypto;
pub use vouchsafe_encryption as encryption;
pub use vouchsafe_metadata as metadata;
#[cfg(feature = "provisioning")]
pub use vouchsafe_provisioning as provisioning;
pub use vouchsafe_signature as signature;
pub use vouchsafe_xml as xml;
