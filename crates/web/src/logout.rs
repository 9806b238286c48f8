//! Ends sessions in this service, and tells their identity providers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, Method, Response};
use vouchsafe::{BindingError, Connection, LogoutAnswer, LogoutJourney, Participant, SoapCall};
use vouchsafe_store::LogoutStore;

use crate::answers::{Context, carried, see_other};
use crate::error::HttpError;
use crate::logout_page::{LogoutPage, LogoutView};
use crate::logout_sessions::{BackChannel, LogoutSessions, SingleLogout};
use crate::replies::SoapReply;
use crate::same_origin::may_change;
use crate::single_sign_on::SingleSignOn;
use crate::work::to_the_end;

/// A session that ended in this service: what the browser receives, and who must still be told.
#[derive(Debug, Default)]
pub struct EndedSession {
    /// `Set-Cookie` headers that remove the session's cookie.
    pub cookies: Vec<HeaderValue>,
    /// The sessions at identity providers that belonged to it.
    pub participants: Vec<Participant>,
}

/// How long an identity provider may take to answer over SOAP, while the person waits.
pub(crate) const BACK_CHANNEL_TIME: Duration = Duration::from_secs(5);
/// How long all identity providers may take together.
const BACK_CHANNEL_TIME_OF_ALL: Duration = Duration::from_secs(10);

const NO_ADDRESS_OF_OURS: &str = "this service has no logout address for the connection: configure single_logout on the builder, and on ConnectionSettings where the connection has an assertion consumer of its own";
const NO_BACK_CHANNEL: &str =
    "it receives logout messages only over SOAP, and no back_channel is configured on SingleSignOn";

impl SingleSignOn {
    /// Takes part in single logout, if the service provider has a [logout
    /// address](vouchsafe::Builder::single_logout): identity providers are told if people sign out here, and can end
    /// sessions here. `store` keeps sign-outs in progress and remembers logouts.
    #[must_use]
    pub fn single_logout_over(
        self,
        store: Arc<dyn LogoutStore>,
        sessions: Arc<dyn LogoutSessions>,
    ) -> SingleSignOn {
        self.changed(|inner| inner.single_logout = Some(SingleLogout { store, sessions }))
    }

    /// Returns whether identity providers can end sessions here.
    pub(crate) fn takes_logouts(&self) -> bool {
        self.inner.single_logout.is_some()
    }

