//! Responses by HTTP-Artifact (SAML Bindings 3.6): reads the artifact that a browser brings, and resolves it to a
//! Response.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::{
    Artifact, ClaimedMessage, ConnectionId, Message, MessageError, MessageKind, Recorded, Refusal, ReplayKey,
    unsigned_artifact_response,
};
use vouchsafe_metadata::{Binding, Endpoint, IdentityProvider};
use vouchsafe_xml::Limits;

use crate::back_channel::{SoapCall, another_kind};
use crate::claimed_response::ClaimedResponse;
use crate::connection::Connection;
use crate::error::BindingError;
use crate::form;
use crate::receive::Expect;
use crate::redirect::{encoded_limit, require_at_most};
use crate::relay_state::RelayState;
use crate::request::{Ends, start_message};
use crate::service_provider::ServiceProvider;

const FIELD: &str = "SAMLart";

/// An artifact as a browser brought it, with the RelayState that came with it. Nothing in it is verified yet.
///
/// ```
/// use vouchsafe::{Limits, SentArtifact};
///
/// let query = "SAMLart=AAQAAPqBXBAN81uMD%2BLp4qMUqdnPGn1KcAiglhgpKvEt3mkOK2onSpNa1G0%3D&RelayState=9f2c";
/// let sent = SentArtifact::from_query(query, &Limits::default())?;
/// assert_eq!(sent.artifact().endpoint_index(), 0);
/// assert_eq!(sent.relay_state().map(|state| state.as_str()), Some("9f2c"));
/// # Ok::<(), vouchsafe::BindingError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SentArtifact {
    artifact: Artifact,
    relay_state: Option<RelayState>,
}

impl SentArtifact {
    /// Reads the raw query string of the requested address (the part after `?`): exactly one SAMLart and at most one
    /// RelayState.
    ///
    /// # Errors
    /// [`BindingError::TooLarge`], [`BindingError::FieldMissing`], [`BindingError::FieldRepeated`], [`BindingError::Message`] with
    /// `message.artifact`.
    pub fn from_query(raw_query: &str, limits: &Limits) -> Result<SentArtifact, BindingError> {
        require_at_most("query string", raw_query.len(), encoded_limit(limits))?;
        SentArtifact::from_fields(raw_query.as_bytes())
    }

    /// Reads the same fields from the raw body of a POST, `application/x-www-form-urlencoded`. A form that has both
    /// an artifact and a message is refused.
    ///
    /// # Errors
    /// The same as for [`from_query`](Self::from_query).
    pub fn from_form(body: &[u8], limits: &Limits) -> Result<SentArtifact, BindingError> {
        require_at_most("form", body.len(), encoded_limit(limits).saturating_mul(3))?;
        SentArtifact::from_fields(body)
    }

    /// Returns whether a form that was posted to the assertion consumer contains an artifact.
    #[must_use]
    pub fn is_in_form(body: &[u8]) -> bool {
        !form::values(body, FIELD).is_empty()
    }

    fn from_fields(fields: &[u8]) -> Result<SentArtifact, BindingError> {
        let text = form::required(fields, FIELD)?;
        for message in ["SAMLResponse", "SAMLRequest"] {
            if !form::values(fields, message).is_empty() {
                return Err(BindingError::FieldRepeated { name: FIELD, count: 2 });
            }
        }
        let relay_state = form::optional(fields, "RelayState")?.map(RelayState::received);
        Ok(SentArtifact { artifact: Artifact::parse(&text)?, relay_state })
    }

    /// The artifact.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The RelayState that came with the artifact. It is untrusted; use it only as the handle to look up a pending
    /// request.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// Says at which assertion consumer it arrived: the configured address, and not one made of the request's headers.
    #[must_use]
    pub fn at(self, assertion_consumer: &str) -> ReceivedArtifact {
        ReceivedArtifact { sent: self, received_at: assertion_consumer.into() }
    }
}

/// An artifact, and the assertion consumer at which it [arrived](SentArtifact::at).
#[derive(Clone, Debug)]
pub struct ReceivedArtifact {
    sent: SentArtifact,
    received_at: Arc<str>,
}

/// An artifact that may be resolved over one connection, unless it was already resolved.
///
/// ```compile_fail,E0308
/// # use vouchsafe::{BindingError, ArtifactResolution, ServiceProvider, ValidArtifact};
/// # use chrono::{DateTime, Utc};
/// fn without_a_record(
///     saml: &ServiceProvider,
///     artifact: ValidArtifact,
///     now: DateTime<Utc>,
/// ) -> Result<ArtifactResolution, BindingError> {
///     saml.resolve_artifact(artifact, now) // error: expected ConfirmedArtifact
/// }
/// ```
pub struct ValidArtifact {
    sent: SentArtifact,
    connection: Connection,
    endpoint: Endpoint,
    received_at: Arc<str>,
    replay: ReplayKey,
}

