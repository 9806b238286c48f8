//! What was seen of the keys of identity providers.

use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::metadata::{IdentityProvider, KeySighting};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use super::{Store, acme, author, now, okta};
use crate::{ConnectionMetadata, KeyHistory, MetadataSource, StoredConnection, conformance::connections::id};

fn fingerprints(document: &str) -> Vec<String> {
    let read = IdentityProvider::from_metadata(document.as_bytes()).unwrap();
    read.signing_keys().iter().map(|key| key.fingerprint_sha256()).collect()
}

pub async fn sightings_of_keys_add_up(store: impl Store + KeyHistory) {
    let (acme, globex) = (id("acme"), id("globex"));
    assert_eq!(store.key_history(&acme).await.unwrap(), []);
    let hour = TimeDelta::hours(1);
    let seen = KeySighting::new("AB:CD", now());
    store.note_keys(&acme, std::slice::from_ref(&seen)).await.unwrap();
    assert_eq!(store.key_history(&acme).await.unwrap(), std::slice::from_ref(&seen));
    // In whatever order they come.
    for (sign_ins, at) in [(2, now() + hour), (3, now() - hour), (1, now())] {
        let more = KeySighting::new("AB:CD", at).and_verified(sign_ins, at);
        store.note_keys(&acme, &[KeySighting::new("EF", at), more]).await.unwrap();
    }
    store.note_keys(&globex, &[KeySighting::new("AB:CD", now())]).await.unwrap();
    let known = store.key_history(&acme).await.unwrap();
    let [one, other] = &known[..] else { panic!("{known:?}") };
    assert_eq!((one.fingerprint.as_str(), one.verified), ("AB:CD", 6));
    assert_eq!((one.first_seen, one.last_verified), (now() - hour, Some(now() + hour)));
    assert_eq!((other.fingerprint.as_str(), other.verified, other.last_verified), ("EF", 0, None));
    assert_eq!(store.key_history(&globex).await.unwrap().len(), 1);
    store.note_keys(&acme, &[]).await.unwrap();
    assert_eq!(store.key_history(&acme).await.unwrap(), known);
}

pub async fn no_sign_in_is_lost_among_many_writers(store: impl Store + KeyHistory) {
    let acme = id("acme");
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let (store, acme) = (store.clone(), acme.clone());
        writers.spawn(async move {
            let at = now() + TimeDelta::seconds(number);
            let [one, other] = ["AB", "CD"].map(|name| KeySighting::new(name, at).and_verified(5, at));
            let seen = if number % 2 == 0 { [one, other] } else { [other, one] };
            store.note_keys(&acme, &seen).await.unwrap();
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    for known in store.key_history(&acme).await.unwrap() {
        assert_eq!((known.verified, known.first_seen), (100, now()));
        assert_eq!(known.last_verified, Some(now() + TimeDelta::seconds(19)));
    }
}

pub async fn keys_of_metadata_are_seen_when_it_is_written(store: impl Store + KeyHistory) {
    let next = keys::identity_provider_p256().certificate();
    let [before, after] =
        [Kit::okta(), Kit::okta().with_next_certificate(next)].map(|kit| kit.metadata().unwrap());
    let metadata = |document: &str, at| ConnectionMetadata::new(document, MetadataSource::Uploaded, at);
    let day = TimeDelta::days(1);
    let only_next = Kit::okta().with_key(keys::attacker()).metadata().unwrap();
    let [old, new] = &fingerprints(&after)[..] else { panic!("two keys") };
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), metadata(&before, now()));
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    assert_eq!(store.key_history(&connection.id).await.unwrap(), [KeySighting::new(old, now())]);
    let other = StoredConnection::new(id("acme-other"), acme(), okta(), metadata(&only_next, now()));
    store.add_connection(&other, &author()).await.unwrap();

    connection.metadata = metadata(&after, now() + day);
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    let both = [KeySighting::new(old, now()), KeySighting::new(new, now() + day)];
    assert_eq!(store.key_history(&connection.id).await.unwrap(), both);

    // A key that goes and never signed is forgotten, and one that has signed is not for a long time.
    store.note_keys(&connection.id, &[KeySighting::new(old, now()).and_verified(1, now())]).await.unwrap();
    let only_new = Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap();
    connection.metadata = metadata(&only_new, now() + day * 2);
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(store.key_history(&connection.id).await.unwrap().len(), 2);
    connection.metadata = metadata(&before, now() + day * 3);
    store.update_connection(&connection, &author()).await.unwrap();
    let known = store.key_history(&connection.id).await.unwrap();
    assert_eq!(known.iter().map(|key| &key.fingerprint).collect::<Vec<_>>(), [old]);

    for (days, remembered) in [(400, 2), (402, 1)] {
        let stored = store.connection(&connection.id).await.unwrap().unwrap();
        let later = metadata(&only_new, now() + day * days);
        let later = StoredConnection { metadata: later, ..stored };
        store.update_connection(&later, &author()).await.unwrap();
        assert_eq!(store.key_history(&connection.id).await.unwrap().len(), remembered, "{days}");
    }
    let others = store.key_history(&other.id).await.unwrap();
    assert_eq!(others.len(), 1, "the keys of another connection stay as they are");
}

