//! `minimal METADATA-URL`: signs people in through that identity provider, at http://localhost:8080.

use vouchsafe::{Connection, ConnectionId};
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let metadata = std::env::args().nth(1).ok_or("usage: minimal METADATA-URL")?;
    let acme =
        Connection::new(ConnectionId::new("acme")?, Client::new()?.identity_provider(&metadata).await?);
    let router = minimal::router("http://localhost:8080", [acme].into_iter().collect())?;
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?)
}
