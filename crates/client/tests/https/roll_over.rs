//! A day on which the identity provider of a stored connection changes its key, with a sign-in every minute: with
//! HTTPS, the refresher and the store.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::metadata::{KeyChanges, KeyEvidence, KeySighting};
use vouchsafe::provisioning::{Actor, OrganizationId};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, Expect, PostedResponse, Provider,
    ServiceProvider, Unsolicited,
};
use vouchsafe_client::{RefreshOutcome, StoredRefresher};
use vouchsafe_store::{
    Author, ConnectionDecision, ConnectionMetadata, ConnectionStore, Directory, KeyHistory, Memory,
    MetadataSource, StoredConnection,
};
use vouchsafe_testkit::{IdentityProvider as Kit, KeyPair, keys};

use crate::server::{Answer, Server};
use crate::{always, client, entity_id};

pub(crate) fn acme() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

pub(crate) fn author() -> Author {
    Author::new(Actor::Operator, Utc::now())
}

/// Returns the connection as it was connected in the morning, with the metadata of that time.
pub(crate) fn stored(server: &Server, document: &str) -> StoredConnection {
    let source = MetadataSource::Url(server.address());
    let metadata = ConnectionMetadata::new(document, source, Utc::now());
    let mut stored = StoredConnection::from_metadata(acme(), OrganizationId::new("acme"), metadata).unwrap();
    stored.state = ConnectionState::Active;
    stored.settings.sign_in = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    stored
}

pub(crate) async fn refresher(server: &Server, store: &Memory) -> StoredRefresher {
    let refresher = StoredRefresher::new(client(server), Provider::rustcrypto(), Arc::new(store.clone()));
    let mut refresher = refresher.with_schedule(always());
    assert!(refresher.look_for_connections().await.is_none());
    refresher
}

/// Returns the identity provider's metadata and signing key at this hour: the new key is announced at six and used
/// from noon, and the old one is removed at six in the evening.
fn published(hour: i64, old: &KeyPair, new: &KeyPair) -> Kit {
    match hour {
        0..6 => Kit::okta().with_key(old),
        6..12 => Kit::okta().with_key(old).with_next_certificate(new.certificate()),
        12..18 => Kit::okta().with_key(new).with_next_certificate(old.certificate()),
        _ => Kit::okta().with_key(new),
    }
}

#[tokio::test]
async fn nobody_is_refused_on_the_day_of_a_roll_over() {
    let (old, new) = (keys::identity_provider_p256(), keys::identity_provider());
    let document = |hour| published(hour, old, new).metadata().unwrap();
    let server = Server::start(Answer::Document(document(0))).await;
    let store = Memory::new();
    store.add_connection(&stored(&server, &document(0)), &author()).await.unwrap();
    let mut refresher = refresher(&server, &store).await;
    let service =
        ServiceProvider::builder(vouchsafe::EntityId::new(vouchsafe_testkit::SERVICE_PROVIDER).unwrap())
            .assertion_consumer(vouchsafe_testkit::ASSERTION_CONSUMER)
            .unwrap()
            .build()
            .unwrap();

    let begin: DateTime<Utc> = vouchsafe_testkit::ISSUE_INSTANT;
    let (mut changes, mut signed_in) = (0, 0);
    for minute in 0..24 * 60_i64 {
        let (time, hour) = (begin + TimeDelta::minutes(minute), minute / 60);
        if minute % 60 == 0 {
            // For one hour the server is down, and in the next hour it sends another document.
            server.answers(match hour {
                8 => Answer::Status(502),
                9 => Answer::Document("<html>maintenance</html>".to_owned()),
                _ => Answer::Document(document(hour)),
            });
        }
        if minute % 30 == 0 {
            let events = refresher.refresh_due().await;
            changes +=
                events.iter().filter(|one| matches!(one.outcome, RefreshOutcome::Changed { .. })).count();
        }
        let connection = store.connection(&acme()).await.unwrap().unwrap().to_connection().unwrap();
        let issued = published(hour, old, new).response().at(time).issue().unwrap();
        let posted = PostedResponse::from_base64(&issued.to_base64(), service.limits()).unwrap();
        let claimed = service.open(posted).unwrap();
        let valid = service.receive(claimed, &[connection], Expect::Unsolicited, time);
        let valid = valid.unwrap_or_else(|refusal| panic!("{hour}: {}", refusal.code()));
        let used: Vec<KeySighting> = valid
            .evidence()
            .iter()
            .map(|one| KeySighting::new(one.key_fingerprint().as_str(), time).and_verified(1, time))
            .collect();
        store.note_keys(&acme(), used.get(..1).unwrap()).await.unwrap();
        signed_in += 1;
    }
    assert_eq!((signed_in, changes), (1_440, 3));

    let now = store.connection(&acme()).await.unwrap().unwrap();
    assert_eq!(now.revision, 4, "nothing is written where nothing changes");
    let connection: Connection = now.to_connection().unwrap();
    let history = store.key_history(&acme()).await.unwrap();
    let evidence = KeyEvidence::of(connection.identity_provider(), &history, begin + TimeDelta::hours(24));
    let told: Vec<_> =
        evidence.iter().map(|one| (one.standing().as_str(), one.sighting().unwrap().verified)).collect();
    assert_eq!(told, [("in_use", 720), ("withdrawn", 720)]);
    // The old key is not trusted any more.
    let late = begin + TimeDelta::hours(23);
    let issued = Kit::okta().with_key(old).response().at(late).issue().unwrap();
    let posted = PostedResponse::from_base64(&issued.to_base64(), service.limits()).unwrap();
    let refused = service.receive(service.open(posted).unwrap(), &[connection], Expect::Unsolicited, late);
    assert_eq!(refused.unwrap_err().code(), "signature.no_fitting_key");
}

