//! Enhanced clients on the facade: the envelope that they receive, and the one that they post.

use vouchsafe::signature::{TrustedKey, verify};
use vouchsafe::xml::namespace::{ECP, PAOS, SAML_PROTOCOL, SOAP_ENVELOPE};
use vouchsafe::xml::{Document, Element, Limits};
use vouchsafe::{
    BindingError, Builder, Complete, Connection, ConnectionId, Expect, LoginOptions, PostedResponse, Refusal,
    SignRequests,
};
use vouchsafe_testkit::{self as testkit, IdentityProvider, keys};

use crate::common::{Service, builder, now, trusted};

const THERE: &str = "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/ecp";

fn okta() -> IdentityProvider {
    IdentityProvider::okta().with_soap_single_sign_on(THERE)
}

fn with_clients() -> Builder<Complete> {
    let ours = keys::service_provider();
    builder()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .sign_requests(SignRequests::Always)
        .receive_from_enhanced_clients()
}

fn service() -> Service {
    let okta = Connection::new(ConnectionId::new("okta").unwrap(), trusted(&okta()));
    Service::new(with_clients()).with(okta)
}

/// Makes the post of a client: the Response in an envelope with these header blocks.
fn envelope(blocks: &str, body: &str) -> String {
    format!(
        "<S:Envelope xmlns:S=\"{SOAP_ENVELOPE}\" xmlns:ecp=\"{ECP}\" xmlns:paos=\"{PAOS}\"><S:Header>{blocks}</S:Header><S:Body>{body}</S:Body></S:Envelope>"
    )
}

fn relay_state(state: &str) -> String {
    format!("<ecp:RelayState S:mustUnderstand=\"1\">{state}</ecp:RelayState>")
}

const RESPONSE: &str =
    "<paos:Response S:mustUnderstand=\"1\" S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"/>";

fn posted(text: &str) -> Result<PostedResponse, Refusal> {
    PostedResponse::from_paos(text.as_bytes(), &Limits::default())
}

fn code<T>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.code(), |_| "accepted")
}

/// The envelope has every block that the profile requires, around a signed request for an answer by PAOS.
#[test]
fn an_enhanced_client_is_answered_an_envelope() {
    let service = service();
    let started = service.start(LoginOptions::default().for_enhanced_client());
    assert!(started.request.redirect().is_none() && started.request.form().is_none());
    assert!(!format!("{:?}", started.request).contains("AuthnRequest"));
    let text = started.request.envelope().unwrap().envelope();
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let named = |space: &str, name: &str| document.elements().find(|one| one.is(space, name)).unwrap();
    let is_for_the_client = |block: Element<'_>| {
        assert_eq!(block.attribute_in(SOAP_ENVELOPE, "mustUnderstand"), Some("1"));
        let next = "http://schemas.xmlsoap.org/soap/actor/next";
        assert_eq!(block.attribute_in(SOAP_ENVELOPE, "actor"), Some(next));
        assert!(block.parent().unwrap().is(SOAP_ENVELOPE, "Header"));
    };
    let paos = named(PAOS, "Request");
    is_for_the_client(paos);
    assert_eq!(paos.attribute("responseConsumerURL"), Some(testkit::ASSERTION_CONSUMER));
    assert_eq!(paos.attribute("service"), Some(ECP));
    let ecp = named(ECP, "Request");
    is_for_the_client(ecp);
    assert_eq!(ecp.attribute("IsPassive"), Some("false"), "without it nobody may be asked for a password");
    assert_eq!(ecp.elements().next().unwrap().text(), testkit::SERVICE_PROVIDER);
    let entry = named(SAML_PROTOCOL, "IDPEntry");
    assert_eq!(entry.attribute("ProviderID"), Some(testkit::OKTA_ENTITY_ID));
    assert_eq!(entry.attribute("Loc"), Some(THERE));
    let state = named(ECP, "RelayState");
    is_for_the_client(state);
    assert_eq!(state.text(), started.pending.handle());

    let request = named(SAML_PROTOCOL, "AuthnRequest");
    assert!(request.parent().unwrap().is(SOAP_ENVELOPE, "Body"));
    assert_eq!(request.attribute("ID"), Some(started.pending.request_id()));
    assert_eq!(request.attribute("Destination"), Some(THERE));
    assert_eq!(request.attribute("AssertionConsumerServiceURL"), Some(testkit::ASSERTION_CONSUMER));
    assert_eq!(request.attribute("ProtocolBinding"), Some("urn:oasis:names:tc:SAML:2.0:bindings:PAOS"));
    let ours = [TrustedKey::new(keys::service_provider().private_key().public_key().clone(), "ours")];
    let _ = verify(request, &ours, service.saml.provider(), &Limits::default()).unwrap();
    let passive = service.start(LoginOptions::default().for_enhanced_client().is_passive());
    assert!(passive.request.envelope().unwrap().envelope().contains("IsPassive=\"true\"><saml2:Issuer"));
}

