//! Two instances of the service on one database, one of which is killed in the middle.
//!
//! What must hold: no response is accepted twice, by whichever instance; no account is made twice; whoever was told that they are signed in is so, at
//! the instance that is left; and a session ends at one instance within 100 ms of the suspension at another.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use vouchsafe::provisioning::{Actor, Change, ChangeByHand};
use vouchsafe_store::{Decision, Directory, Store};
use vouchsafe_testkit::server::{App as OktaApp, AppId, Config, Okta, Server, User, start};

use super::client::{Answer, Client, Request, is_redirect, opens_session};
use super::measure::{self, Round};
use super::{answers, email, processor, start_request};
use crate::app::Place;
use crate::failure::Failure;
use crate::{keys, say};

/// So long after a suspension a session may still be found at another instance.
const PROMISED: Duration = Duration::from_millis(100);

/// How many suspensions are timed.
const SUSPENSIONS: usize = 20;

/// Signs `people` people in for the first time and again at two instances, kills one of them while they come a third time, and looks at what is there
/// afterwards.
pub(super) async fn run(clients: usize, people: usize, place: &Place, folder: &Path) -> Result<(), Failure> {
    let place = Place { folder: Some(folder.to_owned()), ..place.clone() };
    let mut scene = Scene::make(&place, people).await?;
    say(&format!(
        "{clients} clients, {people} logins a round, two instances, {}, load of the machine {}",
        keys::PROVIDER,
        processor::load_of_the_machine(),
    ));
    say("");
    say(measure::HEADS);
    let warm: Vec<Request> = (0..clients).map(|_| start_request()).collect();
    Round::run(&scene.addresses(), clients, warm, is_redirect).await?;
    let mut failures = 0_usize;
    for name in ["first", "returning"] {
        let starts = scene.starts(clients, people).await?;
        let posts = answers(&scene.okta, &scene.tile, &starts).await?;
        let logins = Round::run(&scene.addresses(), clients, posts, opens_session).await?;
        for (what, round) in [("started", &starts), (name, &logins)] {
            say(&round.line(what));
            failures = failures.saturating_add(round.failures.len());
            round.failures.iter().take(3).for_each(|line| say(&format!("    {line}")));
        }
    }
    if failures > 0 {
        return Err(Failure::new(format!("{failures} requests failed")));
    }
    let starts = scene.starts(clients, people).await?;
    let posts = Arc::new(answers(&scene.okta, &scene.tile, &starts).await?);
    let known = scene.post_and_kill(clients, &posts).await?;
    scene.judge(&posts, &known, people).await?;
    scene.suspend(people).await
}

/// What a browser knows of its sign-in.
enum Known {
    /// The connection broke, before or after the service had decided.
    Nothing,
    /// What was answered.
    Answer(Answer),
}

struct Scene {
    instances: Vec<Instance>,
    store: Store,
    okta: Okta,
    tile: AppId,
    _server: Server,
}

/// A process of the service.
struct Instance {
    address: SocketAddr,
    child: Child,
    /// Read on, so that nothing that it says is in its way.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Instance {
    /// Starts one, and answers the token if it is the first.
    async fn start(
        base_url: &str,
        address: SocketAddr,
        metadata_url: &str,
        place: &Place,
    ) -> Result<(Instance, Option<String>), Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--metadata-url", metadata_url, "--base-url", base_url]);
        command.args(["--listen", &address.to_string()]);
        for (name, value) in [("--store", &place.store), ("--pending", &place.pending)] {
            command.args(value.iter().flat_map(|value| [name, value.as_str()]));
        }
        if let Some(folder) = &place.folder {
            command.arg("--data").arg(folder);
        }
        if place.forgets_sign_ins {
            command.arg("--forget-sign-ins");
        }
        command.env("RUST_LOG", "off").stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or_else(|| Failure::new("the instance has no output"))?;
        let (mut lines, mut token) = (BufReader::new(out).lines(), None);
        while let Some(line) = lines.next_line().await? {
            if let Some(told) = line.trim_start().strip_prefix("token ") {
                token = Some(told.trim().to_owned());
            }
            if line.contains("Owner:") {
                return Ok((Instance { address, child, _lines: lines }, token));
            }
        }
        Err(Failure::new("an instance ended before it was ready"))
    }
}

