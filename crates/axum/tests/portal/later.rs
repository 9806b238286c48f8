//! What a link does when there is already an active connection: certificates, refused sign-ins, new metadata, another
//! identity provider.

use vouchsafe::{
    ConnectionId, ConnectionState,
    provisioning::{Actor, OrganizationId, Policy},
};
use vouchsafe_store::{
    ConnectionDecision, ConnectionMetadata, ConnectionStore, Directory, MetadataSource, SetUpPurpose,
    SetUpStore, StoredConnection,
};
use vouchsafe_testkit as testkit;

use crate::attacks::form_token;
use crate::browser::Browser;
use crate::world::{Differences, World, acme, author};

/// Acme with an active connection; the browser of its administrator with a link that was renewed.
pub(crate) async fn connected(world: &World) -> (Browser, StoredConnection) {
    let okta = testkit::IdentityProvider::okta();
    let (browser, link, _) = world.at_trial(acme()).await;
    world.tried(&browser, &okta, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(200);
    world.renew_links(&link.organization).await;
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    (browser, active)
}

pub(crate) async fn sign_in(
    world: &World,
    active: &StoredConnection,
    idp: &testkit::IdentityProvider,
    person: &str,
) -> u16 {
    let browser = world.browser();
    let asked = browser.get_unfollowed(&format!("/saml/login?organization={}", active.id)).await;
    let answer = world.answer(idp, asked.header("location"), person);
    world.carry(&browser, &answer).await.status
}

/// Chooses the product, and gives the metadata that is published now.
pub(crate) async fn give_metadata(world: &World, browser: &Browser, metadata: String) {
    *world.published.lock().unwrap() = metadata;
    let products = browser.get("/set-up/product").await;
    browser.submit(&products, "/set-up/product", &[("product", "okta")]).await.is(200);
    let form = browser.get("/set-up/metadata").await;
    let url = world.metadata_url();
    browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await.is(200).says("Try a sign-in");
}

/// Adds a connection as an operator does, and activates it.
pub(crate) async fn activated(world: &World, connection: StoredConnection) {
    let activate = ConnectionDecision::new(acme(), Actor::Operator, world.now(), move |it, now| {
        it.add_draft(connection.clone())?;
        it.activate(&connection.id, now)
    });
    world.store.decide_connections(activate).await.unwrap();
}

#[tokio::test]
async fn certificates_and_refused_sign_ins_are_shown() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    browser.get("/set-up").await.says("Valid until").says("None is known.");
    let forged = testkit::IdentityProvider::okta().with_key(testkit::keys::other_identity_provider());
    assert_eq!(sign_in(&world, &active, &forged, "ada@example.com").await, 403);
    assert_eq!(
        sign_in(&world, &active, &testkit::IdentityProvider::okta(), "eve@elsewhere.example").await,
        403
    );
    let overview = browser.get("/set-up").await;
    overview.says("signature.").says("provisioning.").says_not("eve@elsewhere.example");
}

/// New keys of the same identity provider are tried as a draft and then used by the connection: people keep their
/// accounts.
#[tokio::test]
async fn new_metadata_of_the_same_identity_provider_keeps_the_accounts() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, active) = connected(&world).await;
    assert_eq!(sign_in(&world, &active, &okta, "ada@example.com").await, 200);
    let accounts = world.store.whole(&acme()).await.unwrap().accounts;
    let new = okta.clone().with_key(testkit::keys::other_identity_provider());
    give_metadata(&world, &browser, new.metadata().unwrap()).await;
    assert_eq!(sign_in(&world, &active, &okta, "ada@example.com").await, 200, "nothing has changed yet");
    world.tried(&browser, &okta, "ada@example.com").await.says("The sign-in would be refused.");
    let shown = world.tried(&browser, &new, "ada@example.com").await;
    shown.says("would be accepted").says("Nothing changes.");
    let page = browser.get("/set-up/activate").await;
    page.says("Accounts and sessions stay as they are.");
    browser.submit(&page, "/set-up/activate", &[]).await.is(200).says("Single sign-on is set up");
    let [same] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    assert_eq!(same.id, active.id);
    assert_eq!(sign_in(&world, &active, &new, "ada@example.com").await, 200);
    assert_eq!(sign_in(&world, &active, &okta, "ada@example.com").await, 403);
    assert_eq!(world.store.whole(&acme()).await.unwrap().accounts.len(), accounts.len());
}

