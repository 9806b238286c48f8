//! Signing in and out, and what is refused.

use vouchsafe::xml::Limits;
use vouchsafe_testkit::{AuthnRequest, Issued};

use crate::app::{Answer, App, Browser};

impl App {
    fn acs(&self) -> String {
        format!("{}/saml/acs", self.address)
    }

    /// Starts a sign-in in that browser, and returns the request as the identity provider reads it.
    pub(crate) async fn begin(&self, browser: &Browser, query: &str) -> AuthnRequest {
        let answer = browser.get(&format!("{}/saml/login?{query}", self.address)).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        AuthnRequest::from_redirect(&answer.location).unwrap()
    }

    pub(crate) async fn finish(&self, browser: &Browser, issued: &Issued, relay_state: &str) -> Answer {
        browser.post(&self.acs(), &[("SAMLResponse", &issued.to_base64()), ("RelayState", relay_state)]).await
    }

    /// Checks that the answer is a refusal with this code, whose page does not name it.
    #[track_caller]
    pub(crate) fn assert_refused(&self, answer: &Answer, code: &str) {
        let (reference, actual) = self.last_refusal();
        assert_eq!((answer.status, actual.as_str()), (403, code), "{}", answer.body);
        assert!(answer.body.contains(&reference) && !answer.body.contains(code));
        assert!(answer.body.contains("The sign-in could not be completed."));
        assert!(answer.set_cookies.is_empty());
    }
}

impl App {
    /// Checks that the browser is sent to the identity provider with another request, and without a session.
    #[track_caller]
    pub(crate) fn assert_begins_anew(&self, answer: &Answer) {
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(AuthnRequest::from_redirect(&answer.location).is_ok(), "{}", answer.location);
        assert!(!answer.set_cookies.iter().any(|cookie| cookie.contains("vouchsafe-session=")));
    }
}

#[tokio::test]
async fn a_sign_in_that_starts_here() {
    let app = App::start().await;
    let browser = Browser::new();
    for organization in ["acme", "ACME", "grace@example.com"] {
        app.begin(&browser, &format!("organization={organization}")).await;
    }
    let request = app.begin(&browser, "organization=acme&return=%2Fprojects%2F7").await;
    let state = request.relay_state.clone().unwrap();
    let issued = app.response().in_response_to(&request.id).issue().unwrap();

    // The answer of another person signs nobody in at this browser, which starts a new sign-in.
    let other = Browser::new();
    let answer = app.finish(&other, &issued, &state).await;
    app.assert_begins_anew(&answer);
    // A new sign-in starts only once.
    let answer = app.finish(&other, &issued, &state).await;
    app.assert_refused(&answer, "http.no_pending_request");
    // The other browser's request is still pending.
    let answer = app.finish(&browser, &issued, &state).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/projects/7"), "{}", answer.body);
    assert!(answer.set_cookies.iter().all(|cookie| cookie.contains("; HttpOnly")));
    let whoami = browser.get(&format!("{}/whoami", app.address)).await;
    assert_eq!(whoami.status, 200);

    // A reload after the request was answered.
    let answer = app.finish(&browser, &issued, &state).await;
    app.assert_begins_anew(&answer);

    // The second sign-in creates nothing.
    let request = app.begin(&browser, "organization=acme&return=https%3A%2F%2Fevil.example").await;
    let issued = app.response().assertion_id("_second").in_response_to(&request.id).issue().unwrap();
    let answer = app.finish(&browser, &issued, &request.relay_state.unwrap()).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/"));
    let sign_ins = app.sign_ins();
    assert!(sign_ins[0] > 0, "the account was made");
    assert_eq!(sign_ins[1], 0);
}

#[tokio::test]
async fn a_sign_in_that_starts_at_the_identity_provider() {
    let app = App::start().await;
    for (place, (state, leads)) in (0..).zip([
        ("/projects/7", "/projects/7"),
        ("//evil.example", "/"),
        ("", "/"),
        ("https://evil.example/projects", "/"),
    ]) {
        let issued = app.response().assertion_id(format!("_a{place}")).issue().unwrap();
        let answer = app.finish(&Browser::new(), &issued, state).await;
        assert_eq!((answer.status, answer.location.as_str()), (303, leads), "{}", answer.body);
        let again = app.finish(&Browser::new(), &issued, state).await;
        app.assert_refused(&again, "assertion.replayed");
    }

    let wary = App::start_with(false).await;
    let answer = wary.finish(&Browser::new(), &wary.response().issue().unwrap(), "").await;
    wary.assert_refused(&answer, "assertion.unsolicited");
}

