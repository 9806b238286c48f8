//! Single logout and changes of names that an identity provider starts over SOAP, from its own server. Small programs
//! next to this file use the libraries lasso and pysaml2, since the identity providers of the other tests send
//! requests only by browser.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use vouchsafe::{ConnectionSettings, IdentityProvider, Unsolicited};
use vouchsafe_testkit::{self as testkit, keys};

use crate::identity_provider::{Carried, IdentityProviderProcess, LASSO, PYSAML2, Product, shared_folder};
use crate::logout_service::{LogoutBrowser, LogoutService};

/// A library, and the program that uses it.
struct Library {
    product: &'static Product,
    python: fn(&Path) -> PathBuf,
    program: &'static str,
}

const LASSO_LIBRARY: Library = Library {
    product: &LASSO,
    python: |_| PathBuf::from("/usr/bin/python3"),
    program: include_str!("over_soap_lasso.py"),
};
const PYSAML2_LIBRARY: Library = Library {
    product: &PYSAML2,
    python: |home| home.join("venv/pysaml2/bin/python"),
    program: include_str!("over_soap_pysaml2.py"),
};

#[tokio::test]
async fn lasso_ends_sessions_over_soap() {
    asks(&LASSO_LIBRARY, 7365, "logout", true).await;
}

/// pysaml2 rewrites the Body of an answer before it verifies the signature, and then refuses it. The session has
/// ended anyway.
#[tokio::test]
async fn pysaml2_ends_sessions_over_soap() {
    asks(&PYSAML2_LIBRARY, 7366, "logout", false).await;
}

#[tokio::test]
async fn lasso_changes_names_over_soap() {
    asks(&LASSO_LIBRARY, 7367, "name", true).await;
}

#[tokio::test]
async fn pysaml2_changes_names_over_soap() {
    asks(&PYSAML2_LIBRARY, 7368, "name", false).await;
}

/// A program that reads and writes lines of JSON.
struct Program(Child);

impl Program {
    fn start(python: &Path, folder: &Path, program: &str, service: &LogoutService, what: &str) -> Program {
        let okta = testkit::IdentityProvider::okta();
        let pair = keys::identity_provider();
        let key = pair.private_key().to_pkcs8_pem();
        let files = [
            ("program.py", program.to_owned()),
            ("idp.xml", okta.metadata().unwrap()),
            ("key.pem", key.as_str().to_owned()),
            ("cert.pem", pair.certificate().to_pem()),
            ("sp.xml", service.metadata()),
        ];
        let mut command = Command::new(python);
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            command.arg(path);
        }
        let child = command.arg(what).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Program(child)
    }

    fn hear(&mut self) -> serde_json::Value {
        let mut line = String::new();
        // A larger buffer would lose the text after the line; the program writes one line at a time.
        BufReader::with_capacity(1, self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn tell(&mut self, what: &serde_json::Value) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{what}").unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The identity provider sends this request about a person who has signed in.
async fn asks(library: &Library, port: u16, what: &str, confirms: bool) {
    let Some(shared) = shared_folder() else { return };
    let Library { product, python, program } = *library;
    let name = product.name;
    let (service, listener) = LogoutService::reserve().await;
    // Starting it installs the library.
    drop(IdentityProviderProcess::start(
        &shared,
        product,
        port,
        &[],
        &service.metadata(),
        &service.entity_id(),
    ));
    let home = std::env::var_os("IDP_HOME").map(PathBuf::from);
    let home =
        home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/saml-idps"));
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    service.listen(listener, trusted, ConnectionSettings::default().unsolicited(Unsolicited::Accept));

    let folder = std::env::temp_dir().join(format!("vouchsafe-soap-{name}-{what}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut there = Program::start(&python(&home), &folder, program, &service, what);
    let browser = LogoutBrowser::default();
    let response = there.hear()["response"].as_str().unwrap().to_owned();
    let consumer = format!("{}/saml/acs", service.address);
    let answer = browser.carry(&Carried::Post(consumer, vec![("SAMLResponse".to_owned(), response)])).await;
    assert_eq!(answer.status, 303, "{name}: {} {answer:?}", service.last_refusal());
    assert!(browser.is_signed_in(&service).await, "{name}");

    there.tell(&serde_json::json!({}));
    let asked = there.hear();
    let (url, envelope) = (asked["url"].as_str().unwrap(), asked["envelope"].as_str().unwrap());
    let address = if what == "logout" { "slo" } else { "name-id" };
    assert_eq!(url, format!("{}/saml/{address}/soap", service.address), "{name}");
    let post = async |body: String| {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).header("content-type", "text/xml").body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let changed = envelope.replace("user1@example.com", "user2@example.com").replace("theirs-1", "theirs-2");
    assert_ne!(changed, envelope, "{name}");
    let (status, fault) = post(changed).await;
    assert!(status == 403 && fault.contains("Fault>"), "{name}: {status} {fault}");
    assert!(browser.is_signed_in(&service).await, "{name}: what is not believed changes nothing");
    println!("{name} over SOAP, {what}: tampered: {}", service.last_refusal());

    let (status, answered) = post(envelope.to_owned()).await;
    assert_eq!(status, 200, "{name}: {} {answered}", service.last_refusal());
    assert!(!browser.is_signed_in(&service).await, "{name}: the session here is over");
    let (again, _) = post(envelope.to_owned()).await;
    assert_eq!(again, 403, "{name}: a request counts once");
    there.tell(&serde_json::json!({ "envelope": answered }));
    let said = there.hear();
    assert_eq!(said["confirmed"], confirms, "{name}: {said}");
    println!("{name} over SOAP, {what} begun there: the session here is over; it says {said}");
    std::fs::remove_dir_all(&folder).unwrap();
}
