//! Connections.

use tokio::task::JoinSet;
use vouchsafe::{
    ConnectionId, ConnectionSettings, ConnectionState, EntityId, Unsolicited, assertion::SourceId,
    provisioning::OrganizationId,
};

use super::{Store, acme, author, globex, globex_idp, now, okta};
use crate::{ConnectionMetadata, ConnectionOutline, ConnectionRevision, MetadataSource, StoredConnection};

pub fn id(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap()
}

/// A draft of an organization, with metadata that nothing here reads.
pub fn draft(name: &str, organization: OrganizationId, identity_provider: EntityId) -> StoredConnection {
    let metadata = ConnectionMetadata::new("<md:EntityDescriptor/>", MetadataSource::Uploaded, now());
    StoredConnection::new(id(name), organization, identity_provider, metadata)
}

pub async fn a_connection_is_kept_whole(store: impl Store) {
    let mut connection = draft("acme-okta", acme(), okta());
    connection.state = ConnectionState::Tested;
    let url = "https://example.okta.com/app/exk1/sso/saml/metadata".to_owned();
    connection.metadata =
        ConnectionMetadata::new([b"<\xff\0".as_slice(); 3].concat(), MetadataSource::Url(url), now());
    connection.settings.token_required = false;
    connection.settings.sign_in = ConnectionSettings::default()
        .entity_id(EntityId::new("https://app.example.com/saml/acme").unwrap())
        .assertion_consumer("https://app.example.com/saml/acme/acs")
        .unwrap()
        .clock_skew(std::time::Duration::from_secs(180))
        .unwrap()
        .require_signed_response()
        .unsolicited(Unsolicited::Restart)
        .danger_allow("rsa-1024")
        .unwrap();
    store.add_connection(&draft("acme-first", acme(), okta()), &author()).await.unwrap();
    assert_eq!(store.connection(&connection.id).await.unwrap(), None);
    assert_eq!(store.connection_revision(&connection.id).await.unwrap(), None);
    assert_eq!(store.connection_outline(&connection.id).await.unwrap(), None);
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    assert_eq!(connection.revision, 1);
    assert_eq!(store.connection(&connection.id).await.unwrap().as_ref(), Some(&connection));
    let outline = store.connection_outline(&connection.id).await.unwrap();
    assert_eq!(outline, Some(ConnectionOutline::from(connection.clone())));

    let signed = |document: &str, signer: &str| ConnectionMetadata {
        signer: Some(signer.repeat(32)),
        ..ConnectionMetadata::new(document.as_bytes(), MetadataSource::Uploaded, now())
    };
    connection.metadata = signed("<other/>", "11");
    connection.staged = Some(signed("<staged/>", "22"));
    connection.settings = Default::default();
    connection.state = ConnectionState::Active;
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(store.connection(&connection.id).await.unwrap().as_ref(), Some(&connection));
    let outline = store.connection_outline(&connection.id).await.unwrap();
    assert_eq!(outline, Some(ConnectionOutline::from(connection)));
}

pub async fn every_write_of_a_connection_is_a_new_revision(store: impl Store) {
    let mut connection = draft("acme-okta", acme(), okta());
    assert_eq!(
        store.update_connection(&connection, &author()).await.unwrap_err().code(),
        "store.connection_unknown"
    );
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    for revision in 2..5 {
        connection.revision = store.update_connection(&connection, &author()).await.unwrap();
        assert_eq!(connection.revision, revision, "also if nothing changes");
        assert_eq!(store.connection_revision(&connection.id).await.unwrap(), Some(revision));
    }
    let mut stale = connection.clone();
    stale.revision = 3;
    stale.settings.token_required = false;
    let refused = store.update_connection(&stale, &author()).await.unwrap_err();
    assert_eq!(refused.code(), "store.connection_conflict");
    assert!(refused.is_conflict() && !refused.is_outage());
    assert_eq!(store.connection(&connection.id).await.unwrap(), Some(connection));
}

pub async fn of_writers_at_one_revision_one_succeeds(store: impl Store) {
    let mut connection = draft("acme-okta", acme(), okta());
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, connection) = (store.clone(), connection.clone());
        tasks.spawn(async move {
            store.update_connection(&connection, &author()).await.map_err(|error| error.code())
        });
    }
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_unstable();
    assert_eq!(outcomes.remove(0), Ok(2));
    assert!(outcomes.iter().all(|outcome| *outcome == Err("store.connection_conflict")), "{outcomes:?}");
}

