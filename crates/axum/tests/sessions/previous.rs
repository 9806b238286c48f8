//! The session that the browser held before a sign-in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use vouchsafe_axum::routes;
use vouchsafe_axum::tower_session::{self, EndingStore, session_layer};
use vouchsafe_store::{Answer, EndedSessionStore, Memory};

use super::{Browser, Served, of_axum_login, over, pages, signed_in};

/// The session cookie does not come with the response, which another site posts. The session that the browser held
/// when it started the sign-in ends nevertheless, and no other one.
async fn the_previous_session_ends(served: &Served, page: &str) {
    let at = |path: &str| format!("{}{path}", served.address);
    let (browser, other) = (Browser::new(), Browser::new());
    browser.sign_in(served, "ada@example.com", "_1").await;
    other.sign_in(served, "ada@example.com", "_2").await;
    let previous = Browser::new();
    previous.keep(&format!("{}; SameSite=Lax", browser.held()));
    assert_eq!(previous.get(&at(page)).await.1, "ada@example.com");

    // A sign-in that is started or refused ends nothing.
    browser.send(browser.client.get(at("/saml/login?organization=acme"))).await;
    let refused = browser.post(served, served.response("eve@example.com", "_1")).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(previous.get(&at(page)).await.1, "ada@example.com");

    let answer = browser.sign_in(served, "eve@example.com", "_3").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(browser.get(&at(page)).await.1, "eve@example.com");
    assert_eq!(previous.get(&at(page)).await.1, "", "the session before is over");
    assert_eq!(other.get(&at(page)).await.1, "ada@example.com");
}

#[tokio::test]
async fn the_previous_session_of_tower_sessions_ends_at_the_next_sign_in() {
    let served = Served::start(|sso| over(MemoryStore::default(), sso)).await;
    the_previous_session_ends(&served, "/maybe").await;
}

#[tokio::test]
async fn the_previous_session_of_axum_login_ends_at_the_next_sign_in() {
    let served = Served::start(|sso| {
        let (sso, sessions) = session_layer(sso.clone(), MemoryStore::default(), Arc::new(Memory::new()));
        of_axum_login(sso, sessions)
    })
    .await;
    the_previous_session_ends(&served, "/who").await;
}

/// A layer of the application that does not come from `session_layer`.
#[tokio::test]
async fn the_previous_session_of_another_layer_ends_at_the_next_sign_in() {
    let served = Served::start(|sso| {
        let store = EndingStore::new(sso, MemoryStore::default(), Arc::new(Memory::new()));
        let layer = SessionManagerLayer::new(store).with_secure(false).with_same_site(SameSite::Lax);
        let sso = sso.clone().browser_session(tower_session::held);
        pages().merge(routes(signed_in)).layer(layer).with_state(sso)
    })
    .await;
    the_previous_session_ends(&served, "/maybe").await;
}

/// A store that counts the sessions that ended.
#[derive(Clone, Debug, Default)]
struct Counting(Memory, Arc<AtomicUsize>);

impl EndedSessionStore for Counting {
    fn note_ended<'a>(&'a self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.note_ended(hash, until, now)
    }

    fn has_ended<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        self.0.has_ended(hash)
    }
}

/// A record of an ended session is kept for weeks, so it is made only of sessions that there were.
async fn only_a_session_that_there_was_is_recorded(served: &Served, page: &str, ended: &Counting) {
    let browser = Browser::new();
    assert_eq!(browser.sign_in(served, "ada@example.com", "_1").await.status(), 303);
    assert_eq!(browser.get(&format!("{}{page}", served.address)).await.1, "ada@example.com");
    assert_eq!(ended.1.load(Ordering::SeqCst), 0);
    browser.sign_in(served, "ada@example.com", "_2").await;
    assert_eq!(ended.1.load(Ordering::SeqCst), 1, "the one before");
}

#[tokio::test]
async fn a_browser_without_a_session_leaves_no_ended_one() {
    let ended = Counting::default();
    let store = Arc::new(ended.clone());
    let served = Served::start(|sso| {
        let (sso, sessions) = session_layer(sso.clone(), MemoryStore::default(), store);
        pages().merge(routes(signed_in)).layer(sessions).with_state(sso)
    })
    .await;
    only_a_session_that_there_was_is_recorded(&served, "/maybe", &ended).await;
}

/// `AuthSession::login` deletes the identifier of a new session, which was never stored.
#[tokio::test]
async fn a_browser_without_a_session_leaves_no_ended_one_of_axum_login() {
    let ended = Counting::default();
    let store = Arc::new(ended.clone());
    let served = Served::start(|sso| {
        let (sso, sessions) = session_layer(sso.clone(), MemoryStore::default(), store);
        of_axum_login(sso, sessions)
    })
    .await;
    only_a_session_that_there_was_is_recorded(&served, "/who", &ended).await;
}
