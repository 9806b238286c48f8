//! `federation FILE-OR-ADDRESS [CERTIFICATE-FILE]`: lets people choose among the identity providers of the document, which is signed by the
//! key of the certificate, at http://localhost:8080. A document from an https address is kept fresh. If there is a certificate to check it
//! with, a copy is kept in ~/.cache/vouchsafe-federation. Without a certificate the document is trusted as it stands, so a copy would be trusted too.
#![expect(clippy::print_stdout, reason = "this is a program")]

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use federation::Service;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::{SpeaksFor, TrustedSource};
use vouchsafe::signature::TrustedKey;
use vouchsafe::{ConnectionId, Explained, Provider};
use vouchsafe_client::{Client, DocumentRefresher, RefreshTask};

const ADDRESS: &str = "http://localhost:8080";

#[tokio::main]
async fn main() -> Result<(), Explained> {
    // Refusals are warnings, with the reference that the person sees.
    let levels = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(levels).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (document, source) = match arguments.as_slice() {
        [document] => (document, TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody)),
        [document, certificate] => {
            let certificate = Certificate::from_pem(&tokio::fs::read_to_string(certificate).await?)?;
            let key = TrustedKey::of_certificate(&certificate, "the federation", &Provider::rustcrypto())?;
            (document, TrustedSource::signed_by([key], SpeaksFor::Everybody))
        }
        _ => return Err("usage: federation FILE-OR-ADDRESS [CERTIFICATE-FILE]".into()),
    };
    let (service, _refreshing) = match document.starts_with("https://") {
        true => kept_fresh(document, source, arguments.len() == 2)
            .await
            .map(|(service, task)| (service, Some(task)))?,
        false => (of_file(document, &source).await?, None),
    };
    // Anybody can start sign-ins, and each is kept for ten minutes.
    tokio::spawn(service.sso.sweep_every(Duration::from_secs(60)));
    println!("listening at {ADDRESS}");
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, service.router).await?)
}

async fn of_file(path: &str, source: &TrustedSource) -> Result<Service, Explained> {
    let document = tokio::fs::read(path).await?;
    let metadata = source.accept(document, Utc::now(), &Provider::rustcrypto())?;
    Service::new(ADDRESS, &Arc::new(metadata))
}

async fn kept_fresh(
    address: &str,
    source: TrustedSource,
    is_signed: bool,
) -> Result<(Service, RefreshTask), Explained> {
    let client = Client::new()?.for_federations();
    let name = ConnectionId::new("federation")?;
    let mut refresher = DocumentRefresher::new(client, Provider::rustcrypto(), name, address, source);
    // Other people of this machine cannot write there. In a folder for everybody they could leave a document.
    let folder = std::env::home_dir().map(|home| home.join(".cache").join("vouchsafe-federation"));
    if let Some(folder) = folder.filter(|_| is_signed) {
        refresher = refresher.keeping_a_copy_in(folder);
    }
    for event in refresher.load().await {
        println!("{event}");
    }
    let metadata = refresher.metadata().ok_or("there is neither a document nor a copy of one")?;
    let service = Service::new(ADDRESS, metadata)?;
    let told = service.clone();
    let refreshing = refresher.start(move |event| {
        println!("{event}");
        if let Some(newer) = event.metadata() {
            told.replace(newer);
        }
    });
    Ok((service, refreshing))
}
