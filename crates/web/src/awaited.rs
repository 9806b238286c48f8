//! The request of ours that waits for an answer which a browser brings.

use http::HeaderMap;
use vouchsafe::{BoundRequest, RelayState};

use crate::error::HttpError;
use crate::single_sign_on::SingleSignOn;

impl SingleSignOn {
    /// The request that this browser started and that is answered. It is found by the RelayState. Some identity providers give none back
    /// (SAML Bindings 3.4.3 and 3.5.3 want it): then it is the one, of those few that this browser holds a cookie of, whose ID the answer names.
    ///
    /// Either way the browser holds the cookie that binds it ([`cookies`](crate::cookies)). What the answer names has to be in what is signed,
    /// which is checked afterwards.
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
}
