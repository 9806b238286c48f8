//! The application's sessions, as far as SAML has a say in them.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::{
    ConnectionId, Login, Participant, SessionNameId,
    crypto::{CryptoError, Provider},
    provisioning::{AccountId, Identity, OrganizationId},
};

use crate::{Answer, secret::HashedSecret};

/// Keeps sessions. They end at their time, when nobody has used them for as long as they [allow](Session::idle), when they are revoked, when the
/// identity provider says so, and when their account is suspended.
///
/// ```
/// use chrono::TimeDelta;
/// use vouchsafe_store::{Memory, Session, SessionId, SessionStore};
///
/// # async fn example(store: Memory, login: &vouchsafe::Login, provider: &vouchsafe::Provider,
/// #     organization: vouchsafe::provisioning::OrganizationId, account: vouchsafe::provisioning::AccountId) -> Result<(), Box<dyn std::error::Error>> {
/// let id = SessionId::generate(provider)?;
/// let session = Session::new(login, organization, account, TimeDelta::hours(8));
/// store.create(&id, &session).await?;
/// let cookie = id.reveal();
/// # Ok(())
/// # }
/// ```
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// Keeps a session. An account of the directory that is suspended gets none:
    /// [`StoreError::AccountSuspended`](crate::StoreError::AccountSuspended).
    fn create<'a>(&'a self, id: &'a SessionId, session: &'a Session) -> Answer<'a, ()>;

    /// The session of this id, unless its time is over, or nobody has used it for too long. To find it is to use it, which is noted now and then:
    /// [`Session::notes_use_since`].
    fn find<'a>(&'a self, id: &'a SessionId, now: DateTime<Utc>) -> Answer<'a, Option<Session>>;

    /// Ends one session; whether there was one.
    fn revoke<'a>(&'a self, id: &'a SessionId) -> Answer<'a, bool>;

    /// Ends the sessions that the identity provider of a connection means in a logout request (SAML Core 3.7.1): those of the
    /// name identifier with its Format and qualifiers over that connection, and of the session index where one is given; a session that has
    /// no index is ended by any ([`Session::is_meant_by`]). How many.
    fn revoke_by_name_id<'a>(
        &'a self,
        name_id: &'a Identity,
        session_index: Option<&'a str>,
    ) -> Answer<'a, u64>;

    /// Ends all sessions of an account, and begins its next [epoch](Self::epoch); how many.
    fn revoke_account<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64>;

    /// How often all sessions of an account were ended: by suspension, by SCIM, by hand. For what is kept elsewhere and must end with them, such
    /// as the application's own sessions or signed cookies: they hold the epoch at which they began, and are over when it is another.
    fn epoch<'a>(&'a self, account: &'a AccountId) -> Answer<'a, u64>;

    /// Forgets the sessions whose time is over; how many.
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
    /// The connection that was signed in over, whose identity provider is told of a logout; `None`: no identity provider began the session.
    #[serde(default)]
    pub connection: Option<ConnectionId>,
    /// The person as the identity provider named them, whole, for a logout request.
    pub name_id: Option<SessionNameId>,
    /// The same name with what was left out filled in, and the connection, by which a logout request is compared.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// The session at the identity provider.
    pub session_index: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// From when on it is over, however much it is used.
    pub expires_at: DateTime<Utc>,
    /// How long it lasts without being used; `None`: it does not end for that.
    #[serde(default)]
    pub idle: Option<Duration>,
    /// When it was last used, as far as that is noted: at most once a minute, or ten times in what [`idle`](Self::idle) allows. Only of
    /// sessions that end without use.
    #[serde(default)]
    pub last_used_at: DateTime<Utc>,
}

impl Session {
    /// The session that follows from a login. It lasts for `at_most`, and never longer than the identity
    /// provider allows (SessionNotOnOrAfter, SAML Core 2.7.2).
    #[must_use]
    pub fn new(login: &Login, organization: OrganizationId, account: AccountId, at_most: TimeDelta) -> Self {
        let mut session = Self::of(organization, account, login.accepted_at());
        session.connection = Some(login.connection().clone());
        session.name_id = login.name_id().map(SessionNameId::from);
        session.identity = Identity::of_login(login);
        session.session_index = login.session_index().map(str::to_owned);
        session.lasting(at_most, login.session_not_on_or_after())
    }

