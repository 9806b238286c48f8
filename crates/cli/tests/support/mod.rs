//! Runs the command with files of the test.

pub mod schema;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use vouchsafe_testkit::keys::{self, KeyPair};
use vouchsafe_testkit::{IdentityProvider, ResponseBuilder};

/// The result of the command.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub fn vouchsafe<I: AsRef<str>>(arguments: impl IntoIterator<Item = I>) -> Run {
    with_input(arguments, b"")
}

/// Runs the command, and checks that its JSON follows its schema in `docs/schemas`.
pub fn with_input<I: AsRef<str>>(arguments: impl IntoIterator<Item = I>, input: &[u8]) -> Run {
    let arguments: Vec<String> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
        .args(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command with invalid arguments does not read its input, which is no error of the test.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let run = Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let wants_json = arguments.windows(2).any(|pair| pair == ["--format", "json"])
        || arguments.iter().any(|one| one == "--format=json");
    let is_asked = arguments.iter().any(|one| ["--help", "--version"].contains(&one.as_str()));
    if wants_json && !is_asked {
        fits_its_schema(&arguments, &run);
    }
    run
}

/// Checks that standard output has an answer of the subcommand or a refusal, and standard error an error otherwise.
fn fits_its_schema(arguments: &[String], run: &Run) {
    if run.stdout.is_empty() {
        let error = serde_json::from_str(&run.stderr)
            .unwrap_or_else(|error| panic!("{error}: {arguments:?} {run:?}"));
        let misfits = schema::misfits("error.json", &error);
        assert!(misfits.is_empty(), "{arguments:?}: {misfits:#?}");
        return;
    }
    let words = arguments.iter().map(String::as_str).filter(|one| !one.starts_with('-') && *one != "json");
    let words: Vec<&str> = words.take(2).collect();
    let known = [words.join("-"), words.first().copied().unwrap_or_default().to_owned()];
    let own = match words.as_slice() {
        ["okta", ..] => "values.json".to_owned(),
        ["values", ..] if arguments.iter().any(|one| one == "--check") => "values-check.json".to_owned(),
        _ => known
            .iter()
            .map(|name| format!("{name}.json"))
            .find(|name| schema::folder().join(name).exists())
            .unwrap_or_else(|| panic!("no schema for {arguments:?}")),
    };
    // There is one answer on each line, or one answer.
    let values: Vec<serde_json::Value> = match own.as_str() {
        "corpus-run.json" => run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        _ => vec![run.json()],
    };
    for value in values {
        let misfits = schema::misfits(&own, &value);
        let is_refusal = || run.status == 1 && schema::misfits("refused.json", &value).is_empty();
        assert!(misfits.is_empty() || is_refusal(), "{own}: {arguments:?}: {misfits:#?}");
    }
}

/// A folder of one test, with the keys and the metadata of the test kit.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Folder {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        std::fs::create_dir_all(&folder).unwrap();
        let folder = Folder(folder);
        folder.write("idp.xml", IdentityProvider::okta().metadata().unwrap());
        folder.pair("idp", keys::identity_provider());
        folder.pair("sp", keys::service_provider());
        folder.pair("evil", keys::attacker());
        folder
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.join(name), content).unwrap();
        self.path(name)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn pair(&self, name: &str, pair: &KeyPair) {
        self.write(&format!("{name}.crt"), pair.certificate().to_pem());
        self.write(&format!("{name}.key"), pair.private_key().to_pkcs8_pem().as_str());
    }
}

/// A good answer to `id-1` in Okta's form.
pub fn response() -> ResponseBuilder {
    IdentityProvider::okta().response().in_response_to("id-1").name_id("ada@example.com")
}

/// Runs `response check` of `file` with all required arguments; `more` adds further ones.
pub fn check(folder: &Folder, file: &str, more: &[&str]) -> Run {
    let metadata = folder.path("idp.xml");
    let now = (vouchsafe_testkit::ISSUE_INSTANT + chrono::TimeDelta::seconds(30)).to_rfc3339();
    let mut arguments = vec!["response", "check", file, "--idp-metadata", &metadata, "--now", &now];
    arguments.extend(["--entity-id", vouchsafe_testkit::SERVICE_PROVIDER]);
    arguments.extend(["--acs", vouchsafe_testkit::ASSERTION_CONSUMER]);
    if !more.contains(&"--unsolicited") && !more.contains(&"--in-response-to") {
        arguments.extend(["--in-response-to", "id-1"]);
    }
    arguments.extend(more);
    vouchsafe(arguments)
}
