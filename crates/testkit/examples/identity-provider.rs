//! An Okta-shaped identity provider on loopback, for a service that you develop:
//! `identity-provider [--key FILE] [METADATA [PORT] | ENTITY-ID ASSERTION-CONSUMER [PORT]]`.
//!
//! METADATA is the `http` address of the service's metadata, or a file of it. From them it knows the logout address
//! and the certificates of the service. The service need not run yet: the address is read every second until it
//! answers, and then every few seconds, so that a service that starts with another key is known again.
//!
//! Without arguments it knows the service of `examples/minimal` and of the guides, at `http://localhost:8080`, and
//! offers no logout. It listens on port 8081 unless another one is given. Each start makes a new key, and the service
//! must load the metadata again; with `--key` the key is kept in that file, which is made if it does not exist.
//!
//! Its entity ID contains the port, so the identity provider of a second customer is started on another port.
//!
//! There are no passwords: anybody who opens the page can choose any user. It stops when the process ends.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use vouchsafe_crypto::KeyKind;
use vouchsafe_testkit::KeyPair;
use vouchsafe_testkit::server::{App, AppId, Config, Okta, User, start};

const ENTITY_ID: &str = "http://localhost:8080/saml/metadata";
const ASSERTION_CONSUMER: &str = "http://localhost:8080/saml/acs";
const LABEL: &str = "My service";
const PORT: u16 = 8081;
const USAGE: &str =
    "usage: identity-provider [--key FILE] [METADATA [PORT] | ENTITY-ID ASSERTION-CONSUMER [PORT]]";

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (key_file, arguments) = match arguments.as_slice() {
        [option, file, rest @ ..] if option == "--key" => (Some(file), rest),
        all => (None, all),
    };
    let (service, port) = match arguments {
        [] => (Service::named(App::new(LABEL, ENTITY_ID, ASSERTION_CONSUMER)), PORT),
        [option, ..] if option.starts_with('-') => {
            println!("{USAGE}");
            return Ok(());
        }
        [metadata] => (Service::described(metadata)?, PORT),
        [metadata, port] if port.parse::<u16>().is_ok() => (Service::described(metadata)?, port.parse()?),
        [entity_id, assertion_consumer] => {
            (Service::named(App::new(LABEL, entity_id, assertion_consumer)), PORT)
        }
        [entity_id, assertion_consumer, port] => {
            (Service::named(App::new(LABEL, entity_id, assertion_consumer)), port.parse()?)
        }
        [_, _, _, _, ..] => return Err(USAGE.into()),
    };
    let config = Config::default().listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let config = match key_file {
        Some(file) => config.key(&kept_in(Path::new(file))?),
        None => config,
    };
    let server = start(config).await?;
    let okta = server.okta();
    okta.add_user(User::new("ada@example.com", "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
    okta.add_user(User::new("grace@example.com", "Grace", "Hopper").in_groups(["Everyone"]));
    let app = okta.add_app(match &service {
        Service::Named(app) => App::clone(app),
        Service::At(address) => App::to_be_loaded(LABEL, address),
    });
    okta.assign(&app, "ada@example.com")?;
    okta.assign(&app, "grace@example.com")?;

    println!("Metadata:  {}", okta.metadata_url(&app)?);
    println!("Dashboard: {}", server.dashboard_url());
    println!(
        "Users, groups and attributes can be changed at {}admin. Press Ctrl-C to stop.",
        server.dashboard_url()
    );
    match service {
        Service::Named(app) => print_service(&app),
        Service::At(address) => {
            tokio::spawn(keep_loaded(okta, app, address));
        }
    }
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

/// The service that people sign in to.
enum Service {
    /// Its entity ID and addresses are known.
    Named(Box<App>),
    /// Its metadata are at this address.
    At(String),
}

impl Service {
    fn named(app: App) -> Service {
        Service::Named(Box::new(app))
    }

    fn described(metadata: &str) -> Result<Service, Failure> {
        if metadata.starts_with("http://") {
            return Ok(Service::At(metadata.to_owned()));
        }
        let read = std::fs::read(metadata).map_err(|error| format!("{metadata}: {error}"))?;
        Ok(Service::named(App::from_metadata(LABEL, &read)?))
    }
}

/// Reads the service's metadata again and again, and prints what changes.
async fn keep_loaded(okta: Okta, app: AppId, address: String) {
    let mut printed = String::new();
    let mut print_once = |line: String| {
        if line != printed {
            println!("{line}");
            printed = line;
        }
    };
    loop {
        let wait = match okta.load_metadata(&app, &address).await {
            Ok(loaded) => {
                print_once(service(&loaded));
                5
            }
            Err(error) => {
                print_once(format!("Service:   its metadata at {address} cannot be read yet ({error})"));
                1
            }
        };
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
}

fn print_service(app: &App) {
    println!("{}", service(app));
}

/// Describes the service, and says whether it can be told of a logout.
fn service(app: &App) -> String {
    let logout = match (&app.single_logout_url, &app.signature_certificate) {
        (Some(address), Some(_)) => format!("at {address}"),
        (Some(_), None) => "refused, since the service's metadata have no signing certificate".to_owned(),
        (None, _) => {
            "not offered, since the service's metadata were not given, or have no logout address".to_owned()
        }
    };
    format!(
        "Service:   entity ID {}, assertion consumer {}\nLogout:    {logout}",
        app.entity_id, app.single_sign_on_url
    )
}

/// Reads the key from a file, or makes one and writes it there.
fn kept_in(file: &Path) -> Result<KeyPair, Failure> {
    let named = |error: std::io::Error| format!("{}: {error}", file.display());
    if file.exists() {
        return Ok(KeyPair::from_pem(&std::fs::read_to_string(file).map_err(named)?)?);
    }
    let key = KeyPair::generate(KeyKind::Rsa { bits: 2048 }, "vouchsafe-testkit")?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .and_then(|mut opened| opened.write_all(key.to_pem().as_str().as_bytes()))
        .map_err(named)?;
    Ok(key)
}
