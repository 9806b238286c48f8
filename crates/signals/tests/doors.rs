//! Who may end whose sessions, and with what.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic"
)]

#[path = "doors/keys.rs"]
mod keys;
#[path = "doors/limits.rs"]
mod limits;
#[path = "doors/tokens.rs"]
mod tokens;
#[path = "doors/world.rs"]
mod world;

use std::sync::Arc;

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;
use vouchsafe::provisioning::{Account, AccountId, Actor, Identity, OrganizationId};
use vouchsafe::{ConnectionId, ConnectionState, EntityId};
use vouchsafe_store::{ConnectionMetadata, Memory, MetadataSource, StoredConnection, StoredTransmitter};

use world::{AUDIENCE, GTR, ISSUER, KEYS, World, author, by_email, by_subject, session};

#[tokio::test]
async fn universal_logout_ends_the_sessions_of_the_one_person() {
    for (subject, expected) in [
        (by_email(), [false, true, true, true]),
        (by_subject(ISSUER, "00u1"), [false, true, true, true]),
        (by_subject(ISSUER, "00u2"), [true, false, true, true]),
    ] {
        for world in World::on_every_store().await {
            let token = world.token(GTR, &world.revocation_claims("j1"));
            assert_eq!(world.revoke(&token, &subject).await, StatusCode::NO_CONTENT);
            assert_eq!(world.live().await, expected, "{subject}");
            let audit = world.store.audit(&OrganizationId::new("acme")).await.unwrap();
            assert!(audit.iter().any(|record| record.rule.as_str() == "signals.global_token_revocation"));
        }
    }
}

#[tokio::test]
async fn a_pushed_event_ends_the_sessions_of_the_one_person() {
    for subject in [
        by_email(),
        by_subject(ISSUER, "00u1"),
        json!({"user": by_email(), "tenant": {"format": "opaque", "id": "x"}}),
    ] {
        for world in World::on_every_store().await {
            let token = world.token("secevent+jwt", &world.event_claims("j1", &subject));
            assert_eq!(world.push(&token).await.0, 202);
            assert_eq!(world.live().await, [false, true, true, true], "{subject}");
        }
    }
    // The form of the final specification: the subject beside the events.
    let world = World::over(Arc::new(Memory::new())).await;
    let mut claims = world.event_claims("j1", &json!({}));
    claims["sub_id"] = by_email();
    assert_eq!(world.push(&world.token("secevent+jwt", &claims)).await.0, 202);
    assert_eq!(world.live().await, [false, true, true, true]);
}

#[tokio::test]
async fn other_people_are_out_of_reach() {
    let world = World::over(Arc::new(Memory::new())).await;
    let all = [true, true, true, true];
    for (number, subject) in [
        json!({"format": "email", "email": "owner@acme.example"}), // made by hand, and never signed in over the connection
        json!({"format": "email", "email": "nobody@acme.example"}),
        by_subject("https://globex.okta.example", "00u1"), // another issuer's identifier
        by_subject(ISSUER, "owner"),
        by_subject(ISSUER, "00u"),
    ]
    .into_iter()
    .enumerate()
    {
        let token = world.token(GTR, &world.revocation_claims(&format!("j1 {number}")));
        assert_eq!(world.revoke(&token, &subject).await, StatusCode::NOT_FOUND, "{subject}");
        let event = world.token("secevent+jwt", &world.event_claims("j2", &subject));
        assert_eq!(world.push(&event).await.0, 202, "it is not told who is here: {subject}");
        assert_eq!(world.live().await, all);
    }
    let token = world.token(GTR, &world.revocation_claims("j1"));
    let body = json!({"sub_id": by_email()}).to_string();
    for connection in ["globex-okta", "nobody", "", "../acme-okta"] {
        assert_eq!(world.revoke_at(connection, &token, &body).await, StatusCode::NOT_FOUND, "{connection}");
    }
    assert_eq!(world.live().await, all, "Eve has Ada's address and Ada's subject at Globex");
}

/// A token that was done does nothing a second time: a session that began since goes on.
#[tokio::test]
async fn a_replay_ends_no_later_session() {
    for mut world in World::on_every_store().await {
        let token = world.token(GTR, &world.revocation_claims("j1"));
        let event = world.token("secevent+jwt", &world.event_claims("j2", &by_email()));
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
        world.now += TimeDelta::seconds(1);
        assert_eq!(world.push(&event).await.0, 202);
        world.now += TimeDelta::seconds(10);
        let acme = OrganizationId::new("acme");
        world.sessions[0] = session(&*world.store, &acme, &AccountId::new("ada"), world.now).await;
        world.now += TimeDelta::seconds(10);
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
        assert_eq!(world.push(&event).await.0, 202);
        assert!(world.live().await[0]);
        // A new one ends it.
        let again = world.token(GTR, &world.revocation_claims("j3"));
        assert_eq!(world.revoke(&again, &by_email()).await, StatusCode::NO_CONTENT);
        assert!(!world.live().await[0]);
    }
}

