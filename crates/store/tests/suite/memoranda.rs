//! Replays, pending requests, sessions.

use chrono::TimeDelta;
use tokio::task::JoinSet;
use vouchsafe::{
    Expect, IdentityProvider, LoginOptions, PendingRequest, PostedResponse, Provider, ServiceProvider,
    provisioning::{Account, AccountId, Status},
};
use vouchsafe_store::{Session, SessionId, SessionNameId};
use vouchsafe_testkit::{ASSERTION_CONSUMER, Attribute, SERVICE_PROVIDER};

use super::{Store, acme, now, okta, with_acme};

pub(crate) async fn one_of_a_hundred_records_is_the_first(store: impl Store) {
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        tasks.spawn(async move { store.insert_once("0123", now()).await.unwrap() });
    }
    let firsts = tasks.join_all().await.into_iter().filter(|inserted| *inserted).count();
    assert_eq!(firsts, 1);
    assert!(store.insert_once("4567", now()).await.unwrap());
}

pub(crate) async fn records_are_swept_when_their_time_is_over(store: impl Store) {
    let later = now() + TimeDelta::milliseconds(1);
    assert!(store.insert_once("early", now()).await.unwrap());
    assert!(store.insert_once("late", later).await.unwrap());
    assert!(!store.insert_once("early", later).await.unwrap(), "it counts until it is swept");
    assert_eq!(store.sweep_replays(now()).await.unwrap(), 1);
    assert!(store.insert_once("early", later).await.unwrap());
    assert!(!store.insert_once("late", later).await.unwrap());
}

pub(crate) async fn an_assertion_is_confirmed_once(store: impl Store) {
    let (service, idp) = service();
    let attributes = [Attribute::new("department", ["R&D"]), Attribute::new("groups", [""; 0])];
    let response =
        attributes.into_iter().fold(idp.response(), |response, attribute| response.attribute(attribute));
    let issued = response.issue().unwrap();
    let now = vouchsafe_testkit::ISSUE_INSTANT;
    let receive = || {
        let posted = PostedResponse::from_base64(&issued.to_base64(), service.limits()).unwrap();
        service.receive(&posted, Expect::Unsolicited, now).unwrap()
    };
    let valid = receive();
    let login = valid.confirm_with(&store).await.unwrap();
    let facts = vouchsafe::provisioning::LoginFacts::from(&login);
    assert_eq!(facts.issuer.as_str(), idp.entity_id());
    assert_eq!(facts.at, now);
    assert!(facts.subject.is_some() && !facts.assertion_id.is_empty());
    assert_eq!(facts.values("department"), Some(["R&D".to_owned()].as_slice()));
    assert_eq!(facts.values("groups"), Some([].as_slice()), "there and empty");
    assert_eq!(facts.values("absent"), None);
    let session = Session::new(&login, acme(), AccountId::new("1"), TimeDelta::days(9));
    assert!(login.session_not_on_or_after().is_none_or(|end| session.expires_at <= end));

    let refused = receive().confirm_with(&store).await.unwrap_err();
    assert_eq!(refused, "assertion.replayed");
}

/// The two steps of the main path.
trait Confirm {
    async fn confirm_with(self, store: &impl Store) -> Result<vouchsafe::Login, &'static str>;
}

impl Confirm for vouchsafe::ValidAssertion {
    async fn confirm_with(self, store: &impl Store) -> Result<vouchsafe::Login, &'static str> {
        let first = store.record(self.replay_key()).await.map_err(|failure| failure.code())?;
        self.confirm(first).map_err(|refusal| refusal.code())
    }
}

pub(crate) async fn a_pending_request_is_taken_once(store: impl Store) {
    let pending = pending();
    let handle = pending.handle().to_owned();
    store.put(&pending).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, handle) = (store.clone(), handle.clone());
        tasks.spawn(async move { store.take(&handle, now()).await.unwrap() });
    }
    let taken: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to_stored(), pending.to_stored());
    assert!(store.take("nothing", now()).await.unwrap().is_none());
}

pub(crate) async fn a_pending_request_ends_at_its_time(store: impl Store) {
    let pending = pending();
    let end = pending.expires_at();
    store.put(&pending).await.unwrap();
    assert!(store.take(pending.handle(), end).await.unwrap().is_none());
    store.put(&pending).await.unwrap();
    assert_eq!(store.sweep_pending(end - TimeDelta::seconds(1)).await.unwrap(), 0);
    assert_eq!(store.sweep_pending(end).await.unwrap(), 1);
    assert_eq!(store.sweep_pending(end).await.unwrap(), 0);
}

