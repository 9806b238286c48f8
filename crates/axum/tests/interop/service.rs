//! The service provider of these tests: the facade, which loads metadata and records replays like a service.

use chrono::{DateTime, Duration, Utc};
use vouchsafe::crypto::{Certificate, KeyKind, PrivateKey, Provider};
use vouchsafe::{
    BoundRequest, Connection, ConnectionId, ConnectionSettings, EntityId, Expect, Login, LoginOptions,
    PostedResponse, Refusal, ServiceProvider, Unsolicited,
};
use vouchsafe_client::Client;
use vouchsafe_store::{Memory, ReplayStore, StoreError};

use crate::identity_provider::{IdentityProviderProcess, Landed};

pub(crate) const ENTITY_ID: &str = "https://interop.example.com/saml/metadata";
pub(crate) const ASSERTION_CONSUMER: &str = "https://interop.example.com/saml/acs";

pub(crate) struct Service {
    service_provider: ServiceProvider,
    connections: Vec<Connection>,
    replays: Memory,
}

/// The reason why nobody was signed in.
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
        // There is one key for both: samlify's script reads one certificate from our metadata.
        let (key, certificate) = key(&provider, "interop.example.com");
        let service_provider = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap())
            .assertion_consumer(ASSERTION_CONSUMER)
            .unwrap()
            .decryption_key(key.clone(), certificate.clone())
            .signing_key(key, certificate)
            .build()
            .unwrap();
        Service { service_provider, connections: Vec::new(), replays: Memory::new() }
    }

    pub(crate) fn metadata(&self) -> String {
        self.service_provider.metadata_xml().unwrap()
    }

    /// Loads the identity provider's metadata over HTTP.
    pub(crate) async fn trusting(self, process: &IdentityProviderProcess) -> Service {
        let client = Client::with_loopback().unwrap();
        let identity_provider = client.identity_provider(&process.metadata_url).await.unwrap();
        let connection = Connection::new(ConnectionId::new("interop").unwrap(), identity_provider)
            .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
            .unwrap();
        Service { connections: vec![connection], ..self }
    }

    pub(crate) fn start_login(&self) -> (String, BoundRequest) {
        let connection = self.connections.first().unwrap();
        let started =
            self.service_provider.start_login(connection, LoginOptions::default(), Utc::now()).unwrap();
        let url = started.request.redirect().unwrap().url().to_owned();
        let provider = self.service_provider.provider();
        (url, started.pending.bind(Some(started.binding.reveal()), provider).unwrap())
    }

    pub(crate) async fn reply(&self, landed: &Landed, pending: &BoundRequest) -> Result<Login, NotSignedIn> {
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
        let claimed = self.service_provider.open(posted).map_err(refused)?;
        let received = self.service_provider.receive(claimed, &self.connections, expect, now);
        let valid = received.map_err(refused)?;
        let recorded = self.replays.record(valid.replay_key()).await.map_err(NotSignedIn::Store)?;
        valid.confirm(recorded).map_err(refused)
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
