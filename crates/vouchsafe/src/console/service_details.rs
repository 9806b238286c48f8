//! The data of a service that are entered into a console.

use vouchsafe_metadata::EntityId;

use crate::connection_settings::ConnectionSettings;
use crate::error::BindingError;
use crate::over_connection::own_or;
use crate::service_provider::ServiceProvider;
use crate::settings::own_address;

/// The data of a service that are entered into a console: its entity ID, its addresses, and whether it needs
/// encryption and a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDetails {
    entity_id: EntityId,
    assertion_consumer: String,
    single_logout: Option<String>,
    pub(super) is_encrypted: bool,
    pub(super) has_token: bool,
}

impl ServiceDetails {
    /// Makes the details of a service with this entity ID and this assertion consumer. It has no logout and no
    /// encryption, and its organizations have a token.
    ///
    /// # Errors
    /// [`BindingError::Url`] if the service itself would refuse the address.
    pub fn new(entity_id: EntityId, assertion_consumer: &str) -> Result<ServiceDetails, BindingError> {
        own_address(assertion_consumer)?;
        Ok(ServiceDetails {
            entity_id,
            assertion_consumer: assertion_consumer.to_owned(),
            single_logout: None,
            is_encrypted: false,
            has_token: true,
        })
    }

    /// Makes the details for a connection with these settings, which may not have its identity provider yet: its own
    /// entity ID and addresses, or the service's, and encryption if the service has a decryption key.
    ///
    /// ```
    /// use vouchsafe::console::ServiceDetails;
    /// use vouchsafe::{ConnectionSettings, EntityId, ServiceProvider};
    ///
    /// let saml = ServiceProvider::builder(EntityId::new("https://app.example.com/saml/metadata")?)
    ///     .assertion_consumer("https://app.example.com/saml/acs")?
    ///     .build()?;
    /// let own = ConnectionSettings::default().entity_id(EntityId::new("https://app.example.com/saml/acme")?);
    /// assert_eq!(ServiceDetails::of_connection(&saml, &own).entity_id(), "https://app.example.com/saml/acme");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of_connection(service: &ServiceProvider, settings: &ConnectionSettings) -> ServiceDetails {
        let config = &service.config;
        let assertion_consumer = settings.own_assertion_consumer().unwrap_or(&config.assertion_consumer);
        let single_logout = own_or(&settings.single_logout, settings, &config.single_logout);
        ServiceDetails {
            entity_id: settings.entity_id.clone().unwrap_or_else(|| config.entity_id.clone()),
            assertion_consumer: assertion_consumer.to_owned(),
            single_logout: single_logout.map(str::to_owned),
            is_encrypted: !config.encryption_certificates.is_empty(),
            has_token: true,
        }
    }

    /// Adds an address for logout messages.
    ///
    /// # Errors
    /// [`BindingError::Url`] if the service itself would refuse the address.
    pub fn with_single_logout(self, address: &str) -> Result<ServiceDetails, BindingError> {
        own_address(address)?;
        Ok(ServiceDetails { single_logout: Some(address.to_owned()), ..self })
    }

    /// States that the service has a key to decrypt assertions.
    #[must_use]
    pub fn encrypted(self) -> ServiceDetails {
        ServiceDetails { is_encrypted: true, ..self }
    }

    /// States that the service does not need the organization's token.
    #[must_use]
    pub fn without_token(self) -> ServiceDetails {
        ServiceDetails { has_token: false, ..self }
    }

    /// Our entity ID.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        self.entity_id.as_str()
    }

    /// The address to which responses are posted.
    #[must_use]
    pub fn assertion_consumer(&self) -> &str {
        &self.assertion_consumer
    }

    /// The address for logout messages, if there is one.
    #[must_use]
    pub fn single_logout(&self) -> Option<&str> {
        self.single_logout.as_deref()
    }
}
