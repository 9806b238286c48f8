//! The example at a loopback address.

use actix_web::{App, HttpServer};
use example_actix::Service;
use vouchsafe::Connection;
use vouchsafe_testkit::attacks::Customer;

/// The running example, and where its places are.
pub(crate) struct Served {
    pub(crate) address: String,
}

impl Served {
    pub(crate) async fn start(connections: [Connection; 2]) -> Served {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = Service::new(&address, connections.into_iter().collect()).unwrap();
        let server = HttpServer::new(move || App::new().configure(|config| service.configure(config)));
        tokio::spawn(server.workers(2).disable_signals().listen(listener).unwrap().run());
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
