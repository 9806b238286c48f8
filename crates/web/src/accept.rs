//! The assertion consumer: from the POST of an identity provider to a login.

use http::request::Parts;
use http::{HeaderValue, Response};
use vouchsafe::{ConnectionId, Login, PendingRequest, ValidAssertion};
#[cfg(doc)]
use vouchsafe::{LoginOptions, Unsolicited};

use crate::answers::{Context, see_other};
use crate::check::Step;
use crate::declined::DeclinedSignIn;
use crate::error::HttpError;
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;
use crate::stores;

/// A login that was accepted, once. What it leads to is the application's: look the person up, open a session, and
/// [send the browser on](Self::redirect).
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// What the identity provider said, with the evidence and the ledger.
    pub login: Login,
    /// What the application kept with the request: [`LoginOptions::context`]. `None` also where the login answers no request.
    pub context: Option<String>,
    /// How the browser is answered.
    pub answer: SignInAnswer,
}

impl Accepted {
    /// The connection over which it came: which customer's person this is. Names and attributes mean something together with it only.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.login.connection()
    }

    /// As [`SignInAnswer::redirect`].
    ///
    /// # Errors
    /// As there.
    pub fn redirect(
        &self,
        more: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        self.answer.redirect(more)
    }

    /// As [`SignInAnswer::refuse`].
    #[must_use]
    pub fn refuse(&self, error: impl Into<HttpError>) -> Response<String> {
        self.answer.refuse(error)
    }
}

/// What became of a sign-in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInOutcome {
    /// A login that was accepted, once.
    Accepted(Box<Accepted>),
    /// The identity provider says no to what this browser asked.
    Declined(Box<DeclinedSignIn>),
}

/// A response that every rule accepts; perhaps not for the first time. For a service that records the replay in the transaction of its
/// own sign-in; [`SingleSignOn::accept`] does it by itself.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The assertion.
    pub valid: ValidAssertion,
    /// The request that it answers, which goes on waiting until it is removed; `None`: it answers none.
    pub pending: Option<PendingRequest>,
    /// How the browser is answered.
    pub answer: SignInAnswer,
}

/// How a browser is answered after its response was checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignInAnswer {
    /// Where the person wanted to go: a path from the list of allowed ones.
    pub return_to: ReturnPath,
    /// `Set-Cookie` headers that the answer to an accepted login must carry.
    pub cookies: Vec<HeaderValue>,
    pub(crate) sso: SingleSignOn,
    pub(crate) known: Context,
}

impl SignInAnswer {
    /// Sends the browser where the person wanted to go, with these cookies and [`cookies`](Self::cookies).
    ///
    /// # Errors
    /// None with paths that [`ReturnPaths`](crate::ReturnPaths) chose; the type is what handlers return.
    pub fn redirect(
        &self,
        more: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        see_other(self.return_to.as_str(), self.cookies.iter().cloned().chain(more))
    }

    /// The answer where the application does not let this person in, or fails: logged and kept like every refusal. See
    /// [`HttpError::refused_by`] and [`HttpError::outage`].
    #[must_use]
    pub fn refuse(&self, error: impl Into<HttpError>) -> Response<String> {
        self.sso.refuse_in(&self.known, &error.into())
    }
}

/// A response that leads to somebody or to nobody.
enum Judged {
    Checked(Box<Checked>),
    Declined(Box<DeclinedSignIn>),
}

impl SingleSignOn {
    /// Accepts what was posted to the service's assertion consumer: finds the request that this browser started and the connections that may
    /// be meant, checks the response on a thread where no other request waits for it, and records that it was used.
    ///
    /// # Errors
    /// The answer for the browser:
    ///
    /// * a refusal, logged and kept;
    /// * the start of a sign-in in the place of a response that is not used, once: one that comes late, when the request that it answers is over
    ///   or is not known to this browser, and over a connection with [`Unsolicited::Restart`] one that answers no request. A client that asks for
    ///   JSON is told `http.no_pending_request` instead of the first;
    /// * the page of a [trial](SingleSignOn::start_trial);
    /// * where the identity provider says no to a request of this browser, what [`when_declined`](Self::when_declined) chooses.
    pub async fn accept(&self, request: &Parts, body: &[u8]) -> Result<Accepted, Box<Response<String>>> {
        self.accepted(request, body, None).await
    }

    /// As [`accept`](Self::accept), or [`accept_for`](Self::accept_for) with the name of a connection, for an application that decides itself
    /// what follows when the identity provider says no: a silent sign-in that found nobody, an authentication context that is not to be had.
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
    /// As [`accept`](Self::accept), without those in which the identity provider says no to a request of this browser.
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

    /// The same for what was posted to a connection's [own assertion consumer](vouchsafe::ConnectionSettings::assertion_consumer). A connection
    /// that has none is not found.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub async fn accept_for(
        &self,
        connection: &str,
        request: &Parts,
        body: &[u8],
    ) -> Result<Accepted, Box<Response<String>>> {
        self.accepted(request, body, Some(connection)).await
    }

    /// As [`accept`](Self::accept) or [`accept_for`](Self::accept_for), without the record of the replay: the caller must record
    /// [`ValidAssertion::replay_key`], [confirm](ValidAssertion::confirm), and then remove the request that was answered.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
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
        let Checked { valid, pending, answer } = checked;
        let (replays, requests) = (self.inner.replays.as_ref(), self.inner.pending.as_ref());
        let confirmed = stores::confirm(replays, requests, valid, pending.as_ref()).await;
        let login = confirmed.map_err(|error| Box::new(answer.refuse(error)))?;
        self.not_logged_out(&login).await.map_err(|error| Box::new(answer.refuse(error)))?;
        self.note_keys(&login);
        let context = pending.and_then(|pending| pending.context().map(str::to_owned));
        Ok(Accepted { login, context, answer })
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
        match self.step(request, body, at, &mut context).await {
            Ok(Step::Checked(checked)) => Ok(Judged::Checked(checked)),
            Ok(Step::Declined(declined)) => Ok(Judged::Declined(declined)),
            Ok(Step::Restart(restart)) => {
                let restarted = self.restart(request, restart).await;
                Err(Box::new(restarted.unwrap_or_else(|error| self.refuse_in(&context, &error))))
            }
            Ok(Step::TriedOut(tried)) => Err(Box::new(self.tried_out(*tried).await)),
            Err(error) => Err(Box::new(self.refuse_in(&context, &error))),
        }
    }
}
