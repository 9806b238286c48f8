//! A service with two customers and the portal, an identity provider whose metadata is loaded over HTTP, and a DNS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::FromRef;
use axum::extract::State;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpListener;
use vouchsafe::metadata::OwnRollover;
use vouchsafe::provisioning::{Actor, Organization, OrganizationId};
use vouchsafe::{ConnectionState, EntityId, LoginOptions, Provider, ServiceProvider};
use vouchsafe_axum::{
    AcceptedLogin, OrganizationDiscovery, Provisioned, ReturnPaths, SetUp, SetUpBrand, SetUpChange,
    SetUpEvent, SignedIn, SingleSignOn, StoredConnections, provisioned_routes, routes, set_up_routes,
};
use vouchsafe_client::{Client, ClientError};
use vouchsafe_store::{
    Author, ConnectionStore, Directory, KeyHistory, Memory, SetUpLink, SetUpPurpose, SetUpSecret, SetUpStore,
    StoredConnection, StoredSettings,
};
use vouchsafe_testkit::{self as testkit, Attribute, AuthnRequest};

use crate::browser::{Browser, Page};
use crate::held::{Held, HeldConnections, Next};

/// The records of the simulated DNS.
pub(crate) type Records = Arc<Mutex<HashMap<String, Vec<String>>>>;

/// The differences from the usual service.
#[derive(Clone, Copy, Default)]
pub(crate) struct Differences {
    pub(crate) token_required: bool,
    pub(crate) activates_untried: bool,
    /// Whether it has the next certificate for its requests in its metadata.
    pub(crate) announces_a_key: bool,
    /// Whether each connection has a decryption key of its own.
    pub(crate) own_keys: bool,
    /// Whether each connection has an assertion consumer of its own.
    pub(crate) own_addresses: bool,
    /// Whether every sign-in requests two factors.
    pub(crate) two_factors: bool,
    /// Whether the service keeps its users itself. Then no organization has a verified domain.
    pub(crate) own_users: bool,
    /// Whether people are sent by the name of their organization.
    pub(crate) discovers: bool,
    /// Whether the application's function for changes panics at an activation.
    pub(crate) panics_when_told: bool,
}

pub(crate) struct World {
    pub(crate) address: String,
    pub(crate) store: Memory,
    pub(crate) set_up: SetUp,
    pub(crate) dns: Records,
    /// The metadata that the identity provider publishes at [`metadata_url`](Self::metadata_url).
    pub(crate) published: Arc<Mutex<String>>,
    /// Which keys of the service are being replaced.
    pub(crate) rollovers: Arc<Mutex<Vec<OwnRollover>>>,
    /// What the application was told, and not looked at yet.
    events: Arc<Mutex<Vec<SetUpEvent>>>,
    clock: Arc<Mutex<TimeDelta>>,
    stopped: Arc<Mutex<Option<DateTime<Utc>>>>,
    held: Next,
}

#[derive(Clone)]
struct App {
    sso: SingleSignOn,
    provisioned: Provisioned,
    published: Arc<Mutex<String>>,
}

impl FromRef<App> for SingleSignOn {
    fn from_ref(app: &App) -> SingleSignOn {
        app.sso.clone()
    }
}

impl FromRef<App> for Provisioned {
    fn from_ref(app: &App) -> Provisioned {
        app.provisioned.clone()
    }
}

/// The authentication context that is requested if every sign-in needs two factors.
pub(crate) const TWO_FACTORS: &str = "https://refeds.org/profile/mfa";

pub(crate) fn acme() -> OrganizationId {
    OrganizationId::new("acme")
}

pub(crate) fn globex() -> OrganizationId {
    OrganizationId::new("globex")
}

impl World {
    pub(crate) async fn make() -> World {
        World::make_with(Differences::default()).await
    }

