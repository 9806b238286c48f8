//! Sign-outs on their way, and logouts to be remembered.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::provisioning::{AccountId, Identity, LoggedOut};
use vouchsafe::{ConnectionId, LogoutAnswer, LogoutJourney, PendingLogout};
use vouchsafe_testkit::ISSUE_INSTANT;

use super::{
    POLICY, Store, acme, audit_of_people, author, now,
    scenarios::{sign_in, valid, valid_of_sessions, valid_reply, valid_without_index},
    with_acme,
};
use crate::{LOGOUT_MEMORY, RememberedLogout, Session, SessionId};

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
    store.keep_logout(&pending("another")).await.unwrap();
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
    assert!(store.find_logout("another", now()).await.unwrap().is_some(), "another's stays");
}

fn person(name: &str) -> Identity {
    Identity::new(ConnectionId::new("acme").unwrap(), name)
}

/// Text that no database compresses, of 1,024 characters with four bytes each: the longest that an assertion may have.
fn long_text(seed: u64) -> String {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let numbers = std::iter::successors(Some(seed), next).skip(1);
    let characters =
        numbers.filter_map(|number| char::from_u32(0x2_0000 + u32::try_from(number >> 49).unwrap()));
    characters.take(1_024).collect()
}

/// Databases limit the keys of an index. A logout that cannot be stored would not end its session.
pub async fn the_longest_names_and_indexes_are_kept(store: impl Store) {
    let [name, one, other] = [1, 2, 3].map(long_text);
    let qualified = person(&name).with_qualifiers(Some(&one), Some(&other));
    for (number, who) in [person("ada"), person(&name), qualified].into_iter().enumerate() {
        let secret = format!("the session {number}");
        let id = SessionId::received(secret, &vouchsafe::Provider::rustcrypto()).unwrap();
        let session = Session::of(acme(), AccountId::new("a1"), now());
        let mut session = session.lasting(Duration::from_secs(3_600), None);
        session.identity = Some(who.clone());
        session.session_indexes = vec![one.clone()];
        store.create(&id, &session).await.unwrap();
        assert_eq!(
            store.revoke_logged_out(&LoggedOut::sessions(who.clone(), Some(&other))).await.unwrap(),
            0
        );
        store.remember_logout(&LoggedOut::sessions(who.clone(), Some(&one)), now(), now()).await.unwrap();
        let latest = async |index: &String| {
            let latest = store.latest_logout(&who, std::slice::from_ref(index)).await.unwrap();
            latest.map(|logout| logout.issued_at)
        };
        assert_eq!((latest(&one).await, latest(&other).await), (Some(now()), None), "{number}");
        assert_eq!(
            store.revoke_logged_out(&LoggedOut::sessions(who.clone(), Some(&one))).await.unwrap(),
            1,
            "{number}"
        );
    }
}

/// A session of ada over the connection `acme`, whose name has a Format and a qualifier, with these indexes.
async fn session_of(store: &impl Store, secret: &str, name: &Identity, indexes: &[&str]) {
    let id = SessionId::received(secret, &vouchsafe::Provider::rustcrypto()).unwrap();
    let session = Session::of(acme(), AccountId::new("a1"), now());
    let mut session = session.lasting(Duration::from_secs(3_600), None);
    session.connection = Some(name.connection.clone());
    session.identity = Some(name.clone());
    session.session_indexes = indexes.iter().map(|&index| index.to_owned()).collect();
    store.create(&id, &session).await.unwrap();
}

