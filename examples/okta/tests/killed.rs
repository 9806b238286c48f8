//! The service is killed while fifty browsers post what their identity provider answered, and started again over the same folder.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test: it may panic"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::Utc;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use vouchsafe_testkit::AuthnRequest;
use vouchsafe_testkit::server::{App, AppId, Config, Okta, User, start};

const CLIENTS: usize = 50;
const PEOPLE: usize = 240;
/// How many are signed in when the process is killed.
const ENOUGH: usize = 80;

/// A process of the example.
struct Service {
    child: Child,
    /// What it printed until it was ready.
    printed: Vec<String>,
}

impl Service {
    async fn start(address: &str, metadata_url: &str, folder: &Path) -> Service {
        let mut child = Command::new(env!("CARGO_BIN_EXE_okta"))
            .args(["--metadata-url", metadata_url, "--listen", address])
            .args(["--data".as_ref(), folder.as_os_str()])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            printed.push(line);
            if printed.last().unwrap().contains("Owner:") {
                return Service { child, printed };
            }
        }
        panic!("the service ended: {printed:?}");
    }

    fn token(&self) -> &str {
        let line = self.printed.iter().find_map(|line| line.trim_start().strip_prefix("token "));
        line.unwrap().trim()
    }
}

/// One person's sign-in, up to the answer of the identity provider.
struct Answered {
    person: String,
    cookie: String,
    form: Vec<(&'static str, String)>,
}

/// What a browser knows when the service is gone.
#[derive(Debug, PartialEq)]
enum Known {
    NotPosted,
    /// The connection broke, before or after the service had decided.
    Nothing,
    SignedIn {
        session: String,
    },
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_in_flight_is_used_or_good_for_another_try() {
    let folder = Folder::new();
    let server = start(Config::default()).await.unwrap();
    let okta = server.okta();
    let address = free_address();
    let base = format!("http://{address}");
    let app =
        okta.add_app(App::new("Loadbench", format!("{base}/saml/metadata"), format!("{base}/saml/acs")));
    for number in 0..PEOPLE {
        okta.add_user(User::new(person(number), "Ada", format!("Number {number}")));
        okta.assign(&app, &person(number)).unwrap();
    }
    let metadata_url = okta.metadata_url(&app).unwrap();
    let mut service = Service::start(&address, &metadata_url, &folder.0).await;
    okta.set_attribute(&app, "token", service.token()).unwrap();

    let answers = Arc::new(answers(&base, &okta, &app).await);
    let known = post_until_killed(&base, &answers, &mut service).await;
    let signed_in = known.iter().filter(|known| matches!(known, Known::SignedIn { .. })).count();
    let cut_off = known.iter().filter(|known| **known == Known::Nothing).count();
    assert!(signed_in >= ENOUGH, "{signed_in} were signed in before");
    assert!(cut_off > 0, "nobody was in the middle");

    // The identity provider may be down when the service comes back.
    server.stop().await;
    let _service = Service::start(&address, &metadata_url, &folder.0).await;
    let (mut again, mut committed) = (0, 0);
    for (answer, known) in answers.iter().zip(&known) {
        match known {
            // What a browser was told is so.
            Known::SignedIn { session } => assert!(is_signed_in(&base, session, answer).await, "{answer:?}"),
            Known::NotPosted => assert!(session(&post(&base, answer).await.unwrap()).is_some()),
            // The reload of a browser that was told nothing: it is signed in by the same response, or that was committed before.
            Known::Nothing => match session(&post(&base, answer).await.unwrap()) {
                Some(session) => {
                    assert!(is_signed_in(&base, &session, answer).await, "{answer:?}");
                    again += 1;
                }
                None => {
                    assert!(
                        is_recorded(&folder.0, answer).await,
                        "neither signed in nor good again: {answer:?}"
                    );
                    committed += 1;
                }
            },
        }
    }
    println!(
        "{signed_in} were signed in, {cut_off} were cut off: {again} signed in by posting again, {committed} were signed in already"
    );
}

/// Fifty browsers post, and the process is killed with all of them under way.
async fn post_until_killed(base: &str, answers: &Arc<Vec<Answered>>, service: &mut Service) -> Vec<Known> {
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (base, answers) = (base.to_owned(), Arc::clone(answers));
            let (next, done) = (Arc::clone(&next), Arc::clone(&done));
            tokio::spawn(async move {
                let mut known = Vec::new();
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(answer) = answers.get(place) else { return known };
                    let Ok(response) = post(&base, answer).await else {
                        known.push((place, Known::Nothing));
                        return known;
                    };
                    let status = response.status();
                    let session = session(&response).unwrap_or_else(|| panic!("{answer:?}: {status}"));
                    known.push((place, Known::SignedIn { session }));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    while done.load(Ordering::Relaxed) < ENOUGH {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    service.child.kill().await.unwrap();
    let mut all: Vec<Known> = answers.iter().map(|_| Known::NotPosted).collect();
    for client in clients {
        for (place, known) in client.await.unwrap() {
            all[place] = known;
        }
    }
    all
}

async fn answers(base: &str, okta: &Okta, app: &AppId) -> Vec<Answered> {
    let mut answers = Vec::new();
    for number in 0..PEOPLE {
        let started = browser().get(format!("{base}/saml/login?organization=acme&return=/home")).send().await;
        let started = started.unwrap();
        let location = started.headers()["location"].to_str().unwrap();
        let request = AuthnRequest::from_redirect(location).unwrap();
        let issued = okta.issue(app, &person(number), Some(&request), Utc::now()).unwrap();
        answers.push(Answered {
            person: person(number),
            cookie: cookie(&started, "vouchsafe-login").unwrap(),
            form: vec![
                ("SAMLResponse", issued.to_base64()),
                ("RelayState", request.relay_state.unwrap_or_default()),
            ],
        });
    }
    answers
}

async fn post(base: &str, answer: &Answered) -> reqwest::Result<Response> {
    let request = browser().post(format!("{base}/saml/acs")).header("Cookie", &answer.cookie);
    request.form(&answer.form).send().await
}

fn session(response: &Response) -> Option<String> {
    cookie(response, "vouchsafe-session")
}

fn cookie(response: &Response, name: &str) -> Option<String> {
    let set = response.headers().get_all("set-cookie").into_iter().map(|value| value.to_str().unwrap());
    let mut pairs = set.filter_map(|value| value.split(';').next());
    pairs.find(|pair| pair.starts_with(name) && !pair.ends_with('=')).map(str::to_owned)
}

async fn is_signed_in(base: &str, session: &str, answer: &Answered) -> bool {
    let home = browser().get(format!("{base}/home")).header("Cookie", session).send().await.unwrap();
    home.text().await.unwrap().contains(&answer.person)
}

/// Whether the sign-in that the browser never heard of is in the database.
async fn is_recorded(folder: &Path, answer: &Answered) -> bool {
    use vouchsafe_store::Directory as _;
    let store = vouchsafe_store::Sqlite::open(folder.join("loadbench.db")).await.unwrap();
    let whole = store.whole(&"acme".into()).await.unwrap();
    whole.account_with_email(&answer.person).is_some_and(|account| account.last_sign_in.is_some())
}

/// Its connections are shared; cookies are sent by hand.
fn browser() -> &'static Client {
    static BROWSER: LazyLock<Client> =
        LazyLock::new(|| Client::builder().no_proxy().redirect(Policy::none()).build().unwrap());
    &BROWSER
}

fn person(number: usize) -> String {
    format!("ada{number}@acme.example")
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

impl std::fmt::Debug for Answered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.person)
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let folder = std::env::temp_dir().join(format!("vouchsafe-okta-killed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
