//! The content of a field: the doctor reports the same as a service, and still examines the message if it can be
//! read. Secrets in the given text are not shown.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use serde_json::json;
use vouchsafe::crypto::base64_encode;
use vouchsafe::doctor::{Answer, Doctor, Exhibit, Kind};
use vouchsafe::{Limits, PostedResponse};
use vouchsafe_testkit as testkit;

use crate::{errors, examine, now};

fn encoded(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// A Response whose base64 has every letter of the alphabet.
fn response() -> String {
    let issued =
        testkit::IdentityProvider::okta().response().audience("https://wrong.example/\u{fbe0}>>>???").issue();
    let xml = issued.unwrap().into_xml();
    assert!(base64_encode(xml.as_bytes()).contains('+') && base64_encode(xml.as_bytes()).contains('/'));
    xml
}

/// Values that a service refuses, with the kind of each.
fn refused_values() -> Vec<(&'static str, String)> {
    let xml = response();
    let base64 = base64_encode(xml.as_bytes());
    let utf16: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("deflated", base64_encode(&compress_to_vec(xml.as_bytes(), 6))),
        ("with a zlib header", base64_encode(&compress_to_vec_zlib(xml.as_bytes(), 6))),
        ("plus signs that became spaces", base64.replace('+', " ")),
        ("base64url", base64.replace('+', "-").replace('/', "_")),
        (
            "base64url without padding",
            base64.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned(),
        ),
        ("base64 twice", base64_encode(base64.as_bytes())),
        ("percent-encoded", encoded(&base64)),
        ("percent-encoded twice", encoded(&encoded(&base64))),
        ("UTF-16", base64_encode(&[&[0xFF, 0xFE][..], &utf16].concat())),
    ]
}

fn told(exhibit: &Exhibit) -> (&str, &str, &str) {
    let first = &exhibit.complaints[0];
    (&first.code, &first.message, &first.remedy)
}

#[test]
fn the_doctor_says_of_a_field_what_the_service_says() {
    let doctor = Doctor::new(now()).with_entity_id(testkit::SERVICE_PROVIDER);
    for (what, value) in refused_values() {
        let error = PostedResponse::from_base64(&value, &Limits::default()).expect_err(what);
        let har = json!({"log": {"entries": [{"startedDateTime": "2026-01-01T00:00:02Z", "request": {"method": "POST",
            "url": testkit::ASSERTION_CONSUMER, "postData": {"text": format!("SAMLResponse={}", encoded(&value))}}}]}});
        let texts =
            [value.clone(), format!("SAMLResponse={}&RelayState=x", encoded(&value)), har.to_string()];
        for (place, text) in texts.iter().enumerate() {
            // Without an address, compressed content is read as that of a query.
            let is_query = place == 1 && what == "deflated";
            let exhibit = doctor.examine(&[("f", text.as_bytes())]).exhibits.remove(0);
            assert_eq!(exhibit.kind, Kind::Response, "{what} {place}: {exhibit:#?}");
            if is_query {
                assert_eq!(errors(&exhibit), ["doctor.response_by_redirect", "assertion.audience"]);
                continue;
            }
            // A value that was copied from the body of a form is correctly percent-encoded.
            let is_copied = place == 0 && what == "percent-encoded";
            let expected = (error.code(), error.to_string(), error.hint());
            let is_told = exhibit.complaints.iter().any(|one| {
                (one.code.as_str(), one.message.as_str(), one.remedy.as_str())
                    == (expected.0, &*expected.1, expected.2)
            });
            assert!(is_told, "{what} {place}: {exhibit:#?}");
            assert!(
                is_copied || told(&exhibit) == (expected.0, &*expected.1, expected.2),
                "{what} {place}: {exhibit:#?}"
            );
            assert!(errors(&exhibit).contains(&"assertion.audience"), "the rest is judged too: {exhibit:#?}");
        }
    }
}

#[test]
fn what_became_of_a_plus_sign_is_told() {
    let (_, value) = refused_values().remove(2);
    let error = PostedResponse::from_base64(&value, &Limits::default()).unwrap_err();
    assert!(
        error.to_string().ends_with("it looks like base64 with a space in the place of \"+\""),
        "{error}"
    );
    assert!(error.hint().contains("%2B"));
    // Base64 with line breaks, as in mails, has no spaces instead of plus signs.
    let lines: String = base64_encode(response().as_bytes())
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\r\n", String::from_utf8_lossy(line)))
        .collect();
    assert!(PostedResponse::from_base64(&lines, &Limits::default()).is_ok());
}

