//! Logout requests while a store or the application fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Method;
use vouchsafe::{Connections, LogoutRequest, PendingRequest};
use vouchsafe_store::{Answer, Memory, PendingStore, ReplayStore, StoreError};
use vouchsafe_web::{EndsSessions, HttpError, LogoutSessions, SingleSignOn};

use crate::{SOAP, Scene, connection, okta, request};

fn down() -> StoreError {
    StoreError::unavailable(std::io::Error::other("down"))
}

/// Sessions of an application whose database fails a number of times.
#[derive(Debug)]
struct Failing {
    fails: AtomicUsize,
    asked: AtomicUsize,
}

impl LogoutSessions for Failing {
    fn end<'a>(&'a self, _: &'a LogoutRequest) -> EndsSessions<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fails = self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        Box::pin(std::future::ready(if fails.is_ok() { Err(HttpError::outage(down())) } else { Ok(1) }))
    }
}

/// An outage that the application tells is one like that of a store: the request is tried again.
#[tokio::test(start_paused = true)]
async fn a_request_is_carried_out_by_an_application_that_fails_for_a_moment() {
    for (failures, expected) in [(0, (1, 303)), (2, (3, 303)), (3, (3, 503))] {
        let mut scene = Scene::new();
        let sessions = Arc::new(Failing { fails: AtomicUsize::new(failures), asked: AtomicUsize::new(0) });
        let failing = Arc::clone(&sessions) as Arc<dyn LogoutSessions>;
        scene.sso = scene.sso.clone().single_logout_over(Arc::new(Memory::new()), failing);
        let answer = scene.by_redirect(&scene.asks("_1", &["s1"]), None, "").await;
        let found = (sessions.asked.load(Ordering::SeqCst), answer.status().as_u16());
        assert_eq!(found, expected, "{failures} failures");
    }
}

/// Sessions in a store that is busy with the organization of one connection.
#[derive(Debug, Default)]
struct BusyWithOne(Mutex<Vec<String>>);

impl LogoutSessions for BusyWithOne {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(async {
            if request.connection().as_str().starts_with("a-busy") {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            self.0.lock().unwrap().push(request.connection().to_string());
            Ok(1)
        })
    }
}

/// Whoever copies a key and keeps the store busy for an organization of their own does not delay that the sessions of
/// others end.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_busy_with_one_organization_delays_no_other() {
    let metadata = okta().metadata().unwrap();
    let names = (0..32).map(|number| format!("a-busy{number:02}")).chain(["okta".to_owned()]);
    let mut scene = Scene::over(names.map(|name| connection(&name, &metadata)));
    let sessions = Arc::new(BusyWithOne::default());
    let ends = Arc::clone(&sessions) as Arc<dyn LogoutSessions>;
    scene.sso = scene.sso.clone().single_logout_over(Arc::new(Memory::new()), ends);
    let request = scene.asks("_1", &["s1"]);
    let ended_early = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        sessions.0.lock().unwrap().clone()
    };
    let (answer, ended) = tokio::join!(scene.by_redirect(&request, None, ""), ended_early);
    assert_eq!(ended, ["okta"]);
    assert_eq!(answer.status().as_u16(), 303, "it is answered when all sessions have ended");
    assert_eq!(sessions.0.lock().unwrap().len(), 33);
}

/// A store whose records are written and then reported as failed, as by a database that no replica has confirmed.
#[derive(Debug, Default)]
struct Unconfirmed(Memory);

impl ReplayStore for Unconfirmed {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        Box::pin(async move {
            self.0.insert_once(hash, expires_at).await?;
            Err(down())
        })
    }

    fn is_recorded<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        self.0.is_recorded(hash)
    }

    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.0.sweep_replays(now)
    }
}

impl PendingStore for Unconfirmed {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        self.0.put(request)
    }

    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        self.0.find_pending(handle, now)
    }

    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        self.0.remove_pending(handle)
    }

    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.0.sweep_pending(now)
    }
}

/// An identity provider whose request was carried out is told so, although it could not be recorded.
#[tokio::test]
async fn a_request_that_was_carried_out_is_answered_although_its_record_fails() {
    let mut scene = Scene::new();
    let connections: Connections = [connection("okta", &okta().metadata().unwrap())].into_iter().collect();
    let sessions = Arc::clone(&scene.sessions) as Arc<dyn LogoutSessions>;
    let store = Arc::new(Unconfirmed::default());
    scene.sso = SingleSignOn::new(scene.saml.clone(), Arc::new(connections), store)
        .single_logout_over(Arc::new(Memory::new()), sessions);
    let envelope = scene.asks("_1", &["s1"]).destination(Some(SOAP)).to_soap().unwrap();
    let posted = request(Method::POST, "/saml/slo/soap", "");
    let answer = scene.sso.single_logout_by_soap(&posted, envelope.as_bytes(), None).await;
    assert_eq!((answer.status().as_u16(), scene.open().as_str()), (200, "s2 s3"));
    assert!(answer.body().contains(":Success"), "{}", answer.body());
    let copy = scene.sso.single_logout_by_soap(&posted, envelope.as_bytes(), None).await;
    assert_eq!(copy.status().as_u16(), 403);
}
