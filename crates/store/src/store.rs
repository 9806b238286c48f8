//! A store that is chosen by its address.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId, ConnectionState, EntityId, PendingLogout, PendingRequest,
    assertion::SourceId,
    metadata::KeySighting,
    provisioning::{
        Account, AccountId, Domain, GroupId, Identity, LoggedOut, LoginFacts, Organization, OrganizationId,
        Plan, Policy, Project, Snapshot, Team, TokenHash,
    },
};

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::cached_sessions::Cache;
use crate::{
    AccountKey, Answer, ApiToken, ApiTokenSecret, ApiTokenStore, Applied, AuditCursor, AuditEntry, AuditFeed,
    AuditRecord, AuditedRefusal, Author, Claim, ClaimStore, CompletedSignIn, ConnectionDecision,
    ConnectionOutline, ConnectionRevision, ConnectionStore, Decides, Decision, Directory, EndedSessionStore,
    FormLimits, FormStore, HistoryLimits, KeyHistory, LogoutStore, Memory, NewCustomer,
    OrganizationConnections, PendingStore, RecordedSignIn, RememberedLogout, ReplayStore, Revocation,
    ScimApplied, ScimDecision, ScimKey, ScimKind, ScimPage, ScimResource, ScimStore, ScimToken, SealedForm,
    Session, SessionId, SessionStore, SetUpLink, SetUpSecret, SetUpStore, SignIn, SignInHistory, StoreError,
    StoredConnection, Versioned,
};

/// One of the stores, chosen by its address, so that a service chooses its store in one line of configuration.
///
/// | address | store | feature |
/// |---|---|---|
/// | `memory` | [`Memory`]: one process, and gone with it | |
/// | `sqlite:///var/lib/service.db`, `sqlite://service.db`, `sqlite::memory:` | `Sqlite`: the processes of one machine | `sqlite` |
/// | `postgres://user:password@host/database` | `Postgres`: any number of machines | `postgres` |
///
/// `redis://` is not an address of such a store, since Redis has no directory and no connections.
/// [`with_pending_at`](Self::with_pending_at) adds Redis to a database; `Redis` alone is for an application with its
/// own users.
///
/// ```
/// use vouchsafe_store::{Directory, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), vouchsafe_store::StoreError> {
/// let store = Store::connect("memory").await?;
/// assert!(store.organizations().await?.is_empty());
/// assert_eq!(Store::connect("mysql://db.example.com").await.unwrap_err().code(), "store.address");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(dead_code, reason = "it chooses the cache of a database")
    )]
    kind: Kind,
    directory: Arc<dyn ScimStore>,
    api_tokens: Arc<dyn ApiTokenStore>,
    audit: Arc<dyn AuditFeed>,
    history: Arc<dyn SignInHistory>,
    set_up_links: Arc<dyn SetUpStore>,
    connections: Arc<dyn ConnectionStore>,
    replays: Arc<dyn ClaimStore>,
    sessions: Arc<dyn SessionStore>,
    pending: Arc<dyn PendingStore>,
    logouts: Arc<dyn LogoutStore>,
    ended_sessions: Arc<dyn EndedSessionStore>,
    forms: Arc<dyn FormStore>,
    keys: Arc<dyn KeyHistory>,
    /// Whether pending requests are stored elsewhere, so that a sign-in's transaction does not remove them.
    is_pending_apart: bool,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    cache: Option<Arc<Cache>>,
}

