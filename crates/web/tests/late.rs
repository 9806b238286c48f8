//! Answers that come late, as docs/TESTING.md tells for a service whose clock is fixed.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

#[expect(dead_code, reason = "other tests use the rest")]
mod acme;

use std::sync::{Arc, Mutex};

use acme::{CONSUMER, ENTITY_ID, answered, cookies, location, request};
use chrono::{SubsecRound, TimeDelta, Utc};
use http::Method;
use http::header::COOKIE;
use vouchsafe::provisioning::LoggedOut;
use vouchsafe::{
    Connection, ConnectionId, Connections, EntityId, IdentityProvider, LogoutRequest, ServiceProvider,
};
use vouchsafe_store::{LogoutStore, Memory};
use vouchsafe_testkit::{self as testkit, AuthnRequest};
use vouchsafe_web::{EndsSessions, LogoutSessions, SingleSignOn};

/// A service with one connection to the identity provider.
fn service() -> SingleSignOn {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let connections: Connections =
        [Connection::new(ConnectionId::new("acme").unwrap(), okta)].into_iter().collect();
    let service_provider = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let service_provider = service_provider.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new()))
}

#[tokio::test]
async fn a_late_answer_is_refused_until_its_request_expires() {
    for (minutes, status, code) in [(7, 403, Some("assertion.confirmation_expired")), (11, 303, None)] {
        let (start, ahead) = (Utc::now().trunc_subsecs(0), Arc::new(Mutex::new(TimeDelta::zero())));
        let clock = Arc::clone(&ahead);
        let codes = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&codes);
        let sso = service().clock(move || start + *clock.lock().unwrap());
        let sso = sso.on_refusal(move |refused| told.lock().unwrap().push(refused.code));
        let started = sso.login(&request(&[]), b"organization=acme").await;
        let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
        let form = answered(&asked, "_late", "ada@example.com");
        let mut posted = request(&[(COOKIE, &cookies(&started))]);
        posted.method = Method::POST;
        *ahead.lock().unwrap() = TimeDelta::minutes(minutes);
        let answer = sso.accept(&posted, &form).await.unwrap_err();
        assert_eq!(answer.status(), status, "{minutes} minutes");
        assert_eq!(codes.lock().unwrap().first().copied(), code, "{minutes} minutes");
    }
}

/// Sessions that have all ended already.
#[derive(Debug)]
struct NoSessions;

impl LogoutSessions for NoSessions {
    fn end<'a>(&'a self, _: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

/// A logout may come before the assertion whose session it ends, or while the application opens its session.
#[tokio::test]
async fn an_assertion_from_before_a_logout_signs_nobody_in() {
    let (logouts, codes) = (Arc::new(Memory::new()), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&codes);
    let sso = service()
        .single_logout_over(Arc::clone(&logouts) as Arc<dyn LogoutStore>, Arc::new(NoSessions))
        .on_refusal(move |refused| told.lock().unwrap().push(refused.code));
    let sign_in = async |id: &str, name: &str| {
        let started = sso.login(&request(&[]), b"organization=acme").await;
        let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
        let response = testkit::IdentityProvider::okta().response().at(Utc::now()).assertion_id(id);
        let response = response.service_provider(ENTITY_ID, CONSUMER).in_response_to(&asked.id).name_id(name);
        let form = response.issue().unwrap().to_form(asked.relay_state.as_deref());
        let mut posted = request(&[(COOKIE, &cookies(&started))]);
        posted.method = Method::POST;
        sso.accept(&posted, form.as_bytes()).await
    };
    let ada = sign_in("_1", "ada").await.unwrap();
    ada.not_logged_out().await.unwrap();
    let logout = LoggedOut::all_of(ada.identity().unwrap());
    logouts.remember_logout(&logout, Utc::now() + TimeDelta::seconds(5), Utc::now()).await.unwrap();
    assert_eq!(ada.not_logged_out().await.unwrap_err().code(), "http.logged_out");
    assert_eq!(sign_in("_2", "ada").await.unwrap_err().status(), 403);
    assert_eq!(*codes.lock().unwrap(), ["http.logged_out"]);
    assert!(sign_in("_3", "grace").await.is_ok(), "another person");
}
