//! Records that belong to one holder.

use crate::Claim;
use tokio::task::JoinSet;

use super::{Memoranda, now};

/// Each holder asks many times, all at once: one holder gets the record, once.
pub async fn of_many_holders_one_gets_the_record(store: impl Memoranda) {
    for round in 0..8 {
        let mut tasks = JoinSet::new();
        for number in 0..40 {
            let store = store.clone();
            let (hash, holder) = (format!("token {round}"), format!("holder {}", number % 4));
            tasks.spawn(async move { (store.claim(&hash, &holder, now()).await.unwrap(), holder) });
        }
        let claims = tasks.join_all().await;
        let firsts: Vec<&String> =
            claims.iter().filter(|(claim, _)| *claim == Claim::First).map(|(_, holder)| holder).collect();
        let [first] = firsts.as_slice() else {
            panic!("the record was claimed {} times first", firsts.len())
        };
        for (claim, holder) in &claims {
            assert_eq!(*claim == Claim::OfAnother, holder != *first, "{claim:?}: {holder}");
        }
    }
    // It is a replay record like others.
    assert!(store.is_recorded("token 0").await.unwrap());
    assert!(!store.insert_once("token 0", now()).await.unwrap());
    assert!(store.insert_once("0123", now()).await.unwrap());
    for holder in ["ada", "1"] {
        assert_eq!(store.claim("0123", holder, now()).await.unwrap(), Claim::OfAnother);
    }
}
