//! What must not be possible with a link, without one, or with somebody else's link.

use chrono::TimeDelta;
use vouchsafe::ConnectionState;
use vouchsafe::provisioning::Organization;
use vouchsafe_store::{Directory, SetUpPurpose, SetUpStore, Versioned};
use vouchsafe_testkit::{self as testkit, Attribute};

use crate::browser::{Browser, Page};
use crate::world::{World, acme, author, globex};

/// Every page and every form, with a link that does not work.
const PAGES: [&str; 7] = ["", "/product", "/values", "/metadata", "/trial", "/activate", "/domains"];
const FORMS: [&str; 11] = [
    "/product",
    "/token",
    "/metadata",
    "/trial",
    "/activate",
    "/domains",
    "/domains/verify",
    "/domains/give-up",
    "/staged/approve",
    "/staged/refuse",
    "/staged/judge-again",
];

/// The token of the forms of this browser's pages.
pub(crate) async fn form_token(browser: &Browser) -> String {
    let page = browser.get("/set-up/product").await;
    page.form("/set-up/product").into_iter().find(|(name, _)| name == "form_token").unwrap().1
}

async fn nothing_works(browser: &Browser, token: &str, status: u16, code: &str) {
    for page in PAGES {
        browser.get(&format!("/set-up{page}")).await.is(status).says(code);
    }
    for form in FORMS {
        let fields =
            [("form_token", token), ("product", "okta"), ("metadata_text", "x"), ("domain", "acme.example")];
        browser.post(&format!("/set-up{form}"), &fields).await.is(status).says(code);
    }
}

#[tokio::test]
async fn a_link_that_has_expired_or_was_revoked_opens_nothing() {
    let world = World::make().await;
    for is_revoked in [false, true] {
        let (secret, mut link) = world.link(acme(), SetUpPurpose::Everything).await;
        let (browser, _) = world.opened(&secret).await;
        let token = form_token(&browser).await;
        let code = match is_revoked {
            true => {
                link.revoke(world.now());
                world.store.update_set_up_link(&link, &author()).await.unwrap();
                "set_up.link_revoked"
            }
            false => {
                world.wait(TimeDelta::days(7));
                "set_up.link_expired"
            }
        };
        nothing_works(&browser, &token, 410, code).await;
        // It cannot be opened again either.
        let fresh = world.browser();
        fresh.get(&world.set_up.link_path(&secret)).await.is(410).says(code).says_not("Acme");
        let opened = fresh.post("/set-up/begin", &[("secret", secret.reveal())]).await;
        opened.is(410).says(code);
        assert_eq!(opened.header("set-cookie"), "");
    }
    assert!(world.connections(&acme(), ConnectionState::Draft).await.is_empty());
}

#[tokio::test]
async fn without_a_link_there_is_nothing() {
    let world = World::make().await;
    let browser = world.browser();
    nothing_works(&browser, "", 404, "set_up.link_unknown").await;
    for guess in ["", "x", "vsl_", &format!("vsl_{}", "0".repeat(64)), "%00", "..%2f"] {
        let page = browser.get(&format!("/set-up/link/{guess}")).await;
        page.is(404).says_not("Acme");
        browser.post("/set-up/begin", &[("secret", guess)]).await.is(404);
    }
}

#[tokio::test]
async fn a_link_that_was_used_does_nothing_until_it_is_renewed() {
    let world = World::make().await;
    let (browser, link, page) = world.at_activation(acme()).await;
    let token = form_token(&browser).await;
    browser.submit(&page, "/set-up/activate", &[]).await.is(200);
    browser.get("/set-up").await.is(200).says("This link is used up.").says_not("<form");
    for page in &PAGES[1..] {
        browser.get(&format!("/set-up{page}")).await.is(410).says("set_up.link_used");
    }
    for form in FORMS {
        browser
            .post(&format!("/set-up{form}"), &[("form_token", &token)])
            .await
            .is(410)
            .says("set_up.link_used");
    }
    let mut link = world.store.set_up_link(&link.id).await.unwrap().unwrap();
    link.renew_until(world.now() + TimeDelta::days(1));
    world.store.update_set_up_link(&link, &author()).await.unwrap();
    browser.get("/set-up").await.is(200).says("Active connection");
}

