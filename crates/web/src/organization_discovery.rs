//! Which connection a person means, by the organizations of a directory.

use std::sync::Arc;

use vouchsafe::provisioning::EmailAddress;
use vouchsafe::{Connection, ConnectionId};
use vouchsafe_store::{Answer, Directory};

use crate::connection_source::{ConnectionSource, Discovery};

/// Finds the connection of an organization by its slug or by a verified domain; the connection has the name of the organization's id.
/// Connections of other names are listed in [`Organization::connections`](vouchsafe::provisioning::Organization::connections): over no others
/// anybody signs in to it.
///
/// By an address it is the organization that has verified its domain, whoever has accounts there or elsewhere: so no customer can attract
/// or block the people of another, and the answer is the same whether the person has an account or not.
#[derive(Clone, Debug)]
pub struct OrganizationDiscovery {
    directory: Arc<dyn Directory>,
    connections: Arc<dyn ConnectionSource>,
}

impl OrganizationDiscovery {
    /// Over this directory and these connections.
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
                Err(_) => self.directory.organization_by_slug(&asked.to_ascii_lowercase()).await?,
            };
            let id = found.and_then(|organization| ConnectionId::new(organization.value.id.as_str()).ok());
            match id {
                Some(id) => self.connections.find(&id).await,
                None => Ok(None),
            }
        })
    }
}
