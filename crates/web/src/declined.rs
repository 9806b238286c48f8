//! A sign-in in which the identity provider says no: an answer that the application steers by.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use vouchsafe::{
    BoundRequest, ClaimedResponse, Connection, ConnectionId, Declined, LoginOptions, PendingRequest, Refusal,
};

use crate::accept::SignInAnswer;
use crate::answers::{Context, answer, see_other};
use crate::error::HttpError;
use crate::restart::{handle_again, was_made_again};
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;

/// What the query of the [sign-in page](SingleSignOn::sign_in_page) says when a silent sign-in ([`LoginOptions::is_passive`]) found nobody:
/// the page shows how to sign in, and does not ask silently again.
pub const NOBODY_SIGNED_IN: (&str, &str) = ("silent", "no");

/// A sign-in in which the identity provider says no to a request that this browser started. The request is over.
///
/// Nothing proves who says so, and nobody is signed in: it tells how the person goes on, and is no reason to change anything else.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeclinedSignIn {
    /// Why.
    pub reason: Declined,
    /// The connection that was asked.
    pub connection: ConnectionId,
    /// What the application kept with the request: [`LoginOptions::context`].
    pub context: Option<String>,
    /// Whether the identity provider was not to disturb the person: [`LoginOptions::is_passive`].
    pub is_passive: bool,
    /// How the browser is answered: where the person wanted to go, and cookies that every answer must carry.
    pub answer: SignInAnswer,
    asked: Connection,
    was_made_again: bool,
    error: HttpError,
}

/// How a person goes on whose identity provider said no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterDeclined {
    /// By what is usual: a silent sign-in that found nobody leads to the sign-in page with [`NOBODY_SIGNED_IN`], everything else is the
    /// refusal page.
    #[default]
    AsUsual,
    /// By the refusal page.
    Refuse,
    /// By the sign-in page, with [`NOBODY_SIGNED_IN`] and the place that was wanted.
    SignInPage,
    /// To where they wanted to go, as somebody who is not signed in.
    GoOn,
    /// By another request over the same connection with these options, once: an identity provider that says no to it too is not asked a third
    /// time.
    AskAgain(Box<LoginOptions>),
}

impl DeclinedSignIn {
    /// What the identity provider said, with its codes, its message and a hint.
    #[must_use]
    pub fn error(&self) -> &HttpError {
        &self.error
    }

    /// Whether this is the no to a silent sign-in that is as good an answer as a yes.
    #[must_use]
    pub fn is_nobody_there(&self) -> bool {
        self.is_passive && self.reason == Declined::NoPassive
    }

    /// The refusal page: logged and kept like every refusal.
    #[must_use]
    pub fn refuse(&self) -> Response<String> {
        let mut refused = self.answer.sso.refuse_in(&self.answer.known, &self.error);
        self.add_cookies(refused.headers_mut());
        refused
    }

    /// The sign-in page, with [`NOBODY_SIGNED_IN`] and the place that was wanted; status 401 for a client that asks for JSON.
    #[must_use]
    pub fn sign_in_page(&self) -> Response<String> {
        if self.answer.known.wants_json {
            let body = serde_json::json!({ "error": "Nobody is signed in." });
            let mut nobody = answer(StatusCode::UNAUTHORIZED, "application/json", body.to_string());
            self.add_cookies(nobody.headers_mut());
            return nobody;
        }
        let page = self.answer.sso.way_back(Some(self.answer.return_to.as_str()), Some(NOBODY_SIGNED_IN));
        see_other(&page, self.answer.cookies.iter().cloned())
            .unwrap_or_else(|error| self.answer.refuse(error))
    }

    /// Another request over the same connection, which leads to the same place. After one that was made so already, the refusal page.
    pub async fn ask_again(&self, request: &Parts, options: LoginOptions) -> Response<String> {
        if self.was_made_again {
            return self.refuse();
        }
        let SignInAnswer { return_to, sso, .. } = &self.answer;
        let again = async {
            let handle = handle_again(sso.service_provider().provider())?;
            let options = options.return_to(return_to.as_str()).relay_state(handle);
            sso.start(request, &self.asked, options).await
        };
        again.await.unwrap_or_else(|error| self.answer.refuse(error))
    }

