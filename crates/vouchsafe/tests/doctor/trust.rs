//! Only the operator defines whom to trust and who we are, and never the content of a message or a recording.

use serde_json::json;
use vouchsafe::crypto::base64_encode;
use vouchsafe::doctor::{Diagnosis, Doctor, Exhibit, Kind};
use vouchsafe::redirect;
use vouchsafe_testkit::{self as testkit, KeyPair, keys};

use crate::samples::metadata as metadata_at;
use crate::{codes, errors, examine, fact, now};

const EVIL: &str = "https://evil.example.net";

/// Metadata of this identity provider with the certificate of another key in it.
fn metadata_with(pair: &KeyPair) -> String {
    testkit::IdentityProvider::okta().with_key(pair).metadata().unwrap()
}

fn genuine() -> String {
    testkit::IdentityProvider::okta().metadata().unwrap()
}

/// A response in Okta's name, by the attacker's key.
fn forged() -> String {
    testkit::IdentityProvider::okta().response().key(keys::attacker()).issue().unwrap().into_xml()
}

fn service(entity_id: &str, consumer: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\"><md:SPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:AssertionConsumerService index=\"0\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{consumer}\"/></md:SPSSODescriptor></md:EntityDescriptor>"
    )
}

fn request(id: &str, issuer: &str, consumer: &str) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" \
         Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" AssertionConsumerServiceURL=\"{consumer}\"><saml:Issuer>{issuer}</saml:Issuer>\
         </samlp:AuthnRequest>"
    )
}

