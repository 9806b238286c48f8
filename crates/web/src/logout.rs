//! Ending the session here; the one at the identity provider goes on.

use std::future::Future;

use http::{HeaderMap, HeaderValue, Response};

use crate::answers::see_other;
use crate::error::HttpError;
use crate::same_origin::may_change;
use crate::single_sign_on::SingleSignOn;

impl SingleSignOn {
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

    /// Ends the application's session by `end`, if a page of our own or the person says so, and sends the browser to the sign-in page with the
    /// cookies that `end` answers. What another site sends changes nothing: `end` does not run, and no cookie is set.
    pub async fn local_logout(
        &self,
        headers: &HeaderMap,
        holds_session_cookie: bool,
        end: impl Future<Output = Result<Vec<HeaderValue>, HttpError>>,
    ) -> Response<String> {
        let outcome = async {
            self.own_pages_only(headers, holds_session_cookie)?;
            see_other(&self.inner.sign_in_page, end.await?)
        };
        outcome.await.unwrap_or_else(|error: HttpError| self.refuse(headers, error))
    }
}
