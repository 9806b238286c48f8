//! Single logout: sends logout requests to an identity provider, and answers its requests (SAML Profiles 4.4).

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{LogoutRequest, MessageKind};
use vouchsafe_metadata::{Binding, Endpoint};
use vouchsafe_signature::MessageParameter;

use crate::back_channel::SoapCall;
use crate::browser_binding::BrowserBinding;
use crate::connection::Connection;
use crate::error::BindingError;
use crate::logout_journey::{LogoutJourney, PendingLogout};
use crate::logout_message::{LogoutStatus, Reply, logout_request, soap_fault};
use crate::message_route::{BY_BROWSER, bindings_after, require_same, require_secure};
use crate::outgoing::{OutgoingMessage, Written};
use crate::participant::Participant;
use crate::relay_state::RelayState;
use crate::request::{Ends, message_id, random_handle};
use crate::service_provider::ServiceProvider;
use crate::signing::Signing;

/// A logout request that a browser carries to an identity provider.
#[derive(Debug)]
#[must_use = "send the browser away, keep the pending logout, and set the binding cookie"]
#[non_exhaustive]
pub struct StartedLogout {
    /// The message to the identity provider, which the browser carries.
    pub request: OutgoingMessage,
    /// The logout to store until the answer comes, under its [handle](PendingLogout::handle).
    pub pending: PendingLogout,
    /// The binding to set as a cookie: the answer is accepted only from the browser that has it.
    pub binding: BrowserBinding,
}

impl ServiceProvider {
    /// Tells an identity provider that a session has ended. End the session in your service first: the person is then
    /// signed out of this service, whatever the identity provider answers and even if it does not answer.
    ///
    /// The request repeats the name identifier byte for byte and is always signed. It goes by HTTP-Redirect, or by
    /// HTTP-POST or HTTP-POST-SimpleSign if the identity provider accepts nothing else. `journey` is the rest of the
    /// sign-out; it stays with the pending logout.
    ///
    /// # Errors
    /// [`BindingError::NoSingleLogout`] if the service or the identity provider has no address for it,
    /// [`BindingError::LogoutKeyMissing`], [`BindingError::InsecureLocation`], [`BindingError::Metadata`] if the
    /// metadata is no longer valid, [`BindingError::OtherConnection`] if the participant belongs to another
    /// connection, and the errors of the random number generator and of signing.
    pub fn start_logout(
        &self,
        connection: &Connection,
        participant: &Participant,
        journey: LogoutJourney,
        now: DateTime<Utc>,
    ) -> Result<StartedLogout, BindingError> {
        require_same(&participant.connection, connection)?;
        let (endpoint, signing) = self.logout_by_browser(connection, &BY_BROWSER, now)?;
        let request_id = message_id(self.provider())?;
        let handle = random_handle(self.provider())?;
        let ends = Ends {
            id: &request_id,
            issuer: self.entity_id_for(connection).as_str(),
            destination: Some(endpoint.location()),
            issued_at: now,
        };
        let message = Written {
            xml: logout_request(&ends, participant)?,
            id: &request_id,
            parameter: MessageParameter::Request,
            relay_state: Some(&handle),
        };
        let request = self.carry(message, endpoint.binding(), endpoint.address(), Some(signing))?;
        let browser = BrowserBinding::generate(self.provider())?;
        let pending = PendingLogout {
            handle,
            request_id,
            connection: connection.id().clone(),
            binding: browser.hash(self.provider())?,
            issued_at: now,
            expires_at: self.expiry(now),
            journey,
        };
        Ok(StartedLogout { request, pending, binding: browser })
    }

    /// Makes the logout request for an identity provider that accepts it over SOAP. The request is signed.
    ///
    /// # Errors
    /// [`BindingError::NoSingleLogout`] if the identity provider has no such address, otherwise the errors of
    /// [`start_logout`](Self::start_logout).
    pub fn logout_call(
        &self,
        connection: &Connection,
        participant: &Participant,
        now: DateTime<Utc>,
    ) -> Result<SoapCall, BindingError> {
        require_same(&participant.connection, connection)?;
        let identity_provider = connection.identity_provider();
        identity_provider.check_validity(now)?;
        let endpoint = identity_provider.single_logout_at(&Binding::Soap);
        let endpoint = endpoint.ok_or_else(|| no_single_logout(identity_provider.entity_id().as_str()))?;
        let kind = MessageKind::LogoutResponse;
        self.soap_call(connection, endpoint, kind, now, |ends| logout_request(ends, participant))
    }

