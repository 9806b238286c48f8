//! The ready-made processing of a login: accounts by the organization's policy, and sessions, both in one store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, Response};
use vouchsafe::provisioning::{Identity, LoggedOut, PlanRefusal};
use vouchsafe::{
    BindingError, EntityId, LogoutRequest, ManageNameIdRequest, NameIdChange, NameIdOrder, NameIdStatus,
    PendingRequest, ServiceProvider, StatusAnswer, ValidAssertion, xml::Quoted,
};
use vouchsafe_store::{
    CompletedSignIn, Decision, Directory, HistoryLimits, LogoutStore, PendingStore, RecordedSignIn,
    ReplayStore, Session, SessionId, SessionStore, SignIn, SignInError, SignInHistory, StoreError,
};

use crate::connection_source::ConnectionSource;
use crate::error::HttpError;
use crate::link;
use crate::logout::EndedSession;
use crate::logout_sessions::{EndsSessions, LogoutSessions};
use crate::manages_names::{Managed, ManagesNames};
use crate::sign_in_answer::Checked;
use crate::single_sign_on::SingleSignOn;
use crate::work::to_the_end;

/// Accounts, sessions and remembered logouts in one store. `vouchsafe_store::Memory`, `Sqlite` and `Postgres`
/// implement it.
pub trait AccountStore: SessionStore + LogoutStore + Directory {}

impl<T: SessionStore + LogoutStore + Directory> AccountStore for T {}

/// Signs people in to accounts of a [`Directory`], by the policy of their organization, and keeps their sessions in a
/// [`SessionStore`]. The replay record, the account, the session and the removal of the answered request are written
/// in one transaction of the directory. So the flows and the accounts have one store: [`Provisioned::over`] makes both.
///
/// `vouchsafe-axum` and `vouchsafe-actix` provide routes and extractors for it.
///
/// ```
/// use http::{Response, request::Parts};
/// use vouchsafe_web::{Provisioned, SingleSignOn};
///
/// async fn assertion_consumer(
///     sso: &SingleSignOn,
///     provisioned: &Provisioned,
///     request: &Parts,
///     body: &[u8],
/// ) -> Response<String> {
///     match sso.check(request, body, None).await {
///         Ok(checked) => provisioned.provision(sso, checked).await,
///         Err(answer) => *answer,
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Provisioned {
    pub(crate) store: Arc<dyn AccountStore>,
    session_lifetime: Duration,
    on_sign_in: Option<TellSignIn>,
    history: Option<(Arc<dyn SignInHistory>, HistoryLimits)>,
}

type TellSignIn = Arc<dyn Fn(&CompletedSignIn) + Send + Sync>;

impl Provisioned {
    /// Makes the flows of a service, and the accounts that people sign in to with them, over one store. Use this
    /// [`SingleSignOn`], or what its methods make of it, wherever a method of `Provisioned` takes one. A session lasts for 8
    /// hours.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vouchsafe::ServiceProvider;
    /// use vouchsafe_store::Memory;
    /// use vouchsafe_web::{Provisioned, SingleSignOn, StoredConnections};
    ///
    /// fn service(saml: ServiceProvider, store: Memory) -> (SingleSignOn, Provisioned) {
    ///     let store = Arc::new(store);
    ///     let connections = Arc::new(StoredConnections::new(Arc::clone(&store)));
    ///     let (sso, provisioned) = Provisioned::over(saml, connections, store);
    ///     (sso.sign_in_page("/sign-in"), provisioned)
    /// }
    /// ```
    pub fn over<C, S>(
        service_provider: ServiceProvider,
        connections: Arc<C>,
        store: Arc<S>,
    ) -> (SingleSignOn, Provisioned)
    where
        C: ConnectionSource + 'static,
        S: AccountStore + ReplayStore + PendingStore + 'static,
    {
        let sso = SingleSignOn::new(service_provider, connections, Arc::clone(&store));
        let session_lifetime = Duration::from_secs(8 * 3_600);
        (sso, Provisioned { store, session_lifetime, on_sign_in: None, history: None })
    }

    /// Sets how long a session lasts at most. The identity provider's SessionNotOnOrAfter can shorten it.
    #[must_use]
    pub fn session_lifetime(self, lifetime: Duration) -> Provisioned {
        Provisioned { session_lifetime: lifetime, ..self }
    }

