//! Unsigned content, signatures on other content, and changed content.

use vouchsafe_assertion::ClaimedMessage;
use vouchsafe_signature::{Signer, sign};
use vouchsafe_testkit::{IdentityProvider, keys, logout};
use vouchsafe_xml::Limits;

use super::{address, code};

const SAML: &str = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

#[test]
fn an_unsigned_message_is_refused_over_every_binding() {
    let address = address().answering("_request");
    for message in
        [IdentityProvider::okta().logout_request(), IdentityProvider::okta().logout_response("_request")]
    {
        let xml = message.xml().unwrap();
        let posted = logout::soap(&xml);
        assert_eq!(
            code(address.receive(ClaimedMessage::in_soap(posted.as_bytes(), &address.limits))),
            "message.unsigned"
        );
        let query = message.to_unsigned_query(Some("state")).unwrap();
        assert_eq!(
            code(address.receive(ClaimedMessage::in_query(&query, &address.limits))),
            "message.unsigned"
        );
    }
    let xml = IdentityProvider::okta().logout_request().xml().unwrap();
    assert_eq!(code(address.receive(address.posted(&xml))), "message.unsigned");
}

/// Over HTTP-Redirect the query must be signed: an enveloped signature would not cover the RelayState.
#[test]
fn an_enveloped_signature_does_not_make_up_for_that_of_the_query() {
    let address = address();
    let signed = IdentityProvider::okta().logout_request().signed().unwrap();
    let query = logout::query("SAMLRequest", &signed, Some("state"));
    assert_eq!(code(address.receive(ClaimedMessage::in_query(&query, &address.limits))), "message.unsigned");
    // Half a signature is none either.
    let half = format!("{query}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256");
    assert_eq!(code(address.receive(ClaimedMessage::in_query(&half, &address.limits))), "signature.query");
}

/// A genuine signed Assertion inside the Extensions signs nothing (CVE-2026-133430), wherever it is.
#[test]
fn a_signature_inside_the_message_signs_nothing() {
    let address = address();
    let response = IdentityProvider::okta().response().issue().unwrap();
    let whole = response.xml().split_once("?>").unwrap().1;
    let start = whole.find("<saml2:Assertion").unwrap();
    let end = whole.find("</saml2:Assertion>").unwrap() + "</saml2:Assertion>".len();
    let assertion = whole[start..end].to_owned();
    let assertion = match assertion.contains("xmlns:saml2=") {
        true => assertion,
        false => assertion.replacen(
            "<saml2:Assertion",
            "<saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
            1,
        ),
    };
    for inner in [assertion, whole.to_owned()] {
        let request = IdentityProvider::okta().logout_request().extensions(inner);
        let xml = request.xml().unwrap();
        assert_eq!(code(address.receive(address.posted(&xml))), "message.unsigned");
        let soap = logout::soap(&xml);
        let claimed = ClaimedMessage::in_soap(soap.as_bytes(), &address.limits);
        assert_eq!(code(address.receive(claimed)), "message.unsigned");
    }
}

/// A genuine message is wrapped into an attacker's message, at every place of the envelope.
#[test]
fn a_genuine_message_elsewhere_signs_nothing() {
    let address = address();
    let genuine = IdentityProvider::okta().logout_request().signed().unwrap();
    let forged = IdentityProvider::okta().logout_request().id("_forged").name_id("eve@example.com");
    let plain = forged.xml().unwrap();
    let in_extensions = forged.clone().extensions(genuine.clone()).xml().unwrap();
    assert_eq!(code(address.receive(address.posted(&in_extensions))), "message.unsigned");
    let envelope = |header: &str, body: &str| {
        format!(
            "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\">{header}<S:Body>{body}</S:Body></S:Envelope>"
        )
    };
    for (soap, expected) in [
        (envelope(&format!("<S:Header>{genuine}</S:Header>"), &plain), "message.unsigned"),
        (envelope("", &format!("{plain}{genuine}")), "message.soap"),
        (envelope("", &format!("{genuine}{plain}")), "message.soap"),
        (envelope("", &in_extensions), "message.unsigned"),
        (envelope(&genuine, &plain), "message.soap"),
        (envelope("", ""), "message.soap"),
        (envelope("", &format!("<S:Body>{genuine}</S:Body>")), "message.not_a_message"),
        (
            envelope("<S:Header><x:a xmlns:x=\"urn:x\" S:mustUnderstand=\"1\"/></S:Header>", &genuine),
            "message.soap",
        ),
        (envelope("<S:Header/><S:Header/>", &genuine), "message.soap"),
        (genuine.clone(), "message.soap"),
        (envelope("", &genuine).replace("S:Envelope", "Envelope"), "message.soap"),
        (envelope("", &genuine).replace("S:Envelope", "S:Letter"), "message.soap"),
        (envelope("<S:Header><x:a xmlns:x=\"urn:x\"/></S:Header>", &genuine), "accepted"),
        (
            envelope("", "<S:Fault><faultcode>S:Client</faultcode><faultstring>no</faultstring></S:Fault>"),
            "message.soap_fault",
        ),
    ] {
        let claimed = ClaimedMessage::in_soap(soap.as_bytes(), &address.limits);
        assert_eq!(code(address.receive(claimed)), expected, "{soap}");
    }
}

