//! Sessions in the memory of each machine, for as long as it is sure that nobody has ended them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId,
    provisioning::{AccountId, Identity},
};

use crate::{Announcements, Announces, Answer, Revocation, Session, SessionId, SessionStore};

/// How long what is known of the store is used without asking. A session is dead on this machine so long after it was ended at the latest,
/// whatever happens to the connection meanwhile.
const LEASE: Duration = Duration::from_millis(90);

/// How often the store is asked whether everything was heard.
const ASK_EVERY: Duration = Duration::from_millis(25);

/// How long to wait before listening again, where that failed: longer each time.
const WAITS: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// A store of sessions that answers most look-ups from memory.
///
/// A page that somebody looks at costs the database nothing, and yet a session that is ended (by suspension, by SCIM, by a logout, by an admin)
/// is dead on every machine within 100 ms of the answer: the store [announces](Announces) it in the transaction that ends it, and each
/// machine listens on a connection of its own. What it remembers is used only while it is sure that it heard everything: every 25 ms it asks over that
/// same connection, and what was answered is good for 90 ms from when it was asked. If the connection is lost or slow, or the machine is too busy to
/// ask, each look-up goes to the store, until it is heard again; then it begins with nothing remembered.
///
/// A session that ends without use is looked up when its use is to be noted, once a minute at most.
///
/// So the price is some forty questions a second and machine, and one connection. It listens on the runtime on which it was started, and
/// until its last clone goes.
///
/// ```no_run
/// use vouchsafe_store::{CachedSessions, Postgres, SessionId, SessionStore};
///
/// # async fn example(id: SessionId, now: chrono::DateTime<chrono::Utc>) -> Result<(), vouchsafe_store::StoreError> {
/// # #[cfg(feature = "postgres")]
/// # {
/// let store = Postgres::connect("postgres://db.example.com/service").await?;
/// let sessions = CachedSessions::start(store, 100_000);
/// let session = sessions.find(&id, now).await?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CachedSessions<S> {
    store: S,
    cache: Arc<Cache>,
}

impl<S: Announces + Clone + 'static> CachedSessions<S> {
    /// Remembers so many sessions at most, and begins to listen.
    pub fn start(store: S, most: usize) -> Self {
        let cache = Arc::new(Cache { most: most.max(1), state: Mutex::default() });
        tokio::spawn(listen(store.clone(), Arc::downgrade(&cache)));
        Self { store, cache }
    }
}

impl<S> CachedSessions<S> {
    /// What it remembers, for who ends sessions on this machine by other ways than its methods.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn cache(&self) -> Arc<Cache> {
        Arc::clone(&self.cache)
    }

    /// Whether look-ups are answered from memory just now: for a gauge.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.cache.state().is_live(Instant::now())
    }
}

/// What is remembered, and until when.
#[derive(Debug)]
pub(crate) struct Cache {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when what is remembered may be used; `None`: nobody listens.
    good_until: Option<Instant>,
    /// Grows with everything that is heard. What was read before something was heard is not remembered after it.
    heard: u64,
    sessions: HashMap<String, Session>,
    of_accounts: HashMap<AccountId, HashSet<String>>,
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This was ended on this machine, where it is over at once.
    pub(crate) fn hear(&self, ended: &[Revocation]) {
        self.state().hear(ended);
    }

    /// Everything that was ended before `asked` was heard.
    fn renew(&self, told: &[Revocation], asked: Instant) {
        let mut state = self.state();
        if state.good_until.is_none() {
            // What was read before anybody listened may have ended before it.
            state.heard = state.heard.wrapping_add(1);
        }
        state.hear(told);
        state.good_until = asked.checked_add(LEASE);
    }

    /// Nobody listens any more.
    fn lose(&self) {
        let mut state = self.state();
        state.good_until = None;
        state.forget_all();
    }
}

impl State {
    fn is_live(&self, now: Instant) -> bool {
        self.good_until.is_some_and(|end| now < end)
    }

