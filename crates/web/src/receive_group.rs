//! What responses and messages have in common that share the places of one connection.

use vouchsafe::signature::KeyFingerprint;
use vouchsafe::{ConnectionId, EntityId};

/// The group that a response or a message is counted for by [`ReceiveLimiter::per_connection`]. Each group has places
/// of its own, so that nobody outside a group delays what belongs to it.
///
/// An issuer is only claimed, and anybody can configure a connection to it. So what comes to an address that several
/// connections share counts for the issuer, and takes nothing of the places of a connection. A response whose
/// connection is known counts for it.
///
/// Use it only for existing connections and their issuers, and not for names that strangers make up.
///
/// [`ReceiveLimiter::per_connection`]: crate::ReceiveLimiter::per_connection
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ReceiveGroup {
    /// Answers to requests of this service over this connection, artifacts that are resolved over it, and responses to
    /// an address of its own.
    Connection(ConnectionId),
    /// Responses that answer no request and claim this issuer, at an address that connections share.
    UnaskedFrom(EntityId),
    /// Requests about sessions and names, at an address of this connection.
    RequestsAt(ConnectionId),
    /// Requests about sessions and names that claim this issuer, at an address that connections share.
    RequestsFrom(EntityId),
    /// Requests about sessions and names that were signed by this key, while they are carried out. The places before
    /// are free then: they limit the checks of messages, which anybody can send.
    SignedBy(KeyFingerprint),
}

impl ReceiveGroup {
    /// Says in an error of what there is too much.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            ReceiveGroup::Connection(_) | ReceiveGroup::RequestsAt(_) => "over one connection",
            ReceiveGroup::UnaskedFrom(_) | ReceiveGroup::RequestsFrom(_) => "that claim one issuer",
            ReceiveGroup::SignedBy(_) => "signed by one key",
        }
    }
}
