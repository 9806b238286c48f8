//! Which requests link an account, and which do not.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

mod acme;

use acme::{Acme, answered, cookies, location, request};
use http::header::{ACCEPT, COOKIE, LOCATION};
use http::{HeaderName, Response};
use vouchsafe::{LoginOptions, Provider};
use vouchsafe_store::{Directory, SessionId, SessionStore};
use vouchsafe_testkit::AuthnRequest;
use vouchsafe_web::AfterDeclined;

impl Acme {
    /// Posts a form of the application's own page to the link's address.
    async fn link(&self, session: &str, fields: &str) -> Response<String> {
        let own = HeaderName::from_static("sec-fetch-site");
        let posted = request(&[(COOKIE, session), (own, "same-origin")]);
        self.provisioned.link(&self.sso, &posted, fields.as_bytes()).await
    }

    /// Posts the answer of the identity provider about the owner.
    async fn answer(&self, started: &Response<String>, assertion: &str) -> Response<String> {
        let asked = AuthnRequest::from_redirect(location(started)).unwrap();
        let form = answered(&asked, assertion, "owner@example.com");
        let posted = request(&[(COOKIE, &cookies(started))]);
        let checked = self.sso.check(&posted, &form, None).await.unwrap();
        self.provisioned.provision(&self.sso, checked).await
    }

    async fn links(&self) -> usize {
        let whole = self.store.whole(&self.owner.organization).await.unwrap();
        whole.account(&self.owner.id).unwrap().identities.len()
    }
}

/// An application may store data from a browser with a request, such as an invitation. This must not link anybody's
/// account.
#[tokio::test]
async fn what_a_browser_sends_as_context_links_no_account() {
    let mut acme = Acme::over(&["acme"]).await;
    let invitation = HeaderName::from_static("x-invitation");
    let name = invitation.clone();
    acme.sso = acme.sso.clone().login_options(move |request, _| {
        let invitation = request.headers.get(&name).and_then(|value| value.to_str().ok());
        LoginOptions::default().context(invitation.unwrap_or_default())
    });
    let (opened, _) = acme.signed_in().await;
    let forged = format!("vouchsafe-link:{}:owner", opened.hash);
    for (id, context, is_started) in [
        ("_1", "invitation-7", true),
        ("_2", "vouchsafe-link:owner", false),
        ("_3", "vouchsafe-link:", false),
        ("_4", forged.as_str(), false),
    ] {
        let started = acme.sso.login(&request(&[(invitation.clone(), context)]), b"organization=acme").await;
        let asked = AuthnRequest::from_redirect(location(&started));
        assert_eq!(asked.is_ok(), is_started, "{context}: {}", location(&started));
        let Ok(asked) = asked else { continue };
        let form = answered(&asked, id, &format!("person{id}@example.com"));
        let posted = request(&[(COOKIE, &cookies(&started))]);
        let checked = acme.sso.check(&posted, &form, None).await.unwrap();
        let answer = acme.provisioned.provision(&acme.sso, checked).await;
        assert_eq!(answer.status(), 303, "{context}: {}", answer.body());
    }
    assert_eq!(acme.links().await, 0);
    assert_eq!(acme.store.whole(&acme.owner.organization).await.unwrap().accounts().count(), 2);
}

