//! From an accepted assertion to a session, in one transaction.

use std::time::Duration;

use vouchsafe::{
    ConnectionId, ConnectionState, Login, PendingRequest, Recorded, ReplayKey, ValidAssertion,
    provisioning::{
        AccountId, Fact, Identity, LoginFacts, OrganizationId, Plan, PlanRefusal, Policy, PolicyDuration,
        Snapshot,
    },
};

use crate::{Decided, RememberedLogout, Session, SessionId, SignInError, StoreError, may_be_logged_out};

/// A sign-in to be made: an acceptable assertion, and the session that it is to begin.
///
/// [`Directory::sign_in`](crate::Directory::sign_in) writes the replay record, the plan's changes and the session, and
/// removes the pending request, in one transaction. If the process stops in the middle, nothing of it is written, and
/// the same response can be posted again.
///
/// A store goes through three types. Each is made from the one before and in no other way:
///
/// 1. it inserts [`replay_key`](Self::replay_key) if it is not there, and calls [`confirm`](Self::confirm) with the
///    result;
/// 2. it reads the fields of [`SignInContext`], with the snapshot for [`ConfirmedSignIn::facts`] as for
///    [`About::Login`](crate::About::Login), and calls [`ConfirmedSignIn::decide`] with it;
/// 3. it writes what [`DecidedSignIn`] contains, commits, and answers [`DecidedSignIn::into_signed_in`].
///
/// Any error on the way rolls everything back, including the replay record.
#[derive(Debug)]
pub struct SignIn {
    valid: ValidAssertion,
    terms: Terms,
}

/// The parts of a sign-in that do not come from the assertion.
#[derive(Debug)]
struct Terms {
    id: SessionId,
    lifetime: Duration,
    answers: Option<String>,
    replaces: Option<String>,
    links: Option<Link>,
    heeds_logouts: bool,
}

/// The account to link, and the hash of the identifier of the session in which the person asked for it.
#[derive(Debug)]
struct Link {
    account: AccountId,
    session: String,
}

impl SignIn {
    /// A sign-in whose session lasts for `lifetime` at most.
    #[must_use]
    pub fn new(valid: ValidAssertion, id: SessionId, lifetime: Duration) -> Self {
        let terms = Terms { id, lifetime, answers: None, replaces: None, links: None, heeds_logouts: false };
        Self { valid, terms }
    }

    /// The same sign-in as the answer to this request, which is removed afterwards.
    #[must_use]
    pub fn answering(mut self, request: Option<&PendingRequest>) -> Self {
        self.terms.answers = request.map(|request| request.handle().to_owned());
        self
    }

    /// The same sign-in for a browser that has a session already: the session with this [hash](SessionId::hash) ends.
    #[must_use]
    pub fn replacing(mut self, session: Option<impl Into<String>>) -> Self {
        self.terms.replaces = session.map(Into::into);
        self
    }

    /// The same sign-in for a person who is signed in to this account by other means, such as a password, and wants to
    /// link it. The session with this [hash](SessionId::hash) must still exist when the link is written.
    #[must_use]
    pub fn linking(mut self, account: AccountId, session: impl Into<String>) -> Self {
        self.terms.links = Some(Link { account, session: session.into() });
        self
    }

    /// The same sign-in, which is refused if the identity provider has already ended the session: the assertion was
    /// issued before a logout that the store [remembers](crate::LogoutStore::remember_logout), and arrived after it
    /// (SAML Core 3.7.3.1). For services that accept logout requests.
    #[must_use]
    pub fn heeding_logouts(mut self) -> Self {
        self.terms.heeds_logouts = true;
        self
    }

    /// The handle of the pending request that is answered.
    #[must_use]
    pub fn answers(&self) -> Option<&str> {
        self.terms.answers.as_deref()
    }

    /// The [hash](SessionId::hash) of the session that ends.
    #[must_use]
    pub fn replaces(&self) -> Option<&str> {
        self.terms.replaces.as_deref()
    }

