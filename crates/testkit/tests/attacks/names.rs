//! Tests of the attacks on the address for names: their names are stable, and a careless service is vulnerable to them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_testkit::IdentityProvider;
use vouchsafe_testkit::attacks::names::{
    NameOrderService, NameService, NameTarget, all, all_answers, run, run_answers,
};
use vouchsafe_testkit::attacks::{Answered, Asked, Delivery, EndpointVerdict};

use crate::messages::text;

const ADDRESS: &str = "https://app.example.com/saml/name-id";

fn target() -> NameTarget {
    NameTarget::new(IdentityProvider::okta(), IdentityProvider::other(), ADDRESS)
        .with_soap(format!("{ADDRESS}/soap"))
}

#[test]
fn every_attack_has_a_name_of_its_own() {
    let both: Vec<_> = all().into_iter().chain(all_answers()).collect();
    let names: BTreeSet<&str> = both.iter().map(|attack| attack.name()).collect();
    assert_eq!(names.len(), both.len());
    assert!(all().len() >= 200 && all_answers().len() >= 80, "{} {}", all().len(), all_answers().len());
}

/// A service that changes the name of everybody whose name occurs anywhere in a request. If it takes answers, any of
/// them confirms its last order.
#[derive(Default)]
struct Careless {
    accounts: RefCell<BTreeMap<String, usize>>,
    signed_in: RefCell<BTreeSet<String>>,
    number: Cell<usize>,
    ordered: RefCell<Vec<String>>,
    reads_failures: bool,
}

impl NameService for Careless {
    async fn sign_in(&self, name: &str) {
        self.number.set(self.number.get() + 1);
        self.accounts.borrow_mut().entry(name.to_owned()).or_insert(self.number.get());
        self.signed_in.borrow_mut().insert(name.to_owned());
    }

    async fn is_signed_in(&self, name: &str) -> bool {
        self.signed_in.borrow().contains(name)
    }

    async fn account(&self, name: &str) -> Option<String> {
        self.accounts.borrow().get(name).map(ToString::to_string)
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        let text = text(delivery);
        let new = text.split_once("<samlp:NewID").and_then(|(_, rest)| rest.split_once('>'));
        let new = new.and_then(|(_, rest)| rest.split_once("</samlp:NewID>")).map(|(name, _)| name);
        let mut accounts = self.accounts.borrow_mut();
        let named: Vec<String> = accounts.keys().filter(|name| text.contains(*name)).cloned().collect();
        let victim = named.into_iter().find(|name| name.starts_with("victim"));
        if let Some(account) = victim.and_then(|name| accounts.remove(&name))
            && let Some(new) = new
        {
            accounts.insert(new.replace("<!-- -->", "").trim().to_owned(), account);
        }
        Answered::Accepted
    }
}

impl NameOrderService for Careless {
    async fn order_end(&self, name: &str) -> Asked {
        self.ordered.borrow_mut().push(name.to_owned());
        Asked::new(format!("_request{}", self.number.get())).with_relay_state("state")
    }

    async fn bring(&self, delivery: &Delivery) -> Answered {
        let text = text(delivery);
        let is_failure = self.reads_failures && text.contains(":Responder") && !text.contains(":Success");
        if let Some(name) = self.ordered.borrow_mut().pop_if(|_| !is_failure) {
            self.accounts.borrow_mut().remove(&name);
        }
        Answered::Accepted
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> Answered {
        self.bring(delivery).await
    }
}

/// A service that refuses everything, including genuine messages, which proves nothing.
struct Deaf;

impl NameService for Deaf {
    async fn sign_in(&self, _: &str) {}

    async fn is_signed_in(&self, _: &str) -> bool {
        true
    }

    async fn account(&self, _: &str) -> Option<String> {
        None
    }

    async fn deliver(&self, _: &Delivery) -> Answered {
        Answered::Refused
    }
}

#[tokio::test]
async fn a_careless_service_falls_for_all_requests_and_a_deaf_one_proves_nothing() {
    let report = run(&Careless::default(), &target()).await;
    let missed: Vec<_> =
        report.entries().iter().filter(|(_, found)| *found != EndpointVerdict::Succeeded).collect();
    assert!(missed.is_empty(), "{missed:?}");
    assert_eq!(report.entries().len(), all().len());
    let report = run(&Deaf, &target()).await;
    assert_eq!(report.inconclusive().count(), all().len());
}

#[tokio::test]
async fn a_careless_service_falls_for_all_answers() {
    let mut found = BTreeSet::new();
    for reads_failures in [false, true] {
        let service = Careless { reads_failures, ..Careless::default() };
        found.extend(run_answers(&service, &target()).await.findings().map(str::to_owned));
    }
    let all = all_answers();
    let missed: Vec<_> = all.iter().filter(|attack| !found.contains(attack.name())).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
