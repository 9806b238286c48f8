//! A connection whose metadata a pinned certificate must sign: a link does not take people back to an earlier document.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use vouchsafe::signature::{Signer, sign};
use vouchsafe::{ConnectionState, Limits, Provider};
use vouchsafe_store::{ConnectionStore, MetadataSource, StoredConnection};
use vouchsafe_testkit::{self as testkit, IdentityProvider as Kit, keys};

use crate::browser::{Browser, Page};
use crate::later::{connected, sign_in};
use crate::world::{World, acme, author};

/// The publisher's key, with which nobody signs in.
fn publisher() -> &'static testkit::KeyPair {
    keys::identity_provider_p256()
}

/// What the publisher signs: this identity provider, valid for so many days.
fn signed(kit: Kit, now: DateTime<Utc>, days: i64) -> String {
    let end = (now + TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let dated = kit.metadata().unwrap().replacen(
        "entityID=",
        &format!("ID=\"_{days}\" validUntil=\"{end}\" entityID="),
        1,
    );
    let signer = Signer::new(publisher().private_key()).certificate(publisher().certificate());
    sign(&dated, &format!("_{days}"), &signer, &Provider::rustcrypto(), &Limits::metadata()).unwrap()
}

/// Okta with a second key, which it withdraws later.
fn with_withdrawn_key() -> Kit {
    Kit::okta().with_next_certificate(keys::other_identity_provider().certificate())
}

fn theirs() -> Kit {
    Kit::okta().with_key(keys::other_identity_provider())
}

/// Acme's connection as it is when it has taken this document from its address.
async fn has_taken(world: &World, document: &str) -> StoredConnection {
    let mut stored = active(world).await;
    stored.settings.metadata.signer = Some(publisher().certificate().fingerprint_sha256());
    stored.metadata.document = document.as_bytes().into();
    world.store.update_connection(&stored, &author()).await.unwrap();
    active(world).await
}

async fn active(world: &World) -> StoredConnection {
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    active
}

async fn give(browser: &Browser, document: &str) -> Page {
    let products = browser.get("/set-up/product").await;
    browser.submit(&products, "/set-up/product", &[("product", "okta")]).await.is(200);
    let form = browser.get("/set-up/metadata").await;
    browser.submit(&form, "/set-up/metadata", &[("metadata_text", document)]).await
}

async fn activate(browser: &Browser) -> Page {
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[]).await
}

#[tokio::test]
async fn a_link_gives_no_earlier_document_of_the_signer() {
    let world = World::make().await;
    let (browser, _) = connected(&world).await;
    let [earlier, present, later] =
        [(with_withdrawn_key(), 10), (Kit::okta(), 20), (Kit::okta(), 30)].map(|(kit, days)| {
            let document = signed(kit, world.now(), days);
            // Comments are not signed.
            document.replacen("<md:IDPSSODescriptor", "<!-- unsigned --><md:IDPSSODescriptor", 1)
        });
    let before = has_taken(&world, &present).await;
    let refused = give(&browser, &earlier).await;
    refused.is(422).says("refresh.rolled_back").says("in the console of your identity provider");
    refused.says_not("A cache or a mirror");
    assert!(world.connections(&acme(), ConnectionState::Draft).await.is_empty());
    give(&browser, &present).await.is(200).says("Try a sign-in");

    give(&browser, &later).await.is(200).says("Try a sign-in");
    world.tried(&browser, &theirs(), "ada@example.com").await.says("The sign-in would be refused.");
    world.tried(&browser, &Kit::okta(), "ada@example.com").await.says("would be accepted");
    activate(&browser).await.is(200).says("Single sign-on is set up");
    let now = active(&world).await;
    assert_eq!((&now.id, &now.settings), (&before.id, &before.settings));
    // Only what was signed is kept, under the name of its signer, and the address is asked again.
    let document = String::from_utf8(now.metadata.document.to_vec()).unwrap();
    assert!(document.contains("ID=\"_30\"") && !document.contains("unsigned"), "{document}");
    assert_eq!(now.metadata.signer, before.settings.metadata.signer);
    assert_eq!(now.metadata.source, MetadataSource::Url(world.metadata_url()));
    assert_eq!(sign_in(&world, &now, &Kit::okta(), "ada@example.com").await, 200);

    world.renew_links(&acme()).await;
    for document in [&earlier, &present] {
        give(&browser, document).await.is(422).says("refresh.rolled_back");
    }
    assert_eq!(active(&world).await.metadata, now.metadata);
    assert_eq!(sign_in(&world, &now, &theirs(), "ada@example.com").await, 403);
}

/// The address gives the document without the withdrawn key after the draft was tried.
#[tokio::test]
async fn a_link_activates_no_draft_that_is_older_by_then() {
    let world = World::make().await;
    let (browser, _) = connected(&world).await;
    has_taken(&world, &signed(Kit::okta(), world.now(), 5)).await;
    give(&browser, &signed(with_withdrawn_key(), world.now(), 10)).await.is(200);
    world.tried(&browser, &theirs(), "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    let present = has_taken(&world, &signed(Kit::okta(), world.now(), 20)).await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(422).says("refresh.rolled_back");
    assert_eq!(active(&world).await, present);
    assert_eq!(sign_in(&world, &present, &theirs(), "ada@example.com").await, 403);
}

/// Without a signer anybody may have written the dates, so they hold nothing back.
#[tokio::test]
async fn dates_that_nobody_signed_hold_no_document_back() {
    let world = World::make().await;
    let (browser, _) = connected(&world).await;
    let mut stored = active(&world).await;
    let far = signed(Kit::okta(), world.now(), 300);
    stored.metadata.document = far.as_bytes().into();
    stored.revision = world.store.update_connection(&stored, &author()).await.unwrap();
    give(&browser, &signed(Kit::okta(), world.now(), 10)).await.is(200).says("Try a sign-in");
    // What is in use was not signed by the certificate that is pinned now.
    let unsigned = far.replacen("validUntil=\"20", "validUntil=\"21", 1);
    stored.metadata.document = unsigned.as_bytes().into();
    stored.settings.metadata.signer = Some(publisher().certificate().fingerprint_sha256());
    world.store.update_connection(&stored, &author()).await.unwrap();
    give(&browser, &signed(Kit::okta(), world.now(), 10)).await.is(200).says("Try a sign-in");
    give(&browser, &unsigned).await.is(422).says("signature.");
}
