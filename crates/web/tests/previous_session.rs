//! What is known about the session that a browser held before a sign-in, for services with sessions of their own.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

#[expect(dead_code, reason = "other tests use the rest")]
mod acme;

use std::sync::Arc;

use acme::{Acme, answered, cookies, location, request};
use http::header::COOKIE;
use http::{HeaderName, Method, Response};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, IdentityProvider, Provider, Unsolicited,
};
use vouchsafe_store::{PendingStore, SessionId};
use vouchsafe_testkit::AuthnRequest;
use vouchsafe_web::{Accepted, AfterDeclined, SingleSignOn};

const SESSION: &str = "__Host-vouchsafe-session=0123456789abcdef";

fn hash(session: &str) -> String {
    SessionId::received(session, &Provider::rustcrypto()).unwrap().hash().to_owned()
}

/// A response that answers no request.
fn unsolicited(assertion: &str, name: &str) -> Vec<u8> {
    let response = vouchsafe_testkit::IdentityProvider::okta()
        .response()
        .at(chrono::Utc::now())
        .service_provider(acme::ENTITY_ID, acme::CONSUMER)
        .assertion_id(assertion)
        .name_id(name);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
    form.finish().into_bytes()
}

impl Acme {
    /// From now on a sign-in starts instead of a response that answers no request.
    fn restarts(&mut self) {
        let okta = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
        let okta = IdentityProvider::from_metadata(okta.as_bytes()).unwrap();
        let settings = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
        let acme = Connection::new(ConnectionId::new("acme").unwrap(), okta).with_settings(settings).unwrap();
        let connections: Connections = [acme].into_iter().collect();
        let service_provider = self.sso.service_provider().clone();
        self.sso = SingleSignOn::new(service_provider, Arc::new(connections), Arc::clone(&self.store));
    }

    /// Starts a sign-in by a link: the browser sends its session's cookie.
    async fn starts(&self, session: &str) -> (Response<String>, AuthnRequest) {
        let started = self.sso.login(&request(&[(COOKIE, session)]), b"organization=acme").await;
        let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
        (started, asked)
    }

    /// The response comes with these cookies.
    async fn accepts(&self, asked: &AuthnRequest, cookies: &str) -> Accepted {
        let posted = request(&[(COOKIE, cookies)]);
        let form = answered(asked, &format!("_{}", asked.id), "ada@example.com");
        self.sso.accept(&posted, &form).await.unwrap()
    }
}

#[tokio::test]
async fn the_session_of_the_start_is_handed_out_with_the_login() {
    let acme = Acme::over(&["acme"]).await;
    let (started, asked) = acme.starts(SESSION).await;
    let handle = asked.relay_state.as_deref().unwrap();
    let stored = acme.store.find_pending(handle, acme.sso.now()).await.unwrap().unwrap().to_stored();
    assert_eq!(stored.previous_session, Some(hash("0123456789abcdef")), "the hash alone is stored");
    assert!(!serde_json::to_string(&stored).unwrap().contains("0123456789abcdef\""));
    let accepted = acme.accepts(&asked, &cookies(&started)).await;
    assert_eq!(accepted.previous_session, Some(hash("0123456789abcdef")));

    // Without a session there is none, and an empty cookie is none.
    for nobody in ["", "__Host-vouchsafe-session="] {
        let (started, asked) = acme.starts(nobody).await;
        assert_eq!(acme.accepts(&asked, &cookies(&started)).await.previous_session, None, "{nobody}");
    }
    // An identity provider of the same site: the session that comes with the response is the present one.
    let (started, asked) = acme.starts(SESSION).await;
    let sent = format!("{}; __Host-vouchsafe-session=fedcba", cookies(&started));
    assert_eq!(acme.accepts(&asked, &sent).await.previous_session, Some(hash("fedcba")));
}

/// An application whose sessions have a cookie of its own.
#[tokio::test]
async fn the_application_says_how_its_sessions_are_found() {
    let mut acme = Acme::over(&["acme"]).await;
    let name = HeaderName::from_static("x-session");
    acme.sso = acme.sso.clone().browser_session({
        let name = name.clone();
        move |request| Some(request.headers.get(&name)?.to_str().ok()?.to_owned())
    });
    let sent = request(&[(name, "mine"), (COOKIE, SESSION)]);
    let started = acme.sso.login(&sent, b"organization=acme").await;
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let accepted = acme.accepts(&asked, &cookies(&started)).await;
    assert_eq!(accepted.previous_session, Some(hash("mine")));
    let (started, asked) = acme.starts(SESSION).await;
    assert_eq!(acme.accepts(&asked, &cookies(&started)).await.previous_session, None);
}

