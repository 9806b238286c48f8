//! The application's sessions, as far as SAML is concerned.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use vouchsafe::{
    ConnectionId, Login, Participant, SessionNameId,
    crypto::{CryptoError, Provider},
    provisioning::{AccountId, Identity, LoggedOut, OrganizationId},
};

use crate::{Answer, secret::HashedSecret};

/// Stores sessions. A session ends when it expires, when it was not used for longer than it [allows](Session::idle),
/// when it is revoked, when the identity provider logs the person out, and when its account is suspended.
///
/// ```
/// use std::time::Duration;
/// use vouchsafe_store::{Memory, Session, SessionId, SessionStore};
///
/// # async fn example(store: Memory, login: &vouchsafe::Login, provider: &vouchsafe::Provider,
/// #     organization: vouchsafe::provisioning::OrganizationId, account: vouchsafe::provisioning::AccountId) -> Result<(), Box<dyn std::error::Error>> {
/// let id = SessionId::generate(provider)?;
/// let session = Session::new(login, organization, account, Duration::from_secs(8 * 3_600));
/// store.create(&id, &session).await?;
/// let cookie = id.reveal();
/// # Ok(())
/// # }
/// ```
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// Stores a session. If the directory's account is suspended, the error is
    /// [`StoreError::AccountSuspended`](crate::StoreError::AccountSuspended).
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()>;

    /// The session with this id, unless it has expired or was not used for too long. Finding a session counts as using
    /// it, which is written now and then: [`Session::notes_use_since`].
    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>>;

    /// Ends one session and answers whether there was one.
    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool>;

    /// Ends the sessions that a logout of a connection's identity provider means (SAML Core 3.7.1):
    /// [`Session::is_meant_by`]. Answers how many.
    fn revoke_logged_out<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, u64>;

    /// Whether there may be a session over the connection whose name has the same value as that of a logout
    /// ([`LoggedOut::has_value_of`]). It is asked for a warning after a logout that ended no session, and may be answered
    /// from a part of the sessions. A store that cannot find out answers `false`.
    fn may_have_value<'a>(&'a self, logout: &'a LoggedOut) -> Answer<'a, bool> {
        let _ = logout;
        Box::pin(async { Ok(false) })
    }

    /// Ends all sessions of an account, increases its [epoch](Self::epoch), and answers how many sessions there were.
    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64>;

    /// How often all sessions of an account were ended: by a suspension, by SCIM, by an administrator. Use it for
    /// sessions that are kept elsewhere and must end as well, such as signed cookies: they store the epoch at which
    /// they began, and are over when the epoch has changed.
    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64>;

    /// Deletes the expired sessions and answers how many there were.
    fn sweep_sessions(&self, now: DateTime<Utc>) -> Answer<'_, u64>;
}

/// A session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// The organization that was signed in to.
    pub organization: OrganizationId,
    /// The account.
    pub account: AccountId,
    /// The connection that the person signed in over; its identity provider is told of a logout. `None`: the session
    /// was not begun by an identity provider.
    #[serde(default)]
    pub connection: Option<ConnectionId>,
    /// The complete name identifier that the identity provider gave, for a logout request.
    pub name_id: Option<SessionNameId>,
    /// The same name with omitted qualifiers filled in, and the connection. Logout requests are compared with it.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// The SessionIndex of each statement of the assertion. Usually there is one.
    #[serde(default, alias = "session_index", deserialize_with = "none_one_or_several")]
    pub session_indexes: Vec<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it expires, however much it is used.
    pub expires_at: DateTime<Utc>,
    /// How long it lasts without being used; `None`: without limit.
    #[serde(default)]
    pub idle: Option<Duration>,
    /// When it was last used. It is written at most once a minute, or ten times within the time that
    /// [`idle`](Self::idle) allows, and only for sessions that end without use.
    #[serde(default)]
    pub last_used_at: DateTime<Utc>,
}

impl Session {
    /// The session of a login. It lasts for `at_most`, and never longer than the identity provider allows
    /// (SessionNotOnOrAfter, SAML Core 2.7.2).
    #[must_use]
    pub fn new(login: &Login, organization: OrganizationId, account: AccountId, at_most: Duration) -> Self {
        let mut session = Self::of(organization, account, login.accepted_at());
        session.connection = Some(login.connection().clone());
        session.name_id = login.name_id().map(SessionNameId::from);
        session.identity = Identity::of_login(login);
        session.session_indexes = login.session_indexes().to_vec();
        session.lasting(at_most, login.session_not_on_or_after())
    }