#[tokio::test]
async fn a_link_is_for_its_purpose() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Domains).await;
    let (browser, overview) = world.opened(&secret).await;
    overview.is(200).says("Verify a domain").says_not("Choose the product");
    for page in ["/product", "/values", "/metadata", "/trial", "/activate"] {
        browser.get(&format!("/set-up{page}")).await.is(403).says("set_up.purpose");
    }
    let (secret, _) = world.link(acme(), SetUpPurpose::Connection).await;
    let (browser, overview) = world.opened(&secret).await;
    overview.says_not("Verify a domain");
    let token = form_token(&browser).await;
    browser.get("/set-up/domains").await.is(403).says("set_up.purpose");
    for form in ["/domains", "/domains/verify", "/domains/give-up"] {
        let fields = [("form_token", token.as_str()), ("domain", "acme.example")];
        browser.post(&format!("/set-up{form}"), &fields).await.is(403).says("set_up.purpose");
    }
}

/// A form of another site, and forms without this browser's token: with none, or with that of another link.
#[tokio::test]
async fn forms_of_others_do_nothing() {
    let world = World::make().await;
    let (browser, link, _) = world.at_trial(acme()).await;
    let (other, ..) = world.at_values(globex()).await;
    let (own, theirs) = (form_token(&browser).await, form_token(&other).await);
    let before = (world.people(&acme()).await, world.store.set_up_link(&link.id).await.unwrap());
    let metadata = testkit::IdentityProvider::other().metadata().unwrap();
    for form in FORMS {
        let path = format!("/set-up{form}");
        let fields = |token: &'static str| {
            vec![("form_token", token), ("product", "entra"), ("domain", "acme.example")]
        };
        for token in ["", "0"] {
            browser.post(&path, &fields(token)).await.is(403).says("set_up.form_token");
        }
        let with = |token| {
            [
                ("form_token", token),
                ("product", "entra"),
                ("metadata_text", &metadata),
                ("domain", "a.example"),
            ]
        };
        browser.post(&path, &with(theirs.as_str())).await.is(403).says("set_up.form_token");
        for (site, origin) in [
            (Some("cross-site"), Some("https://evil.example")),
            (Some("cross-site"), Some("null")),
            (Some("same-site"), Some("https://evil.loadbench.example")),
            (None, Some("https://evil.example")),
        ] {
            browser.post_from(&path, &with(own.as_str()), site, origin).await.is(403).says("http.cross_site");
        }
    }
    assert_eq!((world.people(&acme()).await, world.store.set_up_link(&link.id).await.unwrap()), before);
    assert_eq!(world.connections(&acme(), ConnectionState::Draft).await.len(), 1);
}

