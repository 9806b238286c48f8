//! A metadata host that sends wrong documents, and other people who change the connection during a request.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use tokio::sync::Barrier;
use vouchsafe::metadata::KeyChanges;
use vouchsafe::provisioning::{Actor, Organization, OrganizationId};
use vouchsafe::{ConnectionId, ConnectionState, EntityId, Provider};
use vouchsafe_client::{Client, RefreshEvent, RefreshOutcome, StoredRefresher};
use vouchsafe_store::{
    Answer, Author, ConnectionDecision, ConnectionRevision, ConnectionStore, Directory, Memory,
    MetadataSource, StoreError, StoredConnection,
};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use crate::roll_over::{acme, author, next, refresher, stored};
use crate::server::{Answer as Answered, Server};
use crate::{always, client};

fn announced() -> String {
    Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate()).metadata().unwrap()
}

fn good() -> String {
    Kit::okta().metadata().unwrap()
}

/// Returns a store with the connection and its organization.
async fn store_with(server: &Server, change: impl Fn(&mut StoredConnection)) -> Memory {
    let store = Memory::new();
    let mut organization = Organization::new("acme".into(), "acme", "Acme");
    organization.entitled = true;
    store.add_organization(&organization, &author()).await.unwrap();
    let mut connection = stored(server, &good());
    change(&mut connection);
    let convert = ConnectionDecision::new("acme".into(), Actor::Operator, Utc::now(), move |it, now| {
        it.convert(connection.clone(), None, now)
    });
    store.decide_connections(convert).await.unwrap();
    store
}

async fn known(store: &Memory) -> StoredConnection {
    store.connection(&acme()).await.unwrap().unwrap()
}

async fn staged_digest(store: &Memory) -> String {
    let known = known(store).await;
    known.digest(known.staged.as_ref().unwrap())
}

fn told(events: &[RefreshEvent]) -> Vec<String> {
    let told = events.iter().map(|event| match &event.outcome {
        RefreshOutcome::Changed { .. } => "changed".to_owned(),
        RefreshOutcome::Unchanged => "unchanged".to_owned(),
        RefreshOutcome::StoreFailed { reason, .. } => format!("store: {}", reason.code()),
        other => format!("{other:?}"),
    });
    told.collect()
}

#[tokio::test]
async fn of_two_machines_one_writes_and_the_other_sees_it() {
    let server = Server::start(Answered::Document(good())).await;
    let store = store_with(&server, |_| ()).await;
    let (mut one, mut other) = (refresher(&server, &store).await, refresher(&server, &store).await);
    server.answers(Answered::Held(announced(), Arc::new(Barrier::new(2))));
    let (one_told, other_told) = tokio::join!(one.refresh_due(), other.refresh_due());
    let mut all = [told(&one_told), told(&other_told)].concat();
    all.sort_unstable();
    assert_eq!(all, ["changed", "unchanged"]);
    assert_eq!(known(&store).await.revision, 2);
    let audit = store.audit(&"acme".into()).await.unwrap();
    assert_eq!(audit.iter().filter(|record| record.rule.as_str() == "connection.key").count(), 1);

    // The same if it must wait for approval.
    let store = store_with(&server, |it| it.settings.metadata.key_changes = KeyChanges::Approve).await;
    let (mut one, mut other) = (refresher(&server, &store).await, refresher(&server, &store).await);
    let (one_told, other_told) = tokio::join!(one.refresh_due(), other.refresh_due());
    for event in one_told.iter().chain(&other_told) {
        assert!(matches!(event.outcome, RefreshOutcome::Staged { .. }), "{event}");
    }
    let waits = known(&store).await;
    assert_eq!((waits.revision, &*waits.metadata.document), (2, good().as_bytes()));
    assert!(waits.staged.is_some());
}

