//! A sign-in that begins in the place of a response which is not used.

use http::Response;
use http::request::Parts;
use vouchsafe::crypto::hexadecimal;
use vouchsafe::{
    BindingError, ClaimedResponse, Connection, ConnectionState, LoginOptions, Provider, RelayState,
    Unsolicited,
};

use crate::answers::see_other;
use crate::error::HttpError;
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;

/// Where to begin, and where it leads.
pub(crate) struct Restart {
    connection: Connection,
    return_to: ReturnPath,
}

/// What the RelayState of a request begins with that was made in the place of a response. It comes back with the answer, also from a browser
/// that takes no cookies.
const AGAIN: &str = "again-";

impl SingleSignOn {
    /// Whether a sign-in begins in the place of a response for which this browser has no request waiting: one that comes late, or one that
    /// was not asked for, where the connection wants that. `None`: the response is checked as an unsolicited one.
    ///
    /// It happens once. Otherwise an identity provider that answers without naming the request, or a browser without cookies, would go round
    /// and round: a cookie says so to the one, and the RelayState to the other.
    pub(crate) fn to_restart(
        &self,
        request: &Parts,
        claimed: &ClaimedResponse,
        candidates: &[Connection],
        wants_json: bool,
    ) -> Result<Option<Restart>, HttpError> {
        let is_again = self.cookies().is_restarted(&request.headers)
            || claimed.relay_state().is_some_and(|relay_state| relay_state.as_str().starts_with(AGAIN));
        if let Some(in_response_to) = claimed.in_response_to() {
            let is_first = !is_again && !wants_json && claimed.relay_state().is_some_and(is_first_handle);
            let connection = if is_first { self.only_one(claimed, candidates, |_| true) } else { None };
            let return_to = self.destination(None, None);
            let restart = connection.map(|connection| Restart { connection: connection.clone(), return_to });
            let too_late = || HttpError::no_pending_request(in_response_to);
            return restart.ok_or_else(too_late).map(Some);
        }
        let wants = |connection: &Connection| connection.settings().on_unsolicited();
        let accepts = |connection: &Connection| wants(connection) == Unsolicited::Accept;
        if self.could_be(claimed, candidates).any(accepts) {
            return Ok(None);
        }
        let connection =
            self.only_one(claimed, candidates, |connection| wants(connection) == Unsolicited::Restart);
        match connection {
            Some(_) if is_again => Err(HttpError::RestartedBefore),
            Some(connection) => {
                let return_to = self.destination(claimed.relay_state(), None);
                Ok(Some(Restart { connection: connection.clone(), return_to }))
            }
            None => Ok(None),
        }
    }

    /// Starts a sign-in in the place of a response, of which nothing is used but the place to go, if it is an allowed one.
    pub(crate) async fn restart(
        &self,
        request: &Parts,
        restart: Restart,
    ) -> Result<Response<String>, HttpError> {
        let Restart { connection, return_to } = restart;
        if self.must_confirm(&request.headers) {
            return see_other(&self.way_back(Some(return_to.as_str()), None), []);
        }
        let options: LoginOptions = self.inner.options_for(request, &connection);
        let options = options
            .return_to(return_to.as_str())
            .relay_state(handle_again(self.service_provider().provider())?);
        self.count_start(request)?;
        self.start_counted(request, &connection, options, self.cookies().mark_restart()).await
    }

    /// The one connection of those that may be meant at which a sign-in may start. None where several would do: nothing says which is meant
    /// before a key was used.
    fn only_one<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: &'c [Connection],
        may: impl Fn(&Connection) -> bool,
    ) -> Option<&'c Connection> {
        let mut found = self.could_be(claimed, candidates).filter(|connection| may(connection));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    fn could_be<'c>(
        &self,
        claimed: &ClaimedResponse,
        candidates: &'c [Connection],
    ) -> impl Iterator<Item = &'c Connection> {
        candidates.iter().filter(|connection| {
            connection.state() == ConnectionState::Active
                && claimed.issuer() == Some(connection.identity_provider().entity_id())
                && self.service_provider().assertion_consumer_for(connection) == claimed.received_at()
        })
    }
}

/// Whether it is the handle of a request of ours that was not itself made in the place of a response: 32 hexadecimal digits.
fn is_first_handle(relay_state: &RelayState) -> bool {
    let handle = relay_state.as_str();
    handle.len() == 32 && handle.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A random handle, of which the answer shows that its request was made in the place of a response.
fn handle_again(provider: &Provider) -> Result<RelayState, HttpError> {
    let mut bytes = [0_u8; 16];
    provider.random(&mut bytes).map_err(BindingError::from)?;
    Ok(RelayState::new(&format!("{AGAIN}{}", hexadecimal(&bytes)))?)
}
