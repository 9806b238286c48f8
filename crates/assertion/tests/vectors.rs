//! Responses of other SAML projects, at the clock of their manifest: what they accept is accepted, what they refuse is refused, and
//! every difference is named here with its reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Receiver, at};
use serde_json::Value;
use vouchsafe_assertion::{Correlation, Expectations, MessageId, SignaturePolicy, Trust};
use vouchsafe_crypto::{Certificate, Provider, base64_decode};
use vouchsafe_metadata::{EntityId, IdentityProvider};
use vouchsafe_xml::Limits;

/// Accepted by their project and refused here. The code, and why that is right.
const REFUSED_HERE: &[(&str, &str, &str)] = &[
    (
        "crewjam/testdata/TestSPRealWorldAssertionSignedNotResponse_response",
        "assertion.confirmation_not_before",
        "saml-profiles-2.0-os 4.1.4.2: a bearer confirmation has no NotBefore",
    ),
    ("gosaml2/onelogin/olgn09_response_155.b64", "assertion.destination", NO_DESTINATION),
    ("gosaml2/onelogin/olgn09_response_50.b64", "assertion.destination", NO_DESTINATION),
    ("gosaml2/saml.oktadev.com/response_2", "signature.reference_uri", EMPTY_REFERENCE),
    ("gosaml2/saml.oktadev.com/response_6", "signature.reference_uri", EMPTY_REFERENCE),
    (
        "java-saml/responses/signed_assertion_response_with_2_assertions.xml.base64",
        "assertion.assertion_count",
        TWO_ASSERTIONS,
    ),
    (
        "java-saml/responses/signed_assertion_response_with_2_assertions_differrent_order.xml.base64",
        "assertion.assertion_count",
        TWO_ASSERTIONS,
    ),
    (
        "node-saml/signatures/valid/response.root-signed.assertion-signed.1advice-signed.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "node-saml/signatures/valid/response.root-signed.assertion-signed.1advice-unsigned.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "node-saml/signatures/valid/response.root-signed.assertion-signed.2advice-signed.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "node-saml/signatures/valid/response.root-signed.assertion-unsigned-13-signature.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "node-saml/signatures/valid/response.root-unsigned.assertion-signed.1advice-signed.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "node-saml/signatures/valid/response.root-unsigned.assertion-signed.1advice-unsigned.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "node-saml/signatures/valid/response.root-unsigned.assertion-signed.xml",
        "assertion.audience",
        NO_AUDIENCE,
    ),
    (
        "python3-saml/responses/double_signed_encrypted_assertion.xml.base64",
        "assertion.issuer",
        "saml-profiles-2.0-os 4.1.4.2: the Response and its Assertion are of two issuers",
    ),
    (
        "python3-saml/responses/valid_response_without_inresponseto.xml.base64",
        "assertion.in_response_to",
        "saml-core-2.0-os 3.2.2: the Response answers nothing while its confirmation answers a request",
    ),
];

const NO_DESTINATION: &str = "saml-bindings-2.0-os 3.5.5.2: a signed message has a Destination";
const EMPTY_REFERENCE: &str = "saml-core-2.0-os 5.4.2: the Reference names the ID of the signed element";
const TWO_ASSERTIONS: &str =
    "a login is one assertion: whoever takes one of several can be made to take the wrong one";
const NO_AUDIENCE: &str = "saml-profiles-2.0-os 4.1.4.2: an AudienceRestriction names the service provider";

/// Refused by their project and accepted here: what they refuse for lies outside of the message.
const ACCEPTED_HERE: &[(&str, &str)] = &[
    ("gosaml2/onelogin/olgn09_response_21.b64", CERTIFICATE_DATES),
    ("gosaml2/onelogin/olgn09_response_22.b64", CERTIFICATE_DATES),
    ("gosaml2/onelogin/olgn09_response_24.b64", CERTIFICATE_DATES),
    ("gosaml2/onelogin/olgn09_response_93.b64", CERTIFICATE_DATES),
    (
        "java-saml/responses/expired_response.xml.base64",
        "it is expired today, and was not at the clock of the manifest",
    ),
    (
        "python3-saml/responses/invalids/duplicated_attributes.xml.base64",
        "attributes of one name are merged, as Keycloak needs it",
    ),
];

const CERTIFICATE_DATES: &str = "the dates of a certificate in metadata play no part (Kantara IIP-MD12)";

