//! The example signs people in, and refuses every attack of the test kit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test: it may panic")]

#[path = "../../../minimal/tests/attacks/reached.rs"]
mod reached;
mod serve;

use chrono::Utc;
use reqwest::header::LOCATION;
use vouchsafe_testkit::attacks::{Browser, Customer};
use vouchsafe_testkit::server::{App, Config, User, start};
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, keys};

use reached::{Reached, name};
use serve::Served;

impl Reached {
    async fn ask(&self, browser: Browser, customer: Customer) -> AuthnRequest {
        let query = [("organization", name(customer))];
        let response = self.send(browser, self.client.get(self.service.login()).query(&query)).await;
        let place = response.headers().get(LOCATION).unwrap().to_str().unwrap().to_owned();
        AuthnRequest::from_redirect(&place).unwrap()
    }

    /// Answers a customer's request, at the address of that or of another customer; the status.
    async fn answer(
        &self,
        browser: Browser,
        identity_provider: &IdentityProvider,
        request: &AuthnRequest,
        customer: Customer,
        at: Customer,
    ) -> u16 {
        let response = identity_provider
            .response()
            .at(Utc::now())
            .service_provider(self.entity_id(customer), &self.consumer(customer))
            .assertion_id(format!("{}.{}", request.id, name(customer)))
            .in_response_to(&request.id)
            .name_id("ada@example.com");
        let state = request.relay_state.clone().unwrap();
        let fields = [("SAMLResponse", response.issue().unwrap().to_base64()), ("RelayState", state)];
        self.send(browser, self.client.post(self.consumer(at)).form(&fields)).await.status().as_u16()
    }
}

/// Two applications of one tenant have one entity ID, and perhaps one key: each signs in its own people, and nobody at the other's.
async fn one_name(customers: [IdentityProvider; 2]) {
    let reached = Reached::over(Served::with(customers.clone()).await);
    let browser = Browser::new();
    for (customer, identity_provider) in [Customer::First, Customer::Other].into_iter().zip(&customers) {
        let other = if customer == Customer::First { Customer::Other } else { Customer::First };
        let request = reached.ask(browser, customer).await;
        assert_eq!(request.issuer, reached.entity_id(customer));
        assert_eq!(request.assertion_consumer, Some(reached.consumer(customer)));
        for (about, at) in [(customer, other), (other, customer), (other, other)] {
            let status = reached.answer(browser, identity_provider, &request, about, at).await;
            assert_eq!(status, 403, "for {}, at {}", name(about), name(at));
        }
        let status = reached.answer(browser, identity_provider, &request, customer, customer).await;
        assert_eq!(status, 303, "{}", name(customer));
        let [signed_in, account, person] = reached.home(browser).await.unwrap();
        assert_eq!((signed_in.as_str(), person.as_str()), (name(customer), "ada@example.com"));
        assert!(account.starts_with(name(customer)), "{account}");
    }
}

#[tokio::test]
async fn two_customers_of_one_identity_provider() {
    one_name([IdentityProvider::okta(), IdentityProvider::okta()]).await;
}

#[tokio::test]
async fn two_customers_of_one_name_and_two_keys() {
    let other = IdentityProvider::okta().with_key(keys::other_identity_provider());
    one_name([IdentityProvider::okta(), other]).await;
}

/// Each identity provider is told its own addresses.
#[tokio::test]
async fn each_customer_has_metadata_of_its_own() {
    let reached = Reached::over(Served::with([IdentityProvider::okta(), IdentityProvider::other()]).await);
    for customer in [Customer::First, Customer::Other] {
        let metadata = reached.client.get(reached.entity_id(customer)).send().await.unwrap();
        let metadata = metadata.text().await.unwrap();
        assert!(metadata.contains(&format!("entityID=\"{}\"", reached.entity_id(customer))), "{metadata}");
        assert!(metadata.contains(&format!("Location=\"{}\"", reached.consumer(customer))), "{metadata}");
    }
    let nobody = reached.client.get(format!("{}/saml/nobody/metadata", reached.service.address));
    assert_eq!(nobody.send().await.unwrap().status(), 404);
}

/// Two servers of the test kit are two identity providers: each signs in the people of its own customer.
#[tokio::test]
async fn two_customers_of_two_running_identity_providers() {
    let servers = [start(Config::default()).await.unwrap(), start(Config::default()).await.unwrap()];
    let running = servers.each_ref().map(|server| {
        let okta = server.okta();
        okta.add_user(User::new("ada@example.com", "Ada", "Lovelace"));
        let app = okta.add_app(App::new("Many customers", "urn:later", "https://later.example/acs"));
        okta.assign(&app, "ada@example.com").unwrap();
        (okta, app)
    });
    let identity_providers = running.each_ref().map(|(okta, app)| okta.identity_provider(app).unwrap());
    let [first, other] = &identity_providers;
    assert_ne!(first.entity_id(), other.entity_id());
    let reached = Reached::over(Served::with(identity_providers.clone()).await);
    for (customer, (okta, app)) in [Customer::First, Customer::Other].into_iter().zip(&running) {
        okta.update_app(app, |app| {
            app.entity_id = reached.entity_id(customer);
            app.single_sign_on_url = reached.consumer(customer);
        })
        .unwrap();
        let browser = Browser::default();
        let request = reached.ask(browser, customer).await;
        let issued = okta.issue(app, "ada@example.com", Some(&request), Utc::now()).unwrap();
        let fields =
            [("SAMLResponse", issued.to_base64()), ("RelayState", request.relay_state.clone().unwrap())];
        let posted = reached.client.post(reached.consumer(customer)).form(&fields);
        assert_eq!(reached.send(browser, posted).await.status(), 303, "{}", name(customer));
        let [signed_in, _, person] = reached.home(browser).await.unwrap();
        assert_eq!((signed_in.as_str(), person.as_str()), (name(customer), "ada@example.com"));
    }
}
