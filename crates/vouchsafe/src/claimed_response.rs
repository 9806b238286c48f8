//! A posted response, parsed once, before it is verified.

use std::fmt;
use std::sync::Arc;

use vouchsafe_assertion::{Claimed, ConnectionId, Refusal, ResolvedResponse};
use vouchsafe_metadata::EntityId;

use crate::posted::PostedResponse;
use crate::relay_state::RelayState;
use crate::service_provider::ServiceProvider;

/// A response that was opened and is not verified yet. It tells only what is needed to look up connections and
/// pending requests.
///
/// [`ServiceProvider::open`] makes it, [`ServiceProvider::receive`] consumes it.
pub struct ClaimedResponse {
    pub(crate) claimed: Claimed,
    /// The bytes to examine if a signature in them fails; `None` if the form is signed.
    pub(crate) bytes: Option<Vec<u8>>,
    received_at: Arc<str>,
    relay_state: Option<RelayState>,
    /// The connection whose resolution service returned it, if it came by an artifact.
    pub(crate) resolved_over: Option<ConnectionId>,
}

impl ServiceProvider {
    /// Parses a response that was posted to the service's assertion consumer, and reads its claimed issuer and
    /// request.
    ///
    /// # Errors
    /// A [`Refusal`] if the bytes are not acceptable XML, or not a `samlp:Response`.
    pub fn open(&self, posted: PostedResponse) -> Result<ClaimedResponse, Refusal> {
        self.opened(posted, Arc::clone(&self.config.assertion_consumer))
    }

    /// Does the same for a response that was posted to a connection's own assertion consumer. `received_at` is its
    /// address as browsers see it; Destination and Recipient are compared with it.
    ///
    /// # Errors
    /// The same as for [`open`](Self::open).
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
    /// Shows the data that may be shown, and no content of the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedResponse")
            .field("claimed", &self.claimed)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

impl ClaimedResponse {
    /// Makes a claimed response of the Response that an artifact was resolved to.
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

    /// The claimed issuer. Use it only to look up connections.
    #[must_use]
    pub fn issuer(&self) -> Option<&EntityId> {
        self.claimed.issuer()
    }

    /// Returns the claimed issuer in spellings that are often configured by mistake: with or without a slash at the
    /// end, http or https, in lower case, without white space. Use them only to suggest the probable name to the
    /// operator, and never to find a connection.
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

    /// The ID of the request that the response claims to answer. Use it only to look up that request.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.claimed.in_response_to()
    }

    /// Refuses a response whose status is not Success. [`ServiceProvider::receive`] checks this first; this method is
    /// for callers that decide something before, such as whether to start the sign-in again.
    ///
    /// # Errors
    /// `assertion.status`, with the status codes and the message.
    pub fn require_success(&self) -> Result<(), Refusal> {
        self.claimed.require_success()
    }

    /// The RelayState that came with the response. It is untrusted; use it only as the handle to look up a pending
    /// request.
    #[must_use]
    pub fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// The address to which the response was posted.
    #[must_use]
    pub fn received_at(&self) -> &str {
        &self.received_at
    }

    pub(crate) fn shared_received_at(&self) -> Arc<str> {
        Arc::clone(&self.received_at)
    }
}