    /// The replay record that the store inserts if it is not there.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        self.valid.replay_key()
    }

    /// The connection that the assertion came over.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.valid.connection()
    }

    /// For stores: continues if the assertion was recorded for the first time.
    ///
    /// # Errors
    /// [`SignInError::NotBelieved`] with the complete ledger.
    pub fn confirm(self, recorded: Recorded) -> Result<ConfirmedSignIn, SignInError> {
        let login = self.valid.confirm(recorded).map_err(Box::new)?;
        let person = Identity::of_login(&login).filter(|_| self.terms.heeds_logouts);
        Ok(ConfirmedSignIn { facts: LoginFacts::from(&login), person, login, terms: self.terms })
    }
}

/// A [`SignIn`] whose assertion was recorded for the first time, in a transaction that is not committed.
#[derive(Debug)]
pub struct ConfirmedSignIn {
    login: Login,
    facts: LoginFacts,
    /// The person whose logouts count.
    person: Option<Identity>,
    terms: Terms,
}

/// What a store reads in the transaction of a sign-in. All of it is read at one moment, and nobody changes it until the
/// transaction ends.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SignInContext<'r> {
    /// The snapshot for [`ConfirmedSignIn::facts`].
    pub snapshot: &'r Snapshot,
    /// The stored policy of the organization.
    pub policy: &'r Policy,
    /// The session of [`ConfirmedSignIn::links_from`], if it exists.
    pub links_from: Option<&'r Session>,
    /// The state of the stored connection that the assertion came over; `None`: connections are kept elsewhere.
    pub connection: Option<ConnectionState>,
    /// [`LogoutStore::latest_logout`](crate::LogoutStore::latest_logout) of [`ConfirmedSignIn::logouts_of`], if there is one.
    pub latest_logout: Option<RememberedLogout>,
}

impl<'r> SignInContext<'r> {
    /// The values that were read.
    #[must_use]
    pub fn new(
        snapshot: &'r Snapshot,
        policy: &'r Policy,
        links_from: Option<&'r Session>,
        connection: Option<ConnectionState>,
        latest_logout: Option<RememberedLogout>,
    ) -> Self {
        Self { snapshot, policy, links_from, connection, latest_logout }
    }
}

impl ConfirmedSignIn {
    /// The facts by which the snapshot is looked up.
    #[must_use]
    pub fn facts(&self) -> &LoginFacts {
        &self.facts
    }

    /// The account that the person is signed in to by other means. The snapshot contains it too.
    #[must_use]
    pub fn links(&self) -> Option<&AccountId> {
        self.terms.links.as_ref().map(|link| &link.account)
    }

    /// The [hash](SessionId::hash) of the identifier of the session in which the person asked for the link. The store
    /// reads that session in the transaction.
    #[must_use]
    pub fn links_from(&self) -> Option<&str> {
        self.terms.links.as_ref().map(|link| link.session.as_str())
    }

    /// The person and session indexes whose latest logout the store reads; `None`: logouts do not count.
    #[must_use]
    pub fn logouts_of(&self) -> Option<(&Identity, &[String])> {
        Some((self.person.as_ref()?, self.login.session_indexes()))
    }

    /// For stores: decides with what was read in the transaction.
    ///
    /// # Errors
    /// The policy's refusal, [`PlanRefusal::LinkSessionEnded`], [`PlanRefusal::ConnectionState`] if the connection was
    /// retired after the assertion was checked, and [`SignInError::LoggedOut`]. The transaction is then rolled back.
    pub fn decide(self, read: &SignInContext<'_>) -> Result<DecidedSignIn, SignInError> {
        let outcome = self.outcome(read)?;
        Ok(self.decided_as(outcome))
    }

    /// The changes in the directory and the session that this would give.
    pub(crate) fn outcome(&self, read: &SignInContext<'_>) -> Result<(Decided, Session), SignInError> {
        let SignInContext { snapshot, policy, links_from, .. } = *read;
        self.is_still_acceptable(read)?;
        let plan = self.plan(snapshot, policy, links_from)?;
        let decided = Decided::of(plan, snapshot)?;
        let organization = decided.plan.organization().clone();
        let account = decided.account.clone();
        let account = account.ok_or_else(|| StoreError::damaged("plan", "it is about no account"))?;
        let lifetime = policy.sessions.lifetime(self.terms.lifetime);
        let session = Session::new(&self.login, organization, account, lifetime)
            .ending_without_use(policy.sessions.idle.map(PolicyDuration::get));
        Ok((decided, session))
    }

