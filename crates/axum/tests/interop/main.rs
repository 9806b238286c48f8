//! Logins through identity providers of other makers: samlify and saml-idp, whose messages look like Okta's,
//! SimpleSAMLphp, lasso and pysaml2. They run through the routers of two examples, as browsers reach them, and
//! through the facade with every check. There are also a sign-in across two sites over https in Chromium, and single
//! logout with all of them in both directions.
//!
//! Scripts next to the shared test material start the identity providers, and its headless browser visits them. These
//! tests run only if `VOUCHSAFE_INTEROP` is set, since the scripts install software.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "this is a test: it may panic, and says how far it came"
)]

mod artifact;
mod chromium;
mod enhanced_client;
mod frames;
mod https;
mod identity_provider;
mod logout;
mod logout_service;
mod names;
mod over_soap;
mod routers;
mod service;

use identity_provider::{
    IdentityProviderProcess, LASSO, Landed, PYSAML2, Product, SAML_IDP, SAMLIFY, SIMPLESAMLPHP, shared_folder,
};
use routers::{Browser, Example, Running};
use service::{ASSERTION_CONSUMER, ENTITY_ID, Service};
use vouchsafe::{Login, NameIdPolicy, metadata::name_id_format};
use vouchsafe_client::Client;

/// The given name of the same test user in all products. It must arrive unescaped.
const GIVEN_NAME: &str = "Ünïcode & <User>";

const PLAIN: &[(&str, &str)] = &[];
/// By default samlify signs before it encrypts, and then its signature does not cover what it sends.
const ENCRYPTED_THEN_SIGNED: &[(&str, &str)] = &[("IDP_ENCRYPT", "1"), ("IDP_ENCRYPT_FIRST", "1")];
const ENCRYPTED_GCM: &[(&str, &str)] = &[
    ("IDP_ENCRYPT", "1"),
    ("IDP_ENCRYPT_FIRST", "1"),
    ("IDP_ENC_ALG", "http://www.w3.org/2009/xmlenc11#aes128-gcm"),
];
const SIGNED_THEN_ENCRYPTED: &[(&str, &str)] = &[("IDP_ENCRYPT", "1")];
const ENCRYPTED: &[(&str, &str)] = &[("IDP_ENCRYPT", "1")];
const ENCRYPTED_IN_AN_UNSIGNED_RESPONSE: &[(&str, &str)] =
    &[("IDP_ENCRYPT", "1"), ("IDP_SIGN_RESPONSE", "0")];
const ASSERTION_SIGNED: &[(&str, &str)] = &[("IDP_SIGN_RESPONSE", "0")];
const REQUESTS_SIGNED: &[(&str, &str)] = &[("IDP_WANT_SIGNED_REQUESTS", "1")];

#[tokio::test]
async fn samlify_signs_people_in() {
    for options in [PLAIN, ENCRYPTED_THEN_SIGNED, ENCRYPTED_GCM, ASSERTION_SIGNED, REQUESTS_SIGNED] {
        both_ways(&SAMLIFY, 7314, options).await;
    }
    refused(&SAMLIFY, 7314, SIGNED_THEN_ENCRYPTED, "signature.digest_mismatch").await;
}

#[tokio::test]
async fn simplesamlphp_signs_people_in() {
    for options in [PLAIN, ENCRYPTED, ASSERTION_SIGNED, REQUESTS_SIGNED] {
        both_ways(&SIMPLESAMLPHP, 7312, options).await;
    }
    refused(&SIMPLESAMLPHP, 7312, ENCRYPTED_IN_AN_UNSIGNED_RESPONSE, "encryption.unauthenticated_cbc").await;
}

#[tokio::test]
async fn through_the_routers_by_samlify() {
    through_the_routers(&SAMLIFY, 7324, &[PLAIN, ASSERTION_SIGNED]).await;
}

#[tokio::test]
async fn through_the_routers_by_simplesamlphp() {
    through_the_routers(&SIMPLESAMLPHP, 7322, &[PLAIN, ASSERTION_SIGNED]).await;
}

#[tokio::test]
async fn through_the_routers_by_lasso() {
    through_the_routers(&LASSO, 7325, &[PLAIN, ASSERTION_SIGNED]).await;
}

#[tokio::test]
async fn through_the_routers_by_pysaml2() {
    through_the_routers(&PYSAML2, 7326, &[PLAIN, ASSERTION_SIGNED]).await;
}

#[tokio::test]
async fn through_the_routers_by_saml_idp() {
    through_the_routers(&SAML_IDP, 7321, &[PLAIN, ASSERTION_SIGNED]).await;
}

/// Signs in from the button of each example and from the identity provider's icon, over HTTP.
async fn through_the_routers(product: &Product, port: u16, settings: &[&[(&str, &str)]]) {
    let Some(shared) = shared_folder() else { return };
    for example in [Example::Minimal, Example::OwnDatabase] {
        for options in settings {
            let (running, listener) = Running::reserve(example).await;
            let (metadata, entity_id) = (running.metadata(), running.entity_id());
            let process =
                IdentityProviderProcess::start(&shared, product, port, options, &metadata, &entity_id);
            let client = Client::with_loopback().unwrap();
            let trusted = client.identity_provider(&process.metadata_url).await.unwrap();
            // By default lasso gives a name for the session only, by which nobody is found again.
            let persistent = NameIdPolicy::default().format(name_id_format::PERSISTENT).allow_create();
            let is_asked = product.name == LASSO.name;
            running.listen(listener, trusted, is_asked.then_some(persistent)).await;
            from_the_button(product, &process, &running).await;
            from_the_icon(product, &process, &running).await;
            println!("{} {options:?}: signed in both ways at {example:?}", product.name);
        }
    }
}

