//! Sign-ins that the identity provider declined, and what the application does next.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use vouchsafe::{
    BoundRequest, ClaimedResponse, Connection, ConnectionId, Declined, LoginOptions, PendingRequest, Refusal,
};

use crate::answers::{Context, answer, see_other, with_query};
use crate::error::HttpError;
use crate::return_path::ReturnPath;
use crate::sign_in_answer::SignInAnswer;
use crate::single_sign_on::SingleSignOn;
use crate::unasked::{AGAIN, was_made_again};

/// The query parameter of the [sign-in page](SingleSignOn::sign_in_page) after a silent sign-in
/// ([`LoginOptions::is_passive`]) of a person without a session, and of the wanted page after [`AfterDeclined::GoOn`].
/// The page shows how to sign in, or itself, and must not start another silent sign-in.
pub const NOBODY_SIGNED_IN: (&str, &str) = ("silent", "no");

/// A sign-in in which the identity provider declined a request that this browser started. The request is no longer
/// pending.
///
/// Nothing proves who sent the answer, and nobody is signed in. Use it only to choose what the person sees next.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeclinedSignIn {
    /// The reason.
    pub reason: Declined,
    /// The connection whose identity provider was asked.
    pub connection: ConnectionId,
    /// The value that the application stored with the request: [`LoginOptions::context`].
    pub context: Option<String>,
    /// Whether the request did not allow interaction with the person: [`LoginOptions::is_passive`].
    pub is_passive: bool,
    /// The answer for the browser: where the person wanted to go, and cookies that every answer must carry.
    pub answer: SignInAnswer,
    asked: Connection,
    demands: LoginOptions,
    previous_session: Option<String>,
    was_made_again: bool,
    error: HttpError,
}

/// What happens after the identity provider declined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterDeclined {
    /// The default: after a silent sign-in of a person without a session, the sign-in page with [`NOBODY_SIGNED_IN`];
    /// otherwise the refusal page.
    #[default]
    AsUsual,
    /// The refusal page is shown.
    Refuse,
    /// The sign-in page is shown, with [`NOBODY_SIGNED_IN`] and the wanted path.
    SignInPage,
    /// The person goes to where they wanted, without being signed in. The path has [`NOBODY_SIGNED_IN`] in its query.
    GoOn,
    /// Another request with these options goes out over the same connection, once, by [`DeclinedSignIn::ask_again`]. If
    /// the identity provider declines it too, no third one is sent.
    ///
    /// It demands no less than the first one, since anybody with the browser in which the sign-in started can make an
    /// answer that declines.
    AskAgain(Box<LoginOptions>),
}

impl DeclinedSignIn {
    /// The error, with the status codes, the message and a hint.
    #[must_use]
    pub fn error(&self) -> &HttpError {
        &self.error
    }

    /// Returns whether this is the expected answer to a silent sign-in of a person without a session.
    #[must_use]
    pub fn is_nobody_there(&self) -> bool {
        self.is_passive && self.reason == Declined::NoPassive
    }

    /// The refusal page. The refusal is logged and kept like every refusal.
    #[must_use]
    pub fn refuse(&self) -> Response<String> {
        let mut refused = self.answer.sso.refuse_in(&self.answer.known, &self.error);
        self.add_cookies(refused.headers_mut());
        refused
    }

    /// The redirect to the sign-in page, with [`NOBODY_SIGNED_IN`] and the wanted path; status 401 for a client that
    /// asks for JSON.
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

    /// Sends another request over the same connection, which leads to the same path. It demands [at
    /// least](LoginOptions::at_least) what the first one demanded, and has its [context](Self::context). If this was
    /// already such a request, the answer is the refusal page.
    pub async fn ask_again(&self, request: &Parts, options: LoginOptions) -> Response<String> {
        self.danger_ask_for_less(request, options.at_least(&self.demands)).await
    }

