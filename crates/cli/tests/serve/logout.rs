//! Single logout of `serve`, in both directions.

use chrono::Utc;
use serde_json::{Value, json};
use vouchsafe_testkit::{Encryption, IdentityProvider, keys, logout};

use crate::served::{Browser, Served};
use crate::support::Folder;

/// With a key, the metadata has addresses for logout. A message there ends sessions once, and is reported.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_provider_is_told_and_tells() {
    let folder = Folder::new("serve-logout");
    let there = "https://idp.example/slo";
    let okta = IdentityProvider::okta().with_single_logout(there);
    let metadata = folder.write("okta.xml", okta.metadata().unwrap());
    let (key, certificate) = (folder.path("sp.key"), folder.path("sp.crt"));
    let arguments = [
        "--idp-metadata",
        &metadata,
        "--unsolicited",
        "accept",
        "--key",
        &key,
        "--certificate",
        &certificate,
    ];
    let served = Served::start(&arguments);
    let descriptor = served.page("/saml/metadata").await;
    for (binding, path) in
        [("HTTP-Redirect", "/saml/slo"), ("HTTP-POST", "/saml/slo"), ("SOAP", "/saml/slo/soap")]
    {
        let service = format!(
            "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{}\"",
            served.url(path)
        );
        assert!(descriptor.contains(&service), "{descriptor}");
    }
    let sign_in = async |id: &str, index: &str| {
        let browser = Browser::default();
        let response = okta.response().at(Utc::now() - chrono::TimeDelta::seconds(3)).assertion_id(id);
        let response = response.service_provider(served.url("/saml/metadata"), &served.url("/saml/acs"));
        let (status, answer) =
            browser.post(&served, &response.session_index(index).issue().unwrap(), None).await;
        assert_eq!(status, 200, "{answer}");
        browser
    };
    let alive = async |browser: &Browser| browser.json(&served, "/session").await.0;

    // The person signs out here: the session has ended, and the browser goes to the identity provider.
    let person = sign_in("_1", "s1").await;
    let own = served.post("/saml/logout").header("sec-fetch-site", "same-origin");
    let sent = person.send(own).await;
    assert_eq!(sent.status(), 303);
    assert!(sent.headers()["location"].to_str().unwrap().starts_with(&format!("{there}?SAMLRequest=")));
    assert_eq!(alive(&person).await, 401);

    // The identity provider sends a request by a browser without cookies, and by its own server.
    let (two, three) = (sign_in("_2", "s2").await, sign_in("_3", "s3").await);
    let at = served.url("/saml/slo");
    let request = okta.logout_request().at(Utc::now()).destination(Some(&at)).session_index("s2");
    let forged = request.clone().id("_f").key(keys::other_identity_provider()).to_query(None).unwrap();
    let stranger = Browser::default();
    assert_eq!(stranger.send(served.get(&format!("/saml/slo?{forged}"))).await.status(), 403);
    assert_eq!((alive(&two).await, alive(&three).await), (200, 200));
    let query = request.to_query(Some("state")).unwrap();
    let answered = stranger.send(served.get(&format!("/saml/slo?{query}"))).await;
    assert_eq!(answered.status(), 303);
    let location = answered.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{there}?SAMLResponse=")) && location.contains("RelayState=state"));
    assert_eq!((alive(&two).await, alive(&three).await), (401, 200));
    let at = served.url("/saml/slo/soap");
    let all = okta.logout_request().id("_all").at(Utc::now()).destination(Some(&at));
    let unsigned = served.post("/saml/slo/soap").body(logout::soap(&all.xml().unwrap()));
    assert_eq!(stranger.send(unsigned).await.status(), 403);
    let envelope = served.post("/saml/slo/soap").body(all.to_soap().unwrap());
    assert_eq!(stranger.send(envelope).await.status(), 200);
    assert_eq!(three.json(&served, "/sessions").await, (200, json!([])));

    let events: Vec<Value> = served.printed(8).into_iter().map(|line| line["event"].clone()).collect();
    let expected =
        ["accepted", "logged_out", "accepted", "accepted", "refused", "logged_out", "refused", "logged_out"];
    assert_eq!(events, expected);
    assert!(!served.printed_text().contains("ada@example.com"));
}

/// A name that is encrypted with AES-CBC is decrypted with the key that `serve` has for its only identity provider,
/// and not with a key of two: either of them may have captured the other's ciphertext.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_name_is_opened_for_one_identity_provider() {
    let folder = Folder::new("serve-logout-encrypted");
    let okta = IdentityProvider::okta().with_single_logout("https://idp.example/slo");
    let other = IdentityProvider::new(
        "https://other.example",
        "https://other.example/sso",
        keys::other_identity_provider(),
    );
    let metadata = folder.write("okta.xml", okta.metadata().unwrap());
    let other = folder.write("other.xml", other.metadata().unwrap());
    let (key, certificate) = (folder.path("sp.key"), folder.path("sp.crt"));
    let alone =
        ["--idp-metadata", &metadata, "--key", &key, "--certificate", &certificate, "--decryption-key", &key];
    let shared: Vec<&str> = alone.into_iter().chain(["--idp-metadata", &other]).collect();
    for (arguments, expected) in [(alone.as_slice(), 303), (&shared, 403)] {
        let served = Served::start(arguments);
        let at = served.url("/saml/slo");
        let encrypted = Encryption::to(keys::service_provider().certificate());
        let request = okta.logout_request().at(Utc::now()).destination(Some(&at)).encrypt(encrypted);
        let query = request.to_query(None).unwrap();
        let answered = Browser::default().send(served.get(&format!("/saml/slo?{query}"))).await;
        assert_eq!(answered.status(), expected, "{arguments:?}: {}", served.printed_text());
    }
}
