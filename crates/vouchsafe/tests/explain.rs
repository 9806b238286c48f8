//! Every public error of every crate implements `Explain`, with its code, its hint and its public sentence.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vouchsafe::assertion::Claimed;
use vouchsafe::{BindingError, Explain, Explained, Limits, Refusal, RelayState};

/// Crates whose errors no service ever sees: tests, tools.
const NOT_SERVED: &[&str] = &["testkit", "cli", "oracle"];

#[test]
fn every_public_error_explains_itself() {
    let sources = sources();
    let errors: BTreeSet<String> = sources.iter().flat_map(|source| public_errors(source)).collect();
    let explained: BTreeSet<String> = sources.iter().flat_map(|source| explained(source)).collect();
    for known in
        ["XmlError", "PlanRefusal", "BindingError", "StoreError", "SignInError", "ClientError", "HttpError"]
    {
        assert!(errors.contains(known), "the scanner does not see {known}: {errors:?}");
    }
    let missing: Vec<_> = errors.difference(&explained).collect();
    assert!(missing.is_empty(), "public errors that do not implement Explain: {missing:?}");
    assert!(explained.contains("Refusal"));
}

#[test]
fn what_is_said_is_what_the_error_says() {
    let refusal: Refusal = Claimed::parse(b"<Response/>", &Limits::default()).unwrap_err();
    let binding: BindingError = RelayState::new("").unwrap_err();
    let crypto = vouchsafe::crypto::base64_decode("!").unwrap_err();
    let errors: [(&dyn Explain, &str, bool); 3] = [
        (&refusal, "assertion.not_a_response", true),
        (&binding, "binding.relay_state_length", false),
        (&crypto, "crypto.base64", false),
    ];
    for (error, code, has_ledger) in errors {
        assert_eq!(error.code(), code);
        assert!(!error.hint().is_empty());
        assert_eq!(error.public_message(), "The sign-in could not be completed.");
        assert_eq!(error.ledger().is_some(), has_ledger, "{code}");
    }
}

/// An error of an application, with a cause.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Caused(&'static str, #[source] std::io::Error);

impl Explain for Caused {
    fn code(&self) -> &'static str {
        "app.caused"
    }

    fn hint(&self) -> &'static str {
        "Start it."
    }
}

/// `main` prints the error that it returns with `Debug`.
#[test]
fn a_program_says_what_failed_and_what_to_change() {
    let program = || -> Result<RelayState, Explained> { Ok(RelayState::new("")?) };
    let error = RelayState::new("").unwrap_err();
    let expected = format!("{error} [binding.relay_state_length]. {}", error.hint());
    assert_eq!(format!("{:?}", program().unwrap_err()), expected);
    for message in ["it did not answer", "it did not answer: refused"] {
        let caused = Explained::from(Caused(message, std::io::Error::other("refused")));
        assert_eq!(caused.to_string(), "it did not answer: refused [app.caused]. Start it.");
    }
    assert_eq!(format!("{:?}", Explained::from("usage: app FILE")), "usage: app FILE");
    let taken = Explained::from(std::io::Error::from(std::io::ErrorKind::AddrInUse));
    assert!(taken.to_string().ends_with(": stop it, or choose another port."), "{taken}");
}

/// Types that are public and derive `Error`.
fn public_errors(source: &str) -> Vec<String> {
    let derived = source
        .split("#[derive(")
        .skip(1)
        .filter(|rest| rest.split(']').next().is_some_and(|derives| derives.contains("Error")));
    derived
        .filter_map(|rest| {
            let declaration = rest.lines().map(str::trim).find(|line| {
                ["pub ", "enum ", "struct ", "pub("].iter().any(|start| line.starts_with(start))
            })?;
            let name = declaration.strip_prefix("pub enum ").or(declaration.strip_prefix("pub struct "))?;
            Some(name.chars().take_while(char::is_ascii_alphanumeric).collect())
        })
        .collect()
}

/// Types for which `Explain` is implemented.
fn explained(source: &str) -> Vec<String> {
    let by_hand = source.split("Explain for ").skip(1);
    let by_hand =
        by_hand.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>());
    let listed = source.split("\nexplain!(").skip(1).filter_map(|rest| rest.split(')').next());
    let listed = listed.flat_map(|list| list.split(',')).map(|name| name.trim().to_owned());
    by_hand.chain(listed).filter(|name| !name.is_empty()).collect()
}

fn sources() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut waiting: Vec<PathBuf> = std::fs::read_dir(crates)
        .unwrap()
        .map(|one| one.unwrap())
        .filter(|one| !NOT_SERVED.iter().any(|name| one.file_name() == *name))
        .map(|one| one.path().join("src"))
        .collect();
    let mut sources = Vec::new();
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}
