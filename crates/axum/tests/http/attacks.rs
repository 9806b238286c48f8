//! The attack kit against the routes, over real HTTP: forms as browsers post them, with cookies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::Utc;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Body, Response};
use vouchsafe::provisioning::{Organization, OrganizationId};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, ServiceProvider,
    Unsolicited,
};
use vouchsafe_store::{self as store, Directory, Memory, SessionId};
use vouchsafe_testkit::attacks::{
    self, Account, Asked, Attacks, Browser, CookieJar, Customer, Discovered, Form, Kind, Outcome, Report,
    Service, Session, Started, Target,
};
use vouchsafe_testkit::{self as testkit, Attribute, AuthnRequest, keys};
use vouchsafe_web::{OrganizationDiscovery, Provisioned, ReturnPaths, SingleSignOn};

use crate::app::author;
use crate::serve::serve;

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    connections: Arc<Connections>,
    /// The configuration of the service.
    setup: Setup,
    /// The outcome of each sign-in, by the session's hash.
    sign_ins: Arc<Mutex<HashMap<String, Outcome>>>,
    address: String,
    tokens: [String; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Setup {
    /// It starts no sign-ins and accepts unsolicited responses.
    Unsolicited,
    /// It accepts only answers to its own requests.
    InReply,
    /// It accepts only answers, and has an assertion consumer for each connection.
    OwnAddresses,
    /// It accepts only answers, and the other customer's metadata claims the entity ID of the first customer's
    /// identity provider.
    OneEntityId,
}

impl Setup {
    fn has_own_addresses(self) -> bool {
        matches!(self, Setup::OwnAddresses | Setup::OneEntityId)
    }

    fn identity_provider(self, customer: Customer) -> testkit::IdentityProvider {
        let (okta, other) = (testkit::IdentityProvider::okta(), testkit::IdentityProvider::other());
        match (customer, self) {
            (Customer::Other, Setup::OneEntityId) => {
                testkit::IdentityProvider::new(okta.entity_id(), other.single_sign_on(), other.key())
            }
            (Customer::Other, _) => other,
            _ => okta,
        }
    }
}

/// Returns the outcome for the attack kit to judge.
fn believed(sign_in: &store::CompletedSignIn) -> Outcome {
    let subject = sign_in.login.name_id().map(|name| name.value()).unwrap_or_default();
    let account = Account::new(sign_in.organization().as_str(), sign_in.account().as_str());
    let mut outcome = Outcome::accepted(subject).into_account(account);
    for attribute in sign_in.login.attributes().iter() {
        for value in attribute.values() {
            outcome = outcome.with_attribute(attribute.name(), value);
        }
    }
    outcome
}

impl App {
    /// A service with two customers, each with an identity provider and a token of its own.
    async fn start(setup: Setup) -> App {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let customers = [Customer::First, Customer::Other];
        let key = keys::service_provider();
        let connections = customers.map(|customer| connection(customer, setup, &address));
        let service_provider =
            ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
                .assertion_consumer(&format!("{address}/saml/acs"))
                .unwrap()
                .decryption_key(key.private_key().clone(), key.certificate().clone())
                .build()
                .unwrap();
        let store = Memory::new();
        let mut tokens = Vec::new();
        for (number, customer, domain) in
            [("1", Customer::First, "example.com"), ("2", Customer::Other, "example.org")]
        {
            let slug = slug(customer);
            let mut organization = Organization::new(OrganizationId::new(number), slug, slug);
            organization.entitled = true;
            organization.verified_domains = vec![domain.to_owned(), format!("{domain}.evil.example")];
            let name = EntityId::new(setup.identity_provider(customer).entity_id()).unwrap();
            let token = organization.convert(name, service_provider.provider(), Utc::now()).unwrap();
            tokens.push(token.reveal());
            store.add_organization(&organization, &author()).await.unwrap();
        }
        let connections: Arc<Connections> = Arc::new(connections.into_iter().collect());
        let store = Arc::new(store);
        let discovery = OrganizationDiscovery::new(Arc::clone(&store), Arc::clone(&connections));
        let (sso, provisioned) = Provisioned::over(service_provider, Arc::clone(&connections), store);
        let sso = sso
            .discovery(Arc::new(discovery))
            .return_paths(ReturnPaths::new("/").unwrap().under("/home").unwrap());
        let sign_ins = Arc::<Mutex<HashMap<String, Outcome>>>::default();
        let seen = Arc::clone(&sign_ins);
        let provisioned = provisioned.on_sign_in(move |sign_in| {
            seen.lock().unwrap().insert(sign_in.id.hash().to_owned(), believed(sign_in));
        });
        let tokens = tokens.try_into().unwrap();
        let app = App { sso, connections, setup, sign_ins, address, tokens };
        serve(listener, app.sso.clone(), provisioned).await;
        app
    }

    /// Returns the address to which a customer's identity provider posts responses.
    fn consumer(&self, customer: Customer) -> String {
        match self.setup.has_own_addresses() {
            true => own_consumer(customer, &self.address),
            false => format!("{}/saml/acs", self.address),
        }
    }

    fn target(&self) -> Target {
        let [own, other] = self.tokens.clone();
        let target = Target::new(format!("{}/saml/metadata", self.address), self.consumer(Customer::First));
        let target = match self.setup.has_own_addresses() {
            true => target.other_assertion_consumer(self.consumer(Customer::Other)),
            false => target,
        };
        target
            .identity_provider(self.setup.identity_provider(Customer::First))
            .other_identity_provider(self.setup.identity_provider(Customer::Other))
            .clock(Utc::now)
            .certificate(keys::service_provider().certificate())
            .attributes(move |subject| person(subject, &own))
            .other_attributes(move |subject| person(subject, &other))
            .other_attacker("mallory@example.org")
            .return_to("/home")
    }
}

/// The service as browsers reach it.
struct Reached {
    app: App,
    client: reqwest::Client,
    cookies: Mutex<HashMap<Browser, CookieJar>>,
}

impl Reached {
    async fn start(setup: Setup) -> Reached {
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        Reached { app: App::start(setup).await, client, cookies: Mutex::default() }
    }

    async fn send(&self, browser: Browser, request: reqwest::RequestBuilder) -> Response {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let held = self.cookies.lock().unwrap().entry(browser).or_default().header_with(body);
        request.headers_mut().insert(COOKIE, held.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        let jar = cookies.entry(browser).or_default();
        for cookie in response.headers().get_all(SET_COOKIE) {
            assert!(jar.keep(cookie.to_str().unwrap()), "{cookie:?} is no cookie");
        }
        response
    }

    /// Returns where the browser is sent at the start of a sign-in.
    async fn login(&self, browser: Browser, asked: &str, return_to: Option<&str>) -> Option<String> {
        let mut query = vec![("organization", asked)];
        query.extend(return_to.map(|path| ("return", path)));
        let request = self.client.get(format!("{}/saml/login", self.app.address)).query(&query);
        let response = self.send(browser, request).await;
        response.headers().get(LOCATION).map(|location| location.to_str().unwrap().to_owned())
    }
}

impl Service for Reached {
    /// A post counts as accepted if it ends with a session.
    async fn post(&self, browser: Browser, form: &Form) -> Outcome {
        let request = self.client.post(self.app.consumer(form.customer())).body(form.to_body());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(browser, request).await;
        let session = response.headers().get_all(SET_COOKIE).iter().find_map(|cookie| {
            let value = cookie.to_str().unwrap().strip_prefix("vouchsafe-session=")?;
            value.split(';').next().map(str::to_owned)
        });
        let location = response.headers().get(LOCATION).map(|location| location.to_str().unwrap().to_owned());
        match (response.status().as_u16(), session) {
            (303, Some(token)) => {
                let provider = self.app.sso.service_provider().provider();
                let session = SessionId::received(token, provider).unwrap();
                let outcome = self.app.sign_ins.lock().unwrap().remove(session.hash());
                outcome.unwrap().leading_to(location.unwrap())
            }
            (400..=499, None) => Outcome::Refused,
            // The browser is sent to sign in again: at the identity provider instead of using the answer, or at the
            // application.
            (303, None) => Outcome::Refused,
            other => panic!("neither a sign-in nor a refusal: {other:?}"),
        }
    }

    async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
        if self.app.setup == Setup::Unsolicited {
            return Started::NoDoor;
        }
        let Some(location) = self.login(browser, slug(customer), return_to).await else {
            return Started::Refused;
        };
        let request = AuthnRequest::from_redirect(&location).unwrap();
        Asked::new(request.id).with_relay_state(request.relay_state.unwrap()).into()
    }

    async fn session(&self, browser: Browser) -> Session {
        let request = self.client.get(format!("{}/maybe", self.app.address));
        let text = self.send(browser, request).await.text().await.unwrap();
        match text.split_once(' ') {
            Some((organization, number)) => Session::Of(Account::new(organization, number)),
            None => Session::Nobody,
        }
    }

    async fn set_trusted(&self, customer: Customer, trust: bool) -> bool {
        match trust {
            true => self.app.connections.put(connection(customer, self.app.setup, &self.app.address)),
            false => self.app.connections.remove(id(customer)),
        };
        true
    }

    async fn discover(&self, address: &str) -> Discovered {
        match self.login(Browser::new(), address, None).await {
            Some(location) => Discovered::At(location),
            None => Discovered::Nobody,
        }
    }
}

fn slug(customer: Customer) -> &'static str {
    if customer == Customer::Other { "globex" } else { "acme" }
}

