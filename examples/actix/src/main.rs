//! `example-actix METADATA-URL`: signs people in through that identity provider, at http://localhost:8080.

use std::time::Duration;

use actix_web::{App, HttpServer};
use example_actix::Service;
use vouchsafe::{Connection, ConnectionId};
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let metadata = std::env::args().nth(1).ok_or("usage: example-actix METADATA-URL")?;
    // Whoever starts this chose the address, so it may be one of this machine. For those that customers give there is `Client::new`.
    let identity_provider = Client::with_loopback()?.identity_provider(&metadata).await;
    let identity_provider = identity_provider.map_err(|error| format!("{error}. {}", error.hint()))?;
    let acme = Connection::new(ConnectionId::new("acme")?, identity_provider);
    let service = Service::new("http://localhost:8080", [acme].into_iter().collect())?;
    // Anybody can start sign-ins, and each is kept for ten minutes.
    tokio::spawn(service.sso().sweep_every(Duration::from_secs(60)));
    let server = HttpServer::new(move || App::new().configure(|config| service.configure(config)));
    Ok(server.bind("127.0.0.1:8080")?.run().await?)
}
