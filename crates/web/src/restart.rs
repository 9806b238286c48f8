//! Starts a new sign-in instead of using a response.

use http::request::Parts;
use http::{Method, Response};
use vouchsafe::{BindingError, Connection, LoginOptions, RelayState, Unsolicited, WebAddress};

use crate::answers::{Context, see_other};
use crate::error::HttpError;
use crate::return_path::ReturnPath;
use crate::same_origin::{Source, source};
use crate::single_sign_on::SingleSignOn;
use crate::unasked::{AGAIN, Unasked, is_first_handle, was_made_again};

/// The connection of the new sign-in, and where it leads.
pub(crate) struct Restart {
    connection: Connection,
    return_to: ReturnPath,
}

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
        if unasked.is_accepted() {
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
        if self.must_confirm(&request.headers) {
            return see_other(&self.way_back(Some(restart.return_to.as_str()), None), []);
        }
        self.count_start(request)?;
        let connection = restart.connection.id();
        tracing::info!(%connection, "a response answers no request that waits in this browser: a new sign-in starts");
        let is_foreign = source(&request.headers, self.service_provider()) == Source::Foreign;
        if is_foreign && self.held_session(request)?.is_none() {
            return self.restart_from_own_address(request, &restart).await;
        }
        let options = self.options_again(request, &restart);
        self.start_counted(request, &restart.connection, options, self.cookies().mark_restart()).await
    }

    /// Redirects the browser to the address of this service that it has just posted to, where the sign-in starts: with
    /// the redirect it sends the cookie of its session (`SameSite=Lax`), and with a form of another site it does not.
    /// Until then the connection and the path wait in a request that is never sent.
    async fn restart_from_own_address(
        &self,
        request: &Parts,
        restart: &Restart,
    ) -> Result<Response<String>, HttpError> {
        let (cookies, connection) = (self.cookies(), &restart.connection);
        let options = self.options_again(request, restart);
        let waiting = self.service_provider().start_login(connection, options, self.now())?;
        // It is written to the store as any start is, whether or not the browser follows the redirect.
        self.inner.starts.count_over(connection.id(), self.now())?;
        let binding = self.keep_bound(&request.headers, &waiting.pending, &waiting.binding).await?;
        let address = WebAddress::new(self.service_provider().assertion_consumer_for(connection));
        let address = address.map_err(BindingError::from)?;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(RESTART, waiting.pending.handle())
            .finish();
        see_other(&address.with_query(&query), cookies.mark_restart().into_iter().chain([binding]))
    }

    /// Starts the sign-in that waited for this redirect, once.
    pub(crate) async fn continue_restart(
        &self,
        request: &Parts,
        handle: &RelayState,
    ) -> Result<Response<String>, HttpError> {
        let nothing_waits = || HttpError::no_pending_request(handle.as_str());
        let waiting = self.pending_request(&request.headers, Some(handle), None).await?;
        let waiting = waiting.filter(|_| was_made_again(handle.as_str())).ok_or_else(nothing_waits)?;
        if !self.inner.pending.remove_pending(handle.as_str()).await? {
            return Err(nothing_waits());
        }
        let connection = self.inner.connections.find(waiting.request().connection()).await?;
        let connection = connection.ok_or(HttpError::UnknownConnection)?;
        let restart = Restart { connection, return_to: self.destination(None, Some(waiting.request())) };
        let options = self.options_again(request, &restart);
        let unbound = self.cookies().unbind(&request.headers, handle.as_str());
        self.start_counted(request, &restart.connection, options, unbound).await
    }

    /// Returns the options of a request that is made instead of using a response.
    fn options_again(&self, request: &Parts, restart: &Restart) -> LoginOptions {
        let options = self.inner.options_for(request, &restart.connection);
        options.return_to(restart.return_to.as_str()).handle_prefix(AGAIN)
    }
}

/// The parameter with the handle of a sign-in that starts with this request.
const RESTART: &str = "restart";

/// Returns the handle of a sign-in that starts with this request: the redirect after a response that was not used.
pub(crate) fn restart_in(request: &Parts) -> Option<RelayState> {
    let query = request.uri.query().filter(|_| request.method == Method::GET)?;
    let (_, handle) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == RESTART)?;
    RelayState::new(&handle).ok()
}
