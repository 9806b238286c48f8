//! Logout messages, SOAP envelopes, artifacts, requests and metadata: the exact first complaint about each.

use chrono::TimeDelta;
use vouchsafe::crypto::base64_encode;
use vouchsafe::doctor::{Answer, Diagnosis, Doctor, Exhibit, Kind, Severity};
use vouchsafe::metadata::{EntityId, EntityName};
use vouchsafe_testkit::logout::{SINGLE_LOGOUT, form, query, soap};
use vouchsafe_testkit::{self as testkit, IdentityProvider, keys};

use crate::{codes, errors, fact, now};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// Our metadata, with an address for logout messages.
fn service() -> String {
    let logout = format!(
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{SINGLE_LOGOUT}\"/>\
         <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{SINGLE_LOGOUT}\"/>"
    );
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\"><md:SPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{logout}<md:AssertionConsumerService index=\"0\" \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{}\"/></md:SPSSODescriptor></md:EntityDescriptor>",
        testkit::SERVICE_PROVIDER,
        testkit::ASSERTION_CONSUMER
    )
}

fn okta() -> IdentityProvider {
    IdentityProvider::okta()
}

/// Examines these files together with Okta's metadata and ours.
fn examined(file: &str, more: &[&str]) -> Diagnosis {
    let (metadata, service) = (okta().metadata().unwrap(), service());
    let mut files =
        vec![("message", file.as_bytes()), ("okta", metadata.as_bytes()), ("sp", service.as_bytes())];
    files.extend(more.iter().map(|text| ("more", text.as_bytes())));
    Doctor::new(now()).examine(&files)
}

fn first(file: &str, more: &[&str]) -> (String, String) {
    let diagnosis = examined(file, more);
    let complaint = diagnosis.exhibits[0].complaints.first();
    complaint.map(|one| (one.code.clone(), one.message.clone())).unwrap_or_default()
}

#[test]
fn logout_requests_are_judged_as_a_service_judges_them() {
    let request = || okta().logout_request().session_index("_s1");
    for good in [
        request().signed().unwrap(),
        request().to_form(None).unwrap(),
        format!("{SINGLE_LOGOUT}?{}", request().to_query(Some("state")).unwrap()),
    ] {
        let diagnosis = examined(&good, &[]);
        let exhibit = &diagnosis.exhibits[0];
        assert_eq!(exhibit.kind, Kind::LogoutRequest, "{good}");
        assert_eq!(errors(exhibit), Vec::<&str>::new(), "{exhibit:#?}");
        assert_eq!(
            fact(exhibit, "verified"),
            Some("by http://www.okta.com/exk1vouchsafe0kit0h7, signing key 1"),
            "{exhibit:#?}"
        );
        assert_eq!(
            (fact(exhibit, "session indexes"), exhibit.not_judged.as_slice()),
            (Some("1"), &["the times"][..])
        );
    }
    let unsigned = "the LogoutRequest carries no signature of its own";
    let elsewhere = "https://app.example.com/slo";
    for (text, code, message) in [
        (request().xml().unwrap(), "message.unsigned", unsigned),
        (form("SAMLRequest", &request().xml().unwrap(), None), "message.unsigned", unsigned),
        (soap(&request().xml().unwrap()), "message.unsigned", unsigned),
        (request().to_unsigned_query(None).unwrap(), "message.unsigned", unsigned),
        (
            request().key(keys::attacker()).signed().unwrap(),
            "signature.not_verified",
            "the signature of “LogoutRequest” was not made by the trusted key tried: ",
        ),
        (
            request().issuer(Some("https://nobody.example")).signed().unwrap(),
            "assertion.unknown_issuer",
            "no trusted identity provider is named “https://nobody.example”",
        ),
        (
            request().issuer(None).signed().unwrap(),
            "message.issuer",
            "LogoutRequest/Issuer: expected the sender's entity ID, found none",
        ),
        (
            request().destination(Some(elsewhere)).signed().unwrap(),
            "message.destination",
            "LogoutRequest/@Destination: expected “https://app.example.com/saml/slo”, found “https://app.example.com/slo”; they differ only in the path",
        ),
        (
            request().destination(None).to_form(None).unwrap(),
            "message.destination",
            "LogoutRequest/@Destination: expected “https://app.example.com/saml/slo”, found none",
        ),
        (
            request().without_name_id().signed().unwrap(),
            "assertion.schema",
            "/LogoutRequest (samlp:LogoutRequestType): BaseID or NameID or EncryptedID is missing",
        ),
        (request().name_id("").signed().unwrap(), "message.name_id", "LogoutRequest: the NameID is empty"),
        (
            request().version("1.1").signed().unwrap(),
            "message.version",
            "LogoutRequest: expected Version \"2.0\", found “1.1”",
        ),
        (
            request().not_on_or_after("2025-12-31T23:00:00Z").signed().unwrap(),
            "message.expired",
            "LogoutRequest/@NotOnOrAfter: 2025-12-31T23:00:00Z; the time here is 2026-01-01T00:00:01Z, with 60 s of skew",
        ),
        (
            form("SAMLResponse", &request().signed().unwrap(), None),
            "message.parameter",
            "the parameter SAMLResponse holds a LogoutRequest",
        ),
    ] {
        let (found, said) = first(&text, &[]);
        assert_eq!(found, code, "{said} {text}");
        assert!(said.starts_with(message), "{said}");
        assert_eq!(examined(&text, &[]).verdict.answer, Answer::Wrong, "{text}");
    }
    // A signature in a query is not in the XML, which is reported if only the XML is given.
    let exhibit = examined(&request().xml().unwrap(), &[]).exhibits.remove(0);
    assert!(exhibit.complaints[0].remedy.starts_with("If it came by HTTP-Redirect"), "{exhibit:#?}");
}

