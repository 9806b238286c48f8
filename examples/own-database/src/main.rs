//! `own-database METADATA-URL`: signs people in through that identity provider, at http://localhost:8080.

use std::sync::Arc;
use std::time::Duration;

use own_database::{Users, router};
use vouchsafe::{Connection, ConnectionId};
use vouchsafe_axum::SingleSignOn;
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let metadata = std::env::args().nth(1).ok_or("usage: own-database METADATA-URL")?;
    // Whoever starts this chose the address, so it may be one of this machine. For those that customers give there is `Client::new`.
    let identity_provider = Client::with_loopback()?.identity_provider(&metadata).await;
    let identity_provider = identity_provider.map_err(|error| format!("{error}. {}", error.hint()))?;
    let acme = Connection::new(ConnectionId::new("acme")?, identity_provider);
    let connections = Arc::new([acme].into_iter().collect());
    let (router, sso) = router("http://localhost:8080", connections, Users::default())?;
    tokio::spawn(sweeping(sso));
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?)
}

/// Forgets what is over. Anybody can start sign-ins, and each is kept for ten minutes.
async fn sweeping(sso: SingleSignOn) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(error) = sso.sweep().await {
            tracing::warn!(code = error.code(), "the sweep failed");
        }
    }
}
