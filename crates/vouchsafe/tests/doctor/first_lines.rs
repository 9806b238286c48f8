//! Situations of a support desk, each with the exact first line and remedy: `first_lines.json`.
//!
//! Unless the row states otherwise, `okta.xml` and `ours.xml` are examined together with the file.

use serde_json::{Value, json};
use vouchsafe::crypto::base64_encode;
use vouchsafe::doctor::Doctor;
use vouchsafe::redirect;
use vouchsafe_testkit::logout::{SINGLE_LOGOUT, form};
use vouchsafe_testkit::{self as testkit, Attribute, IdentityProvider, KeyPair, ResponseBuilder, keys};

use crate::now;

/// The names of files and their content.
type Files = Vec<(&'static str, String)>;

fn okta() -> IdentityProvider {
    IdentityProvider::okta()
}

fn response() -> ResponseBuilder {
    okta().response()
}

fn xml(response: ResponseBuilder) -> String {
    response.issue().unwrap().into_xml()
}

fn certificate_of(pair: &KeyPair) -> String {
    base64_encode(pair.certificate().der())
}

fn fingerprint(pair: &KeyPair) -> String {
    format!("SHA-256 Fingerprint={}", pair.certificate().fingerprint_sha256())
}

fn service(entity_id: &str, consumer: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\"><md:SPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </md:KeyDescriptor><md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{SINGLE_LOGOUT}\"/>\
         <md:AssertionConsumerService index=\"0\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{consumer}\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>",
        certificate_of(keys::service_provider())
    )
}

fn ours() -> String {
    service(testkit::SERVICE_PROVIDER, testkit::ASSERTION_CONSUMER)
}

fn request(id: &str, destination: &str) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" \
         Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" Destination=\"{destination}\" AssertionConsumerServiceURL=\"{}\"><saml:Issuer>{}\
         </saml:Issuer></samlp:AuthnRequest>",
        testkit::ASSERTION_CONSUMER,
        testkit::SERVICE_PROVIDER
    )
}