    /// A session that no identity provider began. It expires at once; see [`lasting`](Self::lasting).
    #[must_use]
    pub fn of(organization: OrganizationId, account: AccountId, now: DateTime<Utc>) -> Self {
        Self {
            organization,
            account,
            connection: None,
            name_id: None,
            identity: None,
            session_indexes: Vec::new(),
            created_at: now,
            expires_at: now,
            idle: None,
            last_used_at: now,
        }
    }

    /// The same session that lasts for `at_most` from its beginning, and at most until `not_on_or_after`.
    #[must_use]
    pub fn lasting(mut self, at_most: Duration, not_on_or_after: Option<DateTime<Utc>>) -> Self {
        let at_most = TimeDelta::from_std(at_most).ok();
        let end = at_most.and_then(|at_most| self.created_at.checked_add_signed(at_most));
        let end = end.unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.expires_at = not_on_or_after.map_or(end, |limit| limit.min(end));
        self
    }

    /// The same session that ends if it is not used for this long.
    #[must_use]
    pub fn ending_without_use(self, idle: Option<Duration>) -> Self {
        Self { idle, ..self }
    }

    /// When it ends if it is not used.
    #[must_use]
    pub fn ends_at(&self) -> DateTime<Utc> {
        let idle = self.idle.and_then(|idle| TimeDelta::from_std(idle).ok());
        let without_use = idle.and_then(|idle| self.last_used_at.checked_add_signed(idle));
        without_use.map_or(self.expires_at, |end| end.min(self.expires_at))
    }

    /// For stores: whether the use of the session must be written now. It must be if it was last written at or before
    /// the answered time; `None`: it need not be written now.
    ///
    /// A store writes it where it finds the session, if no use later than the answer was written. Each session
    /// therefore costs at most one write a minute, however many machines find it.
    #[must_use]
    pub fn notes_use_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        /// The longest time between two writes, and the least number of writes within the time that `idle` allows.
        const LONGEST: Duration = Duration::from_secs(60);
        const NOTES: u32 = 10;
        let idle = self.idle?;
        let between = idle.checked_div(NOTES).unwrap_or(idle).min(LONGEST);
        let limit = now.checked_sub_signed(TimeDelta::from_std(between).ok()?)?;
        (self.last_used_at <= limit).then_some(limit)
    }

    /// The participant that is told when the person signs out; `None` if no identity provider began the session or it
    /// gave no name identifier.
    #[must_use]
    pub fn participant(&self) -> Option<Participant> {
        let (connection, name_id) = (self.connection.clone()?, self.name_id.clone()?);
        Some(Participant::new(connection, name_id, self.session_indexes.clone()))
    }

    /// For stores: whether a logout [means](LoggedOut::means) the session.
    #[must_use]
    pub fn is_meant_by(&self, logout: &LoggedOut) -> bool {
        self.identity.as_ref().is_some_and(|person| logout.means(person, &self.session_indexes))
    }

    /// Whether it has expired.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.ends_at()
    }
}

/// Reads session indexes. Records of earlier versions have one index, or null.
fn none_one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Indexes {
        Several(Vec<String>),
        OneOrNone(Option<String>),
    }
    Ok(match Indexes::deserialize(deserializer)? {
        Indexes::Several(indexes) => indexes,
        Indexes::OneOrNone(index) => index.into_iter().collect(),
    })
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("organization", &self.organization)
            .field("account", &self.account)
            .field("connection", &self.connection)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The secret that a browser shows for its session. Stores keep its hash; `Debug` does not show it.
#[derive(Debug)]
pub struct SessionId(HashedSecret);

impl SessionId {
    /// Generates an identifier of 256 bits with the provider's random source.
    ///
    /// # Errors
    ///
    /// The error of the provider's random source.
    pub fn generate(provider: &Provider) -> Result<SessionId, CryptoError> {
        HashedSecret::generate("", provider).map(Self)
    }

    /// The identifier that a browser shows.
    ///
    /// # Errors
    ///
    /// The error of the provider if it has no SHA-256.
    pub fn received(text: impl Into<String>, provider: &Provider) -> Result<SessionId, CryptoError> {
        HashedSecret::received(text.into(), provider).map(Self)
    }

    /// The text for the browser's cookie.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What is stored: SHA-256, 64 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.0.hash()
    }
}
