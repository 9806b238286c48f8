//! `okta --load CLIENTS LOGINS`: how many people this service signs in a second.
//!
//! Each login is a whole one over HTTP: the browser asks to sign in and is sent to the identity provider, the identity provider answers, and
//! the answer is posted. All answers of a round are collected before the first is posted, so that the identity provider's signing is not
//! measured. The clients run on one thread of their own.

mod client;
mod instances;
mod measure;
mod processor;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::net::TcpListener;
use vouchsafe::provisioning::Actor;
use vouchsafe_axum::{ASSERTION_CONSUMER, LOGIN};
use vouchsafe_testkit::AuthnRequest;
use vouchsafe_testkit::server::{App as OktaApp, AppId, Config, Okta, Server, User, start};

use self::client::Request;
use self::measure::Round;
use crate::app::{App, Place, REQUEST_LIFETIME};
use crate::failure::Failure;
use crate::{connect, keys, say};

/// How long a response is good for, less a margin: what was collected earlier is not posted any more.
const GOOD_FOR: Duration = Duration::from_secs(270);

/// Signs `logins` people in for the first time, again, and again with encrypted assertions; `clients` at a time.
pub(crate) async fn run(clients: usize, logins: usize, folder: Option<PathBuf>) -> Result<(), Failure> {
    let temporary = std::env::temp_dir().join(format!("loadbench-{}", std::process::id()));
    let outcome = measure(clients.max(1), logins.max(1), folder.as_deref().unwrap_or(&temporary)).await;
    if folder.is_none() {
        let _ = std::fs::remove_dir_all(&temporary);
    }
    outcome
}

/// The same at two instances of the service that share these stores, one of which is killed.
pub(crate) async fn run_at_two(clients: usize, logins: usize, place: &Place) -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("loadbench-{}", std::process::id()));
    let outcome = instances::run(clients.max(2), logins.max(2), place, &folder).await;
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

async fn measure(clients: usize, logins: usize, folder: &Path) -> Result<(), Failure> {
    let scene = Scene::make(folder, logins).await?;
    say(&format!(
        "{clients} clients, {logins} logins a round, SQLite in {}, {}, load of the machine {}",
        folder.display(),
        keys::PROVIDER,
        processor::load_of_the_machine(),
    ));
    say("");
    say(measure::HEADS);
    scene.warm_up(clients).await?;
    let mut failures = 0_usize;
    for (name, encrypted) in [("first", false), ("returning", false), ("encrypted", true)] {
        scene.encrypt(encrypted)?;
        let [starts, logins] = scene.round(clients, logins).await?;
        for (what, round) in [("started", &starts), (name, &logins)] {
            say(&round.line(what));
            failures = failures.saturating_add(round.failures.len());
        }
        for line in logins.failures.iter().take(3) {
            say(&format!("    {line}"));
        }
        say(&format!("    processor, µs a login: {}", logins.processor_time()));
    }
    if failures == 0 { Ok(()) } else { Err(Failure::new(format!("{failures} requests failed"))) }
}

/// The service on a port of its own, and an identity provider with all the people.
struct Scene {
    app: App,
    address: std::net::SocketAddr,
    okta: Okta,
    tile: AppId,
    _server: Server,
}

