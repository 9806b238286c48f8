//! The routes below a prefix, with other names, and with a handler of the application.

use crate::app::{App, Browser};
use vouchsafe_testkit::AuthnRequest;

#[tokio::test]
async fn routes_can_be_nested_and_renamed() {
    let app = App::start().await;
    let at = |path: &str| format!("{}/nested{path}", app.address);
    let browser = Browser::new();
    let about = browser.get(&at("/about")).await;
    assert_eq!((about.status, about.body.contains("AssertionConsumerService")), (200, true));
    for usual in ["/saml/metadata", "/saml/login"] {
        assert_eq!(browser.get(&at(usual)).await.status, 404, "{usual} is renamed");
    }

    let started = browser.get(&at("/start?organization=acme&return=%2Fprojects%2F7")).await;
    let request = AuthnRequest::from_redirect(&started.location).unwrap();
    let issued = app.response().in_response_to(&request.id).issue().unwrap().to_base64();
    let state = request.relay_state.unwrap();
    let fields = [("SAMLResponse", issued.as_str()), ("RelayState", state.as_str())];
    app.assert_begins_anew(&Browser::new().post(&at("/callback"), &fields).await);
    let answer = browser.post(&at("/callback"), &fields).await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/projects/7"), "{}", answer.body);
    assert_eq!(browser.cookies(), 0, "the binding is taken away");
    app.assert_begins_anew(&browser.post(&at("/callback"), &fields).await);
}

/// A connection without an assertion consumer of its own has no route of its own, and neither has an unknown
/// connection.
#[tokio::test]
async fn a_connection_without_an_assertion_consumer_has_no_route() {
    let app = App::start().await;
    let issued = app.response().issue().unwrap().to_base64();
    for id in ["1", "2", "no%20name"] {
        for prefix in ["", "/nested"] {
            let url = format!("{}{prefix}/saml/{id}/acs", app.address);
            let answer = Browser::new().post(&url, &[("SAMLResponse", issued.as_str())]).await;
            app.assert_refused(&answer, "http.unknown_connection");
        }
    }
    // It has no metadata of its own either: the service's metadata is right for it.
    for id in ["1", "2"] {
        let own = Browser::new().get(&format!("{}/saml/{id}/metadata", app.address)).await;
        assert_eq!(own.status, 404, "{}", own.body);
    }
}

/// A program that posts gets its refusal as JSON.
#[tokio::test]
async fn refusals_are_json_for_programs() {
    let app = App::start().await;
    for path in ["/saml/acs", "/nested/callback"] {
        let url = format!("{}{path}", app.address);
        let answer = Browser::new().post_saying(&url, &[("accept", "application/json")]).await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let (reference, code) = app.last_refusal();
        assert_eq!((answer.status, code.as_str()), (403, "binding.field_missing"));
        assert_eq!(body["reference"], reference.as_str());
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(!answer.body.contains(&code));
    }
}

/// The options and the binding of a request to the identity provider depend on the browser's request.
#[tokio::test]
async fn each_request_has_options_of_its_own() {
    let app = App::start().await;
    let url = format!("{}/saml/login?organization=acme", app.address);
    let browser = Browser::new();
    let asked = AuthnRequest::from_redirect(&browser.get_asking(&url, "password").await.location).unwrap();
    assert!(asked.force_authn);
    let asked = AuthnRequest::from_redirect(&browser.get_asking(&url, "nothing").await.location).unwrap();
    assert!(!asked.force_authn);

    let page = browser.get_asking(&url, "by-post").await;
    assert_eq!((page.status, page.set_cookies.len()), (200, 1), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    let field = |name: &str| {
        let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let (request, state) = (field("SAMLRequest"), field("RelayState"));
    let asked = AuthnRequest::from_post(&request, Some(&state)).unwrap();
    let issued = app.response().in_response_to(&asked.id).issue().unwrap();
    assert_eq!(app.finish(&browser, &issued, &state).await.status, 303);
}
