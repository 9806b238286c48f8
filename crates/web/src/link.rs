//! Linking an account that was made with a password to its person at the identity provider.

use http::Response;
use http::request::Parts;
use vouchsafe::PendingRequest;
use vouchsafe::provisioning::AccountId;
use vouchsafe_store::{Session, StoreError};

use crate::answers::{Context, see_other};
use crate::error::HttpError;
use crate::provisioned::Provisioned;
use crate::single_sign_on::SingleSignOn;

/// What the query of the [sign-in page](SingleSignOn::sign_in_page) says when a person's identity provider vouches for an e-mail address that
/// belongs to an account made by other means: sign in to that once, and [link](Provisioned::link) it.
pub const NOT_LINKED: (&str, &str) = ("problem", "link");

/// What the context of a request begins with that links an account; the account's id follows. No other request has such a context: an
/// application may keep there what a browser sent.
const LINKS: &str = "vouchsafe-link:";

impl Provisioned {
    /// Links the account of the browser's session: starts a sign-in over the connection of its organization, whose answer adds the person at
    /// the identity provider to the account. From then on single sign-on leads to it. For a form of the application's own, on a page for
    /// people who are signed in with a password; who is not signed in is sent to the sign-in page.
    ///
    /// The account is kept with the request, on this side, and the answer counts only from the browser that asked.
    pub async fn link(&self, sso: &SingleSignOn, request: &Parts) -> Response<String> {
        // Whatever the method: an application may have routed another one here.
        let holds_session = sso.cookies().session(&request.headers).is_some();
        if let Err(error) = sso.own_pages_only(&request.headers, holds_session) {
            return sso.refuse(&request.headers, error);
        }
        let session = self.session(sso, &request.headers).await;
        let answered = match session {
            Ok(Some((session, _))) => self.start_link(sso, request, &session).await,
            Ok(None) => see_other(&sso.way_back(None, None), []),
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| sso.refuse(&request.headers, error))
    }

    /// The same for a session that was just opened by a password, before the browser holds its cookie.
    ///
    /// # Errors
    /// [`HttpError::UnknownConnection`] if the organization has no connection; what the store raises.
    pub async fn start_link(
        &self,
        sso: &SingleSignOn,
        request: &Parts,
        session: &Session,
    ) -> Result<Response<String>, HttpError> {
        sso.count_start(request)?;
        let found = self.store.organization(&session.organization).await?;
        let organization = found.ok_or_else(|| StoreError::organization_unknown(&session.organization))?;
        let connection = sso.discover(&organization.value.slug).await?;
        // Without a discovery the slug is taken for a connection's name, which may be another customer's.
        let connection = connection
            .filter(|connection| organization.value.signs_in_over(connection.id()))
            .ok_or(HttpError::UnknownConnection)?;
        let options = sso.inner.options_for(request, &connection);
        let options = options.context(format!("{LINKS}{}", session.account));
        let started = sso.service_provider().start_login(&connection, options, sso.now())?;
        sso.send(&request.headers, started, None).await
    }
}

/// The account that a request is to link.
pub(crate) fn linked_by(pending: Option<&PendingRequest>) -> Option<AccountId> {
    let account = pending?.context()?.strip_prefix(LINKS)?;
    Some(AccountId::new(account))
}

/// Whether the person could get in by linking the account that is there.
pub(crate) fn asks_for_link(error: &HttpError) -> bool {
    error.code() == "provisioning.email_taken"
}

/// Sends a browser to the sign-in page, which says what to do.
pub(crate) fn ask_for_link(sso: &SingleSignOn, known: &Context, error: &HttpError) -> Response<String> {
    sso.record(known, error);
    let place = sso.way_back(known.return_to.as_deref(), Some(NOT_LINKED));
    see_other(&place, []).unwrap_or_else(|error| sso.refuse_in(known, &error))
}
