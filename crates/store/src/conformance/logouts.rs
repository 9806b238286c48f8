//! Sign-outs on their way, and logouts to be remembered.

use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::provisioning::Identity;
use vouchsafe::{ConnectionId, LogoutAnswer, LogoutJourney, PendingLogout};

use super::{Store, now};

fn pending(handle: &str) -> PendingLogout {
    let mut journey = LogoutJourney::default().returning_to("/bye");
    journey.note(&ConnectionId::new("first").unwrap(), LogoutAnswer::Partial);
    let stored = serde_json::json!({
        "handle": handle,
        "request_id": "_1",
        "connection": "acme",
        "binding_hash": "0".repeat(64),
        "issued_at": now().timestamp(),
        "expires_at": (now() + TimeDelta::minutes(10)).timestamp(),
        "journey": journey,
    });
    PendingLogout::from_stored(serde_json::from_value(stored).unwrap()).unwrap()
}

pub async fn a_pending_logout_is_found_until_it_is_removed(store: impl Store) {
    let kept = pending("one");
    store.keep_logout(&kept).await.unwrap();
    for _ in 0..2 {
        let found = store.find_logout("one", now()).await.unwrap().unwrap();
        assert_eq!(found.to_stored(), kept.to_stored());
    }
    assert!(store.find_logout("other", now()).await.unwrap().is_none());
    assert!(store.find_logout("one", kept.expires_at()).await.unwrap().is_none(), "its time is over");
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.remove_logout("one").await.unwrap() });
    }
    let removed = tasks.join_all().await.into_iter().filter(|removed| *removed).count();
    assert_eq!(removed, 1, "it is answered once");
    assert!(store.find_logout("one", now()).await.unwrap().is_none());
}

fn person(name: &str) -> Identity {
    Identity::new(ConnectionId::new("acme").unwrap(), name)
}

/// A logout of all sessions means every index; one of an index that one alone. Of several the latest counts.
pub async fn the_latest_logout_of_a_session_is_remembered(store: impl Store) {
    let (ada, bob) = (person("ada"), person("bob"));
    let latest = |who: Identity, index: Option<&'static str>| {
        let store = store.clone();
        async move { store.latest_logout(&who, index).await.unwrap() }
    };
    assert_eq!(latest(ada.clone(), None).await, None);
    let (early, late) = (now() - TimeDelta::seconds(9), now() - TimeDelta::seconds(1));
    store.remember_logout(&ada, Some("s1"), early, now()).await.unwrap();
    assert_eq!(latest(ada.clone(), Some("s1")).await, Some(early));
    for other in [None, Some("s2"), Some(""), Some("S1"), Some("=s1")] {
        assert_eq!(latest(ada.clone(), other).await, None, "{other:?}");
    }
    assert_eq!(latest(bob.clone(), Some("s1")).await, None);
    store.remember_logout(&ada, None, late, now()).await.unwrap();
    for any in [None, Some("s1"), Some("s2"), Some("")] {
        assert_eq!(latest(ada.clone(), any).await, Some(late), "{any:?}");
    }
    store.remember_logout(&ada, None, early, now()).await.unwrap();
    assert_eq!(latest(ada.clone(), None).await, Some(late), "the latest counts, whichever comes last");
    let elsewhere = ada.over(ConnectionId::new("other").unwrap());
    assert_eq!(latest(elsewhere, None).await, None, "another connection's person");
}

pub async fn what_is_over_of_logouts_is_swept(store: impl Store) {
    let kept = pending("one");
    store.keep_logout(&kept).await.unwrap();
    store.remember_logout(&person("ada"), None, now(), now()).await.unwrap();
    assert_eq!(store.sweep_logouts(now()).await.unwrap(), 0);
    assert_eq!(store.sweep_logouts(kept.expires_at()).await.unwrap(), 1);
    assert_eq!(store.sweep_logouts(now() + TimeDelta::days(1) - TimeDelta::seconds(1)).await.unwrap(), 0);
    assert!(store.latest_logout(&person("ada"), None).await.unwrap().is_some());
    assert_eq!(store.sweep_logouts(now() + TimeDelta::days(1)).await.unwrap(), 1);
    assert!(store.latest_logout(&person("ada"), None).await.unwrap().is_none());
}
