//! Replays, pending requests, sessions.

use crate::{Session, SessionId, SessionNameId, SessionStore};
use chrono::TimeDelta;
use std::time::Duration;
use tokio::task::JoinSet;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Expect, IdentityProvider, LoginOptions, PendingRequest,
    PostedResponse, Provider, ServiceProvider, Unsolicited,
    provisioning::{
        Account, AccountId, Actor, Change, Identity, LoggedOut, Organization, Policy, Snapshot, Status,
    },
};
use vouchsafe_testkit::{ASSERTION_CONSUMER, Attribute, SERVICE_PROVIDER};

use super::{Memoranda, Store, acme, author, change, connection, now, with_acme};

pub async fn one_of_a_hundred_records_is_the_first(store: impl Memoranda) {
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        tasks.spawn(async move { store.insert_once("0123", now()).await.unwrap() });
    }
    let firsts = tasks.join_all().await.into_iter().filter(|inserted| *inserted).count();
    assert_eq!(firsts, 1);
    assert!(store.insert_once("4567", now()).await.unwrap());
}

pub async fn records_are_swept_a_margin_after_their_time(store: impl Store) {
    let margin = vouchsafe::ReplayKey::MARGIN;
    let later = now() + TimeDelta::milliseconds(1);
    let newest = now() + TimeDelta::days(10);
    assert_eq!(store.sweep_replays(now()).await.unwrap(), 0, "there is none");
    assert!(store.insert_once("early", now()).await.unwrap());
    assert!(store.insert_once("late", later).await.unwrap());
    assert!(store.insert_once("newest", newest).await.unwrap());
    assert!(!store.insert_once("early", later).await.unwrap(), "it counts until it is swept");
    assert_eq!(store.sweep_replays(now() + margin - TimeDelta::milliseconds(1)).await.unwrap(), 0);
    assert_eq!(store.sweep_replays(now() + margin).await.unwrap(), 1);
    assert!(store.insert_once("early", later).await.unwrap());
    assert!(!store.insert_once("late", later).await.unwrap());
    assert_eq!(store.sweep_replays(newest).await.unwrap(), 2);
    assert!(!store.insert_once("newest", newest).await.unwrap());
}

/// The newest assertions are remembered whatever a clock says, and so is everything of the last day before them.
pub async fn a_clock_that_went_ahead_and_came_back_accepts_nothing_twice(store: impl Store) {
    let end = now() + TimeDelta::minutes(5);
    assert!(store.insert_once("old", end - TimeDelta::hours(25)).await.unwrap());
    assert!(store.insert_once("yesterday", end - TimeDelta::hours(23)).await.unwrap());
    assert!(store.insert_once("just now", end).await.unwrap());
    for ahead in [
        TimeDelta::hours(2),
        TimeDelta::hours(26),
        TimeDelta::days(400),
        TimeDelta::days(365_000),
        TimeDelta::hours(-2),
        TimeDelta::days(-400),
        TimeDelta::zero(),
    ] {
        store.sweep_replays(now() + ahead).await.unwrap();
        assert!(!store.insert_once("just now", end).await.unwrap(), "{ahead}");
        assert!(!store.insert_once("yesterday", end).await.unwrap(), "{ahead}");
    }
    store.sweep_replays(chrono::DateTime::<chrono::Utc>::MAX_UTC).await.unwrap();
    store.sweep_replays(chrono::DateTime::<chrono::Utc>::MIN_UTC).await.unwrap();
    assert!(!store.insert_once("just now", end).await.unwrap());
    assert!(store.insert_once("old", end).await.unwrap(), "what is over by more than the margin went");
    // One that lasts for a thousand years takes the place of the newest: the clock's margin is what is left.
    assert!(store.insert_once("a thousand years", now() + TimeDelta::days(365_000)).await.unwrap());
    store.sweep_replays(now() + TimeDelta::hours(2)).await.unwrap();
    assert!(!store.insert_once("just now", end).await.unwrap());
}

/// One assertion that is valid to the end of the calendar, which its own identity provider may sign, keeps no other record.
pub async fn a_record_without_end_does_not_keep_the_others(store: impl Store) {
    let margin = vouchsafe::ReplayKey::MARGIN;
    let last = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    assert!(store.insert_once("early", now()).await.unwrap());
    assert!(store.insert_once("without end", last).await.unwrap());
    assert_eq!(store.sweep_replays(now() + margin).await.unwrap(), 1);
    assert!(!store.insert_once("without end", last).await.unwrap());
}

