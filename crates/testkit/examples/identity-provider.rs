//! An Okta-shaped identity provider on loopback, for a service that you develop:
//! `identity-provider [METADATA-FILE [PORT] | ENTITY-ID ASSERTION-CONSUMER [PORT]]`.
//!
//! With a file of the service's metadata it also knows the logout address and the certificates of the service.
//! Without arguments it knows the service of `examples/minimal` and of the guides, at `http://localhost:8080`. It
//! listens on port 8081 unless another one is given. There are no passwords:
//! anybody who opens the page can choose any user. It stops when the process ends.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::net::{Ipv4Addr, SocketAddr};

use vouchsafe_testkit::server::{App, Config, User, start};

const ENTITY_ID: &str = "http://localhost:8080/saml/metadata";
const ASSERTION_CONSUMER: &str = "http://localhost:8080/saml/acs";
const LABEL: &str = "My service";
const PORT: u16 = 8081;
const USAGE: &str = "usage: identity-provider [METADATA-FILE [PORT] | ENTITY-ID ASSERTION-CONSUMER [PORT]]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (app, port) = match arguments.as_slice() {
        [] => (App::new(LABEL, ENTITY_ID, ASSERTION_CONSUMER), PORT),
        [option, ..] if option.starts_with('-') => {
            println!("{USAGE}");
            return Ok(());
        }
        [metadata] => (described_in(metadata)?, PORT),
        [metadata, port] if port.parse::<u16>().is_ok() => (described_in(metadata)?, port.parse()?),
        [entity_id, assertion_consumer] => (App::new(LABEL, entity_id, assertion_consumer), PORT),
        [entity_id, assertion_consumer, port] => {
            (App::new(LABEL, entity_id, assertion_consumer), port.parse()?)
        }
        [_, _, _, _, ..] => return Err(USAGE.into()),
    };
    println!("Service:   entity ID {}, assertion consumer {}", app.entity_id, app.single_sign_on_url);
    let server = start(Config::default().listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))).await?;
    let okta = server.okta();
    okta.add_user(User::new("ada@example.com", "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
    okta.add_user(User::new("grace@example.com", "Grace", "Hopper").in_groups(["Everyone"]));
    let app = okta.add_app(app);
    okta.assign(&app, "ada@example.com")?;
    okta.assign(&app, "grace@example.com")?;

    println!("Metadata:  {}", okta.metadata_url(&app)?);
    println!("Dashboard: {}", server.dashboard_url());
    println!(
        "Users, groups and attributes can be changed at {}admin. Press Ctrl-C to stop.",
        server.dashboard_url()
    );
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}

/// The service in a file of its metadata.
fn described_in(file: &str) -> Result<App, Box<dyn std::error::Error>> {
    let metadata = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(App::from_metadata(LABEL, &metadata)?)
}
