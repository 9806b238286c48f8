//! Sessions of `tower-sessions` (feature `tower-sessions`).
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::extract::{FromRef, State};
//! use axum::response::{IntoResponse, Response};
//! use axum::{Router, routing::get};
//! use tower_sessions::{MemoryStore, Session};
//! use vouchsafe_axum::tower_session::{SessionUser, session_layer};
//! use vouchsafe_axum::{AcceptedLogin, SingleSignOn, routes};
//! use vouchsafe_store::Memory;
//!
//! /// The session of the application's user, who was found or made by the login.
//! async fn signed_in(session: Session, AcceptedLogin(accepted): AcceptedLogin) -> Response {
//!     let opened = async {
//!         let user = format!("user of {}", accepted.connection());
//!         SessionUser(user).sign_in(&session, &accepted).await?;
//!         accepted.redirect([])
//!     };
//!     opened.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
//! }
//!
//! /// Whoever is not signed in is sent to the sign-in page.
//! async fn home(SessionUser(user): SessionUser<String>) -> String {
//!     user
//! }
//!
//! fn router(sso: SingleSignOn) -> Router {
//!     // With several machines, both must be stores that they share.
//!     let (sso, sessions) = session_layer(sso, MemoryStore::default(), Arc::new(Memory::new()));
//!     Router::new().route("/home", get(home)).merge(routes(signed_in)).layer(sessions).with_state(sso)
//! }
//! ```
//!
//! # Single logout
//!
//! An identity provider names a person, but `tower-sessions` finds a session only by its identifier. So record which
//! sessions a person has, with the identity provider's indexes of each, and delete those that a request names, through
//! the [`EndingStore`] of the layer or a clone of it. A logout may come while a sign-in is answered: check this after
//! the session is recorded. With `axum-login`, which uses these sessions, the record is its `NotesSessions`, and its
//! `signed_in` checks the rest.
//!
//! Signing out here takes the person's [`Participant`], which the sign-in keeps in the session, also with `axum-login`:
//! [`participant`] returns it.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//!
//! use axum::extract::State;
//! use axum::http::HeaderMap;
//! use axum::response::{IntoResponse, Response};
//! use tower_sessions::{MemoryStore, Session, SessionStore, session::Id};
//! use vouchsafe::{Login, LogoutRequest, provisioning::{Identity, LoggedOut}};
//! use vouchsafe_axum::tower_session::{EndingStore, SessionUser, participant, sign_out};
//! use vouchsafe_axum::{AcceptedLogin, EndedSession, EndsSessions, HttpError, LogoutSessions, SingleSignOn};
//! use vouchsafe_store::LogoutStore;
//!
//! /// The sessions with their people: a table of the application's, beside that of the sessions. In SQL, index it by
//! /// [`Identity::value_key`], and by the connection where its logout requests end sessions by their index.
//! #[derive(Clone, Debug)]
//! struct Signed {
//!     sessions: EndingStore<MemoryStore>,
//!     people: Arc<Mutex<HashMap<Id, (Identity, Vec<String>)>>>,
//! }
//!
//! /// The session of the application's user, recorded for single logout.
//! async fn signed_in(State(signed): State<Signed>, session: Session, AcceptedLogin(accepted): AcceptedLogin) ->
//! Response {
//!     let opened = async {
//!         let user = format!("user of {}", accepted.connection());
//!         SessionUser(user).sign_in(&session, &accepted).await?;
//!         signed.note(&session, &accepted.login);
//!         if let Err(logged_out) = accepted.not_logged_out().await {
//!             sign_out(&session).await?;
//!             return Err(logged_out);
//!         }
//!         accepted.redirect([])
//!     };
//!     opened.await.unwrap_or_else(|error| accepted.refuse(error)).into_response()
//! }
//!
//! /// POST /saml/logout: ends the session here, and tells its identity provider.
//! async fn logout(State(sso): State<SingleSignOn>, session: Session, headers: HeaderMap) -> Response {
//!     let end = async {
//!         let participants = participant(&session).await?.into_iter().collect();
//!         sign_out(&session).await?;
//!         Ok(EndedSession { participants, ..EndedSession::default() })
//!     };
//!     sso.sign_out(&headers, session.id().is_some(), end).await.into_response()
//! }
//!
//! impl Signed {
//!     /// After `SessionUser::sign_in`.
//!     fn note(&self, session: &Session, login: &Login) {
//!         if let (Some(person), Some(id)) = (Identity::of_login(login), session.id()) {
//!             let mut people = self.people.lock().unwrap();
//!             people.insert(id, (person, login.session_indexes().to_vec()));
//!         }
//!     }
//! }
//!
//! impl LogoutSessions for Signed {
//!     fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a> {
//!         Box::pin(async move {
//!             let (logout, people) = (LoggedOut::of(request), self.people.lock().unwrap().clone());
//!             let mut ended = 0;
//!             for (id, _) in people.iter().filter(|(_, (person, indexes))| logout.means(person, indexes)) {
//!                 let deleted = self.sessions.delete(id).await;
//!                 deleted.map_err(|error| HttpError::unavailable("sessions", error))?;
//!                 ended += 1;
//!             }
//!             Ok(ended)
//!         })
//!     }
//! }
//!
//! fn with_logout(sso: SingleSignOn, logouts: Arc<dyn LogoutStore>, signed: Signed) -> SingleSignOn {
//!     sso.single_logout_over(logouts, Arc::new(signed))
//! }
//! ```

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::Error;
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
use vouchsafe::Participant;
use vouchsafe_store::EndedSessionStore;
use vouchsafe_web::{Accepted, HttpError, SingleSignOn};

