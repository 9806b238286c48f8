//! The transmitters whose signals are accepted for connections.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use vouchsafe::{ConnectionId, ConnectionState, provisioning::OrganizationId};
use vouchsafe_store::{Answer, ConnectionStore, StoredTransmitter};

/// The transmitter whose signals are accepted for one connection.
///
/// ```
/// use vouchsafe::ConnectionId;
/// use vouchsafe_signals::Transmitter;
///
/// let okta = Transmitter::new(
///     "acme".into(),
///     ConnectionId::new("acme-okta")?,
///     "https://acme.okta.com",
///     "https://acme.okta.com/oauth2/v1/keys",
/// )
/// .for_audience("https://app.example.com/signals/acme-okta/global-token-revocation");
/// # let _ = okta;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transmitter {
    /// The organization of the connection.
    pub organization: OrganizationId,
    /// The connection whose people the signals may be about.
    pub connection: ConnectionId,
    /// The issuer of its tokens, compared byte by byte.
    pub issuer: String,
    /// The address of its JWKS.
    pub keys_url: String,
    /// The audiences of its tokens: a token must have one of them. Empty: no token is accepted.
    pub audiences: Vec<String>,
}

impl Transmitter {
    /// A transmitter without audiences.
    pub fn new(
        organization: OrganizationId,
        connection: ConnectionId,
        issuer: impl Into<String>,
        keys_url: impl Into<String>,
    ) -> Transmitter {
        let (issuer, keys_url) = (issuer.into(), keys_url.into());
        Transmitter { organization, connection, issuer, keys_url, audiences: Vec::new() }
    }

    /// The same transmitter with one more audience.
    #[must_use]
    pub fn for_audience(mut self, audience: impl Into<String>) -> Transmitter {
        self.audiences.push(audience.into());
        self
    }
}

/// The configuration of transmitters.
pub trait Transmitters: Send + Sync + fmt::Debug {
    /// The transmitter of a connection. It is asked for each token that has the form of one, whoever sent it.
    fn transmitter<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Option<Transmitter>>;
}

/// Transmitters in the settings of stored connections
/// ([`StoredSettings::transmitter`](vouchsafe_store::StoredSettings::transmitter)). Each signal is verified against the
/// present settings, and changes of them are audited like those of other settings.
///
/// ```
/// use std::sync::Arc;
/// use vouchsafe_signals::{FetchKeys, SignalService, StoredTransmitters};
/// use vouchsafe_store::Store;
///
/// fn service(store: Arc<Store>, fetch: Arc<dyn FetchKeys>, provider: vouchsafe::Provider) -> SignalService {
///     let transmitters = StoredTransmitters::new(store.clone());
///     SignalService::new(store, Arc::new(transmitters), fetch, provider)
/// }
/// # let _ = service;
/// ```
#[derive(Clone, Debug)]
pub struct StoredTransmitters(Arc<dyn ConnectionStore>);

impl StoredTransmitters {
    /// The transmitters of the connections in this store.
    pub fn new<S: ConnectionStore + 'static>(store: Arc<S>) -> StoredTransmitters {
        StoredTransmitters(store)
    }
}

impl Transmitters for StoredTransmitters {
    fn transmitter<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Option<Transmitter>> {
        Box::pin(async move {
            let stored = self.0.connection_outline(connection).await?;
            let Some(stored) = stored.filter(|stored| stored.state != ConnectionState::Retired) else {
                return Ok(None);
            };
            let Some(StoredTransmitter { issuer, keys_url, audiences, .. }) = stored.settings.transmitter
            else {
                return Ok(None);
            };
            let transmitter = Transmitter::new(stored.organization, stored.id, issuer, keys_url);
            Ok(Some(audiences.into_iter().fold(transmitter, Transmitter::for_audience)))
        })
    }
}

/// Transmitters in memory, by connection.
impl Transmitters for BTreeMap<ConnectionId, Transmitter> {
    fn transmitter<'a>(&'a self, connection: &'a ConnectionId) -> Answer<'a, Option<Transmitter>> {
        let found = self.get(connection).cloned();
        Box::pin(async move { Ok(found) })
    }
}
