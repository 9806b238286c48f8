//! Tests of the attacks on sign-ins by artifact: their names are stable, and a careless service is vulnerable to
//! them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use vouchsafe_crypto::base64_decode;
use vouchsafe_testkit::IdentityProvider;
use vouchsafe_testkit::attacks::Asked;
use vouchsafe_testkit::attacks::artifact::{ArtifactService, ArtifactTarget, Brought, Resolver, all, run};

fn target() -> (ArtifactTarget, String) {
    let resolver = Resolver::start().unwrap();
    let address = resolver.address().to_owned();
    let okta = resolver.at(IdentityProvider::okta());
    let victim = okta.response();
    (ArtifactTarget::new(resolver, okta, IdentityProvider::other(), victim), address)
}

#[test]
fn every_attack_has_a_name_of_its_own() {
    let names: BTreeSet<String> = all().iter().map(|attack| attack.name()).collect();
    assert_eq!(names.len(), all().len());
    assert!(names.len() >= 120, "{}", names.len());
    for attack in all() {
        assert!(!attack.description().is_empty() && !attack.description().ends_with('.'));
    }
}

/// A service that resolves any artifact, and believes an answer in which the victim's name occurs. It also accepts a
/// form with a Response.
struct Careless {
    resolver: String,
    number: Cell<u32>,
}

impl Careless {
    fn signs_in(&self, brought: &Brought) -> bool {
        let (Brought::Query(fields) | Brought::Form(fields)) = brought else { return false };
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let values = fields.split('&').filter_map(|pair| pair.split_once('='));
        let posted = values.filter_map(|(_, value)| base64_decode(decoded(value)).ok());
        let is_posted = posted.into_iter().any(|bytes| names_the_victim(&String::from_utf8_lossy(&bytes)));
        is_posted || names_the_victim(&self.ask())
    }

    fn ask(&self) -> String {
        self.number.set(self.number.get() + 1);
        let host = self.resolver.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let question = format!(
            "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><ArtifactResolve ID=\"_q{}\"/></S:Body></S:Envelope>",
            self.number.get()
        );
        let head =
            format!("POST /artifact HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", question.len());
        stream.write_all([head, question].concat().as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn names_the_victim(text: &str) -> bool {
    text.contains("ada@example.com")
}

impl ArtifactService for Careless {
    async fn start(&self) -> Asked {
        Asked::new("_request").with_relay_state("state")
    }

    async fn bring(&self, brought: &Brought) -> bool {
        self.signs_in(brought)
    }

    async fn bring_elsewhere(&self, brought: &Brought) -> bool {
        self.signs_in(brought)
    }
}

/// A service that refuses everything, including genuine artifacts, which proves nothing.
struct Deaf;

impl ArtifactService for Deaf {
    async fn start(&self) -> Asked {
        Asked::new("_request")
    }

    async fn bring(&self, _: &Brought) -> bool {
        false
    }

    async fn bring_elsewhere(&self, _: &Brought) -> bool {
        false
    }
}

#[tokio::test]
async fn a_careless_service_falls_for_all_and_a_deaf_one_proves_nothing() {
    let (target, resolver) = target();
    let report = run(&Careless { resolver, number: Cell::new(0) }, &target).await;
    let missed: Vec<_> =
        report.entries().iter().filter(|(name, _)| !report.findings().any(|found| found == name)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    assert!(report.to_string().contains("SIGNED IN: artifact/unsigned/query"), "{report}");
    assert!(target.questions() > all().len());
    let report = run(&Deaf, &target).await;
    assert_eq!(report.inconclusive().count(), all().len());
    assert!(report.to_string().contains("proves nothing: artifact/unsigned/form"));
}
