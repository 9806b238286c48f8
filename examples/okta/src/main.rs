//! Loadbench: a hosted service with organizations, teams and projects, whose customers sign in through Okta.
//!
//! It is an example of everything round a sign-in, from the settings page on which a customer's admin connects an identity provider to
//! the page that says what a sign-in changed and how it was checked.
//!
//! ```text
//! cargo run -p okta                    the service, and an identity provider like Okta, on this machine
//! cargo run -p okta -- --once          the whole journey without a browser, step by step
//! cargo run --release -p okta --features aws-lc -- --load 50 2000
//!                                      how many people sign in a second: 50 clients, 2000 people
//! cargo run --release -p okta --features aws-lc -- --load 50 2000 --store postgres://... --pending redis://...
//!                                      the same at two instances that share an empty database, one of which is killed
//! cargo run -p okta -- --metadata-url https://ORG.okta.com/app/exk.../sso/saml/metadata --base-url https://...
//!                                      the service against a real Okta; prints what to enter there
//! ```

mod api_tokens;
mod app;
mod changes;
mod connect;
mod demo;
mod domains;
mod failure;
mod harness;
mod home;
mod html;
mod journey;
mod key_page;
mod keys;
mod links;
mod load;
mod members;
mod passwords;
mod people;
mod policy;
mod refusals;
mod scim;
mod seed;
mod settings;
mod sign_in;
mod sign_ins;
mod signals;
mod token;
mod trial;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// A service with organizations, teams and projects that signs its people in through Okta.
#[derive(Debug, Parser)]
struct Arguments {
    /// Walk the whole journey without a browser and say how each step went
    #[arg(long, conflicts_with_all = ["metadata_url", "base_url", "listen", "data"])]
    once: bool,
    /// Sign so many people in, by so many clients at a time, and say how many a second
    #[arg(long, num_args = 2, value_names = ["CLIENTS", "LOGINS"],
          conflicts_with_all = ["once", "metadata_url", "base_url", "listen"])]
    load: Option<Vec<usize>>,
    /// Connect the organization "acme" to a real identity provider: the metadata URL that its console shows
    #[arg(long, value_name = "URL")]
    metadata_url: Option<String>,
    /// The address at which browsers reach this service [default: http:// and the address listened on]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Where to listen [default: 127.0.0.1:8080, or a free port when that is taken]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// A folder for the database and the decryption key; without it both are gone when the program ends
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Connect both demo organizations, and write the addresses and secrets for test tools into this file, as JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["once", "load", "metadata_url"])]
    harness: Option<PathBuf>,
    /// Where the service keeps what it knows: sqlite://FILE, postgres://USER@HOST/DATABASE or memory. With --load: two
    /// instances share it, which must be empty, and one of them is killed
    #[arg(long, value_name = "URL", conflicts_with = "once")]
    store: Option<String>,
    /// Where sign-ins wait that were started and not yet answered: redis://HOST
    #[arg(long, value_name = "URL", conflicts_with = "once", requires = "store")]
    pending: Option<String>,
    /// Keep nothing of what comes with sign-ins, which the page of sign-ins shows and a policy is tried on
    #[arg(long, conflicts_with_all = ["once", "load"])]
    forget_sign_ins: bool,
    /// How long a sign-in that was started waits for its answer [default: 600]
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["once", "load"])]
    request_lifetime: Option<u32>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_standard_error(if arguments.once || arguments.load.is_some() {
        "off"
    } else {
        "warn,vouchsafe_axum=info,okta=info"
    });
    let outcome = match arguments {
        Arguments { once: true, .. } => journey::walk().await,
        Arguments { load: Some(load), data, store, pending, .. } => match load.as_slice() {
            [clients, logins] if store.is_some() => {
                let place = app::Place {
                    folder: data,
                    store,
                    pending,
                    forgets_sign_ins: true,
                    ..app::Place::default()
                };
                load::run_at_two(*clients, *logins, &place).await
            }
            [clients, logins] => load::run(*clients, *logins, data).await,
            _ => Err(failure::Failure::new("--load takes the number of clients and the number of logins.")),
        },
        Arguments {
            metadata_url,
            base_url,
            listen,
            data,
            store,
            pending,
            forget_sign_ins,
            request_lifetime,
            harness,
            ..
        } => {
            let wanted = demo::Wanted {
                base_url,
                listen,
                harness,
                place: app::Place {
                    folder: data,
                    store,
                    pending,
                    forgets_sign_ins: forget_sign_ins,
                    asks_dns: metadata_url.is_some(),
                },
                request_lifetime: request_lifetime
                    .map_or(app::REQUEST_LIFETIME, |seconds| Duration::from_secs(u64::from(seconds))),
            };
            match metadata_url {
                Some(url) => demo::with_real_okta(&url, wanted).await,
                None => demo::with_embedded_okta(wanted).await,
            }
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("failed: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn log_to_standard_error(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr).init();
}

/// A line on standard output. Nobody listening is no reason to stop.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