    /// Sets a function that is called after somebody has signed in, before the browser is answered.
    #[must_use]
    pub fn on_sign_in(self, tell: impl Fn(&CompletedSignIn) + Send + Sync + 'static) -> Provisioned {
        Provisioned { on_sign_in: Some(Arc::new(tell)), ..self }
    }

    /// Keeps the facts of each sign-in and the policy's result, within these limits. The organization's owners can
    /// then read an explanation, and can test a policy with these facts before it is set. This is off by default: it
    /// costs an additional write, and it stores names, addresses and groups of people. If a sign-in cannot be kept,
    /// this is a warning in the log and not a refusal.
    #[must_use]
    pub fn keeping_sign_ins<S: SignInHistory + 'static>(
        self,
        history: Arc<S>,
        limits: HistoryLimits,
    ) -> Provisioned {
        Provisioned { history: Some((history, limits)), ..self }
    }

    /// Signs in by a checked response in one transaction: the replay record, the account with teams and projects, the
    /// session, and the removal of the answered request. The [previous session](Checked::previous_session) of the
    /// browser ends. Returns the session's cookie for the answer to the browser. The answer to a request that
    /// [links](Self::link) an account links it.
    ///
    /// # Errors
    /// A replay; a refusal by the policy, as [`HttpError::refused_by`]; a failure of the store. In these cases
    /// nothing is stored.
    pub async fn sign_in(
        &self,
        sso: &SingleSignOn,
        valid: ValidAssertion,
        pending: Option<&PendingRequest>,
        previous_session: Option<String>,
    ) -> Result<HeaderValue, HttpError> {
        let id = SessionId::generate(sso.service_provider().provider()).map_err(BindingError::from)?;
        let sign_in =
            SignIn::new(valid, id, self.session_lifetime).answering(pending).replacing(previous_session);
        let sign_in = match link::linked_by(pending) {
            Some((account, session)) => sign_in.linking(account, session),
            None => sign_in,
        };
        let sign_in = match sso.takes_logouts() || sso.has_names_managed() {
            true => sign_in.heeding_logouts(),
            false => sign_in,
        };
        let signed_in = self.store.sign_in(sign_in).await.map_err(not_signed_in)?;
        tracing::info!(
            connection = %signed_in.login.connection(),
            issuer = %Quoted::new(signed_in.login.issuer().as_str()),
            organization = %signed_in.organization(),
            account = %signed_in.account(),
            steps = signed_in.plan.steps().len(),
            "signed in"
        );
        if let Some((history, limits)) = &self.history
            && let Err(error) = self.keep(history.as_ref(), *limits, sso, &signed_in).await
        {
            tracing::warn!(code = error.code(), %error, "a sign-in could not be kept");
        }
        sso.note_keys(&signed_in.login);
        if let Some(tell) = &self.on_sign_in {
            tell(&signed_in);
        }
        session_cookie(sso, &signed_in.id, &signed_in.session)
    }

    async fn keep(
        &self,
        history: &dyn SignInHistory,
        limits: HistoryLimits,
        sso: &SingleSignOn,
        signed_in: &CompletedSignIn,
    ) -> Result<(), StoreError> {
        let policy = self.store.policy(signed_in.organization()).await?;
        let provider = sso.service_provider().provider();
        history.keep_sign_in(&RecordedSignIn::of(signed_in, &policy, provider)?, limits).await
    }

    /// [Signs in](Self::sign_in) by a checked response, and answers the browser. A person whose e-mail address
    /// belongs to an account made by other means is sent to the sign-in page with [`NOT_LINKED`](crate::NOT_LINKED).
    pub async fn provision(&self, sso: &SingleSignOn, checked: Checked) -> Response<String> {
        let Checked { valid, pending, previous_session, answer } = checked;
        let signed_in = self.sign_in(sso, valid, pending.as_ref(), previous_session).await;
        let answered = signed_in.and_then(|cookie| answer.redirect([cookie]));
        answered.unwrap_or_else(|error| match link::asks_for_link(&error) && !answer.known.wants_json {
            true => link::ask_for_link(sso, &answer.known, &error),
            false => answer.refuse(error),
        })
    }

    /// Ends the session here, and tells its identity provider if there is [single
    /// logout](SingleSignOn::single_logout_over), by [`SingleSignOn::sign_out`]. Both are done to the end, also if the
    /// person closes the window at once.
    pub async fn logout(&self, sso: &SingleSignOn, headers: &HeaderMap) -> Response<String> {
        let holds_session = matches!(received(sso, headers), Ok(Some(_)));
        if !holds_session || sso.own_pages_only(headers, holds_session).is_err() {
            // Nothing ends, so there is nothing that goes on after the client is gone.
            return self.sign_out(sso, headers).await;
        }
        let (provisioned, sso_there, held) = (self.clone(), sso.clone(), headers.clone());
        let signed_out = to_the_end(async move { Ok(provisioned.sign_out(&sso_there, &held).await) });
        signed_out.await.unwrap_or_else(|error| sso.refuse_sign_out(headers, error))
    }

    async fn sign_out(&self, sso: &SingleSignOn, headers: &HeaderMap) -> Response<String> {
        let holds_session = sso.cookies().session(headers).is_some();
        let end = async {
            let mut participants = Vec::new();
            if let Some(id) = received(sso, headers)? {
                let session = self.store.find(&id, sso.now()).await?;
                self.store.revoke(&id).await?;
                participants.extend(session.and_then(|session| session.participant()));
            }
            Ok(EndedSession { cookies: vec![sso.cookies().close_session()?], participants })
        };
        sso.sign_out(headers, holds_session, end).await
    }

    /// Opens a session that no identity provider started, such as that of an owner with a password. The session that
    /// the browser sends in `headers` ends. The answer to the browser must contain the returned `Set-Cookie` header.
    ///
    /// # Errors
    /// The errors of the store and of the provider's random source; a suspended account is refused.
    pub async fn open_session(
        &self,
        sso: &SingleSignOn,
        headers: &HeaderMap,
        session: Session,
    ) -> Result<(OpenedSession, HeaderValue), HttpError> {
        let id = SessionId::generate(sso.service_provider().provider()).map_err(BindingError::from)?;
        self.store.create(&id, &session).await.map_err(refused_or_outage)?;
        if let Some(previous) = received(sso, headers)? {
            self.store.revoke(&previous).await?;
        }
        let cookie = session_cookie(sso, &id, &session)?;
        Ok((OpenedSession { session, hash: id.hash().to_owned() }, cookie))
    }

    /// Returns the session that the browser holds.
    ///
    /// # Errors
    /// The errors of the store: then it is not known whether anybody is signed in.
    pub async fn session(
        &self,
        sso: &SingleSignOn,
        headers: &HeaderMap,
    ) -> Result<Option<OpenedSession>, HttpError> {
        let Some(id) = received(sso, headers)? else { return Ok(None) };
        let session = self.store.find(&id, sso.now()).await?;
        Ok(session.map(|session| OpenedSession { session, hash: id.hash().to_owned() }))
    }

    /// Removes expired sessions and logouts that need not be remembered any more, and returns their number together.
    /// [`SingleSignOn::sweep`] removes the rest. A change of a name is remembered like a logout, also without single
    /// logout.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn sweep(&self, sso: &SingleSignOn) -> Result<u64, StoreError> {
        let sessions = self.store.sweep_sessions(sso.now()).await?;
        Ok(sessions.saturating_add(self.store.sweep_logouts(sso.now()).await?))
    }
}

