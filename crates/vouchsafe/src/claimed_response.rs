//! A posted response, parsed once, before it is known whom to believe.

use std::fmt;
use std::sync::Arc;

use vouchsafe_assertion::{Claimed, ConnectionId, Refusal, ResolvedResponse};
use vouchsafe_metadata::EntityId;

use crate::posted::PostedResponse;
use crate::relay_state::RelayState;
use crate::service_provider::ServiceProvider;

/// A response that was opened and not yet believed: it tells what a look-up of connections and pending requests needs, and nothing else.
///
/// [`ServiceProvider::open`] makes it, [`ServiceProvider::receive`] consumes it.
pub struct ClaimedResponse {
    pub(crate) claimed: Claimed,
    /// What is looked into when a signature in it fails; none where the form is signed.
    pub(crate) bytes: Option<Vec<u8>>,
    received_at: Arc<str>,
    relay_state: Option<RelayState>,
    /// The connection whose resolution service gave it out, if it came by an artifact.
    pub(crate) resolved_over: Option<ConnectionId>,
}

impl ServiceProvider {
    /// Parses a response that was posted to the service's assertion consumer, and reads what it claims.
    ///
    /// # Errors
    /// A [`Refusal`] if it is not XML that is read here, or not a `samlp:Response`.
    pub fn open(&self, posted: PostedResponse) -> Result<ClaimedResponse, Refusal> {
        self.opened(posted, Arc::clone(&self.config.assertion_consumer))
    }

    /// The same for a response that was posted to a connection's own assertion consumer: its address as browsers see it, which is what
    /// Destination and Recipient are compared with.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_at(&self, posted: PostedResponse, received_at: &str) -> Result<ClaimedResponse, Refusal> {
        self.opened(posted, received_at.into())
    }

    fn opened(&self, posted: PostedResponse, received_at: Arc<str>) -> Result<ClaimedResponse, Refusal> {
        let (bytes, relay_state, signed_fields) = posted.into_parts();
        let (claimed, bytes) = match signed_fields {
            Some(fields) => (Claimed::in_form(fields, self.limits())?, None),
            None => (Claimed::parse(&bytes, self.limits())?, Some(bytes)),
        };
        Ok(ClaimedResponse { claimed, bytes, received_at, relay_state, resolved_over: None })
    }
}

impl fmt::Debug for ClaimedResponse {
    /// Shows what may be told, and no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedResponse")
            .field("claimed", &self.claimed)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

impl ClaimedResponse {
    /// What an artifact stood for.
    pub(crate) fn resolved(
        resolved: ResolvedResponse,
        received_at: Arc<str>,
        relay_state: Option<RelayState>,
        connection: ConnectionId,
    ) -> ClaimedResponse {
        let ResolvedResponse { claimed, bytes, .. } = resolved;
        ClaimedResponse {
            claimed,
            bytes: Some(bytes),
            received_at,
            relay_state,
            resolved_over: Some(connection),
        }
    }

    /// Who claims to have sent it. It serves to look up connections, and for nothing else.
    #[must_use]
    pub fn issuer(&self) -> Option<&EntityId> {
        self.claimed.issuer()
    }

    /// The claimed issuer in the other spellings that are configured by mistake: with or without a slash at the end, http or https, in lower
    /// case, without white space. They serve to say to the operator which name was probably meant, and never to find a connection to use.
    #[must_use]
    pub fn issuer_in_other_spellings(&self) -> Vec<EntityId> {
        let Some(issuer) = self.issuer() else { return Vec::new() };
        let text = issuer.as_str();
        let slash = text.strip_suffix('/').map_or_else(|| format!("{text}/"), str::to_owned);
        let scheme = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => Some(format!("http://{rest}")),
            (_, Some(rest)) => Some(format!("https://{rest}")),
            _ => None,
        };
        let all = [Some(slash), scheme, Some(text.to_lowercase()), Some(text.split_whitespace().collect())];
        let mut spellings: Vec<EntityId> =
            all.into_iter().flatten().filter_map(|name| EntityId::new(name).ok()).collect();
        spellings.sort();
        spellings.dedup();
        spellings.retain(|name| name != issuer);
        spellings
    }

    /// Which request it claims to answer. It serves to look that request up, and for nothing else.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.claimed.in_response_to()
    }

    /// Refuses a response in which the identity provider says no. [`ServiceProvider::receive`] does so first; this is for whoever decides
    /// something before, such as whether a sign-in begins anew.
    ///
    /// # Errors
    /// `assertion.status`, with the codes and the message.
    pub fn require_success(&self) -> Result<(), Refusal> {
        self.claimed.require_success()
    }

    /// The RelayState that came beside it; untrusted. The handle under which a pending request is found.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// The address that it was posted to.
    #[must_use]
    pub fn received_at(&self) -> &str {
        &self.received_at
    }

    pub(crate) fn shared_received_at(&self) -> Arc<str> {
        Arc::clone(&self.received_at)
    }
}
