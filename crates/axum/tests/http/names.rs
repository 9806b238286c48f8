//! Changes of names over real HTTP: requested by the identity provider, and by this service.

use chrono::{TimeDelta, Utc};
use http::Request;
use http::header::{LOCATION, SET_COOKIE};
use vouchsafe::provisioning::{Account, OrganizationId};
use vouchsafe::signature::{TrustedKey, verify_query};
use vouchsafe::{ConnectionId, Limits, NameIdOrder, Participant, SessionNameId, redirect};
use vouchsafe_store::Directory;
use vouchsafe_testkit::{EMAIL_ADDRESS, IdentityProvider, LogoutBuilder, keys};

use crate::app::{Answer, App, Browser};

const THERE: &str = "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/nim/saml";
const TERMINATE: &str = "<samlp:Terminate xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";

pub(crate) fn okta() -> IdentityProvider {
    IdentityProvider::okta().with_name_id_management(THERE)
}

async fn app() -> App {
    App::start_with_logout(okta()).await
}

fn new_id(name: &str) -> String {
    format!("<samlp:NewID xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">{name}</samlp:NewID>")
}

impl App {
    pub(crate) fn names(&self) -> String {
        format!("{}/saml/name-id", self.address)
    }

    /// Returns a browser that is signed in with this name of the identity provider.
    async fn in_as(&self, name: &str, email: &str) -> Browser {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let browser = Browser::new();
        let response = self.response_about(name, email).assertion_id(format!("_names{number}"));
        let answer = self.finish(&browser, &response.issue().unwrap(), "").await;
        assert_eq!(answer.status, 303, "{:?} {}", self.last_refusal(), answer.body);
        browser
    }

    /// Makes a request of the identity provider about a name.
    fn says(&self, name: &str, change: &str) -> LogoutBuilder {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let request = okta().logout_request().element("ManageNameIDRequest").id(format!("_nim{number}"));
        request.at(Utc::now()).destination(Some(&self.names())).name_id(name).raw(change)
    }

    async fn said_by_redirect(&self, message: &LogoutBuilder) -> Answer {
        Browser::new().get(&format!("{}?{}", self.names(), message.to_query(Some("theirs")).unwrap())).await
    }

    /// Returns the answer of the service to the identity provider, verified with its key.
    fn answered(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 303, "{:?} {}", self.last_refusal(), answer.body);
        sent(self, &answer.location, Some("theirs")).0
    }

    #[track_caller]
    fn assert_name_refused(&self, answer: &Answer, code: &str) {
        let (reference, actual) = self.last_refusal();
        assert_eq!((answer.status, actual.as_str()), (403, code), "{}", answer.body);
        assert!(answer.body.contains(&reference) && !answer.body.contains(code));
        assert!(answer.body.contains("The change of the name could not be completed."), "{}", answer.body);
        assert!(answer.set_cookies.is_empty());
    }

    pub(crate) async fn account_known_as(&self, name: &str) -> Option<Account> {
        let whole = self.store.whole(&OrganizationId::new("1")).await.unwrap();
        let mut accounts = whole.accounts.into_iter();
        accounts.find(|account| account.identities.iter().any(|identity| identity.subject == name))
    }

    async fn changes(&self) -> Vec<String> {
        let audit = self.store.audit(&OrganizationId::new("1")).await.unwrap();
        audit
            .into_iter()
            .filter(|record| record.rule.to_string() == "identity_provider")
            .map(|one| one.change)
            .collect()
    }

    pub(crate) async fn status_of(&self, browser: &Browser) -> u16 {
        browser.get_json(&format!("{}/whoami", self.address)).await.status
    }
}