    /// Answers a logout request that a browser carried, after its sessions have ended. The RelayState is returned
    /// unchanged.
    ///
    /// The answer goes by the binding of the request, or by the other one if the identity provider accepts only that,
    /// to its `ResponseLocation` if it has one.
    ///
    /// # Errors
    /// The same as for [`start_logout`](Self::start_logout).
    pub fn answer_logout(
        &self,
        connection: &Connection,
        request: &LogoutRequest,
        relay_state: Option<&RelayState>,
        status: LogoutStatus,
        now: DateTime<Utc>,
    ) -> Result<OutgoingMessage, BindingError> {
        require_same(request.connection(), connection)?;
        let bindings = bindings_after(request.carriage());
        let (endpoint, signing) = self.logout_by_browser(connection, &bindings, now)?;
        self.carry_reply(connection, (endpoint, signing), logout_reply(request, status), relay_state, now)
    }

    /// Answers a logout request that came over SOAP: returns the envelope to send, as `text/xml`. The answer goes to
    /// whoever asked and has no `Destination`, so it is the same for all connections with one entity ID of this
    /// service.
    ///
    /// # Errors
    /// [`BindingError::LogoutKeyMissing`], [`BindingError::OtherConnection`], and the errors of the random number
    /// generator and of signing.
    pub fn answer_logout_by_soap(
        &self,
        connection: &Connection,
        request: &LogoutRequest,
        status: LogoutStatus,
        now: DateTime<Utc>,
    ) -> Result<String, BindingError> {
        let write = |ends: &Ends<'_>| logout_reply(request, status).write(ends);
        self.soap_answer(request.connection(), connection, now, write)
    }

    /// Returns the envelope for a request over SOAP that is not accepted: a fault that does not tell the reason.
    ///
    /// # Errors
    /// [`BindingError::Xml`]; this does not occur in practice.
    pub fn soap_fault(&self) -> Result<String, BindingError> {
        soap_fault("S:Client", "The request was not accepted.")
    }

    /// Returns the envelope for a request over SOAP that cannot be carried out now: a fault that says that it may be sent
    /// again.
    ///
    /// # Errors
    /// [`BindingError::Xml`]; this does not occur in practice.
    pub fn soap_fault_for_now(&self) -> Result<String, BindingError> {
        soap_fault("S:Server", "The request could not be carried out now.")
    }

    /// Returns the identity provider's endpoint for the first of these bindings that it has, and the signing key and
    /// algorithm.
    fn logout_by_browser<'c>(
        &self,
        connection: &'c Connection,
        bindings: &[Binding],
        now: DateTime<Utc>,
    ) -> Result<(&'c Endpoint, Signing<'_>), BindingError> {
        let identity_provider = connection.identity_provider();
        identity_provider.check_validity(now)?;
        if self.single_logout_for(connection).is_none() {
            return Err(no_single_logout(self.entity_id_for(connection).as_str()));
        }
        let endpoint = bindings.iter().find_map(|binding| identity_provider.single_logout_at(binding));
        let endpoint = endpoint.ok_or_else(|| no_single_logout(identity_provider.entity_id().as_str()))?;
        require_secure(connection, endpoint.address())?;
        require_secure(connection, endpoint.address_of_responses())?;
        Ok((endpoint, self.logout_signing(connection)?))
    }
}

fn logout_reply(request: &LogoutRequest, status: LogoutStatus) -> Reply<'_> {
    Reply { element: "saml2p:LogoutResponse", in_response_to: request.id(), codes: status.codes() }
}

fn no_single_logout(entity_id: &str) -> BindingError {
    BindingError::NoSingleLogout { entity_id: entity_id.to_owned() }
}
