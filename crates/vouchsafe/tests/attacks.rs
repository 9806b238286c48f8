//! The attack kit against the facade: no attack is accepted, and genuine messages are.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "this is a test: it may panic")]

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::metadata::EntityKey;
use vouchsafe::signature::{TrustedKey, verify_query};
use vouchsafe::{
    Builder, Complete, Connection, ConnectionId, ConnectionSettings, Connections, EntityId, Expect,
    IdentityProvider, LoginOptions, PendingRequest, PostedResponse, ServiceProvider, Unsolicited, redirect,
};
use vouchsafe_testkit::attacks::{
    self, Asked, Attacks, Browser, Customer, Form, Outcome, Received, Report, Service, Started, Target,
    posting,
};
use vouchsafe_testkit::{self as testkit, Attribute, keys};

/// A minimal service: pending requests, the bindings of browsers, and used identifiers.
struct App {
    service_provider: ServiceProvider,
    connections: Connections,
    /// Whether it accepts only answers to its own requests.
    solicited: bool,
    pending: Mutex<HashMap<String, PendingRequest>>,
    /// The binding that a browser holds, by the handle of the request.
    bindings: Mutex<HashMap<(Browser, String), String>>,
    seen: Mutex<HashSet<String>>,
    now: DateTime<Utc>,
}

impl App {
    fn new(solicited: bool, configure: fn(Builder<Complete>) -> Builder<Complete>) -> App {
        let connections = [Customer::First, Customer::Other]
            .map(|customer| connection(id(customer), trusted(&identity_provider(customer)), solicited));
        App::of(configure(builder()).build().unwrap(), connections.into_iter().collect(), solicited)
    }

    fn of(service_provider: ServiceProvider, connections: Connections, solicited: bool) -> App {
        App {
            service_provider,
            connections,
            solicited,
            pending: Mutex::default(),
            bindings: Mutex::default(),
            seen: Mutex::default(),
            now: testkit::ISSUE_INSTANT + TimeDelta::seconds(10),
        }
    }

    fn receive(&self, browser: Browser, form: &Form) -> Option<Outcome> {
        let saml = &self.service_provider;
        let posted = PostedResponse::from_form(form.to_body().as_bytes(), saml.limits()).ok()?;
        let claimed = saml.open(posted).ok()?;
        let handle = claimed.relay_state().map(|handle| handle.as_str().to_owned());
        let held = handle
            .as_ref()
            .and_then(|handle| self.bindings.lock().unwrap().get(&(browser, handle.clone())).cloned());
        let pending = handle.filter(|_| held.is_some());
        let pending = pending.and_then(|handle| self.pending.lock().unwrap().remove(&handle));
        let candidates = self.connections.candidates(&claimed, pending.as_ref());
        let bound = match pending {
            Some(pending) => Some(pending.bind(held.as_deref(), saml.provider()).ok()?),
            None => None,
        };
        let expect = bound.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
        let valid = saml.receive(claimed, &candidates, expect, self.now).ok()?;
        let key = valid.replay_key();
        let inserted = self.seen.lock().unwrap().insert(key.hash().to_owned());
        let login = valid.confirm(key.recorded(inserted)).ok()?;
        let subject = login.name_id().map(|name| name.value()).unwrap_or_default();
        Some(login.attributes().iter().fold(Outcome::accepted(subject), |outcome, attribute| {
            attribute
                .values()
                .iter()
                .fold(outcome, |outcome, value| outcome.with_attribute(attribute.name(), value))
        }))
    }

    fn attacked(&self, target: Target) -> Report {
        attacked(attacks::all(), self, target)
    }
}

impl Service for App {
    async fn post(&self, browser: Browser, form: &Form) -> Outcome {
        self.receive(browser, form).unwrap_or(Outcome::Refused)
    }

    async fn post_together(&self, posts: &[(Browser, Form)]) -> Vec<Outcome> {
        thread::scope(|scope| {
            let threads: Vec<_> =
                posts.iter().map(|(browser, form)| scope.spawn(|| self.receive(*browser, form))).collect();
            threads.into_iter().map(|one| one.join().unwrap().unwrap_or(Outcome::Refused)).collect()
        })
    }

    async fn start(&self, browser: Browser, customer: Customer, _return_to: Option<&str>) -> Started {
        if !self.solicited {
            return Started::NoDoor;
        }
        let connection = self.connections.get(id(customer)).unwrap();
        let started =
            self.service_provider.start_login(&connection, LoginOptions::default(), self.now).unwrap();
        let handle = started.pending.handle().to_owned();
        let asked = Asked::new(started.pending.request_id()).with_relay_state(&handle);
        let binding = started.binding.reveal().to_owned();
        self.bindings.lock().unwrap().insert((browser, handle.clone()), binding);
        self.pending.lock().unwrap().insert(handle, started.pending);
        asked.into()
    }

    async fn set_trusted(&self, customer: Customer, trust: bool) -> bool {
        match trust {
            true => self.connections.put(connection(
                id(customer),
                trusted(&identity_provider(customer)),
                self.solicited,
            )),
            false => self.connections.remove(id(customer)),
        };
        true
    }

