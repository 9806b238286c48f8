//! Which connection a name, a slug or an e-mail address leads to.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::{Actor, Organization, OrganizationId};
use vouchsafe::{Connection, ConnectionId, ConnectionState, Connections, EntityId, IdentityProvider};
use vouchsafe_store::{Author, Directory, Memory};
use vouchsafe_testkit as testkit;
use vouchsafe_web::{Discovery, OrganizationDiscovery};

fn id(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap()
}

/// An organization that connected over these, in this order.
async fn add(store: &Memory, name: &str, connections: &[&str]) {
    let (now, okta) = (DateTime::<Utc>::UNIX_EPOCH, testkit::IdentityProvider::okta());
    let mut organization = Organization::new(OrganizationId::new(name), name, name);
    organization.entitled = true;
    organization.verified_domains = vec![format!("{name}.example")];
    for connection in connections {
        organization.connect(id(connection), EntityId::new(okta.entity_id()).unwrap(), now).unwrap();
    }
    store.add_organization(&organization, &Author::new(Actor::Operator, now)).await.unwrap();
}

fn connection(name: &str, state: ConnectionState) -> Connection {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    Connection::new(id(name), IdentityProvider::from_metadata(metadata.as_bytes()).unwrap()).with_state(state)
}

#[tokio::test]
async fn a_slug_and_an_address_lead_to_the_oldest_connection_and_a_name_to_its_own() {
    let store = Arc::new(Memory::new());
    add(&store, "acme", &["retired", "zeta", "alpha"]).await;
    // Another customer whose slug is the name of a connection of Acme, and one with a connection of Acme's slug.
    add(&store, "alpha", &["theirs"]).await;
    add(&store, "globex", &["acme"]).await;
    let active = ["zeta", "alpha", "beta", "theirs", "acme"];
    let active = active.map(|name| connection(name, ConnectionState::Active));
    let others =
        [connection("draft", ConnectionState::Draft), connection("retired", ConnectionState::Retired)];
    let connections: Arc<Connections> = Arc::new(active.into_iter().chain(others).collect());
    let discovery = OrganizationDiscovery::new(store, connections);
    for (asked, expected) in [
        ("acme", Some("zeta")),
        ("ACME", Some("zeta")),
        ("ada@acme.example", Some("zeta")),
        ("zeta", Some("zeta")),
        ("beta", Some("beta")),
        // What people type as the name of an organization comes before names of connections.
        ("alpha", Some("theirs")),
        ("globex", Some("acme")),
        ("ZETA", None),
        ("draft", None),
        ("retired", None),
        ("nobody", None),
        ("ada@zeta", None),
        ("", None),
    ] {
        let found = discovery.discover(asked).await.unwrap();
        assert_eq!(found.map(|found| found.id().clone()), expected.map(id), "{asked}");
    }
}