/// Returns the XML and the RelayState of a message of ours in a query.
pub(crate) fn sent(app: &App, location: &str, state: Option<&str>) -> (String, String) {
    let query = location.strip_prefix(&format!("{THERE}?")).unwrap();
    let ours = keys::service_provider().private_key().public_key().clone();
    let verified =
        verify_query(query, &[TrustedKey::new(ours, "ours")], app.service_provider.provider()).unwrap();
    let relay_state = verified.relay_state().unwrap_or_default().to_owned();
    assert!(state.is_none_or(|state| state == relay_state));
    let message = redirect::decode(&verified, &Limits::default()).unwrap().bytes().to_vec();
    (String::from_utf8(message).unwrap(), relay_state)
}

fn succeeded(answer: &str) -> bool {
    answer.contains("ManageNameIDResponse") && answer.contains("status:Success\"")
}

#[tokio::test]
async fn an_identity_provider_gives_a_new_name() {
    let app = app().await;
    let browser = app.in_as("ada@example.com", "ada@example.com").await;
    let before = app.account_known_as("ada@example.com").await.unwrap();
    let request = app.says("ada@example.com", &new_id("countess@example.com"));
    let answer = app.answered(&app.said_by_redirect(&request).await);
    assert!(succeeded(&answer) && answer.contains(" InResponseTo=\"_nim"), "{answer}");

    // The account is the same; nobody has the old name, and its sessions have ended.
    let after = app.account_known_as("countess@example.com").await.unwrap();
    assert_eq!((after.id, after.identities.len()), (before.id, 1));
    assert!(app.account_known_as("ada@example.com").await.is_none());
    assert_eq!(app.status_of(&browser).await, 401);
    assert_eq!(app.changes().await.len(), 1, "with its record");
    app.in_as("countess@example.com", "ada@example.com").await;

    // A copy of the request counts once.
    let again = app.said_by_redirect(&request).await;
    app.assert_name_refused(&again, "message.replayed");
    // A new request for the same change, as from an identity provider that did not receive the answer, is already
    // fulfilled.
    let anew = app.says("ada@example.com", &new_id("countess@example.com"));
    assert!(succeeded(&app.answered(&app.said_by_redirect(&anew).await)));
    assert_eq!(app.changes().await.len(), 1);
    assert!(app.account_known_as("countess@example.com").await.is_some());
}

/// An assertion that was issued under the old name and comes after the change signs nobody in, and makes no account
/// for that name.
#[tokio::test]
async fn an_assertion_on_its_way_does_not_bring_an_old_name_back() {
    let app = app().await;
    let now = Utc::now();
    let people = ["ada@example.com", "bob@example.com"];
    for (person, change) in people.into_iter().zip([new_id("countess@example.com").as_str(), TERMINATE]) {
        app.in_as(person, person).await;
        let issued = |at, id: &str| {
            let id = format!("_{id}{}", person.split('@').next().unwrap());
            app.response_about(person, person).at(at).assertion_id(id).issue().unwrap()
        };
        let on_its_way = issued(now - TimeDelta::seconds(30), "late");
        let request = app.says(person, change).at(now);
        assert!(succeeded(&app.answered(&app.said_by_redirect(&request).await)));
        let late = Browser::new();
        let answer = app.finish(&late, &on_its_way, "").await;
        app.assert_refused(&answer, "http.logged_out");
        assert_eq!(app.status_of(&late).await, 401);
        assert!(app.account_known_as(person).await.is_none(), "{person}");
    }
    let whole = app.store.whole(&OrganizationId::new("1")).await.unwrap();
    assert_eq!(whole.accounts.len(), 2);
    app.in_as("countess@example.com", "ada@example.com").await;
}

