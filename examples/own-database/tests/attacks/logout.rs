//! Single logout of sessions in the application's own table: what people and identity providers end, and the attacks of
//! the test kit on the logout address.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{TimeDelta, Utc};
use reqwest::header::LOCATION;
use reqwest::{Response, StatusCode};
use vouchsafe::{ConnectionSettings, Limits, redirect};
use vouchsafe_testkit::attacks::logout::{LogoutService, LogoutTarget, run};
use vouchsafe_testkit::attacks::{Answered, Browser, CookieJar, Delivery};
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, LogoutBuilder, keys};

use super::Reached;

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";
const THERE: &str = "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/slo/saml";

fn okta() -> IdentityProvider {
    IdentityProvider::okta().with_single_logout(THERE)
}

/// The service with single logout.
struct Signed {
    reached: Reached,
    number: AtomicU64,
    /// What the browser of the last session under attack holds.
    victim: Mutex<CookieJar>,
}

impl Signed {
    async fn start() -> Signed {
        Signed::start_with(ConnectionSettings::default()).await
    }

    async fn start_with(settings: ConnectionSettings) -> Signed {
        let key = keys::service_provider();
        let key = (key.private_key().clone(), key.certificate().clone());
        let reached = Reached::start_with(okta(), settings, Some(key)).await;
        Signed { reached, number: AtomicU64::new(0), victim: Mutex::default() }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.reached.address)
    }

    fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Signs a new browser in with a session of this index, and returns what it holds. The response is later than any
    /// logout before it.
    async fn signed_in(&self, name: &str, index: &str) -> CookieJar {
        let browser = self.browser(CookieJar::default());
        let login = self.reached.client.get(self.at("/sso/saml/login?organization=acme"));
        let started = self.reached.send(browser, login).await;
        let request = AuthnRequest::from_redirect(location(&started)).unwrap();
        let response = okta()
            .response()
            .at(Utc::now().checked_add_signed(TimeDelta::seconds(2)).unwrap())
            .service_provider(self.at("/sso/saml/metadata"), &self.at("/sso/saml/acs"))
            .assertion_id(format!("_own{}", self.number()))
            .in_response_to(&request.id)
            .session_index(index)
            .name_id(name);
        let form = [
            ("SAMLResponse", response.issue().unwrap().to_base64()),
            ("RelayState", request.relay_state.unwrap_or_default()),
        ];
        let posted = self.reached.client.post(self.at("/sso/saml/acs")).form(&form);
        let answer = self.reached.send(browser, posted).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
        self.reached.cookies.lock().unwrap().remove(&browser).unwrap()
    }

    /// The browser, which holds these cookies now.
    fn browser(&self, held: CookieJar) -> Browser {
        let browser = Browser::default();
        self.reached.cookies.lock().unwrap().insert(browser, held);
        browser
    }

    /// Who is signed in with these cookies, as the home page says it.
    async fn who(&self, held: &CookieJar) -> String {
        self.reached.home(self.browser(held.clone())).await
    }

    /// Signs out here with these cookies, from a page of this kind of site.
    async fn signed_out(&self, held: &CookieJar, site: &str) -> Response {
        let out = self.reached.client.post(self.at("/logout")).header("sec-fetch-site", site);
        self.reached.send(self.browser(held.clone()), out).await
    }

    /// A logout request of the identity provider.
    fn asks(&self, name: &str) -> LogoutBuilder {
        let request = okta().logout_request().id(format!("_logout{}", self.number())).at(Utc::now());
        request.destination(Some(&self.at("/sso/saml/slo"))).name_id(name)
    }

    /// Sends a request without cookies, as in an invisible frame, and requires that it is answered with success.
    async fn told(&self, request: &LogoutBuilder) {
        let address = format!("{}?{}", self.at("/sso/saml/slo"), request.to_query(None).unwrap());
        let answer = self.reached.client.get(address).send().await.unwrap();
        let query = location(&answer).strip_prefix(&format!("{THERE}?")).unwrap();
        let message = sent(query);
        assert!(message.contains("LogoutResponse") && message.contains("status:Success\""), "{message}");
    }
}

fn location(answer: &Response) -> &str {
    answer.headers().get(LOCATION).unwrap().to_str().unwrap()
}

/// The message in a query.
fn sent(query: &str) -> String {
    let sent = redirect::decode_unverified(query, &Limits::default()).unwrap();
    String::from_utf8(sent.bytes().to_vec()).unwrap()
}

