//! Enhanced clients without a framework: programs that request an envelope and post one.

#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::{Arc, Mutex};

use chrono::Utc;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use vouchsafe::xml::namespace::{ECP, SAML_PROTOCOL, SOAP_ENVELOPE};
use vouchsafe::xml::{Document, Limits};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, Connections, EntityId, IdentityProvider, ServiceProvider,
    Unsolicited,
};
use vouchsafe_store::Memory;
use vouchsafe_testkit::{self as testkit, ASSERTION_CONSUMER, SERVICE_PROVIDER};
use vouchsafe_web::{SingleSignOn, asks_by_paos};

const PAOS_TYPE: &str = "application/vnd.paos+xml";
const PAOS_HEADER: &str = "ver=\"urn:liberty:paos:2003-08\";\"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\"";

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_soap_single_sign_on("https://example.okta.com/ecp")
}

struct Service {
    sso: SingleSignOn,
    codes: Arc<Mutex<Vec<&'static str>>>,
}

impl Service {
    fn new(receives: bool, unsolicited: Unsolicited) -> Service {
        let trusted = IdentityProvider::from_metadata(okta().metadata().unwrap().as_bytes()).unwrap();
        let settings = ConnectionSettings::default().unsolicited(unsolicited);
        let acme =
            Connection::new(ConnectionId::new("acme").unwrap(), trusted).with_settings(settings).unwrap();
        let connections: Connections = [acme].into_iter().collect();
        let saml = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).unwrap());
        let saml = saml.assertion_consumer(ASSERTION_CONSUMER).unwrap();
        let saml = if receives { saml.receive_from_enhanced_clients() } else { saml };
        let codes = Arc::<Mutex<Vec<&'static str>>>::default();
        let told = Arc::clone(&codes);
        let store = Arc::new(Memory::new());
        let sso = SingleSignOn::new(saml.build().unwrap(), Arc::new(connections), store)
            .on_refusal(move |record| told.lock().unwrap().push(record.code));
        Service { sso, codes }
    }

    async fn login(&self, request: &Parts) -> Response<String> {
        self.sso.login(request, b"organization=acme&return=%2F").await
    }

    fn last_code(&self) -> &'static str {
        self.codes.lock().unwrap().last().copied().unwrap_or_default()
    }
}

fn asking() -> Parts {
    let request = Request::get("/saml/login").header(ACCEPT, PAOS_TYPE).header("PAOS", PAOS_HEADER);
    request.body(()).unwrap().into_parts().0
}

fn posting(cookies: &str) -> Parts {
    let request = Request::post("/saml/acs").header(CONTENT_TYPE, PAOS_TYPE).header(COOKIE, cookies);
    request.body(()).unwrap().into_parts().0
}

fn cookies(answer: &Response<String>) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<&str> = set.filter_map(|one| one.to_str().unwrap().split(';').next()).collect();
    pairs.join("; ")
}

/// Returns the ID of the request and the RelayState, as a client reads them.
fn request_in(answer: &Response<String>) -> (String, String) {
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()[CONTENT_TYPE]),
        (200, &HeaderValue::from_static(PAOS_TYPE))
    );
    let document = Document::parse(answer.body().as_bytes(), &Limits::default()).unwrap();
    let named = |space: &str, name: &str| document.elements().find(|one| one.is(space, name)).unwrap();
    let id = named(SAML_PROTOCOL, "AuthnRequest").attribute("ID").unwrap().to_owned();
    (id, named(ECP, "RelayState").text().into_owned())
}

fn brought(response: &testkit::Issued, state: &str) -> String {
    format!(
        "<S:Envelope xmlns:S=\"{SOAP_ENVELOPE}\"><S:Header><ecp:RelayState xmlns:ecp=\"{ECP}\" S:mustUnderstand=\"1\">{state}</ecp:RelayState></S:Header><S:Body>{}</S:Body></S:Envelope>",
        response.element()
    )
}

#[tokio::test]
async fn an_enhanced_client_signs_in() {
    let service = Service::new(true, Unsolicited::Refuse);
    assert!(asks_by_paos(&asking().headers));
    let started = service.login(&asking()).await;
    let (id, state) = request_in(&started);
    let response = okta().response().at(Utc::now()).in_response_to(&id).issue().unwrap();
    let body = brought(&response, &state);

    // A client without the cookie receives a fault without a reason, and no new sign-in starts.
    let stranger = service.sso.accept(&posting(""), body.as_bytes()).await.unwrap_err();
    assert_eq!((stranger.status().as_u16(), service.last_code()), (403, "http.no_pending_request"));
    assert!(
        stranger.body().contains("Fault>") && !stranger.body().contains("pending"),
        "{}",
        stranger.body()
    );
    assert_eq!(stranger.headers()[CONTENT_TYPE], "text/xml; charset=utf-8");

    let accepted = service.sso.accept(&posting(&cookies(&started)), body.as_bytes()).await;
    let accepted = accepted.map_err(|answer| (answer.into_body(), service.last_code())).unwrap();
    assert_eq!(accepted.login.name_id().map(|name| name.value()), Some("ada@example.com"));
    let again = service.sso.accept(&posting(&cookies(&started)), body.as_bytes()).await.unwrap_err();
    assert_eq!(again.status().as_u16(), 403);
}

#[tokio::test]
async fn what_is_wrong_is_a_fault() {
    let service = Service::new(true, Unsolicited::Restart);
    let unasked = okta().response().at(Utc::now()).issue().unwrap();
    let fault = format!(
        "<S:Envelope xmlns:S=\"{SOAP_ENVELOPE}\"><S:Body><S:Fault><faultcode>S:Client</faultcode><faultstring>x</faultstring></S:Fault></S:Body></S:Envelope>"
    );
    for (body, expected) in [
        (brought(&unasked, "/"), "assertion.unsolicited"),
        (fault, "message.soap_fault"),
        ("SAMLResponse=PGEvPg".to_owned(), "xml.outside_root"),
        (String::new(), "xml.no_root"),
    ] {
        let refused = service.sso.accept(&posting(""), body.as_bytes()).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), service.last_code()), (403, expected));
        assert!(refused.body().contains("Fault>"), "{}", refused.body());
    }
    // An unknown name is answered by a fault, and not by a redirect to a page.
    let unknown = service.sso.login(&asking(), b"organization=nobody").await;
    assert_eq!((unknown.status().as_u16(), service.last_code()), (403, "http.unknown_connection"));
    assert!(unknown.body().contains("Fault>"));
}

/// Without the setting, such a client is treated like any other, and its posts are not read.
#[tokio::test]
async fn a_service_for_browsers_answers_no_enhanced_clients() {
    let service = Service::new(false, Unsolicited::Refuse);
    let started = service.login(&asking()).await;
    assert_eq!(started.status().as_u16(), 303);
    let refused = service.sso.accept(&posting(""), b"<a/>").await.unwrap_err();
    assert_eq!(
        (refused.status().as_u16(), service.last_code()),
        (403, "binding.enhanced_clients_not_received")
    );
}
