//! The sessions in memory. They give access to nothing: they show what a service would store of a sign-in.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use vouchsafe::provisioning::{Identity, LoggedOut};
use vouchsafe::{
    BindingError, EntityId, Login, LogoutRequest, ManageNameIdRequest, NameIdOrder, NameIdStatus,
    Participant, Provider, StatusAnswer,
};
use vouchsafe_store::SessionId;
use vouchsafe_web::{Accepted, Cookies, EndsSessions, HttpError, LogoutSessions, Managed, ManagesNames};

use crate::verdict_json::{attributes, several};

use super::history::What;

/// The maximum number of sessions; the oldest is removed first.
const MOST: usize = 1000;
/// How long a session lasts, unless the identity provider allows less.
const LIFETIME: TimeDelta = TimeDelta::hours(8);

/// The stored data of a sign-in, with their JSON form.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Session {
    pub(super) issuer: String,
    name_id: Option<String>,
    /// The first one, if there are several.
    session_index: Option<String>,
    /// All of them, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_indexes: Option<Vec<String>>,
    attributes: BTreeMap<String, Vec<String>>,
    pub(super) since: String,
    #[serde(skip)]
    ends: DateTime<Utc>,
    /// The data for the identity provider when the session ends.
    #[serde(skip)]
    pub(super) participant: Option<Participant>,
    /// The identity and the session indexes by which a logout request finds the session.
    #[serde(skip)]
    identity: Option<Identity>,
    #[serde(skip)]
    indexes: Vec<String>,
}

impl Session {
    fn of(login: &Login) -> Session {
        let start = login.accepted_at();
        let end = start.checked_add_signed(LIFETIME).unwrap_or(start);
        let owned = |(name, values): (&str, Vec<&str>)| {
            (name.to_owned(), values.into_iter().map(str::to_owned).collect())
        };
        Session {
            issuer: login.issuer().as_str().to_owned(),
            name_id: login.name_id().map(|name| name.value().to_owned()),
            session_index: login.session_indexes().first().cloned(),
            session_indexes: several(login).map(<[String]>::to_vec),
            attributes: attributes(login).into_iter().map(owned).collect(),
            since: start.to_rfc3339_opts(SecondsFormat::Secs, true),
            participant: Participant::of_login(login),
            identity: Identity::of_login(login),
            indexes: login.session_indexes().to_vec(),
            ends: login.session_not_on_or_after().map_or(end, |limit| limit.min(end)),
        }
    }
}

/// All sessions, each under the hash of the secret that its browser holds.
#[derive(Debug)]
pub(super) struct Sessions {
    cookies: Cookies,
    provider: Provider,
    live: Mutex<VecDeque<(String, Session)>>,
    /// The sessions and names that identity providers ended, with the issuers, until they are reported.
    ended: Mutex<Vec<(What, String)>>,
}

impl Sessions {
    pub(super) fn new(cookies: Cookies, provider: Provider) -> Sessions {
        Sessions { cookies, provider, live: Mutex::default(), ended: Mutex::default() }
    }

    /// Opens the session of a login, replaces the browser's previous one, and returns its cookie.
    pub(super) fn open(&self, accepted: &Accepted) -> Result<HeaderValue, HttpError> {
        let login = &accepted.login;
        let id = SessionId::generate(&self.provider).map_err(BindingError::from)?;
        let session = Session::of(login);
        let lifetime = session.ends.signed_duration_since(login.accepted_at()).to_std().unwrap_or_default();
        let cookie = self.cookies.open_session(id.reveal(), lifetime)?;
        let mut live = self.live();
        live.retain(|(hash, _)| accepted.previous_session.as_ref() != Some(hash));
        if live.len() >= MOST {
            live.pop_front();
        }
        live.push_back((id.hash().to_owned(), session));
        Ok(cookie)
    }

