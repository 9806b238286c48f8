//! From the link to an active connection and a sign-in.

use std::time::Duration;
use vouchsafe::provisioning::{Actor, Organization, OrganizationToken};
use vouchsafe::{ConnectionState, Provider};
use vouchsafe_store::{Directory, SetUpPurpose, SetUpStore};
use vouchsafe_testkit::{self as testkit, Attribute};

use crate::world::{Differences, World, acme};

#[tokio::test]
async fn from_a_link_to_an_active_connection_and_a_sign_in() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (secret, link) = world.link(acme(), SetUpPurpose::Everything).await;
    let browser = world.browser();

    let landing = browser.get(&world.set_up.link_path(&secret)).await;
    landing.is(200).says("Set up single sign-on for Acme &amp; Sons &lt;Ltd&gt; at Loadbench").says("Begin");
    assert_eq!(
        world.store.set_up_link(&link.id).await.unwrap().unwrap().revision,
        1,
        "opening changes nothing"
    );
    let overview = browser.submit(&landing, "/set-up/begin", &[]).await;
    overview.is(200).says("Choose the product of your identity provider.");
    assert!(overview.url.ends_with("/set-up"), "the secret leaves the address: {}", overview.url);

    let products = browser.get("/set-up/product").await;
    products.says("Microsoft Entra ID").says("Keycloak");
    products.says_not("href=\"/set-up/values\"").says_not("href=\"/set-up/trial\"");
    let values = browser.submit(&products, "/set-up/product", &[("product", "okta")]).await;
    values.is(200).says("Single sign-on URL").says(&format!("{}/saml/acs", world.address)).says("user.email");
    values.says_not("organization&#39;s token");

    let form = browser.get("/set-up/metadata").await;
    let url = world.metadata_url();
    let trial = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await;
    trial.is(200).says("Nobody is signed in here").says(okta.entity_id());
    let [draft] = world.connections(&acme(), ConnectionState::Draft).await.try_into().unwrap();
    assert_eq!(draft.metadata.source.url(), Some(url.as_str()));
    assert!(draft.id.as_str().starts_with("acme-"), "{}", draft.id);

    let before = world.people(&acme()).await;
    let shown = world.tried(&browser, &okta, "ada@example.com").await;
    shown
        .is(200)
        .says("The sign-in would be accepted.")
        .says("What the sign-in would change")
        .says("Creates an account");
    shown.says("Every check that passed").says("conditions.audience");
    assert_eq!(world.people(&acme()).await, before, "a trial changes nothing");
    assert_eq!(world.connections(&acme(), ConnectionState::Tested).await.len(), 1);
    browser.get("/home").await.is(200).says_not("acme");

    let page = browser.get("/set-up/activate").await;
    page.says("From then on people of your organization sign in over it.");
    let done = browser.submit(&page, "/set-up/activate", &[]).await;
    done.is(200).says("Single sign-on is set up for").says("This link is used up.");
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    assert_eq!(active.id, draft.id);

    // The first sign-in.
    let person = world.browser();
    let asked = person.get_unfollowed(&format!("/saml/login?organization={}", active.id)).await;
    let answer = world.answer(&okta, asked.header("location"), "ada@example.com");
    let home = world.carry(&person, &answer).await;
    home.is(200).says("acme");
    assert!(home.url.ends_with("/home"), "{}", home.url);

    let holder = Some(Actor::SetUpLink(link.id.clone()));
    let audited = world.audited(&acme()).await;
    for rule in [
        "set_up_link.product",
        "connection.added",
        "set_up_link.trial",
        "connection.state",
        "organization.converted",
        "set_up_link.used",
    ] {
        assert!(audited.contains(&(rule.to_owned(), holder.clone())), "{rule}: {audited:?}");
    }
}

