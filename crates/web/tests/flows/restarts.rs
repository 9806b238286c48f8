//! Sign-ins that start instead of using a response, and responses for which none starts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderName, Method};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, IdentityProvider, Unsolicited,
};
use vouchsafe_testkit::{self as testkit, AuthnRequest};

use crate::{Posted, connection, cookies, location, over, request, unasked};

#[tokio::test]
async fn an_unsolicited_response_is_replaced_by_a_request_once() {
    let acme = connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Restart));
    let sso = over([acme]);
    let restarted = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err();
    let asked = AuthnRequest::from_redirect(location(&restarted)).unwrap();
    let held = cookies(&restarted);
    assert!(held.contains("__Host-vouchsafe-restarted=1"), "{held}");
    let again = sso.accept(&request(&[(COOKIE, &held)]), &unasked("_2").body()).await.unwrap_err();
    assert_eq!(again.status(), 403, "a loop ends");
    // This also holds for a browser without cookies: the handle of the request returns as RelayState.
    let relay_state = asked.relay_state.as_deref().unwrap();
    let again = sso.accept(&request(&[]), &Posted { relay_state, ..unasked("_4") }.body()).await.unwrap_err();
    assert_eq!((again.status().as_u16(), again.headers().get(LOCATION)), (403, None));
    let body = Posted { reply_to: Some(&asked), ..unasked("_3") }.body();
    let accepted = sso.accept(&request(&[(COOKIE, &held)]), &body).await.unwrap();
    assert_eq!(accepted.answer.return_to.as_str(), "/projects/7", "the place came along");
    let unmarked = accepted.answer.cookies.iter().filter(|one| one.to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(unmarked.count(), 2, "the binding and the mark are taken away");
    // A forged response starts a request like any link does, and nothing of it is used.
    let other = sso.accept(&request(&[]), b"SAMLResponse=PGEvPg==").await.unwrap_err();
    assert_eq!(other.status(), 403);
}

/// Any customer can claim the entity ID of another's identity provider. The key that signed shows whose response it is.
#[tokio::test]
async fn a_claimed_entity_id_stops_no_restart() {
    let restarts = || ConnectionSettings::default().unsolicited(Unsolicited::Restart);
    let claims = testkit::IdentityProvider::okta().with_key(testkit::keys::service_provider());
    let claims = IdentityProvider::from_metadata(claims.metadata().unwrap().as_bytes()).unwrap();
    let mallory = Connection::new(ConnectionId::new("mallory").unwrap(), claims);
    for settings in [restarts(), ConnectionSettings::default().unsolicited(Unsolicited::Accept)] {
        let mallory = mallory.clone().with_settings(settings).unwrap();
        let sso = over([mallory, connection("victim", restarts())]);
        let restarted = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err();
        let asked = AuthnRequest::from_redirect(location(&restarted)).unwrap();
        let body = Posted { reply_to: Some(&asked), ..unasked("_2") }.body();
        let accepted = sso.accept(&request(&[(COOKIE, &cookies(&restarted))]), &body).await.unwrap();
        assert_eq!(accepted.connection().as_str(), "victim");
    }
    // If both have the key, the refusal says so.
    let sso = over([connection("copy", restarts()), connection("victim", restarts())]);
    let refused = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err();
    let reference = refused.extensions().get::<vouchsafe_web::Reference>().unwrap();
    assert_eq!(sso.refusals().find(reference.as_str()).unwrap().code, "assertion.connection_ambiguous");
}

#[tokio::test]
async fn a_start_from_another_site_is_confirmed_on_the_sign_in_page() {
    let acme = connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Restart));
    let sso = over([acme]).sign_in_page("/sign-in");
    let from = |site: &str| request(&[(HeaderName::from_static("sec-fetch-site"), site)]);
    let fields = b"organization=acme&return=/projects/7";
    AuthnRequest::from_redirect(location(&sso.login(&from("cross-site"), fields).await)).unwrap();

    let sso = sso.confirm_cross_site_starts();
    for site in ["cross-site", "same-site"] {
        let answer = sso.login(&from(site), fields).await;
        assert_eq!(location(&answer), "/sign-in?organization=acme&return=%2Fprojects%2F7", "{site}");
        assert!(!answer.headers().contains_key(SET_COOKIE));
    }
    for own in [from("same-origin"), from("none"), request(&[])] {
        AuthnRequest::from_redirect(location(&sso.login(&own, fields).await)).unwrap();
    }
    // The text of a form is not copied into an address, and neither is a path that is not allowed.
    let mut form = from("cross-site");
    form.method = Method::POST;
    assert_eq!(location(&sso.login(&form, fields).await), "/sign-in?return=%2Fprojects%2F7");
    let elsewhere = b"organization=acme&return=//evil.example";
    assert_eq!(location(&sso.login(&from("cross-site"), elsewhere).await), "/sign-in?organization=acme");
    // The response would start a new sign-in.
    let answer = sso.accept(&from("cross-site"), &unasked("_1").body()).await.unwrap_err();
    assert_eq!(location(&answer), "/sign-in?return=%2Fprojects%2F7");
}

