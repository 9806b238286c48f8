//! Sign-ins that the identity provider declines, and what the application does next.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use vouchsafe::{ConnectionId, ConnectionSettings, Declined, LoginOptions, SessionNameId};
use vouchsafe_store::{Memory, PendingStore};
use vouchsafe_testkit::{self as testkit, AuthnRequest};
use vouchsafe_web::{AfterDeclined, SignInOutcome, SingleSignOn};

use super::{CONSUMER, ENTITY_ID, connection, cookies, location, over, request};

/// Starts a sign-in with these options, and returns the request and the browser's cookies.
async fn started(sso: &SingleSignOn, options: LoginOptions) -> (AuthnRequest, String) {
    let acme = sso.find_connection("acme").await.unwrap().unwrap();
    let options = options.return_to("/projects/7").context("tab-3");
    let started = sso.start(&request(&[]), &acme, options).await.unwrap();
    (AuthnRequest::from_redirect(location(&started)).unwrap(), cookies(&started))
}

/// Makes an answer with these status codes, from the identity provider with that issuer.
fn answer_of(issuer: &str, asked: &AuthnRequest, codes: &[&str]) -> Vec<u8> {
    let codes = codes.iter().map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"));
    let response = testkit::IdentityProvider::okta()
        .response()
        .at(chrono::Utc::now())
        .service_provider(ENTITY_ID, CONSUMER)
        .issuer(issuer)
        .in_response_to(&asked.id)
        .status(codes);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
    form.append_pair("RelayState", asked.relay_state.as_deref().unwrap());
    form.finish().into_bytes()
}

fn says(asked: &AuthnRequest, codes: &[&str]) -> Vec<u8> {
    answer_of(testkit::OKTA_ENTITY_ID, asked, codes)
}

fn acme() -> SingleSignOn {
    over([connection("acme", ConnectionSettings::default())]).sign_in_page("/sign-in")
}

fn takes_the_binding_away(answer: &Response<String>) -> bool {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    set.filter_map(|one| one.to_str().ok())
        .any(|one| one.contains("vouchsafe-login-") && one.contains("Max-Age=0"))
}

#[tokio::test]
async fn a_silent_sign_in_that_finds_nobody_leads_to_the_sign_in_page() {
    let sso = acme();
    let (asked, held) = started(&sso, LoginOptions::default().is_passive()).await;
    assert!(asked.is_passive);
    let no = says(&asked, &["Responder", "NoPassive"]);
    let answer = sso.accept(&request(&[(COOKIE, &held)]), &no).await.unwrap_err();
    assert_eq!(
        (answer.status().as_u16(), location(&answer)),
        (303, "/sign-in?silent=no&return=%2Fprojects%2F7")
    );
    assert!(takes_the_binding_away(&answer));
    assert_eq!(sso.refusals().of(&ConnectionId::new("acme").unwrap()).len(), 0, "nothing was refused");
    // The request is no longer pending, so the same answer is refused.
    let again = sso.accept(&request(&[(COOKIE, &held)]), &no).await.unwrap_err();
    assert_eq!(again.status().as_u16(), 403);
}

#[tokio::test]
async fn a_program_is_told_by_status() {
    let sso = acme();
    let (asked, held) = started(&sso, LoginOptions::default().is_passive()).await;
    let headers = request(&[(COOKIE, &held), (ACCEPT, "application/json")]);
    let answer = sso.accept(&headers, &says(&asked, &["Responder", "NoPassive"])).await.unwrap_err();
    assert_eq!(answer.status().as_u16(), 401);
    assert!(answer.headers().get(LOCATION).is_none() && takes_the_binding_away(&answer));
}

#[tokio::test]
async fn any_other_no_is_the_refusal_page_unless_the_application_chooses() {
    let sso = acme();
    for codes in [&["Responder", "AuthnFailed"][..], &["Responder", "NoPassive"], &["Requester"]] {
        let (asked, held) = started(&sso, LoginOptions::default()).await;
        let answer = sso.accept(&request(&[(COOKIE, &held)]), &says(&asked, codes)).await.unwrap_err();
        assert_eq!(answer.status().as_u16(), 403, "{codes:?}");
        assert!(takes_the_binding_away(&answer));
    }
    let kept = sso.refusals().of(&ConnectionId::new("acme").unwrap());
    assert_eq!(kept.iter().map(|record| record.code).collect::<Vec<_>>(), ["assertion.status"; 3]);

    let sso = acme().when_declined(|declined| match declined.reason {
        Declined::AuthnFailed => AfterDeclined::SignInPage,
        Declined::RequestDenied => AfterDeclined::GoOn,
        Declined::NoAuthnContext => AfterDeclined::AskAgain(Box::new(LoginOptions::default().force_authn())),
        _ => AfterDeclined::AsUsual,
    });
    for (codes, expected) in [
        (["Responder", "AuthnFailed"], "/sign-in?silent=no&return=%2Fprojects%2F7"),
        (["Responder", "RequestDenied"], "/projects/7?silent=no"),
    ] {
        let (asked, held) = started(&sso, LoginOptions::default()).await;
        let answer = sso.accept(&request(&[(COOKIE, &held)]), &says(&asked, &codes)).await.unwrap_err();
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, expected));
    }
}

/// The second request is sent once: an identity provider that always declines does not cause a loop.
#[tokio::test]
async fn asking_again_happens_once() {
    let sso =
        acme().when_declined(|_| AfterDeclined::AskAgain(Box::new(LoginOptions::default().force_authn())));
    let (asked, held) = started(&sso, LoginOptions::default()).await;
    let no = ["Responder", "NoAuthnContext"];
    let answer = sso.accept(&request(&[(COOKIE, &held)]), &says(&asked, &no)).await.unwrap_err();
    let again = AuthnRequest::from_redirect(location(&answer)).unwrap();
    assert!(again.force_authn && again.id != asked.id);
    let held = cookies(&answer);
    let answer = sso.accept(&request(&[(COOKIE, &held)]), &says(&again, &no)).await.unwrap_err();
    assert_eq!(answer.status().as_u16(), 403);
}