/// A request ends the sessions of its name with its index, or all sessions of its name, and no others.
#[tokio::test]
async fn an_identity_provider_ends_the_sessions_that_it_means() {
    let signed = Signed::start().await;
    let mut sessions = Vec::new();
    for (name, index) in [(ADA, "s1"), (ADA, "s2"), (ADA, "s3"), (GRACE, "s4")] {
        sessions.push((index, signed.signed_in(name, index).await));
    }
    let open = async || {
        let mut open = Vec::new();
        for (index, held) in &sessions {
            if !signed.who(held).await.is_empty() {
                open.push(*index);
            }
        }
        open
    };
    assert_eq!(open().await, ["s1", "s2", "s3", "s4"]);
    signed.told(&signed.asks(ADA).session_index("s2")).await;
    assert_eq!(open().await, ["s1", "s3", "s4"]);
    // The index of somebody else does not help.
    signed.told(&signed.asks(ADA).session_index("s4")).await;
    assert_eq!(open().await, ["s1", "s3", "s4"]);
    signed.told(&signed.asks(ADA)).await;
    assert_eq!(open().await, ["s4"]);
}

/// Some identity providers name a person in another way when they log out. Then the index decides, if the connection says so.
#[tokio::test]
async fn an_index_alone_ends_a_session_where_the_connection_says_so() {
    for by_index in [false, true] {
        let settings = ConnectionSettings::default();
        let settings = if by_index { settings.logout_by_session_index() } else { settings };
        let signed = Signed::start_with(settings).await;
        let (ada, grace) = (signed.signed_in(ADA, "s1").await, signed.signed_in(GRACE, "s2").await);
        signed.told(&signed.asks("00u1").session_index("s1")).await;
        assert_eq!(signed.who(&ada).await.is_empty(), by_index);
        assert_eq!(signed.who(&grace).await, format!("acme 2 {GRACE}"));
    }
}

/// Whoever signs out here is signed out at the identity provider too, and a copied cookie is worth nothing afterwards.
#[tokio::test]
async fn signing_out_here_tells_the_identity_provider() {
    let signed = Signed::start().await;
    let held = signed.signed_in(ADA, "s1").await;
    assert_eq!(signed.who(&held).await, format!("acme 1 {ADA}"));
    let answer = signed.signed_out(&held, "same-origin").await;
    let message = sent(location(&answer).strip_prefix(&format!("{THERE}?")).unwrap());
    assert!(message.contains(&format!(">{ADA}</")) && message.contains(">s1</"), "{message}");
    assert_eq!(signed.who(&held).await, "");
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_out() {
    let signed = Signed::start().await;
    let held = signed.signed_in(ADA, "s1").await;
    let answer = signed.signed_out(&held, "cross-site").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(signed.who(&held).await, format!("acme 1 {ADA}"));
}

#[tokio::test]
async fn a_blocked_user_has_no_session() {
    let signed = Signed::start().await;
    let held = signed.signed_in(ADA, "s1").await;
    assert_eq!(signed.who(&held).await, format!("acme 1 {ADA}"));
    signed.reached.users.block(1).await.unwrap();
    assert_eq!(signed.who(&held).await, "");
}

impl LogoutService for Signed {
    async fn open(&self) {
        let held = self.signed_in(ADA, "victim").await;
        *self.victim.lock().unwrap() = held;
    }

    async fn deliver(&self, delivery: &Delivery) -> Answered {
        let (client, address) = (&self.reached.client, self.at("/sso/saml/slo"));
        let request = match delivery {
            Delivery::Redirect(query) => client.get(format!("{address}?{query}")),
            Delivery::Post(form) => client
                .post(address)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.clone()),
            _ => panic!("the service has no other door"),
        };
        Answered::of_status(request.send().await.unwrap().status().as_u16())
    }

    async fn is_alive(&self) -> bool {
        let held = self.victim.lock().unwrap().clone();
        !self.who(&held).await.is_empty()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_on_the_logout_address_is_refused() {
    let signed = Signed::start().await;
    let victim = okta().logout_request().name_id(ADA).session_index("victim");
    let target = LogoutTarget::new(okta(), IdentityProvider::other(), signed.at("/sso/saml/slo"), victim);
    let report = run(&signed, &target).await;
    report.assert_none_accepted();
    assert_eq!(report.inconclusive().count(), 0, "{report}");
}
