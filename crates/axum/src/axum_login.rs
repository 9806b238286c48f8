//! Users and sessions of `axum-login` (feature `axum-login`).
//!
//! The application's backend uses a [`Login`] as its credentials, or a type that contains one, such as an enum with a
//! variant for passwords. [`signed_in`] is then the handler of the [routes](crate::routes()).
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId};
//! use tower_sessions::MemoryStore;
//! use vouchsafe::Login;
//! use vouchsafe_axum::tower_session::session_layer;
//! use vouchsafe_axum::{SingleSignOn, axum_login::signed_in, routes};
//! use vouchsafe_store::Memory;
//! # use std::convert::Infallible;
//! # #[derive(Clone, Debug)]
//! # struct User(u64);
//! # impl User { fn of(_: &Login) -> Option<User> { None } fn by_id(_: u64) -> Option<User> { None } }
//! # impl AuthUser for User {
//! #     type Id = u64;
//! #     fn id(&self) -> u64 { self.0 }
//! #     fn session_auth_hash(&self) -> &[u8] { b"1" }
//! # }
//!
//! #[derive(Clone)]
//! struct Users; // the application's table
//!
//! impl AuthnBackend for Users {
//!     type User = User;
//!     type Credentials = Login;
//!     type Error = Infallible;
//!
//!     /// Finds the user by `login.connection()` and the name, and never only by an e-mail address. `None` if there is no such user.
//!     async fn authenticate(&self, login: Login) -> Result<Option<User>, Infallible> {
//!         Ok(User::of(&login))
//!     }
//!
//!     async fn get_user(&self, id: &UserId<Users>) -> Result<Option<User>, Infallible> {
//!         Ok(User::by_id(*id))
//!     }
//! }
//!
//! fn router(sso: SingleSignOn) -> Router {
//!     // With several machines, both must be stores that they share.
//!     let (sso, sessions) = session_layer(sso, MemoryStore::default(), Arc::new(Memory::new()));
//!     let layer = AuthManagerLayerBuilder::new(Users, sessions).build();
//!     Router::new().merge(routes(signed_in::<Users>)).layer(layer).with_state(sso)
//! }
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use axum_login::{AuthSession, AuthnBackend, Error};
use chrono::{DateTime, Utc};
use tower_sessions::Session;
use vouchsafe::Login;
use vouchsafe::provisioning::Identity;
use vouchsafe_web::{Accepted, HttpError, LogoutCheck};

use crate::accepted_login::AcceptedLogin;
use crate::ending_store::deleting_what_was_never_stored;
use crate::tower_session::{self, renew};

/// Records which sessions a person has, so that single logout finds them.
///
/// [`signed_in`] calls it for each session if it is in an extension of the request: `.layer(Extension(SessionNotes::new(..)))`.
/// [`LogoutSessions`](crate::LogoutSessions) then deletes the sessions of the person whom a logout request names, as the
/// documentation of [`tower_session`] shows.
pub trait NotesSessions: Send + Sync + 'static {
    /// Records the [identifier](Session::id) of a session with the person and the identity provider's indexes of the
    /// session, with which [`LoggedOut::means`](vouchsafe::provisioning::LoggedOut::means) compares a logout request.
    fn note<'a>(
        &'a self,
        session: &'a Session,
        person: &'a Identity,
        session_indexes: &'a [String],
    ) -> Pin<Box<dyn Future<Output = Result<(), HttpError>> + Send + 'a>>;
}

/// [`NotesSessions`] as an extension of requests.
#[derive(Clone)]
pub struct SessionNotes(Arc<dyn NotesSessions>);

impl SessionNotes {
    /// Makes the extension.
    pub fn new(notes: impl NotesSessions) -> SessionNotes {
        SessionNotes(Arc::new(notes))
    }
}

impl fmt::Debug for SessionNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionNotes").finish_non_exhaustive()
    }
}

