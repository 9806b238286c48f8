//! What is activated is what was tried, and a trial is told without data of others.

use vouchsafe::{ConnectionId, ConnectionState, EntityId, provisioning::Actor};
use vouchsafe_store::{
    ConnectionDecision, ConnectionMetadata, ConnectionStore, Directory, MetadataSource, SetUpLinkState,
    SetUpPurpose, SetUpStore, StoredConnection,
};
use vouchsafe_testkit::{self as testkit, Attribute, AuthnRequest};

use crate::attacks::form_token;
use crate::browser::{Browser, Page};
use crate::later::{activated, connected, give_metadata, sign_in};
use crate::world::{Differences, TWO_FACTORS, World, acme, author};

/// Okta with another key.
fn renewed_okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_key(testkit::keys::other_identity_provider())
}

#[tokio::test]
async fn settings_that_changed_after_the_trial_need_another_one() {
    let world = World::make().await;
    let (browser, active) = connected(&world).await;
    let new = renewed_okta();
    give_metadata(&world, &browser, new.metadata().unwrap()).await;
    world.tried(&browser, &new, "ada@example.com").await.says("would be accepted");
    let page = browser.get("/set-up/activate").await;
    // The operator changes how the active connection is checked.
    let mut changed = world.store.connection(&active.id).await.unwrap().unwrap();
    let own = EntityId::new("https://other.example.com").unwrap();
    changed.settings.sign_in = changed.settings.sign_in.clone().entity_id(own);
    world.store.update_connection(&changed, &author()).await.unwrap();

    browser.submit(&page, "/set-up/activate", &[]).await.is(422).says("set_up.other_settings");
    let trial = browser.get("/set-up/trial").await;
    browser.submit(&trial, "/set-up/trial", &[]).await.is(422).says("set_up.other_settings");
    let now = world.store.connection(&active.id).await.unwrap().unwrap();
    assert_eq!(now.metadata, active.metadata);
    let [link] = world.store.set_up_links_of(&acme()).await.unwrap().try_into().unwrap();
    assert_eq!(link.state(world.now()), SetUpLinkState::Open);
}

/// Replaces the connection `old` by the connection "entra".
async fn replaced_by_an_owner(world: &World, old: ConnectionId) {
    let other = testkit::IdentityProvider::other().metadata().unwrap();
    let metadata = ConnectionMetadata::new(other, MetadataSource::Uploaded, world.now());
    let entra =
        StoredConnection::from_metadata(ConnectionId::new("entra").unwrap(), acme(), metadata).unwrap();
    let id = entra.id.clone();
    let replace = ConnectionDecision::new(acme(), Actor::Operator, world.now(), move |it, now| {
        it.add_draft(entra.clone())?;
        it.replace(&old, &id, now)
    });
    world.store.decide_connections(replace).await.unwrap();
}

/// The operator allowed the retired connection what a new one is not allowed.
#[tokio::test]
async fn a_draft_keeps_no_settings_of_a_retired_connection() {
    let world = World::make_with(Differences { token_required: true, ..Differences::default() }).await;
    let okta = testkit::IdentityProvider::okta();
    let metadata = ConnectionMetadata::new(okta.metadata().unwrap(), MetadataSource::Uploaded, world.now());
    let id = ConnectionId::new("old").unwrap();
    let mut old = StoredConnection::from_metadata(id.clone(), acme(), metadata).unwrap();
    old.settings.token_required = false;
    activated(&world, old).await;
    let new = renewed_okta();
    *world.published.lock().unwrap() = new.metadata().unwrap();
    let (browser, ..) = world.at_trial(acme()).await;
    world.tried(&browser, &new, "ada@example.com").await.says("would be accepted");
    replaced_by_an_owner(&world, id).await;

    let trial = browser.get("/set-up/trial").await;
    browser.submit(&trial, "/set-up/trial", &[]).await.is(422).says("set_up.other_settings");
    let fields = [("form_token", &*form_token(&browser).await), ("replaces", "entra")];
    browser.post("/set-up/activate", &fields).await.is(422).says("set_up.other_settings");
    // The settings of a new connection come with the metadata.
    give_metadata(&world, &browser, new.metadata().unwrap()).await;
    world.tried(&browser, &new, "ada@example.com").await.says("provisioning.token_missing");
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    assert_eq!(active.id.as_str(), "entra");
}

/// With the settings of a connection that was retired meanwhile, every response would be posted to an address at which
/// nothing is accepted.
#[tokio::test]
async fn a_draft_that_renews_a_retired_connection_is_not_activated() {
    let world = World::make_with(Differences { own_addresses: true, ..Differences::default() }).await;
    let okta = testkit::IdentityProvider::okta();
    let try_out = async |browser: &Browser, idp: &testkit::IdentityProvider, own: &ConnectionId| {
        let leads =
            browser.submit(&browser.get("/set-up/trial").await, "/set-up/trial", &[]).await.leads_to();
        let (audience, acs) =
            (format!("{}/saml/metadata", world.address), format!("{}/saml/{own}/acs", world.address));
        let answer =
            world.answer_with(idp, &leads, "ada@example.com", |it| it.service_provider(audience, &acs));
        let fields: Vec<_> = answer.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let origin = Some("https://example.okta.com");
        browser.post_from(&format!("/saml/{own}/acs"), &fields, Some("cross-site"), origin).await
    };
    let (first, ..) = world.at_trial(acme()).await;
    let [okta_draft] = world.connections(&acme(), ConnectionState::Draft).await.try_into().unwrap();
    let old = okta_draft.id;
    try_out(&first, &okta, &old).await.says("would be accepted");
    first.submit(&first.get("/set-up/activate").await, "/set-up/activate", &[]).await.is(200);
    let new = renewed_okta();
    *world.published.lock().unwrap() = new.metadata().unwrap();
    let (second, ..) = world.at_trial(acme()).await;
    try_out(&second, &new, &old).await.says("would be accepted");
    replaced_by_an_owner(&world, old).await;

    second.get("/set-up/activate").await.is(200).says("No sign-in was tried");
    let fields = [("form_token", &*form_token(&second).await), ("replaces", "entra")];
    second.post("/set-up/activate", &fields).await.is(422).says("set_up.other_settings");
    let trial = second.get("/set-up/trial").await;
    second.submit(&trial, "/set-up/trial", &[]).await.is(422).says("set_up.other_settings");
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    assert_eq!(active.id.as_str(), "entra");
}

