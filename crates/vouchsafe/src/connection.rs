//! A connection: one customer's tie to one application at one identity provider.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe_assertion::{AssertionError, ConnectionId, Refusal, Trust};
use vouchsafe_crypto::{Certificate, PrivateKey};
use vouchsafe_metadata::IdentityProvider;

use crate::builder::require_pair;
use crate::connection_settings::ConnectionSettings;
use crate::error::BindingError;
use crate::service_provider::{Config, ServiceProvider};

/// One customer's tie to one application at one identity provider: a name, the identity provider with its keys and endpoints, settings,
/// and a state.
///
/// Two connections may have the same identity provider, and even the same key: two applications of one Entra ID tenant, two organizations
/// in one Keycloak realm. Nothing that one customer configures reaches another.
///
/// Cloning is cheap. The keys are parsed at the first use; a connection whose keys cannot be used refuses its own responses and stops
/// nothing else.
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
    settings: ConnectionSettings,
    decryption_keys: Arc<[PrivateKey]>,
    encryption_certificates: Vec<Certificate>,
    /// The keys as the first service provider that asked wants them.
    trust: OnceLock<Parsed>,
}

#[derive(Clone)]
struct Parsed {
    config: Arc<Config>,
    trust: Arc<Trust>,
}

/// What a connection is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// It is being set up: a sign-in over it can be tried out, and signs nobody in.
    Draft,
    /// A sign-in was tried out and went through. It still signs nobody in.
    Tested,
    /// It signs people in.
    #[default]
    Active,
    /// It is over: nobody signs in over it, and nothing can be tried out.
    Retired,
}

impl ConnectionState {
    /// The state in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ConnectionState::Draft => "draft",
            ConnectionState::Tested => "tested",
            ConnectionState::Active => "active",
            ConnectionState::Retired => "retired",
        }
    }

    /// The state of this [`name`](Self::name).
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
    /// An active connection to this identity provider, with the service's settings.
    #[must_use]
    pub fn new(id: ConnectionId, identity_provider: IdentityProvider) -> Connection {
        Connection {
            inner: Arc::new(Inner {
                id,
                identity_provider,
                state: ConnectionState::Active,
                settings: ConnectionSettings::default(),
                decryption_keys: Arc::new([]),
                encryption_certificates: Vec::new(),
                trust: OnceLock::new(),
            }),
        }
    }

    /// The same connection in this state.
    #[must_use]
    pub fn with_state(self, state: ConnectionState) -> Connection {
        self.changed(|inner| inner.state = state)
    }

    /// The same connection with these settings.
    ///
    /// # Errors
    /// [`BindingError::Url`] and [`BindingError::ClockSkew`] if the settings were stored and are not valid.
    pub fn with_settings(self, settings: ConnectionSettings) -> Result<Connection, BindingError> {
        settings.check()?;
        Ok(self.changed(|inner| inner.settings = settings))
    }

    /// The same connection with newer metadata.
    ///
    /// # Errors
    /// [`BindingError::Metadata`] with `metadata.other_entity` if the entity ID is another one: to replace an identity provider, make
    /// another connection.
    pub fn with_identity_provider(self, newer: IdentityProvider) -> Result<Connection, BindingError> {
        let newer = newer.expected_to_be(self.identity_provider().entity_id())?;
        Ok(self.changed(|inner| inner.identity_provider = newer))
    }

    /// The same connection with a decryption key of its own, and the certificate for the metadata that is given to its identity provider.
    /// Several may be given while one replaces the other. The service's keys then open nothing that comes over this connection.
    ///
    /// # Errors
    /// [`BindingError::CertificateMismatch`] if the certificate is another key's.
    pub fn with_decryption_key(
        self,
        key: PrivateKey,
        certificate: Certificate,
    ) -> Result<Connection, BindingError> {
        require_pair(&key, &certificate, "decryption")?;
        Ok(self.changed(|inner| {
            inner.decryption_keys = inner.decryption_keys.iter().cloned().chain([key]).collect();
            inner.encryption_certificates.push(certificate);
        }))
    }

    fn changed(self, change: impl FnOnce(&mut Inner)) -> Connection {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner);
        inner.trust = OnceLock::new();
        Connection { inner: Arc::new(inner) }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.inner.id
    }

    /// The identity provider.
    #[must_use]
    pub fn identity_provider(&self) -> &IdentityProvider {
        &self.inner.identity_provider
    }

    /// What it is good for.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.inner.state
    }

    /// What it does otherwise than the service.
    #[must_use]
    pub fn settings(&self) -> &ConnectionSettings {
        &self.inner.settings
    }

    pub(crate) fn encryption_certificates(&self) -> &[Certificate] {
        &self.inner.encryption_certificates
    }

    /// Whether the connection can be used now: its keys are strong enough and its metadata is still valid. For an administrator's page;
    /// a connection that fails this refuses its own responses and stops nothing else.
    ///
    /// # Errors
    /// A [`Refusal`] with `assertion.no_usable_key` or `metadata.expired`.
    pub fn check(&self, service_provider: &ServiceProvider, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.identity_provider().check_validity(now).map_err(Refusal::metadata)?;
        self.trust(service_provider)?;
        Ok(())
    }

    /// Its keys, parsed once for one service provider.
    pub(crate) fn trust(&self, service_provider: &ServiceProvider) -> Result<Arc<Trust>, AssertionError> {
        let config = &service_provider.config;
        if let Some(parsed) = self.inner.trust.get().filter(|parsed| Arc::ptr_eq(&parsed.config, config)) {
            return Ok(Arc::clone(&parsed.trust));
        }
        let trust = Arc::new(self.parse(service_provider)?);
        // Another thread may have been faster, or another service provider: then its result stays.
        let _ = self.inner.trust.set(Parsed { config: Arc::clone(config), trust: Arc::clone(&trust) });
        Ok(trust)
    }

    fn parse(&self, service_provider: &ServiceProvider) -> Result<Trust, AssertionError> {
        let Inner { id, identity_provider, settings, decryption_keys, .. } = &*self.inner;
        let mut provider = service_provider.provider().clone();
        for uri in &settings.danger_allow {
            provider = provider.danger_allow(uri)?;
        }
        let trust = Trust::new(id.clone(), identity_provider, &provider)?
            .with_signature_policy(settings.signature_policy(service_provider.config.signature_policy));
        let mut trust = match decryption_keys.is_empty() {
            true => trust.with_decryption_keys(Arc::clone(&service_provider.config.decryption_keys)),
            false => trust.with_own_decryption_keys(Arc::clone(decryption_keys)),
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
