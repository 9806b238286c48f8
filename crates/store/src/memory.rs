//! Everything in the memory of one process.

mod api_tokens;
mod connections;
mod directory;
mod ended_sessions;
mod forms;
mod key_history;
mod logouts;
mod scim;
mod set_up_links;
mod sign_in_history;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    ConnectionId, EntityId, PendingRequest, ReplayKey, StoredPendingLogout, StoredPendingRequest,
    assertion::SourceId,
    metadata::KeySighting,
    provisioning::{AccountId, LoggedOut, OrganizationId, Snapshot},
};

use crate::{
    Answer, ApiToken, AuditCursor, AuditRecord, Claim, ClaimStore, NotedRefusals, PendingStore,
    RecordedSignIn, ReplayStore, Session, SessionId, SessionStore, SetUpLink, StoreError, StoredConnection,
    claim::held_by, forgotten_until,
};

/// A store in memory: for tests, demonstrations and services of one process that may lose everything.
///
/// Clones share their content.
///
/// ```
/// use vouchsafe::provisioning::{Actor, Organization, OrganizationId};
/// use vouchsafe_store::{Author, Directory, Memory};
///
/// # async fn example(now: chrono::DateTime<chrono::Utc>) -> Result<(), vouchsafe_store::StoreError> {
/// let store = Memory::new();
/// let operator = Author::new(Actor::Operator, now);
/// store.add_organization(&Organization::new(OrganizationId::new("1"), "acme", "Acme"), &operator).await?;
/// assert!(store.organization_by_slug("acme").await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    replay_margin: TimeDelta,
}

/// Shows nothing of what is stored.
impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self { state: Arc::default(), replay_margin: ReplayKey::MARGIN }
    }
}

#[derive(Default)]
struct State {
    replays: HashMap<String, DateTime<Utc>>,
    pending: HashMap<String, StoredPendingRequest>,
    sessions: HashMap<String, Session>,
    epochs: HashMap<AccountId, u64>,
    api_tokens: HashMap<String, ApiToken>,
    logouts: HashMap<String, StoredPendingLogout>,
    ended_sessions: HashMap<String, DateTime<Utc>>,
    forms: forms::Forms,
    /// By the key of the name, then by session index.
    remembered: HashMap<String, HashMap<String, logouts::Kept>>,
    connections: BTreeMap<ConnectionId, StoredConnection>,
    sources: HashMap<SourceId, EntityId>,
    keys: HashMap<ConnectionId, Vec<KeySighting>>,
    organizations: BTreeMap<OrganizationId, Held>,
    audit: Vec<AuditRecord>,
    refusals: NotedRefusals,
    delivered: HashMap<String, AuditCursor>,
    sign_ins: Vec<RecordedSignIn>,
    set_up_links: HashMap<String, SetUpLink>,
    scim: scim::ScimState,
}

/// An organization and what belongs to it.
struct Held {
    whole: Snapshot,
    policy: Option<String>,
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps replay records for `margin` after the assertions have become too old. The default and the minimum is
    /// [`ReplayKey::MARGIN`].
    #[must_use]
    pub fn with_replay_margin(mut self, margin: Duration) -> Self {
        self.replay_margin = crate::replay::at_least_the_margin(margin);
        self
    }

    /// Runs a function on the state when the answer is awaited. Nothing else runs on the state at the same time.
    fn with<'a, T: 'a, E: 'a>(
        &'a self,
        action: impl FnOnce(&mut State) -> Result<T, E> + Send + 'a,
    ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>> {
        Box::pin(async move {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            #[cfg(test)]
            let _under_lock = crate::work::UnderLock::begin();
            action(&mut state)
        })
    }
}

impl ReplayStore for Memory {
    fn insert_once<'a>(&'a self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool> {
        self.with(move |state| {
            let is_new = !state.replays.contains_key(hash);
            state.replays.entry(hash.to_owned()).or_insert(expires_at);
            Ok(is_new)
        })
    }

    fn is_recorded<'a>(&'a self, hash: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.replays.contains_key(hash)))
    }

    fn sweep_replays(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        let margin = self.replay_margin;
        self.with(move |state| {
            let latest = state.replays.values().copied().max();
            let Some(limit) = forgotten_until(now, latest, margin) else { return Ok(0) };
            Ok(sweep(&mut state.replays, |expires_at| *expires_at <= limit))
        })
    }
}

impl ClaimStore for Memory {
    fn claim<'a>(&'a self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim> {
        self.with(move |state| {
            let held = held_by(hash, holder);
            if state.replays.contains_key(hash) {
                return Ok(if state.replays.contains_key(&held) { Claim::Again } else { Claim::OfAnother });
            }
            state.replays.extend([(hash.to_owned(), expires_at), (held, expires_at)]);
            Ok(Claim::First)
        })
    }
}

impl PendingStore for Memory {
    fn put<'a>(&'a self, request: &'a PendingRequest) -> Answer<'a, ()> {
        self.with(move |state| {
            state.pending.insert(request.handle().to_owned(), request.to_stored());
            Ok(())
        })
    }

    fn find_pending<'a>(&'a self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>> {
        self.with(move |state| crate::pending::opened(state.pending.get(handle).cloned(), now))
    }

    fn remove_pending<'a>(&'a self, handle: &'a str) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.pending.remove(handle).is_some()))
    }

    fn sweep_pending(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(sweep(&mut state.pending, |request| request.expires_at <= now.timestamp())))
    }
}

impl SessionStore for Memory {
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()> {
        self.with(move |state| {
            let organization = state.organizations.get(&session.organization);
            let account = organization.and_then(|held| held.whole.account(&session.account));
            if account.is_some_and(|account| !account.is_active()) {
                return Err(StoreError::AccountSuspended { account: session.account.clone() });
            }
            state.sessions.insert(id.hash().to_owned(), session.clone());
            Ok(())
        })
    }

    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>> {
        self.with(move |state| {
            let found = state.sessions.get_mut(id.hash()).filter(|session| !session.is_over(now));
            Ok(found.map(|session| {
                if session.notes_use_since(now).is_some() {
                    session.last_used_at = now;
                }
                session.clone()
            }))
        })
    }

    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool> {
        self.with(move |state| Ok(state.sessions.remove(id.hash()).is_some()))
    }

    fn revoke_logged_out<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, u64> {
        self.with(move |state| Ok(sweep(&mut state.sessions, |session| session.is_meant_by(logout))))
    }

    fn may_have_value<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, bool> {
        self.with(move |state| {
            let mut people = state.sessions.values().filter_map(|session| session.identity.as_ref());
            Ok(people.any(|person| logout.has_value_of(person)))
        })
    }

    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        self.with(move |state| Ok(state.end_sessions_of(account)))
    }

    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64> {
        self.with(move |state| Ok(state.epochs.get(account).copied().unwrap_or_default()))
    }

    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64> {
        self.with(move |state| Ok(sweep(&mut state.sessions, |session| session.is_over(now))))
    }
}

impl State {
    fn end_sessions_of(&mut self, account: &AccountId) -> u64 {
        let epoch = self.epochs.entry(account.clone()).or_default();
        *epoch = epoch.saturating_add(1);
        sweep(&mut self.sessions, |session| session.account == *account)
    }
}

/// Removes the expired entries and answers how many there were.
fn sweep<K: Eq + Hash, V>(map: &mut HashMap<K, V>, is_over: impl Fn(&V) -> bool) -> u64 {
    let before = map.len();
    map.retain(|_, value| !is_over(value));
    u64::try_from(before.saturating_sub(map.len())).unwrap_or(u64::MAX)
}