/// The document was requested before somebody changed the connection: their change is kept.
#[tokio::test]
async fn whoever_changes_the_connection_while_it_is_asked_wins() {
    type Change = fn(&mut StoredConnection);
    let changes: [(Change, &[&str]); 3] = [
        (|it| it.metadata.source = MetadataSource::Uploaded, &[]),
        (|it| it.state = ConnectionState::Retired, &[]),
        (|it| it.settings.metadata.key_changes = KeyChanges::Approve, &["store: store.connection_conflict"]),
    ];
    for (change, expected) in changes {
        let server = Server::start(Answered::Document(good())).await;
        let store = store_with(&server, |_| ()).await;
        let mut refresher = refresher(&server, &store).await;
        let barrier = Arc::new(Barrier::new(2));
        server.answers(Answered::Held(announced(), Arc::clone(&barrier)));
        let owner = async {
            barrier.wait().await;
            let mut connection = known(&store).await;
            change(&mut connection);
            store.update_connection(&connection, &author()).await.unwrap();
            barrier.wait().await;
        };
        let (events, ()) = tokio::join!(refresher.refresh_due(), owner);
        assert_eq!(told(&events), expected);
        let now = known(&store).await;
        assert_eq!((now.revision, &*now.metadata.document), (2, good().as_bytes()));
        assert_eq!(now.staged, None);
        // The next request uses the connection of that time.
        server.answers(Answered::Document(announced()));
        match now.settings.metadata.key_changes {
            KeyChanges::Approve => assert_eq!(next(&mut refresher).await, "staged: it adds a signing key"),
            _ => assert!(refresher.refresh_due().await.is_empty()),
        }
    }
}

/// The owner chooses another identity provider while the metadata of the old one is being sent.
#[tokio::test]
async fn a_refresh_brings_no_identity_provider_back_that_was_replaced() {
    let server = Server::start(Answered::Document(good())).await;
    let store = store_with(&server, |_| ()).await;
    let mut refresher = refresher(&server, &store).await;
    let barrier = Arc::new(Barrier::new(2));
    server.answers(Answered::Held(announced(), Arc::clone(&barrier)));
    let replaces = async {
        barrier.wait().await;
        let mut other = stored(&server, &good());
        other.id = ConnectionId::new("acme-2").unwrap();
        let replaces = ConnectionDecision::new("acme".into(), Actor::Operator, Utc::now(), move |it, now| {
            let new = other.id.clone();
            it.add_draft(other.clone())?;
            it.replace(&acme(), &new, now)
        });
        store.decide_connections(replaces).await.unwrap();
        barrier.wait().await;
    };
    let (events, ()) = tokio::join!(refresher.refresh_due(), replaces);
    assert_eq!(told(&events), Vec::<String>::new());
    let retired = known(&store).await;
    assert_eq!((retired.state, retired.revision), (ConnectionState::Retired, 2));
    assert_eq!(&*retired.metadata.document, good().as_bytes());
    assert!(refresher.refresh_due().await.is_empty(), "it is asked no more");
}

/// A key was withdrawn because it was stolen. A host that serves the old document again gets it trusted only by
/// approval, at any time.
#[tokio::test]
async fn a_withdrawn_key_comes_back_by_approval_alone() {
    let stolen = keys::identity_provider();
    let server = Server::start(Answered::Document(announced())).await;
    let store = store_with(&server, |it| {
        it.metadata.document = announced().into_bytes().into();
        it.settings.metadata.key_changes = KeyChanges::Approve;
    })
    .await;
    let mut first = refresher(&server, &store).await;
    server.answers(Answered::Document(
        Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap(),
    ));
    assert_eq!(
        next(&mut first).await,
        "changed",
        "a key that goes takes trust away, for which nobody is asked"
    );
    for document in [announced(), good()] {
        server.answers(Answered::Document(document));
        // The same holds after a restart of the process.
        for mut refresher in [refresher(&server, &store).await, refresher(&server, &store).await] {
            for _ in 0..20 {
                assert_eq!(next(&mut refresher).await, "staged: it adds a signing key");
            }
        }
        let trusted = known(&store).await.to_connection().unwrap();
        let keys = trusted.identity_provider().signing_keys();
        assert!(keys.iter().all(|key| key.certificate() != Some(stolen.certificate())), "{keys:?}");
        // The document is staged: the store contains it once, however often it was sent.
        assert!(known(&store).await.staged.is_some());
    }
    let audit = store.audit(&"acme".into()).await.unwrap();
    let staged = audit.iter().filter(|record| record.rule.as_str() == "connection.metadata_staged").count();
    assert_eq!(staged, 2, "each document is told once");
}

