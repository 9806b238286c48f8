//! `many-customers DATABASE [NAME METADATA-URL]...`: adds the customers that are named, and signs people in at http://localhost:8080.
#![expect(clippy::print_stdout, reason = "this is a program")]

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use many_customers::{add_customer, router};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use vouchsafe::{Explained, Provider};
use vouchsafe_client::{Client, StoredRefresher};
use vouchsafe_store::{ConnectionMetadata, MetadataSource, Sqlite};

const ADDRESS: &str = "http://localhost:8080";
const USAGE: &str = "usage: many-customers DATABASE [NAME METADATA-URL]...";

#[tokio::main]
async fn main() -> Result<(), Explained> {
    // Refusals are warnings, with the reference that the person sees.
    let levels = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(levels).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((database, customers)) = arguments.split_first() else { return Err(USAGE.into()) };
    let (customers, []) = customers.as_chunks::<2>() else { return Err(USAGE.into()) };
    let store = Arc::new(Sqlite::open(database).await?);
    // Whoever starts this chose the address, so it may be one of this machine. For those that customers give there is `Client::new`.
    let client = Client::with_loopback()?;
    for [name, url] in customers {
        let document = client.load(url).await?;
        let metadata = ConnectionMetadata::new(document, MetadataSource::Url(url.clone()), Utc::now());
        add_customer(ADDRESS, store.as_ref(), name, metadata).await?;
    }
    // A certificate that an identity provider replaces is known before it is used.
    let refresher = StoredRefresher::new(client, Provider::rustcrypto(), Arc::clone(&store));
    let refreshing = refresher.start(|event| println!("{event}"));
    let (router, sso) = router(ADDRESS, store)?;
    // Anybody can start sign-ins, and each is kept for ten minutes.
    tokio::spawn(sso.sweep_every(Duration::from_secs(60)));
    println!("listening at http://localhost:8080");
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?;
    refreshing.stop().await;
    Ok(())
}
