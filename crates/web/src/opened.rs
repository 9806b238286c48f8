//! A response that was opened, with what it is checked against, and what else the request of a browser can turn out to be.

use vouchsafe::{BoundRequest, ClaimedResponse, Connection, ConnectionState, RelayState};

use crate::limiter::ReceivePermit;
use crate::restart::Restart;
use crate::tried_out::TriedOut;

/// A response that was opened, with the data that it is checked against.
pub(crate) struct Opened {
    pub(crate) claimed: ClaimedResponse,
    pub(crate) relay_state: Option<RelayState>,
    pub(crate) pending: Option<BoundRequest>,
    pub(crate) candidates: Vec<Connection>,
    pub(crate) permit: ReceivePermit,
}

/// The result of opening the request of a browser, before its content is checked.
pub(crate) enum Opening {
    Response(Box<Opened>),
    /// The response is not used: a new sign-in starts.
    Restart(Restart),
    /// There is no response to check; a trial shows the reason.
    TriedOut(Box<TriedOut>),
}

/// Keeps only active connections, if there is one. A draft or a retired connection with the same identity provider,
/// possibly of another customer, must not influence which connection a response belongs to.
pub(crate) fn open_if_any(mut candidates: Vec<Connection>) -> Vec<Connection> {
    let is_open = |connection: &Connection| connection.state() == ConnectionState::Active;
    if candidates.iter().any(is_open) {
        candidates.retain(is_open);
    }
    candidates
}
