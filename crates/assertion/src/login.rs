//! What the whole path is for.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Provider;
use vouchsafe_metadata::{EntityId, Scope};
use vouchsafe_signature::Evidence;

use crate::attributes::Attributes;
use crate::conditions::ProxyRestriction;
use crate::connection_id::ConnectionId;
use crate::error::AssertionError;
use crate::ledger::{Check, Ledger, Outcome};
use crate::name_id::{NameId, PersistentName};
use crate::replay::{FIRST_USE, FIRST_USE_CLAUSE};
use crate::subject_id::{self, SubjectId};

/// A login: authentic, acceptable, and accepted for the first time.
///
/// It is neither `Clone` nor made in any other way than by [`ValidAssertion::confirm`](crate::ValidAssertion::confirm). `Debug` shows
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
    pub(crate) session_index: Option<String>,
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
    /// The cryptography of the connection, for what is hashed of the login: what it was accepted with.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The connection whose key signed it: which customer's, at which application. Accounts belong to a connection, since two connections
    /// may have the same identity provider.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// The entity ID of the identity provider. Metadata can claim any entity ID, so two connections can have identity providers with the same entity ID and different keys. It does not identify a customer alone: look people up by [`connection`](Login::connection) first.
    #[must_use]
    pub fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// The service provider that it was accepted for: the entity ID that was expected as audience.
    #[must_use]
    pub fn audience(&self) -> &EntityId {
        &self.audience
    }

    /// The name identifier; `None` if the identity provider names nobody and leaves it to attributes (SAML2int SDP-SP13). An account
    /// must then be found by an attribute, or the person turned away: a missing name must never be used like a name. A name is of its
    /// format and its qualifiers too: keep
    /// people under `vouchsafe_provisioning::Identity::of_login`, and not under the value alone.
    #[must_use]
    pub fn name_id(&self) -> Option<&NameId> {
        self.name_id.as_ref()
    }

    /// The name identifier as a key of an account, with the qualifiers that were left out filled in; `None` if it is not persistent.
    #[must_use]
    pub fn persistent_name(&self) -> Option<PersistentName<'_>> {
        PersistentName::of(self.name_id.as_ref()?, self.issuer.as_str(), self.audience.as_str())
    }

    /// The person's `subject-id`, which is the same at every service provider; `None` if none came.
    ///
    /// Read it here and not from [`attributes`](Login::attributes): here it is bound to the scopes in the identity provider's metadata.
    /// Without that, any identity provider could name the people of any other.
    ///
    /// # Errors
    /// [`AssertionError::SubjectId`] if it is malformed or several came, and [`AssertionError::ForeignScope`] if the identity provider
    /// does not speak for its scope. A scope that is a regular expression is about the whole scope.
    pub fn subject_id(&self) -> Result<Option<SubjectId>, AssertionError> {
        subject_id::read(&subject_id::SUBJECT_ID, &self.attributes, &self.scopes)
    }

    /// The person's `pairwise-id`, which is another at every service provider; `None` if none came. Otherwise as
    /// [`subject_id`](Login::subject_id).
    ///
    /// # Errors
    /// As [`subject_id`](Login::subject_id).
    pub fn pairwise_id(&self) -> Result<Option<SubjectId>, AssertionError> {
        subject_id::read(&subject_id::PAIRWISE_ID, &self.attributes, &self.scopes)
    }

    /// Whether the identity provider's metadata names that domain as a scope of its own: for other scoped values, such as the part of
    /// an e-mail address or an eduPersonPrincipalName behind the `@`.
    #[must_use]
    pub fn issuer_speaks_for(&self, domain: &str) -> bool {
        subject_id::speaks_for(&self.scopes, domain)
    }

    /// Whether the assertion says OneTimeUse: nothing of it may be kept for later use. This library uses every assertion only once.
    #[must_use]
    pub fn is_one_time_use(&self) -> bool {
        self.one_time_use
    }

    /// What the identity provider allows to whoever issues assertions on the strength of this login.
    #[must_use]
    pub fn proxy_restriction(&self) -> Option<&ProxyRestriction> {
        self.proxy_restriction.as_ref()
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The session at the identity provider, by which it ends it in a logout request.
    #[must_use]
    pub fn session_index(&self) -> Option<&str> {
        self.session_index.as_deref()
    }

    /// When the session here must end at the latest.
    #[must_use]
    pub fn session_not_on_or_after(&self) -> Option<DateTime<Utc>> {
        self.session_not_on_or_after
    }

    /// When the assertion was issued, by the identity provider's clock. A logout request that was issued later ends the session that it would
    /// begin.
    #[must_use]
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        self.issued_at
    }

    /// When the person signed in at the identity provider.
    #[must_use]
    pub fn authn_instant(&self) -> Option<DateTime<Utc>> {
        self.authn_instant
    }

    /// How the person signed in: the AuthnContextClassRef.
    #[must_use]
    pub fn authn_context(&self) -> Option<&str> {
        self.authn_context.as_deref()
    }

    /// The assertion's ID, for logs.
    #[must_use]
    pub fn assertion_id(&self) -> &str {
        &self.assertion_id
    }

    /// The request that it answers; `None` if it was not asked for.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.in_response_to.as_deref()
    }

    /// When the request that it answers was issued, by the clock of this service. The assertion was issued after that.
    #[must_use]
    pub fn request_issued_at(&self) -> Option<DateTime<Utc>> {
        self.request_issued_at
    }

    /// When it was accepted: the `now` of the validation.
    #[must_use]
    pub fn accepted_at(&self) -> DateTime<Utc> {
        self.accepted_at
    }

    /// From when on the assertion would be refused for its age, skew included: the
    /// [`expires_at`](crate::ReplayKey::expires_at) of its replay record.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Which key signed what, outermost first.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// Everything that was checked.
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