#[derive(Clone, Debug)]
enum Kind {
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite(crate::Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(crate::Postgres),
}

impl Store {
    /// The store at this address.
    ///
    /// # Errors
    ///
    /// [`StoreError::Address`], and the errors of the store.
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        let scheme = address.split(':').next().unwrap_or_default();
        match scheme {
            "memory" => Ok(Self::of(Memory::new(), Kind::Memory)),
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                let file = address.trim_start_matches("sqlite:").trim_start_matches("//");
                let store = match file {
                    "" => return Err(StoreError::address("sqlite:// needs the path of a file")),
                    ":memory:" => crate::Sqlite::in_memory().await?,
                    file => crate::Sqlite::open(file).await?,
                };
                Ok(Self::of(store.clone(), Kind::Sqlite(store)))
            }
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let store = crate::Postgres::connect(address).await?;
                Ok(Self::of(store.clone(), Kind::Postgres(store)))
            }
            "redis" | "rediss" => Err(StoreError::address(
                "Redis keeps replays, pending requests and sessions, and neither a directory nor connections",
            )),
            known if ["sqlite", "postgres", "postgresql"].contains(&known) => Err(StoreError::address(
                "this was built without the feature of the crate that the address needs",
            )),
            _ => Err(StoreError::address("it begins with none of memory, sqlite: and postgres:")),
        }
    }

    fn of<S>(store: S, kind: Kind) -> Self
    where
        S: ScimStore
            + ApiTokenStore
            + AuditFeed
            + SignInHistory
            + SetUpStore
            + ConnectionStore
            + ClaimStore
            + SessionStore
            + PendingStore
            + LogoutStore
            + EndedSessionStore
            + FormStore
            + KeyHistory
            + Clone
            + 'static,
    {
        Self {
            kind,
            directory: Arc::new(store.clone()),
            api_tokens: Arc::new(store.clone()),
            audit: Arc::new(store.clone()),
            history: Arc::new(store.clone()),
            set_up_links: Arc::new(store.clone()),
            connections: Arc::new(store.clone()),
            replays: Arc::new(store.clone()),
            sessions: Arc::new(store.clone()),
            pending: Arc::new(store.clone()),
            logouts: Arc::new(store.clone()),
            ended_sessions: Arc::new(store.clone()),
            forms: Arc::new(store.clone()),
            keys: Arc::new(store),
            is_pending_apart: false,
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            cache: None,
        }
    }

    /// The same store with pending requests in Redis. They are two writes and three look-ups of each sign-in, and may
    /// be lost without harm, since the person then starts again. Replay records and sessions stay in the database, in
    /// the transaction of the sign-in.
    ///
    /// # Errors
    ///
    /// [`StoreError::Address`] if it is not a Redis address, and the errors of `Redis`.
    pub async fn with_pending_at(self, address: &str) -> Result<Self, StoreError> {
        match address.split(':').next().unwrap_or_default() {
            #[cfg(feature = "redis")]
            "redis" | "rediss" => {
                let pending = Arc::new(crate::Redis::connect(address).await?);
                Ok(Self { pending, is_pending_apart: true, ..self })
            }
            #[cfg(not(feature = "redis"))]
            "redis" | "rediss" => {
                Err(StoreError::address("this was built without the feature redis of the crate"))
            }
            _ => Err(StoreError::address("pending requests are kept in the database or at redis://")),
        }
    }

    /// The same store with a cache of at most so many sessions, which answers most look-ups from memory: see
    /// `CachedSessions`. `Memory` is unchanged. With SQLite this is for one process only.
    #[must_use]
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub fn caching_sessions(self, most: usize) -> Self {
        match self.kind.clone() {
            Kind::Memory => self,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(store) => self.with_cache(crate::CachedSessions::start(store, most)),
            #[cfg(feature = "postgres")]
            Kind::Postgres(store) => self.with_cache(crate::CachedSessions::start(store, most)),
        }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn with_cache<S: SessionStore + 'static>(self, sessions: crate::CachedSessions<S>) -> Self {
        Self { cache: Some(sessions.cache()), sessions: Arc::new(sessions), ..self }
    }

    /// Removes sessions that were ended here from the cache at once.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        expect(clippy::unused_self, reason = "nothing is remembered")
    )]
    fn hear(&self, ended: &[Revocation]) {
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        if let Some(cache) = &self.cache {
            cache.hear(ended);
        }
        #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
        let _ = ended;
    }
}

