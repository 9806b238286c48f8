//! The way of our messages about logout and about names to an identity provider: only over the connection that they
//! belong to, only to a secure address, and by a binding of both sides.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{Carriage, ConnectionId};
use vouchsafe_metadata::{Binding, Endpoint, WebAddress};
use vouchsafe_signature::MessageParameter;

use crate::connection::Connection;
use crate::error::BindingError;
use crate::logout_message::Reply;
use crate::outgoing::{OutgoingMessage, Written};
use crate::relay_state::RelayState;
use crate::request::{Ends, message_id};
use crate::service_provider::ServiceProvider;
use crate::signing::Signing;

impl ServiceProvider {
    /// Carries the answer to a request to this endpoint.
    pub(crate) fn carry_reply(
        &self,
        connection: &Connection,
        (endpoint, signing): (&Endpoint, Signing<'_>),
        reply: Reply<'_>,
        relay_state: Option<&RelayState>,
        now: DateTime<Utc>,
    ) -> Result<OutgoingMessage, BindingError> {
        let id = message_id(self.provider())?;
        let issuer = self.entity_id_for(connection).as_str();
        let destination = Some(endpoint.location_of_responses());
        let xml = reply.write(&Ends { id: &id, issuer, destination, issued_at: now })?;
        let message = Written { xml, id: &id, parameter: MessageParameter::Response, relay_state };
        self.carry(message, endpoint.binding(), endpoint.address_of_responses(), Some(signing))
    }
}

/// The bindings of messages that a browser carries, in the order of preference.
pub(crate) const BY_BROWSER: [Binding; 3] =
    [Binding::HttpRedirect, Binding::HttpPost, Binding::HttpPostSimpleSign];

/// The binding by which a request came, followed by the others.
pub(crate) fn bindings_after(carriage: Carriage) -> Vec<Binding> {
    let same = match carriage {
        Carriage::Redirect => Binding::HttpRedirect,
        Carriage::SimpleSign => Binding::HttpPostSimpleSign,
        _ => Binding::HttpPost,
    };
    let others = [Binding::HttpPost, Binding::HttpRedirect, Binding::HttpPostSimpleSign];
    std::iter::once(same.clone()).chain(others.into_iter().filter(|other| *other != same)).collect()
}

/// Requires the connection that a value belongs to, so that a person is named only to their own identity provider.
pub(crate) fn require_same(of: &ConnectionId, given: &Connection) -> Result<(), BindingError> {
    if of == given.id() {
        return Ok(());
    }
    let (expected, actual) = (of.as_str().to_owned(), given.id().as_str().to_owned());
    Err(BindingError::OtherConnection { expected, actual })
}

/// Requires a secure address: browsers and messages are never sent to an address without TLS.
pub(crate) fn require_secure(connection: &Connection, address: &WebAddress) -> Result<(), BindingError> {
    if address.is_secure() {
        return Ok(());
    }
    Err(BindingError::InsecureLocation {
        entity_id: connection.identity_provider().entity_id().as_str().to_owned(),
        location: address.as_str().to_owned(),
    })
}
