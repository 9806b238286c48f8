//! Ending the session here; the one at the identity provider goes on.

use std::future::Future;

use http::{HeaderMap, HeaderValue, Method, Response};

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
