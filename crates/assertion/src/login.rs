//! The result of a successful sign-in.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, Scope};
use vouchsafe_signature::Evidence;

use crate::attributes::Attributes;
use crate::conditions::ProxyRestriction;
use crate::connection_id::ConnectionId;
use crate::ledger::{Check, Ledger, Outcome};
use crate::name_id::{NameId, PersistentName};
use crate::replay::{FIRST_USE, FIRST_USE_CLAUSE};
use crate::subject_id::{self, SubjectId, SubjectIdError};

/// A login: its assertion is authentic, valid, and accepted for the first time.
///
/// It is not `Clone`, and only [`ValidAssertion::confirm`](crate::ValidAssertion::confirm) makes one. `Debug` shows
/// nothing personal.
///
/// ```compile_fail,E0451
/// # fn forge(login: vouchsafe_assertion::Login) -> vouchsafe_assertion::Login {
/// vouchsafe_assertion::Login { assertion_id: "id-1".to_owned(), ..login } // error: the fields are private
/// # }
/// ```
pub struct Login {
    pub(crate) provider: Provider,
    pub(crate) connection: ConnectionId,
    pub(crate) issuer: EntityId,
    pub(crate) audience: EntityId,
    pub(crate) scopes: Arc<[Scope]>,
    pub(crate) name_id: Option<NameId>,
    pub(crate) attributes: Attributes,
    pub(crate) session_indexes: Vec<String>,
    pub(crate) session_not_on_or_after: Option<DateTime<Utc>>,
    pub(crate) issued_at: Option<DateTime<Utc>>,
    pub(crate) authn_instant: Option<DateTime<Utc>>,
    pub(crate) authn_context: Option<String>,
    pub(crate) assertion_id: String,
    pub(crate) in_response_to: Option<String>,
    pub(crate) request_issued_at: Option<DateTime<Utc>>,
    pub(crate) accepted_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) one_time_use: bool,
    pub(crate) proxy_restriction: Option<ProxyRestriction>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) ledger: Ledger,
}

impl Login {
    /// The cryptography with which the login was accepted. Use it to hash values of the login.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The connection whose key signed the assertion. Accounts belong to a connection, since two connections may have
    /// the same identity provider.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The entity ID of the identity provider. Metadata can claim any entity ID, so two connections can have identity
    /// providers with the same entity ID and different keys. The entity ID alone does not identify a customer: look
    /// people up by [`connection`](Login::connection) first.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// The service provider for which the login was accepted: the entity ID that was expected as audience.
    #[must_use]
    pub fn audience(&self) -> &EntityId {
        &self.audience
    }

    /// The name identifier; `None` if the identity provider sends none and uses attributes instead (SAML2int
    /// SDP-SP13). An account must then be found by an attribute, or the person must be refused: never use a missing
    /// name like a name. The format and the qualifiers belong to a name: store people under
    /// `vouchsafe_provisioning::Identity::of_login`, and not under the value alone.
    #[must_use]
    pub fn name_id(&self) -> Option<&NameId> {
        self.name_id.as_ref()
    }

    /// The name identifier as the key of an account, with the missing qualifiers filled in; `None` if it is not
    /// persistent.
    #[must_use]
    pub fn persistent_name(&self) -> Option<PersistentName<'_>> {
        PersistentName::of(self.name_id.as_ref()?, self.issuer.as_str(), self.audience.as_str())
    }

    /// The person's `subject-id`, which is the same at every service provider; `None` if there is none.
    ///
    /// Read it here and not from [`attributes`](Login::attributes): here it is checked against the scopes in the
    /// identity provider's metadata. Without that check, any identity provider could name the people of any other.
    ///
    /// # Errors
    /// [`SubjectIdError::Invalid`] if it is malformed or occurs several times, and [`SubjectIdError::ForeignScope`]
    /// if its scope does not belong to the identity provider. A scope that is a regular expression must match the
    /// whole scope.
    pub fn subject_id(&self) -> Result<Option<SubjectId>, SubjectIdError> {
        subject_id::read(&subject_id::SUBJECT_ID, &self.attributes, &self.scopes)
    }

    /// The person's `pairwise-id`, which differs at every service provider; `None` if there is none. It is checked
    /// like [`subject_id`](Login::subject_id).
    ///
    /// # Errors
    /// The same as for [`subject_id`](Login::subject_id).
    pub fn pairwise_id(&self) -> Result<Option<SubjectId>, SubjectIdError> {
        subject_id::read(&subject_id::PAIRWISE_ID, &self.attributes, &self.scopes)
    }

    /// Returns whether the identity provider's metadata lists that domain as a scope of its own. Use it for other
    /// scoped values, such as the part after the `@` of an e-mail address or an eduPersonPrincipalName.
    #[must_use]
    pub fn issuer_speaks_for(&self, domain: &str) -> bool {
        subject_id::speaks_for(&self.scopes, domain)
    }

    /// Returns whether the assertion has the condition OneTimeUse: none of it may be kept for later use. This library
    /// uses every assertion only once.
    #[must_use]
    pub fn is_one_time_use(&self) -> bool {
        self.one_time_use
    }

    /// The restriction for services that issue further assertions based on this login.
    #[must_use]
    pub fn proxy_restriction(&self) -> Option<&ProxyRestriction> {
        self.proxy_restriction.as_ref()
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The names of the sessions at the identity provider: the SessionIndex of each AuthnStatement that has one. Most
    /// assertions have one. A logout request that contains any of them ends the session at the service.
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// The time at which the session at the service must end at the latest.
    #[must_use]
    pub fn session_not_on_or_after(&self) -> Option<DateTime<Utc>> {
        self.session_not_on_or_after
    }

    /// When the assertion was issued, by the identity provider's clock. A logout request that was issued later ends
    /// the session that this login would start.
    #[must_use]
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        self.issued_at
    }

    /// When the person signed in at the identity provider.
    #[must_use]
    pub fn authn_instant(&self) -> Option<DateTime<Utc>> {
        self.authn_instant
    }

    /// The AuthnContextClassRef: how the person signed in.
    #[must_use]
    pub fn authn_context(&self) -> Option<&str> {
        self.authn_context.as_deref()
    }

    /// The assertion's ID, for logs.
    #[must_use]
    pub fn assertion_id(&self) -> &str {
        &self.assertion_id
    }

    /// The ID of the request that the login answers; `None` if it was unsolicited.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.in_response_to.as_deref()
    }

    /// When the request was issued, by the clock of this service. The assertion was issued after that.
    #[must_use]
    pub fn request_issued_at(&self) -> Option<DateTime<Utc>> {
        self.request_issued_at
    }

    /// When the login was accepted: the `now` of the validation.
    #[must_use]
    pub fn accepted_at(&self) -> DateTime<Utc> {
        self.accepted_at
    }

    /// The time from which the assertion would be refused for its age, including the skew: the
    /// [`expires_at`](crate::ReplayKey::expires_at) of its replay record.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// The evidence for each signature: its key and what it covers, outermost first.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// Every check that was made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn record_first_use(&mut self) {
        let check = Check::new(FIRST_USE, FIRST_USE_CLAUSE, Outcome::Passed);
        self.ledger.record(check.expected("not seen before").actual("not seen before"));
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("connection", &self.connection)
            .field("issuer", &self.issuer)
            .field("assertion_id", &self.assertion_id)
            .field("accepted_at", &self.accepted_at)
            .finish_non_exhaustive()
    }
}
