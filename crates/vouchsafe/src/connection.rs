//! A connection: the configuration of one customer's identity provider for one application.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{AssertionError, ConnectionId, Refusal, Trust};
use vouchsafe_crypto::{Certificate, PrivateKey};
use vouchsafe_metadata::IdentityProvider;

use crate::connection_settings::ConnectionSettings;
use crate::error::BindingError;
use crate::service_provider::{Config, ServiceProvider};
use crate::settings::require_pair;

/// The configuration of one customer's identity provider for one application: a name, the identity provider with its
/// keys and endpoints, settings, and a state.
///
/// Two connections may have the same identity provider, and even the same key: two applications of one Entra ID
/// tenant, or two organizations in one Keycloak realm. The configuration of one customer does not affect another
/// customer.
///
/// Cloning is cheap. The keys are parsed at the first use; a connection whose keys cannot be used refuses its own
/// responses, and other connections are not affected.
///
/// ```
/// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe::{Connection, ConnectionId, ConnectionSettings, ConnectionState, IdentityProvider, Unsolicited};
///
/// let okta = IdentityProvider::from_metadata(metadata.as_bytes())?;
/// let acme = Connection::new(ConnectionId::new("acme")?, okta)
///     .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Restart))?;
/// assert_eq!(acme.state(), ConnectionState::Active);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    id: ConnectionId,
    identity_provider: IdentityProvider,
    state: ConnectionState,
    revision: Option<u64>,
    settings: ConnectionSettings,
    decryption_keys: Vec<PrivateKey>,
    encryption_certificates: Vec<Certificate>,
    unpublished_decryption_keys: Vec<PrivateKey>,
    /// The keys, parsed for the first service provider that used the connection.
    trust: OnceLock<Parsed>,
}

#[derive(Clone)]
struct Parsed {
    config: Arc<Config>,
    trust: Arc<Trust>,
}

/// States what a connection can be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// The connection is being set up. An administrator can try a sign-in, which signs nobody in.
    Draft,
    /// A trial sign-in succeeded. The connection still signs nobody in.
    Tested,
    /// The connection signs people in.
    #[default]
    Active,
    /// The connection is no longer used: it signs nobody in and cannot be tried.
    Retired,
}

