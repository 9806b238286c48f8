//! The attacks of the kit on single logout, and on the sign-in and the sign-out of a customer by another customer, over
//! real HTTP.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use vouchsafe::{Connection, ConnectionId, ConnectionSettings, LoginOptions, Unsolicited};
use vouchsafe_testkit::attacks::availability::{self, SharedService, SignIn};
use vouchsafe_testkit::attacks::logout::{
    self as attacks, LogoutService, LogoutTarget, SignOutService, SignedOut,
};
use vouchsafe_testkit::attacks::{Answered, Asked, Delivery, EndpointReport};
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, ResponseBuilder};

use crate::app::{Answer, App, Browser};
use crate::logout::okta;

const FORM: &str = "application/x-www-form-urlencoded";

/// The service under attack.
struct Attacked {
    app: App,
    /// Whether the first customer's connection has addresses of its own.
    has_own_addresses: bool,
    /// The browser of the last session that was opened.
    victim: Mutex<Arc<Browser>>,
    /// The browser of the last sign-out.
    leaving: Mutex<Arc<Browser>>,
    /// The browser that brought the last message.
    last: Mutex<Arc<Browser>>,
    number: AtomicU32,
    /// The connections of the other customer.
    others: Mutex<Vec<ConnectionId>>,
}

impl Attacked {
    async fn start(has_own_addresses: bool) -> Attacked {
        let app = App::start_with_artifacts(okta()).await;
        app.connections.put(connection("1", &okta().metadata().unwrap()));
        app.connections.put(connection("other", &IdentityProvider::other().metadata().unwrap()));
        if has_own_addresses {
            let at = |path: &str| format!("{}/saml/1/{path}", app.address);
            let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
            let settings = settings.assertion_consumer(&at("acs")).unwrap();
            let settings = settings.single_logout(&at("slo")).unwrap();
            let settings = settings.single_logout_soap(&at("slo/soap")).unwrap();
            let okta = connection("1", &okta().metadata().unwrap());
            app.connections.put(okta.with_settings(settings).unwrap());
        }
        let browser = || Mutex::new(Arc::new(Browser::new()));
        let (victim, leaving, last) = (browser(), browser(), browser());
        Attacked {
            app,
            has_own_addresses,
            victim,
            leaving,
            last,
            number: AtomicU32::new(0),
            others: Mutex::default(),
        }
    }

    fn address(&self, path: &str) -> String {
        let connection = if self.has_own_addresses { "1/" } else { "" };
        format!("{}/saml/{connection}{path}", self.app.address)
    }

    fn target(&self) -> LogoutTarget {
        let victim = okta().logout_request().session_index("victim");
        LogoutTarget::new(okta(), IdentityProvider::other(), self.address("slo"), victim)
            .with_soap(self.address("slo/soap"))
    }

    fn number(&self) -> u32 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a response that is later than any previous logout.
    fn response(&self, index: &str) -> ResponseBuilder {
        let response = self.app.response().at(Utc::now() + TimeDelta::seconds(2)).session_index(index);
        let service = self.app.service_provider.entity_id().as_str();
        let response = response.service_provider(service, &self.address("acs"));
        response.assertion_id(format!("_kit{}", self.number()))
    }

    async fn sign_in_with(&self, browser: &Browser, response: &ResponseBuilder, state: &str) -> Answer {
        let issued = response.issue().unwrap().to_base64();
        browser.post(&self.address("acs"), &[("SAMLResponse", &issued), ("RelayState", state)]).await
    }

    /// Signs in with a request of the service.
    async fn sign_in_by(&self, browser: &Browser, index: &str) -> Answer {
        let request = self.app.begin(browser, "organization=acme").await;
        let response = self.response(index).in_response_to(&request.id);
        self.sign_in_with(browser, &response, &request.relay_state.unwrap_or_default()).await
    }

    async fn signed_in(&self, index: &str) -> Arc<Browser> {
        let browser = Arc::new(Browser::new());
        let answer = self.sign_in_by(&browser, index).await;
        assert_eq!(answer.status, 303, "{:?} {}", self.app.last_refusal(), answer.body);
        browser
    }

    async fn send(&self, browser: &Browser, delivery: &Delivery) -> Answer {
        let answer = match delivery {
            Delivery::Redirect(query) => browser.get(&format!("{}?{query}", self.address("slo"))).await,
            Delivery::Post(body) => browser.post_text(&self.address("slo"), FORM, body).await,
            Delivery::Soap(envelope) => {
                browser.post_text(&self.address("slo/soap"), "text/xml", envelope).await
            }
            _ => panic!("another door"),
        };
        assert!(answer.status < 500, "{} to {delivery:?}", answer.status);
        answer
    }

    async fn bring_by(&self, browser: Arc<Browser>, delivery: &Delivery) -> SignedOut {
        let answer = self.send(&browser, delivery).await;
        *self.last.lock().unwrap() = browser;
        let says = |text: &str| answer.body.contains(text);
        match Answered::of_status(answer.status) {
            Answered::Accepted if says("Your identity provider has ended its session too.") => {
                SignedOut::Everywhere
            }
            Answered::Accepted if says("<dl id=\"answers\">") => SignedOut::NotEverywhere,
            Answered::Accepted if says("You are signed out.") => SignedOut::Here,
            Answered::Refused => SignedOut::Refused,
            Answered::Unavailable => SignedOut::Unavailable,
            _ => panic!("{answer:?}"),
        }
    }
}