/// Methods of a trait, forwarded to the part that implements them.
macro_rules! passed_on {
    (to $part:ident: $(fn $name:ident<$life:lifetime>(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)*) => {
        $(fn $name<$life>(&$life self $(, $argument: $type)*) -> $answer {
            self.$part.$name($($argument),*)
        })*
    };
}

impl ReplayStore for Store {
    passed_on! { to replays:
        fn insert_once<'a>(&self, hash: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, bool>;
        fn is_recorded<'a>(&self, hash: &'a str) -> Answer<'a, bool>;
        fn sweep_replays<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl ClaimStore for Store {
    passed_on! { to replays:
        fn claim<'a>(&self, hash: &'a str, holder: &'a str, expires_at: DateTime<Utc>) -> Answer<'a, Claim>;
    }
}

impl PendingStore for Store {
    passed_on! { to pending:
        fn put<'a>(&self, request: &'a PendingRequest) -> Answer<'a, ()>;
        fn find_pending<'a>(&self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingRequest>>;
        fn remove_pending<'a>(&self, handle: &'a str) -> Answer<'a, bool>;
        fn sweep_pending<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl SessionStore for Store {
    passed_on! { to sessions:
        fn create<'a>(&self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()>;
        fn find<'a>(&self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>>;
        fn revoke<'a>(&self, id: &'a SessionId) -> Answer<'a, bool>;
        fn revoke_logged_out<'a>(&self, logout: &'a LoggedOut) -> Answer<'a, u64>;
        fn may_have_value<'a>(&self, logout: &'a LoggedOut) -> Answer<'a, bool>;
        fn revoke_account<'a>(&self, account: &'a AccountId) -> Answer<'a, u64>;
        fn epoch<'a>(&self, account: &'a AccountId) -> Answer<'a, u64>;
        fn sweep_sessions<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl LogoutStore for Store {
    passed_on! { to logouts:
        fn keep_logout<'a>(&self, pending: &'a PendingLogout) -> Answer<'a, ()>;
        fn find_logout<'a>(&self, handle: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<PendingLogout>>;
        fn remove_logout<'a>(&self, handle: &'a str) -> Answer<'a, bool>;
        fn remember_logout<'a>(&self, logout: &'a LoggedOut, issued_at: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()>;
        fn latest_logout<'a>(&self, person: &'a Identity, session_indexes: &'a [String]) -> Answer<'a, Option<RememberedLogout>>;
        fn sweep_logouts<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl EndedSessionStore for Store {
    passed_on! { to ended_sessions:
        fn note_ended<'a>(&self, hash: &'a str, until: DateTime<Utc>, now: DateTime<Utc>) -> Answer<'a, ()>;
        fn has_ended<'a>(&self, hash: &'a str) -> Answer<'a, bool>;
    }
}

impl FormStore for Store {
    passed_on! { to forms:
        fn keep_form<'a>(&self, form: &'a SealedForm, limits: FormLimits, now: DateTime<Utc>) -> Answer<'a, ()>;
        fn find_form<'a>(&self, handle: &'a str, binding_hash: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<Vec<u8>>>;
        fn take_form<'a>(&self, handle: &'a str, binding_hash: &'a str, now: DateTime<Utc>) -> Answer<'a, Option<Vec<u8>>>;
        fn count_forms<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
        fn sweep_forms<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl ConnectionStore for Store {
    passed_on! { to connections:
        fn connection<'a>(&self, id: &'a ConnectionId) -> Answer<'a, Option<StoredConnection>>;
        fn connection_outline<'a>(&self, id: &'a ConnectionId) -> Answer<'a, Option<ConnectionOutline>>;
        fn connection_revision<'a>(&self, id: &'a ConnectionId) -> Answer<'a, Option<u64>>;
        fn connections_to<'a>(&self, identity_provider: &'a EntityId, assertion_consumer: Option<&'a str>, most: usize) -> Answer<'a, Vec<ConnectionRevision>>;
        fn active_connections_to<'a>(&self, identity_provider: &'a EntityId, assertion_consumer: Option<&'a str>, after: Option<&'a ConnectionId>, most: usize) -> Answer<'a, Vec<ConnectionRevision>>;
        fn identity_provider_of_source<'a>(&self, source: SourceId) -> Answer<'a, Option<EntityId>>;
        fn active_connections<'a>(&self, after: Option<&'a ConnectionId>, most: usize) -> Answer<'a, Vec<ConnectionRevision>>;
        fn connections_of<'a>(&self, organization: &'a OrganizationId) -> Answer<'a, Vec<StoredConnection>>;
        fn add_connection<'a>(&self, connection: &'a StoredConnection, author: &'a Author) -> Answer<'a, u64>;
        fn renew_connection<'a>(&self, connection: &'a StoredConnection) -> Answer<'a, ()>;
    }

    fn update_connection<'a>(
        &'a self,
        connection: &'a StoredConnection,
        author: &'a Author,
    ) -> Answer<'a, u64> {
        Box::pin(async move {
            let revision = self.connections.update_connection(connection, author).await?;
            self.hear(&ended_over([connection]));
            Ok(revision)
        })
    }
}

impl KeyHistory for Store {
    passed_on! { to keys:
        fn note_keys<'a>(&self, connection: &'a ConnectionId, seen: &'a [KeySighting]) -> Answer<'a, ()>;
        fn key_history<'a>(&self, connection: &'a ConnectionId) -> Answer<'a, Vec<KeySighting>>;
    }
}