#[test]
fn answers_to_a_logout_say_what_became_of_it() {
    let request = okta().logout_request().id("_asked").issuer(Some(testkit::SERVICE_PROVIDER)).xml().unwrap();
    let response = |id: &str| okta().logout_response(id);
    let good = response("_asked").signed().unwrap();
    let exhibit = examined(&good, &[&request]).exhibits.remove(0);
    assert_eq!((codes(&exhibit), exhibit.not_judged.as_slice()), (vec![], &["the times"][..]));
    let exhibit = examined(&good, &[]).exhibits.remove(0);
    assert_eq!(exhibit.not_judged, ["the times", "which request it answers"]);

    let partial = format!("{STATUS}PartialLogout");
    let success = format!("{STATUS}Success");
    let responder = format!("{STATUS}Responder");
    for (answer, code, message, severity) in [
        (
            response("_asked").status([success.as_str(), partial.as_str()]),
            "doctor.partial_logout",
            "a partial logout: the identity provider could not end all sessions of the person",
            Severity::Warning,
        ),
        (
            response("_asked").status([responder.as_str(), partial.as_str()]),
            "doctor.partial_logout",
            "a partial logout: the identity provider could not end all sessions of the person",
            Severity::Warning,
        ),
        (
            response("_asked").status([responder.as_str()]),
            "doctor.answered_no",
            "the identity provider answered “urn:oasis:names:tc:SAML:2.0:status:Responder”",
            Severity::Error,
        ),
        (
            response("_asked").status([format!("{STATUS}Requester"), format!("{STATUS}UnknownPrincipal")]),
            "doctor.answered_no",
            "the identity provider answered “urn:oasis:names:tc:SAML:2.0:status:Requester” / “urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal”",
            Severity::Error,
        ),
        (
            response("_other"),
            "message.in_response_to",
            "LogoutResponse/@InResponseTo: expected “_asked”, found “_other”",
            Severity::Error,
        ),
        (
            response("_asked").at(testkit::ISSUE_INSTANT - TimeDelta::minutes(4)),
            "message.issued_before_request",
            "LogoutResponse/@IssueInstant: 2025-12-31T23:56:00Z is earlier than the request, 2026-01-01T00:00:00Z, with 60 s of skew",
            Severity::Error,
        ),
    ] {
        let exhibit = examined(&answer.signed().unwrap(), &[&request]).exhibits.remove(0);
        let said = exhibit.complaints.first().unwrap_or_else(|| panic!("{message}: nothing in {exhibit:#?}"));
        assert_eq!((said.code.as_str(), said.message.as_str(), said.severity), (code, message, severity));
    }
}