fn encoded(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// A recording in which these documents were posted as SAMLResponse to this address.
fn recording(address: &str, posted: &[&str]) -> String {
    let entries: Vec<_> = posted
        .iter()
        .map(|xml| {
            let body = format!("SAMLResponse={}", encoded(&base64_encode(xml.as_bytes())));
            json!({"startedDateTime": "2026-01-01T00:00:02Z", "request": {"method": "POST", "url": address, "postData": {"text": body}}})
        })
        .collect();
    json!({"log": {"version": "1.2", "entries": entries}}).to_string()
}

fn together(files: &[&str]) -> Diagnosis {
    let files: Vec<(String, &str)> =
        (0..).zip(files).map(|(place, text): (usize, _)| (format!("file {place}"), *text)).collect();
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    Doctor::new(now()).examine(&named)
}

fn response(diagnosis: &Diagnosis) -> &Exhibit {
    diagnosis.exhibits.iter().find(|exhibit| exhibit.kind == Kind::Response).unwrap()
}

/// Checks that no complaint recommends a value from a message.
fn no_value_is_evil(diagnosis: &Diagnosis) {
    for complaint in diagnosis.exhibits.iter().flat_map(|exhibit| &exhibit.complaints) {
        let value = complaint.setting.as_ref().and_then(|setting| setting.value.as_deref());
        assert!(!value.unwrap_or_default().contains("evil"), "{complaint:#?}");
        assert!(!complaint.remedy.contains("evil"), "{complaint:#?}");
    }
}

#[test]
fn metadata_inside_a_message_is_believed_by_nobody() {
    let (evil, forged) = (metadata_with(keys::attacker()), forged());
    let page = format!(
        "<html><form><input name=\"SAMLResponse\" value=\"{}\"/></form>",
        base64_encode(evil.as_bytes())
    );
    let in_query = redirect::encode(redirect::SAML_REQUEST, &evil, None);
    let wrappings = [
        recording("https://app.example.com/saml/acs", &[&evil]),
        base64_encode(evil.as_bytes()),
        format!("SAMLResponse={}", encoded(&base64_encode(evil.as_bytes()))),
        page,
        format!("https://app.example.com/saml/acs?{in_query}"),
        in_query,
    ];
    for wrapped in &wrappings {
        let diagnosis = together(&[wrapped, &forged]);
        let inside = &diagnosis.exhibits[0];
        assert_eq!(inside.kind, Kind::IdentityProviderMetadata, "{wrapped}");
        assert!(codes(inside).contains(&"doctor.metadata_in_message"), "{inside:#?}");
        assert!(
            codes(response(&diagnosis)).contains(&"doctor.unverified_sender"),
            "{wrapped}\n{diagnosis:#?}"
        );
        // Together with the genuine file it changes nothing, and does not count as a second description.
        let diagnosis = together(&[wrapped, &genuine(), &forged]);
        assert_eq!(errors(response(&diagnosis))[0], "signature.not_verified", "{wrapped}\n{diagnosis:#?}");
    }
    // A whole file that the operator named is trusted, whatever it contains.
    let diagnosis = together(&[&evil, &forged]);
    assert_eq!(codes(response(&diagnosis)), ["doctor.not_compared"], "{diagnosis:#?}");
    let everything = recording("https://app.example.com/saml/acs", &[&evil, &forged]);
    let diagnosis = together(&[&everything, &genuine()]);
    assert_eq!(errors(response(&diagnosis))[0], "signature.not_verified", "{diagnosis:#?}");
    assert!(!diagnosis.is_healthy());
}

#[test]
fn keys_inside_a_message_verify_no_query_and_no_message() {
    let evil = recording("https://app.example.com/", &[&metadata_with(keys::attacker())]);
    let logout = request("_l", testkit::OKTA_ENTITY_ID, "x").replace("AuthnRequest", "LogoutRequest");
    let query = redirect::encode(redirect::SAML_REQUEST, &logout, None);
    let attacker = keys::attacker().private_key();
    let algorithm = vouchsafe::signature::Signer::algorithm_for(attacker);
    let query = vouchsafe::signature::sign_query(&query, algorithm, attacker, keys::provider()).unwrap();
    let diagnosis = together(&[&query, &evil]);
    assert!(fact(&diagnosis.exhibits[0], "verified").unwrap().starts_with("not tried: "), "{diagnosis:#?}");
    let diagnosis = together(&[&query, &evil, &genuine()]);
    assert_eq!(fact(&diagnosis.exhibits[0], "verified"), Some("no"), "{diagnosis:#?}");
}

#[test]
fn who_we_are_is_taken_from_no_message() {
    let okta = testkit::IdentityProvider::okta();
    let response_xml = okta.response().in_response_to("_q").issue().unwrap().into_xml();
    let told = [service(EVIL, &format!("{EVIL}/acs")), request("_q", EVIL, &format!("{EVIL}/acs"))];
    for address in [format!("{EVIL}/acs"), "https://app.example.com/saml/acs".to_owned()] {
        let har = recording(&address, &[&told[0], &told[1], &response_xml]);
        let diagnosis = together(&[&har, &genuine()]);
        no_value_is_evil(&diagnosis);
        let exhibit = response(&diagnosis);
        assert_eq!(errors(exhibit), Vec::<&str>::new(), "{exhibit:#?}");
        assert!(codes(exhibit).contains(&"doctor.disagreement"), "{exhibit:#?}");
        assert!(codes(exhibit).contains(&"doctor.not_compared"), "{exhibit:#?}");
        // With our own metadata given, the response is right, and no other source is used.
        let own = service(testkit::SERVICE_PROVIDER, testkit::ASSERTION_CONSUMER);
        let diagnosis = together(&[&har, &genuine(), &own]);
        no_value_is_evil(&diagnosis);
        assert_eq!(codes(response(&diagnosis)), Vec::<&str>::new(), "{diagnosis:#?}");
    }
}

#[test]
fn a_response_that_names_the_attackers_addresses_gives_no_value() {
    let okta = testkit::IdentityProvider::okta();
    let acs = format!("{EVIL}/acs");
    for issued in [
        okta.response().audience(EVIL).issue(),
        okta.response().destination(&acs).issue(),
        okta.response().recipient(&acs).issue(),
        okta.response().audience(EVIL).destination(&acs).recipient(&acs).key(keys::attacker()).issue(),
        okta.response().issuer(EVIL).key(keys::attacker()).issue(),
        okta.response().assertion_issuer(EVIL).issue(),
    ] {
        let xml = issued.unwrap().into_xml();
        let own = service(testkit::SERVICE_PROVIDER, testkit::ASSERTION_CONSUMER);
        for files in [vec![&*xml], vec![&xml, &genuine()], vec![&xml, &genuine(), &own]] {
            let diagnosis = together(&files);
            no_value_is_evil(&diagnosis);
            assert!(!codes(response(&diagnosis)).is_empty(), "{diagnosis:#?}");
        }
    }
}

#[test]
fn two_descriptions_of_one_entity_are_an_error_and_neither_is_used() {
    let evil = metadata_with(keys::attacker());
    for files in [[&genuine(), &evil], [&evil, &genuine()]] {
        for signer in [keys::identity_provider(), keys::attacker()] {
            let xml = testkit::IdentityProvider::okta().response().key(signer).issue().unwrap().into_xml();
            let diagnosis = together(&[files[0], files[1], &xml]);
            for exhibit in &diagnosis.exhibits {
                assert!(errors(exhibit).contains(&"doctor.two_descriptions"), "{exhibit:#?}");
            }
            assert!(
                diagnosis.exhibits[2].complaints[0].message.contains("“file 0”, “file 1”"),
                "{diagnosis:#?}"
            );
            assert!(!diagnosis.is_healthy());
        }
    }
    // The same description twice counts as one, also if only the dates differ.
    let dated = genuine().replacen(" entityID=", " validUntil=\"2030-01-01T00:00:00Z\" entityID=", 1);
    let good = testkit::IdentityProvider::okta().response().issue().unwrap().into_xml();
    let diagnosis = together(&[&genuine(), &genuine(), &dated, &good]);
    assert!(diagnosis.is_healthy(), "{diagnosis:#?}");
}

/// As everywhere, the first of several entities with one name in a document is used, and a warning reports the
/// others.
#[test]
fn of_two_descriptions_in_one_aggregate_the_first_serves() {
    let wrap = |inner: &[String]| {
        let inner: String =
            inner.iter().map(|one| one.split_once("?>").map_or(one.as_str(), |(_, rest)| rest)).collect();
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{inner}</md:EntitiesDescriptor>"
        )
    };
    // This also holds after the first thousand entities.
    let mut all: Vec<String> =
        (0..1_100).map(|number| service(&format!("urn:{number}"), "https://sp.example.com/acs")).collect();
    all.insert(0, genuine());
    all.push(metadata_with(keys::attacker()));
    let diagnosis = together(&[&wrap(&all), &forged()]);
    assert_eq!(errors(response(&diagnosis))[0], "signature.not_verified", "{diagnosis:#?}");
    assert!(
        codes(&diagnosis.exhibits[0]).contains(&"metadata.duplicate_entity"),
        "{:#?}",
        diagnosis.exhibits[0]
    );
    let good = testkit::IdentityProvider::okta().response().issue().unwrap().into_xml();
    assert_eq!(errors(response(&together(&[&wrap(&all), &good]))), Vec::<&str>::new());
}