impl ApiTokenStore for Store {
    passed_on! { to api_tokens:
        fn issue_api_token<'a>(&self, secret: &'a ApiTokenSecret, token: &'a ApiToken, author: &'a Author) -> Answer<'a, ()>;
        fn find_api_token<'a>(&self, secret: &'a ApiTokenSecret, now: DateTime<Utc>) -> Answer<'a, Option<ApiToken>>;
        fn api_tokens_of<'a>(&self, account: &'a AccountId) -> Answer<'a, Vec<ApiToken>>;
        fn revoke_api_token<'a>(&self, account: &'a AccountId, id: &'a str, author: &'a Author) -> Answer<'a, bool>;
        fn sweep_api_tokens<'a>(&self, now: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl AuditFeed for Store {
    passed_on! { to audit:
        fn audit_after<'a>(&self, organization: Option<&'a OrganizationId>, after: AuditCursor, most: usize) -> Answer<'a, Vec<AuditEntry>>;
        fn audit_delivered<'a>(&self, receiver: &'a str) -> Answer<'a, AuditCursor>;
        fn keep_audit_delivered<'a>(&self, receiver: &'a str, until: AuditCursor) -> Answer<'a, ()>;
    }
}

impl SignInHistory for Store {
    passed_on! { to history:
        fn keep_sign_in<'a>(&self, sign_in: &'a RecordedSignIn, limits: HistoryLimits) -> Answer<'a, ()>;
        fn recorded_sign_ins<'a>(&self, organization: &'a OrganizationId, most: usize) -> Answer<'a, Vec<RecordedSignIn>>;
        fn forget_sign_ins_of<'a>(&self, account: &'a AccountId) -> Answer<'a, u64>;
        fn sweep_sign_ins<'a>(&self, before: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl SetUpStore for Store {
    passed_on! { to set_up_links:
        fn add_set_up_link<'a>(&self, secret: &'a SetUpSecret, link: &'a SetUpLink, author: &'a Author) -> Answer<'a, ()>;
        fn find_set_up_link<'a>(&self, secret: &'a SetUpSecret) -> Answer<'a, Option<SetUpLink>>;
        fn set_up_link<'a>(&self, id: &'a str) -> Answer<'a, Option<SetUpLink>>;
        fn set_up_links_of<'a>(&self, organization: &'a OrganizationId) -> Answer<'a, Vec<SetUpLink>>;
        fn update_set_up_link<'a>(&self, link: &'a SetUpLink, author: &'a Author) -> Answer<'a, u64>;
        fn set_up_links_over<'a>(&self, before: DateTime<Utc>) -> Answer<'a, Vec<SetUpLink>>;
        fn delete_set_up_links<'a>(&self, ids: &'a [String], before: DateTime<Utc>) -> Answer<'a, u64>;
    }
}

impl ScimStore for Store {
    passed_on! { to directory:
        fn find_scim<'a>(&self, connection: &'a ConnectionId, kind: ScimKind, by: &'a ScimKey, page: ScimPage) -> Answer<'a, Vec<ScimResource>>;
        fn count_scim<'a>(&self, connection: &'a ConnectionId, kind: ScimKind, by: &'a ScimKey) -> Answer<'a, usize>;
        fn scim_names<'a>(&self, connection: &'a ConnectionId, kind: ScimKind, ids: &'a [String]) -> Answer<'a, BTreeMap<String, String>>;
        fn scim_accounts<'a>(&self, organization: &'a OrganizationId, accounts: &'a [AccountId]) -> Answer<'a, Vec<Account>>;
        fn scim_members<'a>(&self, groups: &'a [GroupId]) -> Answer<'a, Vec<(GroupId, AccountId)>>;
        fn count_scim_members<'a>(&self, groups: &'a [GroupId]) -> Answer<'a, BTreeMap<GroupId, usize>>;
        fn count_scim_groups<'a>(&self, accounts: &'a [AccountId]) -> Answer<'a, BTreeMap<AccountId, usize>>;
        fn scim_token<'a>(&self, hash: &'a TokenHash) -> Answer<'a, Option<ScimToken>>;
        fn scim_tokens<'a>(&self, connection: &'a ConnectionId) -> Answer<'a, Vec<ScimToken>>;
        fn add_scim_token<'a>(&self, token: &'a ScimToken, others_end: Option<DateTime<Utc>>, author: &'a Author) -> Answer<'a, ()>;
        fn revoke_scim_token<'a>(&self, connection: &'a ConnectionId, id: &'a str, author: &'a Author) -> Answer<'a, bool>;
        fn scim_token_used<'a>(&self, hash: &'a TokenHash, at: DateTime<Utc>) -> Answer<'a, ()>;
    }

    fn decide_scim(&self, decision: ScimDecision) -> Decides<'_, ScimApplied> {
        Box::pin(async move {
            let applied = self.directory.decide_scim(decision).await?;
            self.hear(&ended_by(&applied.plan, None));
            Ok(applied)
        })
    }
}

