//! A federation whose members are looked up one at a time, and a stranger who invents members.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, Request};
use vouchsafe::metadata::EntityName;
use vouchsafe::{ConnectionSettings, EntityId, IdentityProvider, ServiceProvider, Unsolicited};
use vouchsafe_store::Memory;
use vouchsafe_testkit as testkit;
use vouchsafe_web::{Federation, QueriedFederation, ReceiveLimiter, SingleSignOn};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";
/// The time that the look-up of an invented name takes.
const SLOW: Duration = Duration::from_secs(4);

/// A service whose federation has one member, which is known. Returns the number of look-ups too.
fn service() -> (SingleSignOn, Arc<AtomicUsize>) {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let look_ups = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&look_ups);
    let federation = QueriedFederation::new(move |name| {
        counted.fetch_add(1, Ordering::Relaxed);
        let own = EntityName::from(okta.entity_id().clone());
        let is_known = name == own || name == EntityName::source_id_of(okta.entity_id());
        let found = is_known.then(|| okta.clone());
        Box::pin(async move {
            if found.is_none() {
                tokio::time::sleep(SLOW).await;
            }
            Ok(found)
        })
    });
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let federation = Arc::new(federation.with_settings(settings));
    let builder = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let service_provider = builder.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    let sso = SingleSignOn::new(service_provider, Arc::clone(&federation), Arc::new(Memory::new()));
    let limiter = ReceiveLimiter::new(4).queue(64, Duration::from_secs(2));
    (sso.discovery(federation).receive_limiter(limiter), look_ups)
}

fn request() -> Parts {
    Request::new(()).into_parts().0
}

fn response(issuer: &str, id: &str) -> Vec<u8> {
    let response = testkit::IdentityProvider::okta()
        .response()
        .at(Utc::now())
        .service_provider(ENTITY_ID, CONSUMER)
        .assertion_id(id)
        .response_issuer(issuer)
        .name_id("ada@example.com");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
    form.finish().into_bytes()
}

#[tokio::test]
async fn invented_issuers_keep_nobody_from_a_member_that_is_known() {
    let (sso, look_ups) = service();
    let invented: Vec<_> = (0..16)
        .map(|number| {
            let (sso, issuer) = (sso.clone(), format!("https://invented.example/{number}"));
            tokio::spawn(async move { sso.accept(&request(), &response(&issuer, "_evil")).await.map(drop) })
        })
        .collect();
    // All of them wait for the look-up. There are places for four.
    let all_wait = async {
        while look_ups.load(Ordering::Relaxed) < invented.len() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SLOW, all_wait).await.unwrap();

    let started = Instant::now();
    let okta = testkit::IdentityProvider::okta();
    let answer = sso.login(&request(), format!("organization={}", okta.entity_id()).as_bytes()).await;
    let location = answer.headers().get(LOCATION).unwrap().to_str().unwrap();
    assert!(location.starts_with(okta.single_sign_on()), "{location}");
    assert!(sso.accept(&request(), &response(okta.entity_id(), "_ada")).await.is_ok());
    assert!(started.elapsed() < SLOW / 2, "{:?}", started.elapsed());
    for one in invented {
        assert_eq!(one.await.unwrap().unwrap_err().status(), 403);
    }
}

/// Such a connection has no addresses of its own, so a stranger who makes up a name causes no look-up.
#[tokio::test]
async fn a_name_in_an_address_is_not_looked_up() {
    let (sso, look_ups) = service();
    let okta = EntityId::new(testkit::IdentityProvider::okta().entity_id()).unwrap();
    let known = Federation::connection_id(&okta).unwrap();
    for name in [known.as_str(), "00112233445566778899aabbccddeeff00112233", "acme"] {
        assert_eq!(sso.metadata_for(&HeaderMap::new(), name).await.status(), 404, "{name}");
        let answer = sso.accept_for(name, &request(), &response(okta.as_str(), "_ada")).await;
        assert_eq!(answer.unwrap_err().status(), 403, "{name}");
    }
    assert_eq!(look_ups.load(Ordering::Relaxed), 0);
    assert!(sso.find_connection(known.as_str()).await.unwrap().is_some(), "a started sign-in is");
}