#[test]
fn what_cannot_be_read_is_said_in_a_recording_too() {
    let entry = |data: serde_json::Value| {
        let request =
            json!({"method": "POST", "url": testkit::ASSERTION_CONSUMER, "headers": [], "postData": data});
        json!({"log": {"entries": [{"startedDateTime": "2026-01-01T00:00:02Z", "request": request, "response": {"status": 403}}]}}).to_string()
    };
    for (data, code, message) in [
        (json!({"text": "SAMLResponse=%21%21"}), "binding.base64", "the field SAMLResponse is not base64"),
        (
            json!({"text": "SAMLResponse=eyJhbGciOiJub25lIn0.e30.x"}),
            "binding.base64",
            "the field SAMLResponse is not base64; it looks like a JSON Web Token",
        ),
        (
            json!(null),
            "doctor.content_missing",
            "the recording does not have what was posted to the assertion consumer, so the Response is not judged",
        ),
        (
            json!({"text": "RelayState=x"}),
            "doctor.content_missing",
            "a form was posted to the assertion consumer that has no SAMLResponse in it",
        ),
    ] {
        let doctor = Doctor::new(now()).with_assertion_consumer(testkit::ASSERTION_CONSUMER);
        let diagnosis = doctor.examine(&[("f.har", entry(data).as_bytes())]);
        let cause = diagnosis.stories[0].cause.as_ref().unwrap_or_else(|| panic!("{diagnosis:#?}"));
        assert_eq!((cause.complaint.code.as_str(), cause.complaint.message.as_str()), (code, message));
    }
}

/// Tokens in addresses are hidden wherever an address is quoted.
#[test]
fn nothing_secret_of_an_address_is_shown() {
    let secrets = "code=s3cr3t-1&token=s3cr3t-2&RelayState=s3cr3t-3&password=s3cr3t-4&SAMLResponse=s3cr3t-5";
    let url =
        |path: &str| format!("https://ada:s3cr3t-6@app.example.com{path}?{secrets}#access_token=s3cr3t-7");
    let request = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_q\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\"/>";
    let query = vouchsafe::redirect::encode("SAMLRequest", request, None);
    let okta = testkit::IdentityProvider::okta();
    let issued = okta.response().in_response_to("_q").destination(url("/acs")).issue().unwrap();
    let form = format!("SAMLResponse={}&RelayState=s3cr3t-8", encoded(&issued.to_base64()));
    let har = json!({"log": {"entries": [
        {"startedDateTime": "2026-01-01T00:00:00Z", "request": {"method": "GET", "url": url("/start")}, "response": {"status": 302, "headers": [
            {"name": "Location", "value": url("/next")}, {"name": "Set-Cookie", "value": "sid=s3cr3t-9; Path=/"}]}},
        {"startedDateTime": "2026-01-01T00:00:01Z", "request": {"method": "GET", "url": format!("https://idp.example.com/sso?{query}&token=s3cr3t-10")},
            "response": {"status": 200}},
        {"startedDateTime": "2026-01-01T00:00:02Z", "request": {"method": "POST", "url": url("/acs"), "postData": {"text": form},
            "headers": [{"name": "Cookie", "value": "other=s3cr3t-11"}]}, "response": {"status": 403}},
    ]}})
    .to_string();
    let metadata = okta.metadata().unwrap();
    let alone = url("/page");
    for files in [
        vec![("a.har", har.as_bytes()), ("okta", metadata.as_bytes())],
        vec![(alone.as_str(), alone.as_bytes())],
        vec![("text", alone.as_bytes())],
        vec![(secrets, secrets.as_bytes())],
    ] {
        let doctor = Doctor::new(now())
            .with_entity_id(testkit::SERVICE_PROVIDER)
            .with_assertion_consumer(testkit::ASSERTION_CONSUMER);
        let json = serde_json::to_string(&doctor.examine(&files)).unwrap();
        assert!(!json.contains("s3cr3t"), "{json}");
    }
}

/// The text of an error that somebody copied from a page is explained.
#[test]
fn words_of_an_error_page_are_explained() {
    let text = "Sorry, but we're having trouble signing you in.\nAADSTS50105: Your administrator has configured the application to block users. \
                Trace ID: x";
    let exhibit = examine(text);
    assert_eq!(told(&exhibit).0, "page.entra.not_assigned", "{exhibit:#?}");
    assert!(told(&exhibit).1.starts_with("Microsoft Entra ID says: "), "{exhibit:#?}");
    let diagnosis = Doctor::new(now()).examine(&[("f", text.as_bytes())]);
    assert_eq!(diagnosis.verdict.cause.unwrap().code, "page.entra.not_assigned");
    assert_eq!(Doctor::new(now()).examine(&[("f", b"hello")]).verdict.answer, Answer::NotUnderstood);
}

/// Content that a service refuses in the field is reported, even if it can be read.
#[test]
fn what_does_not_belong_into_the_field_is_refused() {
    let okta = testkit::IdentityProvider::okta();
    let metadata = okta.metadata().unwrap();
    let posted = format!("SAMLResponse={}", encoded(&base64_encode(metadata.as_bytes())));
    assert_eq!(errors(&examine(posted)), ["assertion.not_a_response"]);
    let mut value = String::new();
    // Two messages, of which the first ends with padding.
    for padding in ["", " ", "  "] {
        let xml = format!("{}{padding}", okta.response().issue().unwrap().xml());
        if base64_encode(xml.as_bytes()).ends_with('=') {
            value = base64_encode(xml.as_bytes());
        }
    }
    let exhibit = examine(format!("{value}\n{value}"));
    let error = PostedResponse::from_base64(&format!("{value}\n{value}"), &Limits::default()).unwrap_err();
    assert_eq!((exhibit.kind, errors(&exhibit)), (Kind::Response, vec![error.code()]), "{exhibit:#?}");
    assert!(
        told(&exhibit).1.ends_with("it looks like base64 of several messages, one after the other"),
        "{exhibit:#?}"
    );
}
