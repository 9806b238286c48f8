use std::collections::HashMap;

use vouchsafe_crypto::hexadecimal;

use super::model::AppId;
use crate::keys;

/// A session at an application. The application is told when its user signs out here.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    pub(super) app: AppId,
    pub(super) name_id: String,
    pub(super) session_index: Option<String>,
}

/// The users who are signed in here, by the value of the cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    /// The applications that must still be told of a logout, by the RelayState of the pending request.
    waiting: HashMap<String, Vec<Participant>>,
}

#[derive(Debug)]
struct Session {
    login: String,
    /// Whether the user was asked for the identity just now, which `ForceAuthn` requires. It counts once.
    fresh: bool,
    /// The applications that the session was used for.
    participants: Vec<Participant>,
}

impl Sessions {
    /// Starts a session and returns the cookie's value.
    pub(super) fn begin(&mut self, login: &str) -> String {
        let cookie = random_hex();
        self.open.insert(
            cookie.clone(),
            Session { login: login.to_owned(), fresh: true, participants: Vec::new() },
        );
        cookie
    }

    pub(super) fn login(&self, cookie: &str) -> Option<String> {
        self.open.get(cookie).map(|session| session.login.clone())
    }

    /// Returns whether the user was asked since the last call.
    pub(super) fn take_fresh(&mut self, cookie: &str) -> bool {
        self.open.get_mut(cookie).is_some_and(|session| std::mem::take(&mut session.fresh))
    }

    /// Ends a session, and returns the applications to tell.
    pub(super) fn end(&mut self, cookie: &str) -> Vec<Participant> {
        self.open.remove(cookie).map(|session| session.participants).unwrap_or_default()
    }

    /// Records that a session was used to sign in to an application.
    pub(super) fn used(&mut self, cookie: &str, participant: Participant) {
        if let Some(session) = self.open.get_mut(cookie) {
            session.participants.push(participant);
        }
    }

    /// Stores the applications that must still be told, and returns a handle.
    pub(super) fn wait(&mut self, participants: Vec<Participant>) -> String {
        let handle = random_hex();
        self.waiting.insert(handle.clone(), participants);
        handle
    }

    pub(super) fn take_waiting(&mut self, handle: &str) -> Option<Vec<Participant>> {
        self.waiting.remove(handle)
    }

    pub(super) fn end_all_of(&mut self, login: &str) {
        self.open.retain(|_, session| session.login != login);
    }
}

/// Returns 128 random bits in hexadecimal digits.
///
/// # Panics
///
/// It panics if the system has no randomness, because a server with predictable sessions must not run.
#[expect(clippy::expect_used, reason = "a server for tests and demos, which cannot go on without randomness")]
pub(super) fn random_hex() -> String {
    let mut bytes = [0_u8; 16];
    keys::provider().random(&mut bytes).expect("the system has randomness");
    hexadecimal(&bytes)
}
