//! The trial of a connection in the browser: the whole sign-in is checked and shown, nobody is signed in, and nothing
//! changes.

use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use vouchsafe::{Connection, Refusal};

use crate::answers::answer;
use crate::single_sign_on::SingleSignOn;
use crate::tried_out::TriedOut;

impl SingleSignOn {
    /// Starts a sign-in that tries a connection, in any state except retired. It asks for what every sign-in
    /// [asks for](Self::login_options). The answer is checked by every rule and
    /// shown on the [trial page](Self::trial_page), only to this browser. Nobody is signed in, and nothing is
    /// recorded. Until the request expires, a reload of that page shows the same result.
    ///
    /// Call it for an administrator of the connection, from a form on a page of the application.
    ///
    /// ```
    /// # use http::{Response, request::Parts};
    /// # use vouchsafe::Connection;
    /// # use vouchsafe_web::SingleSignOn;
    /// async fn try_out(sso: &SingleSignOn, request: &Parts, draft: &Connection) -> Response<String> {
    ///     sso.start_trial(request, draft, "/settings").await
    /// }
    /// ```
    pub async fn start_trial(
        &self,
        request: &Parts,
        connection: &Connection,
        return_to: &str,
    ) -> Response<String> {
        let options = self.inner.options_for(request, connection).trial().return_to(return_to);
        let started = self.start(request, connection, options).await;
        started.unwrap_or_else(|error| self.refuse(&request.headers, error))
    }

    pub(crate) async fn tried_out(&self, tried: TriedOut) -> Response<String> {
        let code = tried.outcome.as_ref().err().map(Refusal::code);
        tracing::info!(connection = %tried.connection, code, "sign-in tried out");
        #[cfg(feature = "portal")]
        if let Some(set_up) = self.inner.set_up.as_ref().filter(|_| crate::set_up::is_of_set_up(&tried)) {
            return set_up.tried_out(self, &tried).await;
        }
        let body = (self.inner.trial_page.0)(tried).await;
        let mut response = answer(StatusCode::OK, "text/html; charset=utf-8", body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(OWN_FORMS));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }
}

/// The policy allows inline styles, images and forms of the application's own, and nothing else.
const OWN_FORMS: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
