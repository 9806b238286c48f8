//! What `serve` does with a key beside single logout: the management of names, and enhanced clients.

use chrono::{TimeDelta, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use vouchsafe::xml::namespace::{ECP, SAML_PROTOCOL, SOAP_ENVELOPE};
use vouchsafe::xml::{Document, Limits};
use vouchsafe_testkit::{IdentityProvider, Issued, keys, logout};

use crate::served::{Browser, Served};
use crate::support::Folder;

const TERMINATE: &str = "<samlp:Terminate xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
const PAOS: &str = "application/vnd.paos+xml";
const PAOS_HEADER: &str = "ver=\"urn:liberty:paos:2003-08\";\"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\"";

fn okta() -> IdentityProvider {
    IdentityProvider::okta()
        .with_name_id_management("https://idp.example/names")
        .with_soap_single_sign_on("https://idp.example/ecp")
}

fn serve(folder: &Folder) -> Served {
    let metadata = folder.write("okta.xml", okta().metadata().unwrap());
    let (key, certificate) = (folder.path("sp.key"), folder.path("sp.crt"));
    let trusted = ["--idp-metadata", &metadata, "--unsolicited", "accept"];
    Served::start(&[&trusted[..], &["--key", &key, "--certificate", &certificate]].concat())
}

async fn sign_in(served: &Served, id: &str, name: &str) -> Browser {
    let browser = Browser::default();
    let response = okta().response().at(Utc::now() - TimeDelta::seconds(3)).assertion_id(id).name_id(name);
    let response = response.service_provider(served.url("/saml/metadata"), &served.url("/saml/acs"));
    let (status, answer) = browser.post(served, &response.issue().unwrap(), None).await;
    assert_eq!(status, 200, "{answer}");
    browser
}

async fn is_signed_in(served: &Served, browser: &Browser) -> bool {
    browser.json(served, "/session").await.0 == 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_provider_ends_names_and_changes_them() {
    let folder = Folder::new("serve-names");
    let served = serve(&folder);
    let descriptor = served.page("/saml/metadata").await;
    for (binding, path) in
        [("HTTP-Redirect", "/saml/name-id"), ("HTTP-POST", "/saml/name-id"), ("SOAP", "/saml/name-id/soap")]
    {
        let service = format!(
            "<md:ManageNameIDService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{}\"",
            served.url(path)
        );
        assert!(descriptor.contains(&service), "{descriptor}");
    }
    let ada = sign_in(&served, "_1", "ada@example.com").await;
    let bob = sign_in(&served, "_2", "bob@example.com").await;
    let request = |path: &str, id: &str, name: &str| {
        let request =
            okta().logout_request().element("ManageNameIDRequest").at(Utc::now()).id(id).name_id(name);
        request.destination(Some(&served.url(path))).raw(TERMINATE)
    };
    let stranger = Browser::default();
    let forged = request("/saml/name-id", "_f", "ada@example.com").key(keys::other_identity_provider());
    let forged = served.get(&format!("/saml/name-id?{}", forged.to_query(None).unwrap()));
    assert_eq!(stranger.send(forged).await.status(), 403);
    assert!(is_signed_in(&served, &ada).await);

    let query = request("/saml/name-id", "_m1", "ada@example.com").to_query(Some("state")).unwrap();
    let answered = stranger.send(served.get(&format!("/saml/name-id?{query}"))).await;
    assert_eq!(answered.status(), 303);
    let location = answered.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(location.starts_with("https://idp.example/names?SAMLResponse="), "{location}");
    assert!(!is_signed_in(&served, &ada).await && is_signed_in(&served, &bob).await);

    let by_soap = request("/saml/name-id/soap", "_m2", "bob@example.com");
    let unsigned = served.post("/saml/name-id/soap").body(logout::soap(&by_soap.xml().unwrap()));
    assert_eq!(stranger.send(unsigned).await.status(), 403);
    let envelope = served.post("/saml/name-id/soap").body(by_soap.to_soap().unwrap());
    let answered = stranger.send(envelope).await;
    assert_eq!(answered.status(), 200);
    assert!(answered.text().await.unwrap().contains("status:Success"));
    assert!(!is_signed_in(&served, &bob).await);

    let events: Vec<Value> = served.printed(6).into_iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["accepted", "accepted", "refused", "name_changed", "refused", "name_changed"]);
    assert!(served.page("/").await.contains("name changed"));
}

/// The button on the page asks the identity provider; the sessions of the name end when it has confirmed that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_their_name_ended() {
    let folder = Folder::new("serve-own-name");
    let served = serve(&folder);
    let ada = sign_in(&served, "_1", "ada@example.com").await;
    assert!(ada.send(served.get("/")).await.text().await.unwrap().contains("action=\"/saml/name-id/end\""));
    let from = |site: &str| served.post("/saml/name-id/end").header("sec-fetch-site", site);
    assert_eq!(ada.send(from("cross-site")).await.status(), 403);
    let stranger = Browser::default().send(from("same-origin").header(ACCEPT, "application/json")).await;
    assert_eq!(stranger.status(), 401);
    let told: Value = serde_json::from_str(&stranger.text().await.unwrap()).unwrap();
    assert_eq!(told["code"], "serve.no_session", "{told}");
    assert!(told["hint"].as_str().unwrap().contains("sign-in"), "{told}");
    let sent = ada.send(from("same-origin")).await;
    assert_eq!(sent.status(), 303);
    let location = sent.headers()[LOCATION].to_str().unwrap().to_owned();
    let query = location.strip_prefix("https://idp.example/names?").unwrap();
    let asked = vouchsafe::redirect::decode_unverified(query, &Limits::default()).unwrap();
    let document = Document::parse(asked.bytes(), &Limits::default()).unwrap();
    let id = document.root().attribute("ID").unwrap();
    assert!(is_signed_in(&served, &ada).await, "it is not confirmed yet");

    let answer = okta().logout_response(id).element("ManageNameIDResponse").at(Utc::now());
    let answer = answer.destination(Some(&served.url("/saml/name-id")));
    let answer = answer.to_query(asked.relay_state().map(|state| state.as_str())).unwrap();
    let back = ada.send(served.get(&format!("/saml/name-id?{answer}"))).await;
    assert_eq!(
        (back.status().as_u16(), &back.headers()[LOCATION]),
        (303, &"/?name=changed".parse().unwrap())
    );
    assert!(!is_signed_in(&served, &ada).await);
    assert_eq!(served.printed(2)[1]["event"], "name_changed");
}