pub async fn a_record_lasts_to_its_last_nanosecond(store: impl Store) {
    let margin = vouchsafe::ReplayKey::MARGIN;
    let end = now() + TimeDelta::nanoseconds(1);
    assert!(store.insert_once("fraction", end).await.unwrap());
    assert!(store.insert_once("newest", now() + TimeDelta::days(10)).await.unwrap());
    assert_eq!(store.sweep_replays(now() + margin).await.unwrap(), 0, "a moment too early");
    assert!(!store.insert_once("fraction", end).await.unwrap());
    assert_eq!(store.sweep_replays(now() + margin + TimeDelta::milliseconds(1)).await.unwrap(), 1);

    let session_end = now() + TimeDelta::seconds(60) + TimeDelta::nanoseconds(1);
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = session("1", "ada", "s1").lasting(Duration::from_secs(28_800), Some(session_end));
    store.create(&id, &session).await.unwrap();
    let last = session_end - TimeDelta::nanoseconds(1);
    assert_eq!(store.sweep_sessions(last).await.unwrap(), 0);
    assert_eq!(store.find(&id, last).await.unwrap(), Some(session));
    assert_eq!(store.find(&id, session_end).await.unwrap(), None);
    assert_eq!(store.sweep_sessions(session_end + TimeDelta::milliseconds(1)).await.unwrap(), 1);
}

pub async fn an_assertion_is_confirmed_once(store: impl Memoranda) {
    let (service, okta) = service();
    let idp = vouchsafe_testkit::IdentityProvider::okta();
    let attributes = [Attribute::new("department", ["R&D"]), Attribute::new("groups", [""; 0])];
    let response =
        attributes.into_iter().fold(idp.response(), |response, attribute| response.attribute(attribute));
    let issued = response.issue().unwrap();
    let now = vouchsafe_testkit::ISSUE_INSTANT;
    let receive = || {
        let posted = PostedResponse::from_base64(&issued.to_base64(), service.limits()).unwrap();
        let claimed = service.open(posted).unwrap();
        service.receive(claimed, std::slice::from_ref(&okta), Expect::Unsolicited, now).unwrap()
    };
    let valid = receive();
    let key = valid.replay_key();
    let login = valid.confirm_with(&store).await.unwrap();
    let facts = vouchsafe::provisioning::LoginFacts::from(&login);
    assert_eq!(facts.issuer.as_str(), idp.entity_id());
    assert_eq!(facts.at, now);
    assert_eq!(facts.assertion_expires_at, Some(key.expires_at()));
    assert_eq!(facts.audience.as_ref().map(vouchsafe::EntityId::as_str), Some(SERVICE_PROVIDER));
    assert!(facts.subject.is_some() && !facts.assertion_id.is_empty());
    assert_eq!(facts.values("department"), Some(["R&D".to_owned()].as_slice()));
    assert_eq!(facts.values("groups"), Some([].as_slice()), "there and empty");
    assert_eq!(facts.values("absent"), None);
    // The audit names the assertion as the replay record does.
    let plan = {
        let mut acme = Organization::new(acme(), "acme", "Acme");
        acme.entitled = true;
        acme.verified_domains = vec!["example.com".to_owned()];
        let issuer = vouchsafe::EntityId::new(idp.entity_id()).unwrap();
        let token = acme.convert(issuer, &Provider::rustcrypto(), now).unwrap().reveal();
        let facts = facts.with_attribute("token", [token]).without_attribute("user.email");
        let facts = facts.with_attribute("user.email", ["ada@example.com"]);
        Policy::default().plan(facts, &Snapshot::new(acme)).unwrap()
    };
    assert_eq!(plan.assertion_hash(), Some(key.hash()));
    let session = Session::new(&login, acme(), AccountId::new("1"), Duration::from_secs(9 * 86_400));
    assert_eq!(session.identity, Identity::of_login(&login));
    assert_eq!(session.connection.as_ref(), Some(login.connection()));
    assert!(session.identity.is_some());
    assert!(login.session_not_on_or_after().is_none_or(|end| session.expires_at <= end));

    let refused = receive().confirm_with(&store).await.unwrap_err();
    assert_eq!(refused, "assertion.replayed");
}

