//! An Okta-shaped identity provider on loopback, for a service that you develop: `identity-provider [ENTITY-ID ASSERTION-CONSUMER [PORT]]`.
//!
//! Without arguments it knows the service of `examples/minimal`, and listens on port 8081. Nobody has a password: whoever opens the page
//! chooses whom to be. It ends with the process.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::net::{Ipv4Addr, SocketAddr};

use vouchsafe_testkit::server::{App, Config, User, start};

const ENTITY_ID: &str = "http://localhost:8080/saml/metadata";
const ASSERTION_CONSUMER: &str = "http://localhost:8080/saml/acs";
const PORT: u16 = 8081;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (entity_id, assertion_consumer, port) = match arguments.as_slice() {
        [] => (ENTITY_ID, ASSERTION_CONSUMER, PORT),
        [entity_id, assertion_consumer] => (entity_id.as_str(), assertion_consumer.as_str(), PORT),
        [entity_id, assertion_consumer, port] => {
            (entity_id.as_str(), assertion_consumer.as_str(), port.parse()?)
        }
        [_] | [_, _, _, _, ..] => {
            return Err("usage: identity-provider [ENTITY-ID ASSERTION-CONSUMER [PORT]]".into());
        }
    };
    let server = start(Config::default().listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))).await?;
    let okta = server.okta();
    okta.add_user(User::new("ada@example.com", "Ada", "Lovelace").in_groups(["Everyone", "perf-team"]));
    okta.add_user(User::new("grace@example.com", "Grace", "Hopper").in_groups(["Everyone"]));
    let app = okta.add_app(App::new("My service", entity_id, assertion_consumer));
    okta.assign(&app, "ada@example.com")?;
    okta.assign(&app, "grace@example.com")?;

    println!("Service:   entity ID {entity_id}, assertion consumer {assertion_consumer}");
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
