//! The session that a browser held before a sign-in. The browser sends what browsers send: the session's cookie
//! (`SameSite=Lax`) comes with the start of a sign-in, and not with the response, which another site posts.

use std::time::Duration;

use chrono::Utc;
use http::HeaderMap;
use vouchsafe::provisioning::{AccountId, OrganizationId};
use vouchsafe_store::Session;

use crate::app::{Answer, App, Browser};

impl App {
    async fn signs_in(&self, browser: &Browser, person: &str, id: &str) -> Answer {
        let request = self.begin(browser, "organization=acme").await;
        let response = self.response_about(person, person).assertion_id(id).in_response_to(&request.id);
        self.finish(browser, &response.issue().unwrap(), &request.relay_state.unwrap()).await
    }

    async fn is_nobody(&self, browser: &Browser) -> bool {
        match browser.get_json(&format!("{}/whoami", self.address)).await.status {
            401 => true,
            200 => false,
            other => panic!("{other}"),
        }
    }
}

/// A copy of a browser with its session, such as that of somebody who has stolen the cookie.
fn copy(browser: &Browser) -> Browser {
    browser.without_cookie("another")
}

#[tokio::test]
async fn the_previous_session_ends_at_the_next_sign_in() {
    let app = App::start().await;
    let (browser, other) = (Browser::new(), Browser::new());
    assert_eq!(app.signs_in(&browser, "ada@example.com", "_1").await.status, 303);
    assert_eq!(app.signs_in(&other, "ada@example.com", "_2").await.status, 303);
    let previous = copy(&browser);
    assert!(!app.is_nobody(&previous).await);

    let answer = app.signs_in(&browser, "eve@example.com", "_3").await;
    assert!(answer.set_cookies.iter().any(|cookie| cookie.starts_with("vouchsafe-session=")));
    assert!(!app.is_nobody(&browser).await);
    assert!(app.is_nobody(&previous).await, "the session before is over");
    assert!(!app.is_nobody(&other).await, "that of another browser is not");
}

/// A foreign page can start a sign-in by a link, and can have responses posted. Only an accepted response ends the
/// session, and that replaces its cookie anyway.
#[tokio::test]
async fn only_an_accepted_response_ends_the_previous_session() {
    let app = App::start_with(false).await;
    let browser = Browser::new();
    app.signs_in(&browser, "ada@example.com", "_1").await;
    let request = app.begin(&browser, "organization=acme").await;
    assert!(!app.is_nobody(&browser).await, "a start ends nothing");

    let state = request.relay_state.clone().unwrap();
    let of_another = app.response().assertion_id("_2").in_response_to("_unknown").issue().unwrap();
    assert_eq!(app.finish(&browser, &of_another, &state).await.status, 403);
    let replayed = app.response().assertion_id("_1").in_response_to(&request.id).issue().unwrap();
    assert_eq!(app.finish(&browser, &replayed, &state).await.status, 403);
    let unsolicited = app.response().assertion_id("_3").issue().unwrap();
    assert_eq!(app.finish(&browser, &unsolicited, "").await.status, 403);
    let refused = app.response_about("eve@example.com", "no address").assertion_id("_4");
    let refused = refused.in_response_to(&request.id).issue().unwrap();
    assert_eq!(app.finish(&browser, &refused, &state).await.status, 403);
    assert!(!app.is_nobody(&browser).await);
    // The response to a request of another browser is not accepted here.
    let stranger = Browser::new();
    let theirs = app.begin(&stranger, "organization=acme").await;
    let issued = app.response().assertion_id("_5").in_response_to(&theirs.id).issue().unwrap();
    let answer = app.finish(&browser, &issued, &theirs.relay_state.unwrap()).await;
    assert!(!answer.set_cookies.iter().any(|cookie| cookie.contains("vouchsafe-session=")));
    assert!(!app.is_nobody(&browser).await);
}

/// A response that answers no request comes without the session's cookie. The session that it replaces in the browser
/// is not known here, and lasts until its own end.
#[tokio::test]
async fn an_unsolicited_response_does_not_tell_the_previous_session() {
    let app = App::start().await;
    let browser = Browser::new();
    app.signs_in(&browser, "ada@example.com", "_1").await;
    let previous = copy(&browser);
    let unsolicited = app.response().assertion_id("_2").issue().unwrap();
    assert_eq!(app.finish(&browser, &unsolicited, "").await.status, 303);
    assert!(!app.is_nobody(&previous).await);
}

#[tokio::test]
async fn a_session_that_was_opened_with_a_password_ends_too() {
    let app = App::start().await;
    let browser = Browser::new();
    let provisioned = app.provisioned.clone();
    let opens = async |headers: &HeaderMap| {
        let session = Session::of(OrganizationId::new("1"), AccountId::new("owner"), Utc::now());
        let session = session.lasting(Duration::from_secs(3_600), None);
        let (_, cookie) = provisioned.open_session(&app.sso, headers, session).await.unwrap();
        cookie.to_str().unwrap().to_owned()
    };
    let first = opens(&HeaderMap::new()).await;
    browser.keep(&first);
    let previous = copy(&browser);
    assert!(!app.is_nobody(&previous).await);
    let mut headers = HeaderMap::new();
    headers.insert("cookie", first.split(';').next().unwrap().parse().unwrap());
    browser.keep(&opens(&headers).await);
    assert!(app.is_nobody(&previous).await && !app.is_nobody(&browser).await);

    let previous = copy(&browser);
    app.signs_in(&browser, "ada@example.com", "_1").await;
    assert!(app.is_nobody(&previous).await);
}