impl Scene {
    async fn make(folder: &Path, people: usize) -> Result<Scene, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let place = Place { folder: Some(folder.to_owned()), forgets_sign_ins: true, ..Place::default() };
        let app = App::open(&format!("http://{address}"), &place, REQUEST_LIFETIME).await?;
        let server = start(Config::default()).await?;
        let okta = server.okta();
        let metadata = app.service_provider().metadata_xml()?;
        let tile = okta.add_app(OktaApp::from_metadata("Loadbench", metadata.as_bytes())?);
        for number in 0..people {
            let groups = ["Everyone", "perf-team"];
            okta.add_user(User::new(email(number), "Ada", format!("Number {number}")).in_groups(groups));
            okta.assign(&tile, &email(number))?;
        }
        tokio::spawn({
            let app = app.clone();
            async move { app.serve(listener).await }
        });
        let token =
            connect::convert(&app, Actor::Operator, &"acme".into(), &okta.metadata_url(&tile)?).await?;
        okta.set_attribute(&tile, "token", &token)?;
        Ok(Scene { app, address, okta, tile, _server: server })
    }

    fn encrypt(&self, encrypted: bool) -> Result<(), Failure> {
        let certificate = encrypted.then(|| self.app.encryption_certificate.clone());
        Ok(self.okta.update_app(&self.tile, |app| app.encryption_certificate = certificate)?)
    }

    /// The first requests of a process pay for threads, connections and statements; none of them signs anybody in.
    async fn warm_up(&self, clients: usize) -> Result<(), Failure> {
        let starts = (0..clients).map(|_| start_request());
        measure::Round::run(&[self.address], clients, starts.collect(), client::is_redirect).await?;
        Ok(())
    }

    /// Everybody's sign-in once: the starts, and the answers.
    async fn round(&self, clients: usize, logins: usize) -> Result<[Round; 2], Failure> {
        let starts = (0..logins).map(|_| start_request()).collect();
        let begun = std::time::Instant::now();
        let starts = Round::run(&[self.address], clients, starts, client::is_redirect).await?;
        let answers = self.answers(&starts).await?;
        if begun.elapsed() > GOOD_FOR {
            return Err(Failure::new(
                "Collecting the responses took longer than they are good for; ask for fewer logins.",
            ));
        }
        let logins = Round::run(&[self.address], clients, answers, client::opens_session).await?;
        Ok([starts, logins])
    }

    /// What the identity provider answers each browser that was sent to it.
    async fn answers(&self, starts: &Round) -> Result<Vec<Request>, Failure> {
        answers(&self.okta, &self.tile, starts).await
    }
}

/// By GET, as a link to the service does.
fn start_request() -> Request {
    Request::get(&format!("{LOGIN}?organization=acme&return=/home"))
}

/// What the identity provider answers each browser that was sent to it, in the order of the people, signed on all processors.
async fn answers(okta: &Okta, tile: &AppId, starts: &Round) -> Result<Vec<Request>, Failure> {
    let sent: Arc<Vec<(usize, String, String)>> = Arc::new(
        starts
            .answers
            .iter()
            .enumerate()
            .filter_map(|(number, answer)| {
                Some((number, answer.header("location")?.to_owned(), answer.cookies()))
            })
            .collect(),
    );
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let signing: Vec<_> = (0..workers)
        .map(|worker| {
            let (sent, okta, tile) = (Arc::clone(&sent), okta.clone(), tile.clone());
            tokio::task::spawn_blocking(move || {
                let own = sent.iter().skip(worker).step_by(workers);
                own.map(|(number, location, cookies)| {
                    Ok((*number, answer(&okta, &tile, *number, location, cookies)?))
                })
                .collect::<Result<Vec<(usize, Request)>, Failure>>()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for signed in signing {
        answers.extend(signed.await.map_err(|error| Failure::new(error.to_string()))??);
    }
    answers.sort_by_key(|(number, _)| *number);
    Ok(answers.into_iter().map(|(_, request)| request).collect())
}

fn answer(
    okta: &Okta,
    tile: &AppId,
    number: usize,
    location: &str,
    cookies: &str,
) -> Result<Request, Failure> {
    let request = AuthnRequest::from_redirect(location)?;
    let issued = okta.issue(tile, &email(number), Some(&request), Utc::now())?;
    let form =
        [("SAMLResponse", issued.to_base64()), ("RelayState", request.relay_state.unwrap_or_default())];
    Ok(Request::post(ASSERTION_CONSUMER, &form, cookies))
}

fn email(number: usize) -> String {
    format!("ada{number}@acme.example")
}
