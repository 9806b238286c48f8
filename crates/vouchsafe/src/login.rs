//! Starts a sign-in at the service.

use chrono::{DateTime, Utc};
use vouchsafe_metadata::{Binding, IdentityProvider, WebAddress};
use vouchsafe_signature::MessageParameter;

use crate::browser_binding::BrowserBinding;
use crate::connection::{Connection, ConnectionState};
use crate::enhanced_client::{Around, paos_request};
use crate::error::BindingError;
use crate::outgoing::{OutgoingMessage, Written};
use crate::pending::PendingRequest;
use crate::request::{Asked, Ends, LoginOptions, authn_request, message_id, prefixed_handle};
use crate::request_details::{RequestBinding, ResponseBinding};
use crate::service_provider::{ServiceProvider, SigningCredential};
use crate::settings::SignRequests;

/// A sign-in that was started: the message that the browser carries, the request that the service stores, and the
/// binding that only this browser receives.
#[derive(Debug)]
#[must_use = "send the browser away, keep the pending request, and set the binding cookie"]
#[non_exhaustive]
pub struct StartedLogin {
    /// The message to the identity provider, which the browser carries.
    pub request: OutgoingMessage,
    /// The request to store until the answer comes, under its [handle](PendingRequest::handle).
    pub pending: PendingRequest,
    /// The binding to set as a cookie: the answer is accepted only from the browser that has it.
    pub binding: BrowserBinding,
}

impl ServiceProvider {
    /// Starts a sign-in over a connection. It returns where to send the browser, what to store until the answer
    /// comes, and the binding that only this browser receives.
    ///
    /// The request goes by the chosen binding; otherwise by the first of HTTP-Redirect, HTTP-POST and
    /// HTTP-POST-SimpleSign that the identity provider accepts. It is signed if the identity provider requires it, if
    /// it is configured so, and always by HTTP-POST-SimpleSign.
    ///
    /// # Errors
    /// [`BindingError::ConnectionState`] if the connection signs nobody in, [`BindingError::NoSingleSignOn`],
    /// [`BindingError::InsecureLocation`], [`BindingError::NoSigningKey`], [`BindingError::Metadata`] if the metadata
    /// is no longer valid, and the errors of the random number generator and of signing.
    pub fn start_login(
        &self,
        connection: &Connection,
        options: LoginOptions,
        now: DateTime<Utc>,
    ) -> Result<StartedLogin, BindingError> {
        may_be_asked(connection, options.is_trial)?;
        let identity_provider = connection.identity_provider();
        identity_provider.check_validity(now)?;
        let settings = connection.settings();
        let details = options.request.or(&settings.request);
        let by_client = options.for_enhanced_client;
        let answer_by = self.answer_by(identity_provider, by_client, details.response_binding)?;
        let (binding, location) = single_sign_on(identity_provider, by_client, details.binding)?;
        let credential = self.credential_for(connection, identity_provider, &binding)?;
        let request_id = message_id(self.provider())?;
        let name_id_policy = options.name_id_policy.as_ref().or(settings.name_id_policy.as_ref());
        let asked = options.requested_context.as_ref().or(settings.requested_context.as_ref());
        let requested_context = asked.cloned().unwrap_or_default();
        let xml = authn_request(
            &Ends {
                id: &request_id,
                issuer: self.entity_id_for(connection).as_str(),
                destination: Some(location.as_str()),
                issued_at: now,
            },
            &Asked {
                assertion_consumer: self.assertion_consumer_for(connection),
                answer_by: &answer_by,
                force_authn: options.force_authn,
                is_passive: options.is_passive,
                subject: options.subject.as_ref(),
                name_id_policy,
                requested_context: &requested_context,
                details: &details,
            },
        )?;
        let handle = prefixed_handle(self.provider(), options.handle_prefix)?;
        let browser = BrowserBinding::generate(self.provider())?;
        let pending = PendingRequest {
            handle,
            request_id,
            connection: connection.id().clone(),
            binding: browser.hash(self.provider())?,
            is_trial: options.is_trial,
            issued_at: now,
            expires_at: self.expiry(now),
            requested_context,
            maximum_authentication_age: options.maximum_authentication_age,
            force_authn: options.force_authn,
            is_passive: options.is_passive,
            subject: options.subject,
            name_id_policy: name_id_policy.cloned(),
            name_id_order: None,
            return_to: options.return_to,
            context: options.context,
            previous_session: options.previous_session,
        };
        let signing = credential.map(|credential| self.signing(credential, connection));
        let message = Written {
            xml,
            id: pending.request_id(),
            parameter: MessageParameter::Request,
            relay_state: Some(&pending.handle),
        };
        let request = match binding {
            Binding::Paos => {
                let around = Around {
                    issuer: self.entity_id_for(connection).as_str(),
                    assertion_consumer: self.assertion_consumer_for(connection),
                    identity_provider,
                    location,
                    relay_state: Some(&pending.handle),
                    is_passive: options.is_passive,
                };
                let xml = match signing {
                    Some(credential) => self.enveloped(&message.xml, message.id, credential)?,
                    None => message.xml,
                };
                OutgoingMessage::Envelope(paos_request(&xml, &around)?)
            }
            _ => self.carry(message, &binding, location, signing)?,
        };
        Ok(StartedLogin { request, pending, binding: browser })
    }