#[tokio::test]
async fn metadata_is_given_as_a_file_or_a_text() {
    let world = World::make().await;
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let (browser, ..) = world.at_values(acme()).await;
    let form = browser.get("/set-up/metadata").await;
    browser
        .upload(&form, "/set-up/metadata", "metadata_file", metadata.as_bytes())
        .await
        .is(200)
        .says("Try a sign-in");
    let [first] = world.connections(&acme(), ConnectionState::Draft).await.try_into().unwrap();
    assert_eq!(&*first.metadata.document, metadata.as_bytes());

    let text = format!("  {metadata}\n");
    browser
        .submit(&form, "/set-up/metadata", &[("metadata_text", &text)])
        .await
        .is(200)
        .says("Try a sign-in");
    let [same] = world.connections(&acme(), ConnectionState::Draft).await.try_into().unwrap();
    assert_eq!(same.id, first.id, "the same identity provider: the same draft");

    // Some consoles save metadata in UTF-16.
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(metadata.replace("UTF-8", "UTF-16").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    browser.upload(&form, "/set-up/metadata", "metadata_file", &utf16).await.is(200).says("Try a sign-in");

    // Another identity provider makes another connection, and the first draft is removed.
    let other = testkit::IdentityProvider::other().metadata().unwrap();
    browser.submit(&form, "/set-up/metadata", &[("metadata_text", &other)]).await.is(200).says("exk2other");
    let [second] = world.connections(&acme(), ConnectionState::Draft).await.try_into().unwrap();
    assert_ne!(second.id, first.id);
    let retired = world.connections(&acme(), ConnectionState::Retired).await;
    assert!(retired.iter().all(|one| one.id == first.id && one.is_discarded()), "{retired:?}");
}

#[tokio::test]
async fn what_is_wrong_with_metadata_is_said_at_the_field() {
    let world = World::make().await;
    let (browser, ..) = world.at_values(acme()).await;
    let form = browser.get("/set-up/metadata").await;
    for (typed, code, field) in [
        (&[][..], "set_up.no_metadata", "metadata_url"),
        (
            &[("metadata_url", "https://a.example/"), ("metadata_text", "x")][..],
            "set_up.several_sources",
            "metadata_text",
        ),
        (&[("metadata_url", "ftp://a.example/")][..], "client.forbidden_address", "metadata_url"),
        (&[("metadata_url", "https://10.0.0.1/metadata")][..], "client.forbidden_address", "metadata_url"),
        (&[("metadata_url", "https://192.168.1.1/")][..], "client.forbidden_address", "metadata_url"),
        (
            &[("metadata_url", "http://169.254.169.254/latest/meta-data")][..],
            "client.forbidden_address",
            "metadata_url",
        ),
        (&[("metadata_text", "no XML")][..], "xml.", "metadata_text"),
    ] {
        let page = browser.submit(&form, "/set-up/metadata", typed).await;
        page.is(422).says(code).says("role=\"alert\"");
        page.says(&format!("aria-describedby=\"{field}-error {field}-hint\""));
        if let Some((_, value)) = typed.iter().find(|(name, _)| *name == field) {
            page.says(value);
        }
    }
    let wrong = format!("{}/nowhere", world.address);
    let page = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &wrong)]).await;
    page.is(422).says("client.status").says("answers with status 404");
    assert!(world.connections(&acme(), ConnectionState::Draft).await.is_empty());
}

#[tokio::test]
async fn a_refused_trial_is_explained_in_the_words_of_the_product() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, _) = world.opened(&secret).await;
    let products = browser.get("/set-up/product").await;
    browser
        .submit(&products, "/set-up/product", &[("product", "entra")])
        .await
        .says("Identifier (Entity ID)");
    let form = browser.get("/set-up/metadata").await;
    let url = world.metadata_url();
    let trial = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let okta = testkit::IdentityProvider::okta();
    let answer = world.answer_with(&okta, &on.leads_to(), "ada@example.com", |response| {
        response.audience("https://app.example.com/saml")
    });
    let shown = world.carry(&browser, &answer).await;
    shown
        .is(200)
        .says("assertion.audience")
        .says("Identifier (Entity ID)")
        .says("https://app.example.com/saml");
    shown.says_not("Audience URI (SP Entity ID)").says_not("Go on to the activation");
    let page = browser.get("/set-up/activate").await;
    page.says("The last trial was refused (assertion.audience)").says_not("action=\"/set-up/activate\"");
}

#[tokio::test]
async fn the_names_of_the_product_that_was_chosen_are_those_of_the_policy() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, _) = world.opened(&secret).await;
    let products = browser.get("/set-up/product").await;
    let email = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
    browser.submit(&products, "/set-up/product", &[("product", "entra")]).await.says(email);
    let form = browser.get("/set-up/metadata").await;
    let url = world.metadata_url();
    browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await.is(200);
    let trial = browser.get("/set-up/trial").await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let okta = testkit::IdentityProvider::okta();
    let answer = world.answer_with(&okta, &on.leads_to(), "ada@example.com", |response| {
        response.attribute(Attribute::new(email, ["ada@example.com"]))
    });
    world.carry(&browser, &answer).await.says("The sign-in would be accepted.");
    assert_eq!(
        world.store.policy(&acme()).await.unwrap().attributes.email,
        "user.email",
        "a trial changes no policy"
    );
    let page = browser.get("/set-up/activate").await;
    browser.submit(&page, "/set-up/activate", &[]).await.says("Single sign-on is set up");
    assert_eq!(world.store.policy(&acme()).await.unwrap().attributes.email, email);
}