/// An owner refuses a document for good: it comes again at each look, over every process, and also where the address may change anything by now.
#[tokio::test]
async fn what_an_owner_refused_is_neither_staged_nor_taken_again() {
    let wrong = Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap();
    let server = Server::start(Answered::Document(wrong.clone())).await;
    let store = store_with(&server, |it| it.settings.metadata.key_changes = KeyChanges::Approve).await;
    let mut first = refresher(&server, &store).await;
    assert_eq!(next(&mut first).await, "staged: it adds a signing key");
    let digest = staged_digest(&store).await;
    let owner = Actor::Account("ada".into());
    let refuse = |digest: String| {
        let by = owner.clone();
        ConnectionDecision::new("acme".into(), owner.clone(), Utc::now(), move |it, now| {
            it.refuse_metadata(&acme(), &digest, by.clone(), now)
        })
    };
    store.decide_connections(refuse(digest.clone())).await.unwrap();
    let audited = async || store.audit(&"acme".into()).await.unwrap().len();
    let (revision, records) = (known(&store).await.revision, audited().await);
    let refused = async |refresher: &mut StoredRefresher| {
        let events = refresher.refresh_due().await;
        let [event] = &events[..] else { panic!("{events:?}") };
        let RefreshOutcome::RefusedBefore { refusal, .. } = &event.outcome else { panic!("{event}") };
        assert_eq!((&refusal.digest, &refusal.by), (&digest, &owner));
        let told = event.to_string();
        assert!(told.contains(&digest) && told.contains("was refused at"), "{told}");
        let status = refresher.status().of(&acme()).unwrap();
        assert_eq!((status.waits_for_approval, status.refused_at), (false, Some(refusal.at)));
        assert_eq!(status.last_error, None);
    };
    for mut refresher in [first, refresher(&server, &store).await] {
        for _ in 0..3 {
            refused(&mut refresher).await;
        }
    }
    let (asking, provider) = (client(&server), Provider::rustcrypto());
    let event = vouchsafe_client::refresh_stored(&asking, &provider, &store, &acme(), owner.clone()).await;
    assert!(matches!(event.unwrap().outcome, RefreshOutcome::RefusedBefore { .. }));
    assert_eq!((known(&store).await.revision, audited().await), (revision, records), "nothing is written");

    // Another document waits. When the address goes back to the one that was refused, the other one waits no longer.
    let mut refresher = refresher(&server, &store).await;
    server.answers(Answered::Document(announced()));
    assert_eq!(next(&mut refresher).await, "staged: it adds a signing key");
    server.answers(Answered::Document(wrong));
    refused(&mut refresher).await;
    let mut connection = known(&store).await;
    assert_eq!((connection.staged.clone(), connection.refused.len()), (None, 1));

    connection.settings.metadata.key_changes = KeyChanges::Follow;
    store.update_connection(&connection, &author()).await.unwrap();
    refused(&mut refresher).await;
    assert_eq!(&*known(&store).await.metadata.document, good().as_bytes());
    server.answers(Answered::Document(announced()));
    assert_eq!(next(&mut refresher).await, "changed");
}

/// A person who controls one customer's address describes another customer's identity provider in the document.
#[tokio::test]
async fn a_document_changes_the_connection_of_its_own_address_alone() {
    let evil = Kit::other().with_key(keys::identity_provider_p256());
    let inner = |kit: Kit| {
        let document = kit.metadata().unwrap();
        document.split_once("?>").map_or(document.clone(), |(_, rest)| rest.to_owned())
    };
    let both = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{}{}</md:EntitiesDescriptor>"#,
        inner(Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate())),
        inner(evil)
    );
    let (acmes, globexs) =
        (Server::start(Answered::Document(both)).await, Server::start(Answered::Status(503)).await);
    let store = store_with(&acmes, |_| ()).await;
    let mut globex = stored(&globexs, &good());
    let document = Kit::other().metadata().unwrap();
    globex.id = ConnectionId::new("globex").unwrap();
    globex.organization = OrganizationId::new("globex");
    globex.identity_provider = vouchsafe::EntityId::new(Kit::other().entity_id()).unwrap();
    globex.metadata.document = document.clone().into_bytes().into();
    store.add_connection(&globex, &author()).await.unwrap();
    let mut refresher = refresher(&acmes, &store).await;
    let _ = refresher.refresh_due().await;
    assert_eq!(known(&store).await.to_connection().unwrap().identity_provider().signing_keys().len(), 2);
    let globex = store.connection(&globex.id).await.unwrap().unwrap();
    assert_eq!((&*globex.metadata.document, globex.revision), (document.as_bytes(), 1));
}

/// An address with a password in it is not requested, and the password appears in no error.
#[tokio::test]
async fn no_password_of_an_address_is_told() {
    let client = Client::with_loopback().unwrap();
    for address in [
        "https://user:s3cret@idp.example/metadata",
        "https://user:s3cret@idp.example",
        "https://s3cret@idp.example?x=@",
        "https://user:s3cr@s3cret@idp.example/",
        "ftp://user:s3cret@idp.example/",
        "https://user:s3cret@",
        "https:\\\\user:s3cret@idp.example/",
    ] {
        let error = client.load(address).await.unwrap_err();
        let all = format!("{error} {error:?}");
        assert!(!all.contains("s3cret"), "{all}");
    }
}

