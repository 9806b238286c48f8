//! Name identifier management (SAML Profiles 4.5): tells an identity provider that a name changes or ends, and
//! answers its requests.

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{ManageNameIdRequest, MessageKind, NameIdChange};
use vouchsafe_metadata::{Binding, Endpoint};
use vouchsafe_signature::MessageParameter;
use vouchsafe_xml::Writer;

use crate::back_channel::SoapCall;
use crate::browser_binding::BrowserBinding;
use crate::connection::Connection;
use crate::error::BindingError;
use crate::logout_message::Reply;
use crate::message_route::{BY_BROWSER, bindings_after, require_same, require_secure};
use crate::name_id_order::NameIdOrder;
use crate::outgoing::{OutgoingMessage, Written};
use crate::pending::PendingRequest;
use crate::relay_state::RelayState;
use crate::request::{Ends, message_id, random_handle, start_message, write_name_id};
use crate::service_provider::ServiceProvider;
use crate::signing::Signing;

/// An order that a browser carries to an identity provider.
#[derive(Debug)]
#[must_use = "send the browser away, keep the pending request, and set the binding cookie"]
#[non_exhaustive]
pub struct StartedNameIdOrder {
    /// The message to the identity provider, which the browser carries.
    pub request: OutgoingMessage,
    /// The request to store until the answer comes, under its [handle](PendingRequest::handle).
    pub pending: PendingRequest,
    /// The binding to set as a cookie: the answer is accepted only from the browser that has it.
    pub binding: BrowserBinding,
}

/// The status that answers a request to change or to end a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NameIdStatus {
    /// The change was made.
    Success,
    /// The service knows nobody with that name.
    UnknownPrincipal,
    /// The change was refused: the new name belongs to somebody else, or the service does not allow changes.
    Denied,
}

impl NameIdStatus {
    fn codes(self) -> &'static [&'static str] {
        match self {
            NameIdStatus::Success => &["Success"],
            NameIdStatus::UnknownPrincipal => &["Responder", "UnknownPrincipal"],
            NameIdStatus::Denied => &["Responder", "RequestDenied"],
        }
    }
}

