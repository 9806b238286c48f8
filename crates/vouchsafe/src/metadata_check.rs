//! Compares a connection with the metadata that its identity provider publishes now.

use std::fmt;

use chrono::{DateTime, Utc};
use vouchsafe_assertion::Trust;
use vouchsafe_metadata::{Binding, EntityKey, IdentityProvider, LintSeverity, SigningMethod};

use crate::connection::Connection;
use crate::error::BindingError;
use crate::service_provider::ServiceProvider;
use crate::settings::SignRequests;
use crate::signing::can_be_verified;

/// A difference between a connection and the metadata of its identity provider, or a fault that would make a sign-in
/// fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataFinding {
    /// The metadata belongs to another entity, whose responses are refused.
    #[non_exhaustive]
    OtherEntity {
        /// The entity ID of the connection.
        expected: String,
        /// The entity ID of the metadata.
        actual: String,
    },
    /// The metadata is past its validUntil.
    #[non_exhaustive]
    Expired {
        /// The end of its validity.
        valid_until: DateTime<Utc>,
    },
    /// The connection's own metadata is past its validUntil, so every sign-in is refused.
    #[non_exhaustive]
    KnownExpired {
        /// The end of its validity.
        valid_until: DateTime<Utc>,
    },
    /// No published key that can be used is trusted over the connection, so every response is refused.
    NoKeyInCommon,
    /// A key is published and not trusted. Sign-ins fail when the identity provider starts to use it.
    #[non_exhaustive]
    KeyNotTrusted {
        /// The key.
        key: String,
    },
    /// A key is trusted and is no longer published.
    #[non_exhaustive]
    KeyWithdrawn {
        /// The key.
        key: String,
    },
    /// No key of the connection's metadata can be used, so every response is refused.
    #[non_exhaustive]
    NoUsableKey {
        /// The error of the last key.
        reason: String,
    },
    /// No published key can be used. If this metadata replaces the connection's, every response is refused.
    #[non_exhaustive]
    NoUsableKeyPublished {
        /// The error of the last key.
        reason: String,
    },
    /// A key of the connection or a published one cannot be used, for example because it is too weak. Sign-ins fail when
    /// the identity provider signs with it.
    #[non_exhaustive]
    KeyUnusable {
        /// The key with its fingerprint, and the reason.
        key: String,
    },
    /// The address to which sign-in requests are sent is not published.
    #[non_exhaustive]
    SignOnElsewhere {
        /// The address of the connection.
        address: String,
    },
    /// The connection's metadata or what is published has no address for the binding of sign-in requests.
    #[non_exhaustive]
    NoSignOn {
        /// The binding that the connection uses; HTTP-Redirect if it uses any.
        binding: &'static str,
    },
    /// The address for sign-in requests, in the connection's metadata or in what is published, is neither https nor on
    /// a loopback host: nobody is sent there.
    #[non_exhaustive]
    InsecureSignOn {
        /// The address.
        address: String,
    },
    /// No sign-in can be started over the connection, for another reason.
    #[non_exhaustive]
    CannotStart {
        /// The error of [`ServiceProvider::start_login`].
        reason: String,
        /// Its hint.
        hint: &'static str,
    },
    /// The address to which logout messages are sent is not published.
    #[non_exhaustive]
    LogoutElsewhere {
        /// The address of the connection.
        address: String,
    },
    /// Requests must be signed, and the service has no signing key.
    NoKeyToSignWith,
    /// The metadata lists only algorithms with which our key cannot sign.
    NoAlgorithmInCommon,
}

impl MetadataFinding {
    /// Returns the finding for an error by which a sign-in cannot be started.
    fn of_obstacle(error: BindingError) -> MetadataFinding {
        match error {
            BindingError::NoSingleSignOn { binding, .. } => MetadataFinding::NoSignOn { binding },
            BindingError::InsecureLocation { location, .. } => {
                MetadataFinding::InsecureSignOn { address: location }
            }
            BindingError::NoSigningKey { .. } => MetadataFinding::NoKeyToSignWith,
            other => MetadataFinding::CannotStart { reason: other.to_string(), hint: other.hint() },
        }
    }