impl Scene {
    async fn make(place: &Place, people: usize) -> Result<Scene, Failure> {
        let store = place.open().await?;
        if !store.organizations().await?.is_empty() {
            return Err(Failure::new("The database is in use: give an empty one."));
        }
        let [one, other] = [free_address().await?, free_address().await?];
        let base_url = format!("http://{one}");
        let server = start(Config::default()).await?;
        let okta = server.okta();
        let entity_id = format!("{base_url}{}", vouchsafe_axum::METADATA);
        let consumer = format!("{base_url}{}", vouchsafe_axum::ASSERTION_CONSUMER);
        let tile = okta.add_app(OktaApp::new("Loadbench", entity_id, consumer));
        for number in 0..people {
            let groups = ["Everyone", "perf-team"];
            okta.add_user(User::new(email(number), "Ada", format!("Number {number}")).in_groups(groups));
            okta.assign(&tile, &email(number))?;
        }
        let metadata_url = okta.metadata_url(&tile)?;
        let (first, token) = Instance::start(&base_url, one, &metadata_url, place).await?;
        let token = token.ok_or_else(|| Failure::new("the first instance told no token"))?;
        okta.set_attribute(&tile, "token", &token)?;
        let (second, _) = Instance::start(&base_url, other, &metadata_url, place).await?;
        Ok(Scene { instances: vec![first, second], store, okta, tile, _server: server })
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.instances.iter().map(|instance| instance.address).collect()
    }

    async fn starts(&self, clients: usize, people: usize) -> Result<Round, Failure> {
        let starts = (0..people).map(|_| start_request()).collect();
        Round::run(&self.addresses(), clients, starts, is_redirect).await
    }