fn envelope(response: &Issued, state: &str) -> String {
    format!(
        "<S:Envelope xmlns:S=\"{SOAP_ENVELOPE}\"><S:Header><ecp:RelayState xmlns:ecp=\"{ECP}\" S:mustUnderstand=\"1\">{state}</ecp:RelayState></S:Header><S:Body>{}</S:Body></S:Envelope>",
        response.element()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enhanced_client_signs_in() {
    let folder = Folder::new("serve-ecp");
    let served = serve(&folder);
    let consumer = format!(
        "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:PAOS\" Location=\"{}\"",
        served.url("/saml/acs")
    );
    let descriptor = served.page("/saml/metadata").await;
    assert!(descriptor.contains(&consumer), "{descriptor}");

    let client = Browser::default();
    let asking = served.get("/saml/login").header(ACCEPT, PAOS).header("paos", PAOS_HEADER);
    let started = client.send(asking).await;
    assert_eq!((started.status().as_u16(), &started.headers()[CONTENT_TYPE]), (200, &PAOS.parse().unwrap()));
    let document = started.text().await.unwrap();
    let document = Document::parse(document.as_bytes(), &Limits::default()).unwrap();
    let named = |space: &str, name: &str| document.elements().find(|one| one.is(space, name)).unwrap();
    let id = named(SAML_PROTOCOL, "AuthnRequest").attribute("ID").unwrap();
    let state = named(ECP, "RelayState").text();

    let response = served.response().in_response_to(id);
    let brought = |response: &Issued| {
        served.post("/saml/acs").header(CONTENT_TYPE, PAOS).body(envelope(response, &state))
    };
    // What is refused is told by a fault, which says nothing of the reason.
    let forged = response.clone().key(keys::other_identity_provider());
    let refused = client.send(brought(&forged.issue().unwrap())).await;
    assert_eq!(refused.status(), 403);
    let fault = refused.text().await.unwrap();
    assert!(fault.contains("Fault>") && !fault.contains("signature"), "{fault}");
    assert!(!is_signed_in(&served, &client).await);

    let accepted = client.send(brought(&response.issue().unwrap()).header(ACCEPT, "application/json")).await;
    assert_eq!(accepted.status(), 200, "{}", served.printed_text());
    assert_eq!(client.json(&served, "/session").await.1["name_id"], json!("ada@example.com"));
    let events: Vec<Value> = served.printed(2).into_iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["refused", "accepted"]);
}