/// What an operator can do if sessions outlive the logout at the identity provider.
const ENDED_NONE: &str = "Its NameID has another Format or qualifier than the session's, or another session index. Have the identity provider repeat the NameID of its assertions; or let the index decide, if its indexes are unique: ConnectionSettings::logout_by_session_index";

impl LogoutSessions for Provisioned {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        Box::pin(async move {
            let logout = LoggedOut::of(request);
            // The logout is remembered first. A sign-in at this moment either sees it, or its session is among those
            // that end.
            self.store.remember_logout(&logout, request.issued_at(), request.accepted_at()).await?;
            let ended = self.store.revoke_logged_out(&logout).await?;
            if ended == 0 && self.store.may_have_value(&logout).await.unwrap_or_default() {
                tracing::warn!(connection = %request.connection(), hint = ENDED_NONE, "a logout request ended no session, and there is a session of the same value");
            }
            Ok(ended)
        })
    }
}

/// Changes an account's name in one transaction with its audit record, and ends the sessions under the old name.
impl ManagesNames for Provisioned {
    fn end_sessions<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        let person = Identity::of_name_id_request(request);
        Box::pin(self.end_sessions_of(person, request.issued_at(), request.accepted_at()))
    }

    fn requested<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        let person = Identity::of_name_id_request(request);
        Box::pin(self.change_name(person, request.issuer(), request.change(), request.accepted_at()))
    }

    /// Unlinks a name that was terminated. A new identifier is only added by the identity provider to its own name,
    /// so nothing changes here.
    fn confirmed<'a>(&'a self, answer: &'a StatusAnswer, order: &'a NameIdOrder) -> Managed<'a, ()> {
        Box::pin(async move {
            if *order.change() == NameIdChange::Terminate {
                let connection = answer.connection().clone();
                let person =
                    Identity::of_kept_name(order.name_id(), connection, answer.issuer(), answer.audience());
                let (issued_at, accepted_at) = (answer.issued_at(), answer.accepted_at());
                self.end_sessions_of(person.clone(), issued_at, accepted_at).await?;
                self.change_name(person, answer.issuer(), order.change(), accepted_at).await?;
            }
            Ok(())
        })
    }
}