/// Entra ID repeats the value of a NameID without its Format. The session index shows who is meant.
pub async fn a_logout_that_omits_parts_of_the_name_ends_the_session_of_its_index(store: impl Store) {
    const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    let own = Some("https://app.example".to_owned());
    let ada = person("ada").with_format(EMAIL).with_qualifiers(None, own.as_deref());
    let elsewhere = ada.over(ConnectionId::new("other").unwrap());
    for (secret, name, indexes) in [
        ("one", &ada, &["s1"][..]),
        ("two", &ada, &["s2"]),
        ("several", &ada, &["s3", "\n s4 "]),
        ("none", &ada, &[]),
        ("elsewhere", &elsewhere, &["s1"]),
        ("bob", &person("bob"), &["s1"]),
    ] {
        session_of(&store, secret, name, indexes).await;
    }
    let bare = |indexes: &[&str]| LoggedOut::sessions(person("ada"), indexes).named_with(None, None, None);
    let other_format = person("ada").with_format("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    let other_format = LoggedOut::sessions(other_format.clone(), ["s1"]).named_with(
        Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned()),
        None,
        None,
    );
    for nobody in [bare(&[]), bare(&["s5"]), bare(&["S1"]), other_format] {
        assert_eq!(store.revoke_logged_out(&nobody).await.unwrap(), 0);
        store.remember_logout(&nobody, now(), now()).await.unwrap();
    }
    let s1 = ["s1".to_owned()];
    assert!(store.latest_logout(&ada, &s1).await.unwrap().is_none());
    let logout = bare(&["s1", "s4"]);
    store.remember_logout(&logout, now(), now()).await.unwrap();
    assert_eq!(store.revoke_logged_out(&logout).await.unwrap(), 2);
    assert_eq!(store.revoke_logged_out(&logout).await.unwrap(), 0);
    for (name, indexes, is_out) in [
        (&ada, &["s1"][..], true),
        (&ada, &["s9", "s4"], true),
        (&ada, &["s2"], false),
        (&ada, &[], false),
        (&elsewhere, &["s1"], false),
        (&person("bob"), &["s1"], false),
        (&person("ada").with_format("another"), &["s1"], true),
    ] {
        let indexes: Vec<String> = indexes.iter().map(|&index| index.to_owned()).collect();
        let latest = store.latest_logout(name, &indexes).await.unwrap();
        assert_eq!(latest.is_some(), is_out, "{indexes:?}");
    }
    // Many indexes are remembered as one logout of every index.
    let many: Vec<String> = (0..20).map(|number| format!("many{number}")).collect();
    let many = LoggedOut::sessions(person("ada"), &many).named_with(None, None, None);
    store.remember_logout(&many, now(), now()).await.unwrap();
    assert!(store.latest_logout(&ada, &["s2".to_owned()]).await.unwrap().is_some());
    assert!(store.latest_logout(&elsewhere, &["s2".to_owned()]).await.unwrap().is_none());
}

/// Where a connection says so, a session index alone ends sessions over it.
pub async fn a_logout_by_session_index_alone_ends_sessions_of_any_name(store: impl Store) {
    let (ada, bob) = (person("ada"), person("bob"));
    let elsewhere = ada.over(ConnectionId::new("other").unwrap());
    for (secret, name, indexes) in [
        ("one", &ada, &["s1"][..]),
        ("two", &ada, &["s2"]),
        ("bob", &bob, &["s2", "s1"]),
        ("none", &ada, &[]),
        ("elsewhere", &elsewhere, &["s1"]),
    ] {
        session_of(&store, secret, name, indexes).await;
    }
    let named = |indexes: &[&str]| {
        let named = LoggedOut::sessions(person("H0EPlI1hHuuvn5N6"), indexes).named_with(None, None, None);
        named.by_session_index(true)
    };
    assert_eq!(store.revoke_logged_out(&named(&["s1"]).by_session_index(false)).await.unwrap(), 0);
    for logout in [named(&["s1"]), named(&[])] {
        store.remember_logout(&logout, now(), now()).await.unwrap();
    }
    for (name, index, is_out) in [
        (&ada, &["s1"][..], true),
        (&ada, &["s2"], false),
        (&bob, &["s1"], true),
        (&ada, &[], false),
        (&elsewhere, &["s1"], false),
    ] {
        let indexes: Vec<String> = index.iter().map(|&index| index.to_owned()).collect();
        assert_eq!(store.latest_logout(name, &indexes).await.unwrap().is_some(), is_out, "{index:?}");
    }
    assert_eq!(store.revoke_logged_out(&named(&[])).await.unwrap(), 0);
    assert_eq!(store.revoke_logged_out(&named(&["s1"])).await.unwrap(), 2);
    // Many indexes mean these sessions, and nobody else over the connection.
    let many: Vec<String> = (0..20).map(|number| format!("many{number}")).collect();
    let many = LoggedOut::sessions(person("H0EPlI1hHuuvn5N6"), &many).by_session_index(true);
    store.remember_logout(&many, now(), now()).await.unwrap();
    for (index, is_out) in [("many0", true), ("many19", true), ("many20", false)] {
        assert_eq!(
            store.latest_logout(&bob, &[index.to_owned()]).await.unwrap().is_some(),
            is_out,
            "{index}"
        );
    }
}