/// Whoever has only a person's password starts the sign-in, declines for the identity provider, and must still be asked
/// for the second factor.
#[tokio::test]
async fn a_second_request_demands_what_the_first_one_did() {
    let (mfa, no) = ("https://refeds.org/profile/mfa", ["Responder", "NoAuthnContext"]);
    let fresh = |contexts: &[&str]| {
        let options = LoginOptions::default().force_authn().subject(SessionNameId::new("ada"));
        options.requested_contexts(contexts.to_vec()).maximum_authentication_age(Duration::from_secs(60))
    };
    for (first, second) in [
        (fresh(&[mfa]), LoginOptions::default()),
        (fresh(&[mfa]), LoginOptions::default().maximum_authentication_age(Duration::from_secs(3_600))),
        (fresh(&[mfa]), LoginOptions::default().requested_contexts(["urn:password"])),
        (LoginOptions::default(), fresh(&[mfa])),
    ] {
        let store = Arc::new(Memory::new());
        let sso = acme().pending_store(Arc::clone(&store) as Arc<dyn PendingStore>);
        let sso = sso.when_declined(move |_| AfterDeclined::AskAgain(Box::new(second.clone())));
        let (asked, held) = started(&sso, first).await;
        let answer = sso.accept(&request(&[(COOKIE, &held)]), &says(&asked, &no)).await.unwrap_err();
        let again = AuthnRequest::from_redirect(location(&answer)).unwrap();
        assert!(again.force_authn && again.authn_contexts == [mfa], "{again:?}");
        let kept = store.find_pending(again.relay_state.as_deref().unwrap(), sso.now()).await;
        assert_eq!(kept.unwrap().unwrap().demands(), fresh(&[mfa]));
        let body = super::Posted { reply_to: Some(&again), ..super::unasked("_one_factor") }.body();
        let refused = sso.accept(&request(&[(COOKIE, &cookies(&answer))]), &body).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 403, "one factor is not enough");
    }
}

/// An application that asks for less says so by the name of the method, and keeps the context.
#[tokio::test]
async fn asking_for_less_is_a_danger_of_its_own() {
    let sso = acme();
    let (asked, held) = started(&sso, LoginOptions::default().requested_contexts(["urn:mfa"])).await;
    let browser = request(&[(COOKIE, held.as_str())]);
    let no = says(&asked, &["Responder", "NoAuthnContext"]);
    let outcome = sso.outcome(&browser, &no, None).await.unwrap();
    let SignInOutcome::Declined(declined) = outcome else { panic!("declined") };
    let answer = declined.danger_ask_for_less(&browser, LoginOptions::default()).await;
    let again = AuthnRequest::from_redirect(location(&answer)).unwrap();
    assert!(again.authn_contexts.is_empty());
    let body = super::Posted { reply_to: Some(&again), ..super::unasked("_less") }.body();
    let accepted = sso.accept(&request(&[(COOKIE, &cookies(&answer))]), &body).await.unwrap();
    assert_eq!(accepted.context.as_deref(), Some("tab-3"));
}

#[tokio::test]
async fn an_application_takes_the_outcome_itself() {
    let sso = acme();
    let (asked, held) = started(&sso, LoginOptions::default().is_passive()).await;
    let no = says(&asked, &["Responder", "NoPassive"]);
    let outcome = sso.outcome(&request(&[(COOKIE, &held)]), &no, None).await.unwrap();
    let SignInOutcome::Declined(declined) = outcome else { panic!("declined") };
    assert!(declined.is_nobody_there() && declined.is_passive);
    assert_eq!((declined.reason, declined.context.as_deref()), (Declined::NoPassive, Some("tab-3")));
    assert_eq!((declined.connection.as_str(), declined.answer.return_to.as_str()), ("acme", "/projects/7"));
    assert_eq!(declined.error().code(), "assertion.status");
    assert_eq!(declined.refuse().status().as_u16(), 403);

    let (asked, held) = started(&sso, LoginOptions::default().is_passive()).await;
    let body = super::Posted { reply_to: Some(&asked), ..super::unasked("_silent") }.body();
    let outcome = sso.outcome(&request(&[(COOKIE, &held)]), &body, None).await.unwrap();
    assert!(
        matches!(outcome, SignInOutcome::Accepted(accepted) if accepted.context.as_deref() == Some("tab-3"))
    );
}

/// Nobody else can decline for the asked identity provider, or to a browser that did not start the sign-in.
#[tokio::test]
async fn a_no_of_somebody_else_ends_nothing() {
    let sso = acme();
    let (asked, held) = started(&sso, LoginOptions::default().is_passive()).await;
    let browser = request(&[(COOKIE, held.as_str())]);
    let no = ["Responder", "NoPassive"];
    let other_issuer = answer_of("https://other.example", &asked, &no);
    let mut other_request = asked.clone();
    other_request.id = "_other".to_owned();
    for (who, body) in
        [(&request(&[]), says(&asked, &no)), (&browser, other_issuer), (&browser, says(&other_request, &no))]
    {
        let answer = sso.accept(who, &body).await.unwrap_err();
        assert_eq!(answer.status().as_u16(), 403);
        assert!(!takes_the_binding_away(&answer));
    }
    let body = super::Posted { reply_to: Some(&asked), ..super::unasked("_after") }.body();
    assert!(sso.accept(&browser, &body).await.is_ok(), "it still waits for its answer");
}
