//! Tests of the attacks on the availability of one customer's connection: a service in which any other connection stops
//! the first is vulnerable to all of them.

use std::cell::Cell;
use std::collections::BTreeSet;

use vouchsafe_testkit::attacks::availability::{SharedService, SignIn, all, run};
use vouchsafe_testkit::attacks::logout::{LogoutService, SignOutService, SignedOut};
use vouchsafe_testkit::attacks::{Answered, Asked, Delivery, EndpointVerdict};

use crate::logout::target;

/// A service that believes everything until another connection `stops` it.
struct Shared {
    stops: bool,
    takes_metadata: bool,
    others: Cell<usize>,
    is_open: Cell<bool>,
}

impl Shared {
    fn new(stops: bool, takes_metadata: bool) -> Shared {
        Shared { stops, takes_metadata, others: Cell::new(0), is_open: Cell::new(false) }
    }

    fn works(&self) -> bool {
        !self.stops || self.others.get() == 0
    }
}

impl LogoutService for Shared {
    async fn open(&self) {
        self.is_open.set(true);
    }

    async fn deliver(&self, _: &Delivery) -> Answered {
        self.is_open.set(self.is_open.get() && !self.works());
        if self.works() { Answered::Accepted } else { Answered::Refused }
    }

    async fn is_alive(&self) -> bool {
        self.is_open.get()
    }
}

impl SignOutService for Shared {
    async fn start(&self) -> Asked {
        Asked::new("_request")
    }

    async fn bring(&self, _: &Delivery) -> SignedOut {
        if self.works() { SignedOut::Everywhere } else { SignedOut::Refused }
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> SignedOut {
        self.bring(delivery).await
    }

    async fn sign_in_again(&self) {}

    async fn is_signed_in(&self) -> bool {
        true
    }
}

impl SharedService for Shared {
    async fn connect(&self, metadata: &str) -> bool {
        assert!(metadata.contains("EntityDescriptor"));
        self.others.set(self.others.get() + usize::from(self.takes_metadata));
        self.takes_metadata
    }

    async fn disconnect(&self) {
        self.others.set(0);
    }

    async fn bring_artifact(&self, artifact: &str) {
        assert!(artifact.starts_with("AAQA"), "{artifact}");
    }

    async fn sign_in(&self, _: SignIn) -> Option<bool> {
        Some(self.works())
    }
}

#[tokio::test]
async fn a_service_that_another_connection_stops_is_found() {
    let names: BTreeSet<String> = all().iter().map(|attack| attack.name().to_owned()).collect();
    assert_eq!(names.len(), all().len());
    for (stops, takes_metadata, expected) in [
        (true, true, EndpointVerdict::Succeeded),
        (false, true, EndpointVerdict::Harmless),
        (true, false, EndpointVerdict::Refused),
    ] {
        let report = run(&Shared::new(stops, takes_metadata), &target()).await;
        assert_eq!(report.entries().len(), names.len());
        // It takes no artifact, so that those of the other customer prove nothing.
        let without_artifacts = |name: &str| name.contains("/unresolved-artifacts/");
        let expected = |name: &str| match without_artifacts(name) && expected == EndpointVerdict::Harmless {
            true => EndpointVerdict::Inconclusive,
            false => expected,
        };
        assert!(
            report.entries().iter().all(|(name, found)| *found == expected(name)),
            "{stops} {takes_metadata}: {report}"
        );
    }
}

/// A service that does not work without the other connections either: the attacks prove nothing.
#[tokio::test]
async fn a_service_that_never_works_proves_nothing() {
    let service = Shared::new(true, true);
    service.others.set(1);
    let report = run(&service, &target()).await;
    assert!(report.inconclusive().any(|name| name == "availability/entity-id/sign-in"), "{report}");
}
