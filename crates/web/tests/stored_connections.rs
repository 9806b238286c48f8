//! Stored connections: a write takes effect at the next sign-in, a broken connection affects no other, and memory is
//! limited.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::Utc;
use http::Request;
use http::request::Parts;
use vouchsafe::{
    ConnectionId, ConnectionSettings, ConnectionState, EntityId, ServiceProvider, Unsolicited,
    assertion::SourceId,
    provisioning::{Actor, OrganizationId},
};
use vouchsafe_store::{
    Answer, Author, ConnectionMetadata, ConnectionRevision, ConnectionStore, Memory, MetadataSource, Sqlite,
    StoreError, StoredConnection,
};
use vouchsafe_testkit::{IdentityProvider, keys};
use vouchsafe_web::{ConnectionSource, SingleSignOn, StoredConnections};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";

fn id(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap()
}

/// The identity provider of a customer. All have one key, so that they are cheap to make.
fn idp(number: usize) -> IdentityProvider {
    let single_sign_on = format!("https://idp{number}.example.com/sso");
    IdentityProvider::new(
        format!("http://www.okta.com/exk{number}"),
        single_sign_on,
        keys::identity_provider(),
    )
}

fn metadata(idp: &IdentityProvider) -> ConnectionMetadata {
    ConnectionMetadata::new(idp.metadata().unwrap(), MetadataSource::Uploaded, Utc::now())
}

/// An active connection that accepts unsolicited responses.
fn stored(name: &str, idp: &IdentityProvider) -> StoredConnection {
    let mut stored =
        StoredConnection::from_metadata(id(name), OrganizationId::new(name), metadata(idp)).unwrap();
    stored.state = ConnectionState::Active;
    stored.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    stored
}

fn over(connections: StoredConnections) -> (SingleSignOn, Arc<StoredConnections>) {
    let builder = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let service_provider = builder.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    let connections = Arc::new(connections);
    (SingleSignOn::new(service_provider, Arc::clone(&connections), Arc::new(Memory::new())), connections)
}

fn request() -> Parts {
    Request::new(()).into_parts().0
}

/// Makes an unsolicited response.
fn unasked(idp: &IdentityProvider) -> Vec<u8> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let response = idp
        .response()
        .at(Utc::now())
        .service_provider(ENTITY_ID, CONSUMER)
        .assertion_id(format!("_{}", NUMBER.fetch_add(1, Ordering::Relaxed)))
        .name_id("ada@example.com");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
    form.finish().into_bytes()
}

/// Returns the connection of the sign-in, or the status and the code of the refusal.
async fn sign_in(sso: &SingleSignOn, idp: &IdentityProvider) -> Result<String, (u16, String)> {
    let told = Arc::<std::sync::Mutex<String>>::default();
    let code = Arc::clone(&told);
    let sso = sso.clone().on_refusal(move |record| record.code.clone_into(&mut code.lock().unwrap()));
    match sso.accept(&request(), &unasked(idp)).await {
        Ok(accepted) => Ok(accepted.connection().as_str().to_owned()),
        Err(answer) => Err((answer.status().as_u16(), told.lock().unwrap().clone())),
    }
}

fn refused(code: &str) -> Result<String, (u16, String)> {
    Err((403, code.to_owned()))
}

