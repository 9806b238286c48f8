//! Single logout with identity providers of other makers: in both directions, by HTTP-Redirect, HTTP-POST and SOAP,
//! through the axum routes.

use std::path::Path;

use vouchsafe::crypto::base64_decode;
use vouchsafe::{ConnectionSettings, IdentityProvider};

use crate::identity_provider::{
    Carried, IdentityProviderProcess, LASSO, PYSAML2, Product, SAML_IDP, SAMLIFY, SIMPLESAMLPHP,
    SignedInThere, shared_folder,
};
use crate::logout_service::{LogoutBrowser, LogoutService};

/// SimpleSAMLphp verifies signatures of logout messages only if it is configured.
const PLAIN: &[(&str, &str)] = &[("IDP_SIGN_METADATA", "0"), ("IDP_WANT_SIGNED_LOGOUT", "1")];
const NAME_ENCRYPTED: &[(&str, &str)] =
    &[("IDP_SIGN_METADATA", "0"), ("IDP_WANT_SIGNED_LOGOUT", "1"), ("IDP_ENCRYPT_NAMEID", "1")];
const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const BY_BROWSER: [&str; 2] = ["HTTP-Redirect", "HTTP-POST"];

#[tokio::test]
async fn lasso_ends_sessions() {
    signs_out_both_ways(&LASSO, 7335, &["HTTP-Redirect", "HTTP-POST", "SOAP"]).await;
}

#[tokio::test]
async fn simplesamlphp_ends_sessions() {
    signs_out_both_ways(&SIMPLESAMLPHP, 7332, &BY_BROWSER).await;
}

/// SimpleSAMLphp encrypts names by AES-128-CBC, also in logout requests.
#[tokio::test]
async fn simplesamlphp_encrypts_names() {
    let Some(shared) = shared_folder() else { return };
    for binding in BY_BROWSER {
        let settings = ConnectionSettings::default();
        let connected = connect(&shared, &SIMPLESAMLPHP, 7333, binding, NAME_ENCRYPTED, settings).await;
        from_here(&SIMPLESAMLPHP, &connected.0, &connected.1, binding).await;
        let request = from_there(&SIMPLESAMLPHP, &connected.0, &connected.1, binding).await;
        if let Carried::Post(_, fields) = request {
            let (_, message) = fields.iter().find(|(name, _)| name == "SAMLRequest").unwrap();
            let xml = String::from_utf8(base64_decode(message.as_bytes()).unwrap()).unwrap();
            assert!(xml.contains("EncryptedID>") && xml.contains("xmlenc#aes128-cbc"), "{xml}");
        }
    }
}

/// pysaml2 signs queries by RSA with SHA-1 unless its configuration names another algorithm. This is refused, unless
/// the connection allows it.
#[tokio::test]
async fn pysaml2_ends_sessions() {
    signs_out_both_ways(&PYSAML2, 7336, &["HTTP-POST"]).await;
    let Some(shared) = shared_folder() else { return };
    let settings = ConnectionSettings::default().danger_allow(RSA_SHA1).unwrap();
    let (process, service) = connect(&shared, &PYSAML2, 7336, "HTTP-Redirect", PLAIN, settings).await;
    from_here(&PYSAML2, &process, &service, "HTTP-Redirect").await;
    from_there(&PYSAML2, &process, &service, "HTTP-Redirect").await;

    let settings = ConnectionSettings::default();
    let (process, service) = connect(&shared, &PYSAML2, 7336, "HTTP-Redirect", PLAIN, settings).await;
    let (there, browser) = (process.browser(), LogoutBrowser::default());
    sign_in(&PYSAML2, &there, &browser, &service).await;
    let request = there.carry(&Carried::Get(process.sign_out(false))).unwrap();
    let refused = browser.carry(&request).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(service.last_refusal().starts_with("signature.algorithm"), "{}", service.last_refusal());
    assert!(browser.is_signed_in(&service).await);
    println!("pysaml2 from there by HTTP-Redirect: {}", service.last_refusal());
}

#[tokio::test]
async fn saml_idp_ends_sessions() {
    signs_out_both_ways(&SAML_IDP, 7331, &BY_BROWSER).await;
}