/// The two steps of the main path.
trait Confirm {
    async fn confirm_with(self, store: &impl Memoranda) -> Result<vouchsafe::Login, &'static str>;
}

impl Confirm for vouchsafe::ValidAssertion {
    async fn confirm_with(self, store: &impl Memoranda) -> Result<vouchsafe::Login, &'static str> {
        let recorded = store.record(self.replay_key()).await.map_err(|failure| failure.code())?;
        self.confirm(recorded).map_err(|refusal| refusal.code())
    }
}

pub async fn a_pending_request_is_found_until_it_is_removed(store: impl Memoranda) {
    let (pending, other) = (pending(), pending());
    let handle = pending.handle().to_owned();
    store.put(&pending).await.unwrap();
    store.put(&other).await.unwrap();
    for _ in 0..3 {
        let found = store.find_pending(&handle, now()).await.unwrap().unwrap();
        assert_eq!(found.to_stored(), pending.to_stored());
    }
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, handle) = (store.clone(), handle.clone());
        tasks.spawn(async move { store.remove_pending(&handle).await.unwrap() });
    }
    let removed = tasks.join_all().await.into_iter().filter(|removed| *removed).count();
    assert_eq!(removed, 1);
    assert!(store.find_pending(&handle, now()).await.unwrap().is_none());
    assert!(store.find_pending(other.handle(), now()).await.unwrap().is_some(), "another's stays");
}

pub async fn a_pending_request_ends_at_its_time(store: impl Memoranda) {
    let pending = pending();
    let end = pending.expires_at();
    store.put(&pending).await.unwrap();
    let last = end - TimeDelta::milliseconds(1);
    assert!(store.find_pending(pending.handle(), last).await.unwrap().is_some());
    assert!(store.find_pending(pending.handle(), end).await.unwrap().is_none());
}

pub async fn pending_requests_are_swept(store: impl Store) {
    let pending = pending();
    let end = pending.expires_at();
    store.put(&pending).await.unwrap();
    assert_eq!(store.sweep_pending(end - TimeDelta::seconds(1)).await.unwrap(), 0);
    assert_eq!(store.sweep_pending(end).await.unwrap(), 1);
    assert_eq!(store.sweep_pending(end).await.unwrap(), 0);
}

pub async fn a_session_lasts_until_its_end_and_no_longer(store: impl Memoranda) {
    let limit = now() + TimeDelta::hours(1);
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = session("1", "ada", "s1").lasting(Duration::from_secs(28_800), Some(limit));
    assert_eq!(session.expires_at, limit);
    store.create(&id, &session).await.unwrap();
    let shown = SessionId::received(id.reveal(), &Provider::rustcrypto()).unwrap();
    let before = limit - TimeDelta::milliseconds(1);
    assert_eq!(store.find(&shown, before).await.unwrap(), Some(session));
    assert_eq!(store.find(&shown, limit).await.unwrap(), None);
    assert!(!format!("{id:?}").contains(id.reveal()));
}

pub async fn sessions_are_swept(store: impl Store) {
    let limit = now() + TimeDelta::hours(1);
    let before = limit - TimeDelta::milliseconds(1);
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = session("1", "ada", "s1").lasting(Duration::from_secs(28_800), Some(limit));
    store.create(&id, &session).await.unwrap();
    assert_eq!(store.sweep_sessions(before).await.unwrap(), 0);
    assert_eq!(store.sweep_sessions(limit).await.unwrap(), 1);
    assert_eq!(store.find(&id, before).await.unwrap(), None);
}

