//! Links an account with a password to its person at the identity provider.

use http::request::Parts;
use http::{Method, Response};
use vouchsafe::provisioning::AccountId;
use vouchsafe::{Connection, ConnectionState, PendingRequest};
use vouchsafe_store::{Session, StoreError};

use crate::answers::{Context, see_other};
use crate::error::HttpError;
use crate::provisioned::{OpenedSession, Provisioned};
use crate::single_sign_on::SingleSignOn;

/// The query parameter of the [sign-in page](SingleSignOn::sign_in_page) if the identity provider asserts an e-mail
/// address that belongs to an account made by other means. The person must sign in to that account once, and
/// [link](Provisioned::link) it.
pub const NOT_LINKED: (&str, &str) = ("problem", "link");

/// The prefix of the context of a request that links an account. It is followed by the hash of the session that asked
/// for this, and by the account's id. No other request has such a context, since an application may put data from a
/// browser there.
const LINKS: &str = "vouchsafe-link:";

impl Provisioned {
    /// Links the account of the browser's session: starts a sign-in over a connection of its organization, whose
    /// answer adds the person at the identity provider to the account. After that, single sign-on leads to the
    /// account. Use it for a form of the application on a page for people who are signed in with a password; a
    /// browser without a session is sent to the sign-in page, and a client that asks for JSON receives status 401.
    ///
    /// `fields` is the posted form: `connection`, the name of one of
    /// [`connections_to_link`](Self::connections_to_link). It may be omitted if there is only one.
    ///
    /// The account is stored with the request on the server. The answer is accepted only from the browser that asked,
    /// and only while its session lasts.
    pub async fn link(&self, sso: &SingleSignOn, request: &Parts, fields: &[u8]) -> Response<String> {
        // This applies to every method, since an application may route others here.
        let holds_session = sso.cookies().session(&request.headers).is_some();
        if let Err(error) = sso.own_pages_only(&request.headers, holds_session) {
            return sso.refuse(&request.headers, error);
        }
        let chosen = form_urlencoded::parse(fields).find(|(name, _)| name == "connection");
        let chosen = chosen.map(|(_, value)| value).filter(|value| !value.trim().is_empty());
        let answered = match self.session(sso, &request.headers).await {
            Ok(Some(session)) => self.start_link(sso, request, &session, chosen.as_deref()).await,
            // A sign-in does not lead back here, whatever the method: the posted form is not kept.
            Ok(None) => return sso.sign_in_needed(&Method::POST, &request.uri, &request.headers),
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| sso.refuse(&request.headers, error))
    }

    /// Does the same for a session that was just opened by a password, before the browser holds its cookie.
    ///
    /// # Errors
    /// [`HttpError::UnknownConnection`] if the organization has no such connection; [`HttpError::SeveralConnections`]
    /// if it has several and none is chosen; the errors of the store.
    pub async fn start_link(
        &self,
        sso: &SingleSignOn,
        request: &Parts,
        opened: &OpenedSession,
        chosen: Option<&str>,
    ) -> Result<Response<String>, HttpError> {
        sso.count_start(request)?;
        let mut possible = self.connections_to_link(sso, &opened.session).await?;
        possible.retain(|connection| chosen.is_none_or(|chosen| connection.id().as_str() == chosen.trim()));
        let connection = match possible.as_slice() {
            [only] => only,
            [] => return Err(HttpError::UnknownConnection),
            several => {
                let connections = several.iter().map(|connection| connection.id().clone()).collect();
                return Err(HttpError::SeveralConnections { connections });
            }
        };
        let options = sso.inner.options_for(request, connection);
        let options = options.context(format!("{LINKS}{}:{}", opened.hash, opened.session.account));
        let options = options.previous_session(&opened.hash);
        let started = sso.service_provider().start_login(connection, options, sso.now())?;
        sso.send(&request.headers, started, None).await
    }

    /// Returns the connections over which the account of a session can be linked: the active ones of its
    /// organization. A form for [`link`](Self::link) lets the person choose among several.
    ///
    /// # Errors
    /// The errors of the store; [`StoreError::ConnectionUnusable`] if the only connection cannot be used.
    pub async fn connections_to_link(
        &self,
        sso: &SingleSignOn,
        session: &Session,
    ) -> Result<Vec<Connection>, HttpError> {
        let found = self.store.organization(&session.organization).await?;
        let organization = found.ok_or_else(|| StoreError::organization_unknown(&session.organization))?;
        let (mut active, mut unusable) = (Vec::new(), None);
        for id in organization.value.own_connections() {
            match sso.inner.connections.find(&id).await {
                Ok(found) => {
                    active.extend(found.filter(|found| found.state() == ConnectionState::Active));
                }
                Err(failure @ StoreError::ConnectionUnusable { .. }) => unusable = Some(failure),
                Err(failure) => return Err(failure.into()),
            }
        }
        match unusable.filter(|_| active.is_empty()) {
            Some(failure) => Err(failure.into()),
            None => Ok(active),
        }
    }
}

/// Returns whether the answer to a request would link an account.
pub(crate) fn is_link(pending: &PendingRequest) -> bool {
    pending.context().is_some_and(|context| context.starts_with(LINKS))
}

/// Returns the account that a request should link, and the hash of the session that asked for this.
pub(crate) fn linked_by(pending: Option<&PendingRequest>) -> Option<(AccountId, &str)> {
    let asked = pending?.context()?.strip_prefix(LINKS)?;
    // Without a session nothing is linked: no session has an empty name.
    let (session, account) = asked.split_once(':').unwrap_or(("", asked));
    Some((AccountId::new(account), session))
}

/// Returns whether the person could sign in after linking the existing account.
pub(crate) fn asks_for_link(error: &HttpError) -> bool {
    error.code() == "provisioning.email_taken"
}

/// Redirects a browser to the sign-in page, which explains what to do.
pub(crate) fn ask_for_link(sso: &SingleSignOn, known: &Context, error: &HttpError) -> Response<String> {
    sso.record(known, error);
    let place = sso.way_back(known.return_to.as_deref(), Some(NOT_LINKED));
    see_other(&place, []).unwrap_or_else(|error| sso.refuse_in(known, &error))
}