#[tokio::test]
async fn an_identity_provider_ends_a_name() {
    let app = app().await;
    let browser = app.in_as("ada@example.com", "ada@example.com").await;
    let other = app.in_as("bob@example.com", "bob@example.com").await;
    let answer = app.said_by_redirect(&app.says("ada@example.com", TERMINATE)).await;
    assert!(succeeded(&app.answered(&answer)));
    assert_eq!((app.status_of(&browser).await, app.status_of(&other).await), (401, 200));
    assert!(app.account_known_as("ada@example.com").await.is_none());
    let whole = app.store.whole(&OrganizationId::new("1")).await.unwrap();
    assert_eq!(whole.accounts.len(), 2, "the account and its data stay");
    // Another request for the same, as from an identity provider that did not receive the answer, is already fulfilled.
    let again = app.said_by_redirect(&app.says("ada@example.com", TERMINATE)).await;
    assert!(succeeded(&app.answered(&again)));
    let changes = app.changes().await;
    assert!(changes.len() == 1 && changes[0].starts_with("Unlinks"), "{changes:?}");
}

#[tokio::test]
async fn what_cannot_be_done_is_answered_and_changes_nothing() {
    let app = app().await;
    let browser = app.in_as("ada@example.com", "ada@example.com").await;
    let other = app.in_as("bob@example.com", "bob@example.com").await;
    let unknown = app.says("eve@example.com", &new_id("eva@example.com"));
    let unknown = app.answered(&app.said_by_redirect(&unknown).await);
    assert!(unknown.contains("status:Responder") && unknown.contains("status:UnknownPrincipal"), "{unknown}");
    for taken in [new_id("bob@example.com"), new_id(" ")] {
        let denied = app.said_by_redirect(&app.says("ada@example.com", &taken)).await;
        if denied.status == 303 {
            let denied = app.answered(&denied);
            assert!(denied.contains("status:RequestDenied"), "{denied}");
        }
    }
    assert_eq!(app.status_of(&other).await, 200);
    for name in ["ada@example.com", "bob@example.com"] {
        assert!(app.account_known_as(name).await.is_some(), "{name}");
    }
    assert!(app.changes().await.is_empty());
    drop(browser);
}

#[tokio::test]
async fn what_is_not_believed_changes_nothing() {
    let app = app().await;
    let browser = app.in_as("ada@example.com", "ada@example.com").await;
    let request = || app.says("ada@example.com", TERMINATE);
    for (wrong, code) in [
        (request().key(keys::attacker()), "signature.not_verified"),
        (request().destination(Some("https://other.example/saml/name-id")), "message.destination"),
        (request().issuer(Some("https://other.example")), "assertion.unknown_issuer"),
        (request().element("LogoutRequest").raw(""), "message.kind"),
    ] {
        let refused = app.said_by_redirect(&wrong).await;
        app.assert_name_refused(&refused, code);
    }
    let unsigned = format!("{}?{}", app.names(), request().to_unsigned_query(None).unwrap());
    let refused = Browser::new().get(&unsigned).await;
    app.assert_name_refused(&refused, "message.unsigned");
    // The logout address does not accept it either.
    let at_logout = request().destination(Some(&format!("{}/saml/slo", app.address)));
    let query = at_logout.to_query(None).unwrap();
    let refused = Browser::new().get(&format!("{}/saml/slo?{query}", app.address)).await;
    app.assert_sign_out_refused(&refused, "message.kind");
    assert_eq!(app.status_of(&browser).await, 200);
    assert!(app.account_known_as("ada@example.com").await.is_some() && app.changes().await.is_empty());
}

#[tokio::test]
async fn an_identity_provider_manages_names_by_form_and_over_soap() {
    let app = app().await;
    app.in_as("ada@example.com", "ada@example.com").await;
    let form = app.says("ada@example.com", &new_id("a1")).to_form(Some("theirs")).unwrap();
    let answer = Browser::new().post_text(&app.names(), "application/x-www-form-urlencoded", &form).await;
    assert_eq!(answer.status, 200, "{:?}", app.last_refusal());
    assert!(answer.body.contains("name=\"SAMLResponse\"") && answer.body.contains(THERE));
    let form = app.says("a1", &new_id("a2")).to_signed_form(Some("theirs")).unwrap();
    let answer = Browser::new().post_text(&app.names(), "application/x-www-form-urlencoded", &form).await;
    assert_eq!(answer.status, 200, "{:?}", app.last_refusal());

    let soap = format!("{}/soap", app.names());
    let request = app.says("a2", &new_id("a3")).destination(Some(&soap)).to_soap().unwrap();
    let answer = Browser::new().post_text(&soap, "text/xml", &request).await;
    assert!(answer.status == 200 && succeeded(&answer.body), "{:?} {}", app.last_refusal(), answer.body);
    let again = Browser::new().post_text(&soap, "text/xml", &request).await;
    assert!(again.status == 403 && again.body.contains("Fault"), "{}", again.body);
    assert!(app.account_known_as("a3").await.is_some());
    assert_eq!(app.changes().await.len(), 3);
}

