//! Hostile text on the pages: in metadata, in addresses, in responses, in errors. It is always shown as text.

use vouchsafe_store::SetUpPurpose;
use vouchsafe_testkit::{self as testkit, Attribute};

use crate::browser::Page;
use crate::world::{World, acme};

const NASTY: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>";

#[track_caller]
fn is_harmless(page: &Page) {
    for harmful in ["<script", "<img src=x", "onerror=alert(1)>", "javascript:"] {
        assert!(!page.body.contains(harmful), "{}: {}", page.url, page.body);
    }
}

fn in_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[tokio::test]
async fn names_in_metadata_stay_text() {
    let world = World::make().await;
    let (browser, ..) = world.at_values(acme()).await;
    let nasty_id = format!("urn:{NASTY}");
    let key = testkit::keys::identity_provider();
    let metadata =
        testkit::IdentityProvider::new(&nasty_id, "https://idp.example.com/sso", key).metadata().unwrap();
    let form = browser.get("/set-up/metadata").await;
    let page = browser.submit(&form, "/set-up/metadata", &[("metadata_text", &metadata)]).await;
    is_harmless(&page);
    for path in ["/metadata", "/trial", "/activate", ""] {
        is_harmless(&browser.get(&format!("/set-up{path}")).await);
    }
    // Unreadable content is reported, and shown as text.
    let names = in_xml(NASTY);
    for text in [
        format!("<{NASTY}"),
        format!("<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{names}\"/>"),
        metadata.replace("https://idp.example.com/sso", &format!("javascript:alert('{names}')")),
        metadata.replace("urn:oasis:names:tc:SAML:2.0:bindings:HTTP", &names),
    ] {
        let page = browser.submit(&form, "/set-up/metadata", &[("metadata_text", &text)]).await;
        let shown = page.body.replace(&in_xml(&text).replace('\'', "&#39;"), "");
        assert!(!shown.contains("<script") && !shown.contains("href=\"javascript:"), "{shown}");
        page.is(422);
    }
}

#[tokio::test]
async fn what_is_typed_stays_text() {
    let world = World::make().await;
    let (browser, ..) = world.at_values(acme()).await;
    let metadata = browser.get("/set-up/metadata").await;
    let url = format!("https://idp.example.com/{NASTY}");
    for (page, form, field, text) in [
        (&metadata, "/set-up/metadata", "metadata_url", url.as_str()),
        (&metadata, "/set-up/metadata", "metadata_url", NASTY),
        (&metadata, "/set-up/metadata", "metadata_text", "</textarea><script>alert(1)</script>"),
        (&browser.get("/set-up/domains").await, "/set-up/domains", "domain", NASTY),
        (&browser.get("/set-up/product").await, "/set-up/product", "product", NASTY),
    ] {
        let answered = browser.submit(page, form, &[(field, text)]).await;
        answered.is(422);
        is_harmless(&answered);
    }
    for path in ["/%22%3E%3Cscript%3E", "/link/%22%3E%3Cscript%3Ealert(1)", "/domains/%3Cscript%3E"] {
        is_harmless(&browser.get(&format!("/set-up{path}")).await);
    }
}

#[tokio::test]
async fn what_an_identity_provider_says_stays_text() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, ..) = world.at_trial(acme()).await;
    for change in [
        (|response: testkit::ResponseBuilder| {
            response.name_id(NASTY).attribute(Attribute::new(NASTY, [NASTY]))
        }) as fn(_) -> _,
        |response| response.audience(NASTY),
        |response| response.issuer(NASTY),
        |response| response.attribute(Attribute::new("groups", [NASTY])),
        |response| response.status(["urn:oasis:names:tc:SAML:2.0:status:Responder"]).status_message(NASTY),
    ] {
        let trial = browser.get("/set-up/trial").await;
        let on = browser.submit(&trial, "/set-up/trial", &[]).await;
        let answer = world.answer_with(&okta, &on.leads_to(), "ada@example.com", change);
        let shown = world.carry(&browser, &answer).await;
        shown.is(200);
        is_harmless(&shown);
    }
}

#[tokio::test]
async fn the_name_of_an_organization_stays_text() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let landing = world.browser().get(&world.set_up.link_path(&secret)).await;
    landing.says("Acme &amp; Sons &lt;Ltd&gt;").says_not("<Ltd>");
    let (_, overview) = world.opened(&secret).await;
    overview.says("Acme &amp; Sons &lt;Ltd&gt;").says_not("<Ltd>");
}
