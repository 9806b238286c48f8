//! What ended, as it is told to every machine.

use std::{fmt, time::Duration};

use vouchsafe::{ConnectionId, provisioning::AccountId};

use crate::{Answer, SessionStore};

/// Sessions that ended before their time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The one of the identifier with this [hash](crate::SessionId::hash).
    Session(String),
    /// All of an account.
    Account(AccountId),
    /// All that began over a connection.
    Connection(ConnectionId),
    /// Some, nobody knows whose: what was announced is not understood here.
    Some,
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl Revocation {
    /// In one line, for a channel of texts.
    pub(crate) fn to_text(&self) -> String {
        /// What PostgreSQL takes as the payload of a notification, less a margin.
        const LONGEST: usize = 7_000;
        let text = match self {
            Self::Session(hash) => format!("session {hash}"),
            Self::Account(account) => format!("account {account}"),
            Self::Connection(connection) => format!("connection {connection}"),
            Self::Some => String::new(),
        };
        if text.len() > LONGEST { String::new() } else { text }
    }

    /// What nobody understands may mean anybody.
    pub(crate) fn from_text(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("session", hash)) => Self::Session(hash.to_owned()),
            Some(("account", account)) => Self::Account(AccountId::new(account)),
            Some(("connection", id)) => ConnectionId::new(id).map_or(Self::Some, Self::Connection),
            _ => Self::Some,
        }
    }
}

/// A store of sessions that tells every machine when one is ended, and nothing where none was: `Postgres` (`LISTEN`), `Redis` (publish and subscribe), and `Sqlite`, within
/// its process.
pub trait Announces: SessionStore {
    /// Listens from now on.
    fn announcements(&self) -> Answer<'_, Box<dyn Announcements>>;
}

/// What a store announces, over a connection of its own. An error is the end of it: whoever listens begins anew, and has missed something.
pub trait Announcements: Send + fmt::Debug {
    /// What was announced since the last call. Everything that was ended, and answered, before this was called is in what was told by then.
    fn until_now(&mut self) -> Answer<'_, Vec<Revocation>>;

    /// Waits for what is announced next, `at_most` so long.
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