/// Returns the outcome of a refresh of the only connection.
pub(crate) async fn next(refresher: &mut StoredRefresher) -> String {
    let events = refresher.refresh_due().await;
    let [event] = &events[..] else { panic!("{events:?}") };
    match &event.outcome {
        RefreshOutcome::Staged { reason, changes, .. } => {
            assert!(event.to_string().contains(reason) && !changes.is_empty(), "{event}");
            format!("staged: {reason}")
        }
        RefreshOutcome::Changed { .. } => "changed".to_owned(),
        RefreshOutcome::Renewed { .. } => "renewed".to_owned(),
        RefreshOutcome::Unchanged => "unchanged".to_owned(),
        RefreshOutcome::Kept { reason, .. } => format!("kept: {}", vouchsafe::Explain::code(reason)),
        other => format!("{other:?}"),
    }
}

/// Somebody who took over the address serves keys of their own.
#[tokio::test]
async fn an_address_that_was_taken_over_replaces_no_key_without_approval() {
    let (known, theirs) = (keys::identity_provider(), keys::identity_provider_p256());
    let good = Kit::okta().metadata().unwrap();
    let adding = Kit::okta().with_next_certificate(theirs.certificate()).metadata().unwrap();
    let replacing = Kit::okta().with_key(theirs).metadata().unwrap();
    let moving = good.replace("https://", "https://evil.example/");
    let adds = "staged: it adds a signing key";
    for (key_changes, answers) in [
        (KeyChanges::Follow, ["changed", "changed", "changed"]),
        (
            KeyChanges::Overlap,
            [
                "staged: it replaces all signing keys at once",
                "changed",
                "staged: it sends people to a host that was not in the metadata before",
            ],
        ),
        (
            KeyChanges::Approve,
            [adds, adds, "staged: it sends people to an address that was not in the metadata before"],
        ),
    ] {
        for (document, expected) in [&replacing, &adding, &moving].into_iter().zip(answers) {
            let server = Server::start(Answer::Document(document.clone())).await;
            let store = Memory::new();
            let mut connection = stored(&server, &good);
            connection.settings.metadata.key_changes = key_changes;
            store.add_connection(&connection, &author()).await.unwrap();
            let mut refresher = refresher(&server, &store).await;
            assert_eq!(next(&mut refresher).await, expected, "{key_changes:?}");
            let status = refresher.status().of(&acme()).unwrap();
            assert_eq!(status.waits_for_approval, expected.starts_with("staged"));
            let now = store.connection(&acme()).await.unwrap().unwrap();
            let trusted = now.to_connection().unwrap();
            let keys = trusted.identity_provider().signing_keys();
            if expected.starts_with("staged") {
                assert_eq!(&*now.metadata.document, good.as_bytes());
                let [only] = keys else { panic!("one key") };
                assert_eq!(only.certificate(), Some(known.certificate()));
                assert_eq!(
                    now.staged.map(|staged| staged.document.to_vec()),
                    Some(document.clone().into_bytes())
                );
                // The document is staged, and is not written again.
                assert_eq!(next(&mut refresher).await, expected);
                assert_eq!(store.connection_revision(&acme()).await.unwrap(), Some(2));
                // When the address sends the known document again, the staged one is removed.
                server.answers(Answer::Document(good.clone()));
                assert_eq!(next(&mut refresher).await, "unchanged");
                assert_eq!(store.connection(&acme()).await.unwrap().unwrap().staged, None);
            }
        }
    }
}

