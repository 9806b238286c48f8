//! What a login determines about a session of `tower-sessions`.

use std::fmt;

use chrono::{DateTime, Utc};
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, Session};
use vouchsafe::Participant;
use vouchsafe_web::{Accepted, HttpError};

use crate::ending_store::{ENDS, REPLACES};

/// The key under which a session has its [`participant`].
const PARTICIPANT: &str = "vouchsafe.participant";

/// What a login determines about the session that it begins. The default is for a session that no identity provider
/// started, such as after a password.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct SessionStart {
    /// The time at which the identity provider ends the session:
    /// [`Login::session_not_on_or_after`](vouchsafe::Login::session_not_on_or_after).
    pub ends: Option<DateTime<Utc>>,
    /// The session of the browser that ends: [`Accepted::previous_session`].
    pub previous: Option<String>,
    /// The session at the identity provider, which is told when the person signs out here.
    pub participant: Option<Participant>,
}

impl SessionStart {
    /// Returns what an accepted login determines.
    #[must_use]
    pub fn of(accepted: &Accepted) -> SessionStart {
        SessionStart {
            ends: accepted.login.session_not_on_or_after(),
            previous: accepted.previous_session.clone(),
            participant: Participant::of_login(&accepted.login),
        }
    }
}

impl fmt::Debug for SessionStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStart").field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// Returns the session at the identity provider to which this session belongs, for
/// [`EndedSession::participants`](vouchsafe_web::EndedSession::participants) when the person signs out. `None` if no
/// identity provider started the session, or if its login named nobody. It is also `None` for one that an earlier
/// release wrote in another form, so that the person is signed out here in any case.
///
/// # Errors
/// [`HttpError::Unavailable`].
pub async fn participant(session: &Session) -> Result<Option<Participant>, HttpError> {
    match session.get(PARTICIPANT).await {
        Ok(participant) => Ok(participant),
        Err(Error::SerdeJson(reason)) => {
            tracing::warn!(%reason, "a session has its participant in another form, so its identity provider is not told of the sign-out");
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Gives the session a new identifier, its participant, and its end: after the configured time, or at the time of the
/// identity provider, if that is earlier. The previous session of the browser ends when this one is stored.
pub(crate) async fn renew(session: &Session, start: &SessionStart) -> Result<(), HttpError> {
    session.cycle_id().await.map_err(failed)?;
    if let Some(hash) = &start.previous {
        session.insert_value(REPLACES, hash.as_str().into()).await.map_err(failed)?;
    }
    let at_most = session.expiry_date();
    let said = start.ends.and_then(|end| OffsetDateTime::from_unix_timestamp(end.timestamp()).ok());
    let end = said.map_or(at_most, |said| said.min(at_most));
    session.set_expiry(Some(Expiry::AtDateTime(end)));
    session.insert_value(ENDS, end.unix_timestamp().into()).await.map_err(failed)?;
    match &start.participant {
        Some(participant) => session.insert(PARTICIPANT, participant).await.map_err(failed),
        // The session may have that of an earlier login of the same person.
        None => session.remove_value(PARTICIPANT).await.map(drop).map_err(failed),
    }
}

/// Returns whether the time that [`renew`] wrote has passed. A session without that time was not signed in by this
/// crate.
pub(crate) async fn has_ended(session: &Session) -> Result<bool, HttpError> {
    let ends: Option<i64> = session.get(ENDS).await.map_err(failed)?;
    Ok(ends.is_none_or(|ends| ends <= OffsetDateTime::now_utc().unix_timestamp()))
}

pub(crate) fn failed(error: Error) -> HttpError {
    HttpError::unavailable("sessions", error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tower_sessions::MemoryStore;
    use vouchsafe::{ConnectionId, SessionNameId};

    use super::*;

    /// A login that names nobody begins a session without a participant, also in the place of an earlier one.
    #[tokio::test]
    async fn a_session_has_the_participant_of_its_latest_login() {
        let session = Session::new(None, Arc::new(MemoryStore::default()), None);
        assert_eq!(participant(&session).await.unwrap(), None);
        let ada = Participant::new(ConnectionId::new("acme").unwrap(), SessionNameId::new("ada"), None);
        let named = SessionStart { participant: Some(ada.clone()), ..SessionStart::default() };
        renew(&session, &named).await.unwrap();
        assert_eq!(participant(&session).await.unwrap(), Some(ada));
        renew(&session, &SessionStart::default()).await.unwrap();
        assert_eq!(participant(&session).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_participant_in_another_form_prevents_no_sign_out() {
        let session = Session::new(None, Arc::new(MemoryStore::default()), None);
        session.insert_value(PARTICIPANT, "ada".into()).await.unwrap();
        assert_eq!(participant(&session).await.unwrap(), None);
    }
}
