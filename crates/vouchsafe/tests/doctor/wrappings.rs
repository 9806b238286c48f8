//! The wrappings of a message: base64, an address, a form, a page, a recording.

use serde_json::json;
use vouchsafe::doctor::{Doctor, Kind};
use vouchsafe::redirect;
use vouchsafe_testkit::{self as testkit, keys};

use crate::{codes, errors, examine, fact, now};

fn encoded(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[test]
fn a_response_is_found_in_whatever_it_is_wrapped_in() {
    let okta = testkit::IdentityProvider::okta();
    let issued = okta.response().issue().unwrap();
    let base64 = issued.to_base64();
    let lines: String = base64
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\r\n", std::str::from_utf8(line).unwrap()))
        .collect();
    let form = format!("RelayState=a&SAMLResponse={}", encoded(&base64));
    let page = format!(
        "<!DOCTYPE html><HTML><body><form method=\"post\"><input type=\"hidden\" name=\"SAMLResponse\" value=\"{base64}\"/></form>"
    );
    let in_query = redirect::encode(redirect::SAML_RESPONSE, issued.xml(), None);
    for (wrapping, text) in [
        ("XML", issued.xml().to_owned()),
        ("XML", format!("\u{FEFF}{}", issued.xml())),
        ("base64", base64.clone()),
        ("base64", lines),
        ("base64", encoded(&base64)),
        ("HTTP-POST", form),
        (
            "HTTP-POST",
            page.replace("=\"", "='").replace("\" ", "' ").replace("\"/>", "'/>").replace("\">", "'>"),
        ),
        ("HTTP-POST", page),
        ("base64 inside another text", format!("\"{base64}\"")),
        ("base64 inside another text", format!("data:text/xml;base64,{base64}")),
        ("base64 inside another text", format!("Hello,\r\n\r\nSAMLResponse: {base64}\r\n\r\nRegards")),
        (
            "base64 inside another text",
            format!("curl -d 'SAMLResponse={}&RelayState=x' https://x", encoded(&base64)),
        ),
        ("base64 inside another text", format!("$response = '{}';", encoded(&base64))),
        ("XML escaped as text", issued.xml().replace('&', "&amp;").replace('<', "&lt;")),
        ("XML as a string", serde_json::to_string(issued.xml()).unwrap()),
        ("XML as a string", issued.xml().replace('"', "\\\"")),
        (
            "XML inside another text",
            format!("2026-01-01 INFO received {} from 192.0.2.1", without_declaration(issued.xml())),
        ),
        (
            "XML inside a mail",
            format!("Content-Transfer-Encoding: quoted-printable\n\n{}", issued.xml().replace('=', "=3D")),
        ),
        ("HTTP-Redirect", in_query.clone()),
        ("HTTP-Redirect", format!("https://app.example.com/saml/acs?x=1&{in_query}#top")),
    ] {
        let exhibit = examine(&text);
        assert_eq!(
            (exhibit.kind, fact(&exhibit, "came as")),
            (Kind::Response, Some(wrapping)),
            "{text}\n{exhibit:#?}"
        );
        let wrong_binding = (wrapping == "HTTP-Redirect").then_some("doctor.response_by_redirect");
        assert_eq!(errors(&exhibit), Vec::from_iter(wrong_binding), "{exhibit:#?}");
        assert_eq!(exhibit.source, "file");
        assert!(codes(&exhibit).contains(&"doctor.unverified_sender"), "{exhibit:#?}");
    }
}

fn without_declaration(xml: &str) -> &str {
    xml.split_once("?>").map_or(xml, |(_, rest)| rest)
}

/// Metadata inside other text does not count as a file that the operator named.
#[test]
fn metadata_inside_another_text_says_nothing_about_whom_to_trust() {
    let okta = testkit::IdentityProvider::okta();
    let metadata = okta.metadata().unwrap();
    let response = okta.response().issue().unwrap();
    for text in [
        format!("see <{}", without_declaration(&metadata).trim_start().trim_start_matches('<')),
        metadata.replace('<', "&lt;"),
        format!("'{}'", vouchsafe::crypto::base64_encode(metadata.as_bytes())),
    ] {
        let files = [("metadata", text.as_bytes()), ("response", response.xml().as_bytes())];
        let diagnosis = Doctor::new(now()).examine(&files);
        assert_eq!(diagnosis.exhibits[0].kind, Kind::IdentityProviderMetadata, "{text}");
        assert!(codes(&diagnosis.exhibits[0]).contains(&"doctor.metadata_in_message"), "{text}");
        assert!(codes(&diagnosis.exhibits[1]).contains(&"doctor.unverified_sender"), "{text}");
    }
}

/// The reason why a recording has no message is reported, if it shows.
#[test]
fn recordings_without_a_message_say_why() {
    let form = json!([{"name": "Content-Type", "value": "application/x-www-form-urlencoded"}]);
    let of = |request: serde_json::Value| json!({"log": {"entries": [{"request": request}]}}).to_string();
    let url = "https://app.example.com/saml/acs";
    let whole = of(json!({"method": "GET", "url": url}));
    for (text, message) in [
        (json!({"log": {"entries": []}}).to_string(), "“f” is a recording without any request"),
        (
            of(json!({"method": "POST", "url": url, "headers": form})),
            "“f” holds no SAML message: request 1 posts a form, and the recording was saved without the content of requests",
        ),
        (
            of(
                json!({"method": "GET", "url": "https://idp.example.com/authorize?client_id=x&response_type=code"}),
            ),
            "“f” holds no SAML message: request 1 is a request or an answer of OpenID Connect",
        ),
        (
            of(json!({"method": "POST", "url": url, "postData": {"text": "wa=wsignin1.0&wresult=x"}})),
            "“f” holds no SAML message: request 1 is a message of WS-Federation",
        ),
        (
            whole.get(..whole.len() - 5).unwrap().to_owned(),
            "a recording (HAR) that cannot be read: EOF while parsing",
        ),
        (whole, "“f” holds no SAML message"),
    ] {
        let diagnosis = Doctor::new(now()).examine(&[("f", text.as_bytes())]);
        let complaint = &diagnosis.exhibits[0].complaints[0];
        assert!(complaint.message.starts_with(message), "{text}: {}", complaint.message);
        // A POST without content is reported.
        assert!(diagnosis.stories.is_empty() || message.contains("posts a form"), "{text}");
    }
}

#[test]
fn what_is_no_message_says_so() {
    for (text, code) in [
        ("", "doctor.unrecognised"),
        ("hello there!", "doctor.unrecognised"),
        ("{\"log\": 1}", "doctor.unrecognised"),
        ("{\"log\": {\"entries\": []}}", "doctor.no_message"),
        ("https://app.example.com/?x=1", "doctor.no_message"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "doctor.web_page"),
        ("<a/>", "doctor.other_xml"),
        ("<Response xmlns=\"urn:oasis:names:tc:SAML:1.0:protocol\"/>", "doctor.older_protocol"),
        ("<samlp:Response", "xml.unclosed"),
        ("PHNhbWxwOlJlc3BvbnNl", "xml.unclosed"),
    ] {
        let doctor = Doctor::new(now());
        let diagnosis = doctor.examine(&[("f", text.as_bytes())]);
        assert_eq!(errors(&diagnosis.exhibits[0]).len(), 1, "{text}: {diagnosis:#?}");
        let found = codes(&diagnosis.exhibits[0])[0];
        assert!(found == code || (code.starts_with("xml.") && found.starts_with("xml.")), "{text}: {found}");
        assert!(!diagnosis.is_healthy() && !diagnosis.is_understood(), "{text}");
    }
}

#[test]
fn an_address_is_its_own_name_without_its_query() {
    let query = redirect::encode(redirect::SAML_REQUEST, "<a/>", None);
    let address = format!("https://idp.example.com/sso?{query}");
    let diagnosis = Doctor::new(now()).examine(&[(&address, address.as_bytes())]);
    assert_eq!(diagnosis.exhibits[0].source, "https://idp.example.com/sso");
}

#[test]
fn a_recording_holds_the_answer_against_its_request() {
    let request = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
                   ID=\"_q\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" AssertionConsumerServiceURL=\"https://app.example.com/saml/acs\">\
                   <saml:Issuer>https://app.example.com/saml/metadata</saml:Issuer></samlp:AuthnRequest>";
    let query = redirect::encode(redirect::SAML_REQUEST, request, None);
    let okta = testkit::IdentityProvider::okta();
    let answer = okta
        .response()
        .in_response_to("_q")
        .audience("https://app.example.com")
        .recipient("https://app.example.com/acs/");
    let base64 = answer.issue().unwrap().to_base64();
    let entry = |request: serde_json::Value| json!({"startedDateTime": "2026-01-01T01:00:02.000+01:00", "request": request});
    let har = json!({"log": {"version": "1.2", "entries": [
        entry(json!({"method": "GET", "url": "https://app.example.com/style.css", "headers": []})),
        entry(json!({"method": "GET", "url": format!("{}?{query}", testkit::OKTA_SINGLE_SIGN_ON)})),
        entry(json!({"method": "POST", "url": "https://app.example.com/saml/acs",
            "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "SAMLResponse", "value": encoded(&base64)}]}})),
        entry(json!({"method": "POST", "url": "https://app.example.com/saml/acs",
            "postData": {"text": format!("SAMLResponse={}&RelayState={}", encoded(&base64), "r".repeat(81))}})),
    ]}})
    .to_string();
    let metadata = okta.metadata().unwrap();
    let diagnosis =
        Doctor::new(now()).examine(&[("a.har", har.as_bytes()), ("okta.xml", metadata.as_bytes())]);
    let kinds: Vec<Kind> = diagnosis.exhibits.iter().map(|exhibit| exhibit.kind).collect();
    assert_eq!(kinds, [Kind::AuthnRequest, Kind::Response, Kind::Response, Kind::IdentityProviderMetadata]);
    let sent = &diagnosis.exhibits[0];
    assert!(sent.source.starts_with("a.har, request 2: "), "{}", sent.source);
    assert_eq!(sent.product.as_ref().unwrap().name, "Okta");
    for answered in &diagnosis.exhibits[1..3] {
        assert_eq!(errors(answered), Vec::<&str>::new(), "{answered:#?}");
        let disagreements: Vec<&str> = answered
            .complaints
            .iter()
            .filter(|one| one.code == "doctor.disagreement")
            .map(|one| one.message.as_str())
            .collect();
        assert_eq!(
            disagreements,
            [
                "the Audience is “https://app.example.com”, and the Issuer of the request is “https://app.example.com/saml/metadata”",
                "the Destination is “https://app.example.com/saml/acs”, and the Recipient is “https://app.example.com/acs/”",
            ]
        );
        assert!(answered.complaints.iter().all(|one| one.setting.is_none()), "{answered:#?}");
    }
    assert!(codes(&diagnosis.exhibits[2]).contains(&"doctor.long_relay_state"));
    assert!(diagnosis.is_understood());

    // Only values that the operator gave are recommended for the console.
    let told = Doctor::new(now())
        .with_entity_id("https://app.example.com/saml/metadata")
        .with_assertion_consumer("https://app.example.com/saml/acs");
    let diagnosis = told.examine(&[("a.har", har.as_bytes()), ("okta.xml", metadata.as_bytes())]);
    for answered in &diagnosis.exhibits[1..3] {
        assert_eq!(errors(answered), ["assertion.recipient", "assertion.audience"], "{answered:#?}");
        let settings: Vec<_> = answered.complaints.iter().filter_map(|one| one.setting.as_ref()).collect();
        assert_eq!(settings[0].name, "Single sign-on URL");
        assert_eq!(settings[0].value.as_deref(), Some("https://app.example.com/saml/acs"));
        assert_eq!(settings[1].value.as_deref(), Some("https://app.example.com/saml/metadata"));
    }
    assert!(!diagnosis.is_healthy());
}

#[test]
fn metadata_of_either_side() {
    let exhibit = examine(testkit::IdentityProvider::okta().metadata().unwrap());
    assert_eq!((exhibit.kind, errors(&exhibit)), (Kind::IdentityProviderMetadata, vec![]));
    let shown = fact(&exhibit, "signing certificate").unwrap();
    assert!(shown.contains(&keys::identity_provider().certificate().fingerprint_sha256()), "{shown}");

    let no_key =
        testkit::IdentityProvider::okta().metadata().unwrap().replace("X509Certificate>", "X509CRL>");
    assert_eq!(errors(&examine(no_key)), ["metadata.no_signing_key"]);
    let expired = testkit::IdentityProvider::okta().metadata().unwrap().replacen(
        " entityID=",
        " validUntil=\"2025-01-01T00:00:00Z\" entityID=",
        1,
    );
    assert_eq!(codes(&examine(expired)).into_iter().filter(|code| *code == "metadata.expired").count(), 1);

    let service = "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://sp.example.com\"><md:SPSSODescriptor \
                   protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:AssertionConsumerService index=\"0\" \
                   Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"http://sp.example.com/acs\"/></md:SPSSODescriptor></md:EntityDescriptor>";
    let exhibit = examine(service);
    assert_eq!(
        (exhibit.kind, codes(&exhibit)),
        (Kind::ServiceProviderMetadata, vec!["metadata.endpoint_insecure"])
    );
    let both = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{service}</md:EntitiesDescriptor>"
    );
    let exhibit = examine(both);
    assert_eq!((exhibit.kind, fact(&exhibit, "entities")), (Kind::MetadataAggregate, Some("1")));

    // Together with a response, it defines who we are.
    let okta = testkit::IdentityProvider::okta();
    let (metadata, response) = (okta.metadata().unwrap(), okta.response().issue().unwrap().into_xml());
    let files = [("sp", service.as_bytes()), ("idp", metadata.as_bytes()), ("r", response.as_bytes())];
    let diagnosis = Doctor::new(now()).examine(&files);
    assert_eq!(
        errors(&diagnosis.exhibits[2]),
        ["assertion.destination", "assertion.recipient", "assertion.audience"]
    );
}