/// The person took longer than the request's lifetime. Nothing of the answer is used, and a new sign-in starts
/// automatically, once.
#[tokio::test]
async fn an_answer_that_comes_late_begins_anew_once() {
    let early = Arc::new(AtomicBool::new(true));
    let is_early = Arc::clone(&early);
    let now = move || match is_early.load(Ordering::Relaxed) {
        true => Utc::now() - TimeDelta::minutes(11),
        false => Utc::now(),
    };
    let sso = over([connection("acme", ConnectionSettings::default())]).clock(now);
    let started = sso.login(&request(&[]), b"organization=acme&return=/projects/7").await;
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let held = cookies(&started);
    let body = Posted { reply_to: Some(&asked), ..unasked("_1") }.body();
    early.store(false, Ordering::Relaxed);

    // A program receives the error.
    let json = sso.accept(&request(&[(COOKIE, &held), (ACCEPT, "application/json")]), &body).await;
    assert_eq!(json.unwrap_err().status(), 403);
    let restarted = sso.accept(&request(&[(COOKIE, &held)]), &body).await.unwrap_err();
    assert_eq!(restarted.status(), 303);
    let again = AuthnRequest::from_redirect(location(&restarted)).unwrap();
    assert_ne!(again.id, asked.id);
    // No third sign-in starts: because of the mark, or, for a browser without cookies, because of the RelayState.
    let marked = cookies(&restarted);
    let refused = sso.accept(&request(&[(COOKIE, &marked)]), &body).await.unwrap_err();
    assert_eq!(refused.status(), 403);
    let answer = Posted { reply_to: Some(&again), ..unasked("_2") }.body();
    let refused = sso.accept(&request(&[]), &answer).await.unwrap_err();
    assert_eq!(refused.status(), 403);
    let codes: Vec<_> =
        sso.refusals().of(&ConnectionId::new("acme").unwrap()).iter().map(|one| one.code).collect();
    assert_eq!(codes, ["http.no_pending_request"; 3]);
    // A response whose RelayState is not a handle of ours is not a late one.
    let mut other = again.clone();
    for relay_state in ["", "/projects/7", "0123456789abcdef"] {
        other.relay_state = Some(relay_state.to_owned());
        let body = Posted { reply_to: Some(&other), ..unasked("_3") }.body();
        assert_eq!(sso.accept(&request(&[]), &body).await.unwrap_err().status(), 403, "{relay_state:?}");
    }
    assert!(
        sso.accept(&request(&[(COOKIE, &marked)]), &answer).await.is_ok(),
        "the second answer is in time"
    );
}

#[tokio::test]
async fn no_request_takes_the_place_of_a_response_of_two_connections_or_over_a_closed_one() {
    let with = |unsolicited| ConnectionSettings::default().unsolicited(unsolicited);
    // Two connections have the key: it is not known which of their settings counts.
    let both =
        [connection("acme", with(Unsolicited::Accept)), connection("globex", with(Unsolicited::Restart))];
    let codes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&codes);
    let sso = over(both).on_refusal(move |record| kept.lock().unwrap().push(record.code));
    let refused = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.headers().get(LOCATION)), (403, None));
    assert_eq!(*codes.lock().unwrap(), ["assertion.connection_ambiguous"]);
    for state in [ConnectionState::Draft, ConnectionState::Tested, ConnectionState::Retired] {
        let sso = over([connection("acme", with(Unsolicited::Restart)).with_state(state)]);
        let refused = sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.headers().get(LOCATION)), (403, None), "{state}");
        let [record] = sso.refusals().of(&ConnectionId::new("acme").unwrap()).try_into().unwrap();
        assert_eq!(record.code, "assertion.connection_state");
    }
}

/// A declined sign-in is reported, even without a pending request of this browser, and over a connection that would
/// start a new one.
#[tokio::test]
async fn a_refusal_by_the_identity_provider_is_told_and_begins_nothing() {
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
    let sso = over([connection("acme", settings)]);
    for response in [
        testkit::IdentityProvider::okta().response(),
        testkit::IdentityProvider::okta().response().in_response_to("_late"),
        testkit::IdentityProvider::okta().response().issuer("https://nobody.example"),
    ] {
        let denied = response
            .status([
                "urn:oasis:names:tc:SAML:2.0:status:Responder",
                "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
            ])
            .issue()
            .unwrap();
        let field: String = form_urlencoded::byte_serialize(denied.to_base64().as_bytes()).collect();
        let body = format!("SAMLResponse={field}&RelayState=x");
        let answer = sso.accept(&request(&[]), body.as_bytes()).await.unwrap_err();
        assert_eq!(answer.status(), 403);
        let reference = answer.extensions().get::<vouchsafe_web::Reference>().unwrap();
        let record = sso.refusals().find(reference.as_str()).unwrap();
        assert_eq!(record.code, "assertion.status", "{}", record.message);
        assert!(record.message.contains("status:RequestDenied"), "{}", record.message);
    }
}
