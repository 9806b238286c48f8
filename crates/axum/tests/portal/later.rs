//! What a link does when there is already an active connection: certificates, refused sign-ins, new metadata, another
//! identity provider.

use vouchsafe::{ConnectionState, provisioning::OrganizationId};
use vouchsafe_store::{Directory, SetUpPurpose, StoredConnection};
use vouchsafe_testkit as testkit;

use crate::browser::Browser;
use crate::world::{World, acme};

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
