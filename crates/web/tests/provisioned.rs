//! The ready-made processing of a login: what it sets, reports, ends and removes.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod acme;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acme::{Acme, answered, author, cookies, location, request};
use chrono::{TimeDelta, Utc};
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderName, HeaderValue, Response};
use vouchsafe::Provider;
use vouchsafe::provisioning::{Account, AccountId, Actor, Change, ChangeByHand};
use vouchsafe_store::{
    Decision, Directory, HistoryLimits, Memory, Session, SessionId, SessionStore, SignInHistory,
};
use vouchsafe_testkit::AuthnRequest;
use vouchsafe_web::Provisioned;

/// Signs in from the start at the service, with a client that accepts this type.
async fn sign_in(acme: &Acme, provisioned: &Provisioned, email: &str, accepts: &str) -> Response<String> {
    let started = acme.sso.login(&request(&[]), b"organization=acme").await;
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let posted = request(&[(COOKIE, &cookies(&started)), (ACCEPT, accepts)]);
    let checked = acme.sso.check(&posted, &answered(&asked, &fresh_id(), email), None).await.unwrap();
    provisioned.provision(&acme.sso, checked).await
}

/// Returns an assertion ID, which is also the person's name: each sign-in is of another person.
fn fresh_id() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("_p{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The `Set-Cookie` of the session.
fn session_cookie(answer: &Response<String>) -> Option<&str> {
    let mut set = answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    set.find(|cookie| cookie.contains("vouchsafe-session="))
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_application_says_and_is_told_of() {
    let acme = Acme::over(&["acme"]).await;
    let told = Arc::<Mutex<Vec<AccountId>>>::default();
    let tells = Arc::clone(&told);
    let provisioned = acme
        .provisioned
        .clone()
        .on_sign_in(move |signed_in| tells.lock().unwrap().push(signed_in.account().clone()))
        .session_lifetime(Duration::from_secs(420));
    let answer = sign_in(&acme, &provisioned, "ada@example.com", "text/html").await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/"));
    let cookie = session_cookie(&answer).unwrap();
    assert!(cookie.contains("Max-Age=420;"), "{cookie}");
    assert_eq!(told.lock().unwrap().len(), 1);

    let held = request(&[(COOKIE, cookie.split(';').next().unwrap())]).headers;
    let found = provisioned.session(&acme.sso, &held).await.unwrap().unwrap();
    assert_eq!(found.session.account, told.lock().unwrap()[0]);
    let token = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
    let id = SessionId::received(token, &Provider::rustcrypto()).unwrap();
    assert_eq!(found.hash, id.hash());
    assert!(provisioned.session(&acme.sso, &request(&[]).headers).await.unwrap().is_none());
    // By default a session lasts eight hours, and no function is called.
    let answer = sign_in(&acme, &acme.provisioned, "eve@example.com", "text/html").await;
    assert!(session_cookie(&answer).unwrap().contains("Max-Age=28800;"));
    assert_eq!(told.lock().unwrap().len(), 1);
    assert!(format!("{provisioned:?}").starts_with("Provisioned { store: Memory"), "{provisioned:?}");
}

/// The facts and the result are kept, without the organization's token. If the history fails, nobody is refused.
#[tokio::test]
async fn sign_ins_are_kept_where_the_service_wants_it() {
    let acme = Acme::over(&["acme"]).await;
    let organization = acme.owner.organization.clone();
    sign_in(&acme, &acme.provisioned, "bob@example.com", "text/html").await;
    assert!(acme.store.recorded_sign_ins(&organization, 10).await.unwrap().is_empty(), "off by default");
    let keeping = acme.provisioned.clone().keeping_sign_ins(
        Arc::clone(&acme.store),
        HistoryLimits::new(1, std::time::Duration::from_secs(86_400)),
    );
    for person in ["ada@example.com", "eve@example.com"] {
        let answer = sign_in(&acme, &keeping, person, "text/html").await;
        assert_eq!(answer.status(), 303);
    }
    let kept = acme.store.recorded_sign_ins(&organization, 10).await.unwrap();
    let [eve] = kept.as_slice() else { panic!("{kept:?}") };
    assert!(eve.facts.as_ref().unwrap().values("token").is_none());
    assert!(eve.explanation.iter().any(|line| line.is_change && line.rule.as_str() == "admission.create"));
    let elsewhere =
        acme.provisioned.clone().keeping_sign_ins(Arc::new(Memory::new()), HistoryLimits::default());
    assert_eq!(sign_in(&acme, &elsewhere, "ada@example.com", "text/html").await.status(), 303);
}

/// A person whose address belongs to an account with a password is redirected to the page that explains what to do; a
/// program receives the error.
#[tokio::test]
async fn who_could_link_is_sent_to_the_sign_in_page() {
    let acme = Acme::over(&["acme"]).await;
    let page = sign_in(&acme, &acme.provisioned, "owner@example.com", "text/html").await;
    assert_eq!((page.status().as_u16(), location(&page)), (303, "/?problem=link&return=%2F"));
    assert!(session_cookie(&page).is_none());
    let json = sign_in(&acme, &acme.provisioned, "owner@example.com", "application/json").await;
    assert_eq!(json.status(), 403);
    assert!(json.body().contains("reference") && !json.headers().contains_key(LOCATION));
    assert_eq!(acme.last_code(), Some("provisioning.email_taken"));
    // For other refusals, browsers see the refusal page.
    let refused = sign_in(&acme, &acme.provisioned, "no address", "text/html").await;
    assert_eq!((refused.status().as_u16(), acme.last_code()), (403, Some("provisioning.email_invalid")));
}

#[tokio::test]
async fn a_session_ends_when_its_person_signs_out() {
    let acme = Acme::over(&["acme"]).await;
    let (_, held) = acme.signed_in().await;
    let own = HeaderName::from_static("sec-fetch-site");
    let headers = |site: &str| request(&[(COOKIE, &held), (own.clone(), site)]).headers;
    let foreign = acme.provisioned.logout(&acme.sso, &headers("cross-site")).await;
    assert_eq!(foreign.status(), 403);
    assert!(acme.provisioned.session(&acme.sso, &headers("none")).await.unwrap().is_some());
    let answer = acme.provisioned.logout(&acme.sso, &headers("same-origin")).await;
    assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/"));
    let cookie = answer.headers().get(SET_COOKIE).map(HeaderValue::as_bytes).unwrap();
    assert!(cookie.starts_with(b"__Host-vouchsafe-session=; Path=/; Max-Age=0"));
    assert!(acme.provisioned.session(&acme.sso, &headers("none")).await.unwrap().is_none());
}

#[tokio::test]
async fn sessions_that_are_over_are_swept() {
    let acme = Acme::over(&["acme"]).await;
    let nobody = AccountId::new("nobody");
    for lasting in [11, 11, 29] {
        let begin = Utc::now().checked_sub_signed(TimeDelta::minutes(20)).unwrap();
        let session = Session::of(acme.owner.organization.clone(), nobody.clone(), begin);
        let session = session.lasting(Duration::from_secs(60 * lasting), None);
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        acme.store.create(&id, &session).await.unwrap();
    }
    assert_eq!(acme.provisioned.sweep(&acme.sso).await.unwrap(), 2);
    assert_eq!(acme.provisioned.sweep(&acme.sso).await.unwrap(), 0);
}

/// A suspended account is about the person, and not a failure of the store.
#[tokio::test]
async fn a_suspended_account_is_refused_and_no_outage() {
    let acme = Acme::over(&["acme"]).await;
    let other = Account::new(AccountId::new("other"), acme.owner.organization.clone(), "o@example.com");
    acme.store.add_account(&other, &author()).await.unwrap();
    let suspend = ChangeByHand {
        account: other.id.clone(),
        change: Change::Suspend,
        actor: Actor::Operator,
        because: "a test".to_owned(),
        at: Utc::now(),
    };
    acme.store.decide(Decision::change(other.organization.clone(), suspend)).await.unwrap();
    let session =
        Session::of(other.organization, other.id, Utc::now()).lasting(Duration::from_secs(3_600), None);
    let error = acme.provisioned.open_session(&acme.sso, &request(&[]).headers, session).await.unwrap_err();
    assert_eq!((error.code(), error.status().as_u16()), ("store.account_suspended", 403));
}