pub use crate::ending_store::EndingStore;
use crate::ending_store::{ENDS, REPLACES};
use crate::session::nobody;

/// The user of the session: the application's user or the identifier of one. It is an argument of a handler, with the
/// rejections of [`SignedIn`](crate::SignedIn): the sign-in page, status 401 for a client that asks for JSON, status
/// 503 if the session store does not answer. Use `Option<SessionUser<T>>` to decide yourself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionUser<T>(pub T);

/// The key of the user in the session.
const KEY: &str = "vouchsafe.user";

/// The key of the session at the identity provider.
const PARTICIPANT: &str = "vouchsafe.participant";

impl<T: Serialize + DeserializeOwned + Send + Sync> SessionUser<T> {
    /// Signs the user in on this session. The session receives a new identifier, so that nobody who knew the previous
    /// one shares it. If it was the session of another user, its data are removed. It ends at the time of the
    /// identity provider (SessionNotOnOrAfter), if that is earlier. It is stored before the browser is answered.
    ///
    /// Browsers do not send the session's cookie with the identity provider's POST, unless both are the same site. So
    /// this is usually a new session without data. The one that the browser held when the sign-in started ends
    /// ([`Accepted::previous_session`]), also if it was that of a visitor: keep data that must last longer, such as a
    /// shopping cart, under a name in [`LoginOptions::context`](vouchsafe::LoginOptions::context).
    ///
    /// # Errors
    /// [`HttpError::Unavailable`].
    pub async fn sign_in(&self, session: &Session, accepted: &Accepted) -> Result<(), HttpError> {
        let before = SessionUser::<serde_json::Value>::of(session).await?;
        let user = serde_json::to_value(&self.0).map_err(|error| failed(error.into()))?;
        if before.is_some_and(|before| before.0 != user) {
            session.clear().await;
        }
        let previous = accepted.previous_session.as_deref();
        renew(session, accepted.login.session_not_on_or_after(), previous).await?;
        session.insert_value(KEY, user).await.map_err(failed)?;
        keep_participant(session, Participant::of_login(&accepted.login).as_ref()).await?;
        session.save().await.map_err(failed)
    }

    /// Returns the user of the session. A session past its end has none, with any layer, and is removed with all its
    /// data. The same holds for a session whose user is not a `T`: one that an earlier release of the application wrote
    /// with another type. So its person signs in again. Use one type in the whole application, and change it so that
    /// releases which run at the same time read each other's.
    ///
    /// # Errors
    /// [`HttpError::Unavailable`]: then it is not known whether anybody is signed in.
    pub async fn of(session: &Session) -> Result<Option<SessionUser<T>>, HttpError> {
        let user = match session.get(KEY).await {
            Ok(Some(user)) => user,
            Ok(None) => return Ok(None),
            Err(Error::SerdeJson(reason)) => {
                tracing::warn!(%reason, "the user of a session has another form, so the session ends");
                sign_out(session).await?;
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        if has_ended(session).await? {
            sign_out(session).await?;
            return Ok(None);
        }
        Ok(Some(SessionUser(user)))
    }
}

/// Ends the session, and removes all its data.
///
/// # Errors
/// [`HttpError::Unavailable`].
pub async fn sign_out(session: &Session) -> Result<(), HttpError> {
    session.flush().await.map_err(failed)
}

/// How long a session of [`session_layer`] lasts, unless another [expiry](SessionManagerLayer::with_expiry) is set.
const LIFETIME: Duration = Duration::hours(8);

/// Makes the session layer with the cookie that a sign-in needs. The cookie is `Lax`: with `Strict`, the default of
/// `tower-sessions`, browsers would not send it with the redirect after the identity provider's POST. It is `Secure`
/// and has the prefix `__Host-` if the service is reached over https.
///
/// A session lasts for 8 hours. Without a sign-in they count from its last change; after a sign-in they count from
/// the sign-in, whatever is added to the session. The identity provider can end it earlier (SessionNotOnOrAfter). Set
/// another time by `with_expiry`; the default of `tower-sessions` is two weeks, and each change extends it. `ended`
/// records the deleted sessions. A layer that is not made by this function needs its store in an [`EndingStore`].
///
/// The returned `SingleSignOn` finds the browser's session in requests of this layer, so that it ends at the next
/// sign-in. Use it as the state of the [routes](crate::routes()). For a layer that is not made by this function, set
/// it by `sso.browser_session(tower_session::held)`.
///
/// ```
/// use std::sync::Arc;
///
/// use tower_sessions::cookie::time::Duration;
/// use tower_sessions::{Expiry, MemoryStore};
/// use vouchsafe_axum::tower_session::session_layer;
/// use vouchsafe_store::Memory;
///
/// # fn example(sso: vouchsafe_axum::SingleSignOn) {
/// let (sso, layer) = session_layer(sso, MemoryStore::default(), Arc::new(Memory::new()));
/// let layer = layer.with_expiry(Expiry::OnInactivity(Duration::hours(1)));
/// # let _ = (sso, layer);
/// # }
/// ```
pub fn session_layer<S: SessionStore>(
    sso: SingleSignOn,
    store: S,
    ended: Arc<dyn EndedSessionStore>,
) -> (SingleSignOn, SessionManagerLayer<EndingStore<S>>) {
    let secure = !sso.service_provider().assertion_consumer().starts_with("http://");
    let layer = SessionManagerLayer::new(EndingStore::new(&sso, store, ended))
        .with_expiry(Expiry::OnInactivity(LIFETIME))
        .with_name(if secure { "__Host-session" } else { "session" })
        .with_secure(secure)
        .with_same_site(SameSite::Lax);
    (sso.browser_session(held), layer)
}

/// Returns the identifier of the session in a request, for [`SingleSignOn::browser_session`].
#[must_use]
pub fn held(request: &Parts) -> Option<String> {
    let session = request.extensions.get::<Session>()?;
    session.id().map(|id| id.to_string())
}

impl<S, T> FromRequestParts<S> for SessionUser<T>
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
    T: Serialize + DeserializeOwned + Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<SessionUser<T>, Response> {
        match found(parts, state).await? {
            Some(user) => Ok(user),
            None => Err(nobody(parts, &SingleSignOn::from_ref(state))),
        }
    }
}

impl<S, T> OptionalFromRequestParts<S> for SessionUser<T>
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
    T: Serialize + DeserializeOwned + Send + Sync,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<SessionUser<T>>, Response> {
        found(parts, state).await
    }
}

