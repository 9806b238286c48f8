//! The portal of a service that keeps its users itself, and what an administrator is told who is not the one who can help.

use vouchsafe::ConnectionState;
use vouchsafe::provisioning::Policy;
use vouchsafe_store::{Directory, SetUpPurpose};
use vouchsafe_testkit as testkit;

use crate::world::{Differences, World, acme};

async fn own_users() -> World {
    // The settings require the token, which such a service never compares.
    World::make_with(Differences { own_users: true, token_required: true, ..Differences::default() }).await
}

#[tokio::test]
async fn a_service_with_users_of_its_own_is_connected_without_a_domain_and_a_policy() {
    let world = own_users().await;
    let okta = testkit::IdentityProvider::okta();
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let (browser, _) = world.opened(&secret).await;
    let products = browser.get("/set-up/product").await;
    let values = browser.submit(&products, "/set-up/product", &[("product", "okta")]).await;
    values.is(200).says_not("organization&#39;s token").says_not("action=\"/set-up/token\"");
    let form = browser.get("/set-up/metadata").await;
    let url = world.metadata_url();
    let trial = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await;
    trial.is(200).says("how it was checked").says_not("what the sign-in would change");

    let shown = world.tried(&browser, &okta, "ada@example.com").await;
    shown.is(200).says("The response is good.").says("ada@example.com").says("user.email");
    shown.says("Every check that passed").says("Go on to the activation");
    for nothing in ["Creates an account", "What the sign-in would change", "rules would", "transient"] {
        shown.says_not(nothing);
    }
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(200).says("Single sign-on is set up for");
    // The first page of a link that is used up does not promise anything more.
    let opened = world.browser().get(&world.set_up.link_path(&secret)).await;
    opened.is(200).says("This link is used up.").says_not("<form").says_not("works until");
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();

    let person = world.browser();
    let asked = person.get_unfollowed(&format!("/saml/login?organization={}", active.id)).await;
    let answer = world.answer(&okta, asked.header("location"), "ada@example.com");
    let home = world.carry(&person, &answer).await;
    home.is(200).says(&format!("ada@example.com is signed in over {}", active.id));
    assert!(world.store.whole(&acme()).await.unwrap().accounts.is_empty(), "the library keeps nobody");
}

#[tokio::test]
async fn a_response_that_is_not_good_is_refused_for_users_of_its_own_as_well() {
    let world = own_users().await;
    let (browser, ..) = world.at_trial(acme()).await;
    let trial = browser.get("/set-up/trial").await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let okta = testkit::IdentityProvider::okta();
    let answer = world.answer_with(&okta, &on.leads_to(), "ada@example.com", |response| {
        response.audience("https://app.example.com/saml")
    });
    let shown = world.carry(&browser, &answer).await;
    shown.is(200).says("assertion.audience").says_not("Go on to the activation");
    browser.get("/set-up/activate").await.says("The last trial was refused (assertion.audience)");
    let token = browser.get("/set-up/trial").await.form("/set-up/trial");
    let token = token.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    browser.post("/set-up/activate", &token).await.is(422).says("set_up.not_tried");
}

#[tokio::test]
async fn a_name_by_which_nobody_is_found_again_is_told() {
    let world = own_users().await;
    let (browser, ..) = world.at_trial(acme()).await;
    let trial = browser.get("/set-up/trial").await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let okta = testkit::IdentityProvider::okta();
    let answer = world.answer_with(&okta, &on.leads_to(), "_7f3a", |response| {
        response.name_id_format("urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    });
    world
        .carry(&browser, &answer)
        .await
        .is(200)
        .says("The response is good.")
        .says("The Name ID is transient");
}

#[tokio::test]
async fn a_verified_domain_is_said_to_lead_people_and_to_admit_nobody() {
    let world = own_users().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let (browser, overview) = world.opened(&secret).await;
    for page in [overview, browser.get("/set-up/domains").await] {
        page.is(200).says("are sent to your identity provider when they sign in").says_not("admitted");
    }
}

/// The administrator of the identity provider has no policy file.
#[tokio::test]
async fn a_refusal_by_the_policy_says_what_the_holder_of_a_link_can_do() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    assert_eq!(world.store.policy(&acme()).await.unwrap(), Policy::default());
    let (browser, ..) = world.at_trial(acme()).await;
    world.tried(&browser, &okta, "ada@nobody.example").await.says("href=\"/set-up/domains\">Verify a domain");
    for path in ["/set-up/trial", "/set-up/activate"] {
        let page = browser.get(path).await;
        page.says("provisioning.domain_not_verified").says("href=\"/set-up/domains\">Verify a domain");
    }
    for (policy, code) in [
        ("", "provisioning.domain_not_verified"),
        ("[admission]\ndomains = \"any\"\nrequired_groups = [\"staff\"]\n", "provisioning.group_required"),
        ("[admission]\ncreate = \"never\"\ndomains = \"any\"\n", "provisioning.creation_off"),
        ("[admission]\ndomains = [\"other.example\"]\n", "provisioning.domain_not_allowed"),
    ] {
        world.store.set_policy(&acme(), policy, &crate::world::author()).await.unwrap();
        let page = world.tried(&browser, &okta, "ada@nobody.example").await;
        page.says(code).says_not("policy.").says_not("in the policy").says_not("vouchsafe values");
    }
}