pub async fn sessions_end_by_id_by_name_and_by_account(store: impl Memoranda) {
    let mut ids = Vec::new();
    for (account, name, index) in
        [("1", "ada", "s1"), ("1", "ada", "s2"), ("2", "bob", "s3"), ("2", "bob", "s4")]
    {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let session = session(account, name, index).lasting(Duration::from_secs(28_800), None);
        store.create(&id, &session).await.unwrap();
        ids.push(id);
    }
    let ada = Identity::new(connection(), "ada");
    let other = Identity::new(ConnectionId::new("globex").unwrap(), "ada");
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(other.clone())).await.unwrap(), 0);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(ada.clone(), Some("s3"))).await.unwrap(), 0);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(ada.clone(), Some("s1"))).await.unwrap(), 1);
    assert_eq!(store.find(&ids[0], now()).await.unwrap(), None);
    assert!(store.find(&ids[1], now()).await.unwrap().is_some());
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(ada.clone())).await.unwrap(), 1);
    assert!(store.revoke(&ids[2]).await.unwrap());
    assert!(!store.revoke(&ids[2]).await.unwrap());
    assert_eq!(store.epoch(&AccountId::new("2")).await.unwrap(), 0);
    assert_eq!(store.revoke_account(&AccountId::new("2")).await.unwrap(), 1);
    assert_eq!(store.epoch(&AccountId::new("2")).await.unwrap(), 1);
    assert_eq!(store.find(&ids[3], now()).await.unwrap(), None);
}

/// A logout request for one of three persons of one name leaves the other two alone.
pub async fn a_name_ends_the_sessions_of_its_own_person_only(store: impl Memoranda) {
    let plain = Identity::new(connection(), "12345");
    let persistent = plain.clone().with_format(vouchsafe::metadata::name_id_format::PERSISTENT);
    let qualified = persistent.clone().with_qualifiers(Some("http://idp.example/a"), None);
    let mut ids = Vec::new();
    for identity in [&plain, &persistent, &qualified] {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let mut session = session("1", "12345", "s1").lasting(Duration::from_secs(28_800), None);
        session.identity = Some(identity.clone());
        store.create(&id, &session).await.unwrap();
        ids.push(id);
    }
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(persistent.clone())).await.unwrap(), 1);
    let left = async |id| store.find(id, now()).await.unwrap().is_some();
    assert_eq!((left(&ids[0]).await, left(&ids[1]).await, left(&ids[2]).await), (true, false, true));
}

/// A session whose assertion had no index may be the one that is meant by any.
pub async fn an_index_ends_the_sessions_without_one(store: impl Memoranda) {
    let person = Identity::new(connection(), "ada");
    let mut ids = Vec::new();
    for index in [Some("s1"), Some("s2"), Some(""), None] {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let mut session = session("1", "ada", "s1").lasting(Duration::from_secs(28_800), None);
        session.session_indexes = index.map(str::to_owned).into_iter().collect();
        store.create(&id, &session).await.unwrap();
        ids.push(id);
    }
    let left = async || {
        let mut left = Vec::new();
        for id in &ids {
            left.push(store.find(id, now()).await.unwrap().is_some());
        }
        left
    };
    let other = person.over(ConnectionId::new("other").unwrap());
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(other.clone(), Some("s1"))).await.unwrap(), 0);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person.clone(), Some("s1"))).await.unwrap(), 2);
    assert_eq!(left().await, [false, true, true, false]);
    assert_eq!(store.revoke_logged_out(&LoggedOut::all_of(person.clone())).await.unwrap(), 2);
}

/// A session of several statements is ended by the index of any of them (SAML Core 2.7.2, 3.7.1).
pub async fn any_of_several_indexes_ends_a_session(store: impl Memoranda) {
    let person = Identity::new(connection(), "ada");
    let mut ids = Vec::new();
    let sessions: [&[&str]; 6] =
        [&["s1", "s2"], &["s2", "s3"], &["s4"], &["s", "s1,s2", "\",\"", "{s4}"], &["[]", "{}"], &[]];
    for indexes in sessions {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let mut session = session("1", "ada", "s1").lasting(Duration::from_secs(28_800), None);
        session.session_indexes = indexes.iter().map(|index| (*index).to_owned()).collect();
        store.create(&id, &session).await.unwrap();
        assert_eq!(store.find(&id, now()).await.unwrap().as_ref(), Some(&session));
        ids.push(id);
    }
    let left = async || {
        let mut left = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            if store.find(id, now()).await.unwrap().is_some() {
                left.push(place);
            }
        }
        left
    };
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person.clone(), Some("s3"))).await.unwrap(), 2);
    assert_eq!(left().await, [0, 2, 3, 4]);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person.clone(), Some("s2"))).await.unwrap(), 1);
    assert_eq!(left().await, [2, 3, 4]);
    assert_eq!(
        store.revoke_logged_out(&LoggedOut::sessions(person.clone(), Some("\",\""))).await.unwrap(),
        1
    );
    assert_eq!(left().await, [2, 4]);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person.clone(), Some("{}"))).await.unwrap(), 1);
    assert_eq!(store.revoke_logged_out(&LoggedOut::sessions(person.clone(), Some("s4,"))).await.unwrap(), 0);
    assert_eq!(left().await, [2]);
}

