//! The limits on started sign-ins and on responses that are checked.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use http::header::{ACCEPT, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, LoginOptions,
    ServiceProvider, Unsolicited,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit as testkit;
use vouchsafe_web::{ReceiveGroup, ReceiveLimiter, RequestRate, SingleSignOn, StartLimiter};

const ENTITY_ID: &str = "https://app.example.com/saml/metadata";
const CONSUMER: &str = "https://app.example.com/saml/acs";

fn connection(id: &str, settings: ConnectionSettings) -> Connection {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(id).unwrap(), okta).with_settings(settings).unwrap()
}

/// A service that reads the client's address from a header.
fn service(unsolicited: Unsolicited) -> SingleSignOn {
    let builder = ServiceProvider::builder(EntityId::new(ENTITY_ID).unwrap());
    let service_provider = builder.assertion_consumer(CONSUMER).unwrap().build().unwrap();
    let connections: Connections =
        [connection("acme", ConnectionSettings::default().unsolicited(unsolicited))].into_iter().collect();
    SingleSignOn::new(service_provider, Arc::new(connections), Arc::new(Memory::new()))
        .client_address(|request| request.headers.get("x-client")?.to_str().ok()?.parse().ok())
}

fn from(address: &str) -> Parts {
    let mut request = Request::new(()).into_parts().0;
    let name = HeaderName::from_static("x-client");
    request.headers.insert(name, HeaderValue::from_str(address).unwrap());
    request
}

fn unasked(id: &str) -> Vec<u8> {
    unasked_from(&testkit::IdentityProvider::okta(), id)
}

fn unasked_from(identity_provider: &testkit::IdentityProvider, id: &str) -> Vec<u8> {
    let response = identity_provider
        .response()
        .at(Utc::now())
        .service_provider(ENTITY_ID, CONSUMER)
        .assertion_id(id)
        .name_id("ada@example.com");
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("SAMLResponse", &response.issue().unwrap().to_base64());
    form.finish().into_bytes()
}

/// Returns the number of stored sign-ins.
async fn kept(sso: &SingleSignOn) -> u64 {
    sso.clone().clock(|| Utc::now() + TimeDelta::hours(1)).sweep().await.unwrap().1
}

fn is_too_many(answer: &Response<String>) -> bool {
    let headers = answer.headers();
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    assert!(!headers.contains_key(SET_COOKIE) || seconds.is_none());
    answer.status() == 429 && seconds.is_some_and(|seconds| seconds >= 1)
}

#[tokio::test]
async fn one_client_starts_so_many_sign_ins() {
    let limiter = StartLimiter::default().per_client_address(RequestRate { burst: 3, per_second: 1 });
    let sso = service(Unsolicited::Refuse).start_limiter(limiter);
    let started = async |address: &str, asked: &str| {
        let answer = sso.login(&from(address), asked.as_bytes()).await;
        (answer.status().as_u16(), is_too_many(&answer))
    };
    for _ in 0..3 {
        assert_eq!(started("2001:db8::1", "organization=acme").await, (303, false));
    }
    // This holds for every typed text, and for every address of the network.
    assert_eq!(started("2001:db8::2", "organization=acme").await, (429, true));
    assert_eq!(started("2001:db8::1", "organization=nobody").await, (429, true));
    assert_eq!(started("192.0.2.1", "organization=acme").await, (303, false), "another client goes on");
    assert_eq!(kept(&sso).await, 4, "what was refused is not kept");

    let mut json = from("2001:db8::1");
    json.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let told = sso.login(&json, b"organization=acme").await;
    assert!(is_too_many(&told));
    let body: serde_json::Value = serde_json::from_str(told.body()).unwrap();
    let record = sso.refusals().find(body["reference"].as_str().unwrap()).unwrap();
    assert_eq!(record.code, "http.too_many_starts");
    assert!(record.hint.contains("client_address") && record.message.contains("3 at once"));
}

/// Names that are not found cost no write, and count only for the client.
#[tokio::test]
async fn over_one_connection_so_many_sign_ins_start() {
    let limiter = StartLimiter::default().per_connection(RequestRate { burst: 2, per_second: 1 });
    let sso = service(Unsolicited::Refuse).start_limiter(limiter);
    for _ in 0..5 {
        assert_eq!(sso.login(&from(""), b"organization=nobody").await.status(), 303);
    }
    for expected in [false, false, true] {
        assert_eq!(is_too_many(&sso.login(&from(""), b"organization=acme").await), expected);
    }
    assert_eq!(kept(&sso).await, 2);
}