/// The answer of a person to the trial that a page leads to, with these values of the profile.
async fn tried_as(world: &World, browser: &Browser, idp: &testkit::IdentityProvider, named: &str) -> Page {
    let leads = browser.submit(&browser.get("/set-up/trial").await, "/set-up/trial", &[]).await.leads_to();
    let request = AuthnRequest::from_redirect(leads.split_once('?').unwrap().1).unwrap();
    let response = idp
        .response()
        .at(world.now())
        .service_provider(format!("{}/saml/metadata", world.address), &format!("{}/saml/acs", world.address))
        .in_response_to(&request.id)
        .name_id(named)
        .attribute(Attribute::new("user.email", ["nobody@example.com"]))
        .attribute(Attribute::new("user.first_name", ["Nobody"]))
        .attribute(Attribute::new("user.last_name", ["Nobody"]))
        .issue()
        .unwrap();
    let state = request.relay_state.unwrap_or_default();
    world.carry(browser, &[("SAMLResponse", response.to_base64()), ("RelayState", state)]).await
}

/// Whoever gives metadata with a key of their own can name anybody in a trial.
#[tokio::test]
async fn a_trial_shows_nothing_of_an_account_that_exists() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (_, active) = connected(&world).await;
    assert_eq!(sign_in(&world, &active, &okta, "ada@example.com").await, 200);
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, _) = world.opened(&secret).await;
    let own = renewed_okta();
    give_metadata(&world, &browser, own.metadata().unwrap()).await;
    let before = world.people(&acme()).await;
    let shown = tried_as(&world, &browser, &own, "ada@example.com").await;
    shown.says("would be accepted").says("The person has an account already.");
    shown.says("Sets the first name to what came.").says_not("Lovelace").says_not("“Ada”");
    assert_eq!(world.people(&acme()).await, before);
}

/// Where the rules refuse, the reason names the account, and may tell whether it has a password or a role.
#[tokio::test]
async fn a_refused_trial_shows_nothing_of_an_account_that_exists() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (_, active) = connected(&world).await;
    assert_eq!(sign_in(&world, &active, &okta, "ada@example.com").await, 200);
    let [ada] = world.store.whole(&acme()).await.unwrap().accounts.try_into().unwrap();
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, _) = world.opened(&secret).await;
    let own = renewed_okta();
    give_metadata(&world, &browser, own.metadata().unwrap()).await;
    let as_another = |idp: &testkit::IdentityProvider, leads: &str| {
        world.answer_with(idp, leads, "ada@example.com", |it| it.name_id("somebody else"))
    };
    let leads = browser.submit(&browser.get("/set-up/trial").await, "/set-up/trial", &[]).await.leads_to();
    let shown = world.carry(&browser, &as_another(&own, &leads)).await;
    shown.says("provisioning.email_taken").says("the account that exists").says_not(ada.id.as_str());

    // Nor do the last refused sign-ins name it.
    let person = world.browser();
    let asked = person.get_unfollowed(&format!("/saml/login?organization={}", active.id)).await;
    world.carry(&person, &as_another(&okta, asked.header("location"))).await;
    let overview = browser.get("/set-up").await;
    overview.says("provisioning.email_taken").says("the account that exists").says_not(ada.id.as_str());
}

#[tokio::test]
async fn a_trial_asks_for_what_sign_ins_ask_for() {
    let world = World::make_with(Differences { two_factors: true, ..Differences::default() }).await;
    let (browser, _, trial) = world.at_trial(acme()).await;
    let leads = browser.submit(&trial, "/set-up/trial", &[]).await.leads_to();
    let request = AuthnRequest::from_redirect(leads.split_once('?').unwrap().1).unwrap();
    assert_eq!(request.authn_contexts, [TWO_FACTORS]);
    let one_factor = world.answer(&testkit::IdentityProvider::okta(), &leads, "ada@example.com");
    world.carry(&browser, &one_factor).await.says("The sign-in would be refused.").says("authn_context");
}

#[tokio::test]
async fn a_trial_says_that_the_account_would_wait_for_an_approval() {
    let world = World::make().await;
    let policy = "[admission]\napproval = \"always\"\n";
    world.store.set_policy(&acme(), policy, &author()).await.unwrap();
    let (browser, ..) = world.at_trial(acme()).await;
    let shown = tried_as(&world, &browser, &testkit::IdentityProvider::okta(), "ada@example.com").await;
    shown.says("would wait for an approval").says_not("The sign-in would be accepted");
}

/// Each answer to a trial reads from the store and plans, and the same answer is judged again until its request expires.
#[tokio::test]
async fn answers_to_trials_are_counted() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, _, trial) = world.at_trial(acme()).await;
    let leads = browser.submit(&trial, "/set-up/trial", &[]).await.leads_to();
    let answer = world.answer(&okta, &leads, "ada@example.com");
    world.stop_the_clock();
    world.carry(&browser, &answer).await.says("would be accepted");
    for _ in 0..9 {
        world.carry(&browser, &answer).await;
    }
    world.carry(&browser, &answer).await.is(429).says("set_up.too_often");
}