fn percent_encoded(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// A recording of a sign-in whose Response receives this answer.
fn recording(response: &str, answer: Value) -> String {
    let asked = redirect::encode(redirect::SAML_REQUEST, &request("_q1", testkit::OKTA_SINGLE_SIGN_ON), None);
    let address = format!("{}?{asked}", testkit::OKTA_SINGLE_SIGN_ON);
    let entries = json!([
        {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "request": {"method": "GET", "url": "https://app.example.com/saml/login"},
            "response": {"status": 302, "headers": [
                {"name": "Location", "value": address},
                {"name": "Set-Cookie", "value": "__Host-saml=x; Path=/; Secure; HttpOnly; SameSite=None"}
            ]}
        },
        {"startedDateTime": "2026-01-01T00:00:01Z", "request": {"method": "GET", "url": address}, "response": {"status": 200}},
        {
            "startedDateTime": "2026-01-01T00:00:02Z",
            "request": {
                "method": "POST",
                "url": testkit::ASSERTION_CONSUMER,
                "headers": [{"name": "Cookie", "value": "__Host-saml=x"}],
                "postData": {"params": [{"name": "SAMLResponse", "value": base64_encode(response.as_bytes())}]}
            },
            "response": answer
        }
    ]);
    json!({"log": {"version": "1.2", "entries": entries}}).to_string()
}

fn answered(status: u16, title: &str) -> Value {
    json!({"status": status, "content": {"text": format!("<html><title>{title}</title></html>")}})
}

/// A sign-in that a script began.
fn fetched(method: &str) -> String {
    let asked = redirect::encode(redirect::SAML_REQUEST, &request("_q1", testkit::OKTA_SINGLE_SIGN_ON), None);
    let address = format!("{}?{asked}", testkit::OKTA_SINGLE_SIGN_ON);
    let headers = json!([{"name": "Sec-Fetch-Mode", "value": "cors"}]);
    json!({"log": {"entries": [{
        "startedDateTime": "2026-01-01T00:00:00Z",
        "request": {"method": method, "url": address, "headers": headers},
        "response": {"status": 0, "_error": "net::ERR_FAILED"}
    }]}})
    .to_string()
}

/// Okta's metadata with a text replaced.
fn metadata_with(text: &str, other: &str) -> String {
    let metadata = okta().metadata().unwrap();
    assert!(metadata.contains(text), "{text}");
    metadata.replace(text, other)
}

/// Okta's metadata with another text instead of the certificate.
fn with_certificate(text: &str) -> String {
    let metadata = okta().metadata().unwrap();
    let (before, rest) = metadata.split_once("X509Certificate>").unwrap();
    let (_, after) = rest.split_once("</").unwrap();
    format!("{before}X509Certificate>{text}</{after}")
}

/// A file together with the metadata of Okta and ours.
fn beside(file: impl Into<String>) -> Files {
    vec![("file", file.into()), ("okta.xml", okta().metadata().unwrap()), ("ours.xml", ours())]
}

fn and(mut files: Files, name: &'static str, text: impl Into<String>) -> Files {
    files.push((name, text.into()));
    files
}

/// Messages in the wrong field, or by the wrong binding.
fn messages() -> Vec<(&'static str, Files)> {
    let good = xml(response());
    let base64 = base64_encode(good.as_bytes());
    let value = percent_encoded(&base64);
    let other = IdentityProvider::other();
    let reply = xml(response().in_response_to("_q1"));
    let logout = |builder: testkit::LogoutBuilder| builder.signed().unwrap();
    let both = |file: String| and(beside(file), "other.xml", other.metadata().unwrap());
    let sent_to_the_other = format!(
        "{}?{}",
        other.single_sign_on(),
        redirect::encode(redirect::SAML_REQUEST, &request("_q1", testkit::OKTA_SINGLE_SIGN_ON), None)
    );
    let wanting = metadata_with("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"");
    let ask = request("_q1", testkit::OKTA_SINGLE_SIGN_ON);
    vec![
        ("a good Response", beside(&*good)),
        ("a Response in the field for requests", beside(format!("SAMLRequest={value}"))),
        ("a form with the field twice", beside(format!("SAMLResponse={value}&SAMLResponse={value}"))),
        (
            "a form with the RelayState twice",
            beside(format!("SAMLResponse={value}&RelayState=a&RelayState=b")),
        ),
        (
            "our own request came back",
            beside(format!("SAMLResponse={}", percent_encoded(&base64_encode(ask.as_bytes())))),
        ),
        (
            "another identity provider answers than the one that was asked",
            and(both(xml(other.response().in_response_to("_q1"))), "request.xml", &*ask),
        ),
        ("the one that was asked answers", and(both(reply), "request.xml", &*ask)),
        ("a request that was sent to the wrong identity provider", both(sent_to_the_other)),
        (
            "an unsigned request where signed ones are wanted",
            vec![("file", ask.clone()), ("okta.xml", wanting.clone()), ("ours.xml", ours())],
        ),
        (
            "an unsigned request by redirect where signed ones are wanted",
            vec![
                (
                    "file",
                    format!(
                        "{}?{}",
                        testkit::OKTA_SINGLE_SIGN_ON,
                        redirect::encode(redirect::SAML_REQUEST, &ask, None)
                    ),
                ),
                ("okta.xml", wanting),
                ("ours.xml", ours()),
            ],
        ),
        (
            "another tenant of one product",
            beside(xml(response().issuer("http://www.okta.com/exk9vouchsafe0kit0h7"))),
        ),
        (
            "two services, and which of them is ours nobody said",
            and(
                beside(&*good),
                "staging.xml",
                service("https://staging.example.com", "https://staging.example.com/acs"),
            ),
        ),
        ("signed with the key of the service", beside(xml(response().key(keys::service_provider())))),
        (
            "the metadata of the service twice, in two versions",
            and(
                beside(&*good),
                "older.xml",
                service(testkit::SERVICE_PROVIDER, "https://app.example.com/old"),
            ),
        ),
        ("a NameID that is a placeholder", beside(xml(response().name_id("${user.email}")))),
        ("a NameID that is an expression", beside(xml(response().name_id("user.userprincipalname")))),
        (
            "an attribute that is a placeholder",
            beside(xml(response().attribute(Attribute::new("mail", ["{{user.mail}}"])))),
        ),
        (
            "an attribute that is none",
            beside(xml(
                response().attribute(Attribute::new("mail", ["user.name@example.com", "{}", "user."]))
            )),
        ),
        (
            "a logout request to the assertion consumer",
            beside(logout(okta().logout_request().destination(Some(testkit::ASSERTION_CONSUMER)))),
        ),
        (
            "a logout answer in the field for requests",
            beside(form("SAMLRequest", &logout(okta().logout_response("_l1")), None)),
        ),
        (
            "a logout request of ours where none is taken",
            beside(
                okta()
                    .logout_request()
                    .issuer(Some(testkit::SERVICE_PROVIDER))
                    .destination(Some("https://example.okta.com/slo"))
                    .key(keys::service_provider())
                    .signed()
                    .unwrap(),
            ),
        ),
    ]
}

/// Texts that somebody copied, saved or changed.
fn texts() -> Vec<(&'static str, Files)> {
    let good = xml(response());
    let base64 = base64_encode(good.as_bytes());
    let typographic = good.replace('"', "”");
    let references = base64.replace('+', "&#43;").replace('=', "&#61;").replace('/', "&#x2F;");
    let hexadecimal: String = good.bytes().map(|byte| format!("{byte:02x}")).collect();
    let twice = percent_encoded(&percent_encoded(&base64));
    let jwks = r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#;
    let discovery = r#"{"issuer":"https://idp.example.com","authorization_endpoint":"https://idp.example.com/a","jwks_uri":"https://idp.example.com/j"}"#;
    let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
    let mut with_key = keys::identity_provider().certificate().to_pem();
    with_key.push_str(key);
    vec![
        ("JSON with the field in it", beside(json!({"SAMLResponse": base64, "RelayState": "x"}).to_string())),
        ("a dictionary of Python", beside(format!("{{'SAMLResponse': '{base64}', 'RelayState': 'x'}}"))),
        ("percent-encoded twice", beside(twice)),
        ("base64 out of the source of a page", beside(references)),
        ("hexadecimal digits", beside(hexadecimal)),
        ("typographic quotation marks", beside(typographic)),
        ("base64 whose letters were made small", beside(base64.to_lowercase())),
        (
            "a signature in the place of the message",
            beside(base64_encode(&[0x3C, 0xFF, 0x81, 0x3A].repeat(64))),
        ),
        ("the log of other software", beside("ERROR Signature validation failed. SAML Response rejected")),
        ("a document in RTF", beside(r"{\rtf1\ansi hello}")),
        (
            "an answer of OpenID Connect with an error",
            beside("https://app.example.com/cb?error=access_denied&error_description=x"),
        ),
        (
            "the discovery document in the place of the metadata",
            vec![("file", discovery.to_owned()), ("response", good.clone())],
        ),
        (
            "the keys in the place of the certificate",
            vec![("file", jwks.to_owned()), ("response", good.clone())],
        ),
        ("a private key beside what is good", and(beside(&*good), "key.pem", key)),
        ("a fingerprint of the certificate in the metadata", beside(fingerprint(keys::identity_provider()))),
        ("a fingerprint of another certificate", beside(fingerprint(keys::attacker()))),
        ("a private key alone", vec![("key.pem", key.to_owned())]),
        (
            "a certificate with its private key",
            and(vec![("response", good.clone()), ("ours.xml", ours())], "okta.pem", with_key),
        ),
        (
            "metadata as a string of JSON",
            vec![
                ("file", json!({"metadata": okta().metadata().unwrap()}).to_string()),
                ("response", good.clone()),
            ],
        ),
        (
            "metadata in base64",
            vec![("file", base64_encode(okta().metadata().unwrap().as_bytes())), ("response", good.clone())],
        ),
        (
            "metadata in which an ampersand stands by itself",
            vec![("file", metadata_with("/sso/saml\"", "/sso/saml?a=1&b=2\"")), ("response", good.clone())],
        ),
        (
            "metadata with an empty line before it",
            vec![("file", format!("\n{}", okta().metadata().unwrap())), ("response", good.clone())],
        ),
        (
            "metadata with an empty certificate",
            vec![("file", with_certificate("")), ("response", good.clone())],
        ),
        (
            "metadata with a certificate that is cut off",
            vec![
                ("file", with_certificate(certificate_of(okta().key()).get(..400).unwrap())),
                ("response", good),
            ],
        ),
    ]
}

/// Recordings whose Response is in order.
fn recordings() -> Vec<(&'static str, Files)> {
    let reply = xml(response().in_response_to("_q1"));
    let told = |answer: Value| beside(recording(&reply, answer));
    let other = IdentityProvider::other();
    vec![
        ("a good recording", told(json!({"status": 303}))),
        ("a proxy without its service", told(answered(502, "502 Bad Gateway"))),
        ("a proxy that waits in vain", told(answered(504, "504 Gateway Time-out"))),
        ("a service that is down", told(answered(503, "Down for maintenance"))),
        ("a service that broke", told(answered(500, "Internal Server Error"))),
        ("a Response that is too large", told(answered(413, "413 Request Entity Too Large"))),
        ("an address that is none", told(answered(404, "Not Found"))),
        ("an address that does not accept POST", told(answered(405, "Method Not Allowed"))),
        ("another sign-in before the service", told(answered(401, "Authorization Required"))),
        ("a page without a reference", told(answered(403, "Forbidden"))),
        ("no answer", told(json!({"status": 0}))),
        (
            "no answer, for the certificate",
            told(json!({"status": 0, "_error": "net::ERR_CERT_DATE_INVALID"})),
        ),
        ("no answer, for an extension", told(json!({"status": 0, "_error": "net::ERR_BLOCKED_BY_CLIENT"}))),
        ("an unsolicited Response that is refused", beside(recording(&xml(response()), answered(403, "No")))),
        ("a script that began the sign-in", beside(fetched("GET"))),
        ("a script that was about to", beside(fetched("OPTIONS"))),
        (
            "another identity provider answers in a recording",
            and(
                beside(recording(&xml(other.response().in_response_to("_q1")), json!({"status": 403}))),
                "other.xml",
                other.metadata().unwrap(),
            ),
        ),
    ]
}

fn told(doctor: &Doctor, files: &Files) -> (String, String) {
    let named: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let verdict = doctor.examine(&named).verdict;
    let answer = verdict.answer.in_words();
    match verdict.cause {
        Some(cause) => (format!("{answer}: [{}]: {}", cause.code, cause.message), cause.remedy),
        None => (answer.to_owned(), String::new()),
    }
}

/// Replaces the parts that differ in each run.
fn plain(line: &str) -> String {
    let pairs = [
        ("{idp}", keys::identity_provider()),
        ("{other}", keys::other_identity_provider()),
        ("{sp}", keys::service_provider()),
    ];
    pairs.into_iter().fold(line.to_owned(), |line, (name, pair)| {
        line.replace(&pair.certificate().fingerprint_sha256(), name)
    })
}

#[test]
fn the_first_line_names_the_cause_and_the_remedy_what_to_do() {
    let doctor = Doctor::new(now());
    let mut found: Vec<[String; 3]> = Vec::new();
    for (situation, files) in messages().into_iter().chain(texts()).chain(recordings()) {
        let (line, remedy) = told(&doctor, &files);
        found.push([situation.to_owned(), plain(&line), remedy]);
    }
    let theirs = Doctor::new(now()).with_entity_id(okta().entity_id());
    let (line, remedy) = told(&theirs, &beside(xml(response())));
    found.push(["the entity ID of the identity provider was given as ours".to_owned(), plain(&line), remedy]);

    let expected: Vec<[String; 3]> = serde_json::from_str(include_str!("first_lines.json")).unwrap();
    if expected != found {
        let differing = found.iter().filter(|row| !expected.contains(row)).map(|row| row[0].as_str());
        panic!(
            "{}\n{}",
            differing.collect::<Vec<_>>().join("\n"),
            serde_json::to_string_pretty(&found).unwrap()
        );
    }
}

/// If no product is recognised, no remedy names a product's console.
#[test]
fn no_remedy_names_okta_of_an_unknown_product() {
    let stranger = IdentityProvider::new(
        "https://idp.example.org",
        "https://idp.example.org/sso",
        keys::other_identity_provider(),
    );
    // The response has its own identifiers, since those of the test kit look like Okta's.
    let fresh = || stranger.response().response_id("_r1").assertion_id("_a1");
    let status = |code: &str| {
        fresh().status([format!("urn:oasis:names:tc:SAML:2.0:status:{code}")]).omit(testkit::Part::Assertion)
    };
    let metadata = stranger.metadata().unwrap();
    let mut judged = 0;
    for message in [
        xml(fresh().audience("https://x.example")),
        xml(fresh().destination("https://x.example")),
        xml(fresh().recipient("https://x.example")),
        xml(fresh().sign(testkit::Signed::Neither)),
        xml(fresh().assertion_issuer("https://x.example")),
        xml(fresh().key(keys::attacker())),
        xml(fresh().name_id("")),
        xml(status("Responder")),
        xml(status("Requester")),
        xml(status("AuthnFailed")),
        xml(status("NoAuthnContext")),
        xml(status("InvalidNameIDPolicy")),
        stranger.logout_request().id("_l1").destination(Some("https://x.example")).signed().unwrap(),
        stranger.logout_request().id("_l1").xml().unwrap(),
        metadata.replace("entityID", "entityid"),
        "2026-11-29T02:00:00Z  WARN vouchsafe_web::answers: sign-in refused reference=\"1a2b3c4d-5e6f7081\" code=\"assertion.audience\" reason=x \
         hint=\"Set it (Okta: \\\"Audience URI\\\").\""
            .to_owned(),
    ] {
        let diagnosis = Doctor::new(now()).examine(&[
            ("message", message.as_bytes()),
            ("idp.xml", metadata.as_bytes()),
            ("ours.xml", ours().as_bytes()),
        ]);
        for exhibit in &diagnosis.exhibits {
            judged += exhibit.complaints.len();
            for complaint in &exhibit.complaints {
                assert!(!complaint.remedy.contains("Okta"), "{complaint:#?}");
                assert!(!format!("{:?}", complaint.setting).contains("Okta"), "{complaint:#?}");
            }
        }
    }
    assert!(judged >= 16, "{judged}");
}