/// A logout of all sessions means every index; one of an index that one alone. Of several the latest counts.
pub async fn the_latest_logout_of_a_session_is_remembered(store: impl Store) {
    let (ada, bob) = (person("ada"), person("bob"));
    let latest = |who: Identity, index: Option<&'static str>| {
        let (store, indexes) = (store.clone(), Vec::from_iter(index.map(str::to_owned)));
        async move { store.latest_logout(&who, &indexes).await.unwrap().map(|logout| logout.issued_at) }
    };
    assert_eq!(latest(ada.clone(), None).await, None);
    let (early, late) = (now() - TimeDelta::seconds(9), now() - TimeDelta::seconds(1));
    store.remember_logout(&LoggedOut::sessions(ada.clone(), Some("s1")), early, now()).await.unwrap();
    assert_eq!(latest(ada.clone(), Some("s1")).await, Some(early));
    for other in [Some("s2"), Some(""), Some("S1"), Some("=s1")] {
        assert_eq!(latest(ada.clone(), other).await, None, "{other:?}");
    }
    assert_eq!(latest(ada.clone(), None).await, Some(early), "nobody knows that another session was meant");
    assert_eq!(latest(bob.clone(), Some("s1")).await, None);
    store.remember_logout(&LoggedOut::all_of(ada.clone()), late, now()).await.unwrap();
    for any in [None, Some("s1"), Some("s2"), Some("")] {
        assert_eq!(latest(ada.clone(), any).await, Some(late), "{any:?}");
    }
    store.remember_logout(&LoggedOut::all_of(ada.clone()), early, now()).await.unwrap();
    assert_eq!(latest(ada.clone(), None).await, Some(late), "the latest counts, whichever comes last");
    let elsewhere = ada.over(ConnectionId::new("other").unwrap());
    assert_eq!(latest(elsewhere, None).await, None, "another connection's person");
}

/// The machines of an identity provider may have different clocks: the logout that was received last need not be the one
/// that was issued last. Both times count, under one key and over several.
pub async fn when_a_logout_was_received_is_remembered(store: impl Store) {
    let ada = person("ada");
    let issued_at = now() - TimeDelta::seconds(1);
    let received = |milliseconds| now() + TimeDelta::milliseconds(milliseconds);
    for (index, received_at, latest) in [
        (Some("s1"), received(20), received(20)),
        (Some("s1"), received(10), received(20)),
        (Some("s1"), received(30), received(30)),
        (None, received(40), received(40)),
        (None, received(25), received(40)),
    ] {
        store
            .remember_logout(&LoggedOut::sessions(ada.clone(), index), issued_at, received_at)
            .await
            .unwrap();
        let kept = store.latest_logout(&ada, &["s1".to_owned()]).await.unwrap();
        assert_eq!(
            kept,
            Some(RememberedLogout { issued_at, received_at: latest }),
            "{index:?} {received_at}"
        );
    }
    let later = now();
    store.remember_logout(&LoggedOut::all_of(ada.clone()), later, received(35)).await.unwrap();
    let kept = store.latest_logout(&ada, &["s1".to_owned()]).await.unwrap();
    assert_eq!(kept, Some(RememberedLogout { issued_at: later, received_at: received(40) }));
    let (earlier, bob) = (issued_at - TimeDelta::seconds(8), person("bob"));
    for (who, index) in [(&ada, None), (&ada, Some("s1")), (&bob, Some("s1"))] {
        store
            .remember_logout(&LoggedOut::sessions(who.clone(), Some("s1")), later, received(50))
            .await
            .unwrap();
        store.remember_logout(&LoggedOut::sessions(who.clone(), index), earlier, received(60)).await.unwrap();
        let kept = store.latest_logout(who, &["s1".to_owned()]).await.unwrap();
        assert_eq!(kept, Some(RememberedLogout { issued_at: later, received_at: received(60) }), "{index:?}");
    }
}

