//! Finds the pending request that an answer in the browser belongs to.

use http::HeaderMap;
use vouchsafe::{BoundRequest, ConnectionId, PendingRequest, RelayState};

use crate::error::HttpError;
use crate::single_sign_on::SingleSignOn;

impl SingleSignOn {
    /// Returns the pending request of this browser that is answered. It is found by the RelayState. Some identity
    /// providers return none, although SAML Bindings 3.4.3 and 3.5.3 require it. Then it is the request whose ID the
    /// answer names, among the few for which this browser holds a cookie.
    ///
    /// In both cases the browser holds the cookie that binds the request ([`cookies`](crate::cookies)). The ID in the
    /// answer must be signed, which is checked later.
    pub(crate) async fn awaited(
        &self,
        headers: &HeaderMap,
        relay_state: Option<&RelayState>,
        in_response_to: Option<&str>,
    ) -> Result<Option<BoundRequest>, HttpError> {
        let given_back = relay_state.map(RelayState::as_str).filter(|handle| !handle.is_empty());
        let mut held = self.cookies().bindings(headers);
        held.retain(|binding| given_back.is_none_or(|handle| handle == binding.handle));
        for binding in held {
            let found = self.inner.pending.find_pending(&binding.handle, self.now()).await?;
            let is_meant = |id: &str| given_back.is_some() || in_response_to == Some(id);
            if let Some(pending) = found.filter(|pending| is_meant(pending.request_id())) {
                let provider = self.service_provider().provider();
                return Ok(Some(pending.bind(Some(&binding.secret), provider)?));
            }
        }
        Ok(None)
    }

    /// Returns a sign-in that this browser started over one of these connections, if all such sign-ins are over one of
    /// them. It tells only that connection, and not which of the sign-ins is answered.
    pub(crate) async fn awaited_over(
        &self,
        headers: &HeaderMap,
        connections: &[&ConnectionId],
    ) -> Result<Option<BoundRequest>, HttpError> {
        let is_meant = |pending: &PendingRequest| {
            let is_sign_in = pending.name_id_order().is_none() && !pending.is_trial();
            is_sign_in && connections.contains(&pending.connection())
        };
        let mut found: Option<BoundRequest> = None;
        for binding in self.cookies().bindings(headers) {
            let pending = self.inner.pending.find_pending(&binding.handle, self.now()).await?;
            let Some(pending) = pending.filter(is_meant) else { continue };
            let provider = self.service_provider().provider();
            let Ok(bound) = pending.bind(Some(&binding.secret), provider) else { continue };
            let connection = bound.request().connection();
            if found.as_ref().is_some_and(|other| other.request().connection() != connection) {
                return Ok(None);
            }
            found.get_or_insert(bound);
        }
        Ok(found)
    }
}