/// Whoever writes a connection and whoever notes that its keys were used lock the same rows, and neither waits for the other in a circle.
pub async fn keys_are_noted_while_their_connection_is_written(store: impl Store + KeyHistory) {
    let next = keys::identity_provider_p256().certificate();
    let both = Kit::okta().with_next_certificate(next).metadata().unwrap();
    let only_new = Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap();
    let names = fingerprints(&both);
    let metadata = |document: &str| ConnectionMetadata::new(document, MetadataSource::Uploaded, now());
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), metadata(&both));
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let (store, id, names) = (store.clone(), connection.id.clone(), names.clone());
        writers.spawn(async move {
            for _ in 0..25 {
                let seen: Vec<KeySighting> = names
                    .iter()
                    .rev()
                    .map(|name| KeySighting::new(name, now()).and_verified(1, now()))
                    .collect();
                store.note_keys(&id, &seen).await.unwrap();
            }
        });
    }
    for number in 0..25 {
        connection.metadata = metadata(if number % 2 == 0 { &only_new } else { &both });
        connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    for known in store.key_history(&connection.id).await.unwrap() {
        assert_eq!(known.verified, 100);
    }
}

pub async fn every_change_of_keys_and_endpoints_is_audited(store: impl Store + KeyHistory) {
    super::with_acme(&store).await;
    let next = keys::identity_provider_p256().certificate();
    let announced = Kit::okta().with_next_certificate(next).metadata().unwrap();
    let moved = announced.replace("/sso/saml", "/sso/elsewhere");
    let metadata = |document: String| ConnectionMetadata::new(document, MetadataSource::Uploaded, now());
    let first = metadata(Kit::okta().metadata().unwrap());
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), first);
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let mut changes_of = async |document: String| {
        let before = store.audit(&acme()).await.unwrap().len();
        connection.metadata = metadata(document);
        connection.revision = store.update_connection(&connection, &author()).await.unwrap();
        let records = store.audit(&acme()).await.unwrap().split_off(before);
        assert!(records.iter().all(|record| record.actor == Some(author().actor) && record.at == now()));
        let told = records.iter().map(|record| {
            let values = (record.before.is_some(), record.after.is_some());
            (record.rule.as_str().to_owned(), values)
        });
        told.collect::<Vec<_>>()
    };
    let rule = |rule: &str, before, after| (rule.to_owned(), (before, after));
    let other_document = rule("connection.metadata", false, false);
    assert_eq!(
        changes_of(announced.clone()).await,
        [other_document.clone(), rule("connection.key", false, true)]
    );
    let records = changes_of(moved).await;
    assert_eq!(records.first(), Some(&other_document));
    assert!(records.contains(&rule("connection.endpoint", true, false)), "{records:?}");
    assert!(records.contains(&rule("connection.endpoint", false, true)), "{records:?}");
    let records = changes_of(Kit::okta().metadata().unwrap()).await;
    assert!(records.contains(&rule("connection.key", true, false)), "{records:?}");
    // What cannot be read is told as other metadata, and that it was not compared.
    let not_compared = rule("connection.metadata_not_compared", true, true);
    assert_eq!(changes_of("<other/>".to_owned()).await, [other_document, not_compared]);
}