/// The signature of one message is moved to another, with the same ID or with a reference to another element.
#[test]
fn a_signature_that_was_moved_is_refused() {
    let address = address();
    let genuine = IdentityProvider::okta().logout_request().signed().unwrap();
    let start = genuine.find("<ds:Signature").unwrap();
    let end = genuine.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &genuine[start..end];
    let into = |message: &str| message.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    let other = IdentityProvider::okta().logout_request().name_id("eve@example.com").xml().unwrap();
    assert_eq!(code(address.receive(address.posted(&into(&other)))), "signature.digest_mismatch");
    let renamed = IdentityProvider::okta().logout_request().id("_other").xml().unwrap();
    assert!(code(address.receive(address.posted(&into(&renamed)))).starts_with("signature."));
    let changed = genuine.replacen("ada@example.com", "eve@example.com", 1);
    assert_eq!(code(address.receive(address.posted(&changed))), "signature.digest_mismatch");
    let twice = genuine.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    assert!(code(address.receive(address.posted(&twice))).starts_with("signature."));
    // The signature of a request is moved to an answer.
    let answer = IdentityProvider::okta().logout_response("_request").xml().unwrap();
    let claimed = address.posted_in(vouchsafe_signature::MessageParameter::Response, &into(&answer));
    assert!(code(address.receive(claimed)).starts_with("signature."));
}

#[test]
fn other_keys_and_other_identity_providers_are_refused() {
    let address = address();
    let forged = IdentityProvider::okta().logout_request().key(keys::other_identity_provider());
    assert_eq!(code(address.by_post(&forged)), "signature.not_verified");
    assert_eq!(code(address.by_redirect(&forged)), "signature.not_verified");
    assert_eq!(code(address.by_soap(&forged)), "signature.not_verified");
    let others = IdentityProvider::other().logout_request();
    assert_eq!(code(address.by_post(&others)), "message.issuer");
    assert_eq!(code(address.by_redirect(&others)), "message.issuer");
}

#[test]
fn an_identifier_occurs_once() {
    let address = address();
    let request = IdentityProvider::okta().logout_request().extensions("<a><b ID=\"_1\"/><b ID=\"_1\"/></a>");
    assert_eq!(code(address.by_post(&request)), "assertion.duplicate_id");
    assert_eq!(code(address.by_redirect(&request)), "assertion.duplicate_id");
}

/// The signature covers the bytes of the query: none of them can be changed, added or removed.
#[test]
fn a_query_is_believed_byte_for_byte() {
    let address = address();
    let query = IdentityProvider::okta().logout_request().to_query(Some("state")).unwrap();
    let receive = |query: &str| code(address.receive(ClaimedMessage::in_query(query, &address.limits)));
    assert_eq!(receive(&query), "accepted");
    for (from, to) in [
        ("SAMLRequest=", "SAMLRe%71uest="),
        ("SAMLRequest=", "x=1&SAMLRequest[]=a&SAMLRequest="),
        ("RelayState=state", "RelayState=other"),
        ("RelayState=state", "RelayState=state&RelayState=state"),
        ("&RelayState=state", ""),
        ("RelayState=state", "RelayState=state="),
        ("RelayState=", "relaystate="),
        ("SAMLRequest=", "SAMLResponse="),
        ("SAMLRequest=", "SAMLEncoding=none&SAMLRequest="),
        ("&SigAlg=", "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23hmac-sha1&SigAlg="),
        ("&Signature=", "&Signature=AAAA&Signature="),
    ] {
        assert!(query.contains(from), "{from}");
        let outcome = receive(&query.replacen(from, to, 1));
        assert!(
            outcome.starts_with("signature.") || outcome == "message.parameter",
            "{from} -> {to}: {outcome}"
        );
    }
    let (_, signature) = query.split_once("&Signature=").unwrap();
    let removed = query.replace(&format!("&Signature={signature}"), "");
    assert_eq!(receive(&removed), "signature.query");
}