    /// Returns a stable identifier of the kind of finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            MetadataFinding::OtherEntity { .. } => "connection.other_entity",
            MetadataFinding::Expired { .. } => "connection.metadata_expired",
            MetadataFinding::KnownExpired { .. } => "connection.known_expired",
            MetadataFinding::NoKeyInCommon => "connection.no_key_in_common",
            MetadataFinding::KeyNotTrusted { .. } => "connection.key_not_trusted",
            MetadataFinding::KeyWithdrawn { .. } => "connection.key_withdrawn",
            MetadataFinding::NoUsableKey { .. } => "connection.no_usable_key",
            MetadataFinding::NoUsableKeyPublished { .. } => "connection.no_usable_key_published",
            MetadataFinding::KeyUnusable { .. } => "connection.key_unusable",
            MetadataFinding::SignOnElsewhere { .. } => "connection.sign_on_elsewhere",
            MetadataFinding::NoSignOn { .. } => "connection.no_sign_on",
            MetadataFinding::InsecureSignOn { .. } => "connection.insecure_sign_on",
            MetadataFinding::CannotStart { .. } => "connection.cannot_start",
            MetadataFinding::LogoutElsewhere { .. } => "connection.logout_elsewhere",
            MetadataFinding::NoKeyToSignWith => "connection.no_key_to_sign_with",
            MetadataFinding::NoAlgorithmInCommon => "connection.no_algorithm_in_common",
        }
    }

    /// Returns the severity: an error if sign-ins fail.
    #[must_use]
    pub fn severity(&self) -> LintSeverity {
        match self {
            MetadataFinding::OtherEntity { .. }
            | MetadataFinding::Expired { .. }
            | MetadataFinding::KnownExpired { .. }
            | MetadataFinding::NoKeyInCommon
            | MetadataFinding::NoUsableKey { .. }
            | MetadataFinding::NoUsableKeyPublished { .. }
            | MetadataFinding::NoSignOn { .. }
            | MetadataFinding::InsecureSignOn { .. }
            | MetadataFinding::CannotStart { .. }
            | MetadataFinding::NoKeyToSignWith => LintSeverity::Error,
            MetadataFinding::KeyWithdrawn { .. } => LintSeverity::Note,
            _ => LintSeverity::Warning,
        }
    }

    /// Returns what to change.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            MetadataFinding::OtherEntity { .. } => {
                "Make another connection for the other identity provider, or correct the address that the metadata is fetched from."
            }
            MetadataFinding::Expired { .. } => "Have the publisher renew it.",
            MetadataFinding::KnownExpired { .. } => {
                "Compare the fingerprint of the published key with the identity provider's console first, then put this metadata in the place of the connection's. If it is refreshed by itself, find out why that stopped."
            }
            MetadataFinding::NoKeyInCommon | MetadataFinding::KeyNotTrusted { .. } => {
                "Compare the fingerprint with the identity provider's console first: anybody who holds the address of the metadata can publish a key. If the key is there, put this metadata in the place of the connection's, or let it be refreshed."
            }
            MetadataFinding::NoUsableKey { .. } => {
                "Compare the fingerprint of the published key with the identity provider's console, and put the published metadata in the place of the connection's if the service accepts its key. Otherwise have the publisher add one, such as RSA with 2,048 bits."
            }
            MetadataFinding::NoUsableKeyPublished { .. } | MetadataFinding::KeyUnusable { .. } => {
                "Have the publisher add a key that the service accepts, such as one of RSA with 2,048 bits. Until then, keep the connection's present metadata."
            }
            MetadataFinding::SignOnElsewhere { .. } | MetadataFinding::LogoutElsewhere { .. } => {
                "Compare the addresses with the identity provider's console first: people type their passwords there. If they are the same, put this metadata in the place of the connection's, or let it be refreshed."
            }
            MetadataFinding::KeyWithdrawn { .. } => {
                "Compare the remaining keys with the identity provider's console, then put this metadata in the place of the connection's, or let it be refreshed."
            }
            MetadataFinding::NoSignOn { .. } => {
                "Have the publisher add a SingleSignOnService with this binding, or let the connection use any binding."
            }
            MetadataFinding::InsecureSignOn { .. } => "Have the publisher name an https address.",
            MetadataFinding::CannotStart { hint, .. } => hint,
            MetadataFinding::NoKeyToSignWith => {
                "Give the service provider a signing_key, and the identity provider its certificate."
            }
            MetadataFinding::NoAlgorithmInCommon => {
                "Sign with a key of another kind, or have the identity provider name what it can verify."
            }
        }
    }
}