    /// Does the same as [`ask_again`](Self::ask_again) with these options alone, also if they demand less than the first
    /// request. **Danger**: a person who declines for the identity provider then signs in without what the first request
    /// demanded, such as a second factor. Nothing proves that the identity provider declined. Let such a sign-in do no
    /// more than one that the application starts with these options. It keeps the context of the first request, so do not
    /// call it for a sign-in that links an account.
    pub async fn danger_ask_for_less(&self, request: &Parts, options: LoginOptions) -> Response<String> {
        if self.was_made_again {
            return self.refuse();
        }
        let SignInAnswer { return_to, sso, .. } = &self.answer;
        let again = async {
            let options = options.return_to(return_to.as_str()).handle_prefix(AGAIN);
            // The session cookie does not come with the answer that declined.
            let options = match &self.previous_session {
                Some(hash) => options.previous_session(hash),
                None => options,
            };
            sso.count_start(request)?;
            match &self.context {
                // It was accepted with the first request, which may link an account.
                Some(context) => {
                    let started = sso.started(request, &self.asked, options.context(context))?;
                    sso.send(&request.headers, started, None).await
                }
                None => sso.start_counted(request, &self.asked, options, None).await,
            }
        };
        again.await.unwrap_or_else(|error| self.answer.refuse(error))
    }

    /// Answers as chosen by [`AfterDeclined`].
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
            AfterDeclined::GoOn => self.go_on(),
            AfterDeclined::AskAgain(options) => self.ask_again(request, *options).await,
            _ => self.sign_in_page(),
        }
    }

    /// The redirect to where the person wanted to go, with [`NOBODY_SIGNED_IN`].
    fn go_on(&self) -> Response<String> {
        let place = with_query(self.answer.return_to.as_str(), &[NOBODY_SIGNED_IN]);
        see_other(&place, self.answer.cookies.iter().cloned())
            .unwrap_or_else(|error| self.answer.refuse(error))
    }

    fn add_cookies(&self, headers: &mut HeaderMap) {
        headers.extend(self.answer.cookies.iter().cloned().map(|cookie| (http::header::SET_COOKIE, cookie)));
    }
}

/// Chooses what happens after the identity provider declined.
#[derive(Clone)]
pub(crate) struct Choose(Arc<dyn Fn(&DeclinedSignIn) -> AfterDeclined + Send + Sync>);

impl fmt::Debug for Choose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choose(…)")
    }
}

impl SingleSignOn {
    /// Sets what happens after an identity provider declined, if the application does not use the
    /// [outcome](SingleSignOn::outcome) itself.
    ///
    /// ```
    /// # use vouchsafe_web::SingleSignOn;
    /// # fn example(sso: SingleSignOn) -> SingleSignOn {
    /// use vouchsafe::{Declined, LoginOptions};
    /// use vouchsafe_web::AfterDeclined;
    ///
    /// sso.when_declined(|declined| match declined.reason {
    ///     // Nobody is signed in at the identity provider: the page shows itself to everybody. It starts no silent
    ///     // sign-in if its address has `NOBODY_SIGNED_IN`.
    ///     Declined::NoPassive if declined.is_passive => AfterDeclined::GoOn,
    ///     // The session at the identity provider has another context: the person signs in there once more.
    ///     Declined::NoAuthnContext => AfterDeclined::AskAgain(Box::new(LoginOptions::default().force_authn())),
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

    /// Returns the result of a response in which the asked connection declines the request of this browser; `None`
    /// for any other response.
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
            demands: pending.demands(),
            previous_session: pending.previous_session().map(str::to_owned),
            was_made_again: was_made_again(pending.handle()),
            error: refusal.into(),
        })
    }

    /// Removes a request that was answered. If it cannot be removed, it stays until it expires.
    async fn forget(&self, pending: &PendingRequest) {
        if let Err(error) = self.inner.pending.remove_pending(pending.handle()).await {
            tracing::warn!(code = error.code(), reason = %error, "a request that was answered goes on waiting");
        }
    }
}