pub(crate) async fn a_session_lasts_until_its_end_and_no_longer(store: impl Store) {
    let limit = now() + TimeDelta::hours(1);
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = session("1", "ada", "s1").lasting(TimeDelta::hours(8), Some(limit));
    assert_eq!(session.expires_at, limit);
    store.create(&id, &session).await.unwrap();
    let shown = SessionId::received(id.reveal(), &Provider::rustcrypto()).unwrap();
    let before = limit - TimeDelta::milliseconds(1);
    assert_eq!(store.find(&shown, before).await.unwrap(), Some(session));
    assert_eq!(store.find(&shown, limit).await.unwrap(), None);
    assert_eq!(store.sweep_sessions(before).await.unwrap(), 0);
    assert_eq!(store.sweep_sessions(limit).await.unwrap(), 1);
    assert_eq!(store.find(&shown, before).await.unwrap(), None);
    assert!(!format!("{id:?}").contains(id.reveal()));
}

pub(crate) async fn sessions_end_by_id_by_name_and_by_account(store: impl Store) {
    let mut ids = Vec::new();
    for (account, name, index) in
        [("1", "ada", "s1"), ("1", "ada", "s2"), ("2", "bob", "s3"), ("2", "bob", "s4")]
    {
        let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
        let session = session(account, name, index).lasting(TimeDelta::hours(8), None);
        store.create(&id, &session).await.unwrap();
        ids.push(id);
    }
    let other = vouchsafe::EntityId::new("http://www.okta.com/exk2").unwrap();
    assert_eq!(store.revoke_by_name_id(&other, "ada", None).await.unwrap(), 0);
    assert_eq!(store.revoke_by_name_id(&okta(), "ada", Some("s3")).await.unwrap(), 0);
    assert_eq!(store.revoke_by_name_id(&okta(), "ada", Some("s1")).await.unwrap(), 1);
    assert_eq!(store.find(&ids[0], now()).await.unwrap(), None);
    assert!(store.find(&ids[1], now()).await.unwrap().is_some());
    assert_eq!(store.revoke_by_name_id(&okta(), "ada", None).await.unwrap(), 1);
    assert!(store.revoke(&ids[2]).await.unwrap());
    assert!(!store.revoke(&ids[2]).await.unwrap());
    assert_eq!(store.revoke_account(&AccountId::new("2")).await.unwrap(), 1);
    assert_eq!(store.find(&ids[3], now()).await.unwrap(), None);
}

pub(crate) async fn a_suspended_account_gets_no_session(store: impl Store) {
    with_acme(&store).await;
    let mut account = Account::new(AccountId::new("1"), acme(), "ada@example.com");
    account.status = Status::Suspended;
    store.put_account(&account).await.unwrap();
    let id = SessionId::generate(&Provider::rustcrypto()).unwrap();
    let session = session("1", "ada", "s1").lasting(TimeDelta::hours(8), None);
    assert_eq!(store.create(&id, &session).await.unwrap_err().code(), "store.account_suspended");
    account.status = Status::Active;
    store.put_account(&account).await.unwrap();
    store.create(&id, &session).await.unwrap();
    account.status = Status::Suspended;
    store.put_account(&account).await.unwrap();
    assert_eq!(store.find(&id, now()).await.unwrap(), None, "suspended by hand");
}

fn session(account: &str, name: &str, index: &str) -> Session {
    let mut session = Session::of(okta(), acme(), AccountId::new(account), now());
    session.name_id = Some(SessionNameId::new(name));
    session.session_index = Some(index.to_owned());
    session
}

fn service() -> (ServiceProvider, vouchsafe_testkit::IdentityProvider) {
    let idp = vouchsafe_testkit::IdentityProvider::okta();
    let trusted = IdentityProvider::from_metadata(idp.metadata().unwrap().as_bytes()).unwrap();
    let service = ServiceProvider::builder(vouchsafe::EntityId::new(SERVICE_PROVIDER).unwrap())
        .assertion_consumer(ASSERTION_CONSUMER)
        .unwrap()
        .trust(trusted)
        .accept_unsolicited()
        .build()
        .unwrap();
    (service, idp)
}

fn pending() -> PendingRequest {
    let (service, idp) = service();
    let idp = vouchsafe::EntityId::new(idp.entity_id()).unwrap();
    service.start_login(&idp, LoginOptions::default(), now()).unwrap().1
}
