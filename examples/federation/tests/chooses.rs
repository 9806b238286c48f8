//! A person chooses an identity provider, signs in there, and is where they wanted to go.
#![expect(clippy::unwrap_used, reason = "this is a test: it may panic")]

use std::sync::Arc;

use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use vouchsafe::Provider;
use vouchsafe::metadata::{SpeaksFor, TrustedSource};
use vouchsafe_testkit::attacks::CookieJar;
use vouchsafe_testkit::{AuthnRequest, IdentityProvider};

/// Both identity providers of the test kit in one document.
fn document() -> Vec<u8> {
    let entities = [IdentityProvider::okta(), IdentityProvider::other()].map(|one| {
        let metadata = one.metadata().unwrap();
        // Without the XML declaration.
        metadata.split_once("?>").unwrap().1.to_owned()
    });
    let start = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">";
    format!("{start}{}</md:EntitiesDescriptor>", entities.concat()).into_bytes()
}

#[tokio::test]
async fn a_person_chooses_and_signs_in() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let source = TrustedSource::danger_by_transport_alone(SpeaksFor::Everybody);
    let metadata = source.accept(document(), chrono::Utc::now(), &Provider::rustcrypto()).unwrap();
    let service = federation::Service::new(&address, &Arc::new(metadata)).unwrap();
    let router = service.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();

    // Somebody without a session is sent to choose.
    let home = client.get(format!("{address}/home")).send().await.unwrap();
    assert_eq!(home.headers()[LOCATION], "/saml/choose");
    let page = client.get(format!("{address}/saml/choose?q=exk1&return=/projects/7")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert_eq!(page.matches("<li>").count(), 1, "{page}");
    let link = page.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");

    let started = client.get(format!("{address}{link}")).send().await.unwrap();
    let request = AuthnRequest::from_redirect(started.headers()[LOCATION].to_str().unwrap()).unwrap();
    let mut cookies = CookieJar::default();
    for cookie in started.headers().get_all(SET_COOKIE) {
        assert!(cookies.keep(cookie.to_str().unwrap()));
    }
    let idp = IdentityProvider::okta();
    let issued = idp
        .response()
        .at(chrono::Utc::now())
        .service_provider(format!("{address}/saml/metadata"), &format!("{address}/saml/acs"))
        .in_response_to(&request.id)
        .issue()
        .unwrap();
    let fields = [("SAMLResponse", issued.to_base64()), ("RelayState", request.relay_state.unwrap())];
    let posted = client
        .post(format!("{address}/saml/acs"))
        .header(COOKIE, cookies.header_of_foreign_form())
        .form(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (posted.status().as_u16(), &posted.headers()[LOCATION]),
        (303, &"/projects/7".parse().unwrap())
    );
    for cookie in posted.headers().get_all(SET_COOKIE) {
        assert!(cookies.keep(cookie.to_str().unwrap()));
    }
    let home = client.get(format!("{address}/home")).header(COOKIE, cookies.header()).send().await.unwrap();
    assert_eq!(home.status(), 200);

    let json =
        client.get(format!("{address}/saml/choose")).header(ACCEPT, "application/json").send().await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&json.text().await.unwrap()).unwrap();
    assert_eq!(json["total"], 2);
    let feed = client.get(format!("{address}/saml/discofeed")).send().await.unwrap();
    assert!(feed.headers().contains_key("etag") && feed.text().await.unwrap().contains("entityID"));
    // The answer of another discovery service leads to the same.
    let discovered = client
        .get(format!("{address}/saml/discovered"))
        .query(&[("entityID", "http://www.okta.com/exk1vouchsafe0kit0h7"), ("return", "/home")])
        .send()
        .await
        .unwrap();
    AuthnRequest::from_redirect(discovered.headers()[LOCATION].to_str().unwrap()).unwrap();

    // A newer document, in which that identity provider is no more.
    let without = IdentityProvider::other().metadata().unwrap();
    let newer = source.accept(without, chrono::Utc::now(), &Provider::rustcrypto()).unwrap();
    service.replace(&Arc::new(newer));
    let page = client.get(format!("{address}/saml/choose?q=exk1")).send().await.unwrap();
    assert_eq!(page.text().await.unwrap().matches("<li>").count(), 0);
    let refused = client.get(format!("{address}{link}")).send().await.unwrap();
    assert_eq!(refused.headers()[LOCATION], "/saml/choose?problem=organization&return=%2Fprojects%2F7");
}