/// If people sign in over two connections to one identity provider, it is not guessed for which of them metadata is.
#[tokio::test]
async fn metadata_that_may_be_for_two_connections_is_used_for_none() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, active) = connected(&world).await;
    let new = okta.clone().with_key(testkit::keys::other_identity_provider());
    give_metadata(&world, &browser, new.metadata().unwrap()).await;
    world.tried(&browser, &new, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    // Its name comes before that of the connection that was tried.
    let second = ConnectionId::new("a-second").unwrap();
    let metadata = ConnectionMetadata::new(okta.metadata().unwrap(), MetadataSource::Uploaded, world.now());
    activated(&world, StoredConnection::from_metadata(second.clone(), acme(), metadata).unwrap()).await;

    let refused = browser.submit(&page, "/set-up/activate", &[]).await;
    refused.is(422).says("set_up.several_to_renew").says(second.as_str()).says(active.id.as_str());
    browser.get("/set-up/activate").await.is(422).says("set_up.several_to_renew");
    let (form, url) = (browser.get("/set-up/metadata").await, world.metadata_url());
    let refused = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await;
    refused.is(422).says("set_up.several_to_renew");
    for one in world.connections(&acme(), ConnectionState::Active).await {
        assert_eq!(one.metadata.document, active.metadata.document, "{}", one.id);
    }
}

/// An operator makes a connection a draft again, so that nobody signs in over it. It is not the link's to change.
#[tokio::test]
async fn a_link_does_not_change_a_connection_that_an_operator_paused() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    let [mut link] = world.store.set_up_links_of(&acme()).await.unwrap().try_into().unwrap();
    link.progress.connection = Some(active.id.clone());
    world.store.update_set_up_link(&link, &author()).await.unwrap();
    let mut paused = world.store.connection(&active.id).await.unwrap().unwrap();
    paused.state = ConnectionState::Draft;
    world.store.update_connection(&paused, &author()).await.unwrap();

    browser.get("/set-up/activate").await.is(422).says("set_up.no_draft");
    let other = testkit::IdentityProvider::other();
    give_metadata(&world, &browser, other.metadata().unwrap()).await;
    world.tried(&browser, &other, "ada@example.com").await.says("would be accepted");
    let still = world.store.connection(&active.id).await.unwrap().unwrap();
    assert_eq!((still.state, still.metadata), (ConnectionState::Draft, active.metadata));
}

#[tokio::test]
async fn another_identity_provider_replaces_the_present_one_or_stands_beside_it() {
    for is_beside in [false, true] {
        let world = World::make().await;
        let other = testkit::IdentityProvider::other();
        let (browser, active) = connected(&world).await;
        give_metadata(&world, &browser, other.metadata().unwrap()).await;
        world.tried(&browser, &other, "ada@example.com").await.says("would be accepted");
        let page = browser.get("/set-up/activate").await;
        page.says("A connection that is replaced ends at once").says("identity.takeovers");
        // A page that was opened earlier does not tell what happens to the present connection.
        let token =
            page.form("/set-up/activate").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
        let unsaid = browser.post("/set-up/activate", &[("form_token", &token)]).await;
        unsaid.is(422).says("set_up.not_replaceable");
        let replaced = if is_beside { "" } else { active.id.as_str() };
        browser.submit(&page, "/set-up/activate", &[("replaces", replaced)]).await.is(200);
        let names: Vec<_> =
            world.connections(&acme(), ConnectionState::Active).await.into_iter().map(|one| one.id).collect();
        assert_eq!(names.len(), if is_beside { 2 } else { 1 });
        assert_eq!(names.contains(&active.id), is_beside);
        if is_beside {
            // An e-mail address leads to the older connection, so each has a link of its own.
            world.renew_links(&acme()).await;
            let overview = browser.get("/set-up").await;
            names.iter().for_each(|name| {
                overview.says(&format!("{}/saml/login?organization={name}", world.address));
            });
        }
    }
}

/// The console sends people to the address of the present connection, so whoever only gives newer metadata must not change
/// it.
#[tokio::test]
async fn whoever_renews_the_metadata_is_told_to_change_nothing_in_the_console() {
    let world = World::make_with(Differences { own_addresses: true, ..Differences::default() }).await;
    let okta = testkit::IdentityProvider::okta();
    let metadata = ConnectionMetadata::new(okta.metadata().unwrap(), MetadataSource::Uploaded, world.now());
    let mut present =
        StoredConnection::from_metadata(ConnectionId::new("present").unwrap(), acme(), metadata).unwrap();
    let own = format!("{}/saml/present/acs", world.address);
    present.settings.sign_in = present.settings.sign_in.clone().assertion_consumer(&own).unwrap();
    activated(&world, present).await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, _) = world.opened(&secret).await;
    let products = browser.get("/set-up/product").await;
    let next = browser.submit(&products, "/set-up/product", &[("product", "okta")]).await;
    next.is(200).says("Give the metadata").says("change nothing in its console");
    assert!(next.url.ends_with("/set-up/metadata"), "{}", next.url);
    let values = browser.get("/set-up/values").await;
    values.says("change nothing in its console").says("for another application").says_not(&own);
    browser.get("/set-up").await.says("Give newer metadata of your present identity provider");

    give_metadata(&world, &browser, okta.metadata().unwrap()).await;
    browser.get("/set-up/values").await.says(&own).says_not("change nothing in its console");
}

