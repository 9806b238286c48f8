//! A session at an identity provider, with the data that a logout request needs.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{ConnectionId, Login, SessionNameId};

/// A session as its identity provider knows it. A logout request contains these data. `Debug` does not show the
/// person.
///
/// ```no_run
/// # fn login() -> vouchsafe::Login { unimplemented!() }
/// use vouchsafe::Participant;
///
/// let login = login();
/// // Keep it with the session: it is what the identity provider is told at the end.
/// let participant = Participant::of_login(&login);
/// assert_eq!(participant.map(|one| one.connection), Some(login.connection().clone()));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Participant {
    /// The connection over which the person signed in.
    pub connection: ConnectionId,
    /// The person, byte for byte as the identity provider named them.
    pub name_id: SessionNameId,
    /// The SessionIndex of each statement of the assertion. Usually there is one.
    #[serde(default)]
    pub session_indexes: Vec<String>,
}

impl Participant {
    /// Makes a participant of stored data of a login.
    #[must_use]
    pub fn new(
        connection: ConnectionId,
        name_id: SessionNameId,
        session_indexes: impl IntoIterator<Item = String>,
    ) -> Participant {
        Participant { connection, name_id, session_indexes: session_indexes.into_iter().collect() }
    }

    /// Makes a participant of a login; `None` if the login names nobody, so that its identity provider cannot be
    /// told.
    #[must_use]
    pub fn of_login(login: &Login) -> Option<Participant> {
        Some(Participant {
            connection: login.connection().clone(),
            name_id: SessionNameId::from(login.name_id()?),
            session_indexes: login.session_indexes().to_vec(),
        })
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant").field("connection", &self.connection).finish_non_exhaustive()
    }
}