fn connection(id: &str, metadata: &str) -> Connection {
    let identity_provider = vouchsafe::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    Connection::new(ConnectionId::new(id).unwrap(), identity_provider).with_settings(settings).unwrap()
}

impl LogoutService for Attacked {
    async fn open(&self) {
        let browser = self.signed_in("victim").await;
        *self.victim.lock().unwrap() = browser;
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        Answered::of_status(self.send(&Browser::new(), delivery).await.status)
    }

    async fn is_alive(&self) -> bool {
        let browser = Arc::clone(&self.victim.lock().unwrap());
        self.app.whoami(&browser).await == 200
    }
}

impl SignOutService for Attacked {
    async fn start(&self) -> Asked {
        let browser = self.signed_in(&format!("leaving{}", self.number())).await;
        let (id, state) = self.app.sign_out(&browser).await;
        *self.leaving.lock().unwrap() = browser;
        Asked::new(id).with_relay_state(state)
    }

    async fn bring(&self, delivery: &Delivery) -> SignedOut {
        let browser = Arc::clone(&self.leaving.lock().unwrap());
        self.bring_by(browser, delivery).await
    }

    async fn bring_elsewhere(&self, delivery: &Delivery) -> SignedOut {
        let browser = self.signed_in(&format!("elsewhere{}", self.number())).await;
        self.bring_by(browser, delivery).await
    }

    async fn sign_in_again(&self) {
        let browser = Arc::clone(&self.leaving.lock().unwrap());
        let answer = self.sign_in_by(&browser, &format!("again{}", self.number())).await;
        assert_eq!(answer.status, 303, "{:?}", self.app.last_refusal());
    }

    async fn is_signed_in(&self) -> bool {
        let browser = Arc::clone(&self.last.lock().unwrap());
        self.app.whoami(&browser).await == 200
    }
}

impl SharedService for Attacked {
    async fn connect(&self, metadata: &str) -> bool {
        let other = connection(&format!("attacker{}", self.number()), metadata);
        self.others.lock().unwrap().push(other.id().clone());
        self.app.connections.put(other);
        true
    }

    async fn disconnect(&self) {
        for id in self.others.lock().unwrap().drain(..) {
            self.app.connections.remove(id.as_str());
        }
    }

    async fn bring_artifact(&self, artifact: &str) {
        let (sso, id) = (&self.app.sso, self.others.lock().unwrap().last().unwrap().clone());
        let connection = self.app.connections.get(id.as_str()).unwrap();
        let (request, ()) = http::Request::new(()).into_parts();
        let started = sso.start(&request, &connection, LoginOptions::default()).await.unwrap();
        let header = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let browser = Browser::new();
        for cookie in started.headers().get_all(http::header::SET_COOKIE) {
            browser.keep(&header(cookie));
        }
        let asked = AuthnRequest::from_redirect(&header(&started.headers()[http::header::LOCATION])).unwrap();
        let fields = [("SAMLart", artifact), ("RelayState", &asked.relay_state.unwrap())];
        // It has no addresses of its own.
        browser.post(&format!("{}/saml/acs", self.app.address), &fields).await;
    }

    async fn sign_in(&self, by: SignIn) -> Option<bool> {
        let browser = Browser::new();
        match by {
            SignIn::Asked => self.sign_in_by(&browser, "shared").await,
            _ => self.sign_in_with(&browser, &self.response("shared"), "").await,
        };
        Some(self.app.whoami(&browser).await == 200)
    }
}

#[tokio::test]
async fn no_request_of_the_kit_ends_a_session() {
    let attacked = Attacked::start(false).await;
    let report = attacks::run(&attacked, &attacked.target()).await;
    report.assert_none_accepted();
    println!("{report}");
    assert_eq!(report.entries().len(), attacks::all().len());
}

#[tokio::test]
async fn no_answer_of_the_kit_is_believed() {
    let attacked = Attacked::start(false).await;
    let report = attacks::run_answers(&attacked, &attacked.target()).await;
    report.assert_none_accepted();
    println!("{report}");
    assert_eq!(report.entries().len(), attacks::all_answers().len());
}

async fn shared(has_own_addresses: bool) -> EndpointReport {
    let attacked = Attacked::start(has_own_addresses).await;
    let report = availability::run(&attacked, &attacked.target()).await;
    assert_eq!(report.inconclusive().count(), 0, "{report}");
    assert_eq!(report.entries().len(), availability::all().len());
    report
}

/// Nothing that another customer configures has an effect at the addresses of a connection.
#[tokio::test]
async fn no_connection_of_another_customer_stops_one_with_its_own_addresses() {
    shared(true).await.assert_none_accepted();
}

/// What another customer can stop at a shared address (SECURITY.md, 5b). A response that answers no request is ambiguous if
/// another connection has the entity ID and the key.
const KNOWN: &[&str] = &[
    "availability/copy/unasked-sign-in",
    "availability/copy-with-own-key/unasked-sign-in",
    "availability/copy-with-own-addresses/unasked-sign-in",
    "availability/many-copies/unasked-sign-in",
];

#[tokio::test]
async fn no_connection_of_another_customer_stops_one_at_the_shared_addresses() {
    let report = shared(false).await;
    assert_eq!(report.findings().collect::<Vec<_>>(), KNOWN, "{report}");
}