impl ServiceProvider {
    /// Requests from an identity provider, by the browser, to change or to end a name. The request is always signed.
    /// It goes by the first of HTTP-Redirect, HTTP-POST and HTTP-POST-SimpleSign that the identity provider accepts.
    ///
    /// Store the pending request as that of a sign-in, although it is none: see [`PendingRequest::name_id_order`].
    ///
    /// # Errors
    /// [`BindingError::NoNameIdManagement`] if the service or the identity provider has no address for it,
    /// [`BindingError::OtherConnection`] if the order belongs to another connection, otherwise the errors of
    /// [`start_logout`](Self::start_logout).
    pub fn start_name_id_order(
        &self,
        connection: &Connection,
        order: NameIdOrder,
        return_to: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<StartedNameIdOrder, BindingError> {
        require_same(order.connection(), connection)?;
        let (endpoint, signing) = self.name_id_management_by_browser(connection, &BY_BROWSER, now)?;
        let request_id = message_id(self.provider())?;
        let handle = random_handle(self.provider())?;
        let message = Written {
            xml: name_id_request(&self.ends(connection, &request_id, endpoint.location(), now), &order)?,
            id: &request_id,
            parameter: MessageParameter::Request,
            relay_state: Some(&handle),
        };
        let request = self.carry(message, endpoint.binding(), endpoint.address(), Some(signing))?;
        let browser = BrowserBinding::generate(self.provider())?;
        let binding = browser.hash(self.provider())?;
        let sent = (request_id, now, self.expiry(now));
        let pending = PendingRequest::of_order(handle, binding, sent, order, return_to);
        Ok(StartedNameIdOrder { request, pending, binding: browser })
    }

    /// Makes the request for an identity provider that accepts it over SOAP. The request is signed.
    ///
    /// # Errors
    /// The same as for [`start_name_id_order`](Self::start_name_id_order).
    pub fn name_id_call(
        &self,
        connection: &Connection,
        order: &NameIdOrder,
        now: DateTime<Utc>,
    ) -> Result<SoapCall, BindingError> {
        require_same(order.connection(), connection)?;
        let identity_provider = connection.identity_provider();
        identity_provider.check_validity(now)?;
        let endpoint = identity_provider.name_id_management_at(&Binding::Soap);
        let endpoint =
            endpoint.ok_or_else(|| no_name_id_management(identity_provider.entity_id().as_str()))?;
        let kind = MessageKind::ManageNameIdResponse;
        self.soap_call(connection, endpoint, kind, now, |ends| name_id_request(ends, order))
    }

    /// Answers a request that a browser carried, by the same binding or by another one if the identity provider
    /// accepts only that. The RelayState is returned unchanged.
    ///
    /// # Errors
    /// The same as for [`start_name_id_order`](Self::start_name_id_order).
    pub fn answer_name_id_request(
        &self,
        connection: &Connection,
        request: &ManageNameIdRequest,
        relay_state: Option<&RelayState>,
        status: NameIdStatus,
        now: DateTime<Utc>,
    ) -> Result<OutgoingMessage, BindingError> {
        require_same(request.connection(), connection)?;
        let bindings = bindings_after(request.carriage());
        let (endpoint, signing) = self.name_id_management_by_browser(connection, &bindings, now)?;
        self.carry_reply(connection, (endpoint, signing), name_id_reply(request, status), relay_state, now)
    }

    /// Answers a request that came over SOAP, like [`answer_logout_by_soap`](Self::answer_logout_by_soap): returns the
    /// envelope to send, as `text/xml`.
    ///
    /// # Errors
    /// [`BindingError::LogoutKeyMissing`], [`BindingError::OtherConnection`], and the errors of the random number
    /// generator and of signing.
    pub fn answer_name_id_request_by_soap(
        &self,
        connection: &Connection,
        request: &ManageNameIdRequest,
        status: NameIdStatus,
        now: DateTime<Utc>,
    ) -> Result<String, BindingError> {
        let write = |ends: &Ends<'_>| name_id_reply(request, status).write(ends);
        self.soap_answer(request.connection(), connection, now, write)
    }

    fn ends<'e>(
        &'e self,
        connection: &'e Connection,
        id: &'e str,
        destination: &'e str,
        now: DateTime<Utc>,
    ) -> Ends<'e> {
        Ends {
            id,
            issuer: self.entity_id_for(connection).as_str(),
            destination: Some(destination),
            issued_at: now,
        }
    }

    /// Returns the identity provider's endpoint for the first of these bindings that it has, and the signing key and
    /// algorithm.
    fn name_id_management_by_browser<'s, 'c>(
        &'s self,
        connection: &'c Connection,
        bindings: &[Binding],
        now: DateTime<Utc>,
    ) -> Result<(&'c Endpoint, Signing<'s>), BindingError> {
        let identity_provider = connection.identity_provider();
        identity_provider.check_validity(now)?;
        if self.name_id_management_for(connection).is_none() {
            return Err(no_name_id_management(self.entity_id_for(connection).as_str()));
        }
        let endpoint = bindings.iter().find_map(|one| identity_provider.name_id_management_at(one));
        let endpoint =
            endpoint.ok_or_else(|| no_name_id_management(identity_provider.entity_id().as_str()))?;
        require_secure(connection, endpoint.address())?;
        require_secure(connection, endpoint.address_of_responses())?;
        Ok((endpoint, self.logout_signing(connection)?))
    }
}

fn no_name_id_management(entity_id: &str) -> BindingError {
    BindingError::NoNameIdManagement { entity_id: entity_id.to_owned() }
}

/// Writes the request (SAML Core 3.6.1): the name byte for byte as it came, then its change.
fn name_id_request(ends: &Ends<'_>, order: &NameIdOrder) -> Result<String, BindingError> {
    let mut xml = Writer::new();
    start_message(&mut xml, "saml2p:ManageNameIDRequest", ends);
    xml.element("saml2:Issuer", ends.issuer);
    write_name_id(&mut xml, order.name_id());
    match order.change() {
        NameIdChange::New(identifier) => xml.element("saml2p:NewID", identifier),
        _ => xml.start("saml2p:Terminate").end(),
    };
    xml.end();
    Ok(xml.finish()?)
}

fn name_id_reply(request: &ManageNameIdRequest, status: NameIdStatus) -> Reply<'_> {
    Reply { element: "saml2p:ManageNameIDResponse", in_response_to: request.id(), codes: status.codes() }
}