#[tokio::test]
async fn what_is_refused_says_nothing() {
    let app = App::start().await;
    let browser = Browser::new();
    let fields =
        |fields: &'static [(&'static str, &'static str)]| async { browser.post(&app.acs(), fields).await };
    app.assert_refused(&fields(&[]).await, "binding.field_missing");
    app.assert_refused(&fields(&[("SAMLResponse", "!")]).await, "binding.base64");
    app.assert_refused(
        &fields(&[("SAMLResponse", ""), ("SAMLResponse", "")]).await,
        "binding.field_repeated",
    );

    let tampered = app.response().issue().unwrap().into_xml().replace("ada@example.com", "eve@example.com");
    let value = vouchsafe::crypto::base64_encode(tampered.as_bytes());
    app.assert_refused(
        &browser.post(&app.acs(), &[("SAMLResponse", &value)]).await,
        "signature.digest_mismatch",
    );

    let wrong_token = {
        let mut other = app.clone();
        other.token = "0".repeat(32);
        other.response().issue().unwrap()
    };
    app.assert_refused(&app.finish(&browser, &wrong_token, "").await, "provisioning.token_unknown");

    let huge = "A".repeat(3 * 1024 * 1024);
    app.assert_refused(&browser.post(&app.acs(), &[("SAMLResponse", &huge)]).await, "http.body");

    assert!(app.sign_ins().is_empty());
}

#[tokio::test]
async fn signing_out() {
    let app = App::start().await;
    let browser = Browser::new();
    app.finish(&browser, &app.response().issue().unwrap(), "").await;
    let whoami = format!("{}/whoami", app.address);
    assert_eq!(browser.get(&whoami).await.status, 200);
    let copied = Browser::new();
    let answer = app.finish(&copied, &app.response().assertion_id("_b").issue().unwrap(), "").await;
    assert_eq!(answer.status, 303);

    let answer = browser.post(&format!("{}/saml/logout", app.address), &[]).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/"), "{}", answer.body);
    let nobody = browser.get(&whoami).await;
    assert_eq!((nobody.status, nobody.location.as_str()), (303, "/"), "nobody is signed in here");
    let deep = browser.get(&format!("{}/projects/7?tab=runs", app.address)).await;
    assert_eq!(deep.location, "/?return=%2Fprojects%2F7%3Ftab%3Druns");
    assert_eq!(copied.get(&whoami).await.status, 200, "the other session goes on");
}

#[tokio::test]
async fn what_is_not_over_is_not_forgotten() {
    let app = App::start().await;
    let browser = Browser::new();
    let request = app.begin(&browser, "organization=acme").await;
    assert_eq!(app.sso.sweep().await.unwrap(), (0, 0));
    let issued = app.response().in_response_to(&request.id).issue().unwrap();
    assert_eq!(app.finish(&browser, &issued, &request.relay_state.unwrap()).await.status, 303);
}

#[tokio::test]
async fn our_metadata_is_served() {
    let app = App::start().await;
    let answer = Browser::new().get(&format!("{}/saml/metadata", app.address)).await;
    assert_eq!(answer.status, 200);
    let document = vouchsafe::xml::Document::parse(answer.body.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(document.root().attribute("entityID"), Some(app.service_provider.entity_id().as_str()));
}

/// A layer protects routes, and programs are not redirected to a page.
#[tokio::test]
async fn routes_that_need_a_session() {
    let app = App::start().await;
    let (guarded, whoami) = (format!("{}/guarded", app.address), format!("{}/whoami", app.address));
    let browser = Browser::new();
    for place in [&guarded, &whoami] {
        let nobody = browser.get(place).await;
        assert_eq!((nobody.status, nobody.location.as_str()), (303, "/"), "{place}");
        let nobody = browser.get_json(place).await;
        assert_eq!((nobody.status, nobody.body.as_str()), (401, r#"{"error":"Nobody is signed in."}"#));
    }
    assert_eq!(app.finish(&browser, &app.response().issue().unwrap(), "").await.status, 303);
    let account = browser.get(&whoami).await.body;
    for answer in [browser.get(&guarded).await, browser.get_json(&guarded).await] {
        assert_eq!((answer.status, &answer.body), (200, &account));
    }
}
