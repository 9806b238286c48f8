//! The example at a loopback address, over a database in memory.

use std::sync::Arc;

use chrono::Utc;
use many_customers::{add_customer, router};
use vouchsafe::provisioning::Actor;
use vouchsafe::{Connection, ConnectionId, ConnectionState};
use vouchsafe_store::{Author, ConnectionMetadata, ConnectionStore, MetadataSource, Sqlite};
use vouchsafe_testkit::IdentityProvider;
use vouchsafe_testkit::attacks::Customer;

use crate::reached::name;

/// The running example, and where its places are.
pub(crate) struct Served {
    pub(crate) address: String,
    store: Arc<Sqlite>,
}

impl Served {
    pub(crate) async fn start(_: [Connection; 2]) -> Served {
        Served::with([IdentityProvider::okta(), IdentityProvider::other()]).await
    }

    /// With these identity providers of the two customers.
    pub(crate) async fn with(customers: [IdentityProvider; 2]) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let store = Arc::new(Sqlite::in_memory().await.unwrap());
        let (router, _) = router(&address, Arc::clone(&store)).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        // The service runs already: customers come as they come.
        for (customer, identity_provider) in [Customer::First, Customer::Other].into_iter().zip(customers) {
            let document = identity_provider.metadata().unwrap();
            let metadata = ConnectionMetadata::new(document, MetadataSource::Uploaded, Utc::now());
            add_customer(&address, store.as_ref(), name(customer), metadata).await.unwrap();
        }
        Served { address, store }
    }

    /// Below which path the metadata and the assertion consumer for a customer are.
    pub(crate) fn saml(&self, customer: Customer) -> String {
        format!("{}/saml/{}", self.address, name(customer))
    }

    pub(crate) fn login(&self) -> String {
        format!("{}/saml/login", self.address)
    }

    /// Writes the row: nobody signs in over a draft.
    pub(crate) async fn set_trusted(&self, customer: &str, trusted: bool) -> bool {
        let id = ConnectionId::new(customer).unwrap();
        let mut stored = self.store.connection(&id).await.unwrap().unwrap();
        stored.state = if trusted { ConnectionState::Active } else { ConnectionState::Draft };
        self.store.update_connection(&stored, &Author::new(Actor::Operator, Utc::now())).await.unwrap();
        true
    }
}