    /// Sets how identity providers are asked over SOAP. `send` posts the body of a call to its location and returns
    /// the answer, with limits on size and time; `vouchsafe-client` provides it. Without it no artifact is resolved,
    /// and an identity provider that accepts logout only over SOAP is not told.
    #[must_use]
    pub fn back_channel<E, F>(self, send: impl Fn(&SoapCall) -> F + Send + Sync + 'static) -> SingleSignOn
    where
        E: std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<Vec<u8>, E>> + Send + 'static,
    {
        let send: BackChannel = Arc::new(move |call| {
            let sending = send(call);
            Box::pin(async move { sending.await.map_err(HttpError::back_channel) })
        });
        self.changed(|inner| inner.back_channel = Some(send))
    }

    /// Sets the page with the result of a sign-out. The default is a plain page.
    #[must_use]
    pub fn logout_page(self, page: LogoutPage) -> SingleSignOn {
        self.changed(|inner| inner.logout_page = page)
    }

    /// Checks that a request that changes something comes from a page of our own
    /// ([`same_origin`](crate::same_origin)).
    ///
    /// `holds_session_cookie` states whether the request had a session cookie with `SameSite=Lax` or `Strict`, which
    /// browsers do not send with other sites' forms. It decides for browsers that do not send the headers.
    ///
    /// # Errors
    /// [`HttpError::CrossSite`].
    pub fn own_pages_only(&self, headers: &HeaderMap, holds_session_cookie: bool) -> Result<(), HttpError> {
        let may = may_change(headers, self.service_provider(), holds_session_cookie);
        if may { Ok(()) } else { Err(HttpError::CrossSite) }
    }

    /// Does the same for a layer over routes of the application's own forms. Only methods that change something are
    /// checked (all but GET, HEAD, OPTIONS and TRACE), and the session's cookie is that of
    /// [`cookies`](Self::cookies).
    ///
    /// # Errors
    /// The answer for the browser: status 403.
    pub fn own_forms_only(&self, method: &Method, headers: &HeaderMap) -> Result<(), Box<Response<String>>> {
        if [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method) {
            return Ok(());
        }
        let holds_session = self.cookies().session(headers).is_some();
        self.own_pages_only(headers, holds_session).map_err(|error| Box::new(self.refuse(headers, error)))
    }

    /// Ends the application's session by `end`, if the request comes from a page of our own or from the person
    /// directly. Then it tells the identity providers of the session, one after the other. Without [single
    /// logout](Self::single_logout_over) the browser is sent to the sign-in page. The session in this service ends
    /// before anybody else is told. A request from another site changes nothing: `end` does not run, and no cookie is
    /// set.
    pub async fn sign_out(
        &self,
        headers: &HeaderMap,
        holds_session_cookie: bool,
        end: impl Future<Output = Result<EndedSession, HttpError>>,
    ) -> Response<String> {
        let ended = match self.own_pages_only(headers, holds_session_cookie) {
            Ok(()) => end.await,
            Err(error) => Err(error),
        };
        let EndedSession { cookies, participants } = match ended {
            Ok(ended) => ended,
            Err(error) => return self.refuse_in(&Context::of_sign_out_here(headers), &error),
        };
        if self.inner.single_logout.is_none() && !participants.is_empty() {
            tracing::warn!(
                hint = "SingleSignOn::single_logout_over is not set",
                "an identity provider is not told of a sign-out"
            );
        }
        let outcome = match &self.inner.single_logout {
            Some(single_logout) if !participants.is_empty() => {
                self.travel(single_logout, LogoutJourney::new(participants), cookies.clone()).await
            }
            _ => see_other(&self.inner.sign_in_page, cookies.clone()),
        };
        outcome.unwrap_or_else(|error| {
            // If the session is stored in a cookie, these headers end it, whatever happens at the identity providers.
            let mut response = self.refuse_sign_out(headers, error);
            response.headers_mut().extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
            response
        })
    }

    /// Ends the application's session by `end` like [`sign_out`](Self::sign_out), and tells nobody else. Use it for
    /// sessions that no identity provider started. `end` returns the cookies to set.
    pub async fn local_logout(
        &self,
        headers: &HeaderMap,
        holds_session_cookie: bool,
        end: impl Future<Output = Result<Vec<HeaderValue>, HttpError>>,
    ) -> Response<String> {
        let end = async { Ok(EndedSession { cookies: end.await?, participants: Vec::new() }) };
        self.sign_out(headers, holds_session_cookie, end).await
    }

    /// Tells the next identity provider of a sign-out, until one must be told by the browser, or all have been told.
    /// Those that are asked over SOAP are told also after the browser is gone.
    pub(crate) async fn travel(
        &self,
        single_logout: &SingleLogout,
        journey: LogoutJourney,
        cookies: Vec<HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        let (sso, single_logout) = (self.clone(), single_logout.clone());
        to_the_end(async move { sso.tell_next(&single_logout, journey, cookies).await }).await
    }

    async fn tell_next(
        &self,
        single_logout: &SingleLogout,
        mut journey: LogoutJourney,
        mut cookies: Vec<HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        let began = tokio::time::Instant::now();
        while let Some(participant) = journey.take_next() {
            let connection = match self.inner.connections.find(&participant.connection).await {
                Ok(found) => found,
                // The session in this service has ended. If a store fails now, the person is still told so.
                Err(failure) => {
                    tracing::warn!(code = failure.code(), reason = %failure, "a connection could not be told of a sign-out");
                    None
                }
            };
            let Some(connection) = connection else {
                journey.note(&participant.connection, LogoutAnswer::NotAsked);
                continue;
            };
            let now = self.now();
            match self.service_provider().start_logout(&connection, &participant, journey.clone(), now) {
                Ok(started) => {
                    if let Err(failure) = single_logout.store.keep_logout(&started.pending).await {
                        tracing::warn!(connection = %connection.id(), code = failure.code(), reason = %failure, "a sign-out could not be kept, and the identity provider is not told of it");
                        journey.note(connection.id(), LogoutAnswer::NotAsked);
                        continue;
                    }
                    let binding = self.cookies().bind_logout(&started.pending, started.binding.reveal());
                    // A name may have one `Set-Cookie` header only (RFC 6265 4.1.1).
                    cookies.retain(|cookie| !self.cookies().is_of_logout(cookie));
                    cookies.extend(binding);
                    return carried(&started.request, cookies);
                }
                Err(BindingError::NoSingleLogout { .. }) => {
                    let left = BACK_CHANNEL_TIME_OF_ALL.saturating_sub(began.elapsed());
                    let answer = self.call(&connection, &participant, left.min(BACK_CHANNEL_TIME)).await;
                    journey.note(connection.id(), answer);
                }
                Err(error) => {
                    tracing::warn!(connection = %connection.id(), code = error.code(), reason = %error, "an identity provider could not be told of a sign-out");
                    journey.note(connection.id(), LogoutAnswer::NotAsked);
                }
            }
        }
        self.arrived(&journey, cookies).await
    }

    /// Tells an identity provider over SOAP, if that is possible, and waits at most this time for its answer.
    async fn call(&self, connection: &Connection, participant: &Participant, time: Duration) -> LogoutAnswer {
        let not_asked = |reason: &str| {
            tracing::warn!(connection = %connection.id(), reason, "an identity provider is not told of a sign-out");
            LogoutAnswer::NotAsked
        };
        let call = match self.service_provider().logout_call(connection, participant, self.now()) {
            Ok(call) => call,
            Err(_) if self.service_provider().single_logout_for(connection).is_none() => {
                return not_asked(NO_ADDRESS_OF_OURS);
            }
            Err(error) => {
                tracing::info!(connection = %connection.id(), reason = %error, "an identity provider is not told of a sign-out");
                return LogoutAnswer::NotAsked;
            }
        };
        let Some(send) = &self.inner.back_channel else { return not_asked(NO_BACK_CHANNEL) };
        match self.ask_over_soap(send, call, "a sign-out", time).await {
            SoapReply::Accepted(answer) => answer.logout_outcome().into(),
            SoapReply::Refused => LogoutAnswer::NotBelieved,
            SoapReply::Silent => LogoutAnswer::Silent,
        }
    }

    /// Makes the end of a sign-out: its result, and the link to the sign-in page.
    pub(crate) async fn arrived(
        &self,
        journey: &LogoutJourney,
        cookies: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        let mut names = Vec::new();
        for answered in journey.answers() {
            // If a store fails now, the page shows the name of the connection instead.
            let connection = self.inner.connections.find(&answered.connection).await.ok().flatten();
            let name =
                connection.as_ref().and_then(|connection| connection.identity_provider().display_name());
            names.push(name.unwrap_or(answered.connection.as_str()).to_owned());
        }
        let shown = LogoutView { answers: journey.answers(), names: &names, back: &self.inner.sign_in_page };
        Ok(self.inner.logout_page.answer(&shown, self.inner.refusal_page.look(), cookies))
    }
}