impl Provisioned {
    /// Ends whatever could be signed in by a name that changes or ends, as after a logout. So no session outlives its
    /// name, by which single logout would find it, and a late assertion makes no account for a name that changed.
    async fn end_sessions_of(
        &self,
        person: Identity,
        issued_at: DateTime<Utc>,
        accepted_at: DateTime<Utc>,
    ) -> Result<(), HttpError> {
        let logout = LoggedOut::all_of(person);
        self.store.remember_logout(&logout, issued_at, accepted_at).await?;
        self.store.revoke_logged_out(&logout).await?;
        Ok(())
    }

    async fn change_name(
        &self,
        person: Identity,
        issuer: &EntityId,
        change: &NameIdChange,
        accepted_at: DateTime<Utc>,
    ) -> Result<NameIdStatus, HttpError> {
        let connection = person.connection.clone();
        match self.store.decide(Decision::name_id(person, issuer.clone(), change, accepted_at)).await {
            Ok(_) => Ok(NameIdStatus::Success),
            Err(
                SignInError::PlanRefusal(PlanRefusal::IdentityUnknown { .. })
                | SignInError::Store(StoreError::NoOrganizationFor { .. }),
            ) => Ok(match change {
                // Nobody has the name, which is what was asked for. It may have ended by a copy of this request.
                NameIdChange::Terminate => NameIdStatus::Success,
                _ => NameIdStatus::UnknownPrincipal,
            }),
            Err(SignInError::Store(failure)) if failure.is_outage() => Err(failure.into()),
            Err(refused) => {
                tracing::warn!(%connection, code = refused.code(), "a name is not changed");
                Ok(NameIdStatus::Denied)
            }
        }
    }
}

/// A session that is still valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenedSession {
    /// The session.
    pub session: Session,
    /// SHA-256 of its identifier, as in [`SessionId::hash`]. It names the session and does not open it.
    pub hash: String,
}

impl fmt::Debug for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioned").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Returns the session identifier that the browser sends.
fn received(sso: &SingleSignOn, headers: &HeaderMap) -> Result<Option<SessionId>, HttpError> {
    sso.session_id(sso.cookies().session(headers))
}

fn session_cookie(sso: &SingleSignOn, id: &SessionId, session: &Session) -> Result<HeaderValue, HttpError> {
    let lifetime = session.expires_at.signed_duration_since(session.created_at);
    sso.cookies().open_session(id.reveal(), lifetime.to_std().unwrap_or_default())
}

/// Converts the error of a sign-in. A replay is refused like every other refused response.
fn not_signed_in(error: SignInError) -> HttpError {
    match error {
        SignInError::NotBelieved(refusal) => HttpError::Refused(*refusal),
        SignInError::LoggedOut { .. } => HttpError::LoggedOut,
        SignInError::Store(failure) => refused_or_outage(failure),
        refused => HttpError::refused_by(refused),
    }
}

/// Some errors of a directory are about the person, and do not mean that the store failed.
fn refused_or_outage(failure: StoreError) -> HttpError {
    match failure {
        StoreError::NoOrganizationFor { .. } | StoreError::AccountSuspended { .. } => {
            HttpError::refused_by(failure)
        }
        failure => HttpError::Store(failure),
    }
}