pub async fn what_never_changes_of_a_connection_is_refused(store: impl Store) {
    let mut connection = draft("acme-okta", acme(), okta());
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let mut other = connection.clone();
    other.organization = globex();
    assert_eq!(
        store.update_connection(&other, &author()).await.unwrap_err().code(),
        "store.connection_fixed"
    );
    let mut other = connection.clone();
    other.identity_provider = globex_idp();
    assert_eq!(
        store.update_connection(&other, &author()).await.unwrap_err().code(),
        "store.connection_fixed"
    );

    let thief = draft("acme-okta", globex(), globex_idp());
    assert_eq!(store.add_connection(&thief, &author()).await.unwrap_err().code(), "store.taken");
    connection.state = ConnectionState::Retired;
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    connection.metadata.document = Default::default();
    assert_eq!(
        store.add_connection(&thief, &author()).await.unwrap_err().code(),
        "store.taken",
        "a name is used once"
    );
    let mut again = connection.clone();
    again.state = ConnectionState::Active;
    assert_eq!(
        store.update_connection(&again, &author()).await.unwrap_err().code(),
        "store.connection_fixed"
    );
    assert_eq!(store.connection(&connection.id).await.unwrap(), Some(connection), "nothing was written");
}

pub async fn connections_are_found_by_identity_provider_and_address(store: impl Store) {
    let own = "https://app.example.com/saml/own/acs";
    let mut expected_own = Vec::new();
    for (name, organization, issuer, address) in [
        ("b-own", acme(), okta(), Some(own)),
        ("a-own", globex(), okta(), Some(own)),
        ("c-other-own", acme(), okta(), Some("https://app.example.com/saml/c/acs")),
        ("shared", acme(), okta(), None),
        ("z-other-idp", globex(), globex_idp(), Some(own)),
    ] {
        let mut connection = draft(name, organization, issuer.clone());
        connection.state = ConnectionState::Active;
        if let Some(address) = address {
            connection.settings.sign_in = ConnectionSettings::default().assertion_consumer(address).unwrap();
        }
        let revision = store.add_connection(&connection, &author()).await.unwrap();
        if address == Some(own) && issuer == okta() {
            expected_own.push(ConnectionRevision::new(connection.id.clone(), revision));
        }
    }
    expected_own.sort();
    assert_eq!(store.connections_to(&okta(), Some(own), 9).await.unwrap(), expected_own);
    assert_eq!(store.connections_to(&okta(), Some(own), 1).await.unwrap(), expected_own[..1]);
    let shared = [ConnectionRevision::new(id("shared"), 1)];
    assert_eq!(store.connections_to(&okta(), None, 9).await.unwrap(), shared);
    assert!(store.connections_to(&okta(), Some("https://elsewhere.example/"), 9).await.unwrap().is_empty());
    assert!(store.connections_to(&globex_idp(), None, 9).await.unwrap().is_empty());

    // One that moves to another address is no longer found at the old one.
    let mut moved = store.connection(&id("a-own")).await.unwrap().unwrap();
    moved.settings.sign_in = ConnectionSettings::default();
    store.update_connection(&moved, &author()).await.unwrap();
    assert_eq!(store.connections_to(&okta(), Some(own), 9).await.unwrap(), expected_own[1..]);
    let shared = [ConnectionRevision::new(id("a-own"), 2), shared[0].clone()];
    assert_eq!(store.connections_to(&okta(), None, 9).await.unwrap(), shared);
}

/// All active connections to an identity provider are found page by page, without those in other states.
pub async fn the_active_connections_to_an_identity_provider_are_found_page_by_page(store: impl Store) {
    let own = "https://app.example.com/saml/own/acs";
    for (name, issuer, address, state) in [
        ("b", okta(), None, ConnectionState::Active),
        ("d", okta(), None, ConnectionState::Active),
        ("a", okta(), None, ConnectionState::Active),
        ("c-draft", okta(), None, ConnectionState::Draft),
        ("c-retired", okta(), None, ConnectionState::Retired),
        ("b-own", okta(), Some(own), ConnectionState::Active),
        ("b-other", globex_idp(), None, ConnectionState::Active),
    ] {
        let mut connection = draft(name, acme(), issuer);
        connection.state = state;
        if let Some(address) = address {
            connection.settings.sign_in = ConnectionSettings::default().assertion_consumer(address).unwrap();
        }
        store.add_connection(&connection, &author()).await.unwrap();
    }
    let page = async |address: Option<&str>, after: Option<&str>, most: usize| {
        let after = after.map(id);
        let found = store.active_connections_to(&okta(), address, after.as_ref(), most).await.unwrap();
        found.iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 9).await, ["a", "b", "d"]);
    assert_eq!(page(None, None, 2).await, ["a", "b"]);
    assert_eq!(page(None, Some("b"), 2).await, ["d"]);
    assert_eq!(page(None, Some("c"), 2).await, ["d"], "a name of no connection");
    assert!(page(None, Some("d"), 2).await.is_empty());
    assert_eq!(page(Some(own), None, 9).await, ["b-own"]);
}

