//! How much a source of metadata adds to the audit.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::ConnectionState;
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use super::{Store, acme, author, now, okta};
use crate::conformance::connections::id;
use crate::{AuditRecord, Author, ConnectionMetadata, MetadataSource, RecordBudget, StoredConnection};

const MOST: usize = RecordBudget::AN_HOUR;
/// How many things a document states that no other one of these tests states.
const STATED: usize = 100;

fn fetched(document: String, at: DateTime<Utc>) -> ConnectionMetadata {
    let source = MetadataSource::Url("https://okta.example/metadata".to_owned());
    ConnectionMetadata::new(document, source, at)
}

/// The metadata of the kit's identity provider, with many formats of names that only this document has.
fn document(kit: &Kit, name: &str) -> String {
    let format = |number: usize| format!("<md:NameIDFormat>urn:{name}:{number}</md:NameIDFormat>");
    let formats: String = (0..STATED).map(format).collect();
    let xml = kit.metadata().unwrap();
    xml.replacen("<md:SingleSignOnService", &format!("{formats}<md:SingleSignOnService"), 1)
}

async fn with_connection(store: &impl Store) -> StoredConnection {
    super::with_acme(store).await;
    let metadata = fetched(document(&Kit::okta(), "first"), now());
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), metadata);
    connection.state = ConnectionState::Active;
    store.add_connection(&connection, &author()).await.unwrap();
    stored(store).await
}

async fn stored(store: &impl Store) -> StoredConnection {
    store.connection(&id("acme-okta")).await.unwrap().unwrap()
}

/// Writes the connection as a refresher does at this time, and returns the records of it.
async fn records_of(
    store: &impl Store,
    at: DateTime<Utc>,
    change: impl FnOnce(&mut StoredConnection),
) -> Vec<AuditRecord> {
    let known = store.audit(&acme()).await.unwrap().len();
    let mut connection = stored(store).await;
    change(&mut connection);
    // A caller that does not know the budget, or would like another one, changes nothing.
    connection.record_budget = RecordBudget::default();
    store.update_connection(&connection, &Author { at, ..author() }).await.unwrap();
    store.audit(&acme()).await.unwrap().split_off(known)
}

async fn gets(store: &impl Store, document: String, at: DateTime<Utc>) -> Vec<AuditRecord> {
    records_of(store, at, |connection| connection.metadata = fetched(document, at)).await
}

fn rules(records: &[AuditRecord]) -> Vec<&str> {
    records.iter().map(|record| record.rule.as_str()).collect()
}

/// Every change is listed, or counted in a record, or counted in the budget of the connection until the next record.
pub async fn a_source_that_changes_at_each_fetch_fills_no_audit(store: impl Store) {
    with_connection(&store).await;
    let (mut listed, mut counted) = (0, 0);
    for quarter in 0_i32..12 {
        let at = now() + TimeDelta::minutes(15) * quarter;
        let records = gets(&store, document(&Kit::okta(), &format!("q{quarter}")), at).await;
        let is_first_of_hour = quarter % 4 == 0;
        let statements =
            records.iter().filter(|record| record.rule.as_str() == "connection.statement").count();
        listed += statements;
        assert_eq!(statements, if is_first_of_hour { MOST } else { 0 }, "{quarter}");
        if !is_first_of_hour {
            assert_eq!(rules(&records), [""; 0], "{quarter}");
            continue;
        }
        assert_eq!(rules(&records)[0], "connection.metadata");
        let more = records.last().unwrap();
        assert_eq!((more.rule.as_str(), records.len()), ("connection.metadata_more", MOST + 2));
        let number: usize = more.change.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(more.change.contains(&format!("(descriptions {number})")), "{}", more.change);
        let digest = stored(&store).await;
        assert!(more.change.contains(&digest.digest(&digest.metadata)), "{}", more.change);
        let since = (at - TimeDelta::minutes(45)).to_rfc3339();
        assert_eq!(more.change.contains(&format!("since {since}")), quarter > 0, "{}", more.change);
        counted += number;
    }
    let budget = stored(&store).await.record_budget;
    assert_eq!(listed + counted + budget.untold(), 12 * 2 * STATED);
    assert_eq!(budget.untold(), 3 * 2 * STATED);
}

