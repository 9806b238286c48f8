//! `vouchsafe serve`: a test service provider in memory, based on `vouchsafe-web`.
//!
//! It checks each sign-in and shows the checks. Its sessions give access to nothing: they show what a service would
//! store of a sign-in.

pub(crate) mod answer;
mod app;
mod base;
mod doctor;
mod history;
pub(crate) mod html;
mod overview;
mod pages;
mod routes;
mod sessions;
mod sign_in;
mod trusted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use vouchsafe::crypto::{Certificate, PrivateKey, Provider};
use vouchsafe::{
    BindingError, ConnectionSettings, EntityId, ServiceProvider, SignRequests, SoapCall, Unsolicited,
};
use vouchsafe_client::Client;
use vouchsafe_store::Memory;
use vouchsafe_web::{LogoutSessions, ManagesNames, ReturnPaths, SingleSignOn};

use crate::acceptance::Acceptance;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style};

use app::App;
use base::{Base, BaseUrl};
use sessions::Sessions;
use trusted::Trusted;

/// The text at the end of `--help`.
const ADDRESSES: &str = "\
Addresses:
  GET  BASE/                           the last sign-ins and logouts, with their ledgers and what to change
  GET  BASE/saml/metadata              our descriptor
  GET  BASE/saml/login?idp=ENTITY-ID   starts a sign-in; more: force, passive, context=URI, format=URI,
                                       binding=post or simplesign, and with --key answer=artifact
  POST BASE/saml/acs                   the assertion consumer: 200 or 403; JSON where the request accepts application/json, else a page
  GET  BASE/saml/acs                   with --key: the same for what comes by artifact
  GET  BASE/session                    this browser's session, as JSON, or 401
  GET  BASE/sessions                   every session, as JSON
  POST BASE/saml/logout                ends this browser's session here, and with --key tells the identity provider, if it has an address for that
  GET, POST BASE/saml/slo              with --key: logout messages of the identity provider, by browser
  POST BASE/saml/slo/soap              with --key: logout requests of its own server
  GET, POST BASE/saml/name-id          with --key: names of people that change or end, by browser
  POST BASE/saml/name-id/soap          with --key: the same from the identity provider's own server
  POST BASE/saml/name-id/end           with --key: asks the identity provider to end the name of this browser's session

With --decryption-key, our metadata has a certificate for each key: --certificate if it is that key's, otherwise one that is made for it.

With --key, an enhanced client (ECP) is answered a PAOS envelope at BASE/saml/login, and posts what its identity provider
answered to BASE/saml/acs.";

/// How long requests in progress may take after the service was told to stop.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// The time between two removals of expired data.
const SWEEP: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = ADDRESSES)]
pub(crate) struct Arguments {
    /// The address that browsers reach it at: https, or http on a loopback host. Port 0 becomes the port that is listened at.
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// Where to listen; without it, at the host of a base URL that is http, else at 127.0.0.1:8080. Everybody who reaches it sees every session.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Metadata of an identity provider to trust: a file, or an address (https, or http on a loopback host). Repeatable; aggregates are allowed.
    #[arg(long, value_name = "FILE|URL", required = true)]
    idp_metadata: Vec<String>,
    /// Entity ID of the test service. Default: BASE/saml/metadata.
    #[arg(long, value_name = "URI")]
    entity_id: Option<String>,
    /// Private key that signs requests and logout messages; with it there are single logout, artifacts, enhanced clients and the management of names.
    #[arg(long, value_name = "PEM", requires = "certificate")]
    key: Option<String>,
    /// Certificate of that key.
    #[arg(long, value_name = "PEM", requires = "key")]
    certificate: Option<String>,
    /// What to do with a Response that answers no request: refuse it, start a sign-in in its place, or accept it.
    #[arg(long, value_enum, default_value_t = OnUnsolicited::Refuse)]
    unsolicited: OnUnsolicited,
    #[command(flatten)]
    acceptance: Acceptance,
}

/// `--unsolicited`.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum OnUnsolicited {
    Refuse,
    Restart,
    Accept,
}

impl From<OnUnsolicited> for Unsolicited {
    fn from(chosen: OnUnsolicited) -> Unsolicited {
        match chosen {
            OnUnsolicited::Refuse => Unsolicited::Refuse,
            OnUnsolicited::Restart => Unsolicited::Restart,
            OnUnsolicited::Accept => Unsolicited::Accept,
        }
    }
}