/// A token that came and could not be carried out is carried out when it comes again, although the person's sessions were ended since by another.
#[tokio::test]
async fn a_token_that_was_not_carried_out_is_carried_out_when_it_comes_again() {
    for mut world in World::on_every_store().await {
        let (acme, zoe) = (OrganizationId::new("acme"), AccountId::new("zoe"));
        let subject = by_subject(ISSUER, "00u9");
        let early = world.token(GTR, &world.revocation_claims("j1"));
        let event = world.token("secevent+jwt", &world.event_claims("j2", &subject));
        assert_eq!(world.revoke(&early, &subject).await, StatusCode::NOT_FOUND, "she is not here yet");
        assert_eq!(world.push(&event).await.0, 202);
        let mut account = Account::new(zoe.clone(), acme.clone(), "zoe@acme.example");
        account.identities.push(Identity::new(ConnectionId::new("acme-okta").unwrap(), "00u9"));
        world.store.add_account(&account, &author()).await.unwrap();
        let other = world.token(GTR, &world.revocation_claims("j3"));
        assert_eq!(world.revoke(&other, &subject).await, StatusCode::NO_CONTENT);
        for is_event in [false, true] {
            world.now += TimeDelta::seconds(10);
            world.sessions[0] = session(&*world.store, &acme, &zoe, world.now).await;
            match is_event {
                true => assert_eq!(world.push(&event).await.0, 202),
                false => assert_eq!(world.revoke(&early, &subject).await, StatusCode::NO_CONTENT),
            }
            assert!(!world.live().await[0], "is_event: {is_event}");
        }
        // Now each was carried out, and ends nothing further.
        world.sessions[0] = session(&*world.store, &acme, &zoe, world.now).await;
        assert_eq!(world.revoke(&early, &subject).await, StatusCode::NO_CONTENT);
        assert_eq!(world.push(&event).await.0, 202);
        assert!(world.live().await[0]);
    }
}

/// Whom a revocation is about stands beside its token: whoever comes by the token ends nobody else's sessions with it.
#[tokio::test]
async fn a_token_of_a_revocation_is_good_for_one_person() {
    for mut world in World::on_every_store().await {
        let token = world.token(GTR, &world.revocation_claims("j1"));
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT);
        for _ in 0..2 {
            assert_eq!(world.revoke(&token, &by_subject(ISSUER, "00u2")).await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(world.live().await, [false, true, true, true]);
        world.now += TimeDelta::seconds(10);
        assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NO_CONTENT, "the same again");
        let own = world.token(GTR, &world.revocation_claims("j2"));
        assert_eq!(world.revoke(&own, &by_subject(ISSUER, "00u2")).await, StatusCode::NO_CONTENT);
        assert_eq!(world.live().await, [false, false, true, true]);
    }
}

/// Also where two come at the very same moment, with a person each.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_persons_at_the_same_moment_one_is_meant() {
    for world in World::on_every_store().await {
        let world = Arc::new(world);
        for round in 0..10 {
            let token = world.token(GTR, &world.revocation_claims(&format!("j{round}")));
            let mut asked = tokio::task::JoinSet::new();
            for number in 0..8 {
                let (world, token) = (Arc::clone(&world), token.clone());
                asked.spawn(async move {
                    let subject = if number % 2 == 0 { by_email() } else { by_subject(ISSUER, "00u2") };
                    (number % 2, world.revoke(&token, &subject).await)
                });
            }
            let answers = asked.join_all().await;
            let (taken, refused): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|(_, status)| *status == StatusCode::NO_CONTENT);
            assert_eq!((taken.len(), refused.len()), (4, 4), "{refused:?}");
            assert!(taken.iter().all(|(whom, _)| *whom == taken[0].0), "one person is meant");
            assert!(refused.iter().all(|(_, status)| *status == StatusCode::UNAUTHORIZED));
        }
    }
}

/// Anybody can send what nobody signed: it costs no write, and stands in no customer's audit.
#[tokio::test]
async fn what_the_transmitter_did_not_sign_writes_nothing() {
    for world in World::on_every_store().await {
        let acme = OrganizationId::new("acme");
        let before = world.store.audit(&acme).await.unwrap().len();
        let mut claims = world.revocation_claims("j1");
        claims["aud"] = json!("https://app.example.com/other");
        let token = world.token(GTR, &claims);
        let (text, signature) = token.rsplit_once('.').unwrap();
        let forged = format!("{text}x.{signature}");
        for token in [&forged, "", "x", "x.y.z"] {
            assert_ne!(world.revoke(token, &by_email()).await, StatusCode::NO_CONTENT);
            assert_eq!(world.push(token).await.0, 400);
        }
        assert_eq!(world.store.audit(&acme).await.unwrap().len(), before);
        assert_eq!(world.live().await, [true; 4]);
    }
}