#[test]
fn a_certificate_inside_a_text_verifies_nothing() {
    let pem = keys::attacker().certificate().to_pem();
    for text in [
        format!("Dear support,\n{pem}"),
        format!("{pem}\nRegards"),
        format!("x-----BEGIN CERTIFICATE-----\n{pem}"),
    ] {
        let diagnosis = together(&[&text, &forged()]);
        if diagnosis.exhibits[0].kind == Kind::Certificate {
            assert_eq!(codes(&diagnosis.exhibits[0]), ["doctor.certificate_in_text"], "{text}");
        }
        assert!(codes(response(&diagnosis)).contains(&"doctor.unverified_sender"), "{text}\n{diagnosis:#?}");
    }
    let diagnosis = together(&[&format!("\r\n{}\r\n", pem.replace('\n', "\r\n")), &forged()]);
    assert_eq!(codes(response(&diagnosis)), ["doctor.not_compared"], "{diagnosis:#?}");
}

/// AD FS and Keycloak describe themselves as service providers as well.
#[test]
fn an_identity_provider_that_takes_responses_is_not_us() {
    let (start, end) = ("<md:SPSSODescriptor", "</md:EntityDescriptor>");
    let role = service("urn:x", &format!("{EVIL}/adfs/ls"));
    let role = role.get(role.find(start).unwrap()..role.find(end).unwrap()).unwrap();
    let role = role.replace(
        "<md:SPSSODescriptor",
        "<md:SPSSODescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"",
    );
    let both = genuine().replace("</md:IDPSSODescriptor>", &format!("</md:IDPSSODescriptor>{role}"));
    assert_ne!(both, genuine());
    let good = testkit::IdentityProvider::okta().response().issue().unwrap().into_xml();
    let diagnosis = together(&[&both, &good]);
    assert_eq!(codes(response(&diagnosis)), ["doctor.not_compared"], "{diagnosis:#?}");
    // Without a choice, none of several service providers is assumed to be ours.
    let several = [service("urn:one", &format!("{EVIL}/1")), service("urn:two", &format!("{EVIL}/2"))];
    let diagnosis = together(&[&genuine(), &several[0], &several[1], &good]);
    assert_eq!(
        codes(response(&diagnosis)),
        ["doctor.several_services", "doctor.not_compared"],
        "{diagnosis:#?}"
    );
}