#[tokio::test]
async fn what_an_owner_approves_is_trusted_from_then_on() {
    let next_key = keys::identity_provider_p256();
    let good = Kit::okta().metadata().unwrap();
    let server = Server::start(Answer::Document(good.clone())).await;
    let store = Memory::new();
    let mut organization = vouchsafe::provisioning::Organization::new("acme".into(), "acme", "Acme");
    organization.entitled = true;
    store.add_organization(&organization, &author()).await.unwrap();
    let mut connection = stored(&server, &good);
    connection.settings.metadata.key_changes = KeyChanges::Approve;
    store.add_connection(&connection, &author()).await.unwrap();
    let mut refresher = refresher(&server, &store).await;
    assert_eq!(next(&mut refresher).await, "unchanged");
    let announced = Kit::okta().with_next_certificate(next_key.certificate()).metadata().unwrap();
    server.answers(Answer::Document(announced));
    assert_eq!(next(&mut refresher).await, "staged: it adds a signing key");

    let waiting = store.connection(&acme()).await.unwrap().unwrap();
    let digest = waiting.digest(waiting.staged.as_ref().unwrap());
    let owner = Actor::Account("ada".into());
    let approval =
        ConnectionDecision::new("acme".into(), owner.clone(), Utc::now(), move |organization, now| {
            organization.approve_metadata(&acme(), &digest, now)
        });
    store.decide_connections(approval).await.unwrap();
    let now = store.connection(&acme()).await.unwrap().unwrap();
    assert_eq!(now.to_connection().unwrap().identity_provider().signing_keys().len(), 2);
    let audit = store.audit(&"acme".into()).await.unwrap();
    let key = audit.iter().find(|record| record.rule.as_str() == "connection.key").unwrap();
    assert_eq!(key.actor, Some(owner));
    assert_eq!(next(&mut refresher).await, "unchanged");
    // Removing the old key only withdraws trust, so it needs no approval.
    server.answers(Answer::Document(Kit::okta().with_key(next_key).metadata().unwrap()));
    assert_eq!(next(&mut refresher).await, "changed");
}

/// A connection whose newer metadata must be signed by a known certificate.
#[tokio::test]
async fn a_pinned_certificate_vouches_for_newer_metadata() {
    let good = Kit::okta().metadata().unwrap();
    let signed = |has_both| crate::federation("2026-02-01T00:00:00Z", "2036-02-01T00:00:00Z", has_both);
    let server = Server::start(Answer::Document(good.clone())).await;
    let store = Memory::new();
    let mut connection = stored(&server, &good);
    connection.settings.metadata.signer = Some(keys::identity_provider().certificate().fingerprint_sha256());
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let mut refresher = refresher(&server, &store).await;
    let other_key = Kit::okta().with_key(keys::identity_provider_p256()).metadata().unwrap();
    for unsigned in [good, other_key] {
        server.answers(Answer::Document(unsigned));
        assert_eq!(next(&mut refresher).await, "kept: signature.missing");
    }
    server.answers(Answer::Document(signed(true).replace("/sso/saml", "/evil")));
    assert_eq!(next(&mut refresher).await, "kept: signature.digest_mismatch");
    server.answers(Answer::Document(signed(false)));
    assert_eq!(next(&mut refresher).await, "renewed", "it is what was signed now");
    let by_signer = store.connection(&acme()).await.unwrap().unwrap();
    assert!(by_signer.has_dates_of_its_source() && by_signer.revision == connection.revision + 1);
    assert_eq!(next(&mut refresher).await, "unchanged");
    server.answers(Answer::Document(signed(true)));
    assert_eq!(next(&mut refresher).await, "changed");
    let mut now = store.connection(&acme()).await.unwrap().unwrap();
    let trusted = now.to_connection().unwrap();
    assert_eq!(
        (trusted.identity_provider().entity_id(), trusted.identity_provider().signing_keys().len()),
        (&entity_id(), 2)
    );

    // A fingerprint that is not valid trusts nobody.
    now.settings.metadata.signer = Some("AB:CD".to_owned());
    store.update_connection(&now, &author()).await.unwrap();
    assert_eq!(next(&mut refresher).await, "kept: refresh.fingerprint");
}

