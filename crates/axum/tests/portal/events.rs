//! What the application is told of the changes that a link makes.

use vouchsafe::{ConnectionId, ConnectionState};
use vouchsafe_axum::SetUpChange;
use vouchsafe_store::{Directory, SetUpPurpose, SetUpStore};
use vouchsafe_testkit::{self as testkit, keys};

use crate::browser::Browser;
use crate::later::{connected, give_metadata};
use crate::newer_metadata::stage;
use crate::world::{Differences, World, acme};

/// The kind of each change that was told since the last call, with the connections or the domain.
fn told(world: &World) -> Vec<(&'static str, Vec<String>)> {
    let name = |id: ConnectionId| id.to_string();
    let shown = |change: SetUpChange| match change {
        SetUpChange::Drafted { connection, .. } => ("drafted", vec![name(connection)]),
        SetUpChange::Activated { connection, .. } => ("activated", vec![name(connection)]),
        SetUpChange::Replaced { old, new, .. } => ("replaced", vec![name(old), name(new)]),
        SetUpChange::MetadataRenewed { connection, .. } => ("renewed", vec![name(connection)]),
        SetUpChange::MetadataApproved { connection, .. } => ("approved", vec![name(connection)]),
        SetUpChange::MetadataRefused { connection, .. } => ("refused", vec![name(connection)]),
        SetUpChange::DomainVerified { domain, .. } => ("domain", vec![domain]),
        other => panic!("{other:?} is not expected"),
    };
    world.told().into_iter().map(|event| shown(event.change)).collect()
}

/// Gives the metadata of an identity provider, tries it, and activates it with these fields.
async fn activated(
    world: &World,
    browser: &Browser,
    given: &testkit::IdentityProvider,
    fields: &[(&str, &str)],
) {
    give_metadata(world, browser, given.metadata().unwrap()).await;
    world.tried(browser, given, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", fields).await.is(200);
    world.renew_links(&acme()).await;
}

#[tokio::test]
async fn a_first_connection_is_told() {
    let world = World::make().await;
    let (_, active) = connected(&world).await;
    let events = world.told();
    let [drafted, activated] = events.as_slice() else { panic!("{events:?}") };
    let [link] = world.store.set_up_links_of(&acme()).await.unwrap().try_into().unwrap();
    assert!(matches!(&drafted.change, SetUpChange::Drafted { connection, .. } if *connection == active.id));
    assert!(
        matches!(&activated.change, SetUpChange::Activated { connection, .. } if *connection == active.id)
    );
    for event in &events {
        assert_eq!((&event.organization, &event.link), (&acme(), &link.id));
        assert!(event.at <= world.now());
    }
}

/// The application can end its sessions over the old connection, since it is told both.
#[tokio::test]
async fn a_replacement_is_told_with_both_connections() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    told(&world);
    activated(&world, &browser, &testkit::IdentityProvider::other(), &[("replaces", active.id.as_str())])
        .await;
    let now = world.connections(&acme(), vouchsafe::ConnectionState::Active).await;
    let new = now[0].id.to_string();
    assert_eq!(
        told(&world),
        [("drafted", vec![new.clone()]), ("replaced", vec![active.id.to_string(), new])]
    );
}

#[tokio::test]
async fn a_second_connection_replaces_none() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    told(&world);
    activated(&world, &browser, &testkit::IdentityProvider::other(), &[("replaces", "")]).await;
    let now = world.connections(&acme(), vouchsafe::ConnectionState::Active).await;
    let new = now.iter().find(|one| one.id != active.id).unwrap().id.to_string();
    assert_eq!(told(&world), [("drafted", vec![new.clone()]), ("activated", vec![new])]);
}

#[tokio::test]
async fn metadata_that_renews_an_active_connection_is_told() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    told(&world);
    let new = testkit::IdentityProvider::okta().with_key(keys::other_identity_provider());
    activated(&world, &browser, &new, &[]).await;
    let told = told(&world);
    let [("drafted", draft), ("renewed", renewed)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(*renewed, [active.id.to_string()]);
    assert_ne!(draft, renewed);
}

#[tokio::test]
async fn the_judgement_of_newer_metadata_is_told() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    told(&world);
    let id = vec![active.id.to_string()];
    let next = keys::other_identity_provider().certificate();
    let announced = testkit::IdentityProvider::okta().with_next_certificate(next).metadata().unwrap();
    stage(&world, &active.id, &announced).await;
    let page = browser.get("/set-up").await;
    let page = browser.submit(&page, "/set-up/staged/refuse", &[]).await;
    assert_eq!(told(&world), [("refused", id.clone())]);
    browser.submit(&page, "/set-up/staged/judge-again", &[]).await.is(200);
    assert!(told(&world).is_empty());
    stage(&world, &active.id, &announced).await;
    let page = browser.get("/set-up").await;
    browser.submit(&page, "/set-up/staged/approve", &[]).await.is(200);
    assert_eq!(told(&world), [("approved", id)]);
    browser.submit(&page, "/set-up/staged/approve", &[]).await.is(422);
    assert!(told(&world).is_empty(), "what is refused changes nothing");
}

#[tokio::test]
async fn a_verified_domain_is_told() {
    let world = World::make().await;
    let (secret, link) = world.link(acme(), SetUpPurpose::Domains).await;
    let (browser, _) = world.opened(&secret).await;
    let form = browser.get("/set-up/domains").await;
    let asked = browser.submit(&form, "/set-up/domains", &[("domain", "acme.example")]).await;
    browser.submit(&asked, "/set-up/domains/verify", &[]).await.is(422);
    assert!(told(&world).is_empty(), "no domain is verified yet");
    let organization = world.store.organization(&acme()).await.unwrap().unwrap().value;
    let challenge = &organization.domain_challenges[0];
    world.dns.lock().unwrap().insert(challenge.record_name(), vec![challenge.record_value()]);
    browser.submit(&asked, "/set-up/domains/verify", &[]).await.is(200);
    let events = world.told();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert!(matches!(&event.change, SetUpChange::DomainVerified { domain, .. } if domain == "acme.example"));
    assert_eq!(event.link, link.id);
}

/// The change is stored, so a defect of the application's function keeps nothing from being done.
#[tokio::test]
async fn a_function_that_panics_undoes_no_activation() {
    let world = World::make_with(Differences { panics_when_told: true, ..Differences::default() }).await;
    let (browser, link, page) = world.at_activation(acme()).await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(200);
    assert_eq!(done(&world, &link.id).await, (1, true));
}

/// The administrator closes the window as soon as the connection is active. What belongs to the activation is still done.
#[tokio::test]
async fn an_activation_that_nobody_waits_for_is_done_to_its_end() {
    let world = World::make().await;
    let (browser, link, page) = world.at_activation(acme()).await;
    told(&world);
    let is_told = async {
        while told(&world).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = is_told => {}
        _ = browser.submit(&page, "/set-up/activate", &[]) => panic!("it was answered before it was told"),
    }
    while !done(&world, &link.id).await.1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(done(&world, &link.id).await, (1, true));
}

/// How many connections are active, and whether the link is used, which is stored last.
async fn done(world: &World, link: &str) -> (usize, bool) {
    let active = world.connections(&acme(), ConnectionState::Active).await.len();
    let link = world.store.set_up_link(link).await.unwrap().unwrap();
    (active, link.used_at.is_some())
}