impl fmt::Display for MetadataFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetadataFinding::OtherEntity { expected, actual } => {
                write!(f, "the metadata is of {actual:?}, the connection to {expected:?}")
            }
            MetadataFinding::Expired { valid_until } => write!(f, "the metadata was valid until {valid_until}"),
            MetadataFinding::KnownExpired { valid_until } => {
                write!(f, "the metadata of the connection was valid until {valid_until}, and every sign-in is refused since then")
            }
            MetadataFinding::NoKeyInCommon => f.write_str("no key that is published and can be used is trusted over the connection"),
            MetadataFinding::KeyNotTrusted { key } => write!(f, "published and not trusted: {key}"),
            MetadataFinding::KeyWithdrawn { key } => write!(f, "trusted and not published any more: {key}"),
            MetadataFinding::NoUsableKey { reason } => {
                write!(f, "no key of the connection can be used, and every response is refused: {reason}")
            }
            MetadataFinding::NoUsableKeyPublished { reason } => {
                write!(f, "no key that is published can be used: {reason}")
            }
            MetadataFinding::KeyUnusable { key } => write!(f, "a key that cannot be used: {key}"),
            MetadataFinding::SignOnElsewhere { address } => {
                write!(f, "sign-in requests are sent to {address:?}, which is not published")
            }
            MetadataFinding::NoSignOn { binding } => write!(f, "there is no address for sign-in requests by {binding}"),
            MetadataFinding::InsecureSignOn { address } => write!(
                f,
                "nobody is sent to {address:?} to sign in, because it is neither https nor a loopback host"
            ),
            MetadataFinding::CannotStart { reason, .. } => write!(f, "no sign-in can be started: {reason}"),
            MetadataFinding::LogoutElsewhere { address } => {
                write!(f, "logout messages are sent to {address:?}, which is not published")
            }
            MetadataFinding::NoKeyToSignWith => {
                f.write_str("the identity provider refuses requests that are not signed, and there is no key to sign with")
            }
            MetadataFinding::NoAlgorithmInCommon => {
                f.write_str("the identity provider verifies none of the algorithms by which our key can sign")
            }
        }
    }
}

impl ServiceProvider {
    /// Compares a connection with the metadata that its identity provider publishes now. The findings tell what would
    /// fail at the next sign-in, what will fail after a change of keys, and what is out of date. There are none if
    /// both agree.
    ///
    /// Whether a sign-in can be started is decided by the rules of [`start_login`](Self::start_login), for the
    /// connection's own metadata and for what is published.
    ///
    /// ```
    /// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
    /// use vouchsafe::{Connection, ConnectionId, EntityId, IdentityProvider, ServiceProvider};
    ///
    /// let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
    ///     .assertion_consumer("https://app.example.com/saml/acs")?
    ///     .build()?;
    /// let okta = Connection::new(ConnectionId::new("acme")?, IdentityProvider::from_metadata(metadata.as_bytes())?);
    /// let live = IdentityProvider::from_metadata(metadata.as_bytes())?;
    /// assert!(saml.check_metadata(&okta, &live, "2026-11-24T00:00:00Z".parse()?).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn check_metadata(
        &self,
        connection: &Connection,
        live: &IdentityProvider,
        now: DateTime<Utc>,
    ) -> Vec<MetadataFinding> {
        let ours = connection.identity_provider();
        if ours.entity_id() != live.entity_id() {
            let [expected, actual] = [ours, live].map(|one| one.entity_id().to_string());
            return vec![MetadataFinding::OtherEntity { expected, actual }];
        }
        let mut findings = Vec::new();
        let mut obstacles = self.obstacles(connection, ours);
        obstacles.extend(self.obstacles(connection, live));
        if let Some(valid_until) = live.valid_until().filter(|valid_until| *valid_until <= now) {
            findings.push(MetadataFinding::Expired { valid_until });
        }
        if let Some(valid_until) = ours.valid_until().filter(|valid_until| *valid_until <= now) {
            findings.push(MetadataFinding::KnownExpired { valid_until });
        }
        let known = connection.trust(self);
        // The entity is the same.
        let published = connection.clone().with_identity_provider(live.clone()).map(|one| one.trust(self));
        let published = published.ok();
        let has_common_key = match (&known, &published) {
            (Ok(known), Some(Ok(published))) => have_common_key(known, published),
            // No key of one of them can be used, which is a finding of its own.
            _ => live.signing_keys().iter().any(|key| is_in(key, ours.signing_keys())),
        };
        if !has_common_key {
            findings.push(MetadataFinding::NoKeyInCommon);
        }
        changed_keys(ours, live, &mut findings);
        if let Err(reason) = &known {
            findings.push(MetadataFinding::NoUsableKey { reason: reason.to_string() });
        }
        if let Some(Err(reason)) = &published {
            findings.push(MetadataFinding::NoUsableKeyPublished { reason: reason.to_string() });
        }
        let trusts = [(ours, known.ok()), (live, published.and_then(Result::ok))];
        let usable = trusts.iter().filter_map(|(document, trust)| Some((*document, trust.as_deref()?)));
        unusable_keys(usable, &mut findings);
        addresses(ours, live, &mut findings);
        for finding in obstacles.into_iter().map(MetadataFinding::of_obstacle) {
            // Both documents may have the same fault.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        self.algorithms(connection, live, &mut findings);
        findings
    }

    fn algorithms(
        &self,
        connection: &Connection,
        live: &IdentityProvider,
        findings: &mut Vec<MetadataFinding>,
    ) {
        let Some(credential) = &self.config.signing else { return };
        let when = connection.settings().sign_requests.unwrap_or(self.config.sign_requests);
        let is_signed = live.wants_authn_requests_signed() || when == SignRequests::Always;
        if is_signed || self.single_logout_for(connection).is_some() {
            let methods = live.algorithm_support().signing_methods();
            let can = |method: &SigningMethod| can_be_verified(method, &credential.key, self.provider());
            if !methods.is_empty() && !methods.iter().any(can) {
                findings.push(MetadataFinding::NoAlgorithmInCommon);
            }
        }
    }
}