impl ValidArtifact {
    /// The key that a store records, so that the artifact is resolved only once.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        self.replay.clone()
    }

    /// The connection over which the artifact is resolved.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.connection.id()
    }

    /// Allows the artifact to be resolved. `recorded` must state that a store recorded its key for the first time.
    ///
    /// # Errors
    /// `message.artifact_used`, `message.other_message`.
    pub fn confirm(self, recorded: Recorded) -> Result<ConfirmedArtifact, Refusal> {
        let first = self.sent.artifact.require_first(&self.replay, &recorded);
        first.map_err(|error| Refusal::new(error.into()))?;
        let ValidArtifact { sent, connection, endpoint, received_at, .. } = self;
        Ok(ConfirmedArtifact { sent, connection, endpoint, received_at })
    }
}

/// An artifact that may be resolved now: a store has recorded it for the first time. Only [`ValidArtifact::confirm`]
/// makes one.
///
/// ```compile_fail,E0382
/// # use vouchsafe::{ConfirmedArtifact, ServiceProvider};
/// # use chrono::{DateTime, Utc};
/// fn twice(saml: &ServiceProvider, artifact: ConfirmedArtifact, now: DateTime<Utc>) {
///     let first = saml.resolve_artifact(artifact, now);
///     let second = saml.resolve_artifact(artifact, now); // error: use of moved value
/// }
/// ```
pub struct ConfirmedArtifact {
    sent: SentArtifact,
    connection: Connection,
    endpoint: Endpoint,
    received_at: Arc<str>,
}

/// An ArtifactResolve request that waits for its answer. Send the [`call`](Self::call) with limits on size and time,
/// and pass the answer to [`ServiceProvider::artifact_resolved`].
#[must_use = "send the call, and hand its answer to ServiceProvider::artifact_resolved"]
pub struct ArtifactResolution {
    call: SoapCall,
    received_at: Arc<str>,
    relay_state: Option<RelayState>,
}

impl ArtifactResolution {
    /// The SOAP request to send, with its address.
    pub fn call(&self) -> &SoapCall {
        &self.call
    }

    /// The connection whose identity provider is asked.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.call.connection()
    }
}

macro_rules! shown_by_connection {
    ($($name:ident),*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("connection", self.connection())
                    .finish_non_exhaustive()
            }
        })*
    };
}

impl ConfirmedArtifact {
    fn connection(&self) -> &ConnectionId {
        self.connection.id()
    }
}

shown_by_connection!(ValidArtifact, ConfirmedArtifact, ArtifactResolution);

impl ServiceProvider {
    /// Returns whether this service accepts responses by HTTP-Artifact:
    /// [`Builder::receive_artifacts`](crate::Builder::receive_artifacts).
    #[must_use]
    pub fn receives_artifacts(&self) -> bool {
        self.config.receives_artifacts
    }

