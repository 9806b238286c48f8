//! Signatures of metadata, of queries and of other messages, and given certificates.

use vouchsafe::crypto::Provider;
use vouchsafe::doctor::{Doctor, Exhibit, Kind};
use vouchsafe::redirect;
use vouchsafe::signature::{Signer, sign, sign_query};
use vouchsafe::xml::Limits;
use vouchsafe_testkit::{self as testkit, keys, keys::KeyPair};

use crate::{codes, errors, fact, now};

/// Returns the exhibit of the first of these files.
fn first(files: &[&str]) -> Exhibit {
    let names = ["first", "second", "third"];
    let files: Vec<_> = names.into_iter().zip(files.iter().map(|text| text.as_bytes())).collect();
    Doctor::new(now()).examine(&files).exhibits.remove(0)
}

fn signed(xml: &str, id: &str, pair: &KeyPair) -> String {
    sign(xml, id, &Signer::new(pair.private_key()), &Provider::rustcrypto(), &Limits::default()).unwrap()
}

fn metadata() -> String {
    testkit::IdentityProvider::okta().metadata().unwrap()
}

/// A message of a sender, unsigned.
fn message(name: &str, issuer: &str) -> String {
    format!(
        "<samlp:{name} xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_m\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" Destination=\"https://app.example.com/saml/slo\"><saml:Issuer>{issuer}</saml:Issuer>\
         <saml:NameID>ada</saml:NameID></samlp:{name}>"
    )
}

fn query(name: &str, issuer: &str, pair: &KeyPair) -> String {
    let query = redirect::encode(redirect::SAML_REQUEST, &message(name, issuer), None);
    let (key, provider) = (pair.private_key(), Provider::rustcrypto());
    sign_query(&query, Signer::algorithm_for(key), key, &provider).unwrap()
}

#[test]
fn metadata_is_verified_by_a_certificate_that_was_handed_over() {
    let plain = metadata();
    let exhibit = first(&[&plain]);
    assert_eq!((fact(&exhibit, "signed"), fact(&exhibit, "verified")), (Some("no"), None));

    let federation = keys::other_identity_provider();
    let document = signed(&plain.replacen("entityID=", "ID=\"_d\" entityID=", 1), "_d", federation);
    let pem = federation.certificate().to_pem();
    let altered = document.replace("/sso/saml", "/sso/evil");
    assert_ne!(altered, document);
    for (files, verified, code, wrong) in [
        (vec![&*document], "not tried: no certificate among the files", None, false),
        (vec![&document, &pem], "by second", None, false),
        (vec![&altered, &pem], "no", Some("signature.digest_mismatch"), true),
        // The certificate may have been given for another message.
        (
            vec![&document, &keys::attacker().certificate().to_pem()],
            "no",
            Some("signature.not_verified"),
            false,
        ),
    ] {
        let exhibit = first(&files);
        assert_eq!(fact(&exhibit, "signed"), Some("in the document"));
        assert_eq!(fact(&exhibit, "verified"), Some(verified), "{exhibit:#?}");
        assert_eq!(codes(&exhibit).iter().find(|code| code.starts_with("signature.")).copied(), code);
        assert_eq!(!errors(&exhibit).is_empty(), wrong, "{exhibit:#?}");
    }
}