#[tokio::test]
async fn a_write_of_another_machine_counts_at_the_next_sign_in() {
    let store = Memory::new();
    let (here, _) = over(StoredConnections::new(Arc::new(store.clone())));
    let (there, _) = over(StoredConnections::new(Arc::new(store.clone())));
    assert_eq!(sign_in(&here, &idp(1)).await, refused("assertion.unknown_issuer"));
    let mut acme = stored("acme", &idp(1));
    acme.revision = store.add_connection(&acme, &author()).await.unwrap();
    for sso in [&here, &there] {
        assert_eq!(sign_in(sso, &idp(1)).await.unwrap(), "acme");
    }
    acme.settings.sign_in = ConnectionSettings::default();
    acme.revision = store.update_connection(&acme, &author()).await.unwrap();
    for sso in [&here, &there] {
        assert_eq!(sign_in(sso, &idp(1)).await, refused("assertion.unsolicited"));
    }
    // With other keys, the previous ones are refused at once.
    acme.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let rolled = idp(1).with_key(keys::other_identity_provider());
    acme.metadata = metadata(&rolled);
    acme.revision = store.update_connection(&acme, &author()).await.unwrap();
    for sso in [&here, &there] {
        assert!(sign_in(sso, &idp(1)).await.is_err());
        assert_eq!(sign_in(sso, &rolled).await.unwrap(), "acme");
    }
    acme.state = ConnectionState::Retired;
    store.update_connection(&acme, &author()).await.unwrap();
    for sso in [&here, &there] {
        assert_eq!(sign_in(sso, &rolled).await, refused("assertion.connection_state"));
    }
}

#[tokio::test]
async fn a_connection_that_is_broken_stops_nobody_else() {
    let store = Memory::new();
    let (sso, _) = over(StoredConnections::new(Arc::new(store.clone())));
    let mut broken = stored("broken", &idp(1));
    broken.metadata.document = b"<md:EntityDescriptor".as_slice().into();
    broken.revision = store.add_connection(&broken, &author()).await.unwrap();
    store.add_connection(&stored("whole", &idp(2)), &author()).await.unwrap();
    assert_eq!(sign_in(&sso, &idp(2)).await.unwrap(), "whole");
    assert_eq!(sign_in(&sso, &idp(1)).await, refused("xml.syntax"));
    let records = sso.refusals().of(&broken.id);
    assert_eq!(records.len(), 1);
    assert!(records[0].message.contains("the connection broken cannot be used"), "{}", records[0].message);
    assert!(sso.find_connection("broken").await.is_err() && sso.find_connection("whole").await.is_ok());

    // A second customer with the same identity provider signs in, and learns nothing about the first.
    store.add_connection(&stored("neighbour", &idp(1)), &author()).await.unwrap();
    assert_eq!(sign_in(&sso, &idp(1)).await.unwrap(), "neighbour");

    // Metadata of another identity provider cannot be used for this connection.
    broken.metadata = metadata(&idp(3));
    broken.revision = store.update_connection(&broken, &author()).await.unwrap();
    let error = sso.find_connection("broken").await.unwrap_err();
    assert_eq!(error.code(), "metadata.unknown_entity", "{error}");
    broken.metadata = metadata(&idp(1));
    store.update_connection(&broken, &author()).await.unwrap();
    assert_eq!(sso.find_connection("broken").await.unwrap().unwrap().id(), &broken.id, "repaired");
}

/// Drafts sign nobody in, so they do not displace active connections: neither many of them, nor with our address as
/// their own.
#[tokio::test]
async fn many_drafts_hide_no_active_connection() {
    for own in [None, Some(CONSUMER)] {
        let store = Memory::new();
        let (sso, _) = over(StoredConnections::new(Arc::new(store.clone())));
        store.add_connection(&stored("z-acme", &idp(1)), &author()).await.unwrap();
        for number in 0..40 {
            let mut draft = stored(&format!("draft{number}"), &idp(1));
            draft.state = ConnectionState::Draft;
            if let Some(own) = own {
                draft.settings.sign_in = draft.settings.sign_in.assertion_consumer(own).unwrap();
            }
            store.add_connection(&draft, &author()).await.unwrap();
        }
        assert_eq!(sign_in(&sso, &idp(1)).await.unwrap(), "z-acme", "{own:?}");
    }
}

