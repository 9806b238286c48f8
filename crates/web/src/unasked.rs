//! A response for which this browser has no pending request, and what its RelayState shows.

use vouchsafe::{Connection, ConnectionState, RelayState, Unsolicited};

/// A response, or an artifact, for which this browser has no pending request.
pub(crate) struct Unasked<'a> {
    pub(crate) relay_state: Option<&'a RelayState>,
    /// The ID of the request that it answers, if it names one.
    pub(crate) answers: Option<&'a str>,
    /// The connections over which it may have come.
    may_be: Vec<&'a Connection>,
}

impl<'a> Unasked<'a> {
    /// Selects the open connections of its identity provider whose address received it.
    pub(crate) fn new(
        relay_state: Option<&'a RelayState>,
        answers: Option<&'a str>,
        of_issuer: Vec<&'a Connection>,
        is_addressed: impl Fn(&Connection) -> bool,
    ) -> Unasked<'a> {
        let is_open = |one: &&Connection| one.state() == ConnectionState::Active && is_addressed(one);
        Unasked { relay_state, answers, may_be: of_issuer.into_iter().filter(is_open).collect() }
    }

    /// Returns whether the key that signed must show which of several connections sent the response, before it is known
    /// whether a new sign-in starts.
    pub(crate) fn needs_key(&self) -> bool {
        let restarts = |one: &&Connection| one.settings().on_unsolicited() == Unsolicited::Restart;
        self.may_be.len() > 1 && (self.answers.is_some() || self.may_be.iter().any(restarts))
    }

    /// Returns whether one of the connections accepts it without a request.
    pub(crate) fn is_accepted(&self) -> bool {
        self.may_be.iter().any(|one| one.settings().on_unsolicited() == Unsolicited::Accept)
    }

    /// Returns the only connection at which a sign-in may start, or `None` if there are several.
    pub(crate) fn only_one(&self, may: impl Fn(&Connection) -> bool) -> Option<&'a Connection> {
        let mut found = self.may_be.iter().filter(|connection| may(connection));
        let first = found.next();
        first.filter(|_| found.next().is_none()).copied()
    }
}

/// The prefix of the RelayState of a request that was made instead of using a response. It returns with the answer,
/// also from a browser without cookies.
pub(crate) const AGAIN: &str = "again-";

/// Returns whether a RelayState is a handle (32 hexadecimal digits) of a request of ours that was not itself made
/// instead of using a response.
pub(crate) fn is_first_handle(relay_state: &RelayState) -> bool {
    let handle = relay_state.as_str();
    handle.len() == 32 && handle.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether the request with this handle was made instead of using a response.
pub(crate) fn was_made_again(handle: &str) -> bool {
    handle.starts_with(AGAIN)
}
