//! Sessions in the memory of each machine, used only while the machine is sure that nobody has ended them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId,
    provisioning::{AccountId, LoggedOut},
};

use crate::{Announcements, Announces, Answer, Revocation, Session, SessionId, SessionStore};

/// How long a cached session may be used without asking the store. At the latest after this time a session that was
/// ended is dead on this machine, whatever happens to the connection to the store.
const LEASE: Duration = Duration::from_millis(90);

/// How often the machine asks the store whether it has received every announcement.
const ASK_EVERY: Duration = Duration::from_millis(25);

/// The waits before it listens again after a failure: each is longer.
const WAITS: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// A session store that answers most look-ups from memory.
///
/// Most page views therefore cost the database nothing, and a session that is ended (by a suspension, SCIM, a logout or
/// an administrator) is dead on every machine within 100 ms of the answer. The store [announces](Announces) the end in
/// the same transaction, and each machine listens on a connection of its own. A machine uses its memory only while it
/// is sure that it has received every announcement: every 25 ms it asks over that connection, and the answer is good
/// for 90 ms from the moment of the question. If the connection is lost or slow, or the machine is too busy to ask,
/// each look-up goes to the store until the machine listens again, and it then starts with an empty memory.
///
/// A session that would expire without use is looked up in the store when its use has to be written, at most once a
/// minute.
///
/// The price is about forty questions a second for each machine, and one connection. It listens on the runtime on which
/// it was started, until its last clone is dropped.
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// use vouchsafe_store::{CachedSessions, Postgres, SessionId, SessionStore};
///
/// # #[cfg(feature = "postgres")]
/// # async fn example(id: SessionId, now: chrono::DateTime<chrono::Utc>) -> Result<(), vouchsafe_store::StoreError> {
/// let store = Postgres::connect("postgres://db.example.com/service").await?;
/// let sessions = CachedSessions::start(store, 100_000);
/// let session = sessions.find(&id, now).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CachedSessions<S> {
    store: S,
    cache: Arc<Cache>,
}

impl<S: Announces + Clone + 'static> CachedSessions<S> {
    /// Starts to listen. At most `most` sessions are kept in memory.
    pub fn start(store: S, most: usize) -> Self {
        let cache = Arc::new(Cache { most: most.max(1), state: Mutex::default() });
        tokio::spawn(listen(store.clone(), Arc::downgrade(&cache)));
        Self { store, cache }
    }
}

impl<S> CachedSessions<S> {
    /// The cache, for code that ends sessions on this machine by other means than its methods.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn cache(&self) -> Arc<Cache> {
        Arc::clone(&self.cache)
    }

    /// Whether look-ups are answered from memory at the moment; for a gauge.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.cache.state().is_live(Instant::now())
    }
}

/// The sessions in memory, and until when they may be used.
#[derive(Debug)]
pub(crate) struct Cache {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when the cached sessions may be used; `None`: nobody listens.
    good_until: Option<Instant>,
    /// A counter that grows with each announcement. A session that was read before an announcement is not cached after
    /// it.
    heard: u64,
    sessions: HashMap<String, Session>,
    of_accounts: HashMap<AccountId, HashSet<String>>,
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes sessions that were ended on this machine, at once.
    pub(crate) fn hear(&self, ended: &[Revocation]) {
        self.state().hear(ended);
    }

    /// All announcements of ends before `asked` have been received.
    fn renew(&self, told: &[Revocation], asked: Instant) {
        let mut state = self.state();
        if state.good_until.is_none() {
            // A session that was read before the machine listened may have ended before it did.
            state.heard = state.heard.wrapping_add(1);
        }
        state.hear(told);
        state.good_until = asked.checked_add(LEASE);
    }

    /// The machine no longer listens.
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

    /// Goes through all cached sessions. Used for ends that are rare.
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
            // Removes any one session to make room; it is read again when it is needed.
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

/// Receives announcements until the connection is lost.
async fn hear(announcements: &mut dyn Announcements, cache: &Weak<Cache>) {
    loop {
        let asked = Instant::now();
        // A slower answer is of no use, and the connection may be dead without an error.
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
                // A session whose use has to be written is looked up in the store, since it may have been used on
                // another machine.
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

    fn revoke_logged_out<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, u64> {
        Box::pin(async move {
            let revoked = self.store.revoke_logged_out(logout).await?;
            if revoked > 0 {
                self.cache.state().forget_where(|session| session.is_meant_by(logout));
            }
            Ok(revoked)
        })
    }

    fn may_have_value<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, bool> {
        self.store.may_have_value(logout)
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

    use super::*;

    /// Sessions of two accounts over two connections each, all of them remembered.
    fn remembered() -> State {
        let mut state = State { good_until: Instant::now().checked_add(LEASE), ..State::default() };
        for account in ["ada", "bob"] {
            for over in ["okta", "entra"] {
                let now = DateTime::UNIX_EPOCH;
                let mut session = Session::of("acme".into(), account.into(), now)
                    .lasting(Duration::from_secs(28_800), None);
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