#[tokio::test]
async fn a_token_is_shown_once_and_asked_for_by_the_trial() {
    let world = World::make_with(Differences { token_required: true, ..Differences::default() }).await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, ..) = world.at_trial(acme()).await;
    let shown = world.tried(&browser, &okta, "ada@example.com").await;
    shown.is(200).says("rules would refuse the person").says("provisioning.token");

    let values = browser.get("/set-up/values").await;
    let issued = browser.submit(&values, "/set-up/token", &[]).await;
    let token =
        issued.is(200).body.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(token.len() >= 32, "{token}");
    browser.get("/set-up/values").await.says_not(&token);
    let trial = browser.get("/set-up/trial").await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let answer = world.answer_with(&okta, &on.leads_to(), "ada@example.com", |response| {
        response.attribute(Attribute::new("token", [token.as_str()]))
    });
    world.carry(&browser, &answer).await.says("The sign-in would be accepted.").says_not(&token);
    let records = format!("{:?}", world.store.audit(&acme()).await.unwrap());
    assert!(!records.contains(&token));
}

/// The holder of a link cannot use up the tokens: the owner, who replaces one that was stolen, always can.
#[tokio::test]
async fn a_link_leaves_tokens_for_the_owner() {
    let world = World::make_with(Differences { token_required: true, ..Differences::default() }).await;
    let (browser, ..) = world.at_trial(acme()).await;
    let issue = async || {
        let values = browser.get("/set-up/values").await;
        browser.submit(&values, "/set-up/token", &[]).await
    };
    for _ in 0..Organization::MAX_TOKENS / 2 {
        issue().await.is(200).says("class=\"secret\">");
    }
    for _ in 0..2 {
        issue().await.says("provisioning.token_limit").says_not("class=\"secret\">");
    }
    let mut found = world.store.organization(&acme()).await.unwrap().unwrap().value;
    assert_eq!(found.tokens.iter().filter(|token| token.works_at(world.now())).count(), 8);
    assert_eq!(found.tokens.iter().filter(|token| token.expires_at.is_none()).count(), 1, "the newest");
    let hash = OrganizationToken::issue(&Provider::rustcrypto()).unwrap().hash(&Provider::rustcrypto());
    found.rotate_to(hash.unwrap(), world.now(), Duration::from_secs(86_400)).unwrap();
}

#[tokio::test]
async fn what_was_not_tried_is_activated_in_a_second_step_where_the_service_allows_it() {
    let world = World::make_with(Differences { activates_untried: true, ..Differences::default() }).await;
    let (browser, ..) = world.at_trial(acme()).await;
    let page = browser.get("/set-up/activate").await;
    page.says("Nobody knows then:").says("I know that nothing of this was tried");
    let token = page.form("/set-up/activate").into_iter().find(|(name, _)| name == "form_token").unwrap().1;
    browser.post("/set-up/activate", &[("form_token", &token)]).await.is(422).says("set_up.not_tried");
    browser
        .post("/set-up/activate", &[("form_token", &token), ("untried", "yes")])
        .await
        .is(422)
        .says("set_up.not_tried");
    let confirmed = [("form_token", token.as_str()), ("untried", "yes"), ("confirmed", "yes")];
    browser.post("/set-up/activate", &confirmed).await.is(200).says("Single sign-on is set up");
    assert_eq!(world.connections(&acme(), ConnectionState::Active).await.len(), 1);
}

#[tokio::test]
async fn a_problem_leads_back_to_the_overview() {
    let world = World::make().await;
    let (browser, ..) = world.at_trial(acme()).await;
    let nowhere = browser.get("/set-up/nowhere").await;
    nowhere.is(404).says("href=\"/set-up\"").says("Back to the overview");
    browser.get("/set-up").await.is(200).says("Set up single sign-on for");
}

/// The server reads two megabytes of a form.
#[tokio::test]
async fn a_form_that_is_too_large_is_answered_by_the_portal() {
    let world = World::make().await;
    let (browser, ..) = world.at_values(acme()).await;
    let form = browser.get("/set-up/metadata").await;
    let large = "x".repeat(3_000_000);
    let page = browser.submit(&form, "/set-up/metadata", &[("metadata_text", &large)]).await;
    page.is(413).says("set_up.unread").says("Back to the overview").says_not("Not signed in");
}