/// The policy is that of all connections: with the attribute names of another product, nothing would come over the present
/// one.
#[tokio::test]
async fn another_product_changes_no_attribute_names_while_people_sign_in() {
    let world = World::make().await;
    let other = testkit::IdentityProvider::other();
    let (browser, _) = connected(&world).await;
    let products = browser.get("/set-up/product").await;
    browser.submit(&products, "/set-up/product", &[("product", "entra")]).await.is(200);
    browser.get("/set-up/values").await.says("user.email").says_not("claims/emailaddress");
    let form = browser.get("/set-up/metadata").await;
    *world.published.lock().unwrap() = other.metadata().unwrap();
    let url = world.metadata_url();
    browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await.is(200);
    world.tried(&browser, &other, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[("replaces", "")]).await.is(200);
    assert_eq!(world.store.policy(&acme()).await.unwrap(), Policy::default());
    let okta = testkit::IdentityProvider::okta();
    let active = world.connections(&acme(), ConnectionState::Active).await;
    let present = active.iter().find(|one| one.identity_provider.as_str() == okta.entity_id()).unwrap();
    assert_eq!(sign_in(&world, present, &okta, "grace@example.com").await, 200);
}

/// A trial is planned with the attribute names of the product.
#[tokio::test]
async fn another_product_needs_another_trial() {
    let world = World::make().await;
    let (browser, ..) = world.at_trial(acme()).await;
    world.tried(&browser, &testkit::IdentityProvider::okta(), "ada@example.com").await.says("accepted");
    for (product, is_tried) in [("okta", true), ("google", false)] {
        let products = browser.get("/set-up/product").await;
        browser.submit(&products, "/set-up/product", &[("product", product)]).await.is(200);
        let page = browser.get("/set-up/activate").await;
        assert_eq!(page.body.contains("No sign-in was tried"), !is_tried, "{product}");
    }
    let fields = [("form_token", &*form_token(&browser).await)];
    browser.post("/set-up/activate", &fields).await.is(422).says("set_up.not_tried");
}

/// The older connection keeps the name and the domains of the organization, whatever its id is, and each one has a link.
#[tokio::test]
async fn with_two_connections_each_is_led_to_as_the_page_says() {
    let world = World::make_with(Differences { discovers: true, ..Differences::default() }).await;
    let (okta, other) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
    let older = ConnectionId::new("zzz").unwrap();
    let metadata = ConnectionMetadata::new(okta.metadata().unwrap(), MetadataSource::Uploaded, world.now());
    let present = StoredConnection::from_metadata(older.clone(), acme(), metadata).unwrap();
    activated(&world, present).await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, _) = world.opened(&secret).await;
    give_metadata(&world, &browser, other.metadata().unwrap()).await;
    world.tried(&browser, &other, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    page.says("leads to the older connection, zzz.");
    browser.submit(&page, "/set-up/activate", &[("replaces", "")]).await.is(200);

    let active = world.connections(&acme(), ConnectionState::Active).await;
    let newer = active.into_iter().map(|one| one.id).find(|id| *id != older).unwrap();
    let (to_okta, to_other) = (okta.single_sign_on(), other.single_sign_on());
    for (asked, place) in [
        ("acme", to_okta),
        ("ada@example.com", to_okta),
        (older.as_str(), to_okta),
        (newer.as_str(), to_other),
        ("nobody", "/?problem=organization"),
    ] {
        let asked = format!("/saml/login?organization={asked}");
        let answer = world.browser().get_unfollowed(&asked).await;
        assert!(answer.header("location").starts_with(place), "{asked}: {}", answer.header("location"));
    }
}

/// Metadata of another identity provider makes another connection, whose addresses may be other ones than those that were
/// copied.
#[tokio::test]
async fn whoever_gives_metadata_of_another_identity_provider_is_shown_the_values_again() {
    for own_addresses in [false, true] {
        let world = World::make_with(Differences { own_addresses, ..Differences::default() }).await;
        let (browser, ..) = world.at_trial(acme()).await;
        *world.published.lock().unwrap() = testkit::IdentityProvider::other().metadata().unwrap();
        let form = browser.get("/set-up/metadata").await;
        let url = world.metadata_url();
        let next = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await;
        match own_addresses {
            true => next.is(200).says("whose metadata was given last"),
            false => next.is(200).says("Try a sign-in"),
        };
    }
}

/// Two browsers use one link: one does not activate unseen what the other changed.
#[tokio::test]
async fn what_is_activated_is_what_was_tried() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let (one, _) = world.opened(&secret).await;
    let (two, _) = world.opened(&secret).await;
    give_metadata(&world, &one, okta.metadata().unwrap()).await;
    world.tried(&one, &okta, "ada@example.com").await.says("would be accepted");
    let page = one.get("/set-up/activate").await;
    give_metadata(&world, &two, okta.with_key(testkit::keys::other_identity_provider()).metadata().unwrap())
        .await;
    one.submit(&page, "/set-up/activate", &[]).await.is(422).says("set_up.not_tried");
    assert!(world.connections(&OrganizationId::new("acme"), ConnectionState::Active).await.is_empty());
}
