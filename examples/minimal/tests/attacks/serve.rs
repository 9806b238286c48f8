//! The example at a loopback address.

use vouchsafe::Connection;
use vouchsafe_testkit::attacks::Customer;

/// The running example, and where its places are.
pub(crate) struct Served {
    pub(crate) address: String,
}

impl Served {
    pub(crate) async fn start(connections: [Connection; 2]) -> Served {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (router, _) = minimal::router(&address, connections.into_iter().collect()).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Served { address }
    }

    /// Below which path the metadata and the assertion consumer for a customer are.
    pub(crate) fn saml(&self, _: Customer) -> String {
        format!("{}/saml", self.address)
    }

    pub(crate) fn login(&self) -> String {
        format!("{}/saml/login", self.address)
    }

    /// There is no such door.
    pub(crate) async fn set_trusted(&self, _: &str, _: bool) -> bool {
        false
    }
}
