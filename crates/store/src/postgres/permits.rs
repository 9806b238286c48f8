//! Limits how many transactions of one organization hold a connection of the pool at a time.
//!
//! Transactions of one organization wait for each other. Without a limit, those that wait would hold every connection, and
//! keep all other organizations waiting. Logouts have permits of their own, so that other work of their organization does
//! not use them up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;
use vouchsafe::{ConnectionId, RecentlyUsed, provisioning::OrganizationId};

use crate::StoreError;
use crate::sql::Permit;

/// The work that needs a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Work {
    /// Everything but logouts.
    Decision,
    /// Remembers the logout of a person, or ends their sessions.
    Logout,
}

/// The permits of all organizations.
#[derive(Debug)]
pub(super) struct Permits {
    each: usize,
    patience: Duration,
    organizations: Mutex<HashMap<(OrganizationId, Work), Arc<Semaphore>>>,
    /// The organization of each connection, which never changes.
    of_connections: Mutex<RecentlyUsed<ConnectionId, OrganizationId>>,
}

#[derive(Debug, thiserror::Error)]
#[error("its organization has too many transactions at a time")]
struct TooMany;

/// Beyond this number, what nobody uses is forgotten.
const MANY: usize = 10_000;

/// One logout at a time for so many decisions.
const DECISIONS_FOR_A_LOGOUT: usize = 4;

impl Permits {
    /// At most this number for one organization and 1 at least, and beside them a quarter as many for logouts. Who waits
    /// longer is told that the store is busy: it is there, and the others end sooner or later.
    pub(super) fn new(each: usize, patience: Duration) -> Permits {
        Permits {
            each: each.max(1),
            patience,
            organizations: Mutex::default(),
            of_connections: Mutex::new(RecentlyUsed::at_least(MANY)),
        }
    }

    /// Waits for a permit.
    pub(super) async fn of(&self, organization: &OrganizationId, work: Work) -> Result<Permit, StoreError> {
        let semaphore = self.semaphore(organization, work);
        match timeout(self.patience, semaphore.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(StoreError::busy(TooMany)),
        }
    }

    fn semaphore(&self, organization: &OrganizationId, work: Work) -> Arc<Semaphore> {
        let number = match work {
            Work::Decision => self.each,
            Work::Logout => self.each.div_ceil(DECISIONS_FOR_A_LOGOUT),
        };
        let mut organizations = locked(&self.organizations);
        if organizations.len() >= MANY {
            organizations.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
        }
        let known = organizations.entry((organization.clone(), work));
        Arc::clone(known.or_insert_with(|| Arc::new(Semaphore::new(number))))
    }

    /// The organization of a connection, if it was [remembered](Self::remember).
    pub(super) fn organization_of(&self, connection: &ConnectionId) -> Option<OrganizationId> {
        locked(&self.of_connections).get(connection).cloned()
    }

    /// Remembers the organization of a stored connection.
    pub(super) fn remember(&self, connection: &ConnectionId, organization: &OrganizationId) {
        locked(&self.of_connections).insert(connection.clone(), organization.clone());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_of_one_organization_and_others_beside_them() {
        let permits = Permits::new(2, Duration::from_millis(50));
        let [acme, globex] = ["acme", "globex"].map(OrganizationId::new);
        let of = async |organization| permits.of(organization, Work::Decision).await;
        let (first, _second) = (of(&acme).await.unwrap(), of(&acme).await.unwrap());
        let refused = of(&acme).await.unwrap_err();
        assert_eq!(refused.code(), "store.busy");
        assert!(of(&globex).await.is_ok());
        let _logout = permits.of(&acme, Work::Logout).await.unwrap();
        assert_eq!(permits.of(&acme, Work::Logout).await.unwrap_err().code(), "store.busy");
        drop(first);
        assert!(of(&acme).await.is_ok());
    }

    #[tokio::test]
    async fn what_nobody_uses_is_forgotten() {
        let permits = Permits::new(1, Duration::from_secs(10));
        let held = permits.of(&OrganizationId::new("held"), Work::Logout).await.unwrap();
        for number in 0..2 * MANY {
            drop(permits.of(&OrganizationId::new(format!("o{number}")), Work::Decision).await.unwrap());
            permits.remember(&ConnectionId::new(format!("c{number}")).unwrap(), &OrganizationId::new("acme"));
        }
        assert!(
            locked(&permits.organizations).len() <= MANY && locked(&permits.of_connections).len() <= 2 * MANY
        );
        assert!(locked(&permits.organizations).contains_key(&(OrganizationId::new("held"), Work::Logout)));
        drop(held);
    }
}
