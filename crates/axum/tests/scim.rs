//! The SCIM endpoints over HTTP, checked by two test programs of other makers.
//!
//! The programs are `scim2-tester` and `scim-sanity`. If they are not installed, the test prints that and returns;
//! with `VOUCHSAFE_SCIM_PYTHON`, this is a failure.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "this is a test: it may panic")]

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::Utc;
use vouchsafe::provisioning::{
    Account, AccountId, Actor, Organization, OrganizationId, OrganizationToken, Role,
};
use vouchsafe::{ConnectionId, EntityId, Provider};
use vouchsafe_axum::{peer_address, scim_routes};
use vouchsafe_scim::{RequestRate, ScimService};
use vouchsafe_store::{Author, Directory as _, Memory, ScimStore as _, ScimToken};

/// Starts a service on a loopback port, and returns a token of it.
async fn served() -> (SocketAddr, String) {
    served_with(|scim| scim).await
}

/// The same with other settings.
async fn served_with(settings: impl FnOnce(ScimService) -> ScimService) -> (SocketAddr, String) {
    served_over(Arc::new(Memory::new()), settings).await
}

/// The same over a store.
async fn served_over(
    store: Arc<Memory>,
    settings: impl FnOnce(ScimService) -> ScimService,
) -> (SocketAddr, String) {
    let (provider, now) = (Provider::rustcrypto(), Utc::now());
    let author = Author::new(Actor::Operator, now);
    let mut acme = Organization::new(OrganizationId::new("acme"), "acme", "Acme");
    acme.entitled = true;
    acme.convert(EntityId::new("https://idp.acme.example").unwrap(), &provider, now).unwrap();
    store.add_organization(&acme, &author).await.unwrap();
    store.set_policy(&acme.id, "version = 1\n[admission]\ndomains = \"any\"", &author).await.unwrap();
    let mut owner = Account::new(AccountId::new("owner"), acme.id.clone(), "owner@acme.example");
    (owner.role, owner.has_password) = (Role::Owner, true);
    store.add_account(&owner, &author).await.unwrap();
    let token = OrganizationToken::issue(&provider).unwrap();
    let connection = ConnectionId::new("acme").unwrap();
    let record = ScimToken::new(token.hash(&provider).unwrap(), acme.id.clone(), connection, now);
    store.add_scim_token(&record, None, &author).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let scim = ScimService::new(store, format!("http://{address}/scim/v2"), provider)
        .with_rate(RequestRate { per_second: 1_000, burst: 10_000 })
        .with_client_address(peer_address);
    let app: Router = Router::new().nest("/scim/v2", scim_routes(settings(scim)));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, token.reveal())
}

#[tokio::test]
async fn a_person_is_pushed_over_http() {
    let (address, token) = served().await;
    let client = reqwest::Client::new();
    let base = format!("http://{address}/scim/v2");
    let body = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example",
        "emails": [{"value": "ada@acme.example"}]}"#;
    let post = || client.post(format!("{base}/Users")).header("content-type", "application/scim+json");
    assert_eq!(post().body(body).send().await.unwrap().status(), 401);
    let made = post().bearer_auth(&token).body(body).send().await.unwrap();
    assert_eq!(
        (made.status().as_u16(), made.headers()["content-type"].as_bytes()),
        (201, &b"application/scim+json"[..])
    );
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{base}/Users/")), "{location}");
    let read = client.get(location).bearer_auth(&token).send().await.unwrap();
    assert_eq!(read.status(), 200);
    // A body that is too large is refused with a SCIM error, too.
    let large = post().bearer_auth(&token).body("x".repeat(2 * 1024 * 1024)).send().await.unwrap();
    assert_eq!(large.status(), 413);
    let told: serde_json::Value = serde_json::from_str(&large.text().await.unwrap()).unwrap();
    assert_eq!(told["status"], "413");
    assert_eq!(client.get(base).bearer_auth(&token).send().await.unwrap().status(), 404);
}

