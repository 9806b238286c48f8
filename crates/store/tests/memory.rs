//! The suite on the store in memory.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use vouchsafe::assertion::ReplayKey;
use vouchsafe_store::{Memory, ReplayStore};

async fn memory() -> (Memory, ()) {
    (Memory::new(), ())
}

vouchsafe_store::conformance!(memory);
vouchsafe_store::conformance!(of api_tokens: memory);
vouchsafe_store::conformance!(of forms: memory);
vouchsafe_store::conformance!(of ended_sessions: memory);
vouchsafe_store::conformance!(of set_up_links: memory);
vouchsafe_store::conformance!(of audit_feed: memory);
vouchsafe_store::conformance!(of sign_in_history: memory);
vouchsafe_store::conformance!(of key_history: memory);
vouchsafe_store::conformance!(of scim: memory);

#[tokio::test]
async fn a_replay_is_kept_for_the_margin_that_was_set() {
    let (over, hour) = (DateTime::UNIX_EPOCH, TimeDelta::hours(1));
    let later = over + ReplayKey::MARGIN + hour;
    for (margin, swept) in
        [(Duration::ZERO, 1), (Duration::from_secs(24 * 3_600), 1), (Duration::from_secs(26 * 3_600), 0)]
    {
        let store = Memory::new().with_replay_margin(margin);
        for (hash, expires_at) in [("first", over), ("newer", later)] {
            assert!(store.insert_once(hash, expires_at).await.unwrap());
        }
        assert_eq!(store.sweep_replays(later).await.unwrap(), swept, "{margin:?}");
    }
}
