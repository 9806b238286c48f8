//! Announcements of ended sessions to every machine.

use std::{fmt, time::Duration};

use vouchsafe::{ConnectionId, provisioning::AccountId};

use crate::{Answer, SessionStore};

/// Sessions that were ended before they expired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The session whose identifier has this [hash](crate::SessionId::hash).
    Session(String),
    /// All sessions of an account.
    Account(AccountId),
    /// All sessions that began over a connection.
    Connection(ConnectionId),
    /// Unknown sessions: the announcement was not understood.
    Some,
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl Revocation {
    /// One line of text, for a channel that carries texts.
    pub(crate) fn to_text(&self) -> String {
        /// The longest payload of a PostgreSQL notification, less a margin.
        const LONGEST: usize = 7_000;
        let text = match self {
            Self::Session(hash) => format!("session {hash}"),
            Self::Account(account) => format!("account {account}"),
            Self::Connection(connection) => format!("connection {connection}"),
            Self::Some => String::new(),
        };
        if text.len() > LONGEST { String::new() } else { text }
    }

    /// An announcement that is not understood may be about any session.
    pub(crate) fn from_text(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("session", hash)) => Self::Session(hash.to_owned()),
            Some(("account", account)) => Self::Account(AccountId::new(account)),
            Some(("connection", id)) => ConnectionId::new(id).map_or(Self::Some, Self::Connection),
            _ => Self::Some,
        }
    }
}

/// A session store that tells every machine when a session is ended: `Postgres` (`LISTEN`), `Redis` (publish and
/// subscribe), and `Sqlite` within its process. If no session was ended it announces nothing.
pub trait Announces: SessionStore {
    /// Starts to listen.
    fn announcements(&self) -> Answer<'_, Box<dyn Announcements>>;
}

/// The announcements of a store, over a connection of their own. After an error the listener must start anew, and has
/// missed announcements.
pub trait Announcements: Send + fmt::Debug {
    /// The announcements since the last call. They include everything that was ended, and answered, before this call.
    fn until_now(&mut self) -> Answer<'_, Vec<Revocation>>;

    /// Waits for the next announcements, at most for `at_most`.
    fn next(&mut self, at_most: Duration) -> Answer<'_, Vec<Revocation>>;
}

#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "redis"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_read_back() {
        for told in [
            Revocation::Session("0123".to_owned()),
            Revocation::Account(AccountId::new("7 of 9")),
            Revocation::Connection(ConnectionId::new("acme-okta").unwrap()),
            Revocation::Some,
        ] {
            assert_eq!(Revocation::from_text(&told.to_text()), told);
        }
        for unknown in ["something newer", "connection a/b", ""] {
            assert_eq!(Revocation::from_text(unknown), Revocation::Some);
        }
        let long = Revocation::Account(AccountId::new("a".repeat(8_000)));
        assert_eq!(Revocation::from_text(&long.to_text()), Revocation::Some);
    }
}