    /// Returns the session of the requesting browser.
    pub(super) fn of(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Option<Session>, HttpError> {
        let Some(id) = self.held(headers)? else { return Ok(None) };
        let live = self.live();
        let found = live.iter().find(|(hash, session)| hash == id.hash() && now < session.ends);
        Ok(found.map(|(_, session)| session.clone()))
    }

    /// Returns every session, the oldest first.
    pub(super) fn all(&self, now: DateTime<Utc>) -> Vec<Session> {
        self.live()
            .iter()
            .filter(|(_, session)| now < session.ends)
            .map(|(_, session)| session.clone())
            .collect()
    }

    /// Ends the session of the requesting browser. Returns the session, and the cookie that removes it in the
    /// browser.
    pub(super) fn close(&self, headers: &HeaderMap) -> Result<(Option<Session>, HeaderValue), HttpError> {
        let held = self.held(headers)?;
        let mut live = self.live();
        let place = held.and_then(|held| live.iter().position(|(hash, _)| hash == held.hash()));
        let ended = place.and_then(|place| live.remove(place)).map(|(_, session)| session);
        Ok((ended, self.cookies.close_session()?))
    }

    /// Returns what identity providers ended since the last call, each with the issuer.
    pub(super) fn take_ended(&self) -> Vec<(What, String)> {
        std::mem::take(&mut self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn sweep(&self, now: DateTime<Utc>) {
        self.live().retain(|(_, session)| now < session.ends);
    }

    fn end_where(&self, is_meant: impl Fn(&Session) -> bool) -> Vec<Session> {
        let mut live = self.live();
        let (ended, left): (Vec<_>, Vec<_>) = live.drain(..).partition(|(_, session)| is_meant(session));
        live.extend(left);
        ended.into_iter().map(|(_, session)| session).collect()
    }

    /// Ends the sessions of a name, and returns their number.
    fn end_name(&self, person: &Identity, issuer: &EntityId) -> usize {
        let ended = self.end_where(|session| session.identity.as_ref() == Some(person));
        self.note((!ended.is_empty()).then(|| (What::NameChanged, issuer.as_str().to_owned())));
        ended.len()
    }

    fn note(&self, ended: impl IntoIterator<Item = (What, String)>) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).extend(ended);
    }

    fn held(&self, headers: &HeaderMap) -> Result<Option<SessionId>, HttpError> {
        let Some(text) = self.cookies.session(headers) else { return Ok(None) };
        Ok(Some(SessionId::received(text, &self.provider).map_err(BindingError::from)?))
    }

    fn live(&self) -> MutexGuard<'_, VecDeque<(String, Session)>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogoutSessions for Sessions {
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
        let logout = LoggedOut::of(request);
        let is_meant = |person: &Identity, session: &Session| logout.means(person, &session.indexes);
        let ended = self
            .end_where(|session| session.identity.as_ref().is_some_and(|person| is_meant(person, session)));
        self.note(ended.iter().map(|session| (What::LoggedOut, session.issuer.clone())));
        Box::pin(std::future::ready(Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))))
    }
}

/// The sessions of a name that changes or ends, end with it.
impl ManagesNames for Sessions {
    // Each identity provider has one connection here, so the change itself ends its sessions.
    fn end_sessions<'a>(&'a self, _: &'a ManageNameIdRequest) -> Managed<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn requested<'a>(&'a self, request: &'a ManageNameIdRequest) -> Managed<'a, NameIdStatus> {
        let status = match self.end_name(&Identity::of_name_id_request(request), request.issuer()) {
            0 => NameIdStatus::UnknownPrincipal,
            _ => NameIdStatus::Success,
        };
        Box::pin(std::future::ready(Ok(status)))
    }

    fn confirmed<'a>(&'a self, answer: &'a StatusAnswer, order: &'a NameIdOrder) -> Managed<'a, ()> {
        let connection = answer.connection().clone();
        let person = Identity::of_kept_name(order.name_id(), connection, answer.issuer(), answer.audience());
        self.end_name(&person, answer.issuer());
        Box::pin(std::future::ready(Ok(())))
    }
}