    fn hear(&mut self, told: &[Revocation]) {
        let over: HashSet<&ConnectionId> = told
            .iter()
            .filter_map(|one| match one {
                Revocation::Connection(id) => Some(id),
                _ => None,
            })
            .collect();
        if !over.is_empty() {
            self.forget_where(|session| session.connection.as_ref().is_some_and(|id| over.contains(id)));
        }
        for revocation in told {
            self.heard = self.heard.wrapping_add(1);
            match revocation {
                Revocation::Session(hash) => self.forget(hash),
                Revocation::Account(account) => {
                    for hash in self.of_accounts.remove(account).unwrap_or_default() {
                        self.sessions.remove(&hash);
                    }
                }
                Revocation::Connection(_) => {}
                Revocation::Some => self.forget_all(),
            }
        }
    }

    /// Goes through everything that is remembered: for what ends rarely.
    fn forget_where(&mut self, is_over: impl Fn(&Session) -> bool) {
        self.heard = self.heard.wrapping_add(1);
        let over = self.sessions.iter().filter(|(_, session)| is_over(session));
        let hashes: Vec<String> = over.map(|(hash, _)| hash.clone()).collect();
        hashes.iter().for_each(|hash| self.forget(hash));
    }

    fn forget(&mut self, hash: &str) {
        let Some(session) = self.sessions.remove(hash) else { return };
        if let Some(hashes) = self.of_accounts.get_mut(&session.account) {
            hashes.remove(hash);
            if hashes.is_empty() {
                self.of_accounts.remove(&session.account);
            }
        }
    }

    fn forget_all(&mut self) {
        self.heard = self.heard.wrapping_add(1);
        self.sessions.clear();
        self.of_accounts.clear();
    }

    fn remember(&mut self, hash: &str, session: &Session, heard: u64, most: usize) {
        if self.heard != heard || self.good_until.is_none() {
            return;
        }
        if self.sessions.len() >= most {
            // Any one, to make room: it is read again when it is asked for.
            let some = self.sessions.keys().next().cloned();
            some.iter().for_each(|hash| self.forget(hash));
        }
        self.sessions.insert(hash.to_owned(), session.clone());
        self.of_accounts.entry(session.account.clone()).or_default().insert(hash.to_owned());
    }
}

/// Listens until the last clone of the store is gone.
async fn listen<S: Announces>(store: S, cache: Weak<Cache>) {
    let mut waits = WAITS.iter();
    loop {
        if let Ok(mut announcements) = store.announcements().await {
            waits = WAITS.iter();
            hear(&mut *announcements, &cache).await;
        }
        let Some(held) = cache.upgrade() else { return };
        held.lose();
        drop(held);
        tokio::time::sleep(*waits.next().or(WAITS.last()).unwrap_or(&LEASE)).await;
    }
}

/// Hears until the connection is lost.
async fn hear(announcements: &mut dyn Announcements, cache: &Weak<Cache>) {
    loop {
        let asked = Instant::now();
        // What takes longer is of no use any more, and may be a connection that is dead without saying so.
        let answered = tokio::time::timeout(LEASE.saturating_mul(10), announcements.until_now()).await;
        let Ok(Ok(told)) = answered else { return };
        let Some(held) = cache.upgrade() else { return };
        held.renew(&told, asked);
        drop(held);
        let Some(next) = asked.checked_add(ASK_EVERY) else { return };
        loop {
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let Ok(told) = announcements.next(left).await else { return };
            let Some(held) = cache.upgrade() else { return };
            held.hear(&told);
        }
    }
}

