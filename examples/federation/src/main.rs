//! `federation METADATA-FILE [CERTIFICATE-FILE]`: lets people choose among the identity providers of the document, which is signed by the
//! key of the certificate, at http://localhost:8080. Without a certificate the file is trusted as it stands.
#![expect(clippy::print_stdout, reason = "this is a program")]

use std::time::Duration;

use federation::router;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use vouchsafe::Provider;
use vouchsafe::crypto::Certificate;
use vouchsafe::metadata::{SpeaksFor, TrustedSource};
use vouchsafe::signature::TrustedKey;

const ADDRESS: &str = "http://localhost:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
        _ => return Err("usage: federation METADATA-FILE [CERTIFICATE-FILE]".into()),
    };
    let (router, sso) = router(ADDRESS, &source, tokio::fs::read(document).await?)?;
    // Anybody can start sign-ins, and each is kept for ten minutes.
    tokio::spawn(sso.sweep_every(Duration::from_secs(60)));
    println!("listening at {ADDRESS}");
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?)
}
