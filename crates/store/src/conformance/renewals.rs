//! Renewals of a connection's metadata: documents that state the same.

use chrono::TimeDelta;
use vouchsafe::{ConnectionState, Unsolicited};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use super::{Store, acme, author, now, okta};
use crate::conformance::connections::id;
use crate::{ConnectionMetadata, MetadataSource, StoredConnection};

const SOON: &str = "validUntil=\"2027-02-01T00:00:00Z\"";
const LATER: &str = "validUntil=\"2027-03-01T00:00:00Z\"";

/// A document that was written anew, with these attributes of the entity.
fn written(kit: &Kit, attributes: &str) -> String {
    kit.metadata().unwrap().replacen("entityID=", &format!("{attributes} entityID="), 1)
}

fn fetched(document: impl Into<Vec<u8>>, hours: i64) -> ConnectionMetadata {
    let source = MetadataSource::Url("https://okta.example/metadata".to_owned());
    ConnectionMetadata::new(document, source, now() + TimeDelta::hours(hours))
}

async fn stored(store: &impl Store) -> StoredConnection {
    store.connection(&id("acme-okta")).await.unwrap().unwrap()
}

/// Adds an active connection with metadata that ends.
async fn with_connection(store: &impl Store) -> StoredConnection {
    super::with_acme(store).await;
    let metadata = fetched(written(&Kit::okta(), &format!("ID=\"_1\" {SOON}")), 0);
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), metadata);
    connection.state = ConnectionState::Active;
    store.add_connection(&connection, &author()).await.unwrap();
    stored(store).await
}

pub async fn a_renewal_is_no_revision_and_no_record(store: impl Store) {
    let connection = with_connection(&store).await;
    let records = store.audit(&acme()).await.unwrap().len();
    let mut renewed = connection.clone();
    renewed.metadata = fetched(written(&Kit::okta(), &format!("ID=\"_2\" {LATER}")), 1);
    renewed.older_since = Some(now() + TimeDelta::hours(1));
    assert!(renewed.is_renewal_of(&connection));
    store.renew_connection(&renewed).await.unwrap();
    assert_eq!(stored(&store).await, renewed, "all of it, and the revision that it had");

    // What nobody would notice: the same once more, a copy that was fetched earlier, and the end of a memory.
    store.renew_connection(&renewed).await.unwrap();
    let earlier = StoredConnection { metadata: connection.metadata.clone(), ..renewed.clone() };
    store.renew_connection(&earlier).await.unwrap();
    assert_eq!(stored(&store).await, renewed, "a copy that was fetched later stays");
    renewed.older_since = None;
    store.renew_connection(&renewed).await.unwrap();
    assert_eq!(stored(&store).await, renewed);

    // The copy of metadata that waits is renewed too. It keeps its digest.
    let next = keys::identity_provider_p256().certificate();
    let waiting = Kit::okta().with_next_certificate(next);
    renewed.staged = Some(fetched(written(&waiting, SOON), 2));
    renewed.revision = store.update_connection(&renewed, &author()).await.unwrap();
    let records_with_staged = store.audit(&acme()).await.unwrap().len();
    assert_eq!(records_with_staged, records + 1);
    let digest = renewed.digest(renewed.staged.as_ref().unwrap());
    renewed.staged = Some(fetched(written(&waiting, LATER), 3));
    store.renew_connection(&renewed).await.unwrap();
    assert_eq!(stored(&store).await, renewed);
    assert_eq!(renewed.digest(renewed.staged.as_ref().unwrap()), digest);
    assert_eq!(store.audit(&acme()).await.unwrap().len(), records_with_staged);
}

