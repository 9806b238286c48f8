//! An identity provider that loads the metadata of a service from its address, and keeps its key in a file.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::TcpListener;

use vouchsafe_crypto::KeyKind;
use vouchsafe_testkit::server::{App, Config, start};
use vouchsafe_testkit::{KeyPair, keys};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

fn metadata(logout: &str) -> String {
    let certificate = keys::service_provider().certificate().to_base64();
    format!(
        "<EntityDescriptor xmlns=\"{MD}\" entityID=\"https://app.example.com\"><SPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor use=\"signing\">\
         <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{certificate}\
         </X509Certificate></X509Data></KeyInfo></KeyDescriptor>{logout}<AssertionConsumerService index=\"0\" \
         Binding=\"{POST}\" Location=\"https://app.example.com/acs\"/></SPSSODescriptor></EntityDescriptor>"
    )
}

/// Serves these answers, one for each request, and then no more.
fn serve(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0_u8; 4096]).unwrap();
            let length = answer.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}").unwrap();
        }
    });
    address
}

#[tokio::test]
async fn the_metadata_of_a_service_can_be_loaded_when_it_runs() {
    let server = start(Config::default()).await.unwrap();
    let okta = server.okta();
    let logout =
        format!("<SingleLogoutService Binding=\"{POST}\" Location=\"https://app.example.com/slo\"/>");
    let address = serve(vec!["no metadata".to_owned(), metadata(&logout), metadata("")]);
    let app = okta.add_app(App::to_be_loaded("App", &address));
    // The service can read that there is a logout address before it runs itself.
    let offers_logout = || okta.metadata(&app).unwrap().contains("SingleLogoutService");
    assert!(offers_logout());
    okta.load_metadata(&app, &address).await.unwrap_err();
    assert_eq!(okta.app(&app).unwrap().entity_id, address, "nothing changes");

    let loaded = okta.load_metadata(&app, &address).await.unwrap();
    assert_eq!(loaded.entity_id, "https://app.example.com");
    assert_eq!(loaded.single_sign_on_url, "https://app.example.com/acs");
    assert_eq!(loaded.single_logout_url.as_deref(), Some("https://app.example.com/slo"));
    assert_eq!(loaded.signature_certificate.as_ref(), Some(keys::service_provider().certificate()));
    assert!(offers_logout());
    let loaded = okta.load_metadata(&app, &address).await.unwrap();
    assert_eq!(loaded.single_logout_url, None);
    assert!(!offers_logout(), "a service without a logout address is not told");
    // It has stopped.
    let stopped = okta.load_metadata(&app, &address).await.unwrap_err();
    assert_eq!(stopped.code(), "testkit.unanswered");
    assert!(stopped.to_string().starts_with("nobody answered GET /"), "{stopped}");
    assert_eq!(okta.app(&app).unwrap().entity_id, "https://app.example.com");
    assert!(okta.load_metadata(&okta.add_app(App::new("B", "b", "b")), "https://b").await.is_err());
    server.stop().await;
}

#[test]
fn a_pair_is_kept_as_text() {
    let key = KeyPair::generate(KeyKind::P256, "kept").unwrap();
    let kept = KeyPair::from_pem(key.to_pem().as_str()).unwrap();
    assert_eq!(kept.certificate(), key.certificate());
    assert!(kept.certificate().certifies(kept.private_key().public_key()));
    assert!(KeyPair::from_pem(&key.certificate().to_pem()).is_err());
    assert!(KeyPair::from_pem(key.private_key().to_pkcs8_pem().as_str()).is_err());
}
