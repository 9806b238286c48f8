//! The content of our metadata, and the requirements of others' metadata for our signatures.

use vouchsafe::crypto::{KeyKind, Provider, SignatureAlgorithm};
use vouchsafe::metadata::{
    Aggregate, AlgorithmSupport, Contact, ContactKind, EntityAttributes, MetadataDescription,
    ServiceInformation, SigningMethod, SubjectIdRequirement, UserInterface,
};
use vouchsafe::signature::{TrustedKey, verify_query};
use vouchsafe::{LoginOptions, RequestBinding, SignRequests};
use vouchsafe_testkit::{IdentityProvider, keys};

use crate::common::{Service, builder, connection, now, trusted};

/// The information about the service is in its metadata, and in that for one connection.
#[test]
fn our_metadata_says_what_the_service_is() {
    let (now_key, next) = (keys::service_provider_p256(), keys::service_provider());
    let information = ServiceInformation::default()
        .with_user_interface(UserInterface::default().with_display_name("en", "Example Analytics"))
        .with_contact(Contact::new(ContactKind::Technical, "saml@example.com"))
        .with_entity_attributes(
            EntityAttributes::default().with_subject_id_requirement(SubjectIdRequirement::PairwiseId),
        );
    let saml = builder()
        .signing_key(now_key.private_key().clone(), now_key.certificate().clone())
        .next_signing_certificate(next.certificate().clone())
        .information(information)
        .build()
        .unwrap();
    let other = connection("other", trusted(&IdentityProvider::other()));
    for xml in [saml.metadata_xml().unwrap(), saml.metadata_xml_for(&other).unwrap()] {
        let read = MetadataDescription::read(xml.as_bytes()).unwrap().into_entities().pop().unwrap();
        assert_eq!(read.display_name(), Some("Example Analytics"));
        assert_eq!(read.entity_attributes().subject_id_requirement(), Some(SubjectIdRequirement::PairwiseId));
        assert_eq!(read.contacts().len(), 1);
        let keys: Vec<String> =
            read.roles()[0].signing_keys().iter().map(|key| key.fingerprint_sha256()).collect();
        let expected = [now_key, next].map(|key| key.certificate().fingerprint_sha256().to_owned());
        assert_eq!(keys, expected, "the one in use comes first");
        assert_eq!(read.roles()[0].flag("WantAssertionsSigned"), Some(false), "as it is judged");
    }
}

#[test]
fn our_metadata_can_be_signed() {
    let key = keys::service_provider_p256();
    let saml = builder()
        .signing_key(key.private_key().clone(), key.certificate().clone())
        .sign_metadata()
        .build()
        .unwrap();
    let trust = [TrustedKey::new(key.private_key().public_key().clone(), "ours")];
    Aggregate::read_signed(saml.metadata_xml().unwrap(), &trust, saml.provider()).unwrap();
    let keyless = builder().sign_metadata().build().unwrap_err();
    assert_eq!(keyless.code(), "binding.signing_key_missing");
}

/// MD10 applies to HTTP-Redirect and to signatures in the message itself.
#[test]
fn requests_are_signed_as_the_identity_provider_can_verify() {
    let provider = Provider::rustcrypto();
    let key = provider.generate_key(KeyKind::P256).unwrap();
    let certificate =
        vouchsafe::crypto::Certificate::self_signed(&provider, &key, "sp", 1_600_000_000, 2_000_000_000)
            .unwrap();
    let trust = [TrustedKey::new(key.public_key().clone(), "ours")];
    let wanted = SignatureAlgorithm::EcdsaSha512.uri();
    let support = AlgorithmSupport::default()
        .with_signing_method(SigningMethod::new(SignatureAlgorithm::RsaSha256.uri()))
        .with_signing_method(SigningMethod::new(wanted))
        .with_digest_method("http://www.w3.org/2001/04/xmlenc#sha512");
    let other = trusted(&IdentityProvider::other()).with_algorithm_support(support);
    let service = Service::new(builder().signing_key(key, certificate).sign_requests(SignRequests::Always))
        .with(connection("other", other));
    let started = service.start_over("other", LoginOptions::default(), now()).unwrap();
    let (_, query) = started.request.redirect().unwrap().url().split_once('?').unwrap();
    verify_query(query, &trust, service.saml.provider()).unwrap();
    assert!(query.contains("ecdsa-sha512"), "{query}");

    let posted =
        service.start_over("other", LoginOptions::default().binding(RequestBinding::Post), now()).unwrap();
    let form = posted.request.form().unwrap();
    let message = vouchsafe::crypto::base64_decode(form.fields()[0].1.as_bytes()).unwrap();
    let message = String::from_utf8(message).unwrap();
    assert!(message.contains(wanted) && message.contains("xmlenc#sha512"), "{message}");
}