/// Messages of this service are checked by the metadata of their receiver.
#[test]
fn our_own_logout_messages_are_judged_too() {
    let slo = "https://example.okta.com/app/example_app/exk1vouchsafe0kit0h7/slo/saml";
    let with_logout = okta().metadata().unwrap().replacen(
        "<md:SingleSignOnService",
        &format!("<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{slo}\"/><md:SingleSignOnService"),
        1,
    );
    let pair = keys::service_provider();
    let ours = || okta().logout_request().issuer(Some(testkit::SERVICE_PROVIDER)).key(pair);
    let (service, pem) = (service(), pair.certificate().to_pem());
    let first = |text: &str| {
        let files = [
            ("m", text.as_bytes()),
            ("okta", with_logout.as_bytes()),
            ("sp", service.as_bytes()),
            ("c", pem.as_bytes()),
        ];
        Doctor::new(now()).examine(&files).exhibits.remove(0)
    };
    assert_eq!(codes(&first(&ours().destination(Some(slo)).signed().unwrap())), Vec::<&str>::new());
    let exhibit = first(&ours().destination(Some("https://example.okta.com/slo")).signed().unwrap());
    assert_eq!(codes(&exhibit), ["message.destination"], "{exhibit:#?}");
    assert!(exhibit.complaints[0].remedy.starts_with("Send it to the address"), "{exhibit:#?}");
    let exhibit = first(&ours().destination(Some(slo)).key(keys::attacker()).signed().unwrap());
    assert_eq!(errors(&exhibit)[0], "signature.not_verified");
    assert!(exhibit.complaints[0].remedy.contains("certificate"), "{exhibit:#?}");
}

