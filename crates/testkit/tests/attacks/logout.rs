//! Tests of the attacks on single logout: their names are stable, and a careless service is vulnerable to them.

use std::cell::Cell;
use std::collections::BTreeSet;

use vouchsafe_testkit::attacks::logout::{
    LogoutService, LogoutTarget, SignOutService, SignedOut, all, all_answers, run, run_answers,
};
use vouchsafe_testkit::attacks::{Answered, Asked, Delivery, EndpointVerdict};
use vouchsafe_testkit::{IdentityProvider, SINGLE_LOGOUT};

use crate::messages::text;

pub(crate) fn target() -> LogoutTarget {
    let okta = IdentityProvider::okta();
    let victim = okta.logout_request().session_index("victim");
    LogoutTarget::new(okta, IdentityProvider::other(), SINGLE_LOGOUT, victim)
        .with_soap(format!("{SINGLE_LOGOUT}/soap"))
}

#[test]
fn every_attack_has_a_name_of_its_own() {
    let both: Vec<_> = all().into_iter().chain(all_answers()).collect();
    let names: BTreeSet<&str> = both.iter().map(|attack| attack.name()).collect();
    assert_eq!(names.len(), both.len());
    assert!(all().len() >= 100 && all_answers().len() >= 90, "{} {}", all().len(), all_answers().len());
    for attack in both {
        let description = attack.description();
        assert!(!description.is_empty() && !description.ends_with('.'), "{description}");
    }
}

/// A service that ends a session whenever the victim's name occurs anywhere in a request.
struct Careless(Cell<bool>);

impl LogoutService for Careless {
    async fn open(&self) {
        self.0.set(true);
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        if text(delivery).contains("ada@example.com") {
            self.0.set(false);
        }
        Answered::Accepted
    }

    async fn is_alive(&self) -> bool {
        self.0.get()
    }
}

/// A service that refuses everything, including genuine messages, which proves nothing.
struct Deaf;

impl LogoutService for Deaf {
    async fn open(&self) {}

    async fn deliver(&self, _: &Delivery) -> Answered {
        Answered::Refused
    }