/// A connection is compared with the metadata that its identity provider publishes now.
#[test]
fn a_connection_is_held_against_live_metadata() {
    let kit = IdentityProvider::other();
    let at_hand = connection("other", trusted(&kit));
    let codes = |saml: &vouchsafe::ServiceProvider, live: vouchsafe::IdentityProvider| -> Vec<&'static str> {
        let findings = saml.check_metadata(&at_hand, &live, now());
        assert!(findings.iter().all(|one| !one.to_string().is_empty() && one.remedy().ends_with('.')));
        findings.iter().map(vouchsafe::MetadataFinding::code).collect()
    };
    let live = || trusted(&kit);
    let from = |xml: &str| vouchsafe::IdentityProvider::from_metadata(xml.as_bytes()).unwrap();
    let metadata = kit.metadata().unwrap();
    let saml = builder().build().unwrap();
    assert!(codes(&saml, live()).is_empty());
    assert_eq!(codes(&saml, trusted(&IdentityProvider::okta())), ["connection.other_entity"]);
    let next = keys::service_provider().certificate().clone();
    assert_eq!(codes(&saml, live().with_signing_certificate(next.clone())), ["connection.key_not_trusted"]);
    let other_key =
        vouchsafe::IdentityProvider::new(live().entity_id().clone()).with_signing_certificate(next.clone());
    let changed = live().single_sign_on().iter().fold(other_key, |provider, endpoint| {
        provider.with_single_sign_on(endpoint.binding().clone(), endpoint.location()).unwrap()
    });
    let changed = live().single_logout().iter().fold(changed, |provider, endpoint| {
        provider.with_single_logout(endpoint.binding().clone(), endpoint.location()).unwrap()
    });
    assert_eq!(
        codes(&saml, changed),
        ["connection.no_key_in_common", "connection.key_not_trusted", "connection.key_withdrawn"]
    );
    let past = metadata.replacen("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1);
    assert_eq!(codes(&saml, from(&past)), ["connection.metadata_expired"]);
    let moved = metadata.replace("Location=\"https://", "Location=\"https://new.");
    assert!(codes(&saml, from(&moved)).contains(&"connection.sign_on_elsewhere"));
    let foreign = metadata.replace("bindings:HTTP-", "bindings:Other-");
    assert!(codes(&saml, from(&foreign)).contains(&"connection.no_sign_on"));
    let wanting = || live().with_authn_requests_signed(true);
    assert_eq!(codes(&saml, wanting()), ["connection.no_key_to_sign_with"]);
    let key = keys::service_provider_p256();
    let signing =
        builder().signing_key(key.private_key().clone(), key.certificate().clone()).build().unwrap();
    assert!(codes(&signing, wanting()).is_empty());
    let rsa_alone = AlgorithmSupport::default()
        .with_signing_method(SigningMethod::new(SignatureAlgorithm::RsaSha256.uri()));
    assert_eq!(
        codes(&signing, wanting().with_algorithm_support(rsa_alone)),
        ["connection.no_algorithm_in_common"]
    );
}

