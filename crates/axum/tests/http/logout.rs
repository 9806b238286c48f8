//! Single logout over real HTTP: started by people here, and by identity providers.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::signature::{TrustedKey, verify_query};
use vouchsafe::{Limits, redirect};
use vouchsafe_testkit::{IdentityProvider, LogoutBuilder, Part, keys};

use crate::app::{Answer, App, Browser};

const THERE: &str = "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/slo/saml";

pub(crate) fn okta() -> IdentityProvider {
    IdentityProvider::okta().with_single_logout(THERE)
}

async fn app() -> App {
    App::start_with_logout(okta()).await
}

impl App {
    pub(crate) fn slo(&self) -> String {
        format!("{}/saml/slo", self.address)
    }

    /// Returns a browser that is signed in with a session with that index.
    async fn signed_in_at(&self, index: &str, issued_at: DateTime<Utc>) -> Browser {
        let browser = Browser::new();
        let answer = self.sign_in_at(&browser, index, issued_at).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert_eq!(self.whoami(&browser).await, 200);
        browser
    }

    async fn sign_in_at(&self, browser: &Browser, index: &str, issued_at: DateTime<Utc>) -> Answer {
        let response = self.response().at(issued_at).session_index(index);
        let number = browser as *const Browser as usize;
        let id = format!("_{index}{}{number}", issued_at.timestamp());
        self.finish(browser, &response.assertion_id(id).issue().unwrap(), "").await
    }

    async fn signed_in(&self, index: &str) -> Browser {
        self.signed_in_at(index, Utc::now() - TimeDelta::seconds(5)).await
    }

    pub(crate) async fn whoami(&self, browser: &Browser) -> u16 {
        browser.get_json(&format!("{}/whoami", self.address)).await.status
    }

    /// Makes a logout request of the identity provider.
    fn asks(&self) -> LogoutBuilder {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let request = okta().logout_request().id(format!("_logout{number}"));
        request.at(Utc::now()).destination(Some(&self.slo()))
    }

    async fn by_redirect(&self, browser: &Browser, message: &LogoutBuilder, state: Option<&str>) -> Answer {
        browser.get(&format!("{}?{}", self.slo(), message.to_query(state).unwrap())).await
    }

    async fn by_post(&self, browser: &Browser, message: &LogoutBuilder) -> Answer {
        let form = message.to_form(Some("their state")).unwrap();
        browser.post_text(&self.slo(), "application/x-www-form-urlencoded", &form).await
    }

    /// Returns the message of the service to the identity provider, verified with its key, and the RelayState.
    fn sent(&self, answer: &Answer) -> (String, Option<String>) {
        assert_eq!(answer.status, 303, "{}", answer.body);
        let query = answer.location.strip_prefix(&format!("{THERE}?")).unwrap();
        let ours = keys::service_provider().private_key().public_key().clone();
        let provider = self.service_provider.provider();
        let verified = verify_query(query, &[TrustedKey::new(ours, "ours")], provider).unwrap();
        let message = redirect::decode(&verified, &Limits::default()).unwrap().bytes().to_vec();
        (String::from_utf8(message).unwrap(), verified.relay_state().map(str::to_owned))
    }

    #[track_caller]
    pub(crate) fn assert_sign_out_refused(&self, answer: &Answer, code: &str) {
        let (reference, actual) = self.last_refusal();
        assert_eq!((answer.status, actual.as_str()), (403, code), "{}", answer.body);
        assert!(answer.body.contains(&reference) && !answer.body.contains(code));
        assert!(answer.body.contains("The sign-out could not be completed."));
        assert!(answer.set_cookies.is_empty());
    }

    /// Signs out here; the browser is then sent to the identity provider.
    pub(crate) async fn sign_out(&self, browser: &Browser) -> (String, String) {
        let url = format!("{}/saml/logout", self.address);
        let answer = browser.post_saying(&url, &[("sec-fetch-site", "same-origin")]).await;
        let (request, state) = self.sent(&answer);
        (attribute(&request, "ID"), state.unwrap())
    }
}