/// A connection whose newer metadata must have a validUntil.
#[tokio::test]
async fn how_long_newer_metadata_may_be_valid_is_the_connections_setting() {
    let good = Kit::okta().metadata().unwrap();
    let next_key = keys::identity_provider_p256().certificate();
    let announced = Kit::okta().with_next_certificate(next_key).metadata().unwrap();
    let until = |days: i64| {
        let end = (Utc::now() + TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        announced.replacen("entityID=", &format!("validUntil=\"{end}\" entityID="), 1)
    };
    let server = Server::start(Answer::Document(announced.clone())).await;
    let store = Memory::new();
    let mut connection = stored(&server, &good);
    connection.settings.metadata.require_valid_until(std::time::Duration::from_secs(14 * 86_400));
    store.add_connection(&connection, &author()).await.unwrap();
    let mut refresher = refresher(&server, &store).await;
    assert_eq!(next(&mut refresher).await, "kept: refresh.no_valid_until");
    for (days, expected) in [
        (15, "kept: refresh.validity_too_long"),
        (-1, "kept: metadata.expired"),
        (13, "changed"),
        (12, "kept: refresh.rolled_back"),
    ] {
        server.answers(Answer::Document(until(days)));
        assert_eq!(next(&mut refresher).await, expected, "{days}");
    }
}

/// A button sends a request at once, under the name of the person who pressed it, and trusts no more than the
/// refresher does.
#[tokio::test]
async fn a_source_that_is_asked_by_a_button_is_trusted_as_far_as_ever() {
    use vouchsafe_client::refresh_stored;

    let good = Kit::okta().metadata().unwrap();
    let theirs = keys::identity_provider_p256();
    let server = Server::start(Answer::Document(good.clone())).await;
    let (client, provider, store) = (client(&server), Provider::rustcrypto(), Memory::new());
    let owner = || Actor::Account("ada".into());
    assert!(refresh_stored(&client, &provider, &store, &acme(), owner()).await.is_none());
    let mut connection = stored(&server, &good);
    connection.settings.metadata.key_changes = KeyChanges::Approve;
    store.add_connection(&connection, &author()).await.unwrap();
    let press = async || {
        let event = refresh_stored(&client, &provider, &store, &acme(), owner()).await.unwrap();
        assert_eq!(event.connection(), Some(&acme()));
        event.outcome
    };
    assert!(matches!(press().await, RefreshOutcome::Unchanged));
    server.answers(Answer::Document(Kit::okta().with_key(theirs).metadata().unwrap()));
    assert!(matches!(press().await, RefreshOutcome::Staged { .. }));
    let audit = store.audit(&"acme".into()).await.unwrap();
    assert_eq!(audit.last().unwrap().actor, Some(owner()));
    server.answers(Answer::Document(Kit::other().metadata().unwrap()));
    assert!(matches!(press().await, RefreshOutcome::Kept { .. }));
    let now = store.connection(&acme()).await.unwrap().unwrap();
    assert_eq!((&*now.metadata.document, now.revision), (good.as_bytes(), 2));
    let mut uploaded = now;
    uploaded.metadata.source = MetadataSource::Uploaded;
    store.update_connection(&uploaded, &author()).await.unwrap();
    assert!(refresh_stored(&client, &provider, &store, &acme(), owner()).await.is_none());
}

/// A source that is not signed gets a signer, after somebody had its address for a moment and wrote dates that no genuine
/// document will reach.
#[tokio::test]
async fn dates_that_nobody_signed_do_not_hold_a_signed_document_back() {
    let dated = Kit::okta().with_key(keys::attacker()).metadata().unwrap().replacen(
        "entityID=",
        "validUntil=\"2099-01-01T00:00:00Z\" entityID=",
        1,
    );
    let genuine = crate::federation("2026-02-01T00:00:00Z", "2036-02-01T00:00:00Z", false);
    let server = Server::start(Answer::Document(dated.clone())).await;
    let store = Memory::new();
    let mut connection = stored(&server, &dated);
    connection.revision = store.add_connection(&connection, &author()).await.unwrap();
    let mut refresher = refresher(&server, &store).await;
    assert_eq!(next(&mut refresher).await, "unchanged");
    connection.settings.metadata.signer = Some(keys::identity_provider().certificate().fingerprint_sha256());
    store.update_connection(&connection, &author()).await.unwrap();
    server.answers(Answer::Document(genuine));
    assert_ne!(next(&mut refresher).await, "kept: refresh.rolled_back");
    let trusted = store.connection(&acme()).await.unwrap().unwrap().to_connection().unwrap();
    let attacker = keys::attacker().certificate();
    let keys = trusted.identity_provider().signing_keys();
    assert!(keys.iter().all(|key| key.certificate() != Some(attacker)), "{keys:?}");
}

/// Somebody saves the settings with the same fingerprint in another notation.
#[tokio::test]
async fn another_notation_of_the_fingerprint_lets_no_older_document_in() {
    let fingerprint = keys::identity_provider().certificate().fingerprint_sha256();
    let dated = |created, has_both| crate::federation(created, "2036-02-01T00:00:00Z", has_both);
    let first = Kit::okta().metadata().unwrap();
    let server = Server::start(Answer::Document(dated("2026-02-01T00:00:00Z", false))).await;
    let store = Memory::new();
    let mut connection = stored(&server, &first);
    connection.settings.metadata.signer = Some(fingerprint.clone());
    store.add_connection(&connection, &author()).await.unwrap();
    let mut refresher = refresher(&server, &store).await;
    assert_eq!(next(&mut refresher).await, "renewed");
    let mut saved = store.connection(&acme()).await.unwrap().unwrap();
    let mut staged = saved.clone();
    staged.staged = Some(ConnectionMetadata::new(
        dated("2026-03-01T00:00:00Z", true),
        saved.metadata.source.clone(),
        Utc::now(),
    ));
    saved.revision = store.update_connection(&staged, &author()).await.unwrap();
    saved.staged = staged.staged;

    saved.settings.metadata.signer = Some(fingerprint.replace(':', "").to_lowercase());
    store.update_connection(&saved, &author()).await.unwrap();
    let now = store.connection(&acme()).await.unwrap().unwrap();
    assert!(now.has_dates_of_its_source() && now.staged.is_some());
    assert!(now.settings.metadata.wants_same_proof_as(&staged.settings.metadata));
    // A document with another key, which was withdrawn since.
    server.answers(Answer::Document(dated("2026-01-01T00:00:00Z", true)));
    assert_eq!(next(&mut refresher).await, "kept: refresh.rolled_back");
    server.answers(Answer::Document(dated("2026-02-01T00:00:00Z", false)));
    assert_eq!(next(&mut refresher).await, "unchanged");
}

/// An application checks a document with a source of its own, which does not require what the connection requires.
#[tokio::test]
async fn what_the_pinned_certificate_did_not_sign_is_not_offered() {
    use vouchsafe::metadata::{SpeaksFor, TrustedSource};

    let announced = Kit::okta().with_next_certificate(keys::identity_provider_p256().certificate());
    let unsigned = announced.metadata().unwrap();
    let signed = crate::federation("2026-02-01T00:00:00Z", "2036-02-01T00:00:00Z", true);
    let server = Server::start(Answer::Document(unsigned.clone())).await;
    let mut connection = stored(&server, &Kit::okta().metadata().unwrap());
    connection.settings.metadata.signer = Some(keys::identity_provider().certificate().fingerprint_sha256());
    let offer = |source: &TrustedSource, document: &str, connection: &StoredConnection| {
        let mut connection = connection.clone();
        let accepted = source.accept(document, Utc::now(), &Provider::rustcrypto()).unwrap();
        let offered = connection.offer_metadata(&accepted, Utc::now());
        (offered.map_err(|error| error.code()).map(|_| ()), connection.metadata.signer)
    };
    let by_transport = TrustedSource::danger_by_transport_alone(SpeaksFor::entity(entity_id()));
    for document in [&unsigned, &signed] {
        let (offered, signer) = offer(&by_transport, document, &connection);
        assert_eq!((offered, signer), (Err("refresh.other_signer"), None));
    }
    let (offered, signer) = offer(&connection.metadata_source().unwrap(), &signed, &connection);
    assert_eq!((offered, signer), (Ok(()), connection.settings.metadata.signer.clone()));
    // Another certificate signed it.
    let required = keys::attacker().certificate().fingerprint_sha256();
    let source = connection.metadata_source().unwrap();
    connection.settings.metadata.signer = Some(required);
    assert_eq!(offer(&source, &signed, &connection), (Err("refresh.other_signer"), None));
}
