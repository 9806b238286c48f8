//! Ending sessions: those that people end here, and how their identity providers are told.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, Method, Response};
use vouchsafe::xml::Quoted;
use vouchsafe::{
    BindingError, Connection, Login, LogoutAnswer, LogoutJourney, LogoutRequest, Participant, SoapCall,
    provisioning::Identity,
};
use vouchsafe_store::{LogoutStore, may_be_logged_out};

use crate::answers::{Context, carried, see_other};
use crate::error::HttpError;
use crate::logout_page::{LogoutPage, LogoutView};
use crate::same_origin::may_change;
use crate::single_sign_on::SingleSignOn;

/// The sessions of an application, as far as an identity provider ends them. [`Provisioned`](crate::Provisioned) is one.
pub trait LogoutSessions: Send + Sync + fmt::Debug {
    /// Ends the sessions that the request means: those of its name, whole, over its connection, and of its session indexes where it names
    /// some ([`LogoutRequest::means`]). No cookie helps to find them: an identity provider may ask in an invisible frame, or from its own server. How many were ended; none is
    /// no failure, since they may be over already.
    fn end<'a>(&'a self, request: &'a LogoutRequest) -> EndsSessions<'a>;
}

/// What [`LogoutSessions::end`] answers.
pub type EndsSessions<'a> = Pin<Box<dyn Future<Output = Result<u64, HttpError>> + Send + 'a>>;

/// Which sessions of its person a request means, as stores take them: each of its session indexes, or all.
pub(crate) fn meant_by(request: &LogoutRequest) -> impl Iterator<Item = Option<&str>> {
    let indexes = request.session_indexes();
    indexes.is_empty().then_some(None).into_iter().chain(indexes.iter().map(|index| Some(index.as_str())))
}

/// A session that was ended here: what the browser is told, and who else is.
#[derive(Debug, Default)]
pub struct EndedSession {
    /// `Set-Cookie` headers that take the session's cookie away.
    pub cookies: Vec<HeaderValue>,
    /// The sessions at identity providers that belonged to it.
    pub participants: Vec<Participant>,
}

/// What single logout needs.
#[derive(Clone)]
pub(crate) struct SingleLogout {
    pub(crate) store: Arc<dyn LogoutStore>,
    pub(crate) sessions: Arc<dyn LogoutSessions>,
}

pub(crate) type BackChannel =
    Arc<dyn Fn(&SoapCall) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, HttpError>> + Send>> + Send + Sync>;

/// How long an identity provider may take to answer over SOAP, while the person waits.
pub(crate) const BACK_CHANNEL_TIME: Duration = Duration::from_secs(5);
/// How long all of them may take together.
const BACK_CHANNEL_TIME_OF_ALL: Duration = Duration::from_secs(10);

impl SingleSignOn {
    /// Takes part in single logout, if the service provider has a [logout address](vouchsafe::Builder::single_logout): identity providers are
    /// told when people sign out here, and end sessions here. `store` keeps what is on its way and remembers logouts.
    #[must_use]
    pub fn single_logout_over(
        self,
        store: Arc<dyn LogoutStore>,
        sessions: Arc<dyn LogoutSessions>,
    ) -> SingleSignOn {
        self.changed(|inner| inner.single_logout = Some(SingleLogout { store, sessions }))
    }

    /// Whether identity providers end sessions here.
    pub(crate) fn takes_logouts(&self) -> bool {
        self.inner.single_logout.is_some()
    }

    /// How identity providers are asked over SOAP: `send` posts the body of a call to its location and answers what came back, bounded in size
    /// and time. `vouchsafe-client` does. Without it no artifact is resolved, and an identity provider that takes logout over SOAP alone is not told.
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

    /// The page that says what became of a sign-out. By default a plain one.
    #[must_use]
    pub fn logout_page(self, page: LogoutPage) -> SingleSignOn {
        self.changed(|inner| inner.logout_page = page)
    }

    /// Whether a request that changes something comes from a page of our own ([`same_origin`](crate::same_origin)).
    ///
    /// `holds_session_cookie`: whether it came with a session's cookie that is `SameSite=Lax` or `Strict`, which stays away from other
    /// sites' forms. It decides for browsers that say nothing.
    ///
    /// # Errors
    /// [`HttpError::CrossSite`].
    pub fn own_pages_only(&self, headers: &HeaderMap, holds_session_cookie: bool) -> Result<(), HttpError> {
        let may = may_change(headers, self.service_provider(), holds_session_cookie);
        if may { Ok(()) } else { Err(HttpError::CrossSite) }
    }

    /// The same for a layer over routes of the application's own forms: only methods that change something are refused (all but GET, HEAD,
    /// OPTIONS and TRACE), and the session's cookie is that of [`cookies`](Self::cookies).
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

