//! Changes of names with identity providers of other makers, through the axum routes.

use vouchsafe::metadata::name_id_format::PERSISTENT;
use vouchsafe::{ConnectionSettings, IdentityProvider, NameIdPolicy};

use crate::identity_provider::{Carried, IdentityProviderProcess, LASSO, PYSAML2, Product, shared_folder};
use crate::logout::{sign_in, taking};
use crate::logout_service::{LogoutBrowser, LogoutService};

const OPTIONS: &[(&str, &str)] = &[("IDP_SIGN_METADATA", "0")];

/// Starts the identity provider and the service, which requests names of persistent format. The identity provider's
/// address for names uses this binding only.
async fn connect(
    product: &Product,
    port: u16,
    binding: &str,
) -> Option<(IdentityProviderProcess, LogoutService)> {
    let shared = shared_folder()?;
    let (service, listener) = LogoutService::reserve().await;
    let process = IdentityProviderProcess::start(
        &shared,
        product,
        port,
        OPTIONS,
        &service.metadata(),
        &service.entity_id(),
    );
    let theirs = reqwest::get(&process.metadata_url).await.unwrap().text().await.unwrap();
    let theirs = taking("ManageNameIDService", binding, &theirs);
    let trusted = IdentityProvider::from_metadata(theirs.as_bytes()).unwrap();
    let policy = NameIdPolicy::default().format(PERSISTENT).allow_create();
    service.listen(listener, trusted, ConnectionSettings::default().name_id_policy(policy));
    Some((process, service))
}

/// This service requests a change by the browser. The answer of the identity provider is accepted once, and only
/// unchanged.
async fn from_here(process: &IdentityProviderProcess, service: &LogoutService, by: &str, new: Option<&str>) {
    let (there, browser) = (process.browser(), LogoutBrowser::default());
    sign_in(&LASSO, &there, &browser, service).await;
    let query = new.map(|new| format!("?new={new}")).unwrap_or_default();
    let asked = browser.get(format!("{}/names{query}", service.address)).await;
    let shown = if by == "SOAP" {
        asked
    } else {
        let request = asked.carried();
        assert_eq!(matches!(request, Carried::Get(_)), by == "HTTP-Redirect", "{request:?}");
        let answer = there.carry(&request).unwrap_or_else(|page| panic!("no answer: {page}"));
        let tampered = browser.carry(&answer.tampered()).await;
        assert_eq!(tampered.status, 403, "{tampered:?}");
        let shown = browser.carry(&answer).await;
        let again = browser.carry(&answer).await;
        assert_eq!(again.status, 403, "{again:?}");
        shown
    };
    assert_eq!(shown.location, "/home?name=changed", "{by} {new:?}: {} {shown:?}", service.last_refusal());
    println!("lasso from here by {by}, {new:?}: changed");
}

#[tokio::test]
async fn lasso_is_asked_to_manage_names() {
    let Some((process, service)) = connect(&LASSO, 7371, "HTTP-Redirect").await else { return };
    from_here(&process, &service, "HTTP-Redirect", Some("ours-1")).await;
    from_here(&process, &service, "HTTP-Redirect", None).await;
}

#[tokio::test]
async fn lasso_is_asked_to_manage_names_by_form() {
    let Some((process, service)) = connect(&LASSO, 7372, "HTTP-POST").await else { return };
    from_here(&process, &service, "HTTP-POST", Some("ours-1")).await;
}

#[tokio::test]
async fn lasso_is_asked_to_manage_names_over_soap() {
    let Some((process, service)) = connect(&LASSO, 7373, "SOAP").await else { return };
    from_here(&process, &service, "SOAP", Some("ours-1")).await;
    from_here(&process, &service, "SOAP", None).await;
}

#[tokio::test]
async fn lasso_manages_names() {
    let Some((process, service)) = connect(&LASSO, 7374, "HTTP-Redirect").await else { return };
    // After lasso has ended a name, it has no identity left, and its own page fails before it sends a request. So
    // `None` cannot be tested.
    {
        let new = Some("theirs-1");
        let (there, browser) = (process.browser(), LogoutBrowser::default());
        sign_in(&LASSO, &there, &browser, &service).await;
        let start = Carried::Get(process.change_name(new));
        let request = there.carry(&start).unwrap_or_else(|page| panic!("no request: {page}"));
        let frame = LogoutBrowser::default();
        let tampered = frame.carry(&request.tampered()).await;
        assert_eq!(tampered.status, 403, "{tampered:?}");
        assert!(browser.is_signed_in(&service).await, "what is not believed changes nothing");
        let answered = frame.carry(&request).await;
        assert!([200, 303].contains(&answered.status), "{} {answered:?}", service.last_refusal());
        assert!(!browser.is_signed_in(&service).await, "{new:?}: the sessions of the old name are over");
        let page = there.carry(&answered.carried()).expect_err("it ends at the identity provider");
        assert!(page.contains("name identifier change confirmed"), "{page}");
        println!("lasso from there, {new:?}: confirmed");
    }
}

/// The answer of pysaml2 names no issuer, so it is refused.
#[tokio::test]
async fn pysaml2_is_asked_over_soap() {
    let Some((process, service)) = connect(&PYSAML2, 7375, "SOAP").await else { return };
    let (there, browser) = (process.browser(), LogoutBrowser::default());
    sign_in(&PYSAML2, &there, &browser, &service).await;
    let shown = browser.get(format!("{}/names?new=ours-1", service.address)).await;
    println!("pysaml2 from here by SOAP: {} {}", shown.location, service.last_refusal());
    assert_eq!(shown.location, "/home?name=unchanged", "{shown:?}");
}