/// A page of an attacker cannot make a victim's browser open the attacker's link.
#[tokio::test]
async fn another_site_opens_no_link_in_this_browser() {
    let world = World::make().await;
    let (secret, _) = world.link(globex(), SetUpPurpose::Everything).await;
    let browser = world.browser();
    for (site, origin) in
        [(Some("cross-site"), Some("https://evil.example")), (None, None), (None, Some("null"))]
    {
        let page = browser.post_from("/set-up/begin", &[("secret", secret.reveal())], site, origin).await;
        page.is(403).says("http.cross_site");
        assert_eq!(page.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn nothing_is_kept_and_nobody_is_told() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let browser = world.browser();
    let landing = browser.get(&world.set_up.link_path(&secret)).await;
    let begun = browser.submit(&landing, "/set-up/begin", &[]).await;
    let mut pages = vec![landing, begun];
    for page in ["/product", "/domains", "/nowhere", "/values", "/style.css"] {
        pages.push(browser.get(&format!("/set-up{page}")).await);
    }
    for page in &pages {
        assert_eq!(page.header("cache-control"), "no-store", "{}", page.url);
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{}", page.url);
    }
    for page in &pages[..6] {
        assert_eq!(page.header("referrer-policy"), "same-origin", "{}", page.url);
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(
            !policy.contains("unsafe") && !page.body.contains("<script") && !page.body.contains(" style="),
            "{policy}"
        );
        assert!(page.body.contains("Write to &lt;support@loadbench.example&gt;."));
    }
    for page in &pages[1..] {
        page.says_not(secret.reveal()).says_not(secret.hash());
    }
}

#[tokio::test]
async fn the_cookie_of_a_link_is_sent_to_nobody_else() {
    let world = World::make().await;
    let (secret, _) = world.link(acme(), SetUpPurpose::Everything).await;
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.post(format!("{}/set-up/begin", world.address)).form(&[("secret", secret.reveal())]);
    let answer = request.header("origin", &world.address).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    for part in ["vouchsafe-set-up=vsl_", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(answer.headers()["location"], "/set-up");
}

#[tokio::test]
async fn a_connection_is_not_activated_without_a_trial() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, ..) = world.at_trial(acme()).await;
    let token = form_token(&browser).await;
    let everything = [("form_token", token.as_str()), ("untried", "yes"), ("confirmed", "yes")];
    browser.get("/set-up/activate").await.is(200).says_not("action=\"/set-up/activate\"");
    browser.post("/set-up/activate", &everything).await.is(422).says("set_up.not_tried");

    // A refused trial does not count.
    let shown = world.tried(&browser, &okta, "mallory@elsewhere.example").await;
    shown.says("rules would refuse the person").says("provisioning.");
    browser.post("/set-up/activate", &everything).await.is(422).says("set_up.not_tried");

    // A trial of the previous metadata does not count either.
    world.tried(&browser, &okta, "ada@example.com").await.says("would be accepted");
    let other_key = okta.clone().with_key(testkit::keys::other_identity_provider());
    *world.published.lock().unwrap() = other_key.metadata().unwrap();
    let form = browser.get("/set-up/metadata").await;
    let url = world.metadata_url();
    browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await.is(200);
    browser.post("/set-up/activate", &everything).await.is(422).says("set_up.not_tried");
    assert!(world.connections(&acme(), ConnectionState::Active).await.is_empty());
    assert!(world.connections(&acme(), ConnectionState::Tested).await.is_empty());
}

/// Responses with a key that is not in the metadata, of another identity provider, for another service, and a changed
/// one.
#[tokio::test]
async fn a_trial_is_judged_as_a_sign_in_is() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, link, _) = world.at_trial(acme()).await;
    let forged = okta.clone().with_key(testkit::keys::other_identity_provider());
    for (issuer, code) in [(&forged, "signature."), (&testkit::IdentityProvider::other(), "issuer")] {
        let shown = world.tried(&browser, issuer, "ada@example.com").await;
        shown.is(200).says("The sign-in would be refused.").says(code).says_not("would be accepted");
    }
    let trial = world.store.set_up_link(&link.id).await.unwrap().unwrap().progress.trial.unwrap();
    assert!(trial.refused.is_some());
    assert_eq!(world.connections(&acme(), ConnectionState::Draft).await.len(), 1);
}

/// The answer to a trial of one organization comes to a browser of another, and to one that started none.
#[tokio::test]
async fn a_trial_is_of_the_browser_and_the_link_that_started_it() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, mine, trial) = world.at_trial(acme()).await;
    let (other, theirs, _) = world.at_trial(globex()).await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let answer = world.answer(&okta, &on.leads_to(), "ada@example.com");
    for foreign in [&other, &world.browser()] {
        let page = world.carry(foreign, &answer).await;
        page.is(403).says_not("would be accepted").says_not("ada@example.com");
    }
    for link in [&mine, &theirs] {
        assert_eq!(world.store.set_up_link(&link.id).await.unwrap().unwrap().progress.trial, None);
    }
    world.carry(&browser, &answer).await.says("would be accepted");

    // A trial of the first connection does not count for the second.
    let metadata = testkit::IdentityProvider::other().metadata().unwrap();
    let form = browser.get("/set-up/metadata").await;
    browser.submit(&form, "/set-up/metadata", &[("metadata_text", &metadata)]).await.is(200);
    world.carry(&browser, &answer).await.says_not("would be accepted");
    assert_eq!(world.store.set_up_link(&mine.id).await.unwrap().unwrap().progress.trial, None);
}

