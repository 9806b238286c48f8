//! `example-actix METADATA-URL`: signs people in through that identity provider, at http://localhost:8080.

use actix_web::{App, HttpServer};
use example_actix::Service;
use vouchsafe::{Connection, ConnectionId};
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let metadata = std::env::args().nth(1).ok_or("usage: example-actix METADATA-URL")?;
    let acme =
        Connection::new(ConnectionId::new("acme")?, Client::new()?.identity_provider(&metadata).await?);
    let service = Service::new("http://localhost:8080", [acme].into_iter().collect())?;
    let server = HttpServer::new(move || App::new().configure(|config| service.configure(config)));
    Ok(server.bind("127.0.0.1:8080")?.run().await?)
}
