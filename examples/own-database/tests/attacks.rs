//! The example signs people in to its own users, and refuses every attack of the test kit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

#[path = "attacks/logout.rs"]
mod logout;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::Utc;
use own_database::{SigningKey, Users};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Body, RequestBuilder, Response};
use vouchsafe::{Connection, ConnectionId, ConnectionSettings, IdentityProvider, Unsolicited};
use vouchsafe_axum::SingleSignOn;
use vouchsafe_testkit::attacks::{
    self, Account, Asked, Browser, CookieJar, Customer, Form, Outcome, Service, Session, Started, Target,
};
use vouchsafe_testkit::{self as testkit, Attribute, AuthnRequest};

struct Reached {
    address: String,
    client: reqwest::Client,
    users: Users,
    sso: SingleSignOn,
    cookies: Mutex<HashMap<Browser, CookieJar>>,
}

impl Reached {
    async fn start() -> Reached {
        let settings = ConnectionSettings::default().unsolicited(Unsolicited::Restart);
        Reached::start_with(testkit::IdentityProvider::okta(), settings, None).await
    }

    /// With this identity provider of the first customer, and with these settings of both connections.
    async fn start_with(
        okta: testkit::IdentityProvider,
        settings: ConnectionSettings,
        key: Option<SigningKey>,
    ) -> Reached {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let okta = IdentityProvider::from_metadata(okta.metadata().unwrap().as_bytes()).unwrap();
        let acme = Connection::new(ConnectionId::new("acme").unwrap(), okta);
        let other = testkit::IdentityProvider::other().metadata().unwrap();
        let other = IdentityProvider::from_metadata(other.as_bytes()).unwrap();
        let globex = Connection::new(ConnectionId::new("globex").unwrap(), other);
        let connections = [acme, globex].map(|one| one.with_settings(settings.clone()).unwrap());
        let connections = Arc::new(connections.into_iter().collect());
        let users = Users::in_memory().await.unwrap();
        let (router, sso) = own_database::router(&address, connections, users.clone(), key).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let policy = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        Reached { address, client, users, sso, cookies: Mutex::default() }
    }

    async fn send(&self, browser: Browser, request: RequestBuilder) -> Response {
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
}

impl Reached {
    async fn home(&self, browser: Browser) -> String {
        let request = self.client.get(format!("{}/home", self.address));
        self.send(browser, request).await.text().await.unwrap()
    }

    /// Posts a response of the first customer's identity provider about Ada; status, place and page.
    async fn answer(
        &self,
        browser: Browser,
        reply_to: Option<&AuthnRequest>,
        id: &str,
    ) -> (u16, String, String) {
        self.answer_about(browser, reply_to, id, "ada@example.com").await
    }

    /// The same about somebody with that name, and an address that begins with it.
    async fn answer_about(
        &self,
        browser: Browser,
        reply_to: Option<&AuthnRequest>,
        id: &str,
        name: &str,
    ) -> (u16, String, String) {
        let consumer = format!("{}/sso/saml/acs", self.address);
        let mut response = testkit::IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(format!("{}/sso/saml/metadata", self.address), &consumer)
            .assertion_id(id)
            .name_id(name)
            .attribute(Attribute::new("user.email", [name]));
        if let Some(request) = reply_to {
            response = response.in_response_to(&request.id);
        }
        let state = reply_to.and_then(|request| request.relay_state.clone()).unwrap_or_default();
        let fields = [("SAMLResponse", response.issue().unwrap().to_base64()), ("RelayState", state)];
        let answer = self.send(browser, self.client.post(consumer).form(&fields)).await;
        let place = answer.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        (answer.status().as_u16(), place.unwrap_or_default(), answer.text().await.unwrap())
    }
}

impl Service for Reached {
    async fn post(&self, browser: Browser, form: &Form) -> Outcome {
        let request = self.client.post(format!("{}/sso/saml/acs", self.address)).body(form.to_body());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(browser, request).await;
        let location = response.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        match (response.status().as_u16(), location) {
            (303, Some(location)) if location.starts_with('/') => {
                let home = self.home(browser).await;
                let [customer, number, name] = parts(&home).unwrap();
                Outcome::accepted(name).into_account(Account::new(customer, number)).leading_to(location)
            }
            // A sign-in begins in the place of an unsolicited response; nobody is signed in.
            (303, Some(_)) | (403, None) => Outcome::Refused,
            other => panic!("neither a sign-in nor a refusal: {other:?}"),
        }
    }

    async fn session(&self, browser: Browser) -> Session {
        match parts(&self.home(browser).await) {
            Some([customer, number, _]) => Session::Of(Account::new(customer, number)),
            None => Session::Nobody,
        }
    }