#[tokio::test]
async fn samlify_ends_sessions() {
    signs_out_both_ways(&SAMLIFY, 7334, &BY_BROWSER).await;
}

/// pysaml2 rewrites the body of an envelope before it verifies the signature, and then refuses it. The page tells the
/// person that their session there goes on.
#[tokio::test]
async fn pysaml2_over_soap() {
    let Some(shared) = shared_folder() else { return };
    let settings = ConnectionSettings::default();
    let (process, service) = connect(&shared, &PYSAML2, 7337, "SOAP", PLAIN, settings).await;
    let (there, browser) = (process.browser(), LogoutBrowser::default());
    sign_in(&PYSAML2, &there, &browser, &service).await;
    let asked = browser.carry(&Carried::Post(format!("{}/saml/logout", service.address), Vec::new())).await;
    assert!(!browser.is_signed_in(&service).await);
    assert!(asked.body.contains("You may still be signed in elsewhere"), "{asked:?}");
    assert!(asked.body.contains("it did not answer"), "{asked:?}");
    assert_knows(&PYSAML2, &there, &service, true).await;
    println!("pysaml2 from here by SOAP: signed out here, and the page says that it did not answer");
}

async fn signs_out_both_ways(product: &Product, port: u16, bindings: &[&str]) {
    let Some(shared) = shared_folder() else { return };
    for binding in bindings {
        let connected = connect(&shared, product, port, binding, PLAIN, ConnectionSettings::default()).await;
        let (process, service) = &connected;
        from_here(product, process, service, binding).await;
        if *binding != "SOAP" {
            from_there(product, process, service, binding).await;
        }
    }
}

/// Starts the identity provider and the service. Each knows the other's logout address for this binding only.
async fn connect(
    shared: &Path,
    product: &Product,
    port: u16,
    binding: &str,
    options: &[(&str, &str)],
    settings: ConnectionSettings,
) -> (IdentityProviderProcess, LogoutService) {
    let (service, listener) = LogoutService::reserve().await;
    // Browsers could not carry messages to a service whose only address is for SOAP.
    let ours =
        if binding == "SOAP" { service.metadata() } else { taking_logout_by(binding, &service.metadata()) };
    let process = IdentityProviderProcess::start(shared, product, port, options, &ours, &service.entity_id());
    let theirs = reqwest::get(&process.metadata_url).await.unwrap().text().await.unwrap();
    let trusted = IdentityProvider::from_metadata(taking_logout_by(binding, &theirs).as_bytes()).unwrap();
    service.listen(listener, trusted, settings);
    (process, service)
}

/// A person signs out at the service, and is signed out at the identity provider.
async fn from_here(product: &Product, process: &IdentityProviderProcess, service: &LogoutService, by: &str) {
    let name = product.name;
    let (there, browser) = (process.browser(), LogoutBrowser::default());
    sign_in(product, &there, &browser, service).await;
    assert_knows(product, &there, service, true).await;
    let asked = browser.carry(&Carried::Post(format!("{}/saml/logout", service.address), Vec::new())).await;
    assert!(!browser.is_signed_in(service).await, "{name}: the session here ends first");
    let shown = if by == "SOAP" {
        asked
    } else {
        let request = asked.carried();
        assert_eq!(matches!(request, Carried::Get(_)), by == "HTTP-Redirect", "{name}: {request:?}");
        let answer = there.carry(&request).unwrap_or_else(|page| panic!("{name}: no answer: {page}"));
        let by_redirect = matches!(answer, Carried::Get(_));
        let tampered = browser.carry(&answer.tampered()).await;
        assert_eq!(tampered.status, 403, "{name}: {tampered:?}");
        println!("{name} from here by {by}: tampered: {}", service.last_refusal());
        println!("{name} from here by {by}: answered by {}", if by_redirect { "redirect" } else { "form" });
        let shown = browser.carry(&answer).await;
        assert_eq!(shown.status, 200, "{name}: {} {shown:?}", service.last_refusal());
        // A reload shows that the person is signed out, and nothing of the answer, which counts once.
        let again = browser.carry(&answer).await;
        assert_eq!(again.status, 200, "{name}: {} {again:?}", service.last_refusal());
        let (signed_out, theirs) = ("You are signed out.", "has ended its session too");
        assert!(again.body.contains(signed_out) && !again.body.contains(theirs), "{name}: {again:?}");
        let stranger = LogoutBrowser::default().carry(&answer).await;
        assert_eq!(stranger.status, 403, "{name}: an answer counts once: {stranger:?}");
        shown
    };
    assert!(shown.body.contains("has ended its session too"), "{name} by {by}: {shown:?}");
    assert_knows(product, &there, service, false).await;
    println!("{name} from here by {by}: signed out in both places");
}