/// Nothing that decides at a sign-in is written as a renewal.
pub async fn what_decides_is_never_a_renewal(store: impl Store) {
    let connection = with_connection(&store).await;
    let okta = || Kit::okta();
    let same = written(&okta(), &format!("ID=\"_2\" {LATER}"));
    let evil = Kit::new(okta().entity_id(), "https://evil.example/sso", keys::identity_provider());
    let scope = r#"<md:Extensions><s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0">evil.example</s:Scope></md:Extensions>"#;
    let (endpoint, end) = ("<md:SingleSignOnService", "/>");
    let mut pieces = same.splitn(3, endpoint);
    let [before, first, rest] = [(); 3].map(|()| pieces.next().unwrap());
    let (second, after) = rest.split_once(end).unwrap();
    let swapped = [before, endpoint, second, end, endpoint, first, after].concat();
    let documents = [
        ("another key", written(&okta().with_key(keys::attacker()), LATER)),
        ("a key more", written(&okta().with_next_certificate(keys::attacker().certificate()), LATER)),
        ("another address", written(&evil, LATER)),
        ("another order of addresses", swapped),
        ("a scope", same.replacen("<md:KeyDescriptor", &format!("{scope}<md:KeyDescriptor"), 1)),
        ("a flag", same.replacen("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"", 1)),
        (
            "another use of the key",
            same.replacen("<md:KeyDescriptor>", "<md:KeyDescriptor use=\"encryption\">", 1).replacen(
                "<md:KeyDescriptor use=\"signing\">",
                "<md:KeyDescriptor>",
                1,
            ),
        ),
        (
            "an element that nobody knows",
            same.replacen(
                "<md:KeyDescriptor",
                "<md:Extensions><x xmlns=\"urn:x\"/></md:Extensions><md:KeyDescriptor",
                1,
            ),
        ),
        ("a sooner end", written(&okta(), "validUntil=\"2027-01-31T23:59:59Z\"")),
        (
            "a sooner end of the role",
            same.replacen(
                "<md:IDPSSODescriptor",
                "<md:IDPSSODescriptor validUntil=\"2027-01-31T00:00:00Z\"",
                1,
            ),
        ),
        ("another entity", written(&Kit::other(), LATER)),
        ("no metadata", "<html/>".to_owned()),
        ("nothing", String::new()),
    ];
    for (what, document) in documents {
        assert_ne!(document, same, "{what}");
        let other = StoredConnection { metadata: fetched(document, 1), ..connection.clone() };
        refuses(&store, &connection, &other, "store.connection_fixed", what).await;
    }
    type Change = fn(&mut StoredConnection);
    let changes: [(&str, Change); 6] = [
        ("settings", |it| it.settings.token_required = false),
        ("settings of sign-ins", |it| {
            it.settings.sign_in = it.settings.sign_in.clone().unsolicited(Unsolicited::Accept);
        }),
        ("state", |it| it.state = ConnectionState::Retired),
        ("source", |it| it.metadata.source = MetadataSource::Uploaded),
        ("address", |it| it.metadata.source = MetadataSource::Url("https://elsewhere.example/".to_owned())),
        ("staged metadata", |it| it.staged = Some(it.metadata.clone())),
    ];
    for (what, change) in changes {
        let mut other = connection.clone();
        change(&mut other);
        refuses(&store, &connection, &other, "store.connection_fixed", what).await;
    }
    let other = StoredConnection { revision: connection.revision + 1, ..connection.clone() };
    refuses(&store, &connection, &other, "store.connection_conflict", "another revision").await;
    // A comment states nothing, and takes room.
    let comment = format!("<!--{}-->", "x".repeat(256 * 1024)).repeat(36);
    let other = StoredConnection { metadata: fetched(same + &comment, 1), ..connection.clone() };
    refuses(&store, &connection, &other, "store.connection_limit", "9 MiB").await;
}

async fn refuses(
    store: &impl Store,
    before: &StoredConnection,
    other: &StoredConnection,
    code: &str,
    what: &str,
) {
    assert_eq!(store.renew_connection(other).await.unwrap_err().code(), code, "{what}");
    assert_eq!(stored(store).await, *before, "{what}");
}

/// A record that was read before a renewal is written afterwards: by somebody who changes the settings.
pub async fn a_write_keeps_the_renewals_before_it(store: impl Store) {
    let read = with_connection(&store).await;
    let mut renewed = read.clone();
    renewed.metadata = fetched(written(&Kit::okta(), &format!("ID=\"_2\" {LATER}")), 1);
    renewed.older_since = Some(now() + TimeDelta::hours(2));
    store.renew_connection(&renewed).await.unwrap();
    let mut changed = read.clone();
    changed.settings.token_required = false;
    store.update_connection(&changed, &author()).await.unwrap();
    let now_stored = stored(&store).await;
    assert_eq!(now_stored.metadata, renewed.metadata);
    assert!(!now_stored.settings.token_required && now_stored.older_since.is_none());

    // What is remembered about older documents ends with the metadata that they are older than.
    let mut renewed = now_stored.clone();
    renewed.older_since = Some(now() + TimeDelta::hours(2));
    store.renew_connection(&renewed).await.unwrap();
    let mut changed = stored(&store).await;
    changed.settings.token_required = true;
    store.update_connection(&changed, &author()).await.unwrap();
    let mut kept = stored(&store).await;
    assert_eq!(kept.older_since, renewed.older_since);
    kept.metadata = fetched(Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap(), 3);
    store.update_connection(&kept, &author()).await.unwrap();
    assert_eq!(stored(&store).await.older_since, None);
}

/// The same statements with a sooner end are a revision, so that all processes see it, with one record.
pub async fn a_sooner_end_is_a_revision(store: impl Store) {
    let connection = with_connection(&store).await;
    let records = store.audit(&acme()).await.unwrap().len();
    let mut ending = connection.clone();
    ending.metadata = fetched(written(&Kit::okta(), "validUntil=\"2027-01-20T00:00:00Z\""), 1);
    assert_eq!(store.update_connection(&ending, &author()).await.unwrap(), connection.revision + 1);
    let told = store.audit(&acme()).await.unwrap().split_off(records);
    let rules: Vec<_> = told.iter().map(|record| record.rule.as_str()).collect();
    assert_eq!(rules, ["connection.metadata_end"]);

    // Something else changes as well: the end is still told.
    let records = store.audit(&acme()).await.unwrap().len();
    let mut changed = stored(&store).await;
    let sooner = written(&Kit::okta(), "validUntil=\"2027-01-10T00:00:00Z\"");
    let sooner = sooner.replacen("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"0\"", 1);
    changed.metadata = fetched(sooner, 2);
    store.update_connection(&changed, &author()).await.unwrap();
    let told = store.audit(&acme()).await.unwrap().split_off(records);
    let ends: Vec<_> =
        told.iter().filter(|record| record.rule.as_str() == "connection.metadata_end").collect();
    assert_eq!((ends.len(), told.len() > 1), (1, true));
    assert_eq!(ends.first().and_then(|end| end.after.as_deref()), Some("2027-01-10T00:00:00+00:00"));
}
