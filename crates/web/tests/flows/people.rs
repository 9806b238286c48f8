//! Who an accepted login is of, and how long a session of it may last.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use form_urlencoded::Serializer;
use vouchsafe::{ConnectionSettings, Unsolicited};
use vouchsafe_testkit::{self as testkit, Part, ResponseBuilder};
use vouchsafe_web::Accepted;

use crate::{CONSUMER, ENTITY_ID, connection, over, request};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

#[expect(clippy::unwrap_used, reason = "this is a test: it may panic")]
async fn accepted(change: impl FnOnce(ResponseBuilder) -> ResponseBuilder) -> Accepted {
    let acme = connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Accept));
    let response = testkit::IdentityProvider::okta().response().at(Utc::now());
    let response = response.service_provider(ENTITY_ID, CONSUMER).name_id("ada@example.com");
    let issued = change(response).issue().unwrap().to_base64();
    let body = Serializer::new(String::new()).append_pair("SAMLResponse", &issued).finish();
    over([acme]).accept(&request(&[]), body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_login_is_of_a_person_who_is_found_again() {
    let identity = accepted(|response| response).await.identity().unwrap();
    assert_eq!(identity.key(), accepted(|response| response).await.identity().unwrap().key());
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let other = accepted(|response| response.name_id_format(persistent)).await.identity().unwrap();
    assert_ne!(identity.key(), other.key());
}

#[tokio::test]
async fn nobody_is_found_again_by_a_transient_name_or_by_none() {
    let transient = accepted(|response| response.name_id_format(TRANSIENT)).await;
    let refusal = transient.identity().unwrap_err();
    assert_eq!(refusal.code(), "http.no_lasting_name");
    assert!(refusal.to_string().contains("transient") && refusal.hint().contains("console"), "{refusal}");
    assert_eq!(transient.refuse(refusal).status(), 403);
    let nameless = accepted(|response| response.omit(Part::NameId)).await;
    let refusal = nameless.identity().unwrap_err();
    assert_eq!(refusal.code(), "http.no_lasting_name");
    assert!(refusal.to_string().contains("absent"), "{refusal}");
}

#[tokio::test]
async fn a_session_lasts_no_longer_than_that_of_the_identity_provider() {
    let hour = Duration::from_secs(3600);
    assert_eq!(accepted(|response| response).await.session_lifetime(hour), hour);
    let end = Utc::now() + TimeDelta::minutes(20);
    let short = accepted(|response| response.session_not_on_or_after(end)).await;
    let lifetime = short.session_lifetime(hour);
    assert!(lifetime <= Duration::from_secs(20 * 60) && !lifetime.is_zero(), "{lifetime:?}");
    assert_eq!(short.session_lifetime(Duration::from_secs(60)), Duration::from_secs(60));
}