/// Staged metadata that an owner has not approved for long is not valid any more.
#[tokio::test]
async fn what_has_ended_while_it_waited_is_not_approved() {
    let soon = Utc::now() + TimeDelta::seconds(3_600);
    let ending = announced().replacen(
        "entityID=",
        &format!("validUntil=\"{}\" entityID=", soon.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        1,
    );
    let server = Server::start(Answered::Document(ending)).await;
    let store = store_with(&server, |it| it.settings.metadata.key_changes = KeyChanges::Approve).await;
    let mut refresher = refresher(&server, &store).await;
    assert_eq!(next(&mut refresher).await, "staged: it adds a signing key");
    let digest = staged_digest(&store).await;
    let approval = |at| {
        let digest = digest.clone();
        ConnectionDecision::new("acme".into(), Actor::Operator, at, move |it, now| {
            it.approve_metadata(&acme(), &digest, now)
        })
    };
    let late = store.decide_connections(approval(soon)).await.unwrap_err();
    assert_eq!(late.code(), "metadata.expired");
    store.decide_connections(approval(Utc::now())).await.unwrap();
}

/// A store that finds the first connections, and then fails; and one of whose rows cannot be read.
#[derive(Debug)]
struct Failing {
    store: Memory,
    fails_halfway: bool,
    damaged: Option<ConnectionId>,
}

impl ConnectionStore for Failing {
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        match self.damaged.as_ref() == Some(id) {
            true => Box::pin(async { Err(StoreError::damaged("connection", "no JSON")) }),
            false => self.store.connection(id),
        }
    }

    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>> {
        self.store.connection_revision(id)
    }

    fn connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.store.connections_to(identity_provider, assertion_consumer, most)
    }

    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        match after.filter(|_| self.fails_halfway) {
            None => self.store.active_connections(after, most),
            Some(_) => Box::pin(async { Err(StoreError::unavailable(std::io::Error::other("down"))) }),
        }
    }

    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        self.store.connections_of(organization)
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        self.store.add_connection(connection, author)
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        self.store.update_connection(connection, author)
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        self.store.renew_connection(connection)
    }
}

#[tokio::test]
async fn a_store_that_fails_halfway_lets_nobody_be_forgotten() {
    let server = Server::start(Answered::Document(good())).await;
    let store = store_with(&server, |_| ()).await;
    let store = Arc::new(Failing { store, fails_halfway: true, damaged: None });
    let refresher = StoredRefresher::new(client(&server), Provider::rustcrypto(), store);
    let mut refresher = refresher.with_schedule(always());
    for _ in 0..2 {
        let failed = refresher.look_for_connections().await.unwrap();
        assert!(matches!(failed.outcome, RefreshOutcome::StoreFailed { .. }), "{failed}");
        assert_eq!(failed.connection(), None, "it is about no single one");
        assert_eq!(told(&refresher.refresh_due().await), ["unchanged"]);
    }
    let error = refresher.status().search_error();
    assert_eq!(error.map(|error| error.code), Some("store.unavailable"));
}

/// One customer's row cannot be read, and that customer is the first one.
#[tokio::test]
async fn a_row_that_cannot_be_read_stops_nobody_elses_refresh() {
    let server = Server::start(Answered::Document(announced())).await;
    let store = store_with(&server, |_| ()).await;
    let first = ConnectionId::new("aaa").unwrap();
    let mut damaged = stored(&server, &good());
    damaged.id = first.clone();
    store.add_connection(&damaged, &author()).await.unwrap();
    let store = Arc::new(Failing { store, fails_halfway: false, damaged: Some(first.clone()) });
    let refresher = StoredRefresher::new(client(&server), Provider::rustcrypto(), Arc::clone(&store));
    let mut refresher = refresher.with_schedule(always());
    assert!(refresher.look_for_connections().await.is_none());
    assert!(refresher.status().search_error().is_none());
    assert_eq!(told(&refresher.refresh_due().await), ["store: store.damaged", "changed"]);
    assert_eq!(&*known(&store.store).await.metadata.document, announced().as_bytes());
    let status = refresher.status().of(&first).unwrap();
    assert_eq!((status.failures, status.last_error.map(|error| error.code)), (1, Some("store.damaged")));
}
