//! What applies over one connection: the connection's own setting, or the service's.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_assertion::{Carriage, MessageKind};
use vouchsafe_crypto::Certificate;
use vouchsafe_metadata::EntityId;

use crate::connection::Connection;
use crate::connection_settings::ConnectionSettings;
use crate::service_provider::ServiceProvider;

impl ServiceProvider {
    /// Our entity ID over this connection.
    pub fn entity_id_for<'a>(&'a self, connection: &'a Connection) -> &'a EntityId {
        connection.settings().entity_id.as_ref().unwrap_or(&self.config.entity_id)
    }

    /// The address to which responses over this connection are posted.
    pub fn assertion_consumer_for<'a>(&'a self, connection: &'a Connection) -> &'a str {
        connection.settings().assertion_consumer.as_deref().unwrap_or(&self.config.assertion_consumer)
    }

    /// The address for logout messages by browser over this connection, if it accepts them: its own address, or the
    /// service's. A connection with an assertion consumer of its own has a logout address of its own or none, so that
    /// both identify the connection in the same way.
    #[must_use]
    pub fn single_logout_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.single_logout, settings, &self.config.single_logout)
    }

    /// The address for logout requests by SOAP over this connection, if it accepts them, chosen like
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn single_logout_soap_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.single_logout_soap, settings, &self.config.single_logout_soap)
    }

    /// The address for messages about names by browser over this connection, if it accepts them, chosen like
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn name_id_management_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.name_id_management, settings, &self.config.name_id_management)
    }

    /// The address for requests about names by SOAP over this connection, if it accepts them, chosen like
    /// [`single_logout_for`](Self::single_logout_for).
    #[must_use]
    pub fn name_id_management_soap_for<'a>(&'a self, connection: &'a Connection) -> Option<&'a str> {
        let settings = connection.settings();
        own_or(&settings.name_id_management_soap, settings, &self.config.name_id_management_soap)
    }

    /// Returns the address of this service that receives messages of this kind by this binding: the connection's, or
    /// without a connection the service's own.
    #[must_use]
    pub fn message_address<'a>(
        &'a self,
        connection: Option<&'a Connection>,
        kind: MessageKind,
        carriage: Carriage,
    ) -> Option<&'a str> {
        let is_about_names =
            matches!(kind, MessageKind::ManageNameIdRequest | MessageKind::ManageNameIdResponse);
        match (connection, is_about_names, carriage) {
            (None, true, Carriage::Soap) => self.name_id_management_soap(),
            (None, true, _) => self.name_id_management(),
            (None, false, Carriage::Soap) => self.single_logout_soap(),
            (None, false, _) => self.single_logout(),
            (Some(connection), true, Carriage::Soap) => self.name_id_management_soap_for(connection),
            (Some(connection), true, _) => self.name_id_management_for(connection),
            (Some(connection), false, Carriage::Soap) => self.single_logout_soap_for(connection),
            (Some(connection), false, _) => self.single_logout_for(connection),
        }
    }

    /// The certificates in the metadata for a connection's identity provider: those of the connection's own decryption
    /// keys, or, if it has none, ours.
    #[must_use]
    pub fn encryption_certificates_for<'a>(&'a self, connection: &'a Connection) -> &'a [Certificate] {
        match connection.encryption_certificates() {
            [] => self.encryption_certificates(),
            own => own,
        }
    }

    /// The allowed difference of the clocks over this connection.
    pub(crate) fn clock_skew_for(&self, connection: &Connection) -> Duration {
        connection.settings().clock_skew_seconds.map(Duration::from_secs).unwrap_or(self.config.clock_skew)
    }

    /// The maximum age of a message, if one is configured: the smaller of the service's and the connection's.
    pub(crate) fn maximum_message_age_for(&self, connection: &Connection) -> Option<Duration> {
        let own = connection.settings().maximum_message_age_seconds.map(Duration::from_secs);
        [own, self.config.maximum_message_age].into_iter().flatten().min()
    }
}

/// Returns the address that a connection has of its own, or else the service's. A connection with an assertion consumer of
/// its own does not have the service's.
pub(crate) fn own_or<'a>(
    own: &'a Option<String>,
    settings: &ConnectionSettings,
    service: &'a Option<Arc<str>>,
) -> Option<&'a str> {
    let shared = service.as_deref().filter(|_| settings.assertion_consumer.is_none());
    own.as_deref().or(shared)
}
