//! The example as browsers reach it, for the attack kit. Other examples include this file; `serve` is theirs.

use std::collections::HashMap;
use std::sync::Mutex;

use chrono::Utc;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Body, RequestBuilder, Response};
use vouchsafe::{Connection, ConnectionId, IdentityProvider};
use vouchsafe_testkit::attacks::{
    self, Account, Asked, Browser, CookieJar, Customer, Form, Outcome, Service, Session, Started, Target,
};
use vouchsafe_testkit::{self as testkit, AuthnRequest};

use crate::serve::Served;

pub(crate) struct Reached {
    pub(crate) service: Served,
    pub(crate) client: reqwest::Client,
    cookies: Mutex<HashMap<Browser, CookieJar>>,
}

impl Reached {
    async fn start() -> Reached {
        let customers = [
            (Customer::First, testkit::IdentityProvider::okta()),
            (Customer::Other, testkit::IdentityProvider::other()),
        ];
        let connections =
            customers.map(|(customer, identity_provider)| connection(customer, &identity_provider));
        Reached::over(Served::start(connections).await)
    }

    pub(crate) fn over(service: Served) -> Reached {
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        Reached { service, client, cookies: Mutex::default() }
    }

    pub(crate) fn consumer(&self, customer: Customer) -> String {
        format!("{}/acs", self.service.saml(customer))
    }

    pub(crate) fn entity_id(&self, customer: Customer) -> String {
        format!("{}/metadata", self.service.saml(customer))
    }

    pub(crate) async fn send(&self, browser: Browser, request: RequestBuilder) -> Response {
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

    /// Customer, account and name of who is signed in.
    pub(crate) async fn home(&self, browser: Browser) -> Option<[String; 3]> {
        let home = self.client.get(format!("{}/home", self.service.address));
        let home = self.send(browser, home).await.text().await.unwrap();
        let (name, account) = home.split_once('\n')?;
        let (customer, _) = account.split_once(' ')?;
        Some([customer, account, name].map(str::to_owned))
    }
}

/// The connection of a customer.
pub(crate) fn connection(customer: Customer, identity_provider: &testkit::IdentityProvider) -> Connection {
    let metadata = identity_provider.metadata().unwrap();
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new(name(customer)).unwrap(), trusted)
}

pub(crate) fn name(customer: Customer) -> &'static str {
    if customer == Customer::Other { "globex" } else { "acme" }
}

impl Service for Reached {
    async fn post(&self, browser: Browser, form: &Form) -> Outcome {
        let request = self.client.post(self.consumer(form.customer())).body(form.to_body());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(browser, request).await;
        match response.status().as_u16() {
            303 => {
                let location = response.headers().get(LOCATION).unwrap().to_str().unwrap().to_owned();
                // Not in here, or sent to the identity provider anew.
                if location == "/" || location.starts_with("https://") {
                    return Outcome::Refused;
                }
                let [customer, account, name] = self.home(browser).await.unwrap();
                Outcome::accepted(name).into_account(Account::new(customer, account)).leading_to(location)
            }
            403 => Outcome::Refused,
            other => panic!("neither a sign-in nor a refusal: {other}"),
        }
    }

    async fn session(&self, browser: Browser) -> Session {
        match self.home(browser).await {
            Some([customer, account, _]) => Session::Of(Account::new(customer, account)),
            None => Session::Nobody,
        }
    }

    async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
        let mut query = vec![("organization", name(customer))];
        query.extend(return_to.map(|path| ("return", path)));
        let response = self.send(browser, self.client.get(self.service.login()).query(&query)).await;
        let location = response.headers().get(LOCATION).unwrap().to_str().unwrap();
        match AuthnRequest::from_redirect(location) {
            Ok(request) => Asked::new(request.id).with_relay_state(request.relay_state.unwrap()).into(),
            Err(_) => Started::Refused,
        }
    }

    async fn set_trusted(&self, customer: Customer, trusted: bool) -> bool {
        self.service.set_trusted(name(customer), trusted).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_refused() {
    let reached = Reached::start().await;
    let [first, other] = [Customer::First, Customer::Other].map(|one| reached.consumer(one));
    let target = Target::new(reached.entity_id(Customer::First), &first).clock(Utc::now);
    let mut target = target.return_to("/home/orders");
    if first != other {
        target = target.other_assertion_consumer(other).other_entity_id(reached.entity_id(Customer::Other));
    }
    let report = attacks::all().against(target).run(&reached).await;
    report.assert_none_accepted();
}