#[test]
fn what_an_enhanced_client_brings_is_judged_like_what_a_browser_posts() {
    let service = service();
    let bound = service.asked(LoginOptions::default().for_enhanced_client());
    let request = bound.request();
    let response =
        |signed| okta().response().in_response_to(request.request_id()).sign(signed).issue().unwrap();
    let judge = |text: &str| {
        let posted = posted(text)?;
        assert_eq!(posted.relay_state().map(|state| state.as_str()), Some(request.handle()));
        let valid = service.receive(&posted, Expect::Reply(&bound), now())?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    };
    let blocks = format!("{RESPONSE}{}", relay_state(request.handle()));
    for signed in [testkit::Signed::Both, testkit::Signed::Response, testkit::Signed::Assertion] {
        let login = judge(&envelope(&blocks, response(signed).element())).unwrap();
        assert_eq!(login.name_id().map(|name| name.value()), Some("ada@example.com"));
    }
    let unsigned = response(testkit::Signed::Neither);
    assert_eq!(code(judge(&envelope(&blocks, unsigned.element()))), "assertion.unsigned");
    // A prefix that is bound only by the envelope.
    let good = response(testkit::Signed::Assertion);
    let element = good.element().replacen(&format!(" xmlns:saml2p=\"{SAML_PROTOCOL}\""), "", 1);
    let bound_outside = envelope(&blocks, &element).replacen(
        "<S:Body>",
        &format!("<S:Body xmlns:saml2p=\"{SAML_PROTOCOL}\">"),
        1,
    );
    assert_eq!(code(judge(&bound_outside)), "accepted");
}

/// Only the header blocks of the profile are understood, and a fault from the client is reported.
#[test]
fn an_envelope_of_an_enhanced_client_is_one() {
    let body = "<a/>";
    let fault =
        "<S:Fault><faultcode>S:Client</faultcode><faultstring>the addresses differ</faultstring></S:Fault>";
    let left = "<ecp:Response S:mustUnderstand=\"1\" AssertionConsumerServiceURL=\"https://app.example.com/saml/acs\"/>";
    let bindings = "<cb:ChannelBindings xmlns:cb=\"urn:oasis:names:tc:SAML:protocol:ext:channel-binding\" Type=\"tls-server-end-point\">AA==</cb:ChannelBindings>";
    for (text, expected) in [
        (envelope("", body), "accepted"),
        (envelope(RESPONSE, body), "accepted"),
        (envelope(&format!("{RESPONSE}{}{left}{bindings}", relay_state("x")), body), "accepted"),
        (envelope(&relay_state("x").repeat(2), body), "message.soap"),
        (envelope("<x xmlns=\"urn:x\" S:mustUnderstand=\"1\"/>", body), "message.soap"),
        (envelope("<paos:Request S:mustUnderstand=\"1\"/>", body), "message.soap"),
        (envelope("", fault), "message.soap_fault"),
        (envelope("", "<a/><b/>"), "message.soap"),
        (envelope("", ""), "message.soap"),
        ("<a/>".to_owned(), "message.soap"),
        ("<!DOCTYPE a><a/>".to_owned(), "xml.doctype"),
        ("SAMLResponse=PGEvPg".to_owned(), "xml.outside_root"),
    ] {
        assert_eq!(code(posted(&text)), expected, "{text}");
    }
    let opened = service().saml.open(posted(&envelope("", body)).unwrap());
    assert_eq!(code(opened), "assertion.not_a_response");
    assert!(posted(&envelope("", body)).unwrap().relay_state().is_none());
}

#[test]
fn enhanced_clients_are_received_where_that_is_configured() {
    let start = |service: &Service| {
        let options = LoginOptions::default().for_enhanced_client();
        service
            .start_over("okta", options, now())
            .map_or_else(|error: BindingError| error.code(), |_| "started")
    };
    assert_eq!(start(&service()), "started");
    assert_eq!(start(&Service::new(with_clients())), "binding.no_single_sign_on");
    let okta = Connection::new(ConnectionId::new("okta").unwrap(), trusted(&okta()));
    assert_eq!(start(&Service::new(builder()).with(okta)), "binding.enhanced_clients_not_received");
    let xml = service().saml.metadata_xml().unwrap();
    assert!(
        xml.contains("bindings:PAOS\" Location=\"https://app.example.com/saml/acs\" index=\"1\""),
        "{xml}"
    );
    assert!(!Service::new(builder()).saml.metadata_xml().unwrap().contains("PAOS"));
}