/// Signs in the user whom the backend finds for the login, and sends the browser on. If it finds none, the login is
/// refused with `http.unknown_person`. If the backend or the session store fails, the status is 503.
///
/// With single logout, put [`SessionNotes`] into an extension: without them no logout of an identity provider ends the
/// session, which is logged. [`participant`](tower_session::participant) returns whom to tell when the person signs out
/// here. A login whose session is ended while it is answered is refused with `http.logged_out`.
pub async fn signed_in<B>(
    session: Session,
    mut auth: AuthSession<B>,
    notes: Option<Extension<SessionNotes>>,
    AcceptedLogin(accepted): AcceptedLogin,
) -> Response
where
    B: AuthnBackend + 'static,
    B::Credentials: From<Login>,
    B::Error: 'static,
{
    let Accepted { login, previous_session, answer, .. } = accepted;
    let signed_in = async {
        let (ends, check) = (login.session_not_on_or_after(), answer.logout_check(&login));
        let found = auth.authenticate(login.into()).await.map_err(failed)?;
        let user = found.ok_or(HttpError::UnknownPerson)?;
        sign_in(&session, &mut auth, &user, ends, previous_session.as_deref()).await?;
        // The session is found by its person before it is checked whether the person was logged out meanwhile.
        let kept = match keep(&session, notes.as_ref(), &check).await {
            Ok(()) => check.passes().await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            auth.logout().await.map_err(failed)?;
            tower_session::sign_out(&session).await?;
            return Err(error);
        }
        answer.redirect([])
    };
    signed_in.await.unwrap_or_else(|error| answer.refuse(error)).into_response()
}

/// Notes the session for single logout, and keeps in it who is told when the person signs out here.
async fn keep(
    session: &Session,
    notes: Option<&Extension<SessionNotes>>,
    check: &LogoutCheck,
) -> Result<(), HttpError> {
    tower_session::keep_participant(session, check.participant()).await?;
    match (notes, check.person()) {
        (Some(Extension(notes)), Some(person)) => {
            notes.0.note(session, person, check.session_indexes()).await
        }
        (None, Some(_)) if check.takes_logouts() => {
            tracing::warn!(
                "no logout of an identity provider ends this session, since SessionNotes are not set"
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Signs a user in on the session. The session receives a new identifier, and data of a previous user are removed;
/// `AuthSession::login` alone does this only for the first user of a session. `ends` is the time at which the
/// identity provider ends the session: [`Login::session_not_on_or_after`]. `previous` is the session of the browser
/// that ends: [`Accepted::previous_session`]. The session store enforces both, so the
/// layer must be a [`session_layer`](crate::tower_session::session_layer) or have its store in an
/// [`EndingStore`](crate::tower_session::EndingStore).
///
/// In a browser without a session, this leaves no record of an ended session. `AuthSession::login` alone leaves one for
/// 30 days, since it deletes the identifier of the new session, which was never stored, and renews it.
///
/// # Errors
/// [`HttpError::Unavailable`].
pub async fn sign_in<B>(
    session: &Session,
    auth: &mut AuthSession<B>,
    user: &B::User,
    ends: Option<DateTime<Utc>>,
    previous: Option<&str>,
) -> Result<(), HttpError>
where
    B: AuthnBackend + 'static,
    B::Error: 'static,
{
    if auth.user.is_some() {
        auth.logout().await.map_err(failed)?;
    }
    renew(session, ends, previous).await?;
    // `AuthSession::login` renews the identifier once more. The one that `renew` gave was never stored.
    deleting_what_was_never_stored(auth.login(user)).await.map_err(failed)?;
    session.save().await.map_err(tower_session::failed)
}

fn failed<B>(error: Error<B>) -> HttpError
where
    B: AuthnBackend + 'static,
    B::Error: 'static,
{
    match error {
        Error::Session(source) => tower_session::failed(source),
        Error::Backend(source) => HttpError::unavailable("users", source),
    }
}
