//! Sign-ins by HTTP-Artifact with identity providers of other makers, through the axum routes: the browser brings a
//! reference, and the Response is requested over SOAP.

use vouchsafe::{ConnectionSettings, IdentityProvider, ResponseBinding};

use crate::identity_provider::{
    Carried, IdentityProviderProcess, LASSO, PYSAML2, Product, SIMPLESAMLPHP, shared_folder,
};
use crate::logout_service::{LogoutBrowser, LogoutService};

const PLAIN: &[(&str, &str)] = &[("IDP_SIGN_METADATA", "0")];
/// The identity provider signs the answer, and the Assertion inside, but not the Response.
const ASSERTION_SIGNED: &[(&str, &str)] = &[("IDP_SIGN_METADATA", "0"), ("IDP_SIGN_RESPONSE", "0")];

#[tokio::test]
async fn lasso_signs_people_in_by_artifact() {
    for options in [PLAIN, ASSERTION_SIGNED] {
        signs_in(&LASSO, 7345, options, by_artifact(), str::to_owned).await;
    }
}

#[tokio::test]
async fn simplesamlphp_signs_people_in_by_artifact() {
    for options in [PLAIN, ASSERTION_SIGNED] {
        signs_in(&SIMPLESAMLPHP, 7342, options, by_artifact(), str::to_owned).await;
    }
}

/// pysaml2 writes the index of its service as the two characters `00`, which is 12336, while its metadata has 1; and
/// it does not sign its answers. Both are refused, unless the metadata is corrected and the connection accepts
/// unsigned answers.
#[tokio::test]
async fn pysaml2_signs_people_in_by_artifact() {
    let corrected = |metadata: &str| metadata.replace("/ars\" index=\"1\"", "/ars\" index=\"12336\"");
    let lenient = by_artifact().danger_accept_unsigned_artifact_responses();
    signs_in(&PYSAML2, 7346, PLAIN, lenient, corrected).await;
    refused(&PYSAML2, 7346, by_artifact(), str::to_owned, "message.artifact_index").await;
    refused(&PYSAML2, 7346, by_artifact(), corrected, "message.unsigned").await;
}

fn by_artifact() -> ConnectionSettings {
    ConnectionSettings::default().response_binding(ResponseBinding::Artifact)
}

async fn connect(
    product: &Product,
    port: u16,
    options: &[(&str, &str)],
    settings: ConnectionSettings,
    corrected: impl Fn(&str) -> String,
) -> Option<(IdentityProviderProcess, LogoutService)> {
    let shared = shared_folder()?;
    let (service, listener) = LogoutService::reserve_with_artifacts().await;
    let (ours, entity_id) = (service.metadata(), service.entity_id());
    let process = IdentityProviderProcess::start(&shared, product, port, options, &ours, &entity_id);
    let theirs = reqwest::get(&process.metadata_url).await.unwrap().text().await.unwrap();
    let trusted = IdentityProvider::from_metadata(corrected(&theirs).as_bytes()).unwrap();
    service.listen(listener, trusted, settings);
    Some((process, service))
}

async fn signs_in(
    product: &Product,
    port: u16,
    options: &[(&str, &str)],
    settings: ConnectionSettings,
    corrected: impl Fn(&str) -> String,
) {
    let Some((process, service)) = connect(product, port, options, settings, corrected).await else { return };
    let name = product.name;
    let browser = LogoutBrowser::default();
    let brought = bring(product, &process, &service, &browser).await;
    assert!(matches!(&brought, Carried::Get(url) if url.contains("SAMLart=")), "{name}: {brought:?}");

    // Another browser starts a new sign-in, and does not use the artifact up.
    let stranger = LogoutBrowser::default().carry(&brought).await;
    assert!(stranger.status == 303 && stranger.location.contains("SAMLRequest="), "{name}: {stranger:?}");
    // A changed artifact is not known at the identity provider, or is refused before it is sent there.
    let other = browser.carry(&with_other_handle(&brought)).await;
    assert!([403, 503].contains(&other.status), "{name}: {other:?}");
    println!("{name}: another artifact: {}", service.last_refusal());
    assert!(!browser.is_signed_in(&service).await);

    let shown = browser.carry(&brought).await;
    assert_eq!(shown.location, "/home", "{name}: {} {shown:?}", service.last_refusal());
    assert!(browser.is_signed_in(&service).await, "{name}");
    let again = LogoutBrowser::default().carry(&brought).await;
    assert_ne!(again.location, "/home", "{name}");
    println!("{name} {options:?}: signed in by artifact");
}

async fn refused(
    product: &Product,
    port: u16,
    settings: ConnectionSettings,
    corrected: impl Fn(&str) -> String,
    code: &str,
) {
    let Some((process, service)) = connect(product, port, PLAIN, settings, corrected).await else { return };
    let browser = LogoutBrowser::default();
    let brought = bring(product, &process, &service, &browser).await;
    let shown = browser.carry(&brought).await;
    assert_eq!(shown.status, 403, "{}: {shown:?}", product.name);
    assert!(service.last_refusal().starts_with(code), "{}: {}", product.name, service.last_refusal());
    assert!(!browser.is_signed_in(&service).await);
    println!("{} by artifact: refused: {}", product.name, service.last_refusal());
}

/// Starts a sign-in, goes to the identity provider, and returns what the browser brings back.
async fn bring(
    product: &Product,
    process: &IdentityProviderProcess,
    service: &LogoutService,
    browser: &LogoutBrowser,
) -> Carried {
    let login = format!("{}/saml/login?organization=acme&return=%2Fhome", service.address);
    let started = browser.get(login).await;
    let there = process.browser();
    there.carry(&started.carried()).unwrap_or_else(|page| panic!("{}: {page}", product.name))
}

/// Returns the same with the last character before the padding changed, which belongs to the handle.
fn with_other_handle(brought: &Carried) -> Carried {
    let Carried::Get(url) = brought else { panic!("{brought:?}") };
    let (before, after) = url.split_once("SAMLart=").unwrap();
    let (artifact, rest) = after.split_once('&').unwrap();
    let place = artifact.find("%3D").unwrap_or(artifact.len()) - 5;
    let swapped = if artifact.as_bytes()[place] == b'A' { "B" } else { "A" };
    let changed = format!("{}{swapped}{}", &artifact[..place], &artifact[place + 1..]);
    Carried::Get(format!("{before}SAMLart={changed}&{rest}"))
}