#[tokio::test]
async fn what_the_application_adds_to_a_connection() {
    let store = Memory::new();
    store.add_connection(&stored("acme", &idp(1)), &author()).await.unwrap();
    let source = StoredConnections::new(Arc::new(store)).prepared_by(|stored, connection| {
        assert_eq!(stored.id, *connection.id());
        connection.with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Restart))
    });
    let acme = source.find(&id("acme")).await.unwrap().unwrap();
    assert_eq!(acme.settings().on_unsolicited(), Unsolicited::Restart);
}

/// The data that the application adds may come from a service that is down for a moment. The connection works again
/// afterwards.
#[tokio::test]
async fn what_the_application_could_not_add_is_asked_again() {
    let store = Memory::new();
    store.add_connection(&stored("acme", &idp(1)), &author()).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let source = StoredConnections::new(Arc::new(store)).prepared_by(move |_, connection| {
        let settings = ConnectionSettings::default();
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => Err(settings.assertion_consumer("no address").unwrap_err()),
            _ => connection.with_settings(settings),
        }
    });
    let refused = source.find(&id("acme")).await.unwrap_err();
    assert!(matches!(refused, StoreError::ConnectionUnusable { .. }) && !refused.is_outage(), "{refused}");
    assert_eq!(source.kept(), 0);
    for _ in 0..3 {
        assert!(source.find(&id("acme")).await.unwrap().is_some());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Anybody with an organization can give it large metadata, and anybody can cause it to be loaded.
#[tokio::test]
async fn large_metadata_takes_the_room_of_several() {
    let store = Memory::new();
    let mut bytes = 0;
    for number in 0..4 {
        let one = stored(&format!("c{number}"), &idp(number));
        bytes = one.metadata.document.len();
        store.add_connection(&one, &author()).await.unwrap();
    }
    let mut large = stored("large", &idp(5));
    large.metadata.document = [&*large.metadata.document, " ".repeat(bytes).as_bytes()].concat().into();
    store.add_connection(&large, &author()).await.unwrap();
    let source = StoredConnections::new(Arc::new(store)).at_most_bytes(bytes * 3 + 10).at_most(9);
    for (name, kept) in [("c0", 1), ("c1", 2), ("c2", 3), ("c3", 3), ("large", 2), ("c0", 2), ("c1", 2)] {
        let connection = source.find(&id(name)).await.unwrap().unwrap();
        assert_eq!((connection.id(), source.kept()), (&id(name), kept), "{name}");
    }
}

/// Nobody signed in over a retired draft, so it is treated as missing.
#[tokio::test]
async fn a_discarded_draft_is_not_found() {
    let store = Memory::new();
    let mut draft = stored("draft", &idp(1));
    draft.state = ConnectionState::Draft;
    draft.revision = store.add_connection(&draft, &author()).await.unwrap();
    let (sso, source) = over(StoredConnections::new(Arc::new(store.clone())));
    assert_eq!(sign_in(&sso, &idp(1)).await, refused("assertion.connection_state"));
    draft.state = ConnectionState::Retired;
    store.update_connection(&draft, &author()).await.unwrap();
    assert!(source.find(&draft.id).await.unwrap().is_none());
    assert_eq!(sign_in(&sso, &idp(1)).await, refused("assertion.unknown_issuer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_revision_is_read_once_whoever_asks() {
    let store = Arc::new(Counting::default());
    let mut acme = stored("acme", &idp(1));
    acme.revision = store.inner.add_connection(&acme, &author()).await.unwrap();
    let source = Arc::new(StoredConnections::new(Arc::clone(&store)));
    for revision in 1..4 {
        let asking = (0..50).map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.find(&id("acme")).await.unwrap().unwrap() })
        });
        for asked in asking.collect::<Vec<_>>() {
            asked.await.unwrap();
        }
        assert_eq!(store.reads.load(Ordering::Relaxed), revision);
        acme.revision = store.inner.update_connection(&acme, &author()).await.unwrap();
    }
    // An unknown name takes no place in the cache.
    assert!(source.find(&id("nobody")).await.unwrap().is_none());
    assert_eq!((source.kept(), store.reads.load(Ordering::Relaxed)), (1, 3));

    // If the store does not answer, the cached connections are not used.
    store.is_down.store(1, Ordering::Relaxed);
    assert!(source.find(&id("acme")).await.unwrap_err().is_outage());
    store.is_down.store(0, Ordering::Relaxed);
    assert!(source.find(&id("acme")).await.unwrap().is_some());
}