#[test]
fn other_projects_agree_or_the_difference_is_named() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    let folder = shared.join("vectors/saml");
    let manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap();
    let (mut accepted, mut refused, mut without_verdict, mut skipped) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for case in manifest["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "Response") {
        let file = case["file"].as_str().unwrap();
        let Ok(receiver) = receiver(&folder, case) else {
            skipped += 1;
            if case["upstream_expects"] == "accept" && std::env::var_os("VERBOSE").is_some() {
                println!("skipped {file}");
            }
            continue;
        };
        let outcome = receiver.receive(&octets(&folder, case));
        let difference = match (case["upstream_expects"].as_str(), &outcome) {
            (Some("accept"), Ok(login)) => {
                accepted += 1;
                same_subject(case, login)
            }
            (Some("reject"), Err(_)) => {
                refused += 1;
                None
            }
            (Some("accept"), Err(_)) if case["encoding"] != "xml" && case["encoding"] != "base64" => None,
            (Some("accept"), Err(refusal)) => match REFUSED_HERE.iter().find(|(name, ..)| *name == file) {
                Some((_, code, _)) if *code == refusal.code() => None,
                _ => Some(format!("refused with {}: {refusal}", refusal.code())),
            },
            (Some("reject"), Ok(_)) => {
                let named = ACCEPTED_HERE.iter().any(|(name, _)| *name == file);
                (!named).then(|| format!("accepted, though {}", case["upstream_reason"]))
            }
            (_, Ok(login)) => {
                without_verdict += 1;
                same_subject(case, login)
            }
            (_, Err(refusal)) => {
                without_verdict += 1;
                if std::env::var_os("VERBOSE").is_some() {
                    println!("no verdict: {file}: {} {refusal}", refusal.code());
                }
                None
            }
        };
        wrong.extend(difference.map(|difference| format!("{file}: {difference}")));
    }
    println!(
        "{accepted} accepted, {refused} refused, {without_verdict} without a verdict, {skipped} without a key or time"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(accepted >= 25 && refused >= 50, "{accepted} accepted, {refused} refused");
}

fn same_subject(case: &Value, login: &vouchsafe_assertion::Login) -> Option<String> {
    let expected = assertion(case)["name_id"].as_str();
    let actual = login.name_id().map(|name| name.value());
    // The manifest says nothing of an EncryptedID.
    (expected.is_some() && actual != expected).then(|| format!("{actual:?} instead of {expected:?}"))
}

fn assertion(case: &Value) -> &Value {
    if case["assertions"][0].is_object() { &case["assertions"][0] } else { &case["decrypted_assertion"] }
}

fn octets(folder: &Path, case: &Value) -> Vec<u8> {
    let octets = std::fs::read(folder.join(case["file"].as_str().unwrap())).unwrap();
    if case["encoding"] == "xml" { octets } else { base64_decode(&octets).unwrap_or_default() }
}

fn receiver(folder: &Path, case: &Value) -> Result<Receiver, String> {
    let provider = [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "rsa-1024",
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    ]
    .iter()
    .fold(Provider::rustcrypto(), |provider, uri| provider.danger_allow(uri).unwrap());
    let certificates = certificates(folder, case);
    let issuer = case["issuer"]
        .as_str()
        .or(case["assertions"][0]["issuer"].as_str())
        .or(case["decrypted_assertion"]["issuer"].as_str());
    let entity = EntityId::new(issuer.unwrap_or("none").trim()).map_err(|e| e.to_string())?;
    let mut certificates = certificates.into_iter();
    let first = certificates.next().ok_or("no certificate")?;
    let idp = certificates.fold(IdentityProvider::new(entity).with_signing_certificate(first), |idp, c| {
        idp.with_signing_certificate(c)
    });
    let idp = idp.danger_accept_unauthenticated_cbc();
    let assertion = assertion(case);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let acs = text(&case["sp"]["acs"])
        .or(text(&assertion["subject_confirmations"][0]["recipient"]))
        .or(text(&case["destination"]))
        .unwrap_or_default();
    let audience =
        text(&case["sp"]["entity_id"]).or(text(&assertion["audience"][0])).unwrap_or("none".to_owned());
    let correlation = match text(&case["in_response_to"]) {
        Some(id) => Correlation::Reply(MessageId::new(id).map_err(|e| e.to_string())?),
        None => Correlation::Unsolicited,
    };
    let keys = text(&case["decrypts_with"])
        .iter()
        .map(|file| std::fs::read_to_string(folder.join(file)).unwrap())
        .map(|pem| provider.private_key(&pem))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| e.to_string())?;
    Ok(Receiver {
        trust: Trust::new(&idp, &provider).map_err(|e| e.to_string())?,
        keys,
        provider,
        limits: Limits::default(),
        policy: SignaturePolicy::default(),
        expectations: Expectations::new(
            EntityId::new(&audience).map_err(|e| e.to_string())?,
            acs,
            correlation,
        ),
        now: at(case["accept_at"].as_str().ok_or("no time")?),
    })
}

/// The certificates that the manifest names, never those of the message.
fn certificates(folder: &Path, case: &Value) -> Vec<Certificate> {
    let mut files: BTreeSet<String> = case["signatures"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|signature| signature["certificate_file"].as_str())
        .chain(case["sp"]["idp_cert"].as_str())
        .map(str::to_owned)
        .collect();
    if let (Some(key), Some((project, _))) = (
        case["decrypted_signature"]["key"].as_str(),
        case["file"].as_str().and_then(|file| file.split_once('/')),
    ) {
        let name = key.rsplit('/').next().unwrap();
        files.extend([format!("{project}/{name}"), format!("{project}/{key}")]);
    }
    files
        .iter()
        .filter_map(|file| std::fs::read(folder.join(file)).ok())
        .flat_map(|octets| {
            if let Ok(identity_provider) = IdentityProvider::from_metadata(&octets) {
                return identity_provider.signing_certificates().to_vec();
            }
            String::from_utf8(octets).iter().filter_map(|pem| Certificate::from_pem(pem).ok()).collect()
        })
        .collect()
}
