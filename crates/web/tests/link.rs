//! What links an account, and what does not.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use vouchsafe::provisioning::{Account, AccountId, Organization, OrganizationId, Role, TokenHash};
use vouchsafe::{
    Connection, ConnectionId, ConnectionState, Connections, EntityId, IdentityProvider, LoginOptions,
    Provider, ServiceProvider,
};
use vouchsafe_store::{Directory, Memory, Session, SessionId, SessionStore};
use vouchsafe_testkit::{self as testkit, AuthnRequest};
use vouchsafe_web::{OpenedSession, Provisioned, SingleSignOn};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";

fn request(headers: &[(HeaderName, &str)]) -> Parts {
    let mut request = Request::new(()).into_parts().0;
    for (name, value) in headers {
        request.headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

/// What a browser sends back of the cookies that an answer set.
fn cookies(answer: &Response<String>) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    pairs.join("; ")
}

fn location(answer: &Response<String>) -> &str {
    answer.headers().get(LOCATION).unwrap().to_str().unwrap()
}

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Acme, which signs in over these connections, and its owner with a password.
struct Acme {
    store: Arc<Memory>,
    sso: SingleSignOn,
    provisioned: Provisioned,
    owner: Account,
}

impl Acme {
    async fn over(names: &[&str]) -> Acme {
        let store = Arc::new(Memory::new());
        let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
        acme.entitled = true;
        let entity_id = EntityId::new(testkit::IdentityProvider::okta().entity_id()).unwrap();
        for name in names {
            acme.connect(ConnectionId::new(name).unwrap(), entity_id.clone(), Utc::now()).unwrap();
        }
        acme.add_token(TokenHash::of(TOKEN, &Provider::rustcrypto()).unwrap(), Utc::now());
        store.add_organization(&acme).await.unwrap();
        let mut owner = Account::new(AccountId::new("owner"), acme.id.clone(), "owner@example.com");
        (owner.role, owner.has_password) = (Role::Owner, true);
        store.add_account(&owner).await.unwrap();

        let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
        let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
        let over = |name: &&str| Connection::new(ConnectionId::new(name).unwrap(), okta.clone());
        let draft = over(&"draft").with_state(ConnectionState::Draft);
        let connections: Connections = names.iter().map(over).chain([draft, over(&"globex")]).collect();
        let service_provider = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
        let service_provider = service_provider.assertion_consumer(CONSUMER).unwrap().build().unwrap();
        let sso = SingleSignOn::new(service_provider, Arc::new(connections), Arc::clone(&store));
        let provisioned = Provisioned::new(Arc::clone(&store));
        Acme { store, sso, provisioned, owner }
    }

    /// A session of the owner, and what the browser sends for it.
    async fn signed_in(&self) -> (OpenedSession, String) {
        let session = Session::of(self.owner.organization.clone(), self.owner.id.clone(), Utc::now());
        let session = session.lasting(TimeDelta::hours(1), None);
        let (opened, cookie) = self.provisioned.open_session(&self.sso, session).await.unwrap();
        (opened, cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
    }

    /// What a form on the application's own page posts to the link's address.
    async fn link(&self, session: &str, fields: &str) -> Response<String> {
        let own = HeaderName::from_static("sec-fetch-site");
        let posted = request(&[(COOKIE, session), (own, "same-origin")]);
        self.provisioned.link(&self.sso, &posted, fields.as_bytes()).await
    }

    /// The answer of the identity provider, about the owner.
    async fn answer(&self, started: &Response<String>, assertion: &str) -> Response<String> {
        let asked = AuthnRequest::from_redirect(location(started)).unwrap();
        let form = answered(&asked, assertion, "owner@example.com");
        let posted = request(&[(COOKIE, &cookies(started))]);
        let checked = self.sso.check(&posted, &form, None).await.unwrap();
        self.provisioned.provision(&self.sso, &posted.headers, checked).await
    }

    async fn links(&self) -> usize {
        let whole = self.store.whole(&self.owner.organization).await.unwrap();
        whole.account(&self.owner.id).unwrap().identities.len()
    }

    fn last_code(&self) -> Option<&'static str> {
        let acme = ConnectionId::new("acme").unwrap();
        self.sso.refusals().of(&acme).first().map(|record| record.code)
    }
}

fn answered(asked: &AuthnRequest, assertion: &str, email: &str) -> Vec<u8> {
    let response = testkit::IdentityProvider::okta()
        .response()
        .at(Utc::now())
        .service_provider(ENTITY_ID, CONSUMER)
        .assertion_id(assertion)
        .in_response_to(&asked.id)
        .name_id(assertion)
        .attribute(testkit::Attribute::new("user.email", [email]))
        .attribute(testkit::Attribute::new("token", [TOKEN]));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
    form.append_pair("RelayState", asked.relay_state.as_deref().unwrap());
    form.finish().into_bytes()
}

/// An application keeps with a request what the browser sent, as an invitation. It is no way into somebody's account.
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
        let answer = acme.provisioned.provision(&acme.sso, &posted.headers, checked).await;
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
    // Whoever has no session begins at the sign-in page.
    assert_eq!(location(&acme.link(&session, "").await), "/");
}

/// The person says which of several connections is theirs, and is never sent to the first by its name.
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
    // Nor over a connection of another organization, nor over one that signs nobody in.
    for fields in ["connection=globex", "connection=draft", "connection=nobody"] {
        assert!(!asked_over(&acme.link(&session, fields).await), "{fields}");
    }
    let started = acme.link(&session, "connection=beta").await;
    assert!(asked_over(&started));
    assert_eq!(acme.answer(&started, "_1").await.status(), 303);
    let whole = acme.store.whole(&acme.owner.organization).await.unwrap();
    let identity = &whole.account(&acme.owner.id).unwrap().identities[0];
    assert_eq!(identity.connection.as_str(), "beta");
    // The only one need not be chosen.
    let only = Acme::over(&["acme"]).await;
    let (_, session) = only.signed_in().await;
    assert!(asked_over(&only.link(&session, "").await));
}