pub async fn a_negative_lifetime_ends_a_session(store: impl Memoranda) {
    let limit = now() + TimeDelta::hours(1);
    for (at_most, end) in [
        (Duration::ZERO, now()),
        (Duration::from_secs(3_600), limit),
        (Duration::from_secs(400_000_000 * 86_400), limit),
        (Duration::MAX, limit),
    ] {
        let session = session("1", "ada", "s1").lasting(at_most, Some(limit));
        assert_eq!(session.expires_at, end, "{at_most:?}");
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        store.create(&id, &session).await.unwrap();
        assert_eq!(store.find(&id, now()).await.unwrap().is_some(), end > now());
        assert_eq!(store.find(&id, limit).await.unwrap(), None);
    }
    let endless = session("1", "ada", "s1").lasting(Duration::ZERO, None);
    assert!(endless.is_over(now()), "it began and is over");
    assert!(!session("1", "ada", "s1").lasting(Duration::MAX, None).is_over(limit));
}

pub async fn a_suspended_account_gets_no_session(store: impl Store) {
    with_acme(&store).await;
    let mut account = Account::new(AccountId::new("1"), acme(), "ada@example.com");
    account.status = Status::Suspended;
    store.add_account(&account, &author()).await.unwrap();
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = session("1", "ada", "s1").lasting(Duration::from_secs(28_800), None);
    assert_eq!(store.create(&id, &session).await.unwrap_err().code(), "store.account_suspended");
    let other = SessionId::generate(&Provider::rustcrypto()).unwrap();
    store.create(&other, &self::session("2", "bob", "s2").lasting(Duration::MAX, None)).await.unwrap();
    change(&store, &account.id, Change::Reactivate, Actor::Operator).await.unwrap();
    store.create(&id, &session).await.unwrap();
    change(&store, &account.id, Change::Suspend, Actor::Operator).await.unwrap();
    assert_eq!(store.find(&id, now()).await.unwrap(), None, "suspended by hand");
}

fn session(account: &str, name: &str, index: &str) -> Session {
    let mut session = Session::of(acme(), AccountId::new(account), now());
    session.name_id = Some(SessionNameId::new(name));
    session.connection = Some(connection());
    session.identity = Some(Identity::new(connection(), name));
    session.session_indexes = vec![index.to_owned()];
    session
}

pub fn service() -> (ServiceProvider, Connection) {
    service_over("acme")
}

/// The same with a connection of another name to the same identity provider.
pub fn service_over(connection: &str) -> (ServiceProvider, Connection) {
    let idp = vouchsafe_testkit::IdentityProvider::okta();
    let trusted = IdentityProvider::from_metadata(idp.metadata().unwrap().as_bytes()).unwrap();
    let okta = Connection::new(ConnectionId::new(connection).unwrap(), trusted)
        .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
        .unwrap();
    let service = ServiceProvider::builder(vouchsafe::EntityId::new(SERVICE_PROVIDER).unwrap())
        .assertion_consumer(ASSERTION_CONSUMER)
        .unwrap()
        .build()
        .unwrap();
    (service, okta)
}

pub fn pending() -> PendingRequest {
    let (service, okta) = service();
    service.start_login(&okta, LoginOptions::default(), now()).unwrap().pending
}

/// Looking up leaves the record to whoever makes it.
pub async fn a_record_is_looked_up_without_being_made(store: impl Memoranda) {
    for _ in 0..2 {
        assert!(!store.is_recorded("0123").await.unwrap());
    }
    assert!(store.insert_once("0123", now()).await.unwrap());
    assert!(store.is_recorded("0123").await.unwrap() && !store.is_recorded("4567").await.unwrap());
    let key = super::scenarios::valid("ada", "a token", "id1").replay_key();
    assert!(store.look_up(key.clone()).await.unwrap().is_first());
    assert!(store.record(key.clone()).await.unwrap().is_first());
    assert!(!store.look_up(key).await.unwrap().is_first());
}

