//! What a token costs that no transmitter signed, and how many of them are looked into.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, StatusCode, request::Parts};
use serde_json::json;
use vouchsafe::{
    ConnectionId, ConnectionState, EntityId, Provider, RequestRate, assertion::SourceId,
    provisioning::OrganizationId,
};
use vouchsafe_signals::{SignalService, StoredTransmitters, Transmitter, Transmitters};
use vouchsafe_store::{
    Answer, Author, ConnectionOutline, ConnectionRevision, ConnectionStore, Memory, StoreError,
    StoredConnection, StoredSettings, StoredTransmitter,
};

use crate::world::{AUDIENCE, GTR, ISSUER, KEYS, Published, World, by_email, start};

/// Knows one transmitter, and counts how often it was asked.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl Transmitters for Counting {
    fn transmitter<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Option<Transmitter>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let known = Transmitter::new("acme".into(), connection.clone(), ISSUER, KEYS).for_audience(AUDIENCE);
        Box::pin(std::future::ready(Ok(Some(known))))
    }
}

fn request(token: &str, from: &str) -> Parts {
    let request = Request::post("/").header("content-type", "application/secevent+jwt");
    let request = request.header("authorization", format!("Bearer {token}")).header("x-client", from);
    request.body(()).unwrap().into_parts().0
}

fn x_client(request: &Parts) -> Option<std::net::IpAddr> {
    request.headers.get("x-client")?.to_str().ok()?.parse().ok()
}

fn forged(world: &World) -> String {
    let token = world.token(GTR, &world.revocation_claims("j1"));
    let (text, signature) = token.rsplit_once('.').unwrap();
    format!("{text}x.{signature}")
}

#[tokio::test]
async fn what_is_no_signed_token_reads_nothing() {
    let world = World::over(Arc::new(Memory::new())).await;
    let asked = Arc::new(Counting::default());
    let provider = Provider::rustcrypto();
    let published = Arc::new(Published::default());
    let service = SignalService::new(Arc::new(Memory::new()), asked.clone(), published, provider);
    let body = |text: &str| {
        let text = text.as_bytes().to_vec();
        move |_: usize| std::future::ready(Some(text))
    };
    let long = "x".repeat(17 * 1024);
    for token in ["", "x", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", &long] {
        let request = request(token, "192.0.2.1");
        let revoked = service.global_token_revocation("acme-okta", &request, body("{}"), start()).await;
        assert!(revoked.status().is_client_error(), "{token}: {}", revoked.status());
        let event = service.security_event("acme-okta", &request, body(token), start()).await;
        assert_eq!(event.status(), StatusCode::BAD_REQUEST, "{token}");
    }
    assert_eq!(asked.0.load(Ordering::Relaxed), 0);
    // The form of a token is there: its transmitter is looked up once.
    let request = request(&forged(&world), "192.0.2.1");
    let revoked = service.global_token_revocation("acme-okta", &request, body("{}"), start()).await;
    assert!(!revoked.status().is_success());
    assert_eq!(asked.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn more_unsigned_tokens_are_answered_with_429_and_the_transmitter_is_not_kept_out() {
    for mut world in World::on_every_store().await {
        let rate = |burst| RequestRate { per_second: 1, burst };
        world.signals =
            world.signals.clone().with_invalid_token_rates(rate(2), rate(4)).with_client_address(x_client);
        let send = async |world: &World, token: &str, from: &str| {
            let body = json!({"sub_id": by_email()}).to_string().into_bytes();
            let body = move |_: usize| std::future::ready(Some(body));
            let request = request(token, from);
            world.signals.global_token_revocation("acme-okta", &request, body, world.now).await
        };
        let genuine =
            |world: &World, number: u32| world.token(GTR, &world.revocation_claims(&format!("g{number}")));
        for number in 0..10 {
            let answer = send(&world, &genuine(&world, number), "198.51.100.1").await;
            assert_eq!(answer.status(), StatusCode::NO_CONTENT, "signed ones are not counted");
        }
        for client in ["192.0.2.1", "192.0.2.2"] {
            for _ in 0..2 {
                assert_eq!(send(&world, &forged(&world), client).await.status(), StatusCode::UNAUTHORIZED);
            }
            let answer = send(&world, &forged(&world), client).await;
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.headers()["retry-after"], "1");
            assert_eq!(answer.body(), br#"{"error":"signal.too_many"}"#);
        }
        let answer = send(&world, &forged(&world), "192.0.2.3").await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "the connection has no more");
        let event = world.token("secevent+jwt", &world.event_claims("j2", &by_email()));
        let (body, stranger) = (event.clone().into_bytes(), request(&event, "192.0.2.3"));
        let body = move |_: usize| std::future::ready(Some(body));
        let answer = world.signals.security_event("acme-okta", &stranger, body, world.now).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "1");
        let answer = send(&world, &genuine(&world, 11), "198.51.100.1").await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
}

fn refused<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(StoreError::taken("more than an outline"))))
}

/// A store with one connection, which answers its outline alone.
#[derive(Debug)]
struct OutlineOnly(ConnectionOutline);

impl ConnectionStore for OutlineOnly {
    fn connection<'a>(&'a self, _: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>> {
        refused()
    }

    fn connection_outline<'a>(&'a self, id: &'a ConnectionId) -> Answer<'a, Option<ConnectionOutline>> {
        let known = Some(self.0.clone()).filter(|known| known.id == *id);
        Box::pin(std::future::ready(Ok(known)))
    }

    fn connection_revision<'a>(&'a self, _: &'a ConnectionId) -> Answer<'a, Option<u64>> {
        refused()
    }

    fn connections_to<'a>(
        &'a self,
        _: &'a EntityId,
        _: Option<&'a str>,
        _: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        refused()
    }

    fn identity_provider_of_source(&self, _: SourceId) -> Answer<'_, Option<EntityId>> {
        refused()
    }

    fn active_connections<'a>(
        &'a self,
        _: Option<&'a ConnectionId>,
        _: usize,
    ) -> Answer<'a, Vec<ConnectionRevision>> {
        refused()
    }

    fn connections_of<'a>(&'a self, _: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>> {
        refused()
    }

    fn add_connection<'a>(&'a self, _: &'a StoredConnection, _: &'a Author) -> Answer<'a, u64> {
        refused()
    }

    fn renew_connection<'a>(&'a self, _: &'a StoredConnection) -> Answer<'a, ()> {
        refused()
    }

    fn update_connection<'a>(&'a self, _: &'a StoredConnection, _: &'a Author) -> Answer<'a, u64> {
        refused()
    }
}

#[tokio::test]
async fn a_stored_transmitter_is_read_without_metadata_and_a_retired_one_not_at_all() {
    let id = ConnectionId::new("acme-okta").unwrap();
    let mut settings = StoredSettings::default();
    settings.transmitter = Some(StoredTransmitter::new(ISSUER, KEYS).for_audience(AUDIENCE));
    let mut outline = ConnectionOutline::new(id.clone(), "acme".into(), ConnectionState::Active, settings);
    let read = async |outline: &ConnectionOutline| {
        StoredTransmitters::new(Arc::new(OutlineOnly(outline.clone()))).transmitter(&id).await.unwrap()
    };
    assert_eq!(read(&outline).await.unwrap().keys_url, KEYS);
    outline.state = ConnectionState::Retired;
    assert_eq!(read(&outline).await, None);
}