/// A decompression bomb stops at the limit, and data that are not a DEFLATE stream are refused with a reason.
#[test]
fn what_is_not_in_the_encoding_of_the_binding_is_refused() {
    let limits = Limits::default();
    let bomb = logout::query("SAMLRequest", &" ".repeat(40_000_000), None);
    assert_eq!(code(ClaimedMessage::in_query(&bomb, &limits)), "message.encoding");
    for broken in ["SAMLRequest=!", "SAMLRequest=AAAA", "SAMLRequest="] {
        assert_eq!(code(ClaimedMessage::in_query(broken, &limits)), "message.encoding", "{broken}");
    }
    assert_eq!(code(ClaimedMessage::in_query("", &limits)), "signature.query");
    let doctype = "<!DOCTYPE a [<!ENTITY e \"x\">]><a/>";
    let query = logout::query("SAMLRequest", doctype, None);
    assert_eq!(code(ClaimedMessage::in_query(&query, &limits)), "xml.doctype");
    assert_eq!(code(ClaimedMessage::in_soap(doctype.as_bytes(), &limits)), "xml.doctype");
}

/// A comment inside a name does not cut it (a common vulnerability of 2018), and a NameID of another namespace does
/// not count.
#[test]
fn a_name_is_read_whole() {
    let address = address();
    let name = format!("<saml:NameID {SAML}>ada@example.com<!-- -->.eve.example</saml:NameID>");
    let request = IdentityProvider::okta().logout_request().without_name_id().raw(&name);
    let vouchsafe_assertion::Message::LogoutRequest(accepted) = address.by_redirect(&request).unwrap() else {
        panic!("another message")
    };
    assert_eq!(accepted.name_id().value(), "ada@example.com.eve.example");
    let foreign = IdentityProvider::okta().logout_request().raw("<NameID>eve@example.com</NameID>");
    assert_eq!(code(address.by_post(&foreign)), "assertion.schema");
    let second = IdentityProvider::okta().logout_request().raw(&name);
    assert_eq!(code(address.by_post(&second)), "assertion.schema");
}

/// An artifact's Response needs a signature of its own: the signature of the ArtifactResponse covers only the
/// envelope.
#[test]
fn the_signature_of_an_artifact_response_is_not_that_of_the_response() {
    let address = address().answering("_request");
    let unsigned = IdentityProvider::okta()
        .response()
        .in_response_to("_request")
        .sign(vouchsafe_testkit::Signed::Neither)
        .issue()
        .unwrap();
    let inner = unsigned.xml().split_once("?>").unwrap().1.to_owned();
    let resolved =
        IdentityProvider::okta().logout_response("_request").element("ArtifactResponse").raw(&inner);
    let vouchsafe_assertion::Message::ArtifactResponse(resolved) = address.by_soap(&resolved).unwrap() else {
        panic!("another message")
    };
    let receiver = crate::common::okta(super::NOW);
    assert_eq!(
        code(receiver.judge(resolved.into_response(&address.limits).unwrap().claimed)),
        "assertion.unsigned"
    );
    // The Response inside is signed, but the ArtifactResponse around it is not.
    let signer = Signer::new(keys::identity_provider().private_key());
    let id = vouchsafe_testkit::RESPONSE_ID;
    let signed = sign(&inner, id, &signer, keys::provider(), &Limits::default()).unwrap();
    let bare = IdentityProvider::okta().logout_response("_request").element("ArtifactResponse").raw(signed);
    let soap = logout::soap(&bare.xml().unwrap());
    let claimed = ClaimedMessage::in_soap(soap.as_bytes(), &address.limits);
    assert_eq!(code(address.receive(claimed)), "message.unsigned");
}
