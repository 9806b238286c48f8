//! `own-database METADATA-URL`: signs people in through that identity provider, at http://localhost:8080.

use std::sync::Arc;

use own_database::{Users, router};
use vouchsafe::{Connection, ConnectionId};
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let metadata = std::env::args().nth(1).ok_or("usage: own-database METADATA-URL")?;
    let acme =
        Connection::new(ConnectionId::new("acme")?, Client::new()?.identity_provider(&metadata).await?);
    let connections = Arc::new([acme].into_iter().collect());
    let (router, _) = router("http://localhost:8080", connections, Users::default())?;
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?)
}