impl<S: SessionStore> SessionStore for CachedSessions<S> {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        self.store.create(id, session)
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let heard = {
                let state = self.cache.state();
                let known = state.sessions.get(id.hash()).filter(|_| state.is_live(Instant::now()));
                // One whose use is to be noted is looked up: it may have been used at another machine.
                if let Some(session) = known.filter(|session| session.notes_use_since(now).is_none()) {
                    return Ok(Some(session.clone()).filter(|session| !session.is_over(now)));
                }
                state.heard
            };
            let found = self.store.find(id, now).await?;
            if let Some(session) = &found {
                self.cache.state().remember(id.hash(), session, heard, self.cache.most);
            }
            Ok(found)
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        Box::pin(async move {
            let revoked = self.store.revoke(id).await?;
            self.cache.hear(&[Revocation::Session(id.hash().to_owned())]);
            Ok(revoked)
        })
    }

    fn revoke_by_name_id<'a>(
        &'a self,
        name_id: &'a Identity,
        session_index: Option<&'a str>,
    ) -> Answer<'a, u64> {
        Box::pin(async move {
            let revoked = self.store.revoke_by_name_id(name_id, session_index).await?;
            if revoked > 0 {
                self.cache.state().forget_where(|session| session.is_meant_by(name_id, session_index));
            }
            Ok(revoked)
        })
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        Box::pin(async move {
            let revoked = self.store.revoke_account(account).await?;
            self.cache.hear(&[Revocation::Account(account.clone())]);
            Ok(revoked)
        })
    }

    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        self.store.epoch(account)
    }

    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.store.sweep_sessions(now)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// Sessions of two accounts over two connections each, all of them remembered.
    fn remembered() -> State {
        let mut state = State { good_until: Instant::now().checked_add(LEASE), ..State::default() };
        for account in ["ada", "bob"] {
            for over in ["okta", "entra"] {
                let now = DateTime::UNIX_EPOCH;
                let mut session =
                    Session::of("acme".into(), account.into(), now).lasting(TimeDelta::hours(8), None);
                session.connection = Some(ConnectionId::new(over).unwrap());
                state.remember(&format!("{account} over {over}"), &session, 0, 10);
            }
        }
        state
    }

    fn left_after(told: Revocation) -> Vec<String> {
        let mut state = remembered();
        state.hear(&[told]);
        let mut left: Vec<String> = state.sessions.into_keys().collect();
        left.sort();
        left
    }

    #[test]
    fn what_ended_is_forgotten_and_nothing_else() {
        let account = Revocation::Account("ada".into());
        assert_eq!(left_after(account), ["bob over entra", "bob over okta"]);
        let session = Revocation::Session("ada over okta".to_owned());
        assert_eq!(left_after(session), ["ada over entra", "bob over entra", "bob over okta"]);
        let connection = Revocation::Connection(ConnectionId::new("okta").unwrap());
        assert_eq!(left_after(connection), ["ada over entra", "bob over entra"]);
        assert!(left_after(Revocation::Some).is_empty());
        for unknown in [
            Revocation::Account("eve".into()),
            Revocation::Session("eve".to_owned()),
            Revocation::Connection(ConnectionId::new("adfs").unwrap()),
        ] {
            assert_eq!(left_after(unknown).len(), 4);
        }
    }

    /// A look-up that began before anybody listened, and is answered after that, may have read what ended in between.
    #[test]
    fn nothing_is_remembered_that_was_read_before_anybody_listened() {
        let cache = Cache { most: 10, state: Mutex::default() };
        let session = Session::of("acme".into(), "ada".into(), DateTime::UNIX_EPOCH);
        for _ in 0..2 {
            let heard = cache.state().heard;
            cache.renew(&[], Instant::now());
            cache.state().remember("early", &session, heard, 10);
            assert!(cache.state().sessions.is_empty());
            let heard = cache.state().heard;
            cache.renew(&[], Instant::now());
            cache.state().remember("late", &session, heard, 10);
            assert_eq!(cache.state().sessions.len(), 1);
            cache.lose();
        }
    }

    /// What was read before something was heard may be what ended.
    #[test]
    fn nothing_is_remembered_that_was_read_before_something_was_heard() {
        for told in
            [Revocation::Account("ada".into()), Revocation::Connection(ConnectionId::new("okta").unwrap())]
        {
            let mut state = remembered();
            let (heard, session) = (state.heard, state.sessions.get("ada over okta").cloned().unwrap());
            state.hear(&[told]);
            state.remember("ada over okta", &session, heard, 10);
            assert!(!state.sessions.contains_key("ada over okta"));
        }
    }
}
