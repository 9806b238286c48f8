//! Addresses, stores and clocks that are out of order while the metadata of connections in a store is kept fresh.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use vouchsafe::ConnectionState;
use vouchsafe::provisioning::OrganizationId;
use vouchsafe_client::RefreshEvent;
use vouchsafe_store::{ConnectionStore, Memory, MetadataSource};
use vouchsafe_testkit::{IdentityProvider as Kit, keys};

use super::{author, connection, refresher, serve, to_be_approved, told};

/// Thirty addresses of one organization never answer. They hold two places, and the others are asked as often as they are due.
#[tokio::test]
async fn slow_addresses_of_one_organization_hold_nobody_back() {
    let known = Kit::okta().metadata().unwrap();
    let open = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&open);
    let silent = get(async move || {
        opened.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>().await;
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = format!("http://{}/metadata", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metadata", silent)).await });
    let (_served, quick) = serve(known.clone()).await;
    let store = Memory::new();
    for number in 0..30 {
        let url = MetadataSource::Url(slow.clone());
        let mut one = connection(&format!("a-{number}"), &known, url, ConnectionState::Active);
        one.organization = OrganizationId::new("slow");
        store.add_connection(&one, &author()).await.unwrap();
    }
    let acme = connection("acme", &known, MetadataSource::Url(quick), ConnectionState::Active);
    store.add_connection(&acme, &author()).await.unwrap();
    let (tell, mut events) = tokio::sync::mpsc::unbounded_channel();
    let refreshing = refresher(&store).start(move |event: &RefreshEvent| tell.send(told(event)).unwrap());
    for _ in 0..3 {
        assert_eq!(events.recv().await.as_deref(), Some("acme unchanged"));
    }
    assert_eq!(open.load(Ordering::SeqCst), 2);
    // It does not wait for those that are silent.
    refreshing.stop().await;
    let left: Vec<String> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert!(left.iter().all(|event| event == "acme unchanged"), "{left:?}");
}

/// The organization has no room for the newer document, however often it is fetched: the source is asked less and less often,
/// and the status does not say that the stored document is confirmed.
#[tokio::test]
async fn what_the_store_has_no_room_for_confirms_nothing() {
    let known = Kit::okta().metadata().unwrap();
    let padded = |document: &str, bytes: usize| format!("{document}<!--{}-->", "x".repeat(bytes));
    let next = keys::identity_provider_p256().certificate();
    let newer = padded(&Kit::okta().with_next_certificate(next).metadata().unwrap(), 200_000);
    let (_served, address) = serve(newer).await;
    let store = Memory::new();
    let acme = connection("acme", &known, MetadataSource::Url(address), ConnectionState::Active);
    store.add_connection(&acme, &author()).await.unwrap();
    for number in 0..8 {
        let full = padded(&known, 1_030_000);
        let mut one =
            connection(&format!("full-{number}"), &full, MetadataSource::Uploaded, ConnectionState::Active);
        one.organization = acme.organization.clone();
        store.add_connection(&one, &author()).await.unwrap();
    }
    let mut refresher = refresher(&store);
    assert!(refresher.look_for_connections().await.is_none());
    for failures in 1..4 {
        let events: Vec<_> = refresher.refresh_due().await.iter().map(told).collect();
        assert_eq!(events, ["acme store: store.connection_limit"]);
        let status = refresher.status().of(&acme.id).unwrap();
        assert_eq!((status.failures, status.confirmed_at), (failures, Some(acme.metadata.fetched_at)));
    }
}

/// One machine's clock was three days ahead when it fetched the metadata. What is renewed after that is stored, and is no
/// revision.
#[tokio::test]
async fn what_is_renewed_after_a_clock_that_was_ahead_is_stored() {
    let valid_until = |day: u32| {
        let attribute = format!("validUntil=\"2037-01-{day:02}T00:00:00Z\" entityID=");
        Kit::okta().metadata().unwrap().replacen("entityID=", &attribute, 1)
    };
    let (served, address) = serve(valid_until(2)).await;
    let store = Memory::new();
    let mut acme = connection("acme", &valid_until(1), MetadataSource::Url(address), ConnectionState::Active);
    acme.metadata.fetched_at += chrono::TimeDelta::days(3);
    store.add_connection(&acme, &author()).await.unwrap();
    let mut refresher = refresher(&store);
    assert!(refresher.look_for_connections().await.is_none());
    for day in 2..5 {
        *served.lock().unwrap() = Some(valid_until(day));
        let events: Vec<_> = refresher.refresh_due().await.iter().map(told).collect();
        assert_eq!(events, ["acme renewed"]);
        let stored = store.connection(&acme.id).await.unwrap().unwrap();
        assert_eq!((&*stored.metadata.document, stored.revision), (valid_until(day).as_bytes(), 1));
    }
}

/// Somebody approves what waits while the address is out of order.
#[tokio::test]
async fn what_was_approved_in_an_outage_waits_no_more() {
    let known = Kit::okta().metadata().unwrap();
    let (served, store, acme, mut refresher) = to_be_approved(&known).await;
    refresher.refresh_due().await;
    *served.lock().unwrap() = None;
    refresher.refresh_due().await;
    assert!(refresher.status().of(&acme.id).unwrap().waits_for_approval);
    let mut approved = store.connection(&acme.id).await.unwrap().unwrap();
    approved.metadata = approved.staged.take().unwrap();
    store.update_connection(&approved, &author()).await.unwrap();
    refresher.refresh_due().await;
    assert!(!refresher.status().of(&acme.id).unwrap().waits_for_approval);
}
