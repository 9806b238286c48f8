//! The service provider of these tests: the facade, its metadata loaded and its replays recorded as a service would.

use chrono::{DateTime, Duration, Utc};
use vouchsafe::crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe::{
    EntityId, Expect, Login, LoginOptions, PendingRequest, PostedResponse, Refusal, ServiceProvider,
};
use vouchsafe_axum::MetadataClient;
use vouchsafe_store::{Memory, ReplayStore, StoreError};

use crate::identity_provider::{IdentityProviderProcess, Landed};

pub(crate) const ENTITY_ID: &str = "https://interop.example.com/saml/metadata";
pub(crate) const ASSERTION_CONSUMER: &str = "https://interop.example.com/saml/acs";

pub(crate) struct Service {
    service_provider: ServiceProvider,
    replays: Memory,
}

/// Why somebody was not signed in.
#[derive(Debug)]
pub(crate) enum NotSignedIn {
    Refused(Box<Refusal>),
    Store(StoreError),
}

impl NotSignedIn {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            NotSignedIn::Refused(refusal) => refusal.code(),
            NotSignedIn::Store(error) => error.code(),
        }
    }
}

impl std::fmt::Display for NotSignedIn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotSignedIn::Refused(refusal) => refusal.fmt(formatter),
            NotSignedIn::Store(error) => error.fmt(formatter),
        }
    }
}

impl Service {
    pub(crate) fn new() -> Service {
        let provider = Provider::rustcrypto();
        // One key for both: samlify's script takes one certificate out of our metadata.
        let (key, certificate) = key(&provider, "interop.example.com");
        let service_provider = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap())
            .assertion_consumer(ASSERTION_CONSUMER)
            .unwrap()
            .decryption_key(key.clone(), certificate.clone())
            .signing_key(key, certificate)
            .trust_later()
            .accept_unsolicited()
            .build()
            .unwrap();
        Service { service_provider, replays: Memory::new() }
    }

    pub(crate) fn metadata(&self) -> String {
        self.service_provider.metadata_xml().unwrap()
    }

    /// Loads the identity provider's metadata over HTTP.
    pub(crate) async fn trusting(self, process: &IdentityProviderProcess) -> Service {
        let client = MetadataClient::with_loopback().unwrap();
        let identity_provider = client.identity_provider(&process.metadata_url).await.unwrap();
        Service { service_provider: self.service_provider.with_trust(identity_provider).unwrap(), ..self }
    }

    pub(crate) fn start_login(&self) -> (String, PendingRequest) {
        let identity_provider = self.service_provider.identity_providers().next().unwrap();
        let (redirect, pending) = self
            .service_provider
            .start_login(identity_provider.entity_id(), LoginOptions::default(), Utc::now())
            .unwrap();
        (redirect.url().to_owned(), pending)
    }

    pub(crate) async fn reply(
        &self,
        landed: &Landed,
        pending: &PendingRequest,
    ) -> Result<Login, NotSignedIn> {
        self.receive(landed, Expect::Reply(pending), Utc::now()).await
    }

    pub(crate) async fn unsolicited(&self, landed: &Landed) -> Result<Login, NotSignedIn> {
        self.receive(landed, Expect::Unsolicited, Utc::now()).await
    }

    async fn receive(
        &self,
        landed: &Landed,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<Login, NotSignedIn> {
        let posted =
            PostedResponse::from_form(landed.form().as_bytes(), self.service_provider.limits()).unwrap();
        let refused = |refusal| NotSignedIn::Refused(Box::new(refusal));
        let valid = self.service_provider.receive(&posted, expect, now).map_err(refused)?;
        let first_seen = self.replays.record(valid.replay_key()).await.map_err(NotSignedIn::Store)?;
        valid.confirm(first_seen).map_err(refused)
    }
}

fn key(provider: &Provider, name: &str) -> (PrivateKey, Certificate) {
    let key = provider.generate_key(KeyKind::Rsa { bits: 2048 }).unwrap();
    let from = Utc::now() - Duration::days(1);
    let until = from + Duration::days(365);
    let certificate =
        Certificate::self_signed(provider, &key, name, from.timestamp(), until.timestamp()).unwrap();
    (key, certificate)
}
