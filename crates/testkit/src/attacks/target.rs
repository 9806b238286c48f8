use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe_crypto::Certificate;

use crate::{ASSERTION_CONSUMER, Attribute, ISSUE_INSTANT, IdentityProvider, SERVICE_PROVIDER};

/// The default name of the attacker at the identity provider.
pub const ATTACKER: &str = "mallory@example.com";
/// The default name that the attacker wants to sign in with.
pub const VICTIM: &str = "ada@example.com";

/// The endpoint under attack, and the identity providers that it trusts.
///
/// ```
/// use vouchsafe_testkit::attacks::Target;
/// use vouchsafe_testkit::{Attribute, IdentityProvider, keys};
///
/// let target = Target::new("https://app.example.com/saml/metadata", "https://app.example.com/saml/acs")
///     .identity_provider(IdentityProvider::okta())
///     .other_identity_provider(IdentityProvider::other())
///     .attributes(|subject| vec![Attribute::new("user.email", [subject])])
///     .certificate(keys::service_provider().certificate());
/// ```
#[derive(Clone)]
#[must_use]
pub struct Target {
    pub(crate) entity_id: String,
    pub(crate) assertion_consumer: String,
    pub(crate) identity_provider: IdentityProvider,
    pub(crate) other: IdentityProvider,
    pub(crate) attributes: Attributes,
    pub(crate) other_attributes: Option<Attributes>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) clock: Clock,
    pub(crate) attacker: String,
    pub(crate) victim: String,
    pub(crate) other_attacker: Option<String>,
    pub(crate) other_assertion_consumer: Option<String>,
    pub(crate) other_entity_id: Option<String>,
    pub(crate) return_to: Option<String>,
    pub(crate) patience: Duration,
}

type Attributes = Arc<dyn Fn(&str) -> Vec<Attribute> + Send + Sync>;
type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A request that the service has sent. It waits for the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Asked {
    pub(crate) id: String,
    pub(crate) relay_state: Option<String>,
}

impl Asked {
    /// Makes a request from the `ID` of the AuthnRequest.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), relay_state: None }
    }

    /// Sets the RelayState of the request, which is sent back.
    pub fn with_relay_state(mut self, relay_state: impl Into<String>) -> Self {
        self.relay_state = Some(relay_state.into());
        self
    }
}

impl Default for Target {
    /// Returns the service provider that the kit's responses are for: [`SERVICE_PROVIDER`] at [`ISSUE_INSTANT`].
    fn default() -> Self {
        Self::new(SERVICE_PROVIDER, ASSERTION_CONSUMER)
    }
}

impl Target {
    /// Makes a target from the entity ID and the address of the assertion consumer. It trusts
    /// [`IdentityProvider::okta`] and [`IdentityProvider::other`], has one assertion consumer for all customers, and
    /// its clock stands still at [`ISSUE_INSTANT`].
    pub fn new(entity_id: impl Into<String>, assertion_consumer: impl Into<String>) -> Self {
        Self {
            entity_id: entity_id.into(),
            assertion_consumer: assertion_consumer.into(),
            identity_provider: IdentityProvider::okta(),
            other: IdentityProvider::other(),
            attributes: Arc::new(|subject| vec![Attribute::new("user.email", [subject])]),
            other_attributes: None,
            certificate: None,
            clock: Arc::new(|| ISSUE_INSTANT),
            attacker: ATTACKER.to_owned(),
            victim: VICTIM.to_owned(),
            other_attacker: None,
            other_assertion_consumer: None,
            other_entity_id: None,
            return_to: None,
            patience: Duration::from_secs(10),
        }
    }

    /// Sets the identity provider that the service trusts, and that knows attacker and victim.
    pub fn identity_provider(mut self, identity_provider: IdentityProvider) -> Self {
        self.identity_provider = identity_provider;
        self
    }

    /// Sets another identity provider that the service trusts for another customer. The attacker controls it.
    pub fn other_identity_provider(mut self, other: IdentityProvider) -> Self {
        self.other = other;
        self
    }

    /// Sets the attributes that the service needs, by subject. The default is `user.email`.
    pub fn attributes(mut self, attributes: impl Fn(&str) -> Vec<Attribute> + Send + Sync + 'static) -> Self {
        self.attributes = Arc::new(attributes);
        self
    }

    /// Sets the attributes that the other identity provider sends, by subject, if one of them identifies the
    /// customer, such as an organization's token. Without them, attacks that mix the two are left out.
    pub fn other_attributes(
        mut self,
        attributes: impl Fn(&str) -> Vec<Attribute> + Send + Sync + 'static,
    ) -> Self {
        self.other_attributes = Some(Arc::new(attributes));
        self
    }

    /// Sets the certificate that assertions are encrypted to. Without it, attacks on encryption are left out.
    pub fn certificate(mut self, certificate: &Certificate) -> Self {
        self.certificate = Some(certificate.clone());
        self
    }

    /// Sets the service's clock, which stands still.
    pub fn at(self, now: DateTime<Utc>) -> Self {
        self.clock(move || now)
    }

    /// Sets the service's clock.
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the names of the attacker at the identity provider and of the victim. The names must not occur in any
    /// other part of a message.
    pub fn subjects(mut self, attacker: impl Into<String>, victim: impl Into<String>) -> Self {
        self.attacker = attacker.into();
        self.victim = victim.into();
        self
    }

    /// Sets the attacker's name at the other identity provider, if the service does not accept the same name there:
    /// an address in a domain of the other customer.
    pub fn other_attacker(mut self, name: impl Into<String>) -> Self {
        self.other_attacker = Some(name.into());
        self
    }

    /// Sets the other customer's assertion consumer, if each customer has an address of its own. Without it, attacks
    /// that mix the two addresses are left out.
    pub fn other_assertion_consumer(mut self, assertion_consumer: impl Into<String>) -> Self {
        self.other_assertion_consumer = Some(assertion_consumer.into());
        self
    }

    /// Sets the service's entity ID for the other customer, if each customer has one of its own.
    pub fn other_entity_id(mut self, entity_id: impl Into<String>) -> Self {
        self.other_entity_id = Some(entity_id.into());
        self
    }

    /// Sets an address to return to that the service allows, such as `/home`, and that is not where a sign-in ends
    /// without one. The control `control/return` starts a sign-in with it, and the sign-in must end there
    /// ([`Outcome::leading_to`](super::Outcome::leading_to)). Otherwise the attacks `return/` would prove nothing: a
    /// test that does not hand the address on to the service attacks nothing. Without it, these attacks are reported
    /// as not applicable.
    pub fn return_to(mut self, path: impl Into<String>) -> Self {
        self.return_to = Some(path.into());
        self
    }

    /// Sets the longest time that the service may take for one form. The default is 10 seconds; a longer time is a
    /// finding.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Target")
            .field("entity_id", &self.entity_id)
            .field("assertion_consumer", &self.assertion_consumer)
            .field("identity_provider", &self.identity_provider.entity_id())
            .field("other", &self.other.entity_id())
            .finish_non_exhaustive()
    }
}