/// The browser carries a request of this service, which only the asked identity provider may answer, once.
#[tokio::test]
async fn this_service_asks_for_a_change() {
    let app = app().await;
    app.in_as("ada@example.com", "ada@example.com").await;
    let mut name = SessionNameId::new("ada@example.com");
    name.format = Some(EMAIL_ADDRESS.to_owned());
    let ada = Participant::new(ConnectionId::new("1").unwrap(), name, []);
    let ordered = async |order: NameIdOrder| {
        let parts = Request::new(()).into_parts().0;
        let started = app.sso.order_name_id(&parts, true, order, "/projects/1").await.unwrap();
        let browser = Browser::new();
        browser.keep(started.headers().get(SET_COOKIE).unwrap().to_str().unwrap());
        let location = started.headers().get(LOCATION).unwrap().to_str().unwrap();
        let (request, state) = sent(&app, location, None);
        let id = request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        (browser, request, id, state)
    };
    let answer = |id: &str, status: &str| {
        let answer = okta().logout_response(id).element("ManageNameIDResponse").id(format!("_a{id}"));
        let status = format!("urn:oasis:names:tc:SAML:2.0:status:{status}");
        answer.at(Utc::now()).destination(Some(&app.names())).status([status])
    };
    let brought = async |browser: &Browser, message: &LogoutBuilder, state: &str| {
        browser.get(&format!("{}?{}", app.names(), message.to_query(Some(state)).unwrap())).await
    };

    let (browser, request, id, state) = ordered(NameIdOrder::new_identifier(ada.clone(), "ours-1")).await;
    assert!(request.contains("<saml2p:NewID>ours-1</saml2p:NewID>"), "{request}");
    assert!(request.contains(">ada@example.com</saml2:NameID>"), "byte for byte: {request}");
    // Another browser, or another key, changes nothing.
    let refused = brought(&Browser::new(), &answer(&id, "Success"), &state).await;
    app.assert_name_refused(&refused, "message.unasked");
    let refused = brought(&browser, &answer(&id, "Success").key(keys::attacker()), &state).await;
    app.assert_name_refused(&refused, "signature.not_verified");
    let refused = brought(&browser, &answer("_other", "Success"), &state).await;
    app.assert_name_refused(&refused, "message.in_response_to");
    let done = brought(&browser, &answer(&id, "Success"), &state).await;
    assert_eq!(
        (done.status, done.location.as_str()),
        (303, "/projects/1?name=changed"),
        "{:?}",
        app.last_refusal()
    );
    let again = brought(&browser, &answer(&id, "Success").id("_again"), &state).await;
    app.assert_name_refused(&again, "message.unasked");
    assert!(app.account_known_as("ada@example.com").await.is_some(), "its own name for the person stays");

    let (browser, request, id, state) = ordered(NameIdOrder::terminate(ada.clone())).await;
    assert!(request.contains("<saml2p:Terminate/>"), "{request}");
    let no = brought(&browser, &answer(&id, "Responder"), &state).await;
    assert_eq!((no.status, no.location.as_str()), (303, "/projects/1?name=unchanged"));
    assert!(app.account_known_as("ada@example.com").await.is_some());

    let (browser, _, id, state) = ordered(NameIdOrder::terminate(ada)).await;
    let done = brought(&browser, &answer(&id, "Success"), &state).await;
    assert_eq!((done.status, done.location.as_str()), (303, "/projects/1?name=changed"));
    assert!(app.account_known_as("ada@example.com").await.is_none());
}

