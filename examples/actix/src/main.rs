//! `example-actix METADATA-URL`: signs people in through that identity provider, at http://localhost:8080.
#![expect(clippy::print_stdout, reason = "this is a program")]

use std::time::Duration;

use actix_web::{App, HttpServer};
use example_actix::Service;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use vouchsafe::{Connection, ConnectionId, Explained};
use vouchsafe_client::Client;

#[tokio::main]
async fn main() -> Result<(), Explained> {
    // Refusals are warnings, with the reference that the person sees.
    let levels = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(levels).init();
    let metadata = std::env::args().nth(1).ok_or("usage: example-actix METADATA-URL")?;
    // Whoever starts this chose the address, so it may be one of this machine. For those that customers give there is `Client::new`.
    let identity_provider = Client::with_loopback()?.identity_provider(&metadata).await?;
    let acme = Connection::new(ConnectionId::new("acme")?, identity_provider);
    let service = Service::new("http://localhost:8080", [acme].into_iter().collect())?;
    // Anybody can start sign-ins, and each is kept for ten minutes.
    tokio::spawn(service.sso().sweep_every(Duration::from_secs(60)));
    let server = HttpServer::new(move || App::new().configure(|config| service.configure(config)));
    println!("listening at http://localhost:8080");
    Ok(server.bind("127.0.0.1:8080")?.run().await?)
}