pub async fn a_change_of_keys_or_addresses_is_recorded_however_much_was_before(store: impl Store) {
    with_connection(&store).await;
    let minute = |minutes: i64| now() + TimeDelta::minutes(minutes);
    gets(&store, document(&Kit::okta(), "second"), minute(1)).await;
    assert_eq!(rules(&gets(&store, document(&Kit::okta(), "third"), minute(2)).await), [""; 0]);
    let evil = Kit::new(Kit::okta().entity_id(), "https://evil.example/sso", keys::attacker());
    let records = gets(&store, document(&evil, "fourth"), minute(3)).await;
    assert_eq!(rules(&records), ["connection.metadata_more"]);
    let (more, metadata) = (&records[0], stored(&store).await.metadata);
    let known = metadata.described(&okta()).unwrap();
    let state = more.after.as_deref().unwrap();
    assert!(state.contains(&known.signing_keys()[0].fingerprint_sha256()), "{state}");
    assert!(state.contains("https://evil.example/sso"), "{state}");
    for counted in ["keys ", "single sign-on addresses ", "descriptions "] {
        assert!(more.change.contains(counted), "{counted}: {}", more.change);
    }
    // Each further one too, with the state that is there then.
    for (name, kit) in [("fifth", Kit::okta()), ("sixth", evil)] {
        let records = gets(&store, document(&kit, name), minute(4)).await;
        assert_eq!(rules(&records), ["connection.metadata_more"]);
        let is_evil = records[0].after.as_deref().unwrap().contains("https://evil.example/sso");
        assert_eq!(is_evil, name == "sixth");
        assert_eq!(stored(&store).await.record_budget.untold(), 0);
    }
    // And the same document under another address.
    let records = records_of(&store, minute(5), |connection| {
        connection.metadata = fetched(document(&Kit::okta(), "seventh"), minute(5));
        connection.metadata.source = MetadataSource::Uploaded;
    });
    assert_eq!(rules(&records.await), ["connection.metadata", "connection.metadata_more"]);
}

pub async fn what_was_counted_is_told_with_the_next_record(store: impl Store) {
    with_connection(&store).await;
    for (minute, name) in [(1, "second"), (2, "third")] {
        gets(&store, document(&Kit::okta(), name), now() + TimeDelta::minutes(minute)).await;
    }
    let at = now() + TimeDelta::minutes(3);
    let records = records_of(&store, at, |connection| connection.settings.token_required = false).await;
    assert_eq!(rules(&records), ["connection.settings", "connection.metadata_more"]);
    assert!(records[1].change.starts_with(&format!("Changes {} more things", 2 * STATED)));
    let records = records_of(&store, at, |connection| connection.settings.token_required = true).await;
    assert_eq!(rules(&records), ["connection.settings"]);
}

/// The same statements, each time with a sooner end.
pub async fn of_sooner_ends_so_many_are_recorded(store: impl Store) {
    with_connection(&store).await;
    let ending = |minute: i64| {
        let end = format!(
            "validUntil=\"2027-02-01T{:02}:{:02}:00Z\" entityID=",
            23 - minute / 60,
            59 - minute % 60
        );
        document(&Kit::okta(), "first").replacen("entityID=", &end, 1)
    };
    let mut told = 0;
    for minute in 0..60 {
        for second in [0, 30] {
            let at = now() + TimeDelta::seconds(60 * minute + second);
            let records = gets(&store, ending(2 * minute + second / 30), at).await;
            assert!(rules(&records).iter().all(|rule| *rule == "connection.metadata_end"));
            told += records.len();
        }
    }
    assert_eq!((told, stored(&store).await.record_budget.untold()), (MOST, 120 - MOST));
}

/// Each address is nearly as long as an address may be.
pub async fn values_of_metadata_are_shortened_in_records(store: impl Store) {
    with_connection(&store).await;
    let long = |name: &str| {
        let endpoint = |number: usize| {
            let location = format!("https://okta.example/{name}/{number}/{}", "x".repeat(2_000));
            format!(
                "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{location}\" ResponseLocation=\"{location}\"/>"
            )
        };
        let endpoints: String = (0..MOST).map(endpoint).collect();
        let xml = Kit::okta().metadata().unwrap();
        xml.replacen("<md:SingleSignOnService", &format!("{endpoints}<md:SingleSignOnService"), 1)
    };
    for minute in 1..3 {
        let at = now() + TimeDelta::minutes(minute);
        let records = gets(&store, long(&format!("at-{minute}")), at).await;
        assert!(!records.is_empty());
        for record in records {
            for value in [record.before, record.after, Some(record.change)].into_iter().flatten() {
                assert!(value.chars().count() <= 1_025, "{}: {value}", record.rule.as_str());
            }
        }
    }
}