#[test]
fn what_the_message_lacks_is_judged_though_nobody_told_what_it_must_be() {
    let bare = testkit::IdentityProvider::okta().response().issue().unwrap().into_xml();
    let audience = format!("<saml2:Audience>{}</saml2:Audience>", testkit::SERVICE_PROVIDER);
    assert!(bare.contains(&audience), "{bare}");
    // The signature is broken too, which is reported first.
    let diagnosis = together(&[&bare.replace(&audience, ""), &genuine()]);
    assert!(!errors(response(&diagnosis)).is_empty());
}

#[test]
fn a_recording_is_looked_at_up_to_a_size() {
    let long = format!("<a>{}</a>", "x".repeat(900_000));
    let posted: Vec<&str> = (0..20).map(|_| long.as_str()).collect();
    let diagnosis = together(&[&recording("https://app.example.com/", &posted)]);
    assert!(diagnosis.exhibits.len() <= 11, "{}", diagnosis.exhibits.len());
    assert_eq!(codes(diagnosis.exhibits.last().unwrap()), ["doctor.more_messages"]);
}

#[test]
fn signatures_of_eight_messages_are_looked_into() {
    let forged = forged();
    let posted: Vec<&str> = (0..10).map(|_| forged.as_str()).collect();
    let diagnosis = together(&[&recording("https://app.example.com/", &posted), &genuine()]);
    let looked = |exhibit: &&Exhibit| codes(exhibit).iter().any(|code| code.starts_with("autopsy."));
    assert_eq!(diagnosis.exhibits.iter().filter(looked).count(), 8);
    assert_eq!(
        diagnosis.exhibits.iter().filter(|one| codes(one).contains(&"doctor.not_looked_into")).count(),
        2
    );
}

#[test]
fn a_forgery_is_never_told_as_a_roll_over() {
    let diagnosis = together(&[&genuine(), &forged()]);
    let told = response(&diagnosis).complaints.iter().filter(|one| one.code.starts_with("autopsy."));
    let remedies: Vec<&str> = told.map(|one| one.remedy.as_str()).collect();
    assert!(!remedies.is_empty());
    for remedy in remedies {
        assert!(
            remedy.starts_with("Compare the fingerprint with the identity provider's console first"),
            "{remedy}"
        );
        assert!(remedy.contains("anybody may have made this message"), "{remedy}");
    }
    let unknown = metadata_at("https://idp.example.org/other", "https://idp.example.org/sso", "", "");
    let diagnosis = together(&[&unknown, &forged()]);
    let first = &response(&diagnosis).complaints[0];
    assert_eq!(first.code, "assertion.unknown_issuer");
    assert!(first.remedy.starts_with("Compare this entity ID letter by letter"), "{first:#?}");
    assert!(examine(forged()).complaints.iter().all(|one| one.setting.is_none()));
}

#[test]
fn no_more_is_shown_than_somebody_can_read() {
    let many: String = (0..5_000)
        .map(|place| format!("<md:AssertionConsumerService index=\"{place}\" Binding=\"urn:b\" Location=\"http://a.example/{}\"/>", "x".repeat(90)))
        .collect();
    let long = service("urn:a", "https://a.example/")
        .replace("</md:SPSSODescriptor>", &format!("{many}</md:SPSSODescriptor>"));
    let exhibit = examine(long);
    assert!(exhibit.facts.len() <= 200 && exhibit.complaints.len() <= 100, "{}", exhibit.facts.len());
    let issuer = "y".repeat(5_000);
    let exhibit = examine(request("_q", &issuer, "https://a.example/"));
    assert_eq!(fact(&exhibit, "issuer").unwrap().chars().count(), 501);
}