fn person(name: &str) -> Participant {
    Participant::new(ConnectionId::new("1").unwrap(), SessionNameId::new(name), [])
}

/// An answer about a name is not a sign-in, and a response is not an answer about a name.
#[tokio::test]
async fn an_order_is_no_sign_in() {
    let app = app().await;
    let parts = Request::new(()).into_parts().0;
    let order = NameIdOrder::terminate(person("ada@example.com"));
    let started = app.sso.order_name_id(&parts, true, order, "/").await.unwrap();
    let cookie = started.headers().get(SET_COOKIE).unwrap().to_str().unwrap().to_owned();
    let (request, state) = sent(&app, started.headers().get(LOCATION).unwrap().to_str().unwrap(), None);
    let id = request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0;
    let browser = Browser::new();
    browser.keep(&cookie);
    let response = app.response().in_response_to(id).issue().unwrap();
    let answer = app.finish(&browser, &response, &state).await;
    assert!(
        answer.status != 303 || !answer.set_cookies.iter().any(|one| one.contains("session=")),
        "{answer:?}"
    );

    let asked = app.begin(&browser, "organization=acme").await;
    let answer = okta().logout_response(&asked.id).element("ManageNameIDResponse").at(Utc::now());
    let answer = answer.destination(Some(&app.names())).to_query(asked.relay_state.as_deref()).unwrap();
    let refused = browser.get(&format!("{}?{answer}", app.names())).await;
    app.assert_name_refused(&refused, "message.unasked");
}

/// Some identity providers return no RelayState. The request is then found by its ID, among those of this browser.
#[tokio::test]
async fn an_answer_without_relay_state_is_found_by_the_request_that_it_names() {
    let app = app().await;
    app.in_as("ada@example.com", "ada@example.com").await;
    let browser = Browser::new();
    let (mut ids, mut held) = (Vec::new(), String::new());
    for new in ["ours-1", "ours-2"] {
        let mut parts = Request::new(()).into_parts().0;
        parts.headers.insert(http::header::COOKIE, held.parse().unwrap());
        let order = NameIdOrder::new_identifier(person("ada@example.com"), new);
        let started = app.sso.order_name_id(&parts, true, order, "/").await.unwrap();
        let cookie = started.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
        browser.keep(cookie);
        cookie.split(';').next().unwrap().clone_into(&mut held);
        let (request, _) = sent(&app, started.headers().get(LOCATION).unwrap().to_str().unwrap(), None);
        ids.push(request.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned());
    }
    let brought = async |browser: &Browser, id: &str, state: Option<&str>| {
        let answer = okta().logout_response(id).element("ManageNameIDResponse").id(format!("_a{id}"));
        let form = answer.at(Utc::now()).destination(Some(&app.names())).to_form(state).unwrap();
        browser.post_text(&app.names(), "application/x-www-form-urlencoded", &form).await
    };
    // The request of another browser, and an ID for which this browser has no pending request.
    for (other, id) in [(&Browser::new(), ids[0].as_str()), (&browser, "_other")] {
        app.assert_name_refused(&brought(other, id, None).await, "message.unasked");
    }
    // If a RelayState names a request, only that request counts.
    app.assert_name_refused(&brought(&browser, &ids[0], Some("0123456789abcdef")).await, "message.unasked");
    for (id, state) in [(&ids[1], None), (&ids[0], Some(""))] {
        let done = brought(&browser, id, state).await;
        assert_eq!(
            (done.status, done.location.as_str()),
            (303, "/?name=changed"),
            "{:?}",
            app.last_refusal()
        );
        app.assert_name_refused(&brought(&browser, id, state).await, "message.unasked");
    }
}