/// The first line of JSON output.
#[derive(Serialize)]
struct Listening<'a> {
    listening: String,
    base_url: &'a str,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::usage(
            "cli.listen",
            format!("no threads to answer requests: {error}"),
            "Look at the limits of this machine.",
        )
    })?;
    runtime.block_on(serve(arguments, *output))?;
    runtime.shutdown_timeout(PATIENCE);
    Ok(Answer::Yes)
}

async fn serve(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let base_url = BaseUrl::parse(&arguments.base_url)?;
    let trusted = Trusted::load(&arguments.idp_metadata, &settings(arguments)?).await?;
    let address = arguments.listen.unwrap_or_else(|| base_url.usual_listener());
    let unreachable = |error: std::io::Error| {
        let hint = "Choose another address with --listen, or port 0 for a free one.";
        Failure::usage("cli.listen", format!("{address} cannot be listened at: {error}"), hint)
    };
    let listener = TcpListener::bind(address).await.map_err(unreachable)?;
    let address = listener.local_addr().map_err(unreachable)?;
    let base = base_url.at(address.port())?;
    let app = app(arguments, &base, trusted, output)?;
    let stopped = until_told_to_stop()?;
    output.write_line(
        &Listening { listening: format!("http://{address}"), base_url: base.as_str() },
        Some(
            Line::of(format!("listening at http://{address}; open "))
                .then_styled(Style::Title, base.as_str()),
        ),
    )?;
    if !address.ip().is_loopback() {
        output.notice("Everybody who reaches this address sees every sign-in and session.");
    }
    tokio::spawn(sweeping(app.clone()));
    answering(listener, app.router(), stopped).await
}

/// Answers until the service is told to stop, and then finishes the requests in progress, for a limited time.
pub(crate) async fn answering(
    listener: TcpListener,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let (mut first, mut second) = (stopped.clone(), stopped);
    let told = async move { drop(first.wait_for(|is_over| *is_over).await) };
    let late = async move {
        let _ = second.wait_for(|is_over| *is_over).await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(told) => served.map_err(|error| {
            Failure::usage("cli.listen", format!("the listener failed: {error}"), "Start it again.")
        }),
        () = late => Ok(()),
    }
}

/// Returns a value that becomes true with Ctrl-C, and with the signal by which service managers end programs.
pub(crate) fn until_told_to_stop() -> Result<watch::Receiver<bool>, Failure> {
    let (tell, told) = watch::channel(false);
    #[cfg(unix)]
    let mut terminated =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| {
            Failure::usage(
                "cli.listen",
                format!("signals cannot be received: {error}"),
                "Start it on another machine.",
            )
        })?;
    tokio::spawn(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        let _ = tell.send(true);
    });
    Ok(told)
}

async fn sweeping(app: App) {
    loop {
        tokio::time::sleep(SWEEP).await;
        app.sweep().await;
    }
}

/// Makes the settings in which every connection differs from the defaults. What must be signed is a setting of the
/// [service provider](service_provider), since its metadata says it.
fn settings(arguments: &Arguments) -> Result<ConnectionSettings, Failure> {
    let mut settings = ConnectionSettings::default()
        .unsolicited(arguments.unsolicited.into())
        .clock_skew(arguments.acceptance.skew())
        .map_err(|error| Failure::unusable("--skew", error))?;
    if arguments.acceptance.decryption.unauthenticated_cbc {
        settings = settings.danger_accept_unauthenticated_cbc();
    }
    Ok(settings)
}