    pub(crate) async fn make_with(differences: Differences) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let store = Memory::new();
        for (id, name, domain) in
            [(acme(), "Acme & Sons <Ltd>", "example.com"), (globex(), "Globex", "globex.example")]
        {
            let mut organization = Organization::new(id.clone(), id.as_str(), name);
            organization.entitled = true;
            if !differences.own_users {
                organization.verified_domains = vec![domain.to_owned()];
            }
            store.add_organization(&organization, &author()).await.unwrap();
        }
        let builder = ServiceProvider::builder(EntityId::new(format!("{address}/saml/metadata")).unwrap())
            .assertion_consumer(&format!("{address}/saml/acs"))
            .unwrap();
        let builder = match differences.announces_a_key {
            true => {
                let (ours, next) =
                    (testkit::keys::service_provider(), testkit::keys::other_identity_provider());
                builder
                    .signing_key(ours.private_key().clone(), ours.certificate().clone())
                    .next_signing_certificate(next.certificate().clone())
                    .decryption_key(ours.private_key().clone(), ours.certificate().clone())
                    .single_logout(&format!("{address}/saml/slo"))
                    .unwrap()
            }
            false => builder,
        };
        let service_provider = builder.build().unwrap();
        let shared = Arc::new(store.clone());
        let (dns, published) =
            (Records::default(), Arc::new(Mutex::new(testkit::IdentityProvider::okta().metadata().unwrap())));
        let own_address = address.clone();
        let client = Client::with_loopback().unwrap();
        let records = Arc::clone(&dns);
        let rollovers = Arc::<Mutex<Vec<OwnRollover>>>::default();
        let told = Arc::clone(&rollovers);
        let events = Arc::<Mutex<Vec<SetUpEvent>>>::default();
        let noted = Arc::clone(&events);
        let set_up = SetUp::new(Arc::clone(&shared), "/set-up")
            .brand(
                SetUpBrand::new("Loadbench")
                    .logo("/logo.svg")
                    .unwrap()
                    .support("Write to <support@loadbench.example>."),
            )
            .metadata_by(move |address| {
                let client = client.clone();
                async move { client.load(&address).await }
            })
            .records_by(move |name| {
                let found = records.lock().unwrap().get(&name).cloned().unwrap_or_default();
                async move { Ok::<_, ClientError>(found) }
            })
            .own_rollovers(move || told.lock().unwrap().clone())
            .on_change(move |event| {
                noted.lock().unwrap().push(event.clone());
                let is_activated = matches!(event.change, SetUpChange::Activated { .. });
                assert!(!(differences.panics_when_told && is_activated), "a defect of the application");
            })
            .settings(move |connection, _, _| {
                let mut settings = StoredSettings::default();
                settings.token_required = differences.token_required;
                if differences.own_addresses {
                    let own = format!("{own_address}/saml/{connection}/acs");
                    settings.sign_in = settings.sign_in.assertion_consumer(&own).unwrap();
                }
                settings
            });
        let set_up = if differences.activates_untried { set_up.danger_activate_untried() } else { set_up };
        let set_up = if differences.own_users { set_up.own_users() } else { set_up };
        let own = testkit::keys::old_service_provider();
        let set_up = match differences.own_keys {
            true => set_up.encryption_certificates(move |_, _| Some(own.certificate().clone())),
            false => set_up,
        };
        let source = StoredConnections::new(Arc::clone(&shared));
        let source = match differences.own_keys {
            true => source.prepared_by(move |_, connection| {
                connection.with_decryption_key(own.private_key().clone(), own.certificate().clone())
            }),
            false => source,
        };
        let held = Next::default();
        let connections = Arc::new(HeldConnections { source, next: Arc::clone(&held) });
        let clock = Arc::new(Mutex::new(TimeDelta::zero()));
        let ahead = Arc::clone(&clock);
        let stopped = Arc::new(Mutex::new(None));
        let stands = Arc::clone(&stopped);
        let (sso, provisioned) =
            Provisioned::over(service_provider, Arc::clone(&connections), Arc::clone(&shared));
        let sso = sso
            .return_paths(ReturnPaths::new("/home").unwrap())
            .key_history(Arc::clone(&shared) as Arc<dyn KeyHistory>)
            .clock(move || stands.lock().unwrap().unwrap_or_else(Utc::now) + *ahead.lock().unwrap())
            .login_options(move |_, _| match differences.two_factors {
                true => LoginOptions::default().requested_contexts([TWO_FACTORS]),
                false => LoginOptions::default(),
            })
            .set_up_by(set_up.clone());
        let sso = match differences.discovers {
            true => sso.discovery(Arc::new(OrganizationDiscovery::new(Arc::clone(&shared), connections))),
            false => sso,
        };
        let app = App { sso, provisioned, published: Arc::clone(&published) };
        let home = async |signed_in: Option<SignedIn>| {
            let session = signed_in.as_ref().map(SignedIn::session);
            session.map(|session| session.organization.to_string()).unwrap_or_default()
        };
        let router = Router::new()
            .route("/home", get(home))
            .route("/idp/metadata", get(async |State(app): State<App>| app.published.lock().unwrap().clone()))
            .merge(match differences.own_users {
                true => routes(signed_in),
                false => provisioned_routes(),
            })
            .merge(set_up_routes(&set_up))
            .with_state(app);
        tokio::spawn(async move { axum::serve(listener, router).await });
        World { address, store, set_up, dns, published, rollovers, events, clock, stopped, held }
    }

    /// What the application was told since this was asked.
    pub(crate) fn told(&self) -> Vec<SetUpEvent> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// Holds the next look-up of a connection after it was read.
    pub(crate) fn hold_the_next_look_up(&self) -> Held {
        self.held.lock().unwrap().insert(Held::default()).clone()
    }

    pub(crate) fn metadata_url(&self) -> String {
        format!("{}/idp/metadata", self.address)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + *self.clock.lock().unwrap()
    }

    /// Lets the service's clock stand still.
    pub(crate) fn stop_the_clock(&self) {
        *self.stopped.lock().unwrap() = Some(Utc::now());
    }

    pub(crate) fn wait(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::at(&self.address)
    }

    /// A link for a week, as an owner issues it.
    pub(crate) async fn link(
        &self,
        organization: OrganizationId,
        purpose: SetUpPurpose,
    ) -> (SetUpSecret, SetUpLink) {
        let secret = SetUpSecret::generate(&Provider::rustcrypto()).unwrap();
        let now = self.now();
        let link = SetUpLink::new(&secret, organization, purpose, now, now + TimeDelta::days(7));
        self.store.add_set_up_link(&secret, &link, &author()).await.unwrap();
        (secret, self.store.set_up_link(&link.id).await.unwrap().unwrap())
    }

    /// Lets all links of an organization work for another week.
    pub(crate) async fn renew_links(&self, organization: &OrganizationId) {
        for mut link in self.store.set_up_links_of(organization).await.unwrap() {
            link.renew_until(self.now() + TimeDelta::days(7));
            self.store.update_set_up_link(&link, &author()).await.unwrap();
        }
    }

    /// A browser that opened a link.
    pub(crate) async fn opened(&self, secret: &SetUpSecret) -> (Browser, Page) {
        let browser = self.browser();
        let landing = browser.get(&self.set_up.link_path(secret)).await;
        let overview = browser.submit(&landing, "/set-up/begin", &[]).await;
        (browser, overview)
    }

    /// A browser with a link of an organization that has chosen Okta.
    pub(crate) async fn at_values(&self, organization: OrganizationId) -> (Browser, SetUpLink, Page) {
        let (secret, link) = self.link(organization, SetUpPurpose::Everything).await;
        let (browser, _) = self.opened(&secret).await;
        let products = browser.get("/set-up/product").await;
        browser.submit(&products, "/set-up/product", &[("product", "okta")]).await.is(200);
        let values = browser.get("/set-up/values").await;
        values.is(200).says("Copy these values into Okta");
        (browser, link, values)
    }

    /// A browser with a link whose draft waits for a trial.
    pub(crate) async fn at_trial(&self, organization: OrganizationId) -> (Browser, SetUpLink, Page) {
        let (browser, link, _) = self.at_values(organization).await;
        let form = browser.get("/set-up/metadata").await;
        let url = self.metadata_url();
        let trial = browser.submit(&form, "/set-up/metadata", &[("metadata_url", &url)]).await;
        trial.is(200).says("Try a sign-in");
        (browser, link, trial)
    }

    /// A browser on the page that activates the connection, after a good trial.
    pub(crate) async fn at_activation(&self, organization: OrganizationId) -> (Browser, SetUpLink, Page) {
        let (browser, link, _) = self.at_trial(organization).await;
        let tried = self.tried(&browser, &testkit::IdentityProvider::okta(), "ada@example.com").await;
        tried.says("would be accepted");
        let page = browser.get("/set-up/activate").await;
        (browser, link, page)
    }

    /// Returns the form with the identity provider's answer to the request that a page leads to.
    pub(crate) fn answer(
        &self,
        identity_provider: &testkit::IdentityProvider,
        address: &str,
        person: &str,
    ) -> Vec<(&'static str, String)> {
        self.answer_with(identity_provider, address, person, |response| response)
    }

    pub(crate) fn answer_with(
        &self,
        identity_provider: &testkit::IdentityProvider,
        address: &str,
        person: &str,
        change: impl FnOnce(testkit::ResponseBuilder) -> testkit::ResponseBuilder,
    ) -> Vec<(&'static str, String)> {
        let request = AuthnRequest::from_redirect(address.split_once('?').unwrap().1).unwrap();
        let response = identity_provider
            .response()
            .at(self.now())
            .service_provider(
                format!("{}/saml/metadata", self.address),
                &format!("{}/saml/acs", self.address),
            )
            .assertion_id(format!("{}.answer", request.id))
            .in_response_to(&request.id)
            .name_id(person)
            .attribute(Attribute::new("user.email", [person]))
            .attribute(Attribute::new("user.first_name", ["Ada"]))
            .attribute(Attribute::new("user.last_name", ["Lovelace"]));
        let response = change(response).issue().unwrap();
        vec![("SAMLResponse", response.to_base64()), ("RelayState", request.relay_state.unwrap_or_default())]
    }

    /// Posts an answer to the assertion consumer, like a page of another site.
    pub(crate) async fn carry(&self, browser: &Browser, answer: &[(&'static str, String)]) -> Page {
        let fields: Vec<(&str, &str)> = answer.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post_from("/saml/acs", &fields, Some("cross-site"), Some("https://example.okta.com")).await
    }

    /// Tries the draft as this person, and returns the page with the result.
    pub(crate) async fn tried(
        &self,
        browser: &Browser,
        identity_provider: &testkit::IdentityProvider,
        person: &str,
    ) -> Page {
        let trial = browser.get("/set-up/trial").await;
        let on = browser.submit(&trial, "/set-up/trial", &[]).await;
        let answer = self.answer(identity_provider, &on.is(200).leads_to(), person);
        self.carry(browser, &answer).await
    }

    /// The organization's connections in a state.
    pub(crate) async fn connections(
        &self,
        organization: &OrganizationId,
        state: ConnectionState,
    ) -> Vec<StoredConnection> {
        let all = self.store.connections_of(organization).await.unwrap();
        all.into_iter().filter(|connection| connection.state == state).collect()
    }

    /// Returns all data of an organization that a trial must not change: its people, and how they sign in.
    pub(crate) async fn people(&self, organization: &OrganizationId) -> String {
        let mut whole = self.store.whole(organization).await.unwrap();
        // The version also counts decisions about connections, such as that a draft was tried.
        whole.version = 0;
        format!("{whole:?}")
    }

    pub(crate) async fn audited(&self, organization: &OrganizationId) -> Vec<(String, Option<Actor>)> {
        let records = self.store.audit(organization).await.unwrap();
        records.into_iter().map(|record| (record.rule.to_string(), record.actor)).collect()
    }
}

/// The handler of a service with users of its own.
async fn signed_in(AcceptedLogin(accepted): AcceptedLogin) -> String {
    let name = accepted.login.name_id().map(|name| name.value().to_owned());
    format!("{} is signed in over {}", name.unwrap_or_default(), accepted.connection())
}

pub(crate) fn author() -> Author {
    Author::new(Actor::Operator, Utc::now())
}
