//! The example signs people in, and refuses every attack of the test kit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

use std::collections::HashMap;
use std::sync::Mutex;

use chrono::Utc;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response};
use vouchsafe::{Connection, ConnectionId, IdentityProvider};
use vouchsafe_testkit::attacks::{
    self, Account, Asked, Browser, CookieJar, Customer, Form, Outcome, Service, Started, Target,
};
use vouchsafe_testkit::{self as testkit, AuthnRequest};

struct Reached {
    address: String,
    client: reqwest::Client,
    cookies: Mutex<HashMap<Browser, CookieJar>>,
}

impl Reached {
    async fn start() -> Reached {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let customers =
            [("acme", testkit::IdentityProvider::okta()), ("globex", testkit::IdentityProvider::other())];
        let connections = customers.map(|(id, identity_provider)| {
            let metadata = identity_provider.metadata().unwrap();
            let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
            Connection::new(ConnectionId::new(id).unwrap(), trusted)
        });
        let router = minimal::router(&address, connections.into_iter().collect()).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        Reached { address, client, cookies: Mutex::default() }
    }

    async fn send(&self, browser: Browser, request: RequestBuilder) -> Response {
        let held = self.cookies.lock().unwrap().entry(browser).or_default().header();
        let response = request.header(COOKIE, held).send().await.unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        let jar = cookies.entry(browser).or_default();
        for cookie in response.headers().get_all(SET_COOKIE) {
            assert!(jar.keep(cookie.to_str().unwrap()), "{cookie:?} is no cookie");
        }
        response
    }
}

impl Service for Reached {
    async fn post(&self, browser: Browser, form: &Form) -> Outcome {
        let request = self.client.post(format!("{}/saml/acs", self.address)).body(form.to_body());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(browser, request).await;
        match response.status().as_u16() {
            303 => {
                let location = response.headers().get(LOCATION).unwrap().to_str().unwrap().to_owned();
                if location == "/" {
                    return Outcome::Refused;
                }
                let home = self.send(browser, self.client.get(format!("{}/home", self.address))).await;
                let home = home.text().await.unwrap();
                let (name, account) = home.split_once('\n').unwrap();
                let (customer, _) = account.split_once(' ').unwrap();
                Outcome::accepted(name).into_account(Account::new(customer, account)).leading_to(location)
            }
            403 => Outcome::Refused,
            other => panic!("neither a sign-in nor a refusal: {other}"),
        }
    }

    async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
        let name = if customer == Customer::First { "acme" } else { "globex" };
        let mut query = vec![("organization", name)];
        query.extend(return_to.map(|path| ("return", path)));
        let request = self.client.get(format!("{}/saml/login", self.address)).query(&query);
        let response = self.send(browser, request).await;
        let location = response.headers().get(LOCATION).unwrap().to_str().unwrap();
        match AuthnRequest::from_redirect(location) {
            Ok(request) => Asked::new(request.id).with_relay_state(request.relay_state.unwrap()).into(),
            Err(_) => Started::Refused,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_refused() {
    let service = Reached::start().await;
    let target =
        Target::new(format!("{}/saml/metadata", service.address), format!("{}/saml/acs", service.address))
            .clock(Utc::now);
    let report = attacks::all().against(target).run(&service).await;
    report.assert_none_accepted();
}