    /// Returns why [`start_login`](Self::start_login) with default options would refuse this identity provider in
    /// place of the connection's, apart from the dates of its metadata and the state of the connection.
    pub(crate) fn obstacles(
        &self,
        connection: &Connection,
        identity_provider: &IdentityProvider,
    ) -> Vec<BindingError> {
        let details = &connection.settings().request;
        let answer_by = self.answer_by(identity_provider, false, details.response_binding);
        let credential = single_sign_on(identity_provider, false, details.binding)
            .and_then(|(binding, _)| self.credential_for(connection, identity_provider, &binding));
        answer_by.err().into_iter().chain(credential.err()).collect()
    }

    /// Returns the binding that the answer should use: HTTP-Artifact if both sides support it.
    fn answer_by(
        &self,
        identity_provider: &IdentityProvider,
        for_enhanced_client: bool,
        asked: Option<ResponseBinding>,
    ) -> Result<Binding, BindingError> {
        if for_enhanced_client {
            let may = self.receives_from_enhanced_clients();
            return if may { Ok(Binding::Paos) } else { Err(BindingError::EnhancedClientsNotReceived) };
        }
        let asked = asked.unwrap_or_default().binding();
        if asked != Binding::HttpArtifact {
            return Ok(asked);
        }
        if !self.receives_artifacts() {
            return Err(BindingError::ArtifactsNotReceived);
        }
        let services = identity_provider.artifact_resolution();
        if services.iter().any(|endpoint| *endpoint.binding() == Binding::Soap) {
            return Ok(asked);
        }
        let entity_id = identity_provider.entity_id().as_str().to_owned();
        Err(BindingError::NoArtifactResolution { entity_id })
    }

    /// Returns the signing key, if requests over this connection to this identity provider are signed.
    fn credential_for(
        &self,
        connection: &Connection,
        identity_provider: &IdentityProvider,
        binding: &Binding,
    ) -> Result<Option<&SigningCredential>, BindingError> {
        let wanted =
            identity_provider.wants_authn_requests_signed() || *binding == Binding::HttpPostSimpleSign;
        let when = connection.settings().sign_requests.unwrap_or(self.config.sign_requests);
        if !wanted && when != SignRequests::Always {
            return Ok(None);
        }
        let credential = self.config.signing.as_ref().ok_or_else(|| BindingError::NoSigningKey {
            entity_id: identity_provider.entity_id().as_str().to_owned(),
        })?;
        Ok(Some(credential))
    }
}

/// Requires a state in which a sign-in can start: a draft can only be tried, an active connection can also be used, a
/// retired one can do neither.
fn may_be_asked(connection: &Connection, is_trial: bool) -> Result<(), BindingError> {
    let state = connection.state();
    match state {
        ConnectionState::Active => Ok(()),
        ConnectionState::Draft | ConnectionState::Tested if is_trial => Ok(()),
        _ => Err(BindingError::ConnectionState {
            connection: connection.id().to_string(),
            state: state.name(),
        }),
    }
}

/// Returns the binding of the request and the address, which must be secure: the chosen binding, or the first that
/// the identity provider accepts.
fn single_sign_on(
    identity_provider: &IdentityProvider,
    for_enhanced_client: bool,
    asked: Option<RequestBinding>,
) -> Result<(Binding, &WebAddress), BindingError> {
    const ALL: [RequestBinding; 3] =
        [RequestBinding::Redirect, RequestBinding::Post, RequestBinding::PostSimpleSign];
    let at = |binding: RequestBinding| {
        let location = identity_provider.single_sign_on_at(&binding.binding())?;
        Some((binding.binding(), location))
    };
    let by_soap = || {
        let location = identity_provider.single_sign_on_at(&Binding::Soap)?;
        Some((Binding::Paos, location))
    };
    let found = match asked {
        _ if for_enhanced_client => by_soap(),
        Some(binding) => at(binding),
        None => ALL.into_iter().find_map(at),
    };
    let entity_id = || identity_provider.entity_id().as_str().to_owned();
    match found {
        Some((_, address)) if !address.is_secure() => Err(BindingError::InsecureLocation {
            entity_id: entity_id(),
            location: address.as_str().to_owned(),
        }),
        Some(found) => Ok(found),
        None => Err(BindingError::NoSingleSignOn {
            entity_id: entity_id(),
            binding: match for_enhanced_client {
                true => "SOAP",
                false => asked.unwrap_or(RequestBinding::Redirect).name(),
            },
        }),
    }
}
