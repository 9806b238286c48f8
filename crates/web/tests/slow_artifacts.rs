//! Artifacts whose identity provider does not answer: they delay nobody but the people of its own connection.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Request};
use tokio::sync::mpsc;
use tokio::time::timeout;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, LoginOptions,
    ServiceProvider, Unsolicited,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{self as testkit, ASSERTION_CONSUMER, AuthnRequest, SERVICE_PROVIDER, keys};
use vouchsafe_web::{ReceiveLimiter, SingleSignOn};

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_artifact_resolution(0, "https://attacker.example/artifact")
}

/// A connection to the same identity provider, with this key.
fn connection(name: &str, key: &testkit::KeyPair, unsolicited: Unsolicited) -> Connection {
    let metadata = okta().with_key(key).metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(unsolicited);
    Connection::new(ConnectionId::new(name).unwrap(), trusted).with_settings(settings).unwrap()
}

fn request(request: http::request::Builder, cookies: &str) -> Parts {
    let mut parts = request.body(()).unwrap().into_parts().0;
    parts.headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
    parts
}

/// A stranger's connection with the same entity ID takes artifacts that answer no request. While they wait for the
/// stranger's server, people sign in over the other connection.
#[tokio::test]
async fn artifacts_over_one_connection_take_no_place_of_another_with_the_entity_id() {
    let ours = keys::service_provider();
    let saml = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).unwrap())
        .assertion_consumer(ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .receive_artifacts()
        .build()
        .unwrap();
    let (asked, mut questions) = mpsc::unbounded_channel();
    let victim = connection("victim", okta().key(), Unsolicited::Refuse);
    let connections: Connections =
        [victim.clone(), connection("stranger", keys::attacker(), Unsolicited::Accept)].into_iter().collect();
    let sso = SingleSignOn::new(saml, Arc::new(connections), Arc::new(Memory::new()))
        .receive_limiter(ReceiveLimiter::new(8).per_connection(1).queue(0, Duration::ZERO))
        .back_channel(move |call| {
            asked.send(call.connection().to_string()).unwrap();
            std::future::pending::<Result<Vec<u8>, std::io::Error>>()
        });

    let artifact = form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLart", &okta().artifact(0, [1; 20]))
        .finish();
    let stranger = sso.clone();
    let waiting = tokio::spawn(async move {
        let brought = request(Request::get(format!("/saml/acs?{artifact}")), "a=1");
        stranger.accept(&brought, b"").await.is_ok()
    });
    let question = timeout(Duration::from_secs(60), questions.recv()).await;
    assert_eq!(question.unwrap().unwrap(), "stranger");

    let start = request(Request::get("/saml/login"), "a=1");
    let started = sso.start(&start, &victim, LoginOptions::default()).await.unwrap();
    let location = started.headers().get(LOCATION).unwrap().to_str().unwrap();
    let login = AuthnRequest::from_redirect(location).unwrap();
    let set = started.headers().get_all(SET_COOKIE).iter();
    let cookies: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    let response = okta().response().at(Utc::now()).in_response_to(&login.id).issue().unwrap();
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLResponse", &response.to_base64())
        .append_pair("RelayState", &login.relay_state.unwrap())
        .finish();
    let posted = request(Request::post("/saml/acs"), &cookies.join("; "));
    let accepted = sso.accept(&posted, body.as_bytes()).await;
    let accepted = accepted.map_err(|answer| (answer.status(), answer.headers().clone())).unwrap();
    assert_eq!(accepted.connection().as_str(), "victim");
    waiting.abort();
}
