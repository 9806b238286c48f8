//! A checked response, and the answer for the browser that sent it.

use http::{HeaderValue, Response};
use vouchsafe::{Login, PendingRequest, ValidAssertion};

use crate::answers::{Context, see_other};
use crate::error::HttpError;
use crate::logout_check::LogoutCheck;
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;

/// A response that every rule accepts; it may still be a replay. It is for a service that records the replay in the
/// transaction of its own sign-in. [`SingleSignOn::accept`] does this automatically.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The assertion.
    pub valid: ValidAssertion,
    /// The request that the response answers; `None` if it answers none. The request stays pending until it is
    /// removed.
    pub pending: Option<PendingRequest>,
    /// The session that this browser held before: [`Accepted::previous_session`](crate::Accepted::previous_session).
    pub previous_session: Option<String>,
    /// The answer for the browser.
    pub answer: SignInAnswer,
}

/// The answer for a browser after its response was checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignInAnswer {
    /// Where the person wanted to go: a path from the list of allowed paths.
    pub return_to: ReturnPath,
    /// `Set-Cookie` headers that the answer to an accepted login must carry.
    pub cookies: Vec<HeaderValue>,
    pub(crate) sso: SingleSignOn,
    pub(crate) known: Context,
}

impl SignInAnswer {
    /// Redirects the browser to where the person wanted to go, with these cookies and [`cookies`](Self::cookies).
    ///
    /// # Errors
    /// There is no error for paths that [`ReturnPaths`](crate::ReturnPaths) chose; handlers return this type.
    pub fn redirect(
        &self,
        more: impl IntoIterator<Item = HeaderValue>,
    ) -> Result<Response<String>, HttpError> {
        see_other(self.return_to.as_str(), self.cookies.iter().cloned().chain(more))
    }

    /// The same as [`SingleSignOn::logout_check`].
    pub fn logout_check(&self, login: &Login) -> LogoutCheck {
        self.sso.logout_check(login)
    }

    /// The answer if the application refuses this person, or fails. It is logged and kept like every refusal. See
    /// [`HttpError::refused_by`] and [`HttpError::outage`].
    #[must_use]
    pub fn refuse(&self, error: impl Into<HttpError>) -> Response<String> {
        self.sso.refuse_in(&self.known, &error.into())
    }
}