/// The store names an organization's connection by its number.
fn id(customer: Customer) -> &'static str {
    if customer == Customer::Other { "2" } else { "1" }
}

fn own_consumer(customer: Customer, address: &str) -> String {
    format!("{address}/saml/{}/acs", id(customer))
}

fn connection(customer: Customer, setup: Setup, address: &str) -> Connection {
    let settings = ConnectionSettings::default();
    let settings = match setup {
        Setup::Unsolicited => settings.unsolicited(Unsolicited::Accept),
        Setup::InReply => settings,
        Setup::OwnAddresses | Setup::OneEntityId => {
            settings.assertion_consumer(&own_consumer(customer, address)).unwrap()
        }
    };
    Connection::new(ConnectionId::new(id(customer)).unwrap(), trusted(setup.identity_provider(customer)))
        .with_settings(settings)
        .unwrap()
}

fn trusted(identity_provider: testkit::IdentityProvider) -> IdentityProvider {
    IdentityProvider::from_metadata(identity_provider.metadata().unwrap().as_bytes()).unwrap()
}

/// Returns a person's attributes at a customer's identity provider.
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

/// Runs the attacks against the service. Only attacks that do not exist here are reported as not applicable.
async fn attacked(setup: Setup, missing: &[&str]) {
    attacked_by(attacks::all(), setup, missing).await;
}