    /// As [`AfterDeclined`] says.
    pub(crate) async fn answered(&self, request: &Parts) -> Response<String> {
        let chosen = match &self.answer.sso.inner.when_declined {
            Some(Choose(choose)) => choose(self),
            None => AfterDeclined::AsUsual,
        };
        let connection = &self.connection;
        match chosen {
            AfterDeclined::AsUsual if !self.is_nobody_there() => return self.refuse(),
            AfterDeclined::Refuse => return self.refuse(),
            _ => {
                let code = self.error.code();
                tracing::info!(%connection, reason = ?self.reason, code, "an identity provider declined a sign-in");
            }
        }
        match chosen {
            AfterDeclined::GoOn => self.answer.redirect([]).unwrap_or_else(|error| self.answer.refuse(error)),
            AfterDeclined::AskAgain(options) => self.ask_again(request, *options).await,
            _ => self.sign_in_page(),
        }
    }

    fn add_cookies(&self, headers: &mut HeaderMap) {
        headers.extend(self.answer.cookies.iter().cloned().map(|cookie| (http::header::SET_COOKIE, cookie)));
    }
}

/// Chooses by what an identity provider said.
#[derive(Clone)]
pub(crate) struct Choose(Arc<dyn Fn(&DeclinedSignIn) -> AfterDeclined + Send + Sync>);

impl fmt::Debug for Choose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choose(…)")
    }
}

impl SingleSignOn {
    /// How people go on whose identity provider said no, where the application does not take the
    /// [outcome](SingleSignOn::outcome) itself.
    ///
    /// ```
    /// # use vouchsafe_web::SingleSignOn;
    /// # fn example(sso: SingleSignOn) -> SingleSignOn {
    /// use vouchsafe::{Declined, LoginOptions};
    /// use vouchsafe_web::AfterDeclined;
    ///
    /// sso.when_declined(|declined| match declined.reason {
    ///     // Nobody is signed in at the identity provider: the page shows itself to everybody.
    ///     Declined::NoPassive if declined.is_passive => AfterDeclined::GoOn,
    ///     // Two factors are not to be had: then without.
    ///     Declined::NoAuthnContext => AfterDeclined::AskAgain(Box::new(LoginOptions::default())),
    ///     _ => AfterDeclined::AsUsual,
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn when_declined(
        self,
        choose: impl Fn(&DeclinedSignIn) -> AfterDeclined + Send + Sync + 'static,
    ) -> Self {
        self.changed(|inner| inner.when_declined = Some(Choose(Arc::new(choose))))
    }

    /// What becomes of a response in which the connection that was asked says no to the request of this browser; `None` if it does not.
    pub(crate) async fn declined(
        &self,
        headers: &HeaderMap,
        claimed: &ClaimedResponse,
        bound: &BoundRequest,
        candidates: &[Connection],
        context: &Context,
    ) -> Option<DeclinedSignIn> {
        let pending = bound.request();
        let asked = candidates.iter().find(|one| one.id() == pending.connection())?;
        let reason = bound.declined_by(claimed, asked.identity_provider().entity_id())?;
        let refusal: Refusal = claimed.require_success().err()?;
        self.forget(pending).await;
        let return_to: ReturnPath = self.destination(None, Some(pending));
        let cookies = self.cookies();
        let unbound = cookies.unbind(headers, pending.handle());
        let cookies: Vec<HeaderValue> = unbound.into_iter().chain(cookies.unmark_restart(headers)).collect();
        let known = Context { connection: Some(asked.id().clone()), ..context.clone() };
        Some(DeclinedSignIn {
            reason,
            connection: asked.id().clone(),
            context: pending.context().map(str::to_owned),
            is_passive: pending.is_passive(),
            answer: SignInAnswer { return_to, cookies, sso: self.clone(), known },
            asked: asked.clone(),
            was_made_again: was_made_again(pending.handle()),
            error: refusal.into(),
        })
    }

    /// A request that was answered. One that cannot be removed waits until it is too old.
    async fn forget(&self, pending: &PendingRequest) {
        if let Err(error) = self.inner.pending.remove_pending(pending.handle()).await {
            tracing::warn!(code = error.code(), reason = %error, "a request that was answered goes on waiting");
        }
    }
}