    /// Ends the application's session by `end`, if a page of our own or the person says so, and then tells the identity providers that it
    /// belonged to, one after the other; without [single logout](Self::single_logout_over) the browser is sent to the sign-in page. The session
    /// here is over before anybody else is told. What another site sends changes nothing: `end` does not run, and no cookie is set.
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
        let outcome = match &self.inner.single_logout {
            Some(single_logout) if !participants.is_empty() => {
                self.travel(single_logout, LogoutJourney::new(participants), cookies.clone()).await
            }
            _ => see_other(&self.inner.sign_in_page, cookies.clone()),
        };
        outcome.unwrap_or_else(|error| {
            // For a session that is in a cookie these are its end, whatever becomes of the others.
            let mut response = self.refuse_sign_out(headers, error);
            response.headers_mut().extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
            response
        })
    }

    /// Ends the application's session by `end` as [`sign_out`](Self::sign_out), and tells nobody else: for sessions that no identity provider
    /// began. `end` answers the cookies to set.
    pub async fn local_logout(
        &self,
        headers: &HeaderMap,
        holds_session_cookie: bool,
        end: impl Future<Output = Result<Vec<HeaderValue>, HttpError>>,
    ) -> Response<String> {
        let end = async { Ok(EndedSession { cookies: end.await?, participants: Vec::new() }) };
        self.sign_out(headers, holds_session_cookie, end).await
    }

    /// Refuses a login whose session an identity provider has ended already: its assertion was issued before a logout, and came after it
    /// (SAML Core 3.7.3.1). [`accept`](Self::accept) asks by itself; ask again after a session of your own was opened, and end it where this
    /// fails: the logout may come in between. [`Provisioned`](crate::Provisioned) asks in the transaction that signs in.
    ///
    /// # Errors
    /// [`HttpError::LoggedOut`]; [`HttpError::Store`].
    pub async fn not_logged_out(&self, login: &Login) -> Result<(), HttpError> {
        let (Some(single_logout), Some(person)) = (&self.inner.single_logout, Identity::of_login(login))
        else {
            return Ok(());
        };
        let latest = single_logout.store.latest_logout(&person, login.session_index()).await?;
        match may_be_logged_out(login.issued_at(), login.request_issued_at(), latest, self.now()) {
            true => Err(HttpError::LoggedOut),
            false => Ok(()),
        }
    }

    /// Tells the next identity provider of a sign-out, until one has to be told by the browser, or all have been.
    pub(crate) async fn travel(
        &self,
        single_logout: &SingleLogout,
        mut journey: LogoutJourney,
        mut cookies: Vec<HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        let began = tokio::time::Instant::now();
        while let Some(participant) = journey.take_next() {
            let connection = match self.inner.connections.find(&participant.connection).await {
                Ok(found) => found,
                // The session here is over: a store that fails now is no reason to tell the person otherwise.
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
                    // One `Set-Cookie` of a name (RFC 6265 4.1.1): that of the sign-out before is not taken away but replaced.
                    let ended = self.cookies().unbind_logout();
                    cookies.retain(|cookie| Some(cookie) != ended.as_ref());
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

    /// Tells an identity provider over SOAP, if it can be told so, and waits that long for its answer.
    async fn call(&self, connection: &Connection, participant: &Participant, time: Duration) -> LogoutAnswer {
        let Some(send) = &self.inner.back_channel else { return LogoutAnswer::NotAsked };
        let Ok(call) = self.service_provider().logout_call(connection, participant, self.now()) else {
            return LogoutAnswer::NotAsked;
        };
        let answered = match tokio::time::timeout(time, send(&call)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => {
                let cause = error.cause();
                tracing::warn!(connection = %connection.id(), code = error.code(), cause, "an identity provider did not answer a logout request");
                return LogoutAnswer::Silent;
            }
            Err(_) => {
                tracing::warn!(connection = %connection.id(), "an identity provider did not answer a logout request in time");
                return LogoutAnswer::Silent;
            }
        };
        let (service_provider, now) = (self.service_provider().clone(), self.now());
        let judging =
            tokio::task::spawn_blocking(move || service_provider.logout_call_answered(call, &answered, now));
        match judging.await {
            Ok(Ok(answer)) => answer.logout_outcome().into(),
            Ok(Err(refusal)) => {
                let message = Quoted::new(&refusal.to_string()).to_string();
                tracing::warn!(connection = %connection.id(), code = refusal.code(), reason = message, "the answer to a logout request is not believed");
                LogoutAnswer::NotBelieved
            }
            Err(_) => LogoutAnswer::Silent,
        }
    }

    /// The end of a sign-out: what became of it, and the way to the sign-in page.
    pub(crate) async fn arrived(
        &self,
        journey: &LogoutJourney,
        cookies: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        let mut names = Vec::new();
        for answered in journey.answers() {
            // A store that fails now is no reason to tell the person less: the connection has a name of its own.
            let connection = self.inner.connections.find(&answered.connection).await.ok().flatten();
            let name =
                connection.as_ref().and_then(|connection| connection.identity_provider().display_name());
            names.push(name.unwrap_or(answered.connection.as_str()).to_owned());
        }
        let shown = LogoutView { answers: journey.answers(), names: &names, back: &self.inner.sign_in_page };
        Ok(self.inner.logout_page.answer(&shown, cookies))
    }
}