pub async fn what_is_over_of_logouts_is_swept(store: impl Store) {
    let kept = pending("one");
    store.keep_logout(&kept).await.unwrap();
    // The same logout twice, and in between it was received by a machine whose clock is ahead of the others.
    let earlier = now() - TimeDelta::hours(1);
    for at in [earlier, now(), earlier] {
        store.remember_logout(&LoggedOut::all_of(person("ada")), at, at).await.unwrap();
    }
    assert_eq!(store.sweep_logouts(now()).await.unwrap(), 0);
    assert_eq!(store.sweep_logouts(kept.expires_at()).await.unwrap(), 1);
    let day = now() + LOGOUT_MEMORY;
    assert_eq!(store.sweep_logouts(day - TimeDelta::milliseconds(1)).await.unwrap(), 0);
    assert!(store.latest_logout(&person("ada"), &[]).await.unwrap().is_some());
    // A day, and as long as clocks differ. A clock that is ahead is not enough: a later logout shows that the day is over.
    let later = now() + TimeDelta::hours(26);
    assert_eq!(store.sweep_logouts(later).await.unwrap(), 0);
    store.remember_logout(&LoggedOut::all_of(person("bob")), now(), later).await.unwrap();
    assert_eq!(store.sweep_logouts(later).await.unwrap(), 0, "it was received by that clock");
    assert!(store.latest_logout(&person("ada"), &[]).await.unwrap().is_some());
    store.remember_logout(&LoggedOut::all_of(person("bob")), later, later).await.unwrap();
    assert_eq!(store.sweep_logouts(later).await.unwrap(), 1);
    assert!(store.latest_logout(&person("ada"), &[]).await.unwrap().is_none());
    assert!(store.latest_logout(&person("bob"), &[]).await.unwrap().is_some());
}

/// An assertion that was issued before its person's logout, and comes after it (SAML Core 3.7.3.1), changes nothing at all.
pub async fn a_sign_in_whose_session_was_logged_out_leaves_nothing(store: impl Store) {
    let token = with_acme(&store).await;
    store.set_policy(&acme(), "", &author()).await.unwrap();
    let first = store.sign_in(sign_in(valid("ada", &token, "id1")).heeding_logouts()).await.unwrap();
    let ada = first.session.identity.clone().unwrap();
    let index = first.session.session_indexes.first().map(String::as_str);
    store
        .remember_logout(&LoggedOut::sessions(ada.clone(), index), ISSUE_INSTANT, ISSUE_INSTANT)
        .await
        .unwrap();
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(ada.clone(), index)).await.unwrap(), 1);

    store.set_policy(&acme(), POLICY, &author()).await.unwrap();
    let (before, audit) = (store.whole(&acme()).await.unwrap(), audit_of_people(&store).await);
    let late = || valid("ada", &token, "id2");
    let refused = store.sign_in(sign_in(late()).heeding_logouts()).await.unwrap_err();
    assert_eq!(refused.code(), "store.logged_out");
    assert_eq!(store.whole(&acme()).await.unwrap(), before);
    assert_eq!(audit_of_people(&store).await, audit);
    assert!(!store.is_recorded(late().replay_key().hash()).await.unwrap());
    // Where nobody takes logouts, none counts; and another person has not been logged out.
    store.sign_in(sign_in(valid("eve", &token, "id3")).heeding_logouts()).await.unwrap();
    store.sign_in(sign_in(late())).await.unwrap();
}