    /// Decides whether an artifact may be resolved, and over which connection. Nothing has been sent to the identity
    /// provider yet, and nothing in the artifact is verified.
    ///
    /// `candidates` are the connections that the artifact may belong to: after a request, the connection of the
    /// request; otherwise those that
    /// [`Connections::candidates_for_artifact`](crate::Connections::candidates_for_artifact) finds. Exactly one of
    /// them must match: the artifact names its identity provider, the connection is active, the address is its own,
    /// and its metadata has a resolution service with the index of the artifact. No other service is asked instead.
    /// Without a request, the connection must accept unsolicited responses, since an artifact makes this service send
    /// a request.
    ///
    /// # Errors
    /// A [`Refusal`]: `message.artifact_source`, `message.artifact_source_unknown`, `message.artifact_index`,
    /// `message.artifact_ambiguous`, and the refusals of [`receive`](Self::receive) that do not depend on the content
    /// of a response.
    pub fn check_artifact(
        &self,
        artifact: ReceivedArtifact,
        candidates: &[Connection],
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<ValidArtifact, Refusal> {
        let ReceivedArtifact { sent, received_at } = artifact;
        let mut reason = None;
        let mut found = Vec::new();
        for connection in candidates {
            match self.may_resolve(connection, &sent.artifact, &received_at, expect, now) {
                Ok(true) => found.push(connection),
                Ok(false) => {}
                Err(refusal) => reason = Some(refusal),
            }
        }
        let connection = match found.as_slice() {
            [only] => (*only).clone(),
            [] => return Err(reason.unwrap_or_else(|| refused(MessageError::ArtifactSourceUnknown))),
            several => return Err(refused(MessageError::artifact_ambiguous(several.len()))),
        };
        let endpoint = resolution_service(connection.identity_provider(), &sent.artifact)?.clone();
        let replay = sent.artifact.replay_key(self.provider(), self.expiry(now));
        let replay = replay.map_err(|error| Refusal::new(error.into()))?;
        Ok(ValidArtifact { sent, connection, endpoint, received_at, replay })
    }

    /// Makes the request: a signed ArtifactResolve in a SOAP envelope, for the resolution service that the artifact
    /// names.
    ///
    /// # Errors
    /// [`BindingError::InsecureLocation`] if the address of the service is neither https nor on a loopback host,
    /// [`BindingError::ArtifactsNotReceived`], and the errors of the random number generator and of signing.
    pub fn resolve_artifact(
        &self,
        artifact: ConfirmedArtifact,
        now: DateTime<Utc>,
    ) -> Result<ArtifactResolution, BindingError> {
        let ConfirmedArtifact { sent, connection, endpoint, received_at } = artifact;
        if !self.receives_artifacts() {
            return Err(BindingError::ArtifactsNotReceived);
        }
        let call = self.soap_call(&connection, &endpoint, MessageKind::ArtifactResponse, now, |ends| {
            artifact_resolve(ends, &sent.artifact)
        })?;
        Ok(ArtifactResolution { call, received_at, relay_state: sent.relay_state })
    }

    /// Reads the answer of a resolution service, and takes the Response out of it. The ArtifactResponse must be
    /// signed by the identity provider that the artifact names, and it must answer our request. TLS does not replace
    /// the signature; [one setting](crate::ConnectionSettings::danger_accept_unsigned_artifact_responses) permits an
    /// answer without one. The Response is as untrusted as one that a browser posts: pass it to
    /// [`receive`](Self::receive), which accepts it only over the connection that was asked.
    ///
    /// # Errors
    /// A [`Refusal`] with the ledger of every rule.
    pub fn artifact_resolved(
        &self,
        resolution: ArtifactResolution,
        answer: &[u8],
        now: DateTime<Utc>,
    ) -> Result<ClaimedResponse, Refusal> {
        let ArtifactResolution { call, received_at, relay_state } = resolution;
        let limits = self.limits();
        let SoapCall { connection, request, .. } = call;
        let expectations =
            self.message_expectations(&connection, Arc::clone(&received_at))?.answering(request);
        let claimed = ClaimedMessage::in_soap(answer, limits)?;
        claimed.require_kind(&[MessageKind::ArtifactResponse])?;
        let trust = connection.trust(self)?;
        let resolved = if trust.accepts_unsigned_artifact_responses() && !claimed.carries_signature() {
            unsigned_artifact_response(claimed, &trust, &expectations, now, limits)?
        } else {
            match self.answer_to_call(claimed, &trust, &expectations, now)? {
                Message::ArtifactResponse(resolved) => resolved.into_response(limits)?,
                other => return Err(another_kind(MessageKind::ArtifactResponse, &other)),
            }
        };
        Ok(ClaimedResponse::resolved(resolved, received_at, relay_state, connection.id().clone()))
    }

    /// Returns `Ok(false)` if the artifact does not belong to the connection.
    fn may_resolve(
        &self,
        connection: &Connection,
        artifact: &Artifact,
        received_at: &str,
        expect: Expect<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, Refusal> {
        if self.assertion_consumer_for(connection) != received_at {
            return Ok(false);
        }
        let entity_id = connection.identity_provider().entity_id();
        let is_of_source = artifact.is_of(entity_id);
        match expect.request() {
            Some(pending) if pending.connection() != connection.id() => return Ok(false),
            Some(_) if !is_of_source => {
                return Err(refused(MessageError::artifact_source(entity_id.as_str())));
            }
            None if !is_of_source => return Ok(false),
            _ => {}
        }
        self.may_answer(connection, expect, now)?;
        Ok(true)
    }
}

fn refused(error: MessageError) -> Refusal {
    Refusal::new(error.into())
}

/// Finds the SOAP service with exactly the index of the artifact.
fn resolution_service<'i>(
    identity_provider: &'i IdentityProvider,
    artifact: &Artifact,
) -> Result<&'i Endpoint, Refusal> {
    let services = identity_provider.artifact_resolution();
    let by_soap = || services.iter().filter(|endpoint| *endpoint.binding() == Binding::Soap);
    let index = artifact.endpoint_index();
    by_soap().find(|endpoint| endpoint.index() == Some(index)).ok_or_else(|| {
        let known = by_soap().filter_map(Endpoint::index).collect();
        refused(MessageError::artifact_index(index, identity_provider.entity_id().as_str(), known))
    })
}

/// Writes the `ArtifactResolve` request (SAML Core 3.5.1).
fn artifact_resolve(ends: &Ends<'_>, artifact: &Artifact) -> Result<String, BindingError> {
    let mut xml = vouchsafe_xml::Writer::new();
    start_message(&mut xml, "saml2p:ArtifactResolve", ends);
    xml.element("saml2:Issuer", ends.issuer);
    xml.element("saml2p:Artifact", &artifact.to_base64());
    xml.end();
    Ok(xml.finish()?)
}
