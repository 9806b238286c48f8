//! Refuses logins whose sessions their identity providers have ended in the meantime.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe::provisioning::Identity;
use vouchsafe::{Login, Participant};
use vouchsafe_store::may_be_logged_out;

use crate::error::HttpError;
use crate::single_sign_on::SingleSignOn;

/// The data of a login by which it is checked whether its identity provider has ended its session, and by which that
/// session is found later. `Debug` does not show the person.
#[derive(Clone)]
#[must_use = "check it after the session was opened"]
pub struct LogoutCheck {
    sso: SingleSignOn,
    person: Option<Identity>,
    participant: Option<Participant>,
    session_indexes: Vec<String>,
    issued_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
}

impl LogoutCheck {
    /// The person. `None` if the login names nobody; then no logout can name the session.
    #[must_use]
    pub fn person(&self) -> Option<&Identity> {
        self.person.as_ref()
    }

    /// The session at the identity provider, which is told when the person signs out here. `None` if the login names
    /// nobody.
    #[must_use]
    pub fn participant(&self) -> Option<&Participant> {
        self.participant.as_ref()
    }

    /// The session indexes of the login.
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// Returns whether identity providers can end sessions here.
    #[must_use]
    pub fn takes_logouts(&self) -> bool {
        self.sso.takes_logouts()
    }

    /// Refuses the login if its identity provider has ended its session in the meantime. End the session that you
    /// opened if this fails.
    ///
    /// # Errors
    /// [`HttpError::LoggedOut`]; [`HttpError::Store`].
    pub async fn passes(&self) -> Result<(), HttpError> {
        let (Some(single_logout), Some(person)) = (&self.sso.inner.single_logout, &self.person) else {
            return Ok(());
        };
        let latest = single_logout.store.latest_logout(person, &self.session_indexes).await?;
        match may_be_logged_out(self.issued_at, self.asked_at, latest, self.sso.now()) {
            true => Err(HttpError::LoggedOut),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for LogoutCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutCheck").finish_non_exhaustive()
    }
}

impl SingleSignOn {
    /// Refuses a login whose session an identity provider has already ended: its assertion was issued before a
    /// logout, and came after it (SAML Core 3.7.3.1). [`accept`](Self::accept) checks this automatically. Check again
    /// after you opened a session of your own, and end the session if this fails: the logout may come in between.
    /// [`Provisioned`](crate::Provisioned) checks it in the transaction of the sign-in.
    ///
    /// # Errors
    /// [`HttpError::LoggedOut`]; [`HttpError::Store`].
    pub async fn not_logged_out(&self, login: &Login) -> Result<(), HttpError> {
        self.logout_check(login).passes().await
    }

    /// Makes the check of [`not_logged_out`](Self::not_logged_out) for an application that gives the login away before
    /// it has opened the session.
    pub fn logout_check(&self, login: &Login) -> LogoutCheck {
        LogoutCheck {
            sso: self.clone(),
            person: Identity::of_login(login),
            participant: Participant::of_login(login),
            session_indexes: login.session_indexes().to_vec(),
            issued_at: login.issued_at(),
            asked_at: login.request_issued_at(),
        }
    }
}
