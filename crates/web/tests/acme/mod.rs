//! An organization whose owner has a password, and browsers without a framework.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use http::header::{LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use vouchsafe::provisioning::{Account, AccountId, Actor, Organization, OrganizationId, Role, TokenHash};
use vouchsafe::{
    Connection, ConnectionId, ConnectionState, Connections, EntityId, IdentityProvider, Provider,
    ServiceProvider,
};
use vouchsafe_store::{Author, Directory, Memory, Session};
use vouchsafe_testkit::{self as testkit, AuthnRequest};
use vouchsafe_web::{OpenedSession, Provisioned, SingleSignOn};

pub(crate) const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
pub(crate) const CONSUMER: &str = "https://app.example.com/saml/acs";

/// The author of the initial data.
pub(crate) fn author() -> Author {
    Author::new(Actor::Operator, Utc::now())
}

pub(crate) fn request(headers: &[(HeaderName, &str)]) -> Parts {
    let mut request = Request::new(()).into_parts().0;
    for (name, value) in headers {
        request.headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

/// Returns the cookies that a browser sends after this answer.
pub(crate) fn cookies(answer: &Response<String>) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    pairs.join("; ")
}

pub(crate) fn location(answer: &Response<String>) -> &str {
    answer.headers().get(LOCATION).unwrap().to_str().unwrap()
}

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Acme, which signs in over these connections, and its owner with a password.
pub(crate) struct Acme {
    pub(crate) store: Arc<Memory>,
    pub(crate) sso: SingleSignOn,
    pub(crate) provisioned: Provisioned,
    pub(crate) owner: Account,
}

impl Acme {
    pub(crate) async fn over(names: &[&str]) -> Acme {
        let store = Arc::new(Memory::new());
        let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
        acme.entitled = true;
        acme.verified_domains = vec!["example.com".to_owned()];
        let entity_id = EntityId::new(testkit::IdentityProvider::okta().entity_id()).unwrap();
        for name in names {
            acme.connect(ConnectionId::new(name).unwrap(), entity_id.clone(), Utc::now()).unwrap();
        }
        acme.add_token(TokenHash::of(TOKEN, &Provider::rustcrypto()).unwrap(), Utc::now()).unwrap();
        store.add_organization(&acme, &author()).await.unwrap();
        let mut owner = Account::new(AccountId::new("owner"), acme.id.clone(), "owner@example.com");
        (owner.role, owner.has_password) = (Role::Owner, true);
        store.add_account(&owner, &author()).await.unwrap();

        let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
        let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
        let over = |name: &&str| Connection::new(ConnectionId::new(name).unwrap(), okta.clone());
        let draft = over(&"draft").with_state(ConnectionState::Draft);
        let connections: Connections = names.iter().map(over).chain([draft, over(&"globex")]).collect();
        let service_provider = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
        let service_provider = service_provider.assertion_consumer(CONSUMER).unwrap().build().unwrap();
        let (sso, provisioned) =
            Provisioned::over(service_provider, Arc::new(connections), Arc::clone(&store));
        Acme { store, sso, provisioned, owner }
    }

    /// Returns a session of the owner, and the cookie that the browser sends for it.
    pub(crate) async fn signed_in(&self) -> (OpenedSession, String) {
        let session = Session::of(self.owner.organization.clone(), self.owner.id.clone(), Utc::now());
        let session = session.lasting(Duration::from_secs(3_600), None);
        let (opened, cookie) =
            self.provisioned.open_session(&self.sso, &request(&[]).headers, session).await.unwrap();
        (opened, cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
    }

    pub(crate) fn last_code(&self) -> Option<&'static str> {
        let acme = ConnectionId::new("acme").unwrap();
        self.sso.refusals().of(&acme).first().map(|record| record.code)
    }
}

pub(crate) fn answered(asked: &AuthnRequest, assertion: &str, email: &str) -> Vec<u8> {
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