pub async fn staged_metadata_waits_for_approval(store: impl Store + KeyHistory) {
    use crate::ConnectionDecision;
    use vouchsafe::metadata::KeyChanges;
    use vouchsafe::{ConnectionState, provisioning::Actor};

    super::with_acme(&store).await;
    let next = keys::identity_provider_p256().certificate();
    let [first, announced] =
        [Kit::okta(), Kit::okta().with_next_certificate(next)].map(|kit| kit.metadata().unwrap());
    let metadata = |document: &str, hours: i64| {
        let at = now() + TimeDelta::hours(hours);
        ConnectionMetadata::new(document, MetadataSource::Url("https://okta.example/metadata".to_owned()), at)
    };
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), metadata(&first, 0));
    connection.state = ConnectionState::Active;
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let before = store.audit(&acme()).await.unwrap().len();
    connection.staged = Some(metadata(&announced, 1));
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(store.connection(&connection.id).await.unwrap().as_ref(), Some(&connection));
    assert_eq!(store.key_history(&connection.id).await.unwrap().len(), 1, "what waits was not seen");
    let records = store.audit(&acme()).await.unwrap().split_off(before);
    let [staged] = &records[..] else { panic!("{records:?}") };
    assert_eq!(staged.rule.as_str(), "connection.metadata_staged");
    assert!(staged.after.as_ref().is_some_and(|after| after.contains("Adds a key")), "{:?}", staged.after);

    let approve = |digest: String| {
        let id = connection.id.clone();
        ConnectionDecision::new(acme(), Actor::Operator, now(), move |acme, now| {
            acme.approve_metadata(&id, &digest, now)
        })
    };
    let refused = store.decide_connections(approve(metadata(&first, 1).digest(&okta()))).await.unwrap_err();
    assert_eq!(refused.code(), "store.not_staged");
    let digest = metadata(&announced, 9).digest(&okta());
    store.decide_connections(approve(digest.clone())).await.unwrap();
    let approved = store.connection(&connection.id).await.unwrap().unwrap();
    assert_eq!((approved.metadata, approved.staged), (metadata(&announced, 1), None));
    assert_eq!(store.key_history(&connection.id).await.unwrap().len(), 2);
    let records = store.audit(&acme()).await.unwrap();
    assert!(records.iter().any(|record| record.rule.as_str() == "connection.key"), "{records:?}");
    let again = store.decide_connections(approve(digest)).await.unwrap_err();
    assert_eq!(again.code(), "store.not_staged");

    // What has ended while it waited is approved by nobody, and stays where it is.
    let ended = first.replacen("entityID=", "validUntil=\"2026-01-14T00:00:00Z\" entityID=", 1);
    let mut connection = approved_connection(&store).await;
    connection.staged = Some(metadata(&ended, 2));
    store.update_connection(&connection, &author()).await.unwrap();
    let refused = store.decide_connections(approve(metadata(&ended, 2).digest(&okta()))).await.unwrap_err();
    assert_eq!(refused.code(), "metadata.expired");
    assert!(approved_connection(&store).await.staged.is_some());

    // What the owner uploads or fetches from elsewhere ends the wait, and so does retirement.
    let unstaged = "connection.metadata_unstaged";
    for source in [MetadataSource::Uploaded, MetadataSource::Url("https://elsewhere.example/".to_owned())] {
        let mut connection = approved_connection(&store).await;
        let before = store.audit(&acme()).await.unwrap().len();
        connection.metadata.source = source;
        connection.revision = store.update_connection(&connection, &author()).await.unwrap();
        let mut now = approved_connection(&store).await;
        assert_eq!(now.staged, None);
        let records = store.audit(&acme()).await.unwrap().split_off(before);
        assert!(records.iter().any(|record| record.rule.as_str() == unstaged), "{records:?}");
        now.staged =
            Some(ConnectionMetadata::new(&*first, now.metadata.source.clone(), now.metadata.fetched_at));
        store.update_connection(&now, &author()).await.unwrap();
    }
    // What the owner wants newer metadata to prove from now on, the one that waits has not proved.
    let mut connection = approved_connection(&store).await;
    let staged = connection.staged.clone();
    connection.settings.metadata.key_changes = KeyChanges::Overlap;
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert!(staged.is_some() && approved_connection(&store).await.staged == staged);
    for signer in [Some(keys::identity_provider().certificate().fingerprint_sha256()), None] {
        connection.settings.metadata.signer = signer;
        connection.revision = store.update_connection(&connection, &author()).await.unwrap();
        assert_eq!(approved_connection(&store).await.staged, None);
        connection.staged.clone_from(&staged);
        connection.revision = store.update_connection(&connection, &author()).await.unwrap();
        assert_eq!(approved_connection(&store).await.staged, staged);
    }
    // It was found to be newer than metadata that the owner replaces now.
    connection.metadata.document = announced.replace("/sso/saml", "/sso/moved").into_bytes().into();
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(approved_connection(&store).await.staged, None);
    connection.staged.clone_from(&staged);
    store.update_connection(&connection, &author()).await.unwrap();

    let mut connection = approved_connection(&store).await;
    assert!(connection.staged.is_some());
    connection.state = ConnectionState::Retired;
    store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(approved_connection(&store).await.staged, None);
}

