//! Two processes of the example over one folder, and a second start while the identity provider is down.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::Utc;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use vouchsafe_testkit::server::{App, AppId, Config, Okta, Server, User, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_needs_no_identity_provider() {
    let folder = Folder::new();
    let address = free_address();
    let (server, acme) = identity_provider(&address).await;
    let okta = server.okta();
    let metadata_url = okta.metadata_url(&acme).unwrap();
    let service = Service::start(&address, &address, &metadata_url, &folder.0);
    okta.set_attribute(&acme, "token", &service.printed("token ")).unwrap();
    assert!(session(&post(&address, &answer(&okta, &acme, ADA)).await).is_some());
    let late = answer(&okta, &acme, ADA);
    server.stop().await;
    drop(service);

    let _service = Service::start(&address, &address, &metadata_url, &folder.0);
    assert!(session(&post(&address, &late).await).is_some(), "the stored metadata is enough");
    assert_eq!(post(&address, &late).await.status(), 403, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_over_one_folder_know_the_same() {
    let folder = Folder::new();
    let (one, other) = (free_address(), free_address());
    let (server, acme) = identity_provider(&one).await;
    let okta = server.okta();
    let globex = okta.add_app(app(&one));
    okta.add_user(User::new(GRACE, "Grace", "Hopper"));
    okta.assign(&globex, GRACE).unwrap();
    let metadata_url = okta.metadata_url(&acme).unwrap();
    let first = Service::start(&one, &one, &metadata_url, &folder.0);
    okta.set_attribute(&acme, "token", &first.printed("token ")).unwrap();
    let _second = Service::start(&other, &one, &metadata_url, &folder.0);

    // Globex is converted on one of them, and its people sign in on the other.
    assert_eq!(post(&other, &answer(&okta, &globex, GRACE)).await.status(), 403, "not converted yet");
    let owner = Owner::sign_in(&one, &first.printed("Owner: owner@acme.example, password ")).await;
    let page =
        owner.post("/settings/connect", &[("metadata_url", &okta.metadata_url(&globex).unwrap())]).await;
    let token = page.split_once("id=\"token\">").unwrap().1.split_once('<').unwrap().0;
    okta.set_attribute(&globex, "token", token).unwrap();
    assert!(session(&post(&other, &answer(&okta, &globex, GRACE)).await).is_some());

    // One response, posted to both at the same time.
    for _ in 0..5 {
        let response = answer(&okta, &acme, ADA);
        let (here, there) = tokio::join!(post(&one, &response), post(&other, &response));
        let accepted = [&here, &there].into_iter().filter(|answer| session(answer).is_some()).count();
        assert_eq!(accepted, 1, "{} {}", here.status(), there.status());
        assert!([here.status(), there.status()].contains(&reqwest::StatusCode::FORBIDDEN));
    }

    // And what is disconnected on one is disconnected on the other.
    owner.post("/settings/disconnect", &[]).await;
    assert_eq!(post(&other, &answer(&okta, &globex, GRACE)).await.status(), 403);
    assert!(session(&post(&other, &answer(&okta, &acme, ADA)).await).is_some(), "nobody else is");
}

const ADA: &str = "ada@acme.example";
const GRACE: &str = "grace@globex.example";

/// An identity provider with Ada, and its app for the service at this address.
async fn identity_provider(service: &str) -> (Server, AppId) {
    let server = start(Config::default()).await.unwrap();
    let okta = server.okta();
    okta.add_user(User::new(ADA, "Ada", "Lovelace"));
    let acme = okta.add_app(app(service));
    okta.assign(&acme, ADA).unwrap();
    (server, acme)
}

fn app(service: &str) -> App {
    App::new("Loadbench", format!("http://{service}/saml/metadata"), format!("http://{service}/saml/acs"))
}

/// What the identity provider's dashboard sends along.
fn answer(okta: &Okta, app: &AppId, person: &str) -> Vec<(&'static str, String)> {
    vec![("SAMLResponse", okta.issue(app, person, None, Utc::now()).unwrap().to_base64())]
}

async fn post(address: &str, form: &[(&'static str, String)]) -> Response {
    client().post(format!("http://{address}/saml/acs")).form(form).send().await.unwrap()
}

fn session(response: &Response) -> Option<String> {
    let set = response.headers().get_all("set-cookie").into_iter().map(|value| value.to_str().unwrap());
    let mut pairs = set.filter_map(|value| value.split(';').next());
    pairs.find(|pair| pair.starts_with("vouchsafe-session") && !pair.ends_with('=')).map(str::to_owned)
}

fn client() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

/// The owner of Globex, signed in with a password.
struct Owner {
    address: String,
    session: String,
}

impl Owner {
    async fn sign_in(address: &str, password: &str) -> Owner {
        let form = [("email", "owner@globex.example"), ("password", password)];
        let answer = client()
            .post(format!("http://{address}/sign-in/password"))
            .header("Origin", format!("http://{address}"))
            .form(&form)
            .send()
            .await
            .unwrap();
        Owner { address: address.to_owned(), session: session(&answer).unwrap() }
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> String {
        let request = client().post(format!("http://{}{path}", self.address)).form(form);
        let request =
            request.header("Cookie", &self.session).header("Origin", format!("http://{}", self.address));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let place = answer.headers()["location"].to_str().unwrap();
        let page = client().get(format!("http://{}{place}", self.address)).header("Cookie", &self.session);
        page.send().await.unwrap().text().await.unwrap()
    }
}

/// A process of the example. It ends with the value.
struct Service {
    child: Child,
    lines: Vec<String>,
}

impl Service {
    /// Listens at one address; browsers know it by another, as behind a balancer.
    fn start(address: &str, known_as: &str, metadata_url: &str, folder: &Path) -> Service {
        let mut child = Command::new(env!("CARGO_BIN_EXE_okta"))
            .args(["--listen", address, "--base-url", &format!("http://{known_as}")])
            .args(["--metadata-url", metadata_url, "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let is_last = line.contains("Owner:");
            lines.push(line);
            if is_last {
                break;
            }
        }
        assert!(child.try_wait().unwrap().is_none(), "the service ended: {lines:?}");
        Service { child, lines }
    }

    /// What follows these words in what it printed.
    fn printed(&self, before: &str) -> String {
        let mut lines = self.lines.iter().filter_map(|line| line.trim_start().strip_prefix(before));
        lines.next().unwrap().trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("vouchsafe-okta-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
