//! A sign-in that was checked and signs nobody in.

use std::fmt;

use vouchsafe_crypto::Provider;
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::Evidence;

use crate::attributes::Attributes;
use crate::connection_id::ConnectionId;
use crate::ledger::Ledger;
use crate::login::Login;
use crate::name_id::NameId;

/// The result of a trial of a connection, for an administrator to look at.
///
/// It has the same information as a [`Login`] but is not one: it was not recorded, so it cannot sign anybody in.
///
/// ```compile_fail,E0308
/// # use vouchsafe_assertion::{Login, Trial};
/// fn sign_in(trial: Trial) -> Login {
///     trial // error: expected Login, found Trial
/// }
/// ```
pub struct Trial(Login);

impl Trial {
    pub(crate) fn new(login: Login) -> Trial {
        Trial(login)
    }

    /// The connection of the trial.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        self.0.connection()
    }

    /// The entity ID of the identity provider.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        self.0.issuer()
    }

    /// The name identifier, if there is one.
    #[must_use]
    pub fn name_id(&self) -> Option<&NameId> {
        self.0.name_id()
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.0.attributes()
    }

    /// The AuthnContextClassRef: how the person signed in.
    #[must_use]
    pub fn authn_context(&self) -> Option<&str> {
        self.0.authn_context()
    }

    /// The service provider for which the assertion was made: ours.
    #[must_use]
    pub fn audience(&self) -> &EntityId {
        self.0.audience()
    }

    /// The cryptography with which the trial was checked.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        self.0.provider()
    }

    /// When the trial was checked.
    #[must_use]
    pub fn judged_at(&self) -> chrono::DateTime<chrono::Utc> {
        self.0.accepted_at()
    }

    /// The evidence for each signature: its key and what it covers, outermost first.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        self.0.evidence()
    }

    /// Every check that was made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.0.ledger()
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("connection", self.connection()).finish_non_exhaustive()
    }
}