/// A store that counts how often a whole connection is read.
#[derive(Debug, Default)]
struct Counting {
    inner: Memory,
    reads: AtomicUsize,
    is_down: AtomicUsize,
}

impl Counting {
    fn up<'a, T: Send + 'a>(&self, answer: Answer<'a, T>) -> Answer<'a, T> {
        match self.is_down.load(Ordering::Relaxed) {
            0 => answer,
            _ => Box::pin(async { Err(StoreError::unavailable(std::io::Error::other("no connection"))) }),
        }
    }
}

/// The least recently used connection is removed, and loaded again when it is needed.
#[tokio::test]
async fn so_many_are_kept_as_the_application_says() {
    let store = Arc::new(Counting::default());
    for name in ["a", "b", "c"] {
        store.inner.add_connection(&stored(name, &idp(1)), &author()).await.unwrap();
    }
    let source = StoredConnections::new(Arc::clone(&store)).at_most(2);
    let mut kept = Vec::new();
    for name in ["a", "b", "a", "c", "a", "b"] {
        assert!(source.find(&id(name)).await.unwrap().is_some());
        kept.push((source.kept(), store.reads.load(Ordering::Relaxed)));
    }
    assert_eq!(kept, [(1, 1), (2, 2), (2, 2), (2, 3), (2, 3), (2, 4)]);
    assert!(source.find(&id("nobody")).await.unwrap().is_none());
    let shown = format!("{source:?}");
    assert!(shown.starts_with("StoredConnections { store: Counting") && shown.contains("kept: 2"), "{shown}");
}

/// Metadata is renewed without a revision. A process that has parsed the earlier copy reads the connection again when that
/// has ended, and once a minute where nothing was renewed.
#[tokio::test]
async fn metadata_that_was_renewed_is_read_when_the_earlier_copy_ends() {
    use chrono::{DateTime, TimeDelta};
    let ending = |end: DateTime<Utc>| {
        let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let document = idp(1).metadata().unwrap();
        let document = document.replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1);
        ConnectionMetadata::new(document, MetadataSource::Uploaded, Utc::now())
    };
    let begin = Utc::now();
    let store = Arc::new(Counting::default());
    let mut acme = stored("acme", &idp(1));
    acme.metadata = ending(begin + TimeDelta::hours(1));
    acme.revision = store.inner.add_connection(&acme, &author()).await.unwrap();
    let minutes = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&minutes);
    let clock = move || begin + TimeDelta::minutes(i64::try_from(shared.load(Ordering::Relaxed)).unwrap());
    let source = StoredConnections::new(Arc::clone(&store)).clock(clock);
    let end_at = async |minute: usize| {
        minutes.store(minute, Ordering::Relaxed);
        let found = source.find(&id("acme")).await.unwrap().unwrap();
        let end = found.identity_provider().valid_until().unwrap() - begin;
        (end.num_minutes() + 1, store.reads.load(Ordering::Relaxed))
    };
    assert_eq!(end_at(0).await, (60, 1));
    acme.metadata = ending(begin + TimeDelta::hours(2));
    store.inner.renew_connection(&acme).await.unwrap();
    assert_eq!(end_at(59).await, (60, 1), "it is valid still");
    assert_eq!(end_at(60).await, (120, 2));
    assert_eq!(end_at(61).await, (120, 2));
    // Nothing was renewed.
    for (minute, reads) in [(120, 3), (120, 3), (121, 4), (121, 4), (200, 5)] {
        assert_eq!(end_at(minute).await, (120, reads));
    }
    // The clock was ahead.
    assert_eq!(end_at(130).await, (120, 6));
}

