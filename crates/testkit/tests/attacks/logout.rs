//! Tests of the attacks on single logout: their names are stable, and a careless service is vulnerable to them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Read as _;

use vouchsafe_crypto::base64_decode;
use vouchsafe_testkit::attacks::EndpointVerdict;
use vouchsafe_testkit::attacks::logout::{Delivery, Door, LogoutService, LogoutTarget, all, run};
use vouchsafe_testkit::{IdentityProvider, SINGLE_LOGOUT};

fn target() -> LogoutTarget {
    let okta = IdentityProvider::okta();
    let victim = okta.logout_request().session_index("victim");
    LogoutTarget::new(okta, IdentityProvider::other(), SINGLE_LOGOUT, victim)
        .with_soap(format!("{SINGLE_LOGOUT}/soap"))
}

#[test]
fn every_attack_has_a_name_of_its_own() {
    let names: BTreeSet<String> = all().iter().map(|attack| attack.name()).collect();
    assert_eq!(names.len(), all().len());
    assert!(names.len() >= 100, "{}", names.len());
    for attack in all() {
        assert!(!attack.description().is_empty());
        assert!(!attack.deliveries(&target()).unwrap().is_empty(), "{}", attack.name());
    }
}

/// A service that ends a session whenever the victim's name occurs anywhere in a request.
struct Careless(Cell<bool>);

impl LogoutService for Careless {
    async fn open(&self) {
        self.0.set(true);
    }

    async fn deliver(&self, delivery: &Delivery) {
        if text(delivery).contains("ada@example.com") {
            self.0.set(false);
        }
    }

    async fn is_alive(&self) -> bool {
        self.0.get()
    }
}

/// Returns every message in the delivery, under any name.
fn text(delivery: &Delivery) -> String {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let messages = |text: &str, inflate: bool| {
        let values = text.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| decoded(value));
        let bytes = values.filter_map(|value| base64_decode(&value).ok()).map(|bytes| match inflate {
            true => {
                let mut xml = Vec::new();
                let _ = flate2::read::DeflateDecoder::new(bytes.as_slice()).read_to_end(&mut xml);
                xml
            }
            false => bytes,
        });
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect::<String>()
    };
    match delivery {
        Delivery::Redirect(query) => messages(query, true),
        Delivery::Post(form) => messages(form, false),
        Delivery::Soap(envelope) => envelope.clone(),
        _ => String::new(),
    }
}

/// A service that refuses everything, including genuine messages, which proves nothing.
struct Deaf;

impl LogoutService for Deaf {
    async fn open(&self) {}
    async fn deliver(&self, _: &Delivery) {}
    async fn is_alive(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_careless_service_falls_for_all_and_a_deaf_one_proves_nothing() {
    let report = run(&Careless(Cell::new(false)), &target()).await;
    let missed: Vec<_> =
        report.entries().iter().filter(|(name, _)| !report.findings().any(|found| found == name)).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let report = run(&Deaf, &target()).await;
    assert_eq!(report.inconclusive().count(), all().len());
    assert!(report.to_string().contains("proves nothing: logout/unsigned/redirect"));
    let soap = all().iter().filter(|attack| attack.door() == Door::Soap).count();
    assert!(soap > 30, "{soap}");
}

/// A service that ends sessions for the first messages, and then answers nothing any more.
struct Tired {
    inner: Careless,
    left: Cell<usize>,
}

impl LogoutService for Tired {
    async fn open(&self) {
        self.inner.open().await;
    }

    async fn deliver(&self, delivery: &Delivery) {
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            self.inner.deliver(delivery).await;
        }
    }

    async fn is_alive(&self) -> bool {
        self.inner.is_alive().await
    }
}

/// What a service refuses because it has stopped proves nothing.
#[tokio::test]
async fn a_service_that_stops_halfway_refuses_nothing() {
    let service = Tired { inner: Careless(Cell::new(true)), left: Cell::new(30) };
    let report = run(&service, &target()).await;
    assert!(report.findings().count() > 0, "{report}");
    assert!(report.inconclusive().count() > all().len() / 2, "{report}");
    let last = report.entries().last().unwrap();
    assert_eq!(last.1, EndpointVerdict::Inconclusive);
}