/// A logout from a machine whose clock is ahead, and a later one from a machine whose clock is right. The assertion was
/// asked for more than five seconds after the first, and before the second.
pub async fn a_logout_that_was_received_last_counts_although_another_was_issued_later(store: impl Store) {
    let token = with_acme(&store).await;
    let first = store.sign_in(sign_in(valid("ada", &token, "id1")).heeding_logouts()).await.unwrap();
    let ada = first.session.identity.clone().unwrap();
    let at = |seconds| ISSUE_INSTANT + TimeDelta::seconds(seconds);
    let asked = |id: &str| sign_in(valid_reply("ada", &token, id, at(-1))).heeding_logouts();
    store.remember_logout(&LoggedOut::all_of(ada.clone()), at(10), at(-8)).await.unwrap();
    store.sign_in(asked("id2")).await.unwrap();
    store.remember_logout(&LoggedOut::all_of(ada.clone()), at(1), at(1)).await.unwrap();
    store.revoke_logged_out(&LoggedOut::all_of(ada.clone())).await.unwrap();
    assert_eq!(store.sign_in(asked("id3")).await.unwrap_err().code(), "store.logged_out");
}

/// A session and all of its person were logged out, one before the assertion was issued and the other after it. The later
/// one counts, by the time when it was issued and by the time when it was received.
pub async fn of_several_logouts_of_a_sign_in_the_latest_counts(store: impl Store) {
    let token = with_acme(&store).await;
    let first = store.sign_in(sign_in(valid("ada", &token, "id0")).heeding_logouts()).await.unwrap();
    let ada = first.session.identity.clone().unwrap();
    let at = |seconds| ISSUE_INSTANT + TimeDelta::seconds(seconds);
    let of_the_session = LoggedOut::sessions(ada.clone(), Some("s1"));
    store.remember_logout(&of_the_session, at(-60), at(-60)).await.unwrap();
    let asked = |id: &str| sign_in(valid_reply("ada", &token, id, at(-1))).heeding_logouts();
    store.sign_in(asked("id1")).await.unwrap();
    store.remember_logout(&LoggedOut::all_of(ada), at(1), at(1)).await.unwrap();
    assert_eq!(store.sign_in(asked("id2")).await.unwrap_err().code(), "store.logged_out");
}

/// A logout and an assertion of one second: the request that the assertion answers was made before the logout was received, or after it.
pub async fn whoever_signs_in_again_within_the_second_of_a_logout_is_let_in(store: impl Store) {
    let token = with_acme(&store).await;
    let first = store.sign_in(sign_in(valid("ada", &token, "id1")).heeding_logouts()).await.unwrap();
    let ada = first.session.identity.clone().unwrap();
    let received_at = ISSUE_INSTANT + TimeDelta::milliseconds(300);
    store.remember_logout(&LoggedOut::all_of(ada.clone()), ISSUE_INSTANT, received_at).await.unwrap();
    store.revoke_logged_out(&LoggedOut::all_of(ada.clone())).await.unwrap();
    let asked = |id: &str, milliseconds: i64| {
        let asked_at = ISSUE_INSTANT + TimeDelta::milliseconds(milliseconds);
        sign_in(valid_reply("ada", &token, id, asked_at)).heeding_logouts()
    };
    for (id, milliseconds) in [("id2", 299), ("id3", 300)] {
        let refused = store.sign_in(asked(id, milliseconds)).await.unwrap_err();
        assert_eq!(refused.code(), "store.logged_out", "{milliseconds}");
    }
    store.sign_in(asked("id4", 301)).await.unwrap();
}

