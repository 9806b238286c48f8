//! The attack kit against the routes, over real HTTP: forms as a browser would post them, cookies and all.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "this is a test: it may panic, and it tells what it found"
)]

use std::sync::{Arc, Mutex};

use axum::Router;
use chrono::Utc;
use reqwest::header::LOCATION;
use vouchsafe::provisioning::{Organization, OrganizationId};
use vouchsafe::{EntityId, IdentityProvider, ServiceProvider};
use vouchsafe_axum::{ReturnPaths, Service, SignIn, Store, routes};
use vouchsafe_store::{Directory, Memory};
use vouchsafe_testkit::attacks::{self, Asked, Form, Outcome, Report, Target};
use vouchsafe_testkit::{self as testkit, Attribute, AuthnRequest, keys};

#[derive(Clone)]
struct App {
    service_provider: ServiceProvider,
    store: Memory,
    paths: Arc<ReturnPaths>,
    /// As whom the last sign-in was, and what else was believed.
    last: Arc<Mutex<Option<Outcome>>>,
    address: String,
    tokens: [String; 2],
}

impl Service for App {
    fn service_provider(&self) -> ServiceProvider {
        self.service_provider.clone()
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn return_paths(&self) -> &ReturnPaths {
        &self.paths
    }

    async fn signed_in(&self, sign_in: &SignIn<'_>) {
        let subject = sign_in.login.name_id().map(|name| name.value()).unwrap_or_default();
        let mut outcome = Outcome::accepted(subject);
        for attribute in sign_in.login.attributes().iter() {
            for value in attribute.values() {
                outcome = outcome.with_attribute(attribute.name(), value);
            }
        }
        *self.last.lock().unwrap() = Some(outcome);
    }
}

impl App {
    /// A service with two customers, each with an identity provider and a token of its own.
    async fn start() -> App {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let [okta, other] = [testkit::IdentityProvider::okta(), testkit::IdentityProvider::other()];
        let trusted = |identity_provider: &testkit::IdentityProvider| {
            IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
        };
        let key = keys::service_provider();
        let service_provider =
            ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
                .assertion_consumer(&format!("{address}/saml/acs"))
                .unwrap()
                .trust(trusted(&okta))
                .trust(trusted(&other))
                .decryption_key(key.private_key().clone(), key.certificate().clone())
                .accept_unsolicited()
                .build()
                .unwrap();
        let store = Memory::new();
        let mut tokens = Vec::new();
        for (number, slug, domain, identity_provider) in
            [("1", "acme", "example.com", &okta), ("2", "globex", "example.org", &other)]
        {
            let mut organization = Organization::new(OrganizationId::new(number), slug, slug);
            organization.entitled = true;
            organization.verified_domains = vec![domain.to_owned(), format!("{domain}.evil.example")];
            let name = EntityId::new(identity_provider.entity_id()).unwrap();
            let token = organization.convert(name, service_provider.provider(), Utc::now()).unwrap();
            tokens.push(token.reveal());
            store.add_organization(&organization).await.unwrap();
        }
        let app = App {
            service_provider,
            store,
            paths: Arc::new(ReturnPaths::new("/")),
            last: Arc::default(),
            address,
            tokens: tokens.try_into().unwrap(),
        };
        let router = Router::new().merge(routes()).with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        app
    }

    fn target(&self) -> Target {
        let [own, other] = self.tokens.clone();
        Target::new(format!("{}/saml/metadata", self.address), format!("{}/saml/acs", self.address))
            .clock(Utc::now)
            .certificate(keys::service_provider().certificate())
            .attributes(move |subject| person(subject, &own))
            .other_attributes(move |subject| person(&subject.replace("example.com", "example.org"), &other))
    }

    /// Posts from a browser; accepted is what ends at a session.
    async fn post(&self, browser: &reqwest::Client, form: &Form) -> Outcome {
        self.last.lock().unwrap().take();
        let request = browser.post(format!("{}/saml/acs", self.address)).body(form.to_body());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.unwrap();
        let believed = self.last.lock().unwrap().take();
        match (answer.status().as_u16(), believed) {
            (303, Some(outcome)) => outcome,
            (400..=499, None) => Outcome::Refused,
            other => panic!("neither a sign-in nor a refusal: {other:?}"),
        }
    }
}

/// What a customer's identity provider says of a person.
fn person(subject: &str, token: &str) -> Vec<Attribute> {
    let values = [
        ("user.email", subject),
        ("user.username", subject),
        ("user.first_name", "First"),
        ("user.last_name", "Last"),
        ("token", token),
    ];
    values.into_iter().map(|(name, value)| Attribute::new(name, [value])).collect()
}

fn browser() -> reqwest::Client {
    let policy = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(policy).cookie_store(true).build().unwrap()
}

#[track_caller]
fn assert_withstood(report: &Report) {
    println!("{report}");
    report.assert_none_accepted();
    let inconclusive: Vec<_> = report.inconclusive().map(|entry| entry.name).collect();
    assert!(inconclusive.is_empty(), "{inconclusive:?}");
}

#[tokio::test]
async fn unsolicited() {
    let app = App::start().await;
    let report = attacks::all()
        .against(app.target())
        .run_async(async |form: &Form| app.post(&browser(), form).await)
        .await;
    assert_withstood(&report);
    let left_out: Vec<_> = report.left_out().map(|entry| entry.name).collect();
    assert!(left_out.iter().all(|name| name.starts_with("request/") || *name == "cross-tenant/unasked"));
}

#[tokio::test]
async fn in_reply() {
    let app = App::start().await;
    let browser = browser();
    let start = async || {
        let answer =
            browser.get(format!("{}/saml/login?organization=acme", app.address)).send().await.unwrap();
        let location = answer.headers()[LOCATION].to_str().unwrap();
        let request = AuthnRequest::from_redirect(location).unwrap();
        Asked::new(request.id).with_relay_state(request.relay_state.unwrap())
    };
    let post = async |form: &Form| app.post(&browser, form).await;
    let report = attacks::all().against(app.target()).run_answering(start, post).await;
    assert_withstood(&report);
}
