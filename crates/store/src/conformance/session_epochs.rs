//! The end of all sessions of an account, and the sessions that begin afterwards.

use std::time::Duration;

use vouchsafe::{Provider, provisioning::AccountId};

use super::{Memoranda, acme, now};
use crate::{Session, SessionId};

/// The sessions of an account end as often as somebody ends them. Those of others, and those that begin afterwards, are
/// found, however often the sessions of either were ended.
pub async fn sessions_begin_again_after_all_were_ended(store: impl Memoranda) {
    let begin = async |account: &str| {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let session = Session::of(acme(), AccountId::new(account), now());
        store.create(&id, &session.lasting(Duration::from_secs(28_800), None)).await.unwrap();
        id
    };
    let is_found = async |id: &SessionId| store.find(id, now()).await.unwrap().is_some();
    let end = async |account: &str| store.revoke_account(&AccountId::new(account)).await.unwrap();

    let bystander = begin("1").await;
    assert_eq!(end("2").await, 0);
    assert!(is_found(&bystander).await, "another account's sessions were ended");
    let mut all = vec![bystander];
    for (account, ended) in [("2", 0), ("2", 0), ("1", 1), ("2", 0)] {
        assert_eq!(end(account).await, ended, "{account}");
    }
    assert!(!is_found(&all[0]).await);
    for account in ["1", "2", "3", "2", "1"] {
        all.push(begin(account).await);
        for id in &all[1..] {
            assert!(is_found(id).await, "after a session of {account} began");
        }
    }
    assert_eq!((end("2").await, end("3").await), (2, 1));
    let mut found = Vec::new();
    for id in &all[1..] {
        found.push(is_found(id).await);
    }
    assert_eq!(found, [true, false, false, false, true]);
    for (account, times) in [("1", 1), ("2", 5), ("3", 1), ("4", 0)] {
        assert_eq!(store.epoch(&AccountId::new(account)).await.unwrap(), times, "{account}");
    }
}
