//! What happens while something else happens: a slow address, a response that waits, a second link.

use std::sync::Arc;

use axum::{Router, routing::get};
use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use vouchsafe::ConnectionState;
use vouchsafe_store::SetUpStore;
use vouchsafe_testkit as testkit;
use vouchsafe_testkit::Attribute;

use crate::browser::Page;
use crate::world::{Differences, World, acme};

#[tokio::test]
async fn metadata_that_arrives_after_the_activation_changes_nothing() {
    for is_renewed in [false, true] {
        metadata_arrives_after_the_activation(is_renewed).await;
    }
}

/// `is_renewed`: the link works again when the metadata arrives.
async fn metadata_arrives_after_the_activation(is_renewed: bool) {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, ..) = world.at_trial(acme()).await;
    world.tried(&browser, &okta, "ada@example.com").await.says("would be accepted");
    let other = okta.clone().with_key(testkit::keys::other_identity_provider()).metadata().unwrap();
    let (asked, may_answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&asked), Arc::clone(&may_answer));
    let answer = async move || {
        tell.notify_one();
        wait.notified().await;
        other
    };
    let slow = Router::new().route("/slow", get(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/slow", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, slow).await });

    let form = browser.get("/set-up/metadata").await;
    let giving = async {
        let page = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &address)]).await;
        match is_renewed {
            true => page.is(422).says("provisioning.connection_state"),
            false => page.is(410).says("set_up.link_used"),
        };
    };
    let activating = async {
        asked.notified().await;
        let page = browser.get("/set-up/activate").await;
        browser.submit(&page, "/set-up/activate", &[]).await.is(200);
        if is_renewed {
            world.renew_links(&acme()).await;
        }
        may_answer.notify_one();
    };
    tokio::join!(giving, activating);

    let active = world.connections(&acme(), ConnectionState::Active).await;
    assert_eq!(active.len(), 1);
    assert_eq!(*active[0].metadata.document, *okta.metadata().unwrap().as_bytes());
}

#[tokio::test]
async fn a_trial_counts_only_for_the_metadata_that_judged_it() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let own = okta.clone().with_key(testkit::keys::other_identity_provider());
    // The request is made with the metadata of somebody else, whose key the holder of the link does not have.
    let (browser, link, trial) = world.at_trial(acme()).await;
    let leads = browser.submit(&trial, "/set-up/trial", &[]).await.is(200).leads_to();
    // Then the draft gets the same entity ID with a key of the holder.
    let form = browser.get("/set-up/metadata").await;
    let give = async |document: &str| {
        browser.submit(&form, "/set-up/metadata", &[("metadata_text", document)]).await.is(200);
    };
    give(&own.metadata().unwrap()).await;
    let held = world.hold_the_next_look_up();
    let answer = world.answer(&own, &leads, "ada@example.com");
    let carrying = async { world.carry(&browser, &answer).await };
    // The answer waits after the connection was read, and the draft gets the first metadata again.
    let changing = async {
        held.was_read().await;
        give(&okta.metadata().unwrap()).await;
        held.go_on();
    };
    let (shown, ()) = tokio::join!(carrying, changing);

    shown.says("set_up.not_tried");
    assert_eq!(world.store.set_up_link(&link.id).await.unwrap().unwrap().progress.trial, None);
    browser.get("/set-up/activate").await.is(200).says("No sign-in was tried");
    assert!(world.connections(&acme(), ConnectionState::Tested).await.is_empty());
}

#[tokio::test]
async fn a_token_that_a_link_issues_ends_no_sign_in_of_the_present_connection() {
    let world = World::make_with(Differences { token_required: true, ..Differences::default() }).await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, _, values) = world.at_values(acme()).await;
    let token = secret_of(browser.submit(&values, "/set-up/token", &[]).await.is(200));
    let form = browser.get("/set-up/metadata").await;
    browser.submit(&form, "/set-up/metadata", &[("metadata_url", &world.metadata_url())]).await.is(200);
    let leads = browser.submit(&browser.get("/set-up/trial").await, "/set-up/trial", &[]).await.leads_to();
    let answer_with = |leads: &str, token: &str| {
        let token = Attribute::new("token", [token.to_owned()]);
        world.answer_with(&okta, leads, "ada@example.com", |it| it.attribute(token))
    };
    world.carry(&browser, &answer_with(&leads, &token)).await.says("would be accepted");
    browser.submit(&browser.get("/set-up/activate").await, "/set-up/activate", &[]).await.is(200);
    let [active] = world.connections(&acme(), ConnectionState::Active).await.try_into().unwrap();
    let sign_in = async |token: &str| {
        let person = world.browser();
        let asked = person.get_unfollowed(&format!("/saml/login?organization={}", active.id)).await;
        world.carry(&person, &answer_with(asked.header("location"), token)).await
    };
    sign_in(&token).await.is(200);

    // Somebody prepares another identity provider with a link, and issues two tokens for its console.
    world.renew_links(&acme()).await;
    let (second, ..) = world.at_values(acme()).await;
    let issue = async || {
        let values = second.get("/set-up/values").await;
        secret_of(second.submit(&values, "/set-up/token", &[]).await.is(200))
    };
    let (third, fourth) = (issue().await, issue().await);
    world.wait(TimeDelta::hours(25));
    sign_in(&token).await.is(200);
    sign_in(&fourth).await.is(200);
    // Of its own tokens only the last remains.
    sign_in(&third).await.is(403);
}

/// The token that a page shows once.
fn secret_of(page: &Page) -> String {
    let (_, after) = page.body.split_once("class=\"secret\"").unwrap();
    let (_, text) = after.split_once('>').unwrap();
    text.split('<').next().unwrap().to_owned()
}
