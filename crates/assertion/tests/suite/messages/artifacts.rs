//! The answer to an artifact: what is accepted, and what is refused.

use vouchsafe_assertion::{ClaimedMessage, Login, Message, Refusal, Trust, unsigned_artifact_response};
use vouchsafe_testkit::{IdentityProvider, LogoutBuilder, Signed, keys, logout};

use super::{Address, NOW, address, code};
use crate::common::okta;

const RESOLVE: &str = "_resolve";

fn resolving() -> Address {
    address().answering(RESOLVE)
}

/// A Response to the request of the sign-in, as an element.
fn response(signed: Signed) -> String {
    let issued = IdentityProvider::okta().response().in_response_to("_request").sign(signed).issue().unwrap();
    issued.xml().split_once("?>").unwrap().1.to_owned()
}

fn artifact_response(response: &str) -> LogoutBuilder {
    IdentityProvider::okta()
        .logout_response(RESOLVE)
        .element("ArtifactResponse")
        .destination(None)
        .raw(response)
}

fn in_soap(address: &Address, xml: &str) -> Result<ClaimedMessage, Refusal> {
    ClaimedMessage::in_soap(logout::soap(xml).as_bytes(), &address.limits)
}

/// From a signed answer to a login.
fn signed(address: &Address, answer: &LogoutBuilder) -> Result<Login, Refusal> {
    let Message::ArtifactResponse(resolved) = address.by_soap(answer)? else { panic!("another message") };
    okta(NOW).judge(resolved.into_response(&address.limits)?.claimed)
}

/// Returns the login of an unsigned answer.
fn unsigned(address: &Address, trust: &Trust, xml: &str) -> Result<Login, Refusal> {
    let claimed = in_soap(address, xml)?;
    let expectations = &address.expectations;
    let resolved = unsigned_artifact_response(claimed, trust, expectations, address.now, &address.limits)?;
    okta(NOW).judge(resolved.claimed)
}

#[test]
fn the_response_is_judged_by_its_own_signature() {
    let address = resolving();
    for (signature, expected) in [
        (Signed::Both, "accepted"),
        (Signed::Response, "accepted"),
        (Signed::Assertion, "accepted"),
        (Signed::Neither, "assertion.unsigned"),
    ] {
        assert_eq!(code(signed(&address, &artifact_response(&response(signature)))), expected);
    }
}

