//! `own-database DATABASE METADATA-URL [KEY CERTIFICATE]`: signs people in through that identity provider, at
//! http://localhost:8080. With a key in a PEM file and its certificate, people also sign out at the identity provider.
#![expect(clippy::print_stdout, reason = "this is a program")]

use std::sync::Arc;
use std::time::Duration;

use own_database::{SigningKey, Users, router};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use vouchsafe::crypto::Certificate;
use vouchsafe::{Connection, ConnectionId, Explained, Provider};
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Explained> {
    // Refusals are warnings, with the reference that the person sees.
    let levels = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(levels).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (database, metadata, key) = match arguments.as_slice() {
        [database, metadata] => (database, metadata, None),
        [database, metadata, key, certificate] => (database, metadata, Some(signing_key(key, certificate)?)),
        _ => return Err("usage: own-database DATABASE METADATA-URL [KEY CERTIFICATE]".into()),
    };
    // Whoever starts this chose the address, so it may be one of this machine. For those that customers give there is `Client::new`.
    let identity_provider = Client::with_loopback()?.identity_provider(metadata).await?;
    let acme = Connection::new(ConnectionId::new("acme")?, identity_provider);
    let connections = Arc::new([acme].into_iter().collect());
    let users = Users::open(database).await.map_err(|error| error.to_string())?;
    let (router, sso) = router("http://localhost:8080", connections, users, key)?;
    // Anybody can start sign-ins, and each is kept for ten minutes.
    tokio::spawn(sso.sweep_every(Duration::from_secs(60)));
    println!("listening at http://localhost:8080");
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?)
}

/// Reads the service's key and its certificate. docs/LOGOUT.md says how to make them.
fn signing_key(key: &str, certificate: &str) -> Result<SigningKey, Explained> {
    let read = |file: &str| std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    Ok((Provider::rustcrypto().private_key(&read(key)?)?, Certificate::from_pem(&read(certificate)?)?))
}