fn is_in(key: &EntityKey, keys: &[EntityKey]) -> bool {
    keys.iter().any(|other| other.spki_der() == key.spki_der())
}

/// Whether a key with which the identity provider may sign is trusted. Keys that cannot be used are in neither trust.
fn have_common_key(known: &Trust, published: &Trust) -> bool {
    let is_known = |spki: &[u8]| known.keys().iter().any(|key| key.public_key().spki_der() == spki);
    published.keys().iter().any(|key| is_known(key.public_key().spki_der()))
}

fn changed_keys(ours: &IdentityProvider, live: &IdentityProvider, findings: &mut Vec<MetadataFinding>) {
    let unknown = live.signing_keys().iter().filter(|key| !is_in(key, ours.signing_keys()));
    findings.extend(unknown.map(|key| MetadataFinding::KeyNotTrusted { key: key.to_string() }));
    let withdrawn = ours.signing_keys().iter().filter(|key| !is_in(key, live.signing_keys()));
    findings.extend(withdrawn.map(|key| MetadataFinding::KeyWithdrawn { key: key.to_string() }));
}

/// Finds the keys that cannot be used, by the rules of the sign-in.
fn unusable_keys<'d>(
    documents: impl Iterator<Item = (&'d IdentityProvider, &'d Trust)>,
    findings: &mut Vec<MetadataFinding>,
) {
    for (document, trust) in documents {
        for key in document.signing_keys() {
            let Err(reason) = key.trusted("", trust.provider()) else { continue };
            let finding = MetadataFinding::KeyUnusable { key: format!("{key}: {reason}") };
            // Both documents may have it.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
}

/// Compares the addresses of the bindings that we use.
fn addresses(ours: &IdentityProvider, live: &IdentityProvider, findings: &mut Vec<MetadataFinding>) {
    let by_browser = [Binding::HttpRedirect, Binding::HttpPost, Binding::HttpPostSimpleSign];
    let sign_on = |provider: &IdentityProvider, binding: &Binding| {
        provider.single_sign_on_at(binding).map(|address| address.as_str().to_owned())
    };
    for binding in &by_browser {
        let published = live.single_sign_on().iter().filter(|endpoint| endpoint.binding() == binding);
        let known: Vec<&str> = published.map(|endpoint| endpoint.location()).collect();
        if let Some(address) = sign_on(ours, binding).filter(|address| !known.contains(&address.as_str())) {
            findings.push(MetadataFinding::SignOnElsewhere { address });
        }
        let logout = ours.single_logout_at(binding).map(|endpoint| endpoint.location());
        let known = live.single_logout().iter().filter(|endpoint| endpoint.binding() == binding);
        if let Some(address) =
            logout.filter(|address| !known.clone().any(|endpoint| endpoint.location() == *address))
        {
            findings.push(MetadataFinding::LogoutElsewhere { address: address.to_owned() });
        }
    }
}