#[test]
fn envelopes_are_opened_and_artifacts_looked_up() {
    let request = okta().logout_request();
    let exhibit = examined(&request.to_soap().unwrap(), &[]).exhibits.remove(0);
    assert_eq!((exhibit.kind, fact(&exhibit, "came as")), (Kind::LogoutRequest, Some("SOAP")));
    let fault = "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><S:Fault><faultcode>S:Server</faultcode></S:Fault></S:Body></S:Envelope>";
    assert_eq!(first(fault, &[]).0, "doctor.unrecognised");

    // The Response inside an ArtifactResponse is checked like a posted one.
    let response = okta().response().audience("https://other.example").issue().unwrap().into_xml();
    let response = response.split_once("?>").map_or(response.as_str(), |(_, rest)| rest).to_owned();
    let answer = okta()
        .logout_response("_a")
        .element("ArtifactResponse")
        .destination(None)
        .raw(response)
        .signed()
        .unwrap();
    let diagnosis = examined(&soap(&answer), &[]);
    let kinds: Vec<Kind> = diagnosis.exhibits.iter().take(2).map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::ArtifactResponse, Kind::Response]);
    assert_eq!(errors(&diagnosis.exhibits[1]), ["assertion.audience"], "{:#?}", diagnosis.exhibits);
    assert_eq!(diagnosis.exhibits[1].source, "message, the Response in it");

    let artifact =
        |source: &[u8], index: u8| base64_encode(&[&[0, 4, 0, index][..], source, &[7; 20]].concat());
    let EntityName::SourceId(okta_id) =
        EntityName::source_id_of(&EntityId::new(testkit::OKTA_ENTITY_ID).unwrap())
    else {
        panic!("no source ID")
    };
    let resolution = okta().metadata().unwrap().replacen(
        "<md:SingleSignOnService",
        "<md:ArtifactResolutionService index=\"3\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" Location=\"https://example.okta.com/artifact\"/><md:SingleSignOnService",
        1,
    );
    let judged = |text: String, metadata: &str| {
        let service = service();
        let files = [("a", text.as_bytes()), ("okta", metadata.as_bytes()), ("sp", service.as_bytes())];
        Doctor::new(now()).examine(&files).exhibits.remove(0)
    };
    let exhibit = judged(artifact(&okta_id, 3), &resolution);
    assert_eq!((exhibit.kind, codes(&exhibit)), (Kind::Artifact, vec![]));
    assert_eq!(fact(&exhibit, "resolved at"), Some("https://example.okta.com/artifact"));
    assert_eq!(exhibit.not_judged, ["the message that it stands for"]);
    let address = format!(
        "{}?SAMLart={}",
        testkit::ASSERTION_CONSUMER,
        artifact(&okta_id, 3).replace('+', "%2B").replace('=', "%3D")
    );
    let exhibit = judged(address, &resolution);
    assert_eq!((codes(&exhibit), fact(&exhibit, "sent to")), (vec![], Some(testkit::ASSERTION_CONSUMER)));
    for (text, message) in [
        (
            artifact(&okta_id, 0),
            "the artifact of “http://www.okta.com/exk1vouchsafe0kit0h7” is to be resolved at its ArtifactResolutionService of index 0; the metadata has 3",
        ),
        (
            artifact(&[1; 20], 3),
            "the artifact has the source ID 0101010101010101010101010101010101010101, which belongs to none of the identity providers in the files \
             (“http://www.okta.com/exk1vouchsafe0kit0h7”)",
        ),
        (
            format!("https://app.example.com/acs?SAMLart={}", artifact(&okta_id, 3).replace('=', "%3D")),
            "the artifact was sent to “https://app.example.com/acs”; the assertion consumer is “https://app.example.com/saml/acs”",
        ),
        (
            "https://app.example.com/acs?SAMLart=AAQ".to_owned(),
            "the field SAMLart does not hold an artifact of type 4",
        ),
    ] {
        let exhibit = judged(text, &resolution);
        assert_eq!(exhibit.complaints[0].message, message, "{exhibit:#?}");
        let json = serde_json::to_string(&exhibit).unwrap();
        assert!(!json.contains("BwcHBw") && !json.contains("0707"), "the handle is a bearer token: {json}");
    }
}

fn request(attributes: &str, issuer: &str, content: &str) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_q\" \
         Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\" {attributes}>{issuer}{content}</samlp:AuthnRequest>"
    )
}