async fn found<S, T>(parts: &mut Parts, state: &S) -> Result<Option<SessionUser<T>>, Response>
where
    S: Send + Sync,
    SingleSignOn: FromRef<S>,
    T: Serialize + DeserializeOwned + Send + Sync,
{
    let session = Session::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
    let user = SessionUser::of(&session).await;
    user.map_err(|error| SingleSignOn::from_ref(state).refuse(&parts.headers, error).into_response())
}

/// Gives the session a new identifier, and its end: after the configured time, or at the time of the identity
/// provider, if that is earlier. The previous session of the browser ends when this one is stored.
pub(crate) async fn renew(
    session: &Session,
    ends: Option<DateTime<Utc>>,
    previous: Option<&str>,
) -> Result<(), HttpError> {
    // A session that this request begins gets its identifier when it is stored. One that was emptied or changed in this
    // request may have none either, but its record still has the old one.
    let is_new = session.id().is_none() && !session.is_modified();
    if !is_new {
        session.cycle_id().await.map_err(failed)?;
    }
    if let Some(hash) = previous {
        session.insert_value(REPLACES, hash.into()).await.map_err(failed)?;
    }
    let at_most = session.expiry_date();
    let said = ends.and_then(|end| OffsetDateTime::from_unix_timestamp(end.timestamp()).ok());
    let end = said.map_or(at_most, |said| said.min(at_most));
    session.set_expiry(Some(Expiry::AtDateTime(end)));
    session.insert_value(ENDS, end.unix_timestamp().into()).await.map_err(failed)?;
    Ok(())
}

/// Returns the session at the identity provider, which is told when the person signs out here: give it to
/// [`EndedSession::participants`](crate::EndedSession::participants), before the session is emptied. `None` if the
/// login named nobody, if no login began this session, or if a later release wrote it in another form: the person can
/// sign out here all the same.
///
/// # Errors
/// [`HttpError::Unavailable`].
pub async fn participant(session: &Session) -> Result<Option<Participant>, HttpError> {
    match session.get(PARTICIPANT).await {
        Ok(participant) => Ok(participant),
        Err(Error::SerdeJson(reason)) => {
            tracing::warn!(%reason, "the participant of a session has another form, so no identity provider is told");
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Keeps what [`participant`] returns.
pub(crate) async fn keep_participant(
    session: &Session,
    participant: Option<&Participant>,
) -> Result<(), HttpError> {
    match participant {
        Some(participant) => session.insert(PARTICIPANT, participant).await.map_err(failed),
        // The session may have been another one's before.
        None => session.remove_value(PARTICIPANT).await.map(|_| ()).map_err(failed),
    }
}

/// Returns whether the time that [`renew`] wrote has passed. A session without that time was not signed in by this
/// crate.
async fn has_ended(session: &Session) -> Result<bool, HttpError> {
    let ends: Option<i64> = session.get(ENDS).await.map_err(failed)?;
    Ok(ends.is_none_or(|ends| ends <= OffsetDateTime::now_utc().unix_timestamp()))
}

pub(crate) fn failed(error: Error) -> HttpError {
    HttpError::unavailable("sessions", error)
}
