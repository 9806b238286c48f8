//! The attack kit against the facade: no attack is accepted, and genuine messages are.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    reason = "this is a test: it may panic, and it tells what it found"
)]

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    Builder, Complete, EntityId, Expect, IdentityProvider, LoginOptions, PendingRequest, PostedResponse,
    ServiceProvider,
};
use vouchsafe_testkit::attacks::{self, Asked, Form, Outcome, Report, Target};
use vouchsafe_testkit::{self as testkit, Attribute, keys};

/// A service as small as can be: requests that wait, identifiers that were seen.
struct Service {
    service_provider: ServiceProvider,
    pending: Mutex<HashMap<String, PendingRequest>>,
    seen: Mutex<HashSet<String>>,
    now: DateTime<Utc>,
}

impl Service {
    fn new(configure: fn(Builder<Complete>) -> Builder<Complete>) -> Arc<Service> {
        let builder = ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
            .assertion_consumer(testkit::ASSERTION_CONSUMER)
            .unwrap()
            .trust(trusted(&testkit::IdentityProvider::okta()))
            .trust(trusted(&testkit::IdentityProvider::other()));
        Arc::new(Service {
            service_provider: configure(builder.accept_unsolicited()).build().unwrap(),
            pending: Mutex::default(),
            seen: Mutex::default(),
            now: testkit::ISSUE_INSTANT + TimeDelta::seconds(10),
        })
    }

    fn ask(&self) -> Asked {
        let okta = EntityId::new(testkit::OKTA_ENTITY_ID).unwrap();
        let (_, pending) =
            self.service_provider.start_login(&okta, LoginOptions::default(), self.now).unwrap();
        let asked = Asked::new(pending.request_id()).with_relay_state(pending.handle());
        self.pending.lock().unwrap().insert(pending.handle().to_owned(), pending);
        asked
    }

    fn post(&self, form: &Form) -> Outcome {
        let Ok(posted) = PostedResponse::from_form(form.to_body().as_bytes(), self.service_provider.limits())
        else {
            return Outcome::Refused;
        };
        let pending =
            posted.relay_state().and_then(|handle| self.pending.lock().unwrap().remove(handle.as_str()));
        let expect = pending.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
        let Ok(valid) = self.service_provider.receive(&posted, expect, self.now) else {
            return Outcome::Refused;
        };
        let key = valid.replay_key();
        let inserted = self.seen.lock().unwrap().insert(key.hash().to_owned());
        let Ok(login) = key.recorded(inserted).and_then(|first| valid.confirm(first)) else {
            return Outcome::Refused;
        };
        let subject = login.name_id().map(|name| name.value()).unwrap_or_default();
        login.attributes().iter().fold(Outcome::accepted(subject), |outcome, attribute| {
            attribute
                .values()
                .iter()
                .fold(outcome, |outcome, value| outcome.with_attribute(attribute.name(), value))
        })
    }

    fn attacked(self: &Arc<Service>, target: Target) -> Report {
        attacks::all().against(target.at(self.now)).run(|form| self.post(form))
    }

    fn attacked_in_reply(self: &Arc<Service>, target: Target) -> Report {
        let service = Arc::clone(self);
        self.attacked(target.answering(move || service.ask()))
    }
}

fn trusted(identity_provider: &testkit::IdentityProvider) -> IdentityProvider {
    IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
}

fn with_decryption_key(builder: Builder<Complete>) -> Builder<Complete> {
    let key = keys::service_provider();
    builder.decryption_key(key.private_key().clone(), key.certificate().clone())
}

/// Nothing accepted, and everything that was refused means something, but for what this configuration refuses anyway.
#[track_caller]
fn assert_withstood(report: &Report, inconclusive: usize) {
    println!("{report}");
    report.assert_none_accepted();
    let found: Vec<_> = report.inconclusive().map(|entry| entry.name).collect();
    assert_eq!(found.len(), inconclusive, "{found:?}");
}

#[test]
fn unsolicited() {
    let report = Service::new(|builder| builder).attacked(Target::default());
    assert_withstood(&report, 0);
}

#[test]
fn unsolicited_and_encrypted() {
    let target = Target::default().certificate(keys::service_provider().certificate());
    let report = Service::new(with_decryption_key).attacked(target);
    assert_withstood(&report, 0);
}

#[test]
fn in_reply() {
    let report = Service::new(|builder| builder).attacked_in_reply(Target::default());
    assert_withstood(&report, 0);
}

#[test]
fn in_reply_and_encrypted() {
    let target =
        Target::default().certificate(keys::service_provider().certificate()).attributes(|subject| {
            vec![Attribute::new("user.email", [subject]), Attribute::new("groups", ["a", "b"])]
        });
    let report = Service::new(with_decryption_key).attacked_in_reply(target);
    assert_withstood(&report, 0);
}

#[test]
fn an_identity_provider_on_a_curve() {
    let okta = || testkit::IdentityProvider::okta().with_key(keys::identity_provider_p256());
    let service = Service::new(|builder| builder);
    let service = Arc::new(Service {
        service_provider: service
            .service_provider
            .with_refreshed_trust(&EntityId::new(testkit::OKTA_ENTITY_ID).unwrap(), trusted(&okta()))
            .unwrap(),
        pending: Mutex::default(),
        seen: Mutex::default(),
        now: service.now,
    });
    let report = service.attacked(Target::default().identity_provider(okta()));
    // RSA-SHA1 cannot be made by this key.
    assert_withstood(&report, 1);
}

#[test]
fn a_service_that_wants_both_signatures() {
    let report = Service::new(|builder| builder.require_signed_response().require_signed_assertion())
        .attacked(Target::default());
    println!("{report}");
    report.assert_none_accepted();
    assert!(report.inconclusive().count() > 0, "attacks on half-signed messages show nothing here");
}

#[test]
fn a_service_that_refuses_everything_proves_nothing() {
    let report = attacks::all().run(|_| Outcome::Refused);
    assert!(report.proves_nothing() && report.accepted().next().is_none() && report.withstood() == 0);
}
