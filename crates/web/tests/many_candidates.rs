//! Unasked responses of an identity provider to which many connections of a service have been configured.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use http::Request;
use vouchsafe::{
    ConnectionId, ConnectionSettings, ConnectionState, EntityId, ServiceProvider, Unsolicited,
    assertion::MOST_CANDIDATES,
    provisioning::{Actor, OrganizationId},
};
use vouchsafe_store::{
    Author, ConnectionMetadata, ConnectionStore, Memory, MetadataSource, StoredConnection,
};
use vouchsafe_testkit::{self as testkit, KeyPair, keys};
use vouchsafe_web::{SingleSignOn, StoredConnections};

/// More connections than two pages have.
const MANY: usize = 2 * MOST_CANDIDATES + 3;

/// The identity provider of a customer, or what a stranger configures under its entity ID.
fn with_key(key: &KeyPair) -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_key(key)
}

/// A service with active connections in a store.
struct Service {
    store: Arc<Memory>,
    sso: SingleSignOn,
    refused: Arc<Mutex<Vec<&'static str>>>,
}

impl Service {
    /// Connections whose names begin with `broken` cannot be used.
    fn new() -> Service {
        let store = Arc::new(Memory::new());
        let connections = StoredConnections::new(Arc::clone(&store)).prepared_by(|stored, connection| {
            match stored.id.as_str().starts_with("broken") {
                true => Err(ConnectionSettings::default().assertion_consumer("no address").unwrap_err()),
                false => Ok(connection),
            }
        });
        let service_provider = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
            .assertion_consumer(testkit::ASSERTION_CONSUMER)
            .unwrap()
            .build()
            .unwrap();
        let refused = Arc::<Mutex<Vec<&'static str>>>::default();
        let kept = Arc::clone(&refused);
        let sso = SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new()))
            .on_refusal(move |record| kept.lock().unwrap().push(record.code));
        Service { store, sso, refused }
    }

    async fn add(&self, name: &str, key: &KeyPair, settings: ConnectionSettings) {
        let metadata = with_key(key).metadata().unwrap();
        let metadata = ConnectionMetadata::new(metadata, MetadataSource::Uploaded, Utc::now());
        let (id, owner) = (ConnectionId::new(name).unwrap(), OrganizationId::new(name));
        let mut stored = StoredConnection::from_metadata(id, owner, metadata).unwrap();
        stored.state = ConnectionState::Active;
        stored.settings.sign_in = settings;
        self.store.add_connection(&stored, &Author::new(Actor::Operator, Utc::now())).await.unwrap();
    }

    async fn add_many(&self, name: &str, key: &KeyPair, settings: &ConnectionSettings) {
        for number in 0..MANY {
            self.add(&format!("{name}{number:02}"), key, settings.clone()).await;
        }
    }

    /// Brings a response that this key signs. Returns its connection, or the code of the refusal.
    async fn sign_in(&self, key: &KeyPair) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let id = format!("_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let response = with_key(key).response().at(Utc::now()).assertion_id(id);
        let form = response.issue().unwrap().to_form(None);
        let request = Request::post("/saml/acs").body(()).unwrap().into_parts().0;
        match self.sso.accept(&request, form.as_bytes()).await {
            Ok(accepted) => accepted.connection().to_string(),
            Err(_) => self.refused.lock().unwrap().pop().unwrap().to_owned(),
        }
    }
}

fn accepting() -> ConnectionSettings {
    ConnectionSettings::default().unsolicited(Unsolicited::Accept)
}

/// Connections that cannot be used are no candidates, so they hide no other one: neither those without addresses of
/// their own, nor those that name the service's address as their own.
#[tokio::test]
async fn connections_that_cannot_be_used_hide_no_other() {
    let named = || accepting().assertion_consumer(testkit::ASSERTION_CONSUMER).unwrap();
    for settings in [accepting(), named()] {
        let service = Service::new();
        service.add_many("broken", keys::identity_provider(), &settings).await;
        assert_eq!(service.sign_in(keys::identity_provider()).await, "assertion.unknown_issuer");
        service.add("victim", keys::identity_provider(), settings).await;
        assert_eq!(service.sign_in(keys::identity_provider()).await, "victim");
    }
}

/// If more connections than are told apart name the service's address as their own, not all of them are known. So the key
/// of one of them does not decide.
#[tokio::test]
async fn the_key_does_not_decide_among_more_named_connections_than_are_told_apart() {
    let named = accepting().assertion_consumer(testkit::ASSERTION_CONSUMER).unwrap();
    let service = Service::new();
    service.add("a-victim", keys::identity_provider(), named.clone()).await;
    for number in 1..MOST_CANDIDATES {
        service.add(&format!("stranger{number:02}"), keys::attacker(), named.clone()).await;
    }
    service.add("shared", keys::attacker(), accepting()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "a-victim");
    service.add("stranger", keys::attacker(), named).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "assertion.connection_ambiguous");
}

/// If there is only one, the refusal says that it cannot be used.
#[tokio::test]
async fn the_only_connection_says_that_it_cannot_be_used() {
    let service = Service::new();
    service.add("broken", keys::identity_provider(), accepting()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "binding.url");
}

#[tokio::test]
async fn the_key_decides_among_many_connections() {
    let service = Service::new();
    service.add_many("a-stranger", keys::attacker(), &accepting()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "signature.not_verified");
    service.add("victim", keys::identity_provider(), accepting()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "victim");
    assert_eq!(service.sign_in(keys::attacker()).await, "assertion.connection_ambiguous");
    // One more that has the key, on whichever page it is.
    service.add("a-copy", keys::identity_provider(), accepting()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "assertion.connection_ambiguous");
}

/// The settings of the connection decide that has the key, whatever those of the others are.
#[tokio::test]
async fn the_connection_with_the_key_decides_what_is_done_with_an_unasked_response() {
    for (settings, outcome) in [
        (ConnectionSettings::default(), "assertion.unsolicited"),
        (accepting().assertion_consumer(testkit::ASSERTION_CONSUMER).unwrap(), "victim"),
    ] {
        let service = Service::new();
        service.add_many("a-stranger", keys::attacker(), &accepting()).await;
        service.add("victim", keys::identity_provider(), settings).await;
        assert_eq!(service.sign_in(keys::identity_provider()).await, outcome);
    }
}

/// A connection that has the key counts, although it accepts no response without a request, on whichever page it is.
#[tokio::test]
async fn a_connection_with_the_key_counts_whatever_it_accepts() {
    let service = Service::new();
    service.add_many("a-stranger", keys::attacker(), &accepting()).await;
    service.add("victim", keys::identity_provider(), accepting()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "victim");
    service.add("a-copy", keys::identity_provider(), ConnectionSettings::default()).await;
    assert_eq!(service.sign_in(keys::identity_provider()).await, "assertion.connection_ambiguous");
}
