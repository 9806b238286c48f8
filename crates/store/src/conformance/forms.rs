//! Forms that were posted without a session.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use super::now;
use crate::{FormLimits, FormStore, SealedForm};

const PLENTY: FormLimits = at_most(100, 1 << 20);

/// Limits that are the same for one network.
const fn at_most(forms: u64, bytes: u64) -> FormLimits {
    FormLimits { forms, bytes, forms_of_network: forms, bytes_of_network: bytes }
}

fn form(handle: &str, bytes: usize) -> SealedForm {
    SealedForm {
        handle: handle.to_owned(),
        binding_hash: format!("hash of {handle}"),
        sealed: (0..bytes).map(|place| u8::try_from(place % 256).unwrap()).collect(),
        expires_at: now() + TimeDelta::minutes(10),
        network: None,
    }
}

/// One that came from a network in a second.
async fn keep_from(
    store: &impl FormStore,
    network: &str,
    (handle, bytes): (&str, usize),
    limits: FormLimits,
    second: i64,
) {
    let at = now() + TimeDelta::seconds(second);
    let network = Some(network.to_owned()).filter(|network| !network.is_empty());
    let form = SealedForm { network, expires_at: at + TimeDelta::minutes(10), ..form(handle, bytes) };
    store.keep_form(&form, limits, at).await.unwrap();
}

/// Which of these are there, of all that are kept. None is afterwards.
async fn take_all<'h>(store: &impl FormStore, handles: &[&'h str]) -> Vec<&'h str> {
    let count = store.count_forms(now()).await.unwrap();
    let mut there = Vec::new();
    for handle in handles {
        if takes(store, handle).await {
            there.push(*handle);
        }
    }
    assert_eq!(u64::try_from(there.len()).unwrap(), count);
    there
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
        assert_eq!(store.find_form(handle, hash, now()).await.unwrap(), None, "{handle} {hash}");
        assert_eq!(store.take_form(handle, hash, now()).await.unwrap(), None, "{handle} {hash}");
    }
    assert_eq!(store.count_forms(now()).await.unwrap(), 1, "it is not spoilt by others");
    let found = store.find_form("one", "hash of one", now()).await.unwrap();
    let taken = store.take_form("one", "hash of one", now()).await.unwrap();
    assert_eq!(found, taken, "it stays until it is taken");
    assert_eq!(store.find_form("one", "hash of one", now()).await.unwrap(), None);
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
    assert!(store.find_form("one", "hash of one", end - moment).await.unwrap().is_some());
    assert!(store.find_form("one", "hash of one", end).await.unwrap().is_none());
    let in_time = store.take_form("one", "hash of one", end - moment).await.unwrap();
    assert!(in_time.is_some());
    assert_eq!(store.take_form("two", "hash of two", end).await.unwrap(), None);
    // One that is over takes no place from another.
    keep(&store, "old", 60, PLENTY, now()).await;
    let late = SealedForm { expires_at: end + TimeDelta::minutes(10), ..form("late", 60) };
    let limits = at_most(2, 100);
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
    let three = at_most(3, 100);
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
    store.keep_form(&aged("h", 1, 7), at_most(0, 100), at(7)).await.unwrap();
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

/// Whoever posts many forms, or large ones, pushes out their own.
pub async fn the_forms_of_one_network_give_way_to_its_own(store: impl FormStore) {
    let limits = FormLimits { forms: 8, bytes: 1_000, forms_of_network: 3, bytes_of_network: 300 };
    keep_from(&store, "victim", ("v1", 10), limits, 0).await;
    keep_from(&store, "", ("unknown1", 10), limits, 1).await;
    for (second, handle) in ["a1", "a2", "a3", "a4", "a5"].into_iter().enumerate() {
        keep_from(&store, "attacker", (handle, 10), limits, 2 + i64::try_from(second).unwrap()).await;
    }
    let all = ["v1", "unknown1", "a1", "a2", "a3", "a4", "a5"];
    assert_eq!(take_all(&store, &all).await, ["v1", "unknown1", "a3", "a4", "a5"]);

    keep_from(&store, "victim", ("v1", 300), limits, 0).await;
    for (second, (handle, bytes)) in
        [("a1", 200), ("a2", 90), ("a3", 20), ("a4", 301)].into_iter().enumerate()
    {
        keep_from(&store, "attacker", (handle, bytes), limits, 1 + i64::try_from(second).unwrap()).await;
    }
    assert_eq!(take_all(&store, &["v1", "a1", "a2", "a3", "a4"]).await, ["v1", "a2", "a3"]);
    // Nothing is known of where these come from, so only all together are counted.
    keep_from(&store, "", ("large", 301), limits, 0).await;
    let none = FormLimits { forms_of_network: 0, ..limits };
    keep_from(&store, "", ("unknown", 10), none, 0).await;
    keep_from(&store, "victim", ("v1", 10), none, 0).await;
    assert_eq!(take_all(&store, &["large", "unknown", "v1"]).await, ["large", "unknown"]);
    // A form that is kept anew from elsewhere counts there.
    for second in 0..4 {
        keep_from(&store, &format!("network {second}"), ("moving", 10), limits, second).await;
        keep_from(&store, "network 0", (&format!("{second}"), 10), limits, second).await;
    }
    assert_eq!(take_all(&store, &["moving", "0", "1", "2", "3"]).await, ["moving", "1", "2", "3"]);
}