/// A sign-in instead of a response, a trial, and a sign-in that the application starts: each is stored, and each is
/// counted.
#[tokio::test]
async fn whatever_starts_a_sign_in_is_counted() {
    let one = || StartLimiter::default().per_client_address(RequestRate { burst: 1, per_second: 1 });
    let acme = connection("acme", ConnectionSettings::default());
    for way in ["restart", "trial", "start"] {
        let sso = service(Unsolicited::Restart).start_limiter(one());
        for is_first in [true, false] {
            let request = from("192.0.2.1");
            let answer = match way {
                "restart" => *sso.accept(&request, &unasked("_1")).await.unwrap_err(),
                "trial" => sso.start_trial(&request, &acme, "/").await,
                _ => {
                    let started = sso.start(&request, &acme, LoginOptions::default()).await;
                    started.unwrap_or_else(|error| sso.refuse(&request.headers, error))
                }
            };
            assert_eq!(answer.headers().contains_key(LOCATION), is_first, "{way}");
            assert_eq!(is_too_many(&answer), !is_first, "{way}");
        }
        assert_eq!(kept(&sso).await, 1, "{way}");
    }
}

/// A response that another site posts is answered with a redirect to our own address first, so that the session's cookie
/// comes. What waits for that redirect is stored, and it is counted even if no client address is known.
#[tokio::test]
async fn what_waits_for_a_redirect_is_counted_too() {
    let limiter = StartLimiter::default().per_connection(RequestRate { burst: 1, per_second: 1 });
    let sso = service(Unsolicited::Restart).start_limiter(limiter);
    let mut request = from("");
    request.headers.insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
    for is_first in [true, false] {
        let answer = *sso.accept(&request, &unasked("_1")).await.unwrap_err();
        assert_eq!((answer.headers().contains_key(LOCATION), is_too_many(&answer)), (is_first, !is_first));
    }
    assert_eq!(kept(&sso).await, 1);
}

/// Nine o'clock on a Monday: all people of one company sign in from one address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_that_comes_at_once_sees_no_refusal() {
    let limiter = ReceiveLimiter::new(2).per_client_address(2).per_connection(1);
    let sso = service(Unsolicited::Accept).receive_limiter(limiter);
    let bodies: Vec<Vec<u8>> = (0..40).map(|number| unasked(&format!("_{number}"))).collect();
    let tasks: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let sso = sso.clone();
            tokio::spawn(async move { sso.accept(&from("192.0.2.1"), &body).await.map(drop) })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_queue_that_is_full_or_too_slow_refuses() {
    let limiter = ReceiveLimiter::new(1).queue(1, Duration::from_millis(50));
    let sso = service(Unsolicited::Accept).receive_limiter(limiter.clone());
    let held = limiter.enter(None, 1).await.unwrap();
    let answer = sso.accept(&from(""), &unasked("_1")).await.unwrap_err();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers().get(RETRY_AFTER).unwrap(), "1");
    drop(held);
    assert!(sso.accept(&from(""), &unasked("_1")).await.is_ok(), "nothing of it was used");
}

/// Responses that claim one issuer share places, so that those of one customer do not take all of them. An issuer that no
/// connection has takes none.
#[tokio::test]
async fn unasked_responses_are_checked_within_the_places_of_their_issuer() {
    let limiter = ReceiveLimiter::new(4).per_connection(1).queue(0, Duration::ZERO);
    let sso = service(Unsolicited::Accept).receive_limiter(limiter.clone());
    let (okta, unknown) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
    let status = async |from_whom: &testkit::IdentityProvider, id: &str| {
        let outcome = sso.accept(&from(""), &unasked_from(from_whom, id)).await;
        outcome.map_or_else(|answer| answer.status().as_u16(), |_| 200)
    };
    let issuer = |of: &testkit::IdentityProvider| EntityId::new(of.entity_id()).unwrap();
    for (id, held, expected) in [
        ("_1", ReceiveGroup::UnaskedFrom(issuer(&okta)), [503, 403]),
        ("_2", ReceiveGroup::UnaskedFrom(issuer(&unknown)), [200, 403]),
        ("_3", ReceiveGroup::RequestsFrom(issuer(&okta)), [200, 403]),
    ] {
        let place = limiter.enter(None, 1).await.unwrap().within(held.clone()).await.unwrap();
        let statuses = [status(&okta, id).await, status(&unknown, "_unknown").await];
        assert_eq!(statuses, expected, "{held:?}");
        drop(place);
    }
    assert_eq!(status(&okta, "_after").await, 200);
}