async fn attacked_by(attacks: Attacks, setup: Setup, missing: &[&str]) {
    let service = Reached::start(setup).await;
    let report: Report = attacks.against(service.app.target()).run(&service).await;
    report.assert_none_accepted();
    println!("{report}");
    for entry in report.not_applicable() {
        let known = missing.iter().any(|name| entry.name.starts_with(name));
        assert!(known, "{} is not applicable: {:?}", entry.name, entry.verdict);
    }
}

const NEVER: [&str; 2] = ["configuration/", "redirect/"];
const ADDRESS: [&str; 1] = ["tenancy/address"];
const UNASKED: [&str; 4] = ["request/", "relay-state/", "replay/after-a", "replay/together-by-browsers"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsolicited() {
    let asked = [
        "request/",
        "browser/",
        "pending/",
        "return/",
        "cross-tenant/unasked",
        "replay/for-another",
        "replay/another-answer",
    ];
    attacked(Setup::Unsolicited, &[&NEVER[..], &ADDRESS, &asked].concat()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_reply() {
    attacked(Setup::InReply, &[&NEVER[..], &ADDRESS, &UNASKED].concat()).await;
}

/// Each customer has an assertion consumer, as Entra ID requires.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_reply_at_own_addresses() {
    attacked(Setup::OwnAddresses, &[&NEVER[..], &UNASKED].concat()).await;
}

/// A customer who configures the entity ID of another has its own accounts, and reaches none of the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_entity_id_for_two_customers() {
    attacked_by(attacks::of(Kind::Accounts), Setup::OneEntityId, &[]).await;
}