impl Directory for Store {
    passed_on! { to directory:
        fn add_customer<'a>(&self, customer: &'a NewCustomer, author: &'a Author) -> Decides<'a, OrganizationConnections>;
        fn organization<'a>(&self, id: &'a OrganizationId) -> Answer<'a, Option<Versioned<Organization>>>;
        fn organization_by_slug<'a>(&self, slug: &'a str) -> Answer<'a, Option<Versioned<Organization>>>;
        fn organization_by_domain<'a>(&self, domain: &'a Domain) -> Answer<'a, Option<Versioned<Organization>>>;
        fn organizations<'a>(&self) -> Answer<'a, Vec<OrganizationId>>;
        fn update_organization<'a>(&self, organization: &'a Versioned<Organization>, author: &'a Author) -> Answer<'a, u64>;
        fn policy<'a>(&self, id: &'a OrganizationId) -> Answer<'a, Policy>;
        fn policy_text<'a>(&self, id: &'a OrganizationId) -> Answer<'a, Option<String>>;
        fn replace_policy<'a>(&self, id: &'a OrganizationId, before: Option<&'a str>, toml: &'a str, author: &'a Author) -> Answer<'a, ()>;
        fn set_policy<'a>(&self, id: &'a OrganizationId, toml: &'a str, author: &'a Author) -> Answer<'a, ()>;
        fn add_account<'a>(&self, account: &'a Account, author: &'a Author) -> Answer<'a, ()>;
        fn add_team<'a>(&self, team: &'a Team, author: &'a Author) -> Answer<'a, ()>;
        fn add_project<'a>(&self, project: &'a Project, author: &'a Author) -> Answer<'a, ()>;
        fn snapshot<'a>(&self, login: &'a LoginFacts) -> Answer<'a, Snapshot>;
        fn snapshot_of_trial<'a>(&self, id: &'a OrganizationId, policy: &'a Policy, login: &'a LoginFacts) -> Answer<'a, Snapshot>;
        fn accounts_with<'a>(&self, id: &'a OrganizationId, key: &'a AccountKey) -> Answer<'a, Vec<Account>>;
        fn whole<'a>(&self, id: &'a OrganizationId) -> Answer<'a, Snapshot>;
        fn note_refusal<'a>(&self, refused: &'a AuditedRefusal) -> Answer<'a, ()>;
        fn audit<'a>(&self, id: &'a OrganizationId) -> Answer<'a, Vec<AuditRecord>>;
    }

    /// A pending request that is stored elsewhere is removed after the sign-in is committed. If that fails, the request
    /// expires by itself; the replay record ensures that an assertion is accepted once.
    fn sign_in(&self, sign_in: SignIn) -> Decides<'_, CompletedSignIn> {
        Box::pin(async move {
            let answered = sign_in.answers().filter(|_| self.is_pending_apart).map(str::to_owned);
            // A request that is stored elsewhere is not looked for in the database.
            let sign_in = if answered.is_some() { sign_in.answering(None) } else { sign_in };
            let replaced = sign_in.replaces().map(|hash| Revocation::Session(hash.to_owned()));
            let completed = self.directory.sign_in(sign_in).await?;
            self.hear(replaced.as_slice());
            if let Some(handle) = answered {
                let _ = self.pending.remove_pending(&handle).await;
            }
            Ok(completed)
        })
    }

    fn decide(&self, decision: Decision) -> Decides<'_, Applied> {
        Box::pin(async move {
            let applied = self.directory.decide(decision).await?;
            self.hear(&ended_by(&applied.plan, applied.account.as_ref()));
            Ok(applied)
        })
    }

    fn decide_connections(&self, decision: ConnectionDecision) -> Decides<'_, OrganizationConnections> {
        Box::pin(async move {
            let connections = self.directory.decide_connections(decision).await?;
            self.hear(&ended_over(&connections.connections));
            Ok(connections)
        })
    }
}

/// The retired ones of these connections; their sessions may just have ended.
fn ended_over<'a>(connections: impl IntoIterator<Item = &'a StoredConnection>) -> Vec<Revocation> {
    let retired = connections.into_iter().filter(|one| one.state == ConnectionState::Retired);
    retired.map(|one| Revocation::Connection(one.id.clone())).collect()
}

/// The accounts whose sessions a plan ends. `account` is the account that the plan is about, if it is about one. An
/// account that the plan creates has no sessions.
fn ended_by(plan: &Plan, account: Option<&AccountId>) -> Vec<Revocation> {
    let ending = plan.steps().iter().filter(|step| plan.ends_sessions(step));
    ending.filter_map(|step| plan.account_of(step).or(account).cloned()).map(Revocation::Account).collect()
}