    /// The decision of this outcome.
    pub(crate) fn decided_as(self, (decided, session): (Decided, Session)) -> DecidedSignIn {
        DecidedSignIn { decided, session, login: self.login, terms: self.terms }
    }

    /// The identifier of the session, the hash of that of the session that ends, and the handle of the request that is answered.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn terms(&self) -> (&SessionId, Option<&str>, Option<&str>) {
        let Terms { id, replaces, answers, .. } = &self.terms;
        (id, replaces.as_deref(), answers.as_deref())
    }

    /// Whether, since the assertion was checked, the connection was not retired and the session not ended.
    fn is_still_acceptable(&self, read: &SignInContext<'_>) -> Result<(), SignInError> {
        if let Some(retired @ ConnectionState::Retired) = read.connection {
            let connection = self.login.connection().clone();
            return Err(PlanRefusal::connection_state(connection, retired.name(), "signed in over").into());
        }
        let (issued_at, asked_at) = (self.login.issued_at(), self.login.request_issued_at());
        let (latest, now) = (read.latest_logout, self.login.accepted_at());
        match self.person.is_some() && may_be_logged_out(issued_at, asked_at, latest, now) {
            true => Err(SignInError::LoggedOut {}),
            false => Ok(()),
        }
    }

    /// The plan that this would give.
    pub(crate) fn plan(
        &self,
        snapshot: &Snapshot,
        policy: &Policy,
        links_from: Option<&Session>,
    ) -> Result<Plan, SignInError> {
        Ok(match &self.terms.links {
            Some(Link { account, .. }) => {
                let is_theirs = |session: &&Session| {
                    session.account == *account && session.organization == snapshot.organization.id
                };
                let is_over = |session: &Session| session.is_over(self.login.accepted_at());
                if links_from.filter(is_theirs).is_none_or(is_over) {
                    return Err(PlanRefusal::link_session_ended(account).into());
                }
                policy.plan(Fact::link(&self.facts, account.clone()), snapshot)?
            }
            None => policy.plan(&self.facts, snapshot)?,
        })
    }
}

/// A [`SignIn`] for a store to write and to commit.
#[derive(Debug)]
pub struct DecidedSignIn {
    decided: Decided,
    session: Session,
    login: Login,
    terms: Terms,
}

impl DecidedSignIn {
    /// What changes in the directory.
    #[must_use]
    pub fn decided(&self) -> &Decided {
        &self.decided
    }

    /// The session to store, and the identifier under whose hash it is stored; `None`: the account is written and waits
    /// for approval.
    #[must_use]
    pub fn session(&self) -> Option<(&SessionId, &Session)> {
        self.is_admitted().then_some((&self.terms.id, &self.session))
    }

    /// The [hash](SessionId::hash) of the session that ends.
    #[must_use]
    pub fn replaces(&self) -> Option<&str> {
        self.terms.replaces.as_deref().filter(|_| self.is_admitted())
    }

    fn is_admitted(&self) -> bool {
        !self.decided.plan.waits_for_approval()
    }

    /// Handle of the pending request to remove.
    #[must_use]
    pub fn answers(&self) -> Option<&str> {
        self.terms.answers.as_deref()
    }

    /// For stores: the answer once everything is committed.
    ///
    /// # Errors
    /// [`PlanRefusal::ApprovalPending`] for an account that was written and waits for approval.
    pub fn into_signed_in(self) -> Result<CompletedSignIn, SignInError> {
        if !self.is_admitted() {
            return Err(PlanRefusal::approval_pending(&self.session.account).into());
        }
        Ok(CompletedSignIn {
            login: self.login,
            plan: self.decided.plan,
            id: self.terms.id,
            session: self.session,
        })
    }
}

/// A person who is signed in.
#[derive(Debug)]
#[non_exhaustive]
pub struct CompletedSignIn {
    /// The login, with its evidence and ledger.
    pub login: Login,
    /// The plan that the policy made.
    pub plan: Plan,
    /// The session's identifier, for the browser's cookie.
    pub id: SessionId,
    /// The session, with organization and account.
    pub session: Session,
}

impl CompletedSignIn {
    /// The organization.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.session.organization
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.session.account
    }
}