/// Where all together are too many, those of the networks give way that have most, however old the only one of another is.
pub async fn the_only_form_of_a_network_stays_longest(store: impl FormStore) {
    let limits = at_most(4, 1_000);
    keep_from(&store, "victim", ("v1", 10), limits, 0).await;
    for (second, handle) in ["a1", "a2", "a3", "a4", "a5"].into_iter().enumerate() {
        keep_from(&store, "attacker", (handle, 10), limits, 1 + i64::try_from(second).unwrap()).await;
    }
    keep_from(&store, "other", ("o1", 10), limits, 9).await;
    assert_eq!(take_all(&store, &["v1", "a1", "a2", "a3", "a4", "a5", "o1"]).await, ["v1", "a4", "a5", "o1"]);

    let limits = at_most(100, 100);
    keep_from(&store, "victim", ("v1", 20), limits, 0).await;
    keep_from(&store, "attacker", ("a1", 30), limits, 1).await;
    keep_from(&store, "attacker", ("a2", 50), limits, 2).await;
    keep_from(&store, "other", ("o1", 25), limits, 3).await;
    assert_eq!(take_all(&store, &["v1", "a1", "a2", "o1"]).await, ["v1", "a2", "o1"]);
    // The one that comes is kept, also where its network has most and another machine's clock is ahead.
    keep_from(&store, "a:b", ("a1", 60), limits, 9).await;
    keep_from(&store, "victim", ("v1", 40), limits, 9).await;
    keep_from(&store, "a:b", ("a2", 60), limits, 1).await;
    assert_eq!(take_all(&store, &["v1", "a1", "a2"]).await, ["v1", "a2"]);
    keep_from(&store, "victim", ("v1", 50), limits, 1).await;
    keep_from(&store, "a:b", ("a1", 60), limits, 2).await;
    assert_eq!(take_all(&store, &["v1", "a1"]).await, ["a1"], "a smaller one has to go");
}

/// Of networks that have equally many, or equally much, the oldest form goes.
pub async fn of_equal_networks_the_oldest_form_gives_way(store: impl FormStore) {
    for limits in [at_most(3, 1_000), at_most(100, 30)] {
        for (second, handle) in ["c", "a", "b", "d"].into_iter().enumerate() {
            let second = i64::try_from(second).unwrap();
            keep_from(&store, &format!("network of {handle}"), (handle, 10), limits, second).await;
        }
        assert_eq!(take_all(&store, &["a", "b", "c", "d"]).await, ["a", "b", "d"]);
    }
}

/// A form that is over takes no place from one of a network that has more.
pub async fn a_form_that_is_over_takes_no_place(store: impl FormStore) {
    let end = form("quiet", 1).expires_at;
    keep_from(&store, "quiet", ("quiet", 10), PLENTY, 0).await;
    keep_from(&store, "busy", ("b1", 10), PLENTY, 1).await;
    let next = SealedForm {
        network: Some("busy".to_owned()),
        expires_at: end + TimeDelta::minutes(10),
        ..form("b2", 10)
    };
    store.keep_form(&next, at_most(2, 1_000), end).await.unwrap();
    assert_eq!(store.count_forms(end).await.unwrap(), 2);
    assert!(takes(&store, "b1").await && takes(&store, "b2").await);
}

/// A form that is kept anew under its handle is the new one, with its own browser, time and size.
pub async fn a_form_that_is_kept_anew_replaces_the_earlier_one(store: impl FormStore) {
    keep_from(&store, "one", ("same", 10), PLENTY, 0).await;
    keep_from(&store, "", ("between", 10), PLENTY, 1).await;
    let end = form("same", 1).expires_at + TimeDelta::minutes(5);
    let anew = SealedForm { binding_hash: "new hash".to_owned(), expires_at: end, ..form("same", 90) };
    store.keep_form(&anew, PLENTY, now() + TimeDelta::minutes(5)).await.unwrap();
    let moment = end - TimeDelta::milliseconds(1);
    assert_eq!(store.count_forms(moment).await.unwrap(), 1, "the other one is over");
    assert_eq!(store.find_form("same", "hash of same", moment).await.unwrap(), None);
    assert_eq!(store.find_form("same", "new hash", moment).await.unwrap(), Some(anew.sealed));
    assert_eq!(store.find_form("same", "new hash", end).await.unwrap(), None);
    // It counts with its new size, and is newer than one that was kept before it.
    keep_from(&store, "", ("last", 10), at_most(2, 1_000), 400).await;
    assert!(!takes(&store, "between").await);
    keep_from(&store, "", ("larger", 20), at_most(100, 100), 401).await;
    assert_eq!(
        store.find_form("same", "new hash", now()).await.unwrap(),
        None,
        "90 and 20 are more than 100"
    );
}

pub async fn forms_that_are_kept_at_the_same_time_stay_within_the_limits(
    store: impl FormStore + Clone + 'static,
) {
    let limits = at_most(5, 45);
    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let store = store.clone();
        tasks.spawn(async move { keep(&store, &format!("form{number}"), 10, limits, now()).await });
    }
    tasks.join_all().await;
    assert_eq!(store.count_forms(now()).await.unwrap(), 4);
}