/// The customer's admin sees why signals end nothing; a thousand of them are one record an hour.
#[tokio::test]
async fn a_refused_signal_is_in_the_audit() {
    for world in World::on_every_store().await {
        let acme = OrganizationId::new("acme");
        let before = world.store.audit(&acme).await.unwrap().len();
        let mut claims = world.revocation_claims("j1");
        claims["aud"] = json!("https://app.example.com/other");
        let foreign = world.token(GTR, &claims);
        let stranger = json!({"format": "email", "email": "nobody@acme.example"});
        let unknown = world.token(GTR, &world.revocation_claims("j2"));
        for _ in 0..3 {
            assert_eq!(world.revoke(&foreign, &by_email()).await, StatusCode::UNAUTHORIZED);
            assert_eq!(world.revoke(&unknown, &stranger).await, StatusCode::NOT_FOUND);
            let unnamed = world.token("secevent+jwt", &world.event_claims("", &by_email()));
            assert_eq!(world.push(&unnamed).await.0, 400);
        }
        let records = world.store.audit(&acme).await.unwrap().split_off(before);
        let codes: Vec<&str> = records.iter().map(|record| record.rule.as_str()).collect();
        assert_eq!(codes, ["signal.audience", "signal.unknown_subject", "signal.malformed"]);
        let over = Actor::IdentityProvider(ConnectionId::new("acme-okta").unwrap());
        assert!(records.iter().all(|record| record.is_refusal() && record.actor.as_ref() == Some(&over)));
        assert!(!serde_json::to_string(&records).unwrap().contains("nobody@"));
    }
}

#[tokio::test]
async fn a_connection_that_signs_nobody_in_is_believed_nothing() {
    let world = World::over(Arc::new(Memory::new())).await;
    let acme = OrganizationId::new("acme");
    let mut organization = world.store.organization(&acme).await.unwrap().unwrap();
    organization.value.connections = [ConnectionId::new("acme-entra").unwrap()].into();
    let author = vouchsafe_store::Author::new(vouchsafe::provisioning::Actor::Operator, world.now);
    world.store.update_organization(&organization, &author).await.unwrap();
    let token = world.token(GTR, &world.revocation_claims("j1"));
    assert_eq!(world.revoke(&token, &by_email()).await, StatusCode::NOT_FOUND);
    assert!(world.live().await[0]);
}

/// Whichever way its connection was retired: here by a write, after which the organization still names it.
#[tokio::test]
async fn the_transmitter_of_a_retired_connection_is_believed_nothing() {
    for world in World::on_every_store().await {
        let metadata = ConnectionMetadata::new("<md:EntityDescriptor/>", MetadataSource::Uploaded, world.now);
        let id = ConnectionId::new("acme-okta").unwrap();
        let identity_provider = EntityId::new("https://idp.acme.example").unwrap();
        let mut connection = StoredConnection::new(id, "acme".into(), identity_provider, metadata);
        connection.state = ConnectionState::Active;
        connection.revision = world.store.add_connection(&connection, &author()).await.unwrap();
        connection.state = ConnectionState::Retired;
        world.store.update_connection(&connection, &author()).await.unwrap();
        let token = world.token(GTR, &world.revocation_claims("j1"));
        let body = json!({"sub_id": by_email()}).to_string();
        let unknown = world.revoke_at("nobody", &token, &body).await;
        assert_eq!(world.revoke(&token, &by_email()).await, unknown);
        assert_ne!(unknown, StatusCode::NO_CONTENT);
        assert_eq!(world.live().await, [true; 4]);
    }
}

/// Whose signals are believed stands in the settings of the connection: what is changed there counts for the next one.
#[tokio::test]
async fn transmitters_are_kept_with_their_connections() {
    for mut world in World::on_every_store().await {
        world.believes_stored_transmitters();
        let token =
            |world: &World, number: u32| world.token(GTR, &world.revocation_claims(&format!("j{number}")));
        let metadata = ConnectionMetadata::new("<md:EntityDescriptor/>", MetadataSource::Uploaded, world.now);
        let id = ConnectionId::new("acme-okta").unwrap();
        let identity_provider = EntityId::new("https://idp.acme.example").unwrap();
        let mut connection = StoredConnection::new(id, "acme".into(), identity_provider, metadata);
        connection.state = ConnectionState::Active;
        connection.revision = world.store.add_connection(&connection, &author()).await.unwrap();
        assert_eq!(world.revoke(&token(&world, 1), &by_email()).await, StatusCode::NOT_FOUND);
        let transmitter = StoredTransmitter::new(ISSUER, KEYS).for_audience(AUDIENCE);
        connection.settings.transmitter = Some(transmitter.clone());
        connection.revision = world.store.update_connection(&connection, &author()).await.unwrap();
        let stored = world.store.connection(&connection.id).await.unwrap().unwrap();
        assert_eq!(stored.settings.transmitter, Some(transmitter));
        assert_eq!(world.revoke(&token(&world, 2), &by_email()).await, StatusCode::NO_CONTENT);
        assert_eq!(world.live().await, [false, true, true, true]);
        connection.settings.transmitter = None;
        world.store.update_connection(&connection, &author()).await.unwrap();
        assert_eq!(world.revoke(&token(&world, 3), &by_subject(ISSUER, "00u2")).await, StatusCode::NOT_FOUND);
        assert_eq!(world.live().await, [false, true, true, true]);
    }
}