/// An artifact names its identity provider by a hash.
pub async fn an_identity_provider_is_found_by_what_artifacts_name_it(store: impl Store) {
    let source = |identity_provider: &EntityId| SourceId::of(identity_provider);
    assert_eq!(store.identity_provider_of_source(source(&okta())).await.unwrap(), None);
    for (name, organization) in [("one", acme()), ("two", globex())] {
        store.add_connection(&draft(name, organization, okta()), &author()).await.unwrap();
        let found = store.identity_provider_of_source(source(&okta())).await.unwrap();
        assert_eq!(found, Some(okta()), "{name}");
    }
    assert_eq!(store.identity_provider_of_source(source(&globex_idp())).await.unwrap(), None);
    // The connections to it are found as ever.
    assert_eq!(store.connections_to(&okta(), None, 9).await.unwrap().len(), 2);
}

/// Anybody who has an organization can make drafts, to whatever identity provider.
pub async fn drafts_and_retired_connections_hide_no_active_one(store: impl Store) {
    for number in 0..20 {
        let organization = OrganizationId::new(format!("of-{number}"));
        let mut connection = draft(&format!("a{number:02}"), organization, okta());
        let states = [ConnectionState::Draft, ConnectionState::Tested, ConnectionState::Retired];
        connection.state = states[number % states.len()];
        store.add_connection(&connection, &author()).await.unwrap();
    }
    let mut victim = draft("victim", acme(), okta());
    victim.state = ConnectionState::Active;
    store.add_connection(&victim, &author()).await.unwrap();
    let found = store.connections_to(&okta(), None, 3).await.unwrap();
    let names: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(names, ["victim", "a00", "a01"]);

    // And one that is activated later stands among the first.
    let mut late = store.connection(&id("a19")).await.unwrap().unwrap();
    late.state = ConnectionState::Active;
    store.update_connection(&late, &author()).await.unwrap();
    let found = store.connections_to(&okta(), None, 2).await.unwrap();
    assert_eq!(found, [ConnectionRevision::new(id("a19"), 2), ConnectionRevision::new(id("victim"), 1)]);
}

pub async fn an_organization_has_several_connections(store: impl Store) {
    for (name, organization) in [("second", acme()), ("first", acme()), ("theirs", globex())] {
        store.add_connection(&draft(name, organization, okta()), &author()).await.unwrap();
    }
    let found = store.connections_of(&acme()).await.unwrap();
    let names: Vec<(&str, u64)> = found.iter().map(|one| (one.id.as_str(), one.revision)).collect();
    assert_eq!(names, [("first", 1), ("second", 1)]);
    assert_eq!(store.connection(&id("first")).await.unwrap().as_ref(), found.first());
    assert!(store.connections_of(&OrganizationId::new("nobody")).await.unwrap().is_empty());
}

pub async fn active_connections_are_walked_page_by_page(store: impl Store) {
    let names = ["a", "B", "b", "b-1", "b0", "c_1", "z"];
    for (place, name) in names.iter().enumerate() {
        let mut connection = draft(name, OrganizationId::new(format!("customer-{place}")), okta());
        connection.state = if *name == "c_1" { ConnectionState::Tested } else { ConnectionState::Active };
        connection.revision = store.add_connection(&connection, &author()).await.unwrap();
        if *name == "b" {
            store.update_connection(&connection, &author()).await.unwrap();
        }
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.active_connections(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page);
    }
    let found: Vec<_> = seen.iter().map(|one| (one.id.as_str(), one.revision)).collect();
    // In the order of bytes.
    assert_eq!(found, [("B", 1), ("a", 1), ("b", 2), ("b-1", 1), ("b0", 1), ("z", 1)]);
    assert!(store.active_connections(None, 0).await.unwrap().is_empty());
}