/// A session whose assertion has no index may be the one that a logout of any index meant.
pub async fn a_sign_in_without_an_index_heeds_every_logout(store: impl Store) {
    let token = with_acme(&store).await;
    let late = |id: &str| sign_in(valid_without_index("ada", &token, id)).heeding_logouts();
    let first = store.sign_in(late("id1")).await.unwrap();
    assert!(first.session.session_indexes.is_empty());
    let ada = first.session.identity.clone().unwrap();
    store
        .remember_logout(&LoggedOut::sessions(ada.clone(), Some("s1")), ISSUE_INSTANT, ISSUE_INSTANT)
        .await
        .unwrap();
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(ada.clone(), Some("s1"))).await.unwrap(), 1);
    assert_eq!(store.sign_in(late("id2")).await.unwrap_err().code(), "store.logged_out");
    store.sign_in(sign_in(valid("ada", &token, "id3")).heeding_logouts()).await.unwrap();
}

/// An assertion with several statements is of several sessions at the identity provider, and the logout of any of them means it.
pub async fn a_sign_in_of_several_sessions_heeds_the_logout_of_any(store: impl Store) {
    let token = with_acme(&store).await;
    let of_two = |id: &str| sign_in(valid_of_sessions("ada", &token, id, ["s1", "s2"])).heeding_logouts();
    let first = store.sign_in(of_two("id1")).await.unwrap();
    assert_eq!(first.session.session_indexes, ["s1", "s2"]);
    let ada = first.session.identity.clone().unwrap();
    store
        .remember_logout(&LoggedOut::sessions(ada.clone(), Some("s3")), ISSUE_INSTANT, ISSUE_INSTANT)
        .await
        .unwrap();
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(ada.clone(), Some("s3"))).await.unwrap(), 0);
    store.sign_in(of_two("id2")).await.unwrap();

    store
        .remember_logout(&LoggedOut::sessions(ada.clone(), Some("s2")), ISSUE_INSTANT, ISSUE_INSTANT)
        .await
        .unwrap();
    let both = ["s1", "s2"].map(str::to_owned);
    assert!(store.latest_logout(&ada, &both).await.unwrap().is_some());
    assert!(store.latest_logout(&ada, &both[..1]).await.unwrap().is_none());
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(ada.clone(), Some("s2"))).await.unwrap(), 2);
    assert_eq!(store.sign_in(of_two("id3")).await.unwrap_err().code(), "store.logged_out");
}

/// Whichever is first: the sign-in is refused, or its session is among those that end. Some logouts omit the name's
/// Format, or name another.
pub async fn a_logout_during_a_sign_in_ends_its_session(store: impl Store) {
    let token = with_acme(&store).await;
    let mut outcomes = [0, 0];
    for round in 0..30 {
        let person = format!("person{round}");
        let known = store.sign_in(sign_in(valid(&person, &token, &format!("{round}a")))).await.unwrap();
        let identity = known.session.identity.clone().unwrap();
        let logout = match round % 2 {
            0 => LoggedOut::all_of(identity),
            _ => {
                let bare = Identity::new(identity.connection, identity.subject);
                LoggedOut::sessions(bare, &known.session.session_indexes).named_with(None, None, None)
            }
        };
        let signing_in = {
            let (store, token, person) = (store.clone(), token.clone(), person.clone());
            tokio::spawn(async move {
                let valid = valid(&person, &token, &format!("{round}b"));
                store.sign_in(sign_in(valid).heeding_logouts()).await
            })
        };
        let store_of_logout = store.clone();
        let logging_out = tokio::spawn(async move {
            // Somewhere within the sign-in.
            tokio::time::sleep(std::time::Duration::from_millis(round % 10)).await;
            store_of_logout.remember_logout(&logout, ISSUE_INSTANT, ISSUE_INSTANT).await.unwrap();
            store_of_logout.revoke_logged_out(&logout).await.unwrap()
        });
        let (signed_in, ended) = (signing_in.await.unwrap(), logging_out.await.unwrap());
        match signed_in {
            Ok(signed_in) => {
                assert!(store.find(&signed_in.id, ISSUE_INSTANT).await.unwrap().is_none(), "round {round}");
                assert_eq!(ended, 2);
                outcomes[0] += 1;
            }
            Err(refused) => {
                assert_eq!((refused.code(), ended), ("store.logged_out", 1));
                outcomes[1] += 1;
            }
        }
    }
    assert_eq!(outcomes.iter().sum::<i32>(), 30);
}