/// A session of somebody that ends when it is not used for so long.
async fn unused(store: &impl SessionStore, idle: Duration, lasting: Duration) -> SessionId {
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = Session::of(super::acme(), "1".into(), now()).lasting(lasting, None);
    store.create(&id, &session.ending_without_use(Some(idle))).await.unwrap();
    id
}

/// Each use makes it last anew, and never beyond its end.
pub async fn a_session_that_nobody_uses_ends(store: impl Memoranda) {
    let idle = Duration::from_secs(600);
    let id = unused(&store, idle, Duration::from_secs(28_800)).await;
    let mut at = now();
    for _ in 0..5 {
        at += TimeDelta::seconds(599);
        let found = store.find(&id, at).await.unwrap().unwrap();
        assert_eq!((found.idle, found.last_used_at), (Some(idle), at));
    }
    at += TimeDelta::seconds(600);
    assert_eq!(store.find(&id, at).await.unwrap(), None);
    let (left, used) = (
        unused(&store, idle, Duration::from_secs(28_800)).await,
        unused(&store, idle, Duration::from_secs(900)).await,
    );
    assert!(store.find(&used, now() + TimeDelta::minutes(9)).await.unwrap().is_some());
    assert_eq!(store.find(&left, now() + TimeDelta::minutes(10)).await.unwrap(), None);
    assert_eq!(store.find(&used, now() + TimeDelta::minutes(15)).await.unwrap(), None, "its end");
}

/// A page a second is a write a minute, and of a short limit ten.
pub async fn use_is_noted_now_and_then(store: impl Memoranda) {
    for (idle, between) in [(3_600, 60), (600, 60), (100, 10), (10, 1)] {
        let id = unused(&store, Duration::from_secs(idle), Duration::from_secs(28_800)).await;
        let noted = async |seconds: i64| {
            let found = store.find(&id, now() + TimeDelta::seconds(seconds)).await.unwrap().unwrap();
            (found.last_used_at - now()).num_seconds()
        };
        assert_eq!(noted(between - 1).await, 0, "{idle}");
        assert_eq!(noted(between).await, between);
        assert_eq!(noted(2 * between - 1).await, between);
        assert_eq!(noted(2 * between).await, 2 * between);
    }
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = Session::of(super::acme(), "1".into(), now()).lasting(Duration::from_secs(28_800), None);
    store.create(&id, &session).await.unwrap();
    let found = store.find(&id, now() + TimeDelta::hours(7)).await.unwrap().unwrap();
    assert_eq!(found, session, "without a limit nothing is noted");
}

/// Whoever uses a session while it is ended brings nothing back.
pub async fn use_brings_no_session_back(store: impl Memoranda) {
    for round in 0..20 {
        let id = unused(&store, Duration::from_secs(600), Duration::from_secs(28_800)).await;
        let mut tasks = JoinSet::new();
        for seconds in 60..68 {
            let (store, id) =
                (store.clone(), SessionId::received(id.reveal(), &Provider::rustcrypto()).unwrap());
            tasks.spawn(async move { store.find(&id, now() + TimeDelta::seconds(seconds)).await.unwrap() });
        }
        assert_eq!(store.revoke_account(&"1".into()).await.unwrap(), 1, "round {round}");
        tasks.join_all().await;
        assert_eq!(store.find(&id, now()).await.unwrap(), None);
    }
}

pub async fn sessions_that_nobody_uses_are_swept(store: impl Store) {
    let idle = Duration::from_secs(600);
    let left = unused(&store, idle, Duration::from_secs(28_800)).await;
    let used = unused(&store, idle, Duration::from_secs(28_800)).await;
    assert!(store.find(&used, now() + TimeDelta::minutes(5)).await.unwrap().is_some());
    assert_eq!(store.sweep_sessions(now() + TimeDelta::seconds(599)).await.unwrap(), 0);
    assert_eq!(store.sweep_sessions(now() + TimeDelta::minutes(10)).await.unwrap(), 1);
    assert_eq!(store.find(&left, now()).await.unwrap(), None);
    assert!(store.find(&used, now() + TimeDelta::minutes(14)).await.unwrap().is_some());
}