fn app(arguments: &Arguments, base: &Base, mut trusted: Trusted, output: Output) -> Result<App, Failure> {
    let decryption_keys = decryption_keys(arguments)?;
    trusted.own_decryption_keys(&decryption_keys);
    let trusted = Arc::new(trusted);
    let service_provider = service_provider(arguments, base, decryption_keys)?;
    let store = Arc::new(Memory::new());
    let provider = service_provider.provider().clone();
    let takes_logout = service_provider.single_logout().is_some();
    let home = base.path("/");
    let mut sso = SingleSignOn::new(service_provider, Arc::clone(&trusted), Arc::clone(&store))
        .sign_in_page(&home)
        .return_paths(ReturnPaths::new(&home).map_err(|error| Failure::unusable("--base-url", error))?);
    let sessions = Arc::new(Sessions::new(sso.cookies(), provider));
    if takes_logout {
        // With a key, artifacts are resolved over SOAP. The user of this command chose the identity providers, and
        // the one under test is often on the same machine.
        let client = Client::with_loopback().map_err(|error| Failure::unusable("--idp-metadata", error))?;
        sso = sso
            .single_logout_over(store, Arc::clone(&sessions) as Arc<dyn LogoutSessions>)
            .names_managed_by(Arc::clone(&sessions) as Arc<dyn ManagesNames>)
            .back_channel(move |call| {
                let (client, location, body) =
                    (client.clone(), call.location().to_owned(), call.body().to_owned());
                async move { client.post_soap(&location, body, SoapCall::SOAP_ACTION).await }
            });
    }
    Ok(App::new(base.clone(), sso, sessions, trusted, output))
}

/// Makes our service provider, with the keys and the signature requirements, which the metadata contains.
fn service_provider(
    arguments: &Arguments,
    base: &Base,
    decryption_keys: Vec<(PrivateKey, Certificate)>,
) -> Result<ServiceProvider, Failure> {
    let provider = arguments.acceptance.decryption.provider()?;
    let entity_id = arguments.entity_id.clone().unwrap_or_else(|| base.url("/saml/metadata"));
    let entity_id = EntityId::new(entity_id).map_err(|error| Failure::unusable("--entity-id", error))?;
    let mut builder = ServiceProvider::builder(entity_id)
        .assertion_consumer(&base.url("/saml/acs"))
        .map_err(|error| Failure::unusable("--base-url", error))?
        .provider(provider.clone());
    let certificate = arguments.certificate.as_deref().map(input::certificate).transpose()?;
    if let (Some(key), Some(certificate)) = (&arguments.key, &certificate) {
        let key = input::private_key(key, &provider)?;
        builder = builder
            .signing_key(key, certificate.clone())
            .sign_requests(SignRequests::Always)
            .receive_artifacts()
            .receive_from_enhanced_clients()
            .single_logout(&base.url("/saml/slo"))
            .and_then(|builder| builder.single_logout_soap(&base.url("/saml/slo/soap")))
            .and_then(|builder| builder.name_id_management(&base.url("/saml/name-id")))
            .and_then(|builder| builder.name_id_management_soap(&base.url("/saml/name-id/soap")))
            .map_err(|error| Failure::unusable("--base-url", error))?;
    }
    for (key, certificate) in decryption_keys {
        builder = builder.decryption_key(key, certificate);
    }
    if arguments.acceptance.require_signed_response {
        builder = builder.require_signed_response();
    }
    if arguments.acceptance.require_signed_assertion {
        builder = builder.require_signed_assertion();
    }
    builder.build().map_err(|error: BindingError| Failure::unusable("--key and --certificate", error))
}

/// Reads the decryption keys, each with its certificate for our metadata.
fn decryption_keys(arguments: &Arguments) -> Result<Vec<(PrivateKey, Certificate)>, Failure> {
    let provider = arguments.acceptance.decryption.provider()?;
    let signing = arguments.certificate.as_deref().map(input::certificate).transpose()?;
    let paths = arguments.acceptance.decryption.keys.iter();
    let keys = paths.map(|path| {
        let key = input::private_key(path, &provider)?;
        let own = signing.clone().filter(|certificate| certificate.certifies(key.public_key()));
        let certificate = own.map_or_else(|| certificate_for(&key, &provider, path), Ok)?;
        Ok((key, certificate))
    });
    keys.collect()
}

/// Makes a certificate for our metadata if a key has none, since identity providers need one to encrypt.
fn certificate_for(key: &PrivateKey, provider: &Provider, path: &str) -> Result<Certificate, Failure> {
    const YEAR: i64 = 365 * 24 * 60 * 60;
    let now = input::now().timestamp();
    Certificate::self_signed(
        provider,
        key,
        "vouchsafe serve",
        now.saturating_sub(60),
        now.saturating_add(YEAR),
    )
    .map_err(|error| Failure::unusable(path, error))
}