/// What says that sign-ins go on asks what starts them: the connection's own metadata has ended, its address is not secure,
/// or it does not have what the connection is set to use.
#[test]
fn no_check_passes_where_no_sign_in_can_be_started() {
    let metadata = IdentityProvider::other().metadata().unwrap();
    let from = |xml: &str| vouchsafe::IdentityProvider::from_metadata(xml.as_bytes()).unwrap();
    let ended = from(&metadata.replacen("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1));
    let insecure = from(&metadata.replace("Location=\"https://", "Location=\"http://"));
    let nowhere = from(&metadata.replace("bindings:HTTP-", "bindings:Other-"));
    let wanting = trusted(&IdentityProvider::other()).with_authn_requests_signed(true);
    let good = || trusted(&IdentityProvider::other());
    let plain = vouchsafe::ConnectionSettings::default;
    let simple = plain().binding(RequestBinding::PostSimpleSign);
    let by_artifact = plain().response_binding(vouchsafe::ResponseBinding::Artifact);
    for (known, settings, code) in [
        (ended, plain(), "connection.known_expired"),
        (insecure.clone(), plain(), "connection.insecure_sign_on"),
        (nowhere, plain(), "connection.no_sign_on"),
        (wanting, plain(), "connection.no_key_to_sign_with"),
        (good(), simple, "connection.no_sign_on"),
        (good(), by_artifact, "connection.cannot_start"),
    ] {
        let over = connection("other", known).with_settings(settings).unwrap();
        let saml = builder().build().unwrap();
        let findings = saml.check_metadata(&over, &good(), now());
        let errors: Vec<&str> = findings
            .iter()
            .filter(|one| one.severity() == vouchsafe::metadata::LintSeverity::Error)
            .map(vouchsafe::MetadataFinding::code)
            .collect();
        assert_eq!(errors, [code]);
        saml.start_login(&over, LoginOptions::default(), now()).unwrap_err();
    }
    // What is published would stop sign-ins as soon as it is taken.
    let saml = builder().build().unwrap();
    let findings = saml.check_metadata(&connection("other", good()), &insecure, now());
    assert!(findings.iter().any(|one| one.code() == "connection.insecure_sign_on"), "{findings:?}");
    // An identity provider with HTTP-POST-SimpleSign alone is used by it.
    let simple = from(
        &metadata
            .replace("bindings:HTTP-POST\"", "bindings:HTTP-POST-SimpleSign\"")
            .replace("bindings:HTTP-Redirect", "bindings:Other"),
    );
    let key = keys::service_provider_p256();
    let signing =
        builder().signing_key(key.private_key().clone(), key.certificate().clone()).build().unwrap();
    let over = connection("other", simple.clone());
    assert_eq!(signing.check_metadata(&over, &simple, now()), []);
    let _ = signing.start_login(&over, LoginOptions::default(), now()).unwrap();
}

/// A key that the service refuses is in both documents, or comes beside a good one.
#[test]
fn keys_that_cannot_be_used_are_found_before_a_sign_in_fails() {
    let modulus = vouchsafe::crypto::base64_encode(&[0xc1; 128]);
    let weak = format!(
        "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo></md:KeyDescriptor>"
    );
    let good = IdentityProvider::other().metadata().unwrap();
    let (before, rest) = good.split_once("<md:KeyDescriptor").unwrap();
    let (_, after) = rest.split_once("</md:KeyDescriptor>").unwrap();
    let (only_weak, both) = (
        format!("{before}{weak}{after}"),
        good.replacen("<md:KeyDescriptor", &format!("{weak}<md:KeyDescriptor"), 1),
    );
    // The strong key was replaced, and the weak one stayed in both documents.
    let next = IdentityProvider::other().with_key(vouchsafe_testkit::keys::identity_provider_p256());
    let next = next.metadata().unwrap().replacen("<md:KeyDescriptor", &format!("{weak}<md:KeyDescriptor"), 1);
    let saml = builder().build().unwrap();
    for (known, live, expected) in [
        (
            &both,
            &next,
            &[
                "connection.no_key_in_common",
                "connection.key_not_trusted",
                "connection.key_withdrawn",
                "connection.key_unusable",
            ][..],
        ),
        (&only_weak, &only_weak, &["connection.no_usable_key", "connection.no_usable_key_published"][..]),
        (
            &good,
            &only_weak,
            &[
                "connection.no_key_in_common",
                "connection.key_not_trusted",
                "connection.key_withdrawn",
                "connection.no_usable_key_published",
            ],
        ),
        (&good, &both, &["connection.key_not_trusted", "connection.key_unusable"]),
        (&both, &both, &["connection.key_unusable"]),
    ] {
        let read = |xml: &str| vouchsafe::IdentityProvider::from_metadata(xml.as_bytes()).unwrap();
        let over = connection("other", read(known));
        let findings = saml.check_metadata(&over, &read(live), now());
        let codes: Vec<_> = findings.iter().map(vouchsafe::MetadataFinding::code).collect();
        assert_eq!(codes, expected);
        assert!(findings.iter().all(|one| !one.to_string().is_empty() && one.remedy().ends_with('.')));
        // An error is what makes sign-ins fail.
        let is_error =
            |one: &vouchsafe::MetadataFinding| one.severity() == vouchsafe::metadata::LintSeverity::Error;
        let fails = expected.iter().any(|code| code.contains("no_key") || code.contains("no_usable_key"));
        assert_eq!(findings.iter().any(is_error), fails);
        let unusable = findings.iter().filter(|one| one.code() == "connection.key_unusable");
        assert!(unusable.map(ToString::to_string).all(|told| told.contains("SHA-256")), "{findings:?}");
    }
}