/// A trial's answer that comes again shows the same, signs nobody in, and is not used after the link has ended.
#[tokio::test]
async fn a_trial_that_is_replayed_changes_nothing() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (browser, link, trial) = world.at_trial(acme()).await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let answer = world.answer(&okta, &on.leads_to(), "ada@example.com");
    world.carry(&browser, &answer).await.says("would be accepted");
    let people = world.people(&acme()).await;
    world.carry(&browser, &answer).await.is(200).says("would be accepted");
    assert_eq!(world.people(&acme()).await, people);
    browser.get("/home").await.says_not("acme");

    let mut revoked = world.store.set_up_link(&link.id).await.unwrap().unwrap();
    revoked.revoke(world.now());
    world.store.update_set_up_link(&revoked, &author()).await.unwrap();
    world.carry(&browser, &answer).await.is(410).says("set_up.link_revoked").says_not("would be accepted");
}

/// A trial creates nothing in any organization: no account, no teams, no session.
#[tokio::test]
async fn a_trial_makes_no_account() {
    let world = World::make().await;
    world.store.set_policy(&acme(), "[groups]\ncreate_teams = true\n", &author()).await.unwrap();
    let okta = testkit::IdentityProvider::okta();
    let (browser, ..) = world.at_trial(acme()).await;
    let before = (world.people(&acme()).await, world.people(&globex()).await);
    let trial = browser.get("/set-up/trial").await;
    let on = browser.submit(&trial, "/set-up/trial", &[]).await;
    let answer = world.answer_with(&okta, &on.leads_to(), "ada@example.com", |response| {
        response.attribute(Attribute::new("groups", ["Engineering", "Ops"]))
    });
    let shown = world.carry(&browser, &answer).await;
    shown.says("would be accepted").says("Engineering").says("Creates an account");
    assert!(
        !shown
            .headers
            .get_all("set-cookie")
            .iter()
            .any(|cookie| cookie.to_str().unwrap().contains("session="))
    );
    assert_eq!((world.people(&acme()).await, world.people(&globex()).await), before);
    let changed = world.audited(&acme()).await.into_iter().map(|(rule, _)| rule);
    assert!(!changed.into_iter().any(|rule| rule.contains("account") || rule.contains("team")));
}

/// A link uses the public metadata of another customer's identity provider: its people do not belong to this
/// organization, and its own customer can still sign in.
#[tokio::test]
async fn metadata_of_another_customer_gains_nothing_and_locks_nobody_out() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (theirs, ..) = world.at_trial(globex()).await;
    world.tried(&theirs, &okta, "grace@globex.example").await.says("would be accepted");
    let page = theirs.get("/set-up/activate").await;
    theirs.submit(&page, "/set-up/activate", &[]).await.is(200);
    let [globex_okta] = world.connections(&globex(), ConnectionState::Active).await.try_into().unwrap();

    let (mine, ..) = world.at_trial(acme()).await;
    // Grace, who belongs to a domain of Globex, is persuaded to try it.
    let shown = world.tried(&mine, &okta, "grace@globex.example").await;
    shown.says("rules would refuse the person").says_not("Globex");
    let token = form_token(&mine).await;
    let fields = [("form_token", token.as_str()), ("untried", "yes"), ("confirmed", "yes")];
    mine.post("/set-up/activate", &fields).await.is(422).says("set_up.not_tried");
    mine.get("/set-up").await.says_not("Globex");

    let person = world.browser();
    let asked = person.get_unfollowed(&format!("/saml/login?organization={}", globex_okta.id)).await;
    let answer = world.answer(&okta, asked.header("location"), "grace@globex.example");
    world.carry(&person, &answer).await.is(200).says("globex");
}

