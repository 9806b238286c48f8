//! The service provider that receives, as a service would set it up.

use std::path::Path;

use chrono::{DateTime, Utc};
use vouchsafe::crypto::{Certificate, PrivateKey};
use vouchsafe::signature::TrustedKey;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, Expect, IdentityProvider, Limits,
    Login, PostedResponse, Provider, ServiceProvider, Unsolicited,
};
use vouchsafe_testkit::{ASSERTION_CONSUMER, SERVICE_PROVIDER, keys};

use crate::{Failure, Message};

/// Both backends.
#[must_use]
pub fn providers() -> [Provider; 2] {
    [Provider::rustcrypto(), vouchsafe_crypto_aws_lc::provider()]
}

/// A service provider that trusts the kit's Okta, and holds the key that the kit encrypts to.
#[derive(Debug)]
pub struct Receiver {
    service_provider: ServiceProvider,
    connections: Connections,
    decryption_key: PrivateKey,
    trusted_keys: Vec<TrustedKey>,
}

impl Receiver {
    /// Sets it up with a backend and the default limits.
    ///
    /// # Errors
    /// When a key cannot be used.
    pub fn new(provider: &Provider) -> Result<Receiver, Failure> {
        Receiver::with_limits(provider, Limits::default())
    }

    /// Sets it up with limits of one's own.
    ///
    /// # Errors
    /// When a key cannot be used.
    pub fn with_limits(provider: &Provider, limits: Limits) -> Result<Receiver, Failure> {
        let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
        Receiver::trusting(metadata.as_bytes(), keys::identity_provider().certificate(), provider, limits)
    }

    /// Sets it up for a message that was [handed over](crate::Peers::hand_over).
    ///
    /// # Errors
    /// When the files are not there, or a key cannot be used.
    pub fn of_folder(folder: &Path, provider: &Provider) -> Result<Receiver, Failure> {
        let metadata = std::fs::read(folder.join("metadata.xml"))?;
        let certificate = Certificate::from_pem(&std::fs::read_to_string(folder.join("certificate.pem"))?)?;
        Receiver::trusting(&metadata, &certificate, provider, Limits::default())
    }

    fn trusting(
        metadata: &[u8],
        certificate: &Certificate,
        provider: &Provider,
        limits: Limits,
    ) -> Result<Receiver, Failure> {
        let pair = keys::service_provider();
        let decryption_key = provider.private_key(pair.private_key().to_pkcs8_pem().as_str())?;
        let signer = certificate.public_key(provider)?;
        let service_provider = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER)?)
            .assertion_consumer(ASSERTION_CONSUMER)?
            .provider(provider.clone())
            .limits(limits)
            .decryption_key(decryption_key.clone(), pair.certificate().clone())
            .build()?;
        let okta = Connection::new(ConnectionId::new("okta")?, IdentityProvider::from_metadata(metadata)?)
            .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))?;
        let connections = [okta].into_iter().collect();
        let trusted_keys = vec![TrustedKey::new(signer, "the kit's Okta")];
        Ok(Receiver { service_provider, connections, decryption_key, trusted_keys })
    }

    /// The whole path: base64, both parses, signatures, decryption, every rule, and the confirmation with a store that has not seen it.
    ///
    /// # Errors
    /// When the response is refused.
    pub fn receive(&self, base64: &str, now: DateTime<Utc>) -> Result<Login, Failure> {
        let posted = PostedResponse::from_base64(base64, self.limits())?;
        let claimed = self.service_provider.open(posted)?;
        let candidates = self.connections.candidates(&claimed, None);
        let valid = self.service_provider.receive(claimed, &candidates, Expect::Unsolicited, now)?;
        let recorded = valid.replay_key().recorded(true);
        Ok(valid.confirm(recorded)?)
    }

    /// [`receive`](Self::receive) at the time when the message was issued.
    ///
    /// # Errors
    /// When the response is refused.
    pub fn receive_message(&self, message: &Message) -> Result<Login, Failure> {
        self.receive(message.base64(), message.issued_at())
    }

    /// `accepted`, or the stable code of the refusal.
    #[must_use]
    pub fn answer(&self, message: &Message) -> String {
        let Err(refusal) = self.receive_message(message) else { return "accepted".to_owned() };
        if let Some(refusal) = refusal.downcast_ref::<vouchsafe::Refusal>() {
            return refusal.code().to_owned();
        }
        refusal
            .downcast_ref::<vouchsafe::BindingError>()
            .map_or_else(|| refusal.to_string(), |error| error.code().to_owned())
    }

    /// The connections, of which the kit's Okta is one.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The cryptography.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        self.service_provider.provider()
    }

    /// The ceilings.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.service_provider.limits()
    }

    /// The key to decrypt with, parsed by this backend.
    #[must_use]
    pub fn decryption_key(&self) -> &PrivateKey {
        &self.decryption_key
    }

    /// The identity provider's keys, parsed by this backend.
    #[must_use]
    pub fn trusted_keys(&self) -> &[TrustedKey] {
        &self.trusted_keys
    }
}
