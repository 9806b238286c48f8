//! Many customers in one registry.

use vouchsafe::{Connection, ConnectionId, ConnectionSettings, EntityId, IdentityProvider, Unsolicited};
use vouchsafe_testkit::{OKTA_ENTITY_ID, keys};

use crate::Failure;

/// Makes customers whose metadata has Okta's shape, as a service reads it: a certificate, two endpoints for sign-in and one for logout,
/// the formats of NameIDs. Each has its own entity ID, its own entity ID and assertion consumer at the service, and its own copy of
/// everything that was read.
#[derive(Clone, Debug)]
pub struct Customers {
    metadata: String,
}

impl Customers {
    /// Prepares the metadata.
    ///
    /// # Errors
    /// When the kit cannot write it.
    pub fn new() -> Result<Customers, Failure> {
        let okta = vouchsafe_testkit::IdentityProvider::okta();
        let okta = okta.with_single_logout("https://example.okta.com/app/example_app_1/exk1/slo/saml");
        // A copy while the key is rolled over, which one customer in many has at any time; here each has it.
        let next = keys::attacker().certificate();
        Ok(Customers { metadata: okta.with_next_certificate(next).metadata()? })
    }

    /// The customer with this number, as [`IdentityProvider::from_metadata`] reads it.
    ///
    /// # Errors
    /// When the metadata cannot be read.
    pub fn connection(&self, number: usize) -> Result<Connection, Failure> {
        let metadata = self.metadata.replace(OKTA_ENTITY_ID, &format!("{OKTA_ENTITY_ID}-{number:06}"));
        let settings = ConnectionSettings::default()
            .unsolicited(Unsolicited::Restart)
            .entity_id(EntityId::new(format!("https://app.example.com/saml/customer-{number:06}"))?)
            .assertion_consumer(&format!("https://app.example.com/saml/customer-{number:06}/acs"))?;
        let id = ConnectionId::new(format!("customer-{number:06}"))?;
        let identity_provider = IdentityProvider::from_metadata(metadata.as_bytes())?;
        Ok(Connection::new(id, identity_provider).with_settings(settings)?)
    }
}