    /// A session that no identity provider began, and that is over when it begins.
    #[must_use]
    pub fn of(organization: OrganizationId, account: AccountId, now: DateTime<Utc>) -> Self {
        Self {
            organization,
            account,
            connection: None,
            name_id: None,
            identity: None,
            session_index: None,
            created_at: now,
            expires_at: now,
            idle: None,
            last_used_at: now,
        }
    }

    /// The same session that lasts for `at_most` from its beginning and never until `not_on_or_after`. With a
    /// negative `at_most` it is over when it begins.
    #[must_use]
    pub fn lasting(mut self, at_most: TimeDelta, not_on_or_after: Option<DateTime<Utc>>) -> Self {
        let at_most = at_most.max(TimeDelta::zero());
        let end = self.created_at.checked_add_signed(at_most).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.expires_at = not_on_or_after.map_or(end, |limit| limit.min(end));
        self
    }

    /// The same session that ends when nobody has used it for so long.
    #[must_use]
    pub fn ending_without_use(self, idle: Option<Duration>) -> Self {
        Self { idle, ..self }
    }

    /// When it is over unless it is used.
    #[must_use]
    pub fn ends_at(&self) -> DateTime<Utc> {
        let idle = self.idle.and_then(|idle| TimeDelta::from_std(idle).ok());
        let without_use = idle.and_then(|idle| self.last_used_at.checked_add_signed(idle));
        without_use.map_or(self.expires_at, |end| end.min(self.expires_at))
    }

    /// For stores: the use of a session is noted if it was last noted at this time or before it; `None`: it is not to be noted now.
    ///
    /// A store notes it where it finds the session, if it is not noted by then as later than the answer: so each session costs a write a minute at
    /// most, whatever number of machines find it.
    #[must_use]
    pub fn notes_use_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        /// The longest time between two notes, and how many there are at least in what `idle` allows.
        const LONGEST: Duration = Duration::from_secs(60);
        const NOTES: u32 = 10;
        let idle = self.idle?;
        let between = idle.checked_div(NOTES).unwrap_or(idle).min(LONGEST);
        let limit = now.checked_sub_signed(TimeDelta::from_std(between).ok()?)?;
        (self.last_used_at <= limit).then_some(limit)
    }

    /// What its identity provider is told when the person signs out; `None` where no identity provider began the session, or it named
    /// nobody.
    #[must_use]
    pub fn participant(&self) -> Option<Participant> {
        let (connection, name_id) = (self.connection.clone()?, self.name_id.clone()?);
        Some(Participant::new(connection, name_id, self.session_index.clone()))
    }

    /// For stores: whether a logout request means it, of this name at its identity provider and of this session index, or of all. A session
    /// without an index is meant by every request of its name, since nobody can tell that another one is meant.
    #[must_use]
    pub fn is_meant_by(&self, name_id: &Identity, session_index: Option<&str>) -> bool {
        let is_of = |index| self.session_index.as_deref().is_none_or(|own| own == index);
        self.identity.as_ref() == Some(name_id) && session_index.is_none_or(is_of)
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.ends_at()
    }
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

/// The secret that a browser shows for its session. Stores keep its hash; there is no `Debug` of the content.
#[derive(Debug)]
pub struct SessionId(HashedSecret);

impl SessionId {
    /// A new one of 256 bits from the provider's random source.
    ///
    /// # Errors
    ///
    /// What the provider's random source answers.
    pub fn generate(provider: &Provider) -> Result<SessionId, CryptoError> {
        HashedSecret::generate("", provider).map(Self)
    }

    /// The one that a browser shows.
    ///
    /// # Errors
    ///
    /// What the provider's backend answers if it has no SHA-256.
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