/// The author of written connections.
fn author() -> Author {
    Author::new(Actor::Operator, Utc::now())
}

impl ConnectionStore for Counting {
    fn connection<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.up(self.inner.connection(id))
    }

    fn connection_revision<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<u64>> {
        self.up(self.inner.connection_revision(id))
    }

    fn connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.up(self.inner.connections_to(identity_provider, assertion_consumer, most))
    }

    fn active_connections_to<'a>(
        &'a self,
        identity_provider: &'a EntityId,
        assertion_consumer: Option<&'a str>,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.up(self.inner.active_connections_to(identity_provider, assertion_consumer, after, most))
    }

    fn identity_provider_of_source(&self, source: SourceId) -> Answer<'_, Option<EntityId>> {
        self.up(self.inner.identity_provider_of_source(source))
    }

    fn active_connections<'a>(
        &'a self,
        after: Option<&'a ConnectionId>,
        most: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        self.up(self.inner.active_connections(after, most))
    }

    fn connections_of<'a>(&'a self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        self.up(self.inner.connections_of(organization))
    }

    fn add_connection<'a>(&'a self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64> {
        self.up(self.inner.add_connection(connection, author))
    }

    fn renew_connection<'a>(&'a self, connection: &'a StoredConnection) -> Answer<'a, ()> {
        self.up(self.inner.renew_connection(connection))
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        self.up(self.inner.update_connection(connection, author))
    }
}

/// With 100,000 customers, the memory is that of the kept connections, and nothing is loaded at the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_does_not_grow_with_the_number_of_customers() {
    const CUSTOMERS: usize = 100_000;
    const VISITED: usize = 8_000;
    /// The number of look-ups after which the caches of the database are full.
    const WARM: usize = 2_000;
    const KEPT: usize = 50;
    let folder = std::env::temp_dir().join(format!("vouchsafe-web-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = Sqlite::open(folder.join("store.sqlite")).await.unwrap();
    let mut writing = tokio::task::JoinSet::new();
    for number in 0..CUSTOMERS {
        let store = store.clone();
        writing.spawn(async move {
            let mut one = match number < VISITED {
                true => stored(&format!("c{number}"), &idp(number)),
                // Unused connections are not loaded, so they may contain anything.
                false => StoredConnection::new(
                    id(&format!("c{number}")),
                    OrganizationId::new(format!("c{number}")),
                    EntityId::new(idp(number).entity_id()).unwrap(),
                    ConnectionMetadata::new("broken", MetadataSource::Uploaded, Utc::now()),
                ),
            };
            one.state = ConnectionState::Active;
            store.add_connection(&one, &author()).await.unwrap();
        });
        if writing.len() >= 256 {
            writing.join_next().await.unwrap().unwrap();
        }
    }
    writing.join_all().await;

    let (sso, source) = over(StoredConnections::new(Arc::new(store.clone())).at_most(KEPT));
    let visit = async |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let found = sso.find_connection(&format!("c{number}")).await.unwrap().unwrap();
            found.check(sso.service_provider(), Utc::now()).unwrap();
        }
    };
    assert_eq!(source.kept(), 0);
    visit(0..WARM).await;
    let before = resident();
    visit(WARM..VISITED).await;
    let after = resident();
    if let (Some(before), Some(after)) = (before, after) {
        println!("resident: {before} KiB after {WARM} customers, {after} KiB after {VISITED}");
        assert!(after < before + 16 * 1024, "{before} KiB, then {after} KiB");
    }
    for number in [0, 7, 1_000, VISITED - 1] {
        assert_eq!(sign_in(&sso, &idp(number)).await.unwrap(), format!("c{number}"));
    }
    assert_eq!(sign_in(&sso, &idp(CUSTOMERS - 1)).await.unwrap_err().0, 403);
    assert_eq!(source.kept(), KEPT);
    store.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The memory of this process in KiB, if the system reports it.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
