//! Sessions that a logout finds by their index.

use std::time::Duration;

use vouchsafe::{
    ConnectionId, Provider,
    provisioning::{AccountId, Identity, LoggedOut},
};

use super::{Memoranda, acme, connection, now};
use crate::{Session, SessionId};

/// A logout request that omits the Format, or that has another name where the index decides, finds sessions by it.
pub async fn an_index_finds_a_session_whose_name_has_other_parts(store: impl Memoranda) {
    let named = Identity::new(connection(), "ada").with_format("a format");
    let elsewhere = named.over(ConnectionId::new("other").unwrap());
    for (person, indexes) in [
        (&named, &["s1"][..]),
        (&named, &["s2", "s3"]),
        (&named, &["\u{a0}s5"]),
        (&named, &[]),
        (&elsewhere, &["s1"]),
    ] {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let mut session = Session::of(acme(), AccountId::new("1"), now());
        session = session.lasting(Duration::from_secs(28_800), None);
        session.connection = Some(person.connection.clone());
        session.identity = Some(person.clone());
        session.session_indexes = indexes.iter().map(|index| (*index).to_owned()).collect();
        store.create(&id, &session).await.unwrap();
    }
    let bare = |name: &str, indexes: &[&str]| {
        LoggedOut::sessions(Identity::new(connection(), name), indexes).named_with(None, None, None)
    };
    for (logout, ended) in [
        (bare("ada", &["s4"]), 0),
        (bare("ada", &[]), 0),
        (bare("bob", &["s1"]), 0),
        (bare("ada", &["s1"]), 1),
        (bare("ada", &["s1"]), 0),
        (bare("bob", &["s3"]), 0),
        (bare("bob", &["s3"]).by_session_index(true), 1),
        // White space of XML around an index does not count, and other white space is part of it.
        (bare("ada", &["s5"]), 0),
        (bare("ada", &["\n\u{a0}s5 "]), 1),
        (LoggedOut::all_of(named), 1),
        (LoggedOut::all_of(elsewhere), 1),
    ] {
        assert_eq!(store.revoke_logged_out(&logout).await.unwrap(), ended, "{:?}", logout.session_indexes());
    }
}