    async fn is_alive(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_careless_service_falls_for_all_and_a_deaf_one_proves_nothing() {
    let report = run(&Careless(Cell::new(false)), &target()).await;
    let missed: Vec<_> =
        report.entries().iter().filter(|(_, found)| *found != EndpointVerdict::Succeeded).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let report = run(&Deaf, &target()).await;
    assert_eq!(report.inconclusive().count(), all().len());
    assert!(report.to_string().contains("proves nothing: logout/unsigned/redirect"));
    let soap = all().iter().filter(|attack| attack.door() == "soap").count();
    assert!(soap > 30, "{soap}");
}

/// A service that does what the first messages say, and then gives this answer to all others.
struct Tired {
    inner: Careless,
    left: Cell<usize>,
    then: Answered,
}

impl LogoutService for Tired {
    async fn open(&self) {
        self.inner.open().await;
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        let Some(left) = self.left.get().checked_sub(1) else { return self.then };
        self.left.set(left);
        self.inner.deliver(delivery).await
    }

    async fn is_alive(&self) -> bool {
        self.inner.is_alive().await
    }
}

/// What a service refuses because it has stopped proves nothing.
#[tokio::test]
async fn a_service_that_stops_halfway_refuses_nothing() {
    for then in [Answered::Refused, Answered::Unavailable] {
        let service = Tired { inner: Careless(Cell::new(true)), left: Cell::new(30), then };
        let report = run(&service, &target()).await;
        assert!(report.findings().count() > 0, "{report}");
        assert!(report.inconclusive().count() > all().len() / 2, "{report}");
        assert_eq!(report.entries().last().unwrap().1, EndpointVerdict::Inconclusive);
    }
}

/// A service that ends sessions only for requests that are signed as the kit's genuine ones, and answers all others as
/// `answered` says.
struct Strict {
    is_open: Cell<bool>,
    seen: Cell<usize>,
    answered: Answered,
    knows_the_other: bool,
}

impl LogoutService for Strict {
    async fn open(&self) {
        self.is_open.set(true);
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        // At each door, the kit sends a genuine message of each identity provider before the attacks.
        let place = self.seen.get();
        self.seen.set(place + 1);
        match place {
            0 => {
                self.is_open.set(false);
                Answered::Accepted
            }
            1 if self.knows_the_other => Answered::Accepted,
            1 => Answered::Refused,
            _ if text(delivery).contains("somebody@example.com") => Answered::Accepted,
            _ => self.answered,
        }
    }

    async fn is_alive(&self) -> bool {
        self.is_open.get()
    }
}

/// A message that has no effect that the test sees, and is answered like a genuine one, is a finding, except if it is a
/// genuine message about somebody else.
#[tokio::test]
async fn what_is_answered_like_a_genuine_message_is_a_finding() {
    let service = |answered, knows_the_other| Strict {
        is_open: Cell::new(false),
        seen: Cell::new(0),
        answered,
        knows_the_other,
    };
    let verdict = async |answered, knows_the_other, name: &str| {
        let report = run(&service(answered, knows_the_other), &target()).await;
        report.entries().iter().find(|(known, _)| known == name).unwrap().1
    };
    let unsigned = "logout/unsigned/redirect";
    assert_eq!(verdict(Answered::Accepted, true, unsigned).await, EndpointVerdict::Believed);
    // The genuine message after these attacks has no effect any more.
    assert_eq!(verdict(Answered::Refused, true, unsigned).await, EndpointVerdict::Inconclusive);
    let report = run(&service(Answered::Accepted, false), &target()).await;
    assert!(
        report.to_string().contains("answered as if it were genuine: logout/unsigned/redirect"),
        "{report}"
    );
    let of_other = "logout/other-key/redirect";
    assert!(report.inconclusive().any(|name| name == of_other), "{report}");
    assert!(!report.findings().any(|name| name.starts_with("logout/other-identity-provider")));
}

/// A service that takes every answer for a confirmation, or only those in which no failure is stated.
struct Credulous {
    reads_failures: bool,
}

impl SignOutService for Credulous {
    async fn start(&self) -> Asked {
        Asked::new("_request").with_relay_state("state")
    }

    async fn bring(&self, delivery: &Delivery) -> SignedOut {
        let text = text(delivery);
        match self.reads_failures && text.contains(":Responder") && !text.contains(":Success") {
            true => SignedOut::NotEverywhere,
            false => SignedOut::Everywhere,
        }
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> SignedOut {
        self.bring(delivery).await
    }

    async fn sign_in_again(&self) {}

    async fn is_signed_in(&self) -> bool {
        true
    }
}

/// A service that refuses all answers.
struct Unbelieving;

impl SignOutService for Unbelieving {
    async fn start(&self) -> Asked {
        Asked::new("_request")
    }

    async fn bring(&self, _: &Delivery) -> SignedOut {
        SignedOut::Refused
    }

    async fn bring_elsewhere(&self, _: &Delivery) -> SignedOut {
        SignedOut::Refused
    }

    async fn sign_in_again(&self) {}

    async fn is_signed_in(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_credulous_service_falls_for_all_answers() {
    let mut found = BTreeSet::new();
    for reads_failures in [false, true] {
        let report = run_answers(&Credulous { reads_failures }, &target()).await;
        found.extend(report.findings().map(str::to_owned));
    }
    let all = all_answers();
    let missed: Vec<_> = all.iter().filter(|attack| !found.contains(attack.name())).collect();
    assert!(missed.is_empty(), "{missed:?}");
    let report = run_answers(&Unbelieving, &target()).await;
    assert_eq!(report.inconclusive().count(), all.len());
}

/// A service that refuses answers without a signature in the query. If it is hasty, it counts a request as answered all
/// the same.
struct Hasty {
    is_hasty: bool,
    is_open: Cell<bool>,
}

impl SignOutService for Hasty {
    async fn start(&self) -> Asked {
        self.is_open.set(true);
        Asked::new("_request").with_relay_state("state")
    }

    async fn bring(&self, delivery: &Delivery) -> SignedOut {
        let is_signed = matches!(delivery, Delivery::Redirect(query) if query.contains("&Signature="));
        match self.is_open.get() && is_signed {
            true => {
                self.is_open.set(false);
                SignedOut::Everywhere
            }
            false => {
                self.is_open.set(self.is_open.get() && !self.is_hasty);
                SignedOut::Refused
            }
        }
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> SignedOut {
        self.bring(delivery).await
    }

    async fn sign_in_again(&self) {}

    async fn is_signed_in(&self) -> bool {
        true
    }
}

/// A forged answer that is refused and takes the place of the genuine one is a finding.
#[tokio::test]
async fn a_refused_answer_may_not_use_a_request_up() {
    for (is_hasty, expected) in [(true, EndpointVerdict::Succeeded), (false, EndpointVerdict::Refused)] {
        let report = run_answers(&Hasty { is_hasty, is_open: Cell::new(false) }, &target()).await;
        let unsigned = report.entries().iter().find(|(name, _)| name == "logout-answer/unsigned/redirect");
        assert_eq!(unsigned.unwrap().1, expected, "{report}");
    }
}