#[test]
fn requests_are_held_against_the_metadata() {
    let sso = testkit::OKTA_SINGLE_SIGN_ON;
    let issuer = |name: &str| format!("<saml:Issuer>{name}</saml:Issuer>");
    let ours = issuer(testkit::SERVICE_PROVIDER);
    let good = request(&format!("Destination=\"{sso}\""), &ours, "");
    assert_eq!(first(&good, &[]), Default::default());
    assert_eq!(first(&query("SAMLRequest", &good, None), &[]), Default::default());
    for (text, code, message) in [
        (
            request(&format!("Destination=\"{sso}\""), &issuer("https://app.example.com/saml/metadata/"), ""),
            "doctor.request_issuer",
            "the request has the Issuer “https://app.example.com/saml/metadata/”; the entity ID of this service is “https://app.example.com/saml/metadata”; \
             they differ only in the slash at the end"
                .to_owned(),
        ),
        (
            request("", &issuer("urn:other"), ""),
            "doctor.request_issuer",
            "the request has the Issuer “urn:other”; the entity ID of this service is “https://app.example.com/saml/metadata”".to_owned(),
        ),
        (request("", "", ""), "doctor.request_issuer", "the request has no Issuer, so that nobody knows which service asks".to_owned()),
        (
            request("Destination=\"https://other.okta.com/sso\"", &ours, ""),
            "doctor.request_destination",
            format!("the Destination is “https://other.okta.com/sso”, which is not an address for requests in the metadata; expected “{sso}”"),
        ),
        (
            request(&format!("Destination=\"{sso}/\""), &ours, ""),
            "doctor.request_destination",
            format!(
                "the Destination is “{sso}/”, which is not an address for requests in the metadata; expected “{sso}”; they differ only in the slash at the end"
            ),
        ),
        (
            request(
                "",
                &ours,
                "<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName\"/>",
            ),
            "doctor.request_name_id_format",
            "the request asks for the NameID format “urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName”, which the metadata of \
             “http://www.okta.com/exk1vouchsafe0kit0h7” does not offer"
                .to_owned(),
        ),
    ] {
        let (found, said) = first(&text, &[]);
        if code == "doctor.request_name_id_format" && found.is_empty() {
            // Okta's metadata offers any format, because it names the unspecified one.
            continue;
        }
        assert_eq!((found.as_str(), said), (code, message), "{text}");
    }
    let sent =
        format!("https://example.okta.com/elsewhere?{}", query("SAMLRequest", &request("", &ours, ""), None));
    assert_eq!(
        first(&sent, &[]).1,
        format!(
            "it was sent to “https://example.okta.com/elsewhere”, which is not an address for requests in the metadata; expected “{sso}”; they differ only in the path"
        )
    );
    let wants = okta()
        .metadata()
        .unwrap()
        .replace("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"");
    let files = [query("SAMLRequest", &good, None), wants, service()];
    let files: Vec<(&str, &[u8])> = files.iter().map(|text| ("f", text.as_bytes())).collect();
    let exhibit = Doctor::new(now()).examine(&files).exhibits.remove(0);
    assert_eq!(
        exhibit.complaints[0].message,
        "the request is not signed, and the metadata of “http://www.okta.com/exk1vouchsafe0kit0h7” wants signed requests"
    );
}

fn only(text: &str) -> Exhibit {
    Doctor::new(now()).examine(&[("f", text.as_bytes())]).exhibits.remove(0)
}

#[test]
fn metadata_and_certificates_that_are_of_no_use() {
    let idp = okta().metadata().unwrap();
    let without_sign_on = {
        let (before, rest) = idp.split_once("<md:SingleSignOnService").unwrap();
        let end = rest.rfind("</md:IDPSSODescriptor>").unwrap();
        format!("{before}{}", rest.get(end..).unwrap())
    };
    let by = |binding: &str| {
        service().replace(
            "bindings:HTTP-POST\" Location=\"https://app.example.com/saml/acs\"",
            &format!("{binding}\" Location=\"https://app.example.com/saml/acs\""),
        )
    };
    for (text, code, message) in [
        (
            without_sign_on,
            "metadata.no_single_sign_on",
            "there is no single sign-on address that can be used: only sign-ins that the identity provider begins are possible",
        ),
        (
            by("bindings:HTTP-Redirect"),
            "metadata.consumer_binding",
            "AssertionConsumerService “https://app.example.com/saml/acs” is by HTTP-Redirect",
        ),
    ] {
        let exhibit = only(&text);
        let first = exhibit.complaints.first().unwrap_or_else(|| panic!("{message}: nothing"));
        assert_eq!(
            (first.code.as_str(), first.message.as_str(), first.severity),
            (code, message, Severity::Error)
        );
    }

    // Dates are checked as of the time that the doctor was given.
    let certificate = keys::identity_provider().certificate();
    for file in
        [certificate.to_pem().into_bytes(), certificate.to_base64().into_bytes(), certificate.der().to_vec()]
    {
        let at = |year: i32| {
            let time = format!("{year}-01-01T00:00:00Z").parse().unwrap();
            Doctor::new(now()).judged_at(time).examine(&[("c", &file)])
        };
        let good = at(2026);
        assert_eq!(
            (good.exhibits[0].kind, good.verdict.answer),
            (Kind::Certificate, Answer::Good),
            "{good:#?}"
        );
        for (year, code) in
            [(2199, "metadata.certificate_expired"), (1999, "metadata.certificate_not_yet_valid")]
        {
            let diagnosis = at(year);
            assert_eq!(codes(&diagnosis.exhibits[0]), [code]);
            assert_eq!(diagnosis.verdict.answer, Answer::LookedAt);
        }
    }
}

/// `--now` also applies to metadata, and expired metadata is reported at the messages that it verifies.
#[test]
fn metadata_that_is_over_is_told_beside_its_messages() {
    let until = |time: &str| {
        okta().metadata().unwrap().replacen(" entityID=", &format!(" validUntil=\"{time}\" entityID="), 1)
    };
    let response = okta().response().issue().unwrap().into_xml();
    let judged = |doctor: Doctor, metadata: &str| {
        let files = [("r", response.as_bytes()), ("m", metadata.as_bytes())];
        let mut exhibits = doctor.examine(&files).exhibits;
        let metadata = exhibits.remove(1);
        (exhibits.remove(0), metadata)
    };
    let (message, metadata) = judged(Doctor::new(now()), &until("2025-12-31T00:00:00Z"));
    assert_eq!((errors(&message), errors(&metadata)), (vec!["metadata.expired"], vec!["metadata.expired"]));
    assert_eq!(
        message.complaints[0].message,
        "the metadata was valid until 2025-12-31T00:00:00Z; now is 2026-01-01T00:00:01Z"
    );
    // The metadata has expired since: the message was valid when it came, and the next one is not.
    let (message, _) = judged(Doctor::new(now()), &until("2026-01-02T00:00:00Z"));
    assert_eq!((errors(&message), message.worst()), (vec![], Some(Severity::Warning)));
    let at = (testkit::ISSUE_INSTANT + TimeDelta::seconds(1)).to_owned();
    let (message, metadata) = judged(Doctor::new(now()).judged_at(at), &until("2026-01-02T00:00:00Z"));
    assert_eq!((errors(&message), errors(&metadata)), (vec![], vec![]));
    assert_eq!(metadata.worst(), Some(Severity::Note), "{metadata:#?}");
}

/// A Response together with its request.
#[test]
fn which_request_a_response_answers_is_judged_or_said_not_to_be() {
    let ours = format!("<saml:Issuer>{}</saml:Issuer>", testkit::SERVICE_PROVIDER);
    let asked = request("", &ours, "");
    let answer = |id: &str| okta().response().in_response_to(id).issue().unwrap().into_xml();
    let exhibit = examined(&answer("_q"), &[&asked]).exhibits.remove(0);
    assert_eq!((codes(&exhibit), exhibit.not_judged.as_slice()), (vec![], &["the times"][..]));
    let exhibit = examined(&answer("_q"), &[]).exhibits.remove(0);
    assert_eq!(exhibit.not_judged, ["which request it answers", "the times"]);
    let unsolicited = okta().response().issue().unwrap().into_xml();
    let exhibit = examined(&unsolicited, &[]).exhibits.remove(0);
    assert_eq!(exhibit.not_judged, ["whether it was asked for", "the times"]);
    for (text, message) in [
        (answer("_other"), "Response/@InResponseTo: expected “_q”, found “_other”"),
        (
            answer("_Q"),
            "Response/@InResponseTo: expected “_q”, found “_Q”; they differ only in the case of letters",
        ),
        (unsolicited, "Response/@InResponseTo: expected “_q”, found none"),
    ] {
        assert_eq!(first(&text, &[&asked]), ("assertion.in_response_to".to_owned(), message.to_owned()));
    }
}