fn attribute(message: &str, name: &str) -> String {
    message.split_once(&format!(" {name}=\"")).unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// The session in this service ends before anybody else is told, and the page shows the answer of the identity
/// provider.
#[tokio::test]
async fn a_person_signs_out_here_and_there() {
    let app = app().await;
    let top = |code: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
    let cases = [
        (vec![top("Success")], "Your identity provider has ended its session too."),
        (vec![top("Success"), top("PartialLogout")], "it could not sign you out of every service"),
        (vec![top("Responder")], "it did not confirm that its session is over"),
    ];
    for (place, (codes, expected)) in cases.into_iter().enumerate() {
        let browser = app.signed_in(&format!("s{place}")).await;
        let (id, state) = app.sign_out(&browser).await;
        assert_eq!(app.whoami(&browser).await, 401, "the session here is over already");
        let answer = okta().logout_response(&id).id(format!("_a{place}")).at(Utc::now());
        let answer = answer.destination(Some(&app.slo())).status(codes);
        let shown = app.by_redirect(&browser, &answer, Some(&state)).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        assert!(shown.body.contains("You are signed out") && shown.body.contains(expected), "{}", shown.body);
        assert!(shown.set_cookies.iter().any(|cookie| cookie.contains("vouchsafe-logout=answered.")));
        // A reload sends the answer again, which changes nothing. Another browser has no page to reload.
        let again = app.by_redirect(&browser, &answer, Some(&state)).await;
        assert!(again.status == 200 && again.body.contains("You are signed out."), "{}", again.body);
        app.assert_sign_out_refused(
            &app.by_redirect(&Browser::new(), &answer, Some(&state)).await,
            "message.unasked",
        );
    }
}

/// An answer is accepted only from the browser that carried the request, with its own RelayState, and signed by the
/// asked identity provider.
#[tokio::test]
async fn an_answer_that_nobody_asked_for_changes_nothing() {
    let app = app().await;
    let browser = app.signed_in("s1").await;
    let (id, state) = app.sign_out(&browser).await;
    let good = okta().logout_response(&id).at(Utc::now()).destination(Some(&app.slo()));
    let other = app.signed_in("s2").await;
    app.assert_sign_out_refused(&app.by_redirect(&other, &good, Some(&state)).await, "message.unasked");
    assert_eq!(app.whoami(&other).await, 200);
    app.assert_sign_out_refused(&app.by_redirect(&browser, &good, Some("other")).await, "message.unasked");
    let wrong = good.clone().in_response_to(Some("_other"));
    app.assert_sign_out_refused(
        &app.by_redirect(&browser, &wrong, Some(&state)).await,
        "message.in_response_to",
    );
    let forged = good.clone().key(keys::other_identity_provider());
    app.assert_sign_out_refused(
        &app.by_redirect(&browser, &forged, Some(&state)).await,
        "signature.not_verified",
    );
    let unsigned = good.to_unsigned_query(Some(&state)).unwrap();
    let answer = browser.get(&format!("{}?{unsigned}", app.slo())).await;
    app.assert_sign_out_refused(&answer, "message.unsigned");
    let others = IdentityProvider::other().logout_response(&id).at(Utc::now());
    let others = others.destination(Some(&app.slo()));
    app.assert_sign_out_refused(
        &app.by_redirect(&browser, &others, Some(&state)).await,
        "assertion.unexpected_issuer",
    );
    // None of these ended the sign-out. The good answer may come without RelayState, and by POST.
    let shown = browser
        .post_text(&app.slo(), "application/x-www-form-urlencoded", &good.to_form(None).unwrap())
        .await;
    assert_eq!(shown.status, 200, "{}", shown.body);
}

/// Sessions are found without a cookie: by the name, and by one, several or no index.
#[tokio::test]
async fn an_identity_provider_ends_sessions() {
    let app = app().await;
    let stranger = Browser::new();
    let sessions = [app.signed_in("s1").await, app.signed_in("s2").await, app.signed_in("s3").await];
    let one = app.by_redirect(&stranger, &app.asks().session_index("s1"), Some("their state")).await;
    let (answer, state) = app.sent(&one);
    assert_eq!(state.as_deref(), Some("their state"));
    assert!(answer.contains("LogoutResponse") && answer.contains(":status:Success\"/>"), "{answer}");
    let mut alive = Vec::new();
    for session in &sessions {
        alive.push(app.whoami(session).await);
    }
    assert_eq!(alive, [401, 200, 200]);
    // The first session has already ended, and the second is unknown: both are Success.
    let again = app.by_redirect(&stranger, &app.asks().session_index("s1"), None).await;
    assert_eq!(app.sent(&again).1, None);
    let nobody = app.by_redirect(&stranger, &app.asks().name_id("nobody@example.com"), None).await;
    assert!(app.sent(&nobody).0.contains(":status:Success\"/>"));
    // A name that differs in Format or qualifiers is another name.
    for other in [
        app.asks().name_id_format(None),
        app.asks().qualifiers(Some("https://idp.example"), None),
        app.asks().qualifiers(None, Some("https://app.example")),
        app.asks().name_id("Ada@example.com"),
    ] {
        app.sent(&app.by_redirect(&stranger, &other, None).await);
        assert_eq!(app.whoami(&sessions[1]).await, 200);
    }
    // Without an index, all sessions end. A POST is answered by a form, which the identity provider may show in a
    // frame.
    let all = app.by_post(&stranger, &app.asks()).await;
    assert_eq!(all.status, 200);
    assert!(all.body.contains("SAMLResponse") && all.body.contains("their state"), "{}", all.body);
    let policy = all.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors https://example.okta.com"), "{policy}");
    for session in &sessions {
        assert_eq!(app.whoami(session).await, 401);
    }
}

#[tokio::test]
async fn a_logout_request_that_is_not_believed_ends_nothing() {
    let app = app().await;
    let browser = app.signed_in("s1").await;
    let refused = |answer: Answer, code: &'static str| app.assert_sign_out_refused(&answer, code);
    let good = app.asks();
    for (wrong, code) in [
        (good.clone().key(keys::other_identity_provider()), "signature.not_verified"),
        (good.clone().destination(Some("https://other.example/slo")), "message.destination"),
        (good.clone().at(Utc::now() - TimeDelta::minutes(10)), "message.issue_instant"),
        (good.clone().not_on_or_after("2020-01-01T00:00:00Z"), "message.expired"),
        (good.clone().issuer(Some("https://nobody.example")), "assertion.unknown_issuer"),
    ] {
        refused(app.by_redirect(&browser, &wrong, None).await, code);
        refused(app.by_post(&browser, &wrong).await, code);
    }
    let query = good.to_unsigned_query(None).unwrap();
    refused(browser.get(&format!("{}?{query}", app.slo())).await, "message.unsigned");
    refused(browser.get(&app.slo()).await, "binding.no_message");
    refused(browser.post(&app.slo(), &[("SAMLRequest", "!")]).await, "binding.base64");
    let escaped = good.to_query(None).unwrap().replacen("SAMLRequest", "SAMLRe%71uest", 1);
    refused(browser.get(&format!("{}?{escaped}", app.slo())).await, "signature.query");
    assert_eq!(app.whoami(&browser).await, 200, "nothing of it ended the session");
    // The second copy of the same request is refused.
    app.sent(&app.by_redirect(&browser, &good, None).await);
    assert_eq!(app.whoami(&browser).await, 401);
    refused(app.by_redirect(&browser, &good, None).await, "message.replayed");
    let answer =
        browser.get(&format!("{}/saml/unknown/slo?{}", app.address, good.to_query(None).unwrap())).await;
    refused(answer, "http.unknown_connection");
}

/// A HEAD request of a program that checks a link carries nothing out.
#[tokio::test]
async fn a_head_carries_nothing_out() {
    let app = app().await;
    let browser = app.signed_in("s1").await;
    let query = app.asks().to_query(None).unwrap();
    let url = format!("{}?{query}", app.slo());
    let looked = Browser::new().head(&url).await;
    assert_eq!((looked.status, app.last_refusal().1.as_str()), (403, "binding.no_message"));
    assert_eq!(app.whoami(&browser).await, 200);
    assert_eq!(Browser::new().get(&url).await.status, 303, "it is not used up");
    assert_eq!(app.whoami(&browser).await, 401);
}

/// A session whose assertion had no index ends with any index, since it may be the named one.
#[tokio::test]
async fn a_session_without_an_index_ends_with_any() {
    let app = app().await;
    let signed_in = async |number: u32| {
        let browser = Browser::new();
        let response = app.response().at(Utc::now() - TimeDelta::seconds(5)).omit(Part::SessionIndex);
        let response = response.assertion_id(format!("_without{number}")).issue().unwrap();
        let answer = app.finish(&browser, &response, "").await;
        (browser, answer)
    };
    let (browser, answer) = signed_in(1).await;
    assert_eq!((answer.status, app.whoami(&browser).await), (303, 200), "{}", answer.body);
    app.sent(&app.by_redirect(&Browser::new(), &app.asks().session_index("theirs"), None).await);
    assert_eq!(app.whoami(&browser).await, 401);
    let (late, answer) = signed_in(2).await;
    assert_eq!((answer.status, app.last_refusal().1.as_str()), (403, "http.logged_out"), "{}", answer.body);
    assert_eq!(app.whoami(&late).await, 401);
}

/// A session of several at the identity provider ends with any of them, and its assertion begins none afterwards.
#[tokio::test]
async fn a_session_of_several_statements_ends_with_any() {
    let app = app().await;
    let signed_in = async |number: u32| {
        let browser = Browser::new();
        let response = app.response().at(Utc::now() - TimeDelta::seconds(5));
        let response = response.session_index("s1").further_session_index("s2").further_session_index("s3");
        let response = response.assertion_id(format!("_several{number}")).issue().unwrap();
        let answer = app.finish(&browser, &response, "").await;
        (browser, answer)
    };
    let (browser, answer) = signed_in(1).await;
    assert_eq!((answer.status, app.whoami(&browser).await), (303, 200), "{}", answer.body);
    app.sent(&app.by_redirect(&Browser::new(), &app.asks().session_index("s4"), None).await);
    assert_eq!(app.whoami(&browser).await, 200);
    app.sent(&app.by_redirect(&Browser::new(), &app.asks().session_index("s3"), None).await);
    assert_eq!(app.whoami(&browser).await, 401);
    let (late, answer) = signed_in(2).await;
    assert_eq!((answer.status, app.last_refusal().1.as_str()), (403, "http.logged_out"), "{}", answer.body);
    assert_eq!(app.whoami(&late).await, 401);
}

/// An assertion that was issued before the logout and comes after it starts no session (Core 3.7.3.1). One that was
/// issued later does.
#[tokio::test]
async fn a_logout_is_remembered() {
    let app = app().await;
    let browser = Browser::new();
    let now = Utc::now();
    app.sent(&app.by_redirect(&browser, &app.asks().at(now).session_index("s1"), None).await);
    let late = app.sign_in_at(&browser, "s1", now - TimeDelta::seconds(30)).await;
    assert_eq!((late.status, app.last_refusal().1.as_str()), (403, "http.logged_out"), "{}", late.body);
    assert_eq!(app.whoami(&browser).await, 401);
    let other = app.sign_in_at(&browser, "s2", now - TimeDelta::seconds(30)).await;
    assert_eq!(other.status, 303, "another session of the same person: {}", other.body);
    let anew = Browser::new();
    let fresh = app.sign_in_at(&anew, "s1", now + TimeDelta::seconds(2)).await;
    assert_eq!(fresh.status, 303, "{}", fresh.body);
    // The request names all sessions of the name.
    app.sent(&app.by_redirect(&browser, &app.asks().at(now + TimeDelta::seconds(3)), None).await);
    let late = app.sign_in_at(&Browser::new(), "s3", now + TimeDelta::seconds(3)).await;
    assert_eq!((late.status, app.last_refusal().1.as_str()), (403, "http.logged_out"), "{}", late.body);
}

/// The identity provider's own server has no cookies at all.
#[tokio::test]
async fn an_identity_provider_ends_sessions_over_soap() {
    let app = app().await;
    let browser = app.signed_in("s1").await;
    let server = Browser::new();
    let at = format!("{}/slo/soap", app.address.clone() + "/saml");
    let send = async |envelope: &str| server.post_text(&at, "text/xml", envelope).await;
    let request = app.asks().destination(Some(&at));
    let unsigned = vouchsafe_testkit::logout::soap(&request.xml().unwrap());
    let answer = send(&unsigned).await;
    assert_eq!((answer.status, app.last_refusal().1.as_str()), (403, "message.unsigned"));
    assert!(answer.body.contains("<S:Fault>") && !answer.body.contains("unsigned"), "{}", answer.body);
    let wrong = app.asks().destination(Some(&app.slo())).to_soap().unwrap();
    assert_eq!((send(&wrong).await.status, app.last_refusal().1.as_str()), (403, "message.destination"));
    assert_eq!(app.whoami(&browser).await, 200);
    let envelope = request.to_soap().unwrap();
    let answer = send(&envelope).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/xml"));
    assert!(answer.body.contains("LogoutResponse") && answer.body.contains(":status:Success\"/>"));
    assert_eq!(app.whoami(&browser).await, 401);
    assert_eq!((send(&envelope).await.status, app.last_refusal().1.as_str()), (403, "message.replayed"));
}

/// Without single logout the addresses accept nothing, and people sign out only here.
#[tokio::test]
async fn a_service_without_single_logout_takes_no_messages() {
    let app = App::start().await;
    let browser = Browser::new();
    let answer = app.by_redirect(&browser, &okta().logout_request(), None).await;
    app.assert_sign_out_refused(&answer, "http.no_single_logout");
    let soap = format!("{}/slo/soap", app.address.clone() + "/saml");
    let answer = browser.post_text(&soap, "text/xml", "<a/>").await;
    assert_eq!((answer.status, app.last_refusal().1.as_str()), (403, "http.no_single_logout"));
}

/// An identity provider without an address for logout is not asked, and the page shows that.
#[tokio::test]
async fn what_cannot_be_told_is_said() {
    let app = App::start_with_logout(IdentityProvider::okta()).await;
    let browser = app.signed_in("s1").await;
    let url = format!("{}/saml/logout", app.address);
    let answer = browser.post_saying(&url, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("it cannot be asked to sign you out: your session there goes on"),
        "{}",
        answer.body
    );
    assert_eq!(app.whoami(&browser).await, 401);
    let elsewhere = app.signed_in("s2").await;
    let answer = elsewhere.post_saying(&url, &[("sec-fetch-site", "cross-site")]).await;
    app.assert_sign_out_refused(&answer, "http.cross_site");
    assert_eq!(app.whoami(&elsewhere).await, 200);
}
