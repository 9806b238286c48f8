//! The assertion consumer: turns the POST of an identity provider into a login.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Response};
use vouchsafe::provisioning::Identity;
use vouchsafe::{ConnectionId, Login, NameId};
#[cfg(doc)]
use vouchsafe::{LoginOptions, Unsolicited, ValidAssertion};

use crate::answers::Context;
use crate::check::Step;
use crate::declined::DeclinedSignIn;
use crate::error::HttpError;
use crate::restart::restart_in;
use crate::sign_in_answer::{Checked, SignInAnswer};
use crate::single_sign_on::SingleSignOn;
use crate::stores;

/// A login that was accepted once. Your application decides what follows: look the person up, open a session, and
/// [send the browser on](Self::redirect).
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The login, with its evidence and ledger.
    pub login: Login,
    /// The value that the application stored with the request: [`LoginOptions::context`]. `None` also if the login
    /// answers no request.
    pub context: Option<String>,
    /// The session that this browser held before: the SHA-256 of its identifier, in the form of
    /// [`SessionId::hash`](vouchsafe_store::SessionId::hash). End it when you have opened the new one. The browser
    /// does not send its session cookie with the identity provider's POST, so this is the session of the moment at
    /// which the sign-in [started](SingleSignOn::start). `None` if there was none, and for a response from another
    /// site that is accepted without a request ([`Unsolicited::Accept`]).
    pub previous_session: Option<String>,
    /// The answer for the browser.
    pub answer: SignInAnswer,
}

impl Accepted {
    /// The connection over which the login came. It identifies the customer: names and attributes are only valid
    /// together with it.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.login.connection()
    }

    /// Who signed in: the connection, and the name with its format and its qualifiers. A person is found again by
    /// [`Identity::key`]. The e-mail address and the value of the name alone identify nobody: another customer's identity
    /// provider can send the same.
    ///
    /// # Errors
    /// [`HttpError::NoLastingName`] if the login has no name, or a transient one, which is another one at each sign-in.
    /// [`Identity::of_attribute`] identifies people by an attribute instead.
    pub fn identity(&self) -> Result<Identity, HttpError> {
        let identity = Identity::of_login(&self.login).ok_or(HttpError::NoLastingName { found: "absent" })?;
        match self.login.name_id().is_some_and(NameId::is_transient) {
            true => Err(HttpError::NoLastingName { found: "transient" }),
            false => Ok(identity),
        }
    }

    /// How long the session of this login may last: this long, or less if the identity provider says when its session
    /// ends (SessionNotOnOrAfter). Let the session end by then in your store too: a browser can keep a cookie for longer.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use http::HeaderValue;
    /// # use vouchsafe_web::{Accepted, HttpError, SingleSignOn};
    /// fn cookie(sso: &SingleSignOn, accepted: &Accepted, session: &str) -> Result<HeaderValue, HttpError> {
    ///     sso.cookies().open_session(session, accepted.session_lifetime(Duration::from_secs(8 * 3600)))
    /// }
    /// ```
    #[must_use]
    pub fn session_lifetime(&self, most: Duration) -> Duration {
        let ends = self.login.session_not_on_or_after();
        let left =
            ends.map(|ends| ends.signed_duration_since(self.answer.sso.now()).to_std().unwrap_or_default());
        left.map_or(most, |left| left.min(most))
    }

    /// The same as [`SignInAnswer::redirect`].
    ///
    /// # Errors
    /// The same as for [`SignInAnswer::redirect`].
    pub fn redirect(
        &self,
        more: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        self.answer.redirect(more)
    }

    /// The same as [`SignInAnswer::refuse`].
    #[must_use]
    pub fn refuse(&self, error: impl Into<HttpError>) -> Response<String> {
        self.answer.refuse(error)
    }

    /// Checks, after you have opened a session of your own, that its identity provider has not ended it in the
    /// meantime: [`SingleSignOn::not_logged_out`]. End the session if this fails.
    ///
    /// # Errors
    /// The same as for [`SingleSignOn::not_logged_out`].
    pub async fn not_logged_out(&self) -> Result<(), HttpError> {
        self.answer.logout_check(&self.login).passes().await
    }
}

/// The result of a sign-in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInOutcome {
    /// A login that was accepted once.
    Accepted(Box<Accepted>),
    /// The identity provider declined a request of this browser.
    Declined(Box<DeclinedSignIn>),
}

/// A checked response: valid, or declined by the identity provider.
enum Judged {
    Checked(Box<Checked>),
    Declined(Box<DeclinedSignIn>),
}

impl SingleSignOn {
    /// Accepts a response that was posted to the service's assertion consumer. It finds the request that this browser
    /// started and the connections that the response may belong to, checks the response on a thread where no other
    /// request waits for it, and records that it was used.
    ///
    /// Route both POST and GET to it: an artifact may come in the query of a GET, and a new sign-in that starts
    /// instead of a response comes by way of a redirect to this address, so that the browser sends its session's
    /// cookie.
    ///
    /// # Errors
    /// The answer for the browser:
    ///
    /// * a refusal, logged and kept;
    /// * the start of a new sign-in instead of a response that is not used, at most once. This happens if the
    ///   response is late, that is, if its request has expired or is not known to this browser. It also happens over
    ///   a connection with [`Unsolicited::Restart`] if the response answers no request. For a late response, a client
    ///   that asks for JSON receives `http.no_pending_request` instead;
    /// * the page of a [trial](SingleSignOn::start_trial);
    /// * the choice of [`when_declined`](Self::when_declined), if the identity provider declined a request of this
    ///   browser.
    pub async fn accept(&self, request: &Parts, body: &[u8]) -> Result<Accepted, Box<Response<String>>> {
        self.accepted(request, body, None).await
    }

