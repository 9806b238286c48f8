//! Forms that were posted without a session.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use super::now;
use crate::{FormLimits, FormStore, SealedForm};

const PLENTY: FormLimits = FormLimits { forms: 100, bytes: 1 << 20 };

fn form(handle: &str, bytes: usize) -> SealedForm {
    SealedForm {
        handle: handle.to_owned(),
        binding_hash: format!("hash of {handle}"),
        sealed: (0..bytes).map(|place| u8::try_from(place % 256).unwrap()).collect(),
        expires_at: now() + TimeDelta::minutes(10),
    }
}

async fn keep(store: &impl FormStore, handle: &str, bytes: usize, limits: FormLimits, at: DateTime<Utc>) {
    store.keep_form(&form(handle, bytes), limits, at).await.unwrap();
}

/// Whether the form is there. It is not afterwards.
async fn takes(store: &impl FormStore, handle: &str) -> bool {
    store.take_form(handle, &format!("hash of {handle}"), now()).await.unwrap().is_some()
}

pub async fn a_form_is_taken_once_by_its_browser(store: impl FormStore) {
    let kept = form("one", 600);
    store.keep_form(&kept, PLENTY, now()).await.unwrap();
    for (handle, hash) in [("one", "hash of two"), ("one", ""), ("two", "hash of one"), ("", "")] {
        assert_eq!(store.take_form(handle, hash, now()).await.unwrap(), None, "{handle} {hash}");
    }
    assert_eq!(store.count_forms(now()).await.unwrap(), 1, "it is not spoilt by others");
    let taken = store.take_form("one", "hash of one", now()).await.unwrap();
    assert_eq!(taken, Some(kept.sealed), "byte for byte");
    assert!(!takes(&store, "one").await);
    assert_eq!(store.count_forms(now()).await.unwrap(), 0);
    keep(&store, "empty", 0, PLENTY, now()).await;
    assert_eq!(store.take_form("empty", "hash of empty", now()).await.unwrap(), Some(Vec::new()));
}

pub async fn of_many_who_take_a_form_one_gets_it(store: impl FormStore + Clone + 'static) {
    keep(&store, "one", 100, PLENTY, now()).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { takes(&store, "one").await });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
}

pub async fn a_form_ends_at_its_time(store: impl FormStore) {
    let end = form("one", 1).expires_at;
    keep(&store, "one", 10, PLENTY, now()).await;
    keep(&store, "two", 10, PLENTY, now()).await;
    let moment = TimeDelta::milliseconds(1);
    assert_eq!(store.count_forms(end - moment).await.unwrap(), 2);
    assert_eq!(store.count_forms(end).await.unwrap(), 0);
    let in_time = store.take_form("one", "hash of one", end - moment).await.unwrap();
    assert!(in_time.is_some());
    assert_eq!(store.take_form("two", "hash of two", end).await.unwrap(), None);
    // One that is over takes no place from another.
    keep(&store, "old", 60, PLENTY, now()).await;
    let late = SealedForm { expires_at: end + TimeDelta::minutes(10), ..form("late", 60) };
    let limits = FormLimits { forms: 2, bytes: 100 };
    let later = SealedForm { handle: "later".to_owned(), sealed: vec![1; 40], ..late.clone() };
    store.keep_form(&later, limits, end).await.unwrap();
    store.keep_form(&late, limits, end).await.unwrap();
    assert_eq!(store.count_forms(end).await.unwrap(), 2);
}

pub async fn forms_are_swept(store: impl FormStore) {
    let end = form("one", 1).expires_at;
    for handle in ["one", "two"] {
        keep(&store, handle, 10, PLENTY, now()).await;
    }
    let longer = SealedForm { expires_at: end + TimeDelta::minutes(1), ..form("three", 10) };
    store.keep_form(&longer, PLENTY, now()).await.unwrap();
    assert_eq!(store.sweep_forms(end - TimeDelta::milliseconds(1)).await.unwrap(), 0);
    assert_eq!(store.sweep_forms(end).await.unwrap(), 2);
    assert_eq!(store.count_forms(now()).await.unwrap(), 1);
}

pub async fn the_oldest_forms_give_way(store: impl FormStore) {
    let at = |second: i64| now() + TimeDelta::seconds(second);
    let aged = |handle: &str, bytes: usize, second: i64| SealedForm {
        expires_at: at(second) + TimeDelta::minutes(10),
        ..form(handle, bytes)
    };
    let three = FormLimits { forms: 3, bytes: 100 };
    for (second, handle) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let second = i64::try_from(second).unwrap();
        store.keep_form(&aged(handle, 10, second), three, at(second)).await.unwrap();
    }
    assert_eq!(store.count_forms(now()).await.unwrap(), 3);
    assert!(!takes(&store, "a").await && takes(&store, "b").await);
    // c and d have to go for one that fills nearly everything.
    store.keep_form(&aged("e", 85, 4), three, at(4)).await.unwrap();
    assert!(!takes(&store, "c").await && takes(&store, "d").await && takes(&store, "e").await);
    store.keep_form(&aged("f", 100, 5), three, at(5)).await.unwrap();
    store.keep_form(&aged("g", 101, 6), three, at(6)).await.unwrap();
    assert!(
        takes(&store, "f").await && !takes(&store, "g").await,
        "what is larger than everything is not kept"
    );
    store.keep_form(&aged("h", 1, 7), FormLimits { forms: 0, bytes: 100 }, at(7)).await.unwrap();
    assert!(!takes(&store, "h").await, "none is kept");
    // The one that comes is kept, also by a machine whose clock is behind.
    store.keep_form(&aged("i", 60, 9), three, at(9)).await.unwrap();
    store.keep_form(&aged("j", 60, 8), three, at(8)).await.unwrap();
    assert!(takes(&store, "j").await && !takes(&store, "i").await);
    // One that is kept anew counts once.
    for bytes in [50, 60] {
        store.keep_form(&aged("k", bytes, 10), three, at(10)).await.unwrap();
    }
    store.keep_form(&aged("l", 40, 11), three, at(11)).await.unwrap();
    assert!(takes(&store, "k").await && takes(&store, "l").await);
}

pub async fn forms_that_are_kept_at_the_same_time_stay_within_the_limits(
    store: impl FormStore + Clone + 'static,
) {
    let limits = FormLimits { forms: 5, bytes: 45 };
    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let store = store.clone();
        tasks.spawn(async move { keep(&store, &format!("form{number}"), 10, limits, now()).await });
    }
    tasks.join_all().await;
    assert_eq!(store.count_forms(now()).await.unwrap(), 4);
}
