//! Logout requests while a store or the application fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vouchsafe::LogoutRequest;
use vouchsafe_store::{Memory, StoreError};
use vouchsafe_web::{EndsSessions, HttpError, LogoutSessions};

use crate::Scene;

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
        let down = || HttpError::outage(StoreError::unavailable(std::io::Error::other("down")));
        Box::pin(std::future::ready(if fails.is_ok() { Err(down()) } else { Ok(1) }))
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