#[test]
fn a_query_is_verified_by_the_metadata_of_its_sender() {
    let okta = query("LogoutRequest", testkit::OKTA_ENTITY_ID, keys::identity_provider());
    let address = format!("https://app.example.com/saml/slo?{okta}");
    let ours = query("AuthnRequest", testkit::SERVICE_PROVIDER, keys::service_provider());
    let forged = query("LogoutRequest", testkit::OKTA_ENTITY_ID, keys::attacker());
    let altered = okta.replace("&SigAlg=", "&RelayState=x&SigAlg=");
    let (metadata, pem) = (metadata(), keys::service_provider().certificate().to_pem());
    let by_okta = format!("by {}, signing key 1", testkit::OKTA_ENTITY_ID);
    let nothing =
        |name| format!("not tried: neither a usable key of “{name}” nor a certificate among the files");
    for (files, verified, code) in [
        (vec![&*okta, &metadata], &*by_okta, None),
        (vec![&address, &metadata], &by_okta, None),
        (vec![&ours], &nothing(testkit::SERVICE_PROVIDER), None),
        (vec![&ours, &pem], "by second", None),
        (vec![&okta], &nothing(testkit::OKTA_ENTITY_ID), None),
        (vec![&forged, &metadata], "no", Some("signature.not_verified")),
        (vec![&altered, &metadata], "no", Some("signature.not_verified")),
    ] {
        let exhibit = first(&files);
        assert_eq!(fact(&exhibit, "signed"), Some("in the query"), "{exhibit:#?}");
        assert_eq!(fact(&exhibit, "verified"), Some(verified), "{exhibit:#?}");
        assert_eq!(errors(&exhibit).first().copied(), code, "{exhibit:#?}");
    }
    let plain =
        redirect::encode(redirect::SAML_REQUEST, &message("LogoutRequest", testkit::OKTA_ENTITY_ID), None);
    let exhibit = first(&[&plain, &metadata]);
    assert_eq!((fact(&exhibit, "signed"), fact(&exhibit, "verified")), (Some("no"), Some("no")));
    assert_eq!(errors(&exhibit), ["message.unsigned"], "{exhibit:#?}");
}

#[test]
fn so_is_a_message_that_carries_its_signature() {
    let message = message("LogoutRequest", testkit::OKTA_ENTITY_ID);
    let good = signed(&message, "_m", keys::identity_provider());
    let altered = good.replace("2026-01-01", "2026-01-02");
    for (text, code) in [
        (&good, None),
        (&altered, Some("signature.digest_mismatch")),
        (&signed(&message, "_m", keys::attacker()), Some("signature.not_verified")),
    ] {
        let exhibit = first(&[text, &metadata()]);
        assert_eq!(fact(&exhibit, "signed"), Some("in the message"));
        assert_eq!(errors(&exhibit).first().copied(), code, "{exhibit:#?}");
        assert_eq!(fact(&exhibit, "verified") == Some("no"), code.is_some(), "{exhibit:#?}");
    }
}

/// Without metadata, a certificate among the files has priority over those inside a response.
#[test]
fn a_response_is_verified_by_a_certificate_that_was_handed_over() {
    let response = testkit::IdentityProvider::okta().response().issue().unwrap();
    let exhibit = first(&[response.xml(), &keys::identity_provider().certificate().to_pem()]);
    assert_eq!(codes(&exhibit), ["doctor.not_compared"], "{exhibit:#?}");
    let exhibit = first(&[response.xml(), &keys::attacker().certificate().to_pem()]);
    assert_eq!(errors(&exhibit).first(), Some(&"signature.not_verified"), "{exhibit:#?}");
    let exhibit = first(&[response.xml()]);
    assert_eq!(codes(&exhibit), ["doctor.unverified_sender", "doctor.not_compared"]);
}

#[test]
fn a_certificate_is_shown() {
    let certificate = keys::identity_provider().certificate();
    let exhibit = first(&[&certificate.to_pem()]);
    assert_eq!((exhibit.kind, exhibit.kind.name()), (Kind::Certificate, "certificate"));
    assert!(fact(&exhibit, "certificate").unwrap().contains(&certificate.fingerprint_sha256()));
    assert_eq!(codes(&exhibit), Vec::<&str>::new());
    let secret = keys::identity_provider().private_key().to_pkcs8_pem();
    let exhibit = first(&[secret.as_str()]);
    assert_eq!((exhibit.kind, codes(&exhibit)), (Kind::Unrecognised, vec!["doctor.unrecognised"]));
    assert!(!format!("{exhibit:?}").contains(secret.as_str().lines().nth(1).unwrap()));
}
