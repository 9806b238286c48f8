//! What links an account, and what does not.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;

use chrono::Utc;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use vouchsafe::provisioning::{Account, AccountId, Organization, OrganizationId, Role, TokenHash};
use vouchsafe::{
    Connection, ConnectionId, Connections, EntityId, IdentityProvider, LoginOptions, Provider,
    ServiceProvider,
};
use vouchsafe_store::{Directory, Memory};
use vouchsafe_testkit::{self as testkit, AuthnRequest};
use vouchsafe_web::{Provisioned, SingleSignOn};

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

/// An application keeps with a request what the browser sent, as an invitation. It is no way into somebody's account.
#[tokio::test]
async fn what_a_browser_sends_as_context_links_no_account() {
    let store = Arc::new(Memory::new());
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    let entity_id = EntityId::new(testkit::IdentityProvider::okta().entity_id()).unwrap();
    acme.connect(ConnectionId::new("acme").unwrap(), entity_id, Utc::now()).unwrap();
    let token = "0123456789abcdef0123456789abcdef";
    let hash = TokenHash::of(token, &Provider::rustcrypto()).unwrap();
    acme.add_token(hash, Utc::now());
    store.add_organization(&acme).await.unwrap();
    let mut owner = Account::new(AccountId::new("owner"), acme.id.clone(), "owner@example.com");
    (owner.role, owner.has_password) = (Role::Owner, true);
    store.add_account(&owner).await.unwrap();

    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let connection = Connection::new(ConnectionId::new("acme").unwrap(), okta);
    let service_provider = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let service_provider = service_provider.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    let connections: Connections = [connection].into_iter().collect();
    let sso = SingleSignOn::new(service_provider, Arc::new(connections), Arc::clone(&store));
    let sso = sso.login_options(|request, _| {
        let invitation = request.headers.get("x-invitation").and_then(|value| value.to_str().ok());
        LoginOptions::default().context(invitation.unwrap_or_default())
    });
    let provisioned = Provisioned::new(Arc::clone(&store));
    let invitation = HeaderName::from_static("x-invitation");
    for (id, context, is_started) in [
        ("_1", "invitation-7", true),
        ("_2", "vouchsafe-link:owner", false),
        ("_3", "vouchsafe-link:", false),
    ] {
        let started = sso.login(&request(&[(invitation.clone(), context)]), b"organization=acme").await;
        let asked = AuthnRequest::from_redirect(location(&started));
        assert_eq!(asked.is_ok(), is_started, "{context}: {}", location(&started));
        let Ok(asked) = asked else { continue };
        let response = testkit::IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(ENTITY_ID, CONSUMER)
            .assertion_id(id)
            .in_response_to(&asked.id)
            .name_id(id)
            .attribute(testkit::Attribute::new("user.email", [format!("person{id}@example.com")]))
            .attribute(testkit::Attribute::new("token", [token]));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
        form.append_pair("RelayState", asked.relay_state.as_deref().unwrap());
        let posted = request(&[(COOKIE, &cookies(&started))]);
        let checked = sso.check(&posted, form.finish().as_bytes(), None).await.unwrap();
        let answer = provisioned.provision(&sso, &posted.headers, checked).await;
        assert_eq!(answer.status(), 303, "{context}: {}", answer.body());
    }
    let whole = store.whole(&acme.id).await.unwrap();
    assert!(whole.account(&owner.id).unwrap().identities.is_empty());
    assert_eq!(whole.accounts().count(), 2);
}