async fn from_the_button(product: &Product, process: &IdentityProviderProcess, running: &Running) {
    let browser = Browser::at(running);
    let landed = process.browse(&browser.start().await, &running.consumer());
    // A browser that did not start the sign-in is sent to the identity provider again.
    let stranger = Browser::at(running);
    let (status, place) = stranger.post(&landed).await;
    assert!(status == 303 && place.contains("SAMLRequest="), "{}: {status} {place}", product.name);
    assert_eq!(stranger.home().await, "", "{}", product.name);
    assert_eq!(browser.post(&landed.tampered()).await, (403, String::new()), "{}", product.name);
    assert_eq!(browser.home().await, "", "{}", product.name);
    let signed_in = browser.post(&landed).await;
    assert_eq!(signed_in, (303, "/home".to_owned()), "{}", product.name);
    let home = browser.home().await;
    assert!(home.contains("acme"), "{}: {home}", product.name);
    println!("{} at {:?}: {home:?}", product.name, running.example);
    let (status, place) = Browser::at(running).post(&landed).await;
    assert!(status == 403 || place.contains("SAMLRequest="), "{}: a replay: {status} {place}", product.name);
}

async fn from_the_icon(product: &Product, process: &IdentityProviderProcess, running: &Running) {
    let browser = Browser::at(running);
    let landed = process.browse(&process.icon(), &running.consumer());
    let (status, place) = browser.post(&landed).await;
    let place = match running.example {
        Example::Minimal => place,
        // The response is not used: the identity provider receives a request, and answers it.
        Example::OwnDatabase => {
            assert_eq!(browser.home().await, "", "{}: nobody is signed in yet", product.name);
            browser.post(&process.browse(&place, &running.consumer())).await.1
        }
    };
    assert_eq!((status, place.as_str()), (303, "/home"), "{}", product.name);
    assert!(browser.home().await.contains("acme"), "{}", product.name);
}

/// Signs in from the service's button and from the identity provider's icon, and then tries what must fail.
async fn both_ways(product: &Product, port: u16, options: &[(&str, &str)]) {
    let Some(shared) = shared_folder() else { return };
    let service = Service::new();
    let process =
        IdentityProviderProcess::start(&shared, product, port, options, &service.metadata(), ENTITY_ID);
    let service = service.trusting(&process).await;

    let (redirect, pending) = service.start_login();
    let landed = process.browse(&redirect, ASSERTION_CONSUMER);
    assert_eq!(landed.relay_state(), Some(pending.request().handle()), "{}: RelayState", product.name);
    let login = service.reply(&landed, &pending).await.unwrap();
    is_the_test_user(product, &login);
    println!("{} {options:?}: signed in from the service", product.name);

    let refusal = service.reply(&landed, &pending).await.unwrap_err();
    assert_eq!(refusal.code(), "assertion.replayed", "{}", product.name);
    let refusal = service.unsolicited(&landed).await.unwrap_err();
    assert_eq!(refusal.code(), "assertion.in_response_to", "{}", product.name);
    let (_, another) = service.start_login();
    let refusal = service.reply(&landed, &another).await.unwrap_err();
    assert_eq!(refusal.code(), "assertion.in_response_to", "{}", product.name);
    let refusal = service.reply(&landed.tampered(), &pending).await.unwrap_err();
    assert!(
        ["signature.digest_mismatch", "encryption.failed"].contains(&refusal.code()),
        "{}: {}",
        product.name,
        refusal.code()
    );

    let landed = process.browse(&process.icon(), ASSERTION_CONSUMER);
    let login = service.unsolicited(&landed).await.unwrap();
    is_the_test_user(product, &login);
    let refusal = service.unsolicited(&landed).await.unwrap_err();
    assert_eq!(refusal.code(), "assertion.replayed", "{}", product.name);
    println!("{} {options:?}: signed in from the identity provider", product.name);
}

/// Checks the code of a message that is itself at fault.
async fn refused(product: &Product, port: u16, options: &[(&str, &str)], code: &str) {
    let Some(shared) = shared_folder() else { return };
    let service = Service::new();
    let process =
        IdentityProviderProcess::start(&shared, product, port, options, &service.metadata(), ENTITY_ID);
    let service = service.trusting(&process).await;
    let (redirect, pending) = service.start_login();
    let landed: Landed = process.browse(&redirect, ASSERTION_CONSUMER);
    let refusal = service.reply(&landed, &pending).await.unwrap_err();
    assert_eq!(refusal.code(), code, "{}: {refusal}", product.name);
    println!("{} {options:?}: refused, {}", product.name, refusal.code());
}

fn is_the_test_user(product: &Product, login: &Login) {
    let attributes = login.attributes();
    assert_eq!(attributes.first(product.email), Some("user1@example.com"), "{}", product.name);
    assert_eq!(attributes.first(product.given_name), Some(GIVEN_NAME), "{}", product.name);
    assert_eq!(
        attributes.get("groups").unwrap_or_default(),
        ["Everyone".to_owned(), "Engineering".to_owned()],
        "{}",
        product.name
    );
    assert!(login.ledger().failed().next().is_none(), "{}", product.name);
}