/// A person asks for a link and signs out, or is suspended, before the identity provider answers.
#[tokio::test]
async fn a_link_needs_the_session_that_asked_for_it() {
    let acme = Acme::over(&["acme"]).await;
    let (opened, session) = acme.signed_in().await;
    let (signed_out, good) = (acme.link(&session, "").await, acme.link(&session, "").await);
    let (_, other) = acme.signed_in().await;
    let of_other = acme.link(&other, "").await;
    let id = SessionId::received(other.split_once('=').unwrap().1, &Provider::rustcrypto()).unwrap();
    acme.store.revoke(&id).await.unwrap();
    let refused = acme.answer(&of_other, "_1").await;
    assert_eq!(refused.status(), 403, "another session of the same account is not the one that asked");
    assert_eq!(acme.last_code(), Some("provisioning.link_session_ended"));
    assert_eq!(acme.answer(&good, "_2").await.status(), 303);
    assert_eq!(acme.links().await, 1);

    acme.store.revoke_account(&opened.session.account).await.unwrap();
    assert_eq!(acme.answer(&signed_out, "_3").await.status(), 403);
    assert_eq!(acme.links().await, 1);
    // A browser without a session is sent to the sign-in page.
    assert_eq!(location(&acme.link(&session, "").await), "/");
    let own = HeaderName::from_static("sec-fetch-site");
    let program = request(&[(COOKIE, &session), (own, "same-origin"), (ACCEPT, "application/json")]);
    assert_eq!(acme.provisioned.link(&acme.sso, &program, b"").await.status(), 401);
}

/// A request that links stays one if it is sent again, after the identity provider declined.
#[tokio::test]
async fn a_second_request_links_too() {
    let mut acme = Acme::over(&["acme"]).await;
    acme.sso = acme.sso.clone().when_declined(|_| AfterDeclined::AskAgain(Box::default()));
    let (_, session) = acme.signed_in().await;
    let started = acme.link(&session, "").await;
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let codes = ["Responder", "AuthnFailed"].map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"));
    let declined = vouchsafe_testkit::IdentityProvider::okta()
        .response()
        .at(acme.sso.now())
        .service_provider(acme::ENTITY_ID, acme::CONSUMER)
        .in_response_to(&asked.id)
        .status(codes);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &declined.issue().unwrap().to_base64());
    form.append_pair("RelayState", asked.relay_state.as_deref().unwrap());
    let posted = request(&[(COOKIE, &cookies(&started))]);
    let again = acme.sso.accept(&posted, form.finish().as_bytes()).await.unwrap_err();
    assert_eq!(acme.answer(&again, "_1").await.status(), 303);
    assert_eq!(acme.links().await, 1);
    assert_eq!(acme.store.whole(&acme.owner.organization).await.unwrap().accounts().count(), 1);
}

/// The person chooses among several connections, and is never sent to the first one by name.
#[tokio::test]
async fn of_several_connections_the_person_chooses_one() {
    let asked_over = |answer: &Response<String>| answer.headers().contains_key(LOCATION);
    let acme = Acme::over(&["acme", "beta"]).await;
    let (opened, session) = acme.signed_in().await;
    let choices = acme.provisioned.connections_to_link(&acme.sso, &opened.session).await.unwrap();
    assert_eq!(choices.iter().map(|one| one.id().as_str()).collect::<Vec<_>>(), ["acme", "beta"]);
    for fields in ["", "connection=", "connection=+"] {
        assert_eq!(acme.link(&session, fields).await.status(), 403, "{fields}");
    }
    let error = acme.provisioned.start_link(&acme.sso, &request(&[]), &opened, None).await.unwrap_err();
    assert_eq!(error.code(), "http.several_connections");
    assert!(error.hint().contains("connections_to_link") && error.to_string().contains("2 connections"));
    // A connection of another organization cannot be chosen, nor one that is not active.
    for fields in ["connection=globex", "connection=draft", "connection=nobody"] {
        assert!(!asked_over(&acme.link(&session, fields).await), "{fields}");
    }
    let started = acme.link(&session, "connection=beta").await;
    assert!(asked_over(&started));
    assert_eq!(acme.answer(&started, "_1").await.status(), 303);
    let whole = acme.store.whole(&acme.owner.organization).await.unwrap();
    let identity = &whole.account(&acme.owner.id).unwrap().identities[0];
    assert_eq!(identity.connection.as_str(), "beta");
    // A single connection need not be chosen.
    let only = Acme::over(&["acme"]).await;
    let (_, session) = only.signed_in().await;
    assert!(asked_over(&only.link(&session, "").await));
}
