//! Starts a new sign-in instead of using a response.

use http::Response;
use http::request::Parts;
use vouchsafe::crypto::hexadecimal;
use vouchsafe::{BindingError, Connection, ConnectionState, LoginOptions, Provider, RelayState, Unsolicited};

use crate::answers::{Context, see_other};
use crate::error::HttpError;
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;

/// The connection of the new sign-in, and where it leads.
pub(crate) struct Restart {
    connection: Connection,
    return_to: ReturnPath,
}

/// A response, or an artifact, for which this browser has no pending request.
pub(crate) struct Unasked<'a> {
    relay_state: Option<&'a RelayState>,
    /// The ID of the request that it answers, if it names one.
    answers: Option<&'a str>,
    /// The connections over which it may have come.
    may_be: Vec<&'a Connection>,
}

impl<'a> Unasked<'a> {
    /// Selects the open connections of its identity provider whose address received it.
    pub(crate) fn new(
        relay_state: Option<&'a RelayState>,
        answers: Option<&'a str>,
        of_issuer: Vec<&'a Connection>,
        is_addressed: impl Fn(&Connection) -> bool,
    ) -> Unasked<'a> {
        let is_open = |one: &&Connection| one.state() == ConnectionState::Active && is_addressed(one);
        Unasked { relay_state, answers, may_be: of_issuer.into_iter().filter(is_open).collect() }
    }

    /// Returns the only connection at which a sign-in may start. If there are several, it returns `None`, since only
    /// a key could decide among them.
    fn only_one(&self, may: impl Fn(&Connection) -> bool) -> Option<&'a Connection> {
        let mut found = self.may_be.iter().filter(|connection| may(connection));
        let first = found.next();
        first.filter(|_| found.next().is_none()).copied()
    }
}

/// The prefix of the RelayState of a request that was made instead of using a response. It returns with the answer,
/// also from a browser without cookies.
const AGAIN: &str = "again-";

impl SingleSignOn {
    /// Decides whether a new sign-in starts instead of using a response for which this browser has no pending
    /// request: a late response, or an unsolicited one over a connection with that setting. `None`: the response is
    /// checked as an unsolicited one.
    ///
    /// It happens once. Otherwise it would loop with an identity provider that answers without naming the request, or
    /// with a browser without cookies. A cookie detects the first case, and the RelayState the second.
    pub(crate) fn to_restart(
        &self,
        request: &Parts,
        unasked: &Unasked<'_>,
        context: &Context,
    ) -> Result<Option<Restart>, HttpError> {
        let may_begin = !context.is_enhanced_client;
        let is_again = self.cookies().is_restarted(&request.headers)
            || unasked.relay_state.is_some_and(|relay_state| was_made_again(relay_state.as_str()));
        if let Some(in_response_to) = unasked.answers {
            let is_first = may_begin
                && !is_again
                && !context.wants_json
                && unasked.relay_state.is_some_and(is_first_handle);
            let connection = if is_first { unasked.only_one(|_| true) } else { None };
            let return_to = self.destination(None, None);
            let restart = connection.map(|connection| Restart { connection: connection.clone(), return_to });
            let too_late = || HttpError::no_pending_request(in_response_to);
            return restart.ok_or_else(too_late).map(Some);
        }
        let wants = |connection: &Connection| connection.settings().on_unsolicited();
        let accepts = |connection: &Connection| wants(connection) == Unsolicited::Accept;
        if unasked.may_be.iter().copied().any(accepts) {
            return Ok(None);
        }
        let restarts = |connection: &Connection| may_begin && wants(connection) == Unsolicited::Restart;
        let connection = unasked.only_one(restarts);
        match connection {
            Some(_) if is_again => Err(HttpError::RestartedBefore),
            Some(connection) => {
                let return_to = self.destination(unasked.relay_state, None);
                Ok(Some(Restart { connection: connection.clone(), return_to }))
            }
            None => Ok(None),
        }
    }

    /// Starts a sign-in instead of using a response. Only the path to return to is used, if it is an allowed one.
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
}

/// Returns whether a RelayState is a handle (32 hexadecimal digits) of a request of ours that was not itself made
/// instead of using a response.
pub(crate) fn is_first_handle(relay_state: &RelayState) -> bool {
    let handle = relay_state.as_str();
    handle.len() == 32 && handle.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns whether the request with this handle was made instead of using a response.
pub(crate) fn was_made_again(handle: &str) -> bool {
    handle.starts_with(AGAIN)
}

/// Makes a random handle that shows that its request was made instead of using a response.
pub(crate) fn handle_again(provider: &Provider) -> Result<RelayState, HttpError> {
    let mut bytes = [0_u8; 16];
    provider.random(&mut bytes).map_err(BindingError::from)?;
    Ok(RelayState::new(&format!("{AGAIN}{}", hexadecimal(&bytes)))?)
}