/// The address of the TCP connection is the client's, in whose name invalid tokens are counted.
#[tokio::test]
async fn invalid_tokens_are_limited_for_the_address_of_the_connection() {
    let rate = |burst| RequestRate { per_second: 1, burst };
    let (address, token) = served_with(|scim| scim.with_failed_token_rates(rate(20), rate(10))).await;
    let client = reqwest::Client::new();
    let users = async |token: &str| {
        let sent = client.get(format!("http://{address}/scim/v2/Users")).bearer_auth(token).send().await;
        sent.unwrap().status().as_u16()
    };
    assert_eq!(users(&token).await, 200);
    let mut statuses = Vec::new();
    for number in 0..60 {
        statuses.push(users(&format!("{number:064}")).await);
    }
    // Those of this address, and what is left for all addresses.
    assert!(statuses.iter().take(30).all(|status| *status == 401), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(users(&token).await, 200, "a token in use is not affected");
}

/// A client without a token is answered before its announced body has come, and a client with one is not.
#[tokio::test]
async fn the_body_of_a_stranger_is_not_waited_for() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (address, token) = served().await;
    for (token, is_answered) in [("0".repeat(64), true), (token, false)] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/scim+json\r\ncontent-length: 500000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let wait = Duration::from_secs(if is_answered { 20 } else { 1 });
        let mut start = [0; 12];
        let answered = tokio::time::timeout(wait, stream.read_exact(&mut start)).await;
        assert_eq!(answered.is_ok(), is_answered);
        assert!(!is_answered || start == *b"HTTP/1.1 401");
    }
}

/// The holder of a stolen token opens a request, and sends its body when the token was revoked.
#[tokio::test]
async fn a_body_that_was_held_back_until_the_token_was_revoked_changes_nothing() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let store = Arc::new(Memory::new());
    let (address, token) = served_over(Arc::clone(&store), |scim| scim).await;
    let acme = OrganizationId::new("acme");
    let before = store.whole(&acme).await.unwrap();
    let body = r#"{"userName": "eve@acme.example", "emails": [{"value": "eve@acme.example"}]}"#;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/scim+json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The service asks for the body when it has found the token to be valid.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(asked, *b"HTTP/1.1 100 Continue\r\n\r\n");
    let connection = ConnectionId::new("acme").unwrap();
    let known = store.scim_tokens(&connection).await.unwrap();
    let author = Author::new(Actor::Operator, Utc::now());
    assert!(store.revoke_scim_token(&connection, known[0].id(), &author).await.unwrap());
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(start, *b"HTTP/1.1 401");
    assert_eq!(store.whole(&acme).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn scim2_tester_finds_nothing() {
    let Some(python) = python_with("scim2_tester") else { return };
    let (address, token) = served().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scim_testers/tester.py");
    run(Command::new(python).arg(script).arg(format!("http://{address}/scim/v2")).env("SCIM_TOKEN", token))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scim_sanity_finds_nothing() {
    let Some(python) = python_with("scim_sanity") else { return };
    let (address, token) = served().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scim_testers/sanity.py");
    run(Command::new(python).arg(script).arg(format!("http://{address}/scim/v2")).env("SCIM_TOKEN", token))
        .await;
}

/// Returns the Python that has a module: the one in `VOUCHSAFE_SCIM_PYTHON`, or the usual one.
fn python_with(module: &str) -> Option<String> {
    let given = std::env::var("VOUCHSAFE_SCIM_PYTHON").ok();
    let python = given.clone().unwrap_or_else(|| "python3".to_owned());
    let has_it = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if has_it.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(given.is_none(), "{module} is not installed: pip install scim2-tester scim-sanity");
    println!(
        "skipped: {module} is not installed (pip install scim2-tester scim-sanity; VOUCHSAFE_SCIM_PYTHON)"
    );
    None
}

async fn run(command: &mut Command) {
    let output = tokio::task::block_in_place(|| command.output()).unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        panic!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
}