pub async fn refused_metadata_stays_refused(store: impl Store + KeyHistory) {
    use crate::{ConnectionDecision, OrganizationConnections, SignInError};
    use vouchsafe::{ConnectionState, provisioning::Actor};

    super::with_acme(&store).await;
    let next = keys::identity_provider_p256();
    let [first, wrong, announced] =
        [Kit::okta(), Kit::okta().with_key(next), Kit::okta().with_next_certificate(next.certificate())]
            .map(|kit| kit.metadata().unwrap());
    let source = || MetadataSource::Url("https://okta.example/metadata".to_owned());
    let metadata = |document: &str| ConnectionMetadata::new(document, source(), now());
    let mut connection = StoredConnection::new(id("acme-okta"), acme(), okta(), metadata(&first));
    connection.state = ConnectionState::Active;
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    connection.staged = Some(metadata(&wrong));
    connection.revision = store.update_connection(&connection, &author()).await.unwrap();

    type Decide = Box<dyn Fn(&mut OrganizationConnections) -> Result<(), SignInError> + Send + Sync>;
    let owner = Actor::Account("ada".into());
    let decide = async |decide: Decide| {
        let decision = ConnectionDecision::new(acme(), owner.clone(), now(), move |acme, _| decide(acme));
        store.decide_connections(decision).await.map_err(|error| error.code())
    };
    let refuse = |document: &str| -> Decide {
        let (digest, by) = (metadata(document).digest(&okta()), owner.clone());
        Box::new(move |acme| acme.refuse_metadata(&id("acme-okta"), &digest, by.clone(), now()))
    };
    let end = |document: &str| -> Decide {
        let (digest, by) = (metadata(document).digest(&okta()), owner.clone());
        Box::new(move |acme| acme.end_metadata_refusal(&id("acme-okta"), &digest, &by))
    };
    let rules_since = async |before: usize| {
        let records = store.audit(&acme()).await.unwrap().split_off(before);
        records.into_iter().map(|record| record.rule.as_str().to_owned()).collect::<Vec<_>>()
    };
    // What somebody else looked at is not what waits.
    assert_eq!(decide(refuse(&announced)).await.unwrap_err(), "store.not_staged");
    let before = store.audit(&acme()).await.unwrap().len();
    decide(refuse(&wrong)).await.unwrap();
    let records = store.audit(&acme()).await.unwrap().split_off(before);
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((record.rule.as_str(), &record.actor), ("connection.metadata_refused", &Some(owner.clone())));
    let digest = metadata(&wrong).digest(&okta());
    assert!(record.change.contains(&digest), "{}", record.change);
    assert!(record.after.as_ref().is_some_and(|after| after.contains("Adds a key")), "{:?}", record.after);
    assert_eq!(decide(refuse(&wrong)).await.unwrap_err(), "store.not_staged");

    // Who, when and which: in the store, and so for every process.
    let connection = approved_connection(&store).await;
    let [refused] = &connection.refused[..] else { panic!("{:?}", connection.refused) };
    assert_eq!((&refused.digest, &refused.by, refused.at), (&digest, &owner, now()));
    assert_eq!((connection.metadata.clone(), connection.staged.clone()), (metadata(&first), None));

    // It cannot be staged again, and another document can.
    for (document, waits) in [(&wrong, false), (&announced, true)] {
        let mut connection = approved_connection(&store).await;
        connection.staged = Some(metadata(document));
        store.update_connection(&connection, &author()).await.unwrap();
        assert_eq!(approved_connection(&store).await.staged.is_some(), waits);
    }
    // A refusal that was a mistake ends, and then the document waits as any other does.
    let before = store.audit(&acme()).await.unwrap().len();
    decide(end(&wrong)).await.unwrap();
    assert_eq!(rules_since(before).await, ["connection.metadata_refusal_ended"]);
    assert_eq!(decide(end(&wrong)).await.unwrap_err(), "store.not_refused");
    let mut connection = approved_connection(&store).await;
    connection.staged = Some(metadata(&wrong));
    store.update_connection(&connection, &author()).await.unwrap();
    assert_eq!(approved_connection(&store).await.staged, Some(metadata(&wrong)));

    // What the owner refused and then uploads by hand is theirs.
    decide(refuse(&wrong)).await.unwrap();
    let mut connection = approved_connection(&store).await;
    connection.metadata = ConnectionMetadata::new(&*wrong, MetadataSource::Uploaded, now());
    store.update_connection(&connection, &author()).await.unwrap();
    let connection = approved_connection(&store).await;
    assert_eq!((&*connection.metadata.document, connection.refused), (wrong.as_bytes(), Vec::new()));
}

async fn approved_connection(store: &impl Store) -> StoredConnection {
    store.connection(&id("acme-okta")).await.unwrap().unwrap()
}