    /// Posts everything at both, and kills the second in the middle. Whoever was on its way there knows nothing, and goes on at the first.
    async fn post_and_kill(
        &mut self,
        clients: usize,
        posts: &Arc<Vec<Request>>,
    ) -> Result<Vec<Known>, Failure> {
        let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let addresses = self.addresses();
        let left = addresses.first().copied().ok_or_else(|| Failure::new("there is no instance"))?;
        let mut tasks = Vec::new();
        for address in addresses.iter().copied().cycle().take(clients) {
            let (posts, next, done) = (Arc::clone(posts), Arc::clone(&next), Arc::clone(&done));
            tasks.push(tokio::spawn(async move {
                let mut client = Client::connect(address).await?;
                let mut known = Vec::new();
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = posts.get(place) else { return Ok::<_, Failure>(known) };
                    match client.send(request).await {
                        Ok(answer) => known.push((place, Known::Answer(answer))),
                        Err(_) => {
                            known.push((place, Known::Nothing));
                            client = Client::connect(left).await?;
                        }
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        let half = posts.len().div_euclid(2);
        while done.load(Ordering::Relaxed) < half {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if let Some(mut killed) = self.instances.pop() {
            killed.child.kill().await?;
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.map_err(|error| Failure::new(error.to_string()))??);
        }
        all.sort_by_key(|(place, _)| *place);
        Ok(all.into_iter().map(|(_, known)| known).collect())
    }

    /// Posts every response again at the instance that is left, and looks at what is in the store.
    async fn judge(&self, posts: &[Request], known: &[Known], people: usize) -> Result<(), Failure> {
        let left = self.addresses().first().copied().ok_or_else(|| Failure::new("there is no instance"))?;
        let mut client = Client::connect(left).await?;
        let (mut told, mut again, mut committed) = (0_usize, 0_usize, 0_usize);
        for (place, (request, known)) in posts.iter().zip(known).enumerate() {
            let posted_again = client.send(request).await?;
            match known {
                Known::Answer(answer) => {
                    if !opens_session(answer) {
                        return Err(Failure::new(format!("login {place} was answered {}", answer.status)));
                    }
                    if opens_session(&posted_again) {
                        return Err(Failure::new(format!(
                            "the response of login {place} was accepted twice"
                        )));
                    }
                    if !is_at_home(&mut client, &answer.cookies(), place).await? {
                        return Err(Failure::new(format!("login {place} was told, and is lost")));
                    }
                    told = told.saturating_add(1);
                }
                // It is signed in by posting again, or was signed in without hearing of it.
                Known::Nothing if opens_session(&posted_again) => again = again.saturating_add(1),
                Known::Nothing => committed = committed.saturating_add(1),
            }
        }
        let whole = self.store.whole(&"acme".into()).await?;
        let addresses: BTreeSet<String> =
            whole.accounts().map(|account| account.email.to_lowercase()).collect();
        let accounts = whole.accounts().count();
        if addresses.len() != accounts || accounts != people.saturating_add(1) {
            return Err(Failure::new(format!("{people} people and an owner have {accounts} accounts")));
        }
        say("");
        say(&format!(
            "killed one instance: {told} were told that they are signed in, and are; {again} more by posting again, \
             {committed} were signed in already; no response was accepted twice, and no account was made twice",
        ));
        Ok(())
    }

    /// Suspends people one after the other in this process, a third machine, and times how long their sessions go on at the instance that is left.
    async fn suspend(&self, people: usize) -> Result<(), Failure> {
        let left = self.addresses().first().copied().ok_or_else(|| Failure::new("there is no instance"))?;
        let mut client = Client::connect(left).await?;
        let starts = (0..people.min(SUSPENSIONS)).map(|_| start_request()).collect();
        let starts = Round::run(&[left], 1, starts, is_redirect).await?;
        let mut times = Vec::new();
        for (number, request) in answers(&self.okta, &self.tile, &starts).await?.iter().enumerate() {
            let cookies = client.send(request).await?.cookies();
            let whole = self.store.whole(&"acme".into()).await?;
            let account = whole.account_with_email(&email(number)).map(|account| account.id.clone());
            let account = account.ok_or_else(|| Failure::new("somebody has no account"))?;
            for _ in 0..3 {
                if !is_at_home(&mut client, &cookies, number).await? {
                    return Err(Failure::new("a session is not found"));
                }
            }
            let suspension = ChangeByHand {
                account,
                change: Change::Suspend,
                actor: Actor::Operator,
                because: "load".to_owned(),
                at: Utc::now(),
            };
            self.store.decide(Decision::change("acme".into(), suspension)).await?;
            let suspended = Instant::now();
            while is_at_home(&mut client, &cookies, number).await? {
                if suspended.elapsed() > PROMISED.saturating_mul(50) {
                    return Err(Failure::new("a session goes on after the suspension"));
                }
            }
            times.push(suspended.elapsed());
        }
        times.sort();
        let middle = times.get(times.len().div_euclid(2)).copied().unwrap_or_default();
        let longest = times.last().copied().unwrap_or_default();
        say(&format!(
            "suspended at another machine: a session ended after {:.1} ms (median of {}), {:.1} ms at most",
            middle.as_secs_f64() * 1000.0,
            times.len(),
            longest.as_secs_f64() * 1000.0,
        ));
        if longest < PROMISED { Ok(()) } else { Err(Failure::new("that is too late")) }
    }
}

/// Whether the page that is shown is this person's.
async fn is_at_home(client: &mut Client, cookies: &str, number: usize) -> Result<bool, Failure> {
    let page = client.send(&Request::get_with("/home", cookies)).await?;
    Ok(page.status == 200 && String::from_utf8_lossy(&page.body).contains(&email(number)))
}

async fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}
