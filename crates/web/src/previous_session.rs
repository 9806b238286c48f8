//! The session that a browser held before a sign-in.
//!
//! The response comes with a POST from the identity provider's site, and browsers do not send a session cookie
//! (`SameSite=Lax`) with that. They send it with the request that starts the sign-in. So the hash of the session is
//! noted then, with the pending request, and the session can be ended when the answer is accepted.
//!
//! The identifier itself is never stored, and no request can name a hash: a foreign page can only make a browser sign
//! in, which replaces the session's cookie anyway.

use http::request::Parts;
use vouchsafe::{BindingError, LoginOptions, PendingRequest};
use vouchsafe_store::SessionId;

use crate::error::HttpError;
use crate::single_sign_on::SingleSignOn;

impl SingleSignOn {
    /// Sets how to find the session that a browser holds, for a service with sessions of its own. `find` returns the
    /// session's identifier as the browser sends it. Only its SHA-256 is kept, in the form of
    /// [`SessionId::hash`](vouchsafe_store::SessionId::hash), and handed out with the accepted login:
    /// [`Accepted::previous_session`](crate::Accepted::previous_session). By default the cookie of
    /// [`Cookies::open_session`](crate::Cookies::open_session) is read.
    ///
    /// ```
    /// # use vouchsafe_web::SingleSignOn;
    /// # mod my_sessions { pub fn cookie(_: &http::HeaderMap) -> Option<String> { None } }
    /// # fn example(sso: SingleSignOn) -> SingleSignOn {
    /// sso.browser_session(|request| my_sessions::cookie(&request.headers))
    /// # }
    /// ```
    #[must_use]
    pub fn browser_session(self, find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.changed(|inner| inner.set_browser_session(find))
    }

    /// Adds the session that the browser holds to the options of a sign-in.
    pub(crate) fn noting_session(
        &self,
        request: &Parts,
        options: LoginOptions,
    ) -> Result<LoginOptions, HttpError> {
        Ok(match self.held_session(request)? {
            Some(hash) => options.previous_session(hash),
            None => options,
        })
    }

    /// Returns the hash of the session that the browser held: of the one that it sends now, or of the one that it
    /// held when it started the sign-in. A response that answers no request, and comes from another site, replaces a
    /// session that is not known.
    pub(crate) fn previous_session(
        &self,
        request: &Parts,
        pending: Option<&PendingRequest>,
    ) -> Result<Option<String>, HttpError> {
        let noted = pending.and_then(PendingRequest::previous_session).map(str::to_owned);
        Ok(self.held_session(request)?.or(noted))
    }

    /// Returns the hash of the session that the browser sends.
    pub(crate) fn held_session(&self, request: &Parts) -> Result<Option<String>, HttpError> {
        let found = match self.inner.browser_session() {
            Some(find) => find(request),
            None => self.cookies().session(&request.headers),
        };
        Ok(self.session_id(found)?.map(|id| id.hash().to_owned()))
    }

    /// Returns the identifier of the session whose text the browser sends.
    pub(crate) fn session_id(&self, text: Option<String>) -> Result<Option<SessionId>, HttpError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        let id = SessionId::received(text, self.service_provider().provider()).map_err(BindingError::from)?;
        Ok(Some(id))
    }
}
