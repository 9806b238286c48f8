//! Kinds of faults that people reported about other software, each with several examples. The first line names the
//! cause.

use vouchsafe::doctor::{Doctor, Severity};
use vouchsafe_testkit::{self as testkit, Attribute};

use crate::{codes, examine, now};

/// Returns the message and the code of the first complaint.
fn first(text: &str) -> (String, String) {
    let exhibit = examine(text);
    exhibit.complaints.first().map(|one| (one.code.clone(), one.message.clone())).unwrap_or_default()
}

#[test]
fn what_was_given_instead_of_a_message_is_named() {
    let xml = testkit::IdentityProvider::okta().response().issue().unwrap().xml().to_owned();
    let base64 = vouchsafe::crypto::base64_encode(xml.as_bytes());
    let base64_url =
        vouchsafe::crypto::base64_encode("<a>???>>></a>".as_bytes()).replace('+', "-").replace('/', "_");
    for (text, what) in [
        (base64_url.as_str(), "base64url, in which \"-\" and \"_\" stand for \"+\" and \"/\""),
        (
            r#"{"id_token":"eyJhbGciOiJSUzI1NiJ9.e30.x","token_type":"Bearer"}"#,
            "a request or an answer of OpenID Connect",
        ),
        (r#"{"errorCode":"E0000007"}"#, "JSON"),
        (
            "https://idp.example.com/authorize?client_id=x&response_type=code",
            "a request or an answer of OpenID Connect",
        ),
        ("wa=wsignin1.0&wresult=%3Ct%3ARequestSecurityTokenResponse", "a message of WS-Federation"),
        ("<html><form><input name=\"wa\" value=\"wsignin1.0\"/></form></html>", "a message of WS-Federation"),
        (
            "<t:RequestSecurityTokenResponse xmlns:t=\"http://schemas.xmlsoap.org/ws/2005/02/trust\"/>",
            "a message of WS-Federation",
        ),
        ("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/>", "a SOAP envelope"),
        (
            "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----",
            "a request for a certificate (CSR)",
        ),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "a public key without a certificate"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me@host", "a public key without a certificate"),
        (
            "SHA1 Fingerprint=0B:4F:FE:77:B1:82:D9:CF:E2:1F:7F:44:61:6C:6B:00:1F:96:81:BA",
            "the fingerprint of a certificate",
        ),
        ("%PDF-1.7", "a document (PDF or of an office)"),
        ("PK\u{3}\u{4}\0\0idp.xml", "a packed file (zip or gzip)"),
        (base64.get(..base64.len() / 4 * 4 - 7).unwrap(), "base64 that is cut off"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "a JSON Web Token"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "a private key"),
    ] {
        let (code, message) = first(text);
        assert!(
            code == "doctor.unrecognised" && message == format!("no SAML message: it looks like {what}"),
            "{code} {message}"
        );
    }
}

fn request(id: &str, instant: &str, more: &str) -> String {
    format!(
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0" ID="{id}" IssueInstant="{instant}"{more}><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">urn:sp</saml:Issuer></samlp:AuthnRequest>"#
    )
}

#[test]
fn requests_are_held_against_the_specification() {
    let (id, instant) = ("_1", "2026-01-01T00:00:00Z");
    for (text, code, message) in [
        (
            request("4312", instant, ""),
            "doctor.message_id",
            "the ID “4312” is not an NCName: it must begin with a letter or an underscore",
        ),
        (
            request("-1", instant, ""),
            "doctor.message_id",
            "the ID “-1” is not an NCName: it must begin with a letter or an underscore",
        ),
        (
            request("a b", instant, ""),
            "doctor.message_id",
            "the ID “a b” is not an NCName: “ ” must not be in it",
        ),
        (
            request(id, "2026-01-01T00:00:00", ""),
            "doctor.message_time",
            "the IssueInstant “2026-01-01T00:00:00” is not an xs:dateTime in UTC, which ends with Z",
        ),
        (
            request(id, "2026-01-01T01:00:00+01:00", ""),
            "doctor.message_time",
            "the IssueInstant “2026-01-01T01:00:00+01:00” is not an xs:dateTime in UTC, which ends with Z",
        ),
        (
            request(id, "2026-01-01T5:00:00Z", ""),
            "doctor.message_time",
            "the IssueInstant “2026-01-01T5:00:00Z” is not an xs:dateTime in UTC, which ends with Z",
        ),
        (
            request(id, instant, "").replace("2.0\" ID", "1.1\" ID"),
            "doctor.message_version",
            "the Version is “1.1”; expected “2.0”",
        ),
        (
            request(id, instant, r#" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect""#),
            "doctor.request_binding",
            "the answer is asked for by “urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect”",
        ),
        (
            request(
                id,
                instant,
                r#" AssertionConsumerServiceURL="https://sp.example.com/acs" AssertionConsumerServiceIndex="0""#,
            ),
            "doctor.request_consumer",
            "the request names its assertion consumer by an address or binding and by an index as well",
        ),
    ] {
        assert_eq!(first(&text), (code.to_owned(), message.to_owned()), "{text}");
    }
    for id in ["_1", "a1", "é.-_1"] {
        assert_eq!(first(&request(id, instant, "")), Default::default(), "{id}");
    }
}

/// White space around an identifier belongs to it, and is reported.
#[test]
fn white_space_is_remarked_on() {
    let okta = testkit::IdentityProvider::okta();
    for response in [
        okta.response().name_id("ada@example.com\n"),
        okta.response().attribute(Attribute::new("groups", ["engineering "])),
        okta.response().attribute(Attribute::new("role\u{a0}", ["admin"])),
    ] {
        let exhibit = examine(response.issue().unwrap().xml());
        let warned = exhibit.complaints.iter().filter(|one| one.code == "doctor.white_space");
        assert_eq!(warned.map(|one| one.severity).collect::<Vec<_>>(), [Severity::Warning], "{exhibit:#?}");
    }
    let exhibit = examine(okta.response().issue().unwrap().xml());
    assert!(!codes(&exhibit).contains(&"doctor.white_space"));
}

/// The export of SAML-tracer is a recording like a HAR file.
#[test]
fn saml_tracer_is_read() {
    let issued = testkit::IdentityProvider::okta().response().issue().unwrap();
    let export = serde_json::json!({"requests": [
        {"method": "GET", "url": "https://app.example.com/", "responseStatus": 302},
        {"method": "POST", "url": "https://app.example.com/saml/acs", "post": [["SAMLResponse", issued.to_base64()], ["RelayState", "x"]]},
    ]});
    let diagnosis = Doctor::new(now()).examine(&[("tracer.json", export.to_string().as_bytes())]);
    let found: Vec<_> = diagnosis.exhibits.iter().map(|exhibit| exhibit.kind.name()).collect();
    assert_eq!(found, ["SAML Response"]);
    assert!(codes(&diagnosis.exhibits[0]).contains(&"doctor.saml_tracer"));
}
