//! Sign-ins of an enhanced client (ECP) with identity providers of other makers, through the axum routes: the client
//! carries the messages itself.

use std::sync::Mutex;

use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use vouchsafe::xml::namespace::{ECP, PAOS, SOAP_ENVELOPE};
use vouchsafe::xml::{Document, Element, Limits};
use vouchsafe::{ConnectionSettings, IdentityProvider};
use vouchsafe_testkit::attacks::CookieJar;

use crate::identity_provider::{
    IdentityProviderProcess, LASSO, PYSAML2, Product, SIMPLESAMLPHP, shared_folder,
};
use crate::logout_service::LogoutService;

const PLAIN: &[(&str, &str)] = &[("IDP_SIGN_METADATA", "0")];
const TYPE: &str = "application/vnd.paos+xml";

#[tokio::test]
async fn an_enhanced_client_signs_in_by_lasso() {
    signs_in(&LASSO, 7355, |metadata| metadata).await;
}

#[tokio::test]
async fn an_enhanced_client_signs_in_by_pysaml2() {
    signs_in(&PYSAML2, 7356, |metadata| metadata).await;
}

/// SimpleSAMLphp's metadata names the SOAP address of its single sign-on if ECP is enabled. Version 1.19 omits it,
/// and answers at the address for browsers.
#[tokio::test]
async fn an_enhanced_client_signs_in_by_simplesamlphp() {
    let with_soap = |metadata: String| {
        if metadata.contains("SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\"") {
            return metadata;
        }
        let service = "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"http://127.0.0.1:7352/saml2/idp/SSOService.php\"/>";
        metadata.replacen("</md:IDPSSODescriptor>", &format!("{service}</md:IDPSSODescriptor>"), 1)
    };
    signs_in(&SIMPLESAMLPHP, 7352, with_soap).await;
}

/// A client program with cookies.
#[derive(Default)]
struct EnhancedClient(Mutex<CookieJar>);

struct Answered {
    status: u16,
    location: String,
    body: String,
}

impl EnhancedClient {
    fn http() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answered {
        let held = self.0.lock().unwrap().header();
        let response = request.header(COOKIE, held).send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            assert!(self.0.lock().unwrap().keep(cookie.to_str().unwrap()), "{cookie:?} is no cookie");
        }
        let location = response.headers().get(LOCATION).map(|place| place.to_str().unwrap().to_owned());
        Answered {
            status: response.status().as_u16(),
            location: location.unwrap_or_default(),
            body: response.text().await.unwrap(),
        }
    }

    async fn ask(&self, service: &LogoutService) -> Answered {
        let url = format!("{}/saml/login?organization=acme&return=%2Fhome", service.address);
        let paos = format!("ver=\"{PAOS}\";\"{ECP}\"");
        self.send(
            Self::http().get(url).header(ACCEPT, format!("text/html; {TYPE}, {TYPE}")).header("PAOS", paos),
        )
        .await
    }

    async fn post(&self, url: &str, envelope: String) -> Answered {
        self.send(Self::http().post(url).header(CONTENT_TYPE, TYPE).body(envelope)).await
    }

    async fn is_signed_in(&self, service: &LogoutService) -> bool {
        self.send(Self::http().get(format!("{}/home", service.address))).await.body == "somebody"
    }
}

fn find<'d>(document: &'d Document, space: &str, name: &str) -> Element<'d> {
    document.elements().find(|one| one.is(space, name)).unwrap_or_else(|| panic!("no {name}"))
}

async fn signs_in(product: &Product, port: u16, corrected: impl Fn(String) -> String) {
    let Some(shared) = shared_folder() else { return };
    let name = product.name;
    let (service, listener) = LogoutService::reserve_for_enhanced_clients().await;
    let (ours, entity_id) = (service.metadata(), service.entity_id());
    let process = IdentityProviderProcess::start(&shared, product, port, PLAIN, &ours, &entity_id);
    let theirs = reqwest::get(&process.metadata_url).await.unwrap().text().await.unwrap();
    let trusted = IdentityProvider::from_metadata(corrected(theirs).as_bytes()).unwrap();
    service.listen(listener, trusted, ConnectionSettings::default());

    let client = EnhancedClient::default();
    let asked = client.ask(&service).await;
    assert_eq!(asked.status, 200, "{name}: {}", asked.body);
    let document = Document::parse(asked.body.as_bytes(), &Limits::default()).unwrap();
    let consumer = find(&document, PAOS, "Request").attribute("responseConsumerURL").unwrap();
    let state = find(&document, ECP, "RelayState").text().into_owned();
    let there =
        document.elements().find(|one| one.local_name() == "IDPEntry").unwrap().attribute("Loc").unwrap();

    // The client removes the header blocks for itself, and sends the password.
    let request = replaced(&asked.body, "");
    let to_them = EnhancedClient::http().post(there).basic_auth("user1", Some("user1pass"));
    let answered = to_them.header(CONTENT_TYPE, "text/xml").body(request).send().await.unwrap();
    let status = answered.status();
    let answered = answered.text().await.unwrap();
    assert!(status.is_success(), "{name}: {status} {answered}");
    let theirs = Document::parse(answered.as_bytes(), &Limits::default()).unwrap();
    let meant = find(&theirs, ECP, "Response").attribute("AssertionConsumerServiceURL").unwrap();
    assert_eq!(meant, consumer, "{name}: the client compares the two");

    let blocks = format!(
        "<paos:Response xmlns:paos=\"{PAOS}\" S:mustUnderstand=\"1\" S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"/>\
         <ecp:RelayState xmlns:ecp=\"{ECP}\" S:mustUnderstand=\"1\" S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\">{state}</ecp:RelayState>"
    );
    let back = replaced(&answered, &blocks);
    let tampered = client.post(consumer, back.replace("user1@example.com", "user2@example.com")).await;
    assert_eq!(tampered.status, 403, "{name}: {}", tampered.body);
    assert!(tampered.body.contains("Fault>"), "{name}: {}", tampered.body);
    let stranger = EnhancedClient::default().post(consumer, back.clone()).await;
    assert_eq!(stranger.status, 403, "{name}: {}", stranger.body);
    assert!(!client.is_signed_in(&service).await, "{name}");

    let signed_in = client.post(consumer, back.clone()).await;
    assert_eq!(signed_in.location, "/home", "{name}: {} {}", service.last_refusal(), signed_in.body);
    assert!(client.is_signed_in(&service).await, "{name}");
    let again = client.post(consumer, back).await;
    assert_eq!(again.status, 403, "{name}: {}", again.body);
    println!("{name}: an enhanced client signed in");
}

/// Replaces the header blocks of an envelope.
fn replaced(envelope: &str, blocks: &str) -> String {
    let document = Document::parse(envelope.as_bytes(), &Limits::default()).unwrap();
    let range = find(&document, SOAP_ENVELOPE, "Header").source_range();
    let header = format!("<S:Header xmlns:S=\"{SOAP_ENVELOPE}\">{blocks}</S:Header>");
    format!("{}{header}{}", &envelope[..range.start], &envelope[range.end..])
}
