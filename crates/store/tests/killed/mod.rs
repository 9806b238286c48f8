//! A process that signs people in until it is killed, and what is there of them afterwards.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use vouchsafe_store::{
    Directory, SessionId, SessionStore,
    conformance::scenarios::{sign_in, valid},
};
use vouchsafe_testkit::ISSUE_INSTANT;

/// How many people sign in at the process that is killed.
pub(crate) const KILLED: usize = 100;

const CHILD: &str = "VOUCHSAFE_STORE_CHILD";

/// What the process that is killed was told: the address of its store, and the organization's token. `None` in every other process.
pub(crate) fn told() -> Option<(String, String)> {
    let told = std::env::var(CHILD).ok()?;
    told.split_once('\n').map(|(address, token)| (address.to_owned(), token.to_owned()))
}

/// Signs people in until it dies, and says so after each that was answered.
#[expect(clippy::print_stdout, reason = "the test that kills it reads what it says")]
pub(crate) async fn sign_people_in(store: impl Directory + Clone + 'static, token: &str) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..KILLED {
        let (store, valid) = (store.clone(), valid(&format!("p{number}"), token, &format!("id{number}")));
        tasks.spawn(async move {
            let signed_in = store.sign_in(sign_in(valid)).await.unwrap();
            println!("answered {number} {}", signed_in.id.reveal());
        });
    }
    tasks.join_all().await;
    println!("answered everybody");
}

/// Runs an ignored test of this program in a process that is killed when ten people were answered, and answers what it said of each.
pub(crate) fn answered_until_killed(test: &str, address: &str, token: &str) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(CHILD, format!("{address}\n{token}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let is_answered = |line: &String| line.contains("answered ");
    let mut answered: Vec<String> = lines.by_ref().filter(is_answered).take(10).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    answered.extend(lines.filter(is_answered));
    assert!(answered.len() >= 10);
    answered
}

/// Whoever was answered is signed in.
pub(crate) async fn are_signed_in(store: &impl SessionStore, answered: &[String]) {
    for line in answered.iter().filter_map(|line| line.split_once("answered ")) {
        let Some((number, id)) = line.1.split_once(' ').filter(|(_, id)| id.len() == 64) else { continue };
        let id = SessionId::received(id, &vouchsafe::Provider::rustcrypto()).unwrap();
        let session = store.find(&id, ISSUE_INSTANT).await.unwrap();
        assert!(session.is_some(), "p{number} was answered and is not signed in");
    }
}