    async fn start(&self, browser: Browser, customer: Customer, return_to: Option<&str>) -> Started {
        let name = if customer == Customer::First { "acme" } else { "globex" };
        let mut query = vec![("organization", name)];
        query.extend(return_to.map(|path| ("return", path)));
        let request = self.client.get(format!("{}/sso/saml/login", self.address)).query(&query);
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
    let target = Target::new(
        format!("{}/sso/saml/metadata", service.address),
        format!("{}/sso/saml/acs", service.address),
    )
    .clock(Utc::now);
    let report = attacks::all().against(target).run(&service).await;
    report.assert_none_accepted();
}

/// The dashboard's icon: the response is not used, the identity provider is asked, and its answer is. Once.
#[tokio::test]
async fn an_unsolicited_response_starts_a_sign_in() {
    let service = Reached::start().await;
    let browser = Browser::new();
    let (status, place, _) = service.answer(browser, None, "_unasked").await;
    let request = AuthnRequest::from_redirect(&place).unwrap();
    assert_eq!(status, 303);
    assert_eq!(service.home(browser).await, "", "nobody is signed in yet");
    // An identity provider that answers with an unsolicited response again is not asked again and again.
    let (status, _, page) = service.answer(browser, None, "_again").await;
    assert_eq!(status, 403);
    assert!(page.contains("The sign-in could not be completed."));
    let record = service.sso.refusals().of(&ConnectionId::new("acme").unwrap()).remove(0);
    assert_eq!(record.code, "http.restarted_before");
    assert!(page.contains(record.reference.as_str()));

    let (status, place, page) = service.answer(browser, Some(&request), "_asked").await;
    assert_eq!((status, place.as_str()), (303, "/home"), "{page}");
    assert_eq!(service.home(browser).await, "acme 1 ada@example.com");
}

#[tokio::test]
async fn the_application_refuses_a_login_by_its_own_rule() {
    let service = Reached::start().await;
    let browser = Browser::new();
    let acme = ConnectionId::new("acme").unwrap();
    for (id, expected) in [("_1", 303), ("_2", 403)] {
        let login = format!("{}/sso/saml/login?organization=acme", service.address);
        let started = service.send(browser, service.client.get(login)).await;
        let place = started.headers().get(LOCATION).unwrap().to_str().unwrap();
        let request = AuthnRequest::from_redirect(place).unwrap();
        let (status, _, page) = service.answer(browser, Some(&request), id).await;
        assert_eq!(status, expected, "{page}");
        service.users.block(1).await.unwrap();
    }
    let record = service.sso.refusals().of(&acme).remove(0);
    assert_eq!((record.code, record.message.as_str()), ("app.blocked", "the user is blocked"));
}

/// A row that was there before is taken once, in a verified domain, and neither an owner's nor a blocked one is.
#[tokio::test]
async fn a_row_that_was_there_is_found_by_its_address_once() {
    let service = Reached::start().await;
    let users = &service.users;
    let ada = users.add("acme", "Ada@example.com", false).await.unwrap();
    users.add("acme", "grace@example.com", true).await.unwrap();
    let mary = users.add("acme", "mary@example.com", false).await.unwrap();
    users.block(mary).await.unwrap();
    let of_another_customer = users.add("globex", "edith@example.com", false).await.unwrap();
    assert_eq!(
        service.sign_in("_1", "ada@example.com").await,
        "app.address_taken",
        "nobody verified the domain"
    );
    users.verify_domain("acme", "example.com").await.unwrap();
    let signed_in = |id: i64, name: &str| format!("acme {id} {name}");
    assert_eq!(service.sign_in("_2", "ada@example.com").await, signed_in(ada, "ada@example.com"));
    assert_eq!(service.sign_in("_3", "ada@example.com").await, signed_in(ada, "ada@example.com"));
    assert_eq!(
        service.sign_in("_4", "ADA@example.com").await,
        "app.address_taken",
        "another name, and she has one"
    );
    assert_eq!(service.sign_in("_5", "grace@example.com").await, "app.address_taken", "the row of an owner");
    assert_eq!(service.sign_in("_6", "mary@example.com").await, "app.blocked");
    let edith = service.sign_in("_7", "edith@example.com").await;
    assert_eq!(
        edith,
        signed_in(of_another_customer + 1, "edith@example.com"),
        "a row of another customer does not count"
    );
}

impl Reached {
    /// What the home page says after a sign-in, or the code of the refusal.
    async fn sign_in(&self, id: &str, name: &str) -> String {
        let browser = Browser::new();
        let login = format!("{}/sso/saml/login?organization=acme", self.address);
        let started = self.send(browser, self.client.get(login)).await;
        let request =
            AuthnRequest::from_redirect(started.headers().get(LOCATION).unwrap().to_str().unwrap()).unwrap();
        match self.answer_about(browser, Some(&request), id, name).await.0 {
            303 => self.home(browser).await,
            _ => self.sso.refusals().of(&ConnectionId::new("acme").unwrap()).remove(0).code.to_owned(),
        }
    }
}

/// Customer, number and name, as the home page says them.
fn parts(home: &str) -> Option<[&str; 3]> {
    home.splitn(3, ' ').collect::<Vec<_>>().try_into().ok()
}