/// The identity provider declines the first request, and a second one goes out with the answer. The browser sends no
/// session's cookie with that.
#[tokio::test]
async fn a_second_request_keeps_the_session() {
    let mut acme = Acme::over(&["acme"]).await;
    acme.sso = acme.sso.clone().when_declined(|_| AfterDeclined::AskAgain(Box::default()));
    let (started, asked) = acme.starts(SESSION).await;
    let declined = vouchsafe_testkit::IdentityProvider::okta()
        .response()
        .at(acme.sso.now())
        .service_provider(acme::ENTITY_ID, acme::CONSUMER)
        .in_response_to(&asked.id)
        .status([
            "urn:oasis:names:tc:SAML:2.0:status:Responder",
            "urn:oasis:names:tc:SAML:2.0:status:NoPassive",
        ])
        .issue()
        .unwrap();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &declined.to_base64());
    form.append_pair("RelayState", asked.relay_state.as_deref().unwrap());
    let posted = request(&[(COOKIE, &cookies(&started))]);
    let again = acme.sso.accept(&posted, form.finish().as_bytes()).await.unwrap_err();
    let asked = AuthnRequest::from_redirect(location(&again)).unwrap();
    let accepted = acme.accepts(&asked, &cookies(&again)).await;
    assert_eq!(accepted.previous_session, Some(hash("0123456789abcdef")));
}

/// A response that answers no request comes from another site, and a sign-in starts instead. It starts after a redirect
/// to the same address, with which the browser sends its session's cookie.
#[tokio::test]
async fn a_sign_in_that_starts_instead_of_a_response_knows_the_session() {
    let mut acme = Acme::over(&["acme"]).await;
    acme.restarts();
    let site = HeaderName::from_static("sec-fetch-site");
    let posted = request(&[(site.clone(), "cross-site")]);
    let form = unsolicited("_1", "ada@example.com");
    let redirected = acme.sso.accept(&posted, &form).await.unwrap_err();
    let (address, held) = (location(&redirected).to_owned(), cookies(&redirected));
    assert!(address.starts_with(&format!("{}?restart=again-", acme::CONSUMER)), "{address}");
    assert!(held.contains("vouchsafe-restarted=1"), "{held}");

    // With a form, with HEAD, in another browser, and with another handle nothing starts.
    let at = |method: Method, address: &str, held: &str| {
        let mut parts = request(&[(site.clone(), "cross-site"), (COOKIE, held)]);
        (parts.method, parts.uri) = (method, address.parse().unwrap());
        parts
    };
    let other = format!("{}?restart=again-{}", acme::CONSUMER, "0".repeat(32));
    for (method, address, held) in [
        (Method::POST, address.as_str(), held.as_str()),
        (Method::HEAD, &address, &held),
        (Method::GET, &address, SESSION),
        (Method::GET, &other, &held),
    ] {
        let refused = acme.sso.accept(&at(method.clone(), address, held), b"").await.unwrap_err();
        assert_eq!(refused.status(), 403, "{method} {address}");
    }

    let sent = format!("{held}; {SESSION}");
    let started = acme.sso.accept(&at(Method::GET, &address, &sent), b"").await.unwrap_err();
    let asked = AuthnRequest::from_redirect(location(&started)).unwrap();
    let again = acme.sso.accept(&at(Method::GET, &address, &sent), b"").await.unwrap_err();
    assert_eq!(again.status(), 403, "it starts once");
    let accepted = acme.accepts(&asked, &cookies(&started)).await;
    assert_eq!(accepted.previous_session, Some(hash("0123456789abcdef")));

    // The answer to it does not lead in a circle.
    let looping = request(&[(site.clone(), "cross-site"), (COOKIE, &held)]);
    let refused = acme.sso.accept(&looping, &unsolicited("_2", "ada@example.com")).await.unwrap_err();
    assert_eq!((refused.status().as_u16(), acme.last_code()), (403, Some("http.restarted_before")));
    // If the session came with the response, the sign-in starts at once.
    let same_site = request(&[(site, "same-site"), (COOKIE, SESSION)]);
    let started = acme.sso.accept(&same_site, &form).await.unwrap_err();
    AuthnRequest::from_redirect(location(&started)).unwrap();
}