/// A person signs out at the identity provider, which ends the session at the service without its cookie.
async fn from_there(
    product: &Product,
    process: &IdentityProviderProcess,
    service: &LogoutService,
    by: &str,
) -> Carried {
    let name = product.name;
    let (there, browser) = (process.browser(), LogoutBrowser::default());
    sign_in(product, &there, &browser, service).await;
    let start = Carried::Get(process.sign_out(by == "HTTP-POST"));
    let request = there.carry(&start).unwrap_or_else(|page| panic!("{name}: no request: {page}"));
    // saml-idp sends requests by POST, whatever the service accepts.
    let by = if name == SAML_IDP.name { "HTTP-POST" } else { by };
    assert_eq!(matches!(request, Carried::Get(_)), by == "HTTP-Redirect", "{name}: {request:?}");
    let frame = LogoutBrowser::default();
    let tampered = frame.carry(&request.tampered()).await;
    assert_eq!(tampered.status, 403, "{name}: {tampered:?}");
    println!("{name} from there by {by}: tampered: {}", service.last_refusal());
    assert!(browser.is_signed_in(service).await, "{name}: what is not believed changes nothing");
    let answered = frame.carry(&request).await;
    assert!([200, 303].contains(&answered.status), "{name}: {} {answered:?}", service.last_refusal());
    assert!(!browser.is_signed_in(service).await, "{name}: the session here is over");
    let page = there.carry(&answered.carried()).expect_err("the sign-out ends at the identity provider");
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["status"], 200, "{name}: {page}");
    let text = page["text"].as_str().unwrap();
    assert!(text.contains(product.signed_out), "{name}: {page}");
    assert_knows(product, &there, service, false).await;
    println!("{name} from there by {by}: signed out in both places");
    request
}

pub(crate) async fn sign_in(
    product: &Product,
    there: &SignedInThere<'_>,
    browser: &LogoutBrowser,
    service: &LogoutService,
) {
    let started = browser.get(login(service)).await;
    let landed = there.carry(&started.carried()).unwrap_or_else(|page| panic!("{}: {page}", product.name));
    let answer = browser.carry(&landed).await;
    assert_eq!(answer.location, "/home", "{}: {} {answer:?}", product.name, service.last_refusal());
    assert!(browser.is_signed_in(service).await, "{}", product.name);
}

/// Checks whether the identity provider has a session of this browser.
async fn assert_knows(product: &Product, there: &SignedInThere<'_>, service: &LogoutService, expected: bool) {
    if product.name == SAML_IDP.name {
        return; // It asks nobody for a password.
    }
    let started = LogoutBrowser::default().get(login(service)).await;
    assert_eq!(there.is_signed_in(&started.location), expected, "{}", product.name);
}

fn login(service: &LogoutService) -> String {
    format!("{}/saml/login?organization=acme&return=%2Fhome", service.address)
}

/// Returns the metadata without logout addresses of other bindings.
fn taking_logout_by(binding: &str, metadata: &str) -> String {
    taking("SingleLogoutService", binding, metadata)
}

/// Returns the metadata without addresses of this service for other bindings.
pub(crate) fn taking(service: &str, binding: &str, metadata: &str) -> String {
    let (mut kept, mut is_kept) = (String::new(), true);
    for (number, piece) in metadata.split('<').enumerate() {
        let element = piece.split([' ', '>']).next().unwrap_or_default();
        let is_logout = element.ends_with(service);
        if is_logout && !element.starts_with('/') {
            is_kept = piece.contains(&format!("bindings:{binding}\""));
        }
        if !is_logout || is_kept {
            kept.push_str(if number == 0 { "" } else { "<" });
            kept.push_str(piece);
        }
    }
    kept
}
