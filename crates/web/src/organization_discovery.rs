//! Finds a person's connection by the organizations of a directory.

use std::sync::Arc;

use vouchsafe::provisioning::{EmailAddress, Organization};
use vouchsafe::{Connection, ConnectionId, ConnectionState};
use vouchsafe_store::{Answer, Directory, StoreError};

use crate::connection_source::{ConnectionSource, Discovery};

/// Finds the connection of an organization by its slug, without regard to case, or by a verified domain. It is the oldest
/// of the organization's [own connections](vouchsafe::provisioning::Organization::own_connections) that is active and can
/// be used. A connection that [replaces](vouchsafe_store::OrganizationConnections::replace) another one has its place.
///
/// A text that is no slug may be the name of one active connection, for links to each of several connections. A slug goes
/// before such a name. So where customers choose their slugs, refuse one that is the name of another customer's connection
/// ([`ConnectionStore::connection`](vouchsafe_store::ConnectionStore::connection) finds it): its owner would get the people
/// who follow the link. And give no connection the name of another organization's slug.
///
/// An e-mail address belongs to the organization that has verified its domain, wherever accounts exist. So no
/// customer can attract or block the people of another, and the answer is the same whether the person has an account
/// or not.
#[derive(Clone, Debug)]
pub struct OrganizationDiscovery {
    directory: Arc<dyn Directory>,
    connections: Arc<dyn ConnectionSource>,
}

impl OrganizationDiscovery {
    /// Makes a discovery over this directory and these connections.
    pub fn new<D: Directory + 'static, C: ConnectionSource + 'static>(
        directory: Arc<D>,
        connections: Arc<C>,
    ) -> OrganizationDiscovery {
        OrganizationDiscovery { directory, connections }
    }
}

impl Discovery for OrganizationDiscovery {
    fn discover<'a>(&'a self, asked: &'a str) -> Answer<'a, Option<Connection>> {
        Box::pin(async move {
            let found = match EmailAddress::parse(asked) {
                Ok(address) => self.directory.organization_by_domain(address.domain()).await?,
                Err(_) if asked.contains('@') => None,
                Err(_) => self.directory.organization_by_slug(asked).await?,
            };
            match found {
                Some(organization) => self.oldest_active(&organization.value).await,
                None => self.named(asked).await,
            }
        })
    }
}

impl OrganizationDiscovery {
    /// Returns the active connection with this name.
    async fn named(&self, asked: &str) -> Result<Option<Connection>, StoreError> {
        let Ok(id) = ConnectionId::new(asked) else { return Ok(None) };
        let found = self.connections.find(&id).await?;
        Ok(found.filter(|connection| connection.state() == ConnectionState::Active))
    }

    /// Returns the oldest active connection. An unusable one is an error only if there is no other.
    async fn oldest_active(&self, organization: &Organization) -> Result<Option<Connection>, StoreError> {
        let mut unusable = None;
        for id in organization.own_connections() {
            match self.connections.find(&id).await {
                Ok(Some(connection)) if connection.state() == ConnectionState::Active => {
                    return Ok(Some(connection));
                }
                Ok(_) => {}
                Err(failure @ StoreError::ConnectionUnusable { .. }) => unusable = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        unusable.map_or(Ok(None), Err)
    }
}