    /// Does the same as [`accept`](Self::accept), or as [`accept_for`](Self::accept_for) with the name of a
    /// connection, for an application that decides itself what follows if the identity provider declines: after a
    /// silent sign-in of a person without a session, or if an authentication context is not available.
    ///
    /// ```
    /// # use http::{Response, request::Parts};
    /// # use vouchsafe_web::SingleSignOn;
    /// # async fn assertion_consumer(sso: &SingleSignOn, request: &Parts, body: &[u8]) -> Response<String> {
    /// use vouchsafe::Declined;
    /// use vouchsafe_web::SignInOutcome;
    ///
    /// match sso.outcome(request, body, None).await {
    ///     Ok(SignInOutcome::Accepted(accepted)) => accepted.redirect([]).unwrap_or_else(|error| accepted.refuse(error)),
    ///     Ok(SignInOutcome::Declined(declined)) if declined.reason == Declined::NoPassive => declined.sign_in_page(),
    ///     Ok(SignInOutcome::Declined(declined)) => declined.refuse(),
    ///     Err(answer) => *answer,
    ///     Ok(_) => Response::default(),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as for [`accept`](Self::accept), without those for a declined request of this browser.
    pub async fn outcome(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Result<SignInOutcome, Box<Response<String>>> {
        match self.judged(request, body, connection).await? {
            Judged::Checked(checked) => {
                Ok(SignInOutcome::Accepted(Box::new(self.confirmed(*checked).await?)))
            }
            Judged::Declined(declined) => Ok(SignInOutcome::Declined(declined)),
        }
    }

    /// Accepts a response that was posted to a connection's [own assertion
    /// consumer](vouchsafe::ConnectionSettings::assertion_consumer). A connection without one is not found.
    ///
    /// # Errors
    /// The same as for [`accept`](Self::accept).
    pub async fn accept_for(
        &self,
        connection: &str,
        request: &Parts,
        body: &[u8],
    ) -> Result<Accepted, Box<Response<String>>> {
        self.accepted(request, body, Some(connection)).await
    }

    /// Does the same as [`accept`](Self::accept) or [`accept_for`](Self::accept_for), but does not record the replay.
    /// The caller must record [`ValidAssertion::replay_key`], [confirm](ValidAssertion::confirm) the assertion, check
    /// with the login that its identity provider [has not ended its session](Self::not_logged_out), and then remove
    /// the request that was answered.
    ///
    /// # Errors
    /// The same as for [`accept`](Self::accept).
    pub async fn check(
        &self,
        request: &Parts,
        body: &[u8],
        connection: Option<&str>,
    ) -> Result<Checked, Box<Response<String>>> {
        self.checked(request, body, connection).await
    }

    async fn accepted(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
    ) -> Result<Accepted, Box<Response<String>>> {
        self.confirmed(self.checked(request, body, at).await?).await
    }

    async fn confirmed(&self, checked: Checked) -> Result<Accepted, Box<Response<String>>> {
        let Checked { valid, pending, previous_session, answer } = checked;
        let (replays, requests) = (self.inner.replays.as_ref(), self.inner.pending.as_ref());
        let confirmed = stores::confirm(replays, requests, valid, pending.as_ref()).await;
        let login = confirmed.map_err(|error| Box::new(answer.refuse(error)))?;
        self.not_logged_out(&login).await.map_err(|error| Box::new(answer.refuse(error)))?;
        self.note_keys(&login);
        let context = pending.and_then(|pending| pending.context().map(str::to_owned));
        Ok(Accepted { login, context, previous_session, answer })
    }

    async fn checked(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
    ) -> Result<Checked, Box<Response<String>>> {
        match self.judged(request, body, at).await? {
            Judged::Checked(checked) => Ok(*checked),
            Judged::Declined(declined) => Err(Box::new(declined.answered(request).await)),
        }
    }

    async fn judged(
        &self,
        request: &Parts,
        body: &[u8],
        at: Option<&str>,
    ) -> Result<Judged, Box<Response<String>>> {
        let mut context = Context::of(&request.headers);
        if let Some(handle) = restart_in(request) {
            let restarted = self.continue_restart(request, &handle).await;
            return Err(Box::new(restarted.unwrap_or_else(|error| self.refuse_in(&context, &error))));
        }
        match self.step(request, body, at, &mut context).await {
            Ok(Step::Checked(checked)) => Ok(Judged::Checked(checked)),
            Ok(Step::Declined(declined)) => Ok(Judged::Declined(declined)),
            Ok(Step::Restart(restart)) => {
                let restarted = self.restart(request, restart).await;
                Err(Box::new(restarted.unwrap_or_else(|error| self.refuse_in(&context, &error))))
            }
            Ok(Step::TriedOut(tried, _held)) => Err(Box::new(self.tried_out(*tried).await)),
            Err(error) => Err(Box::new(self.refuse_in(&context, &error))),
        }
    }
}