#[test]
fn the_answer_is_to_our_question_and_of_the_one_who_was_asked() {
    let address = resolving();
    let good = artifact_response(&response(Signed::Both));
    let top = |code: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
    for (answer, expected) in [
        (good.clone().in_response_to(Some("_another")), "message.in_response_to"),
        (good.clone().in_response_to(None), "message.in_response_to"),
        (good.clone().issuer(Some("http://www.okta.com/exk2other0000other0h7")), "message.issuer"),
        (good.clone().issuer(None), "message.issuer"),
        (
            good.clone().issuer_format("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
            "message.issuer_format",
        ),
        (good.clone().key(keys::other_identity_provider()), "signature.not_verified"),
        (good.clone().version("1.1"), "message.version"),
        (good.clone().issue_instant("2025-12-31T23:58:00Z"), "message.issued_before_request"),
        (good.clone().issue_instant("2026-01-01T00:09:00Z"), "message.issue_instant"),
        (good.clone().status([top("Requester"), top("RequestDenied")]), "message.status"),
        (good.clone().status(["Success"]), "message.status"),
        (good.clone().status(Vec::<String>::new()), "assertion.schema"),
        (artifact_response(""), "message.no_response"),
        (good.clone().element("LogoutResponse"), "assertion.schema"),
    ] {
        assert_eq!(code(signed(&address, &answer)), expected);
    }
    let status = good.status([top("Responder"), top("UnknownPrincipal")]);
    let refusal = address.by_soap(&status).unwrap_err();
    assert!(refusal.to_string().contains("UnknownPrincipal"), "{refusal}");
    assert_eq!(refusal.check().unwrap().rule(), "message.status");
    assert!(refusal.hint().contains("ArtifactResolve"), "{}", refusal.hint());
}

/// The Response must be at its place: not in Extensions, not twice, and not next to the ArtifactResponse.
#[test]
fn one_response_stands_in_its_place() {
    let address = resolving();
    let inner = response(Signed::Both);
    let hidden = artifact_response("").extensions(&inner);
    assert_eq!(code(signed(&address, &hidden)), "message.no_response");
    let once = artifact_response(&inner).xml().unwrap();
    let other = response(Signed::Both).replace("id1037336953", "id2037336953");
    let twice = once.replace("</samlp:ArtifactResponse>", &format!("{other}</samlp:ArtifactResponse>"));
    let trust = address.trust.clone().danger_accept_unsigned_artifact_responses();
    assert_eq!(code(unsigned(&address, &trust, &twice)), "assertion.schema");
    let signed = artifact_response(&inner).signed().unwrap();
    for both in [format!("{signed}{inner}"), format!("{inner}{signed}")] {
        assert_eq!(code(in_soap(&address, &both).map(drop)), "message.soap");
    }
    assert_eq!(code(in_soap(&address, &inner).map(drop)), "message.not_a_message");
}

/// TLS does not replace the signature, unless the connection permits it. Even then the Response must be signed, and
/// every other rule applies.
#[test]
fn an_unsigned_answer_is_an_envelope_where_the_connection_takes_it() {
    let address = resolving();
    let strict = address.trust.clone();
    let lenient = address.trust.clone().danger_accept_unsigned_artifact_responses();
    assert!(lenient.accepts_unsigned_artifact_responses() && !strict.accepts_unsigned_artifact_responses());
    let good = artifact_response(&response(Signed::Both));
    assert_eq!(code(unsigned(&address, &strict, &good.xml().unwrap())), "message.unsigned");
    let login = unsigned(&address, &lenient, &good.xml().unwrap()).unwrap();
    assert!(login.ledger().check("message.in_response_to").is_some(), "{}", login.ledger());
    let top = |code: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
    for (answer, expected) in [
        (good.clone().in_response_to(Some("_another")), "message.in_response_to"),
        (good.clone().issuer(Some("http://www.okta.com/exk2other0000other0h7")), "message.issuer"),
        (good.clone().issue_instant("2026-01-01T00:09:00Z"), "message.issue_instant"),
        (good.clone().status([top("Responder")]), "message.status"),
        (artifact_response(&response(Signed::Neither)), "assertion.unsigned"),
        (artifact_response(""), "message.no_response"),
        (good.clone().element("LogoutResponse"), "message.kind"),
        (good.clone().id(vouchsafe_testkit::RESPONSE_ID), "assertion.duplicate_id"),
    ] {
        assert_eq!(code(unsigned(&address, &lenient, &answer.xml().unwrap())), expected);
    }
    // A signed answer must be processed as a signed one.
    assert_eq!(code(unsigned(&address, &lenient, &good.signed().unwrap())), "message.unsigned");
    let forged = good.key(keys::other_identity_provider()).signed().unwrap();
    assert_eq!(code(unsigned(&address, &lenient, &forged)), "message.unsigned");
}

/// A long text of the other party is shortened before it is kept.
#[test]
fn a_long_answer_is_not_kept_whole() {
    let address = resolving();
    let long = "x".repeat(20_000);
    let fault = format!(
        "<S:Fault xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><faultcode>{long}</faultcode><faultstring>{long}</faultstring></S:Fault>"
    );
    let refusal = in_soap(&address, &fault).unwrap_err();
    assert_eq!(refusal.code(), "message.soap_fault");
    assert!(format!("{:?}", refusal.error()).len() < 3_000, "{}", format!("{:?}", refusal.error()).len());
    let status = artifact_response("").status(vec![long; 40]);
    let refusal = address.by_soap(&status).unwrap_err();
    assert_eq!(refusal.code(), "message.status");
    assert!(format!("{:?}", refusal.error()).len() < 20_000, "{}", format!("{:?}", refusal.error()).len());
}