/// A link cannot replace a connection of another organization.
#[tokio::test]
async fn a_connection_of_another_organization_is_not_replaced() {
    let world = World::make().await;
    let okta = testkit::IdentityProvider::okta();
    let (theirs, ..) = world.at_trial(globex()).await;
    world.tried(&theirs, &okta, "grace@globex.example").await.says("would be accepted");
    let page = theirs.get("/set-up/activate").await;
    theirs.submit(&page, "/set-up/activate", &[]).await.is(200);
    let [globex_okta] = world.connections(&globex(), ConnectionState::Active).await.try_into().unwrap();
    let (mine, ..) = world.at_trial(acme()).await;
    world.tried(&mine, &okta, "ada@example.com").await.says("would be accepted");
    let page = mine.get("/set-up/activate").await;
    let named = [("replaces", globex_okta.id.as_str())];
    mine.submit(&page, "/set-up/activate", &named).await.is(422).says("set_up.not_replaceable");
    assert_eq!(world.connections(&globex(), ConnectionState::Active).await, [globex_okta]);
}

#[tokio::test]
async fn an_organization_whose_plan_does_not_include_it_sets_nothing_up() {
    let world = World::make().await;
    let (browser, ..) = world.at_trial(acme()).await;
    let token = form_token(&browser).await;
    let found: Versioned<Organization> = world.store.organization(&acme()).await.unwrap().unwrap();
    let mut changed = found;
    changed.value.entitled = false;
    world.store.update_organization(&changed, &author()).await.unwrap();
    browser.get("/set-up").await.is(200).says("provisioning.not_entitled");
    for form in ["/product", "/metadata", "/trial", "/activate"] {
        let page: Page = browser.post(&format!("/set-up{form}"), &[("form_token", &token)]).await;
        page.is(422).says("provisioning.not_entitled");
    }
}

/// Actions of a link are recorded, so their number is limited.
#[tokio::test]
async fn a_link_does_not_fill_the_audit() {
    let world = World::make().await;
    let (browser, ..) = world.at_values(acme()).await;
    let token = form_token(&browser).await;
    let mut told = Vec::new();
    for number in 0..130 {
        let product = if number % 2 == 0 { "entra" } else { "okta" };
        let fields = [("form_token", token.as_str()), ("product", product)];
        told.push(browser.post("/set-up/product", &fields).await.status);
    }
    assert!(told[..50].iter().all(|status| *status == 200), "{told:?}");
    assert!(told.iter().filter(|status| **status == 429).count() >= 10, "{told:?}");
}

/// Each page parses metadata, so their number is limited too, also that of the pages after a refused form.
#[tokio::test]
async fn a_link_does_not_show_pages_without_end() {
    let world = World::make().await;
    let (browser, ..) = world.at_trial(acme()).await;
    let token = form_token(&browser).await;
    let mut shown = 0;
    let refused = loop {
        let page = browser.get("/set-up").await;
        if page.status != 200 {
            break page;
        }
        shown += 1;
        assert!(shown < 2_000, "it is never too often");
    };
    refused.is(429).says("set_up.too_often");
    assert!(shown > 50, "{shown}");
    // Forms are counted by themselves.
    browser.post("/set-up/domains", &[("form_token", &token), ("domain", "no domain")]).await.is(422);
}

/// Requests that show no page read the organization's connections too.
#[tokio::test]
async fn a_link_does_not_have_connections_read_without_end() {
    for path in ["/set-up/no-page", "/set-up/staged/x", "/set-up/encryption.pem"] {
        let world = World::make().await;
        let (browser, ..) = world.at_trial(acme()).await;
        let mut answered = 0;
        while browser.get(path).await.status != 429 {
            answered += 1;
            assert!(answered < 2_000, "{path} is never too often");
        }
        assert!(answered > 50, "{path}: {answered}");
        browser.post("/set-up/product", &[("form_token", "wrong")]).await.is(429);
    }
}

/// A link that requests metadata again and again must wait.
#[tokio::test]
async fn a_link_is_no_way_to_have_others_asked() {
    let world = World::make().await;
    let (browser, ..) = world.at_values(acme()).await;
    let form = browser.get("/set-up/metadata").await;
    let wrong = format!("{}/nowhere", world.address);
    let mut told = Vec::new();
    for _ in 0..20 {
        told.push(browser.submit(&form, "/set-up/metadata", &[("metadata_url", &wrong)]).await.status);
    }
    assert_eq!(told.first(), Some(&422));
    assert!(told.iter().filter(|status| **status == 429).count() >= 5, "{told:?}");
}