impl ConnectionState {
    /// Returns the name of the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ConnectionState::Draft => "draft",
            ConnectionState::Tested => "tested",
            ConnectionState::Active => "active",
            ConnectionState::Retired => "retired",
        }
    }

    /// Returns the state with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<ConnectionState> {
        use ConnectionState::{Active, Draft, Retired, Tested};
        [Draft, Tested, Active, Retired].into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Connection {
    /// Makes an active connection to this identity provider, with the service's settings.
    #[must_use]
    pub fn new(id: ConnectionId, identity_provider: IdentityProvider) -> Connection {
        Connection {
            inner: Arc::new(Inner {
                id,
                identity_provider,
                state: ConnectionState::Active,
                revision: None,
                settings: ConnectionSettings::default(),
                decryption_keys: Vec::new(),
                encryption_certificates: Vec::new(),
                unpublished_decryption_keys: Vec::new(),
                trust: OnceLock::new(),
            }),
        }
    }

    /// Returns the same connection in this state.
    #[must_use]
    pub fn with_state(self, state: ConnectionState) -> Connection {
        self.changed(|inner| inner.state = state)
    }

    /// Returns the same connection with the revision of the record from which it was made. Stores set it, so that what was
    /// done with the connection can be compared with the record later.
    #[must_use]
    pub fn with_revision(self, revision: u64) -> Connection {
        self.changed(|inner| inner.revision = Some(revision))
    }

    /// Returns the same connection with these settings.
    ///
    /// # Errors
    /// [`BindingError::Url`] and [`BindingError::ClockSkew`] if the settings were stored and are not valid.
    pub fn with_settings(self, settings: ConnectionSettings) -> Result<Connection, BindingError> {
        settings.check()?;
        Ok(self.changed(|inner| inner.settings = settings))
    }

    /// Returns the same connection with newer metadata.
    ///
    /// # Errors
    /// [`BindingError::Metadata`] with `metadata.other_entity` if the entity ID differs. To replace an identity
    /// provider, make another connection.
    pub fn with_identity_provider(self, newer: IdentityProvider) -> Result<Connection, BindingError> {
        let newer = newer.expected_to_be(self.identity_provider().entity_id())?;
        Ok(self.changed(|inner| inner.identity_provider = newer))
    }

    /// Returns the same connection with a decryption key of its own, and the certificate for the metadata that its
    /// identity provider receives. The service's own keys then decrypt nothing that comes over this connection.
    ///
    /// The certificate is published at once, and an identity provider encrypts to any key that it finds. To replace
    /// the key, first give the next one to every process, [unpublished](Self::with_unpublished_decryption_key).
    ///
    /// # Errors
    /// [`BindingError::CertificateMismatch`] if the certificate does not match the key.
    pub fn with_decryption_key(
        self,
        key: PrivateKey,
        certificate: Certificate,
    ) -> Result<Connection, BindingError> {
        require_pair(&key, &certificate, "decryption")?;
        Ok(self.changed(|inner| {
            inner.decryption_keys.push(key);
            inner.encryption_certificates.push(certificate);
        }))
    }

    /// Returns the same connection with a decryption key of its own that is not in the metadata for its identity
    /// provider: the next key before it is published, or the old key while the identity provider may still encrypt to
    /// it. [`OwnRollover`](vouchsafe_metadata::OwnRollover) tells the order of the steps.
    ///
    /// As long as the connection has no [published key](Self::with_decryption_key) of its own, its metadata contains
    /// the service's certificates, and the service's keys decrypt as well. So a connection can get its first own key
    /// without an outage.
    #[must_use]
    pub fn with_unpublished_decryption_key(self, key: PrivateKey) -> Connection {
        self.changed(|inner| inner.unpublished_decryption_keys.push(key))
    }

    fn changed(self, change: impl FnOnce(&mut Inner)) -> Connection {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner);
        inner.trust = OnceLock::new();
        Connection { inner: Arc::new(inner) }
    }

    /// The name of the connection.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.inner.id
    }

    /// The identity provider.
    #[must_use]
    pub fn identity_provider(&self) -> &IdentityProvider {
        &self.inner.identity_provider
    }

    /// The state of the connection.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.inner.state
    }

    /// The revision of the record from which a store made it; `None` if it was made without a store.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        self.inner.revision
    }

    /// The settings in which the connection differs from the service.
    #[must_use]
    pub fn settings(&self) -> &ConnectionSettings {
        &self.inner.settings
    }

    /// The certificates of the connection's own published decryption keys. If it is empty, the identity provider
    /// encrypts to those of the [service](ServiceProvider::encryption_certificates_for).
    #[must_use]
    pub fn encryption_certificates(&self) -> &[Certificate] {
        &self.inner.encryption_certificates
    }

    /// Returns the keys that decrypt messages over the connection, the published ones first.
    fn all_decryption_keys(&self, service_provider: &ServiceProvider) -> Arc<[PrivateKey]> {
        let Inner { decryption_keys: own, unpublished_decryption_keys: unpublished, .. } = &*self.inner;
        let services = &service_provider.config.decryption_keys;
        match (own.is_empty(), unpublished.is_empty()) {
            (true, true) => Arc::clone(services),
            (true, false) => services.iter().chain(unpublished).cloned().collect(),
            (false, _) => own.iter().chain(unpublished).cloned().collect(),
        }
    }

    /// Checks whether the connection can be used now: its keys are strong enough and its metadata is still valid.
    /// This is for an administrator's page. A connection that fails this check refuses its own responses, and other
    /// connections are not affected.
    ///
    /// # Errors
    /// A [`Refusal`] with `assertion.no_usable_key` or `metadata.expired`.
    pub fn check(&self, service_provider: &ServiceProvider, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.identity_provider().check_validity(now).map_err(Refusal::metadata)?;
        self.trust(service_provider)?;
        Ok(())
    }

    /// Returns the keys of the connection, parsed once for one service provider.
    pub(crate) fn trust(&self, service_provider: &ServiceProvider) -> Result<Arc<Trust>, AssertionError> {
        let config = &service_provider.config;
        if let Some(parsed) = self.inner.trust.get().filter(|parsed| Arc::ptr_eq(&parsed.config, config)) {
            return Ok(Arc::clone(&parsed.trust));
        }
        let trust = Arc::new(self.parse(service_provider)?);
        // If another thread or another service provider set the value first, its result stays.
        let _ = self.inner.trust.set(Parsed { config: Arc::clone(config), trust: Arc::clone(&trust) });
        Ok(trust)
    }

    fn parse(&self, service_provider: &ServiceProvider) -> Result<Trust, AssertionError> {
        let Inner {
            id,
            identity_provider,
            settings,
            decryption_keys,
            unpublished_decryption_keys: unpublished,
            ..
        } = &*self.inner;
        let keys = self.all_decryption_keys(service_provider);
        let mut provider = service_provider.provider().clone();
        for uri in &settings.danger_allow {
            provider = provider.danger_allow(uri)?;
        }
        let trust = Trust::new(id.clone(), identity_provider, &provider)?
            .with_signature_policy(settings.signature_policy(service_provider.config.signature_policy));
        // To an unpublished key of the service, as while a first own key is introduced, others encrypt too.
        let services = &service_provider.config.decryption_keys;
        let is_of_service = |key: &PrivateKey| {
            services.iter().any(|one| one.public_key().spki_der() == key.public_key().spki_der())
        };
        let mut trust = match decryption_keys.is_empty() || unpublished.iter().any(is_of_service) {
            true => trust.with_decryption_keys(keys),
            false => trust.with_own_decryption_keys(keys),
        };
        if settings.danger_accept_unsigned_artifact_responses {
            trust = trust.danger_accept_unsigned_artifact_responses();
        }
        if settings.tolerate_confirmation_not_before {
            trust = trust.tolerate_confirmation_not_before();
        }
        Ok(if settings.danger_accept_unauthenticated_cbc {
            trust.danger_accept_unauthenticated_cbc()
        } else {
            trust
        })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", self.id())
            .field("state", &self.state())
            .field("identity_provider", self.identity_provider().entity_id())
            .field("settings", self.settings())
            .finish_non_exhaustive()
    }
}