    async fn post_trusting(&self, metadata: &str, form: &Form) -> Option<Outcome> {
        let Ok(identity_provider) = IdentityProvider::from_metadata(metadata.as_bytes()) else {
            return Some(Outcome::Refused);
        };
        let connection = connection("configured", identity_provider, false);
        let app = App::of(self.service_provider.clone(), [connection].into_iter().collect(), false);
        Some(app.post(Browser::new(), form).await)
    }

    async fn receive_query(&self, query: &str) -> Received {
        let provider = self.service_provider.provider();
        let connection = self.connections.get(id(Customer::First)).unwrap();
        let okta = connection.identity_provider();
        let key = |key: &EntityKey| {
            TrustedKey::new(provider.public_key(key.spki_der()).unwrap(), "the identity provider's")
        };
        let trusted: Vec<_> = okta.signing_keys().iter().map(key).collect();
        let Ok(verified) = verify_query(query, &trusted, provider) else { return Received::Refused };
        let Ok(decoded) = redirect::decode(&verified, self.service_provider.limits()) else {
            return Received::Refused;
        };
        let message = String::from_utf8_lossy(decoded.bytes()).into_owned();
        Received::believed(message, decoded.relay_state().map(|state| state.as_str()))
    }
}

fn builder() -> Builder<Complete> {
    ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
}

fn id(customer: Customer) -> &'static str {
    if customer == Customer::Other { "other" } else { "okta" }
}

fn identity_provider(customer: Customer) -> testkit::IdentityProvider {
    match customer {
        Customer::Other => testkit::IdentityProvider::other(),
        _ => testkit::IdentityProvider::okta(),
    }
}

fn connection(name: &str, identity_provider: IdentityProvider, solicited: bool) -> Connection {
    let unsolicited = if solicited { Unsolicited::Refuse } else { Unsolicited::Accept };
    Connection::new(ConnectionId::new(name).unwrap(), identity_provider)
        .with_settings(ConnectionSettings::default().unsolicited(unsolicited))
        .unwrap()
}

fn trusted(identity_provider: &testkit::IdentityProvider) -> IdentityProvider {
    IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
}

fn with_decryption_key(builder: Builder<Complete>) -> Builder<Complete> {
    let key = keys::service_provider();
    builder.decryption_key(key.private_key().clone(), key.certificate().clone())
}

fn encrypted() -> Target {
    Target::default().certificate(keys::service_provider().certificate())
}

/// Runs the attacks against the service, at its time. Accounts and redirects do not exist in the facade, so the
/// report names them as not applicable.
fn attacked(attacks: Attacks, app: &App, target: Target) -> Report {
    let report = attacks.against(target.at(app.now)).run_blocking(app);
    let doors = ["account/", "return/", "relay-state/", "tenancy/address"];
    let missing = |name: &str| doors.iter().any(|door| name.starts_with(door));
    for attack in attacks::all().iter().filter(|attack| missing(attack.name())) {
        let mut told = report.not_applicable().map(|entry| entry.name);
        assert!(told.any(|name| name == attack.name()), "{} needs a door that is not there", attack.name());
    }
    report
}

#[test]
fn unsolicited() {
    App::new(false, |builder| builder).attacked(Target::default()).assert_none_accepted();
}

#[test]
fn unsolicited_and_encrypted() {
    App::new(false, with_decryption_key).attacked(encrypted()).assert_none_accepted();
}

#[test]
fn in_reply() {
    App::new(true, |builder| builder).attacked(Target::default()).assert_none_accepted();
}

#[test]
fn in_reply_and_encrypted() {
    let target = encrypted().attributes(|subject| {
        vec![Attribute::new("user.email", [subject]), Attribute::new("groups", ["a", "b"])]
    });
    App::new(true, with_decryption_key).attacked(target).assert_none_accepted();
}

#[test]
fn an_identity_provider_on_a_curve() {
    let okta = || testkit::IdentityProvider::okta().with_key(keys::identity_provider_p256());
    let app = App::new(false, |builder| builder);
    app.connections.put(connection(id(Customer::First), trusted(&okta()), false));
    // These attacks remove the trust and restore it, which would bring the usual key instead of this one.
    let wanted = |name: &str| !name.starts_with("tenancy/disabled");
    let attacks = attacks::all()
        .only(wanted)
        .not_applicable("algorithm/rsa-sha1", "a key on a curve cannot make it")
        .not_applicable("redirect/sha1", "a key on a curve cannot make it");
    attacked(attacks, &app, Target::default().identity_provider(okta())).assert_none_accepted();
}

#[test]
fn a_service_that_wants_both_signatures() {
    let app = App::new(false, |builder| builder.require_signed_response().require_signed_assertion());
    let reason = "both signatures are wanted";
    let attacks = attacks::all()
        .not_applicable("control/response-signed", reason)
        .not_applicable("control/assertion-signed", reason);
    let report = attacked(attacks, &app, Target::default());
    report.assert_none_accepted();
    assert!(report.not_applicable().any(|entry| entry.name == "wrapping/xsw3"));
}

#[test]
fn a_service_that_refuses_everything_proves_nothing() {
    let report = attacks::all().run_blocking(&posting(|_| Outcome::Refused));
    assert!(report.proves_nothing() && report.accepted().next().is_none() && report.withstood() == 0);
}
