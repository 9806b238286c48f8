//! Sessions that ended and are kept elsewhere.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::now;
use crate::EndedSessionStore;

pub async fn a_session_that_ended_is_remembered(store: impl EndedSessionStore) {
    let later = |minutes| now() + TimeDelta::minutes(minutes);
    assert!(!store.has_ended("one").await.unwrap());
    store.note_ended("one", later(10), now()).await.unwrap();
    store.note_ended("two", later(20), now()).await.unwrap();
    for (hash, expected) in [("one", true), ("two", true), ("three", false), ("ONE", false), ("", false)] {
        assert_eq!(store.has_ended(hash).await.unwrap(), expected, "{hash}");
    }
    // It is remembered for as long as anybody wants it.
    store.note_ended("two", later(5), later(1)).await.unwrap();
    store.note_ended("one", later(40), later(1)).await.unwrap();
    store.note_ended("three", later(40), later(19)).await.unwrap();
    // A machine whose clock is days ahead removes nothing that others need.
    let ahead = later(0) + TimeDelta::days(6);
    store.note_ended("four", ahead + TimeDelta::days(1), ahead).await.unwrap();
    for hash in ["one", "two", "three"] {
        assert!(store.has_ended(hash).await.unwrap(), "{hash}");
    }
}

/// A session is written by a request that has read it, and deleted by somebody else, in whatever order: it is gone when both are done.
pub async fn a_session_that_is_written_back_is_found_to_have_ended(
    store: impl EndedSessionStore + Clone + 'static,
) {
    let kept = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = JoinSet::new();
    for round in 0..100_u64 {
        let hash = format!("session {round}");
        kept.lock().unwrap().insert(hash.clone());
        let (one, other) = ((store.clone(), kept.clone(), hash.clone()), (store.clone(), kept.clone(), hash));
        tasks.spawn(async move {
            let (store, kept, hash) = one;
            if kept.lock().unwrap().contains(&hash) {
                tokio::time::sleep(Duration::from_millis(round % 7)).await;
                kept.lock().unwrap().insert(hash.clone());
                if store.has_ended(&hash).await.unwrap() {
                    kept.lock().unwrap().remove(&hash);
                }
            }
        });
        tasks.spawn(async move {
            let (store, kept, hash) = other;
            tokio::time::sleep(Duration::from_millis(round % 5)).await;
            store.note_ended(&hash, now() + TimeDelta::minutes(10), now()).await.unwrap();
            kept.lock().unwrap().remove(&hash);
        });
    }
    tasks.join_all().await;
    assert_eq!(*kept.lock().unwrap(), BTreeSet::new());
}
