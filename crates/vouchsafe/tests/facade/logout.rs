//! Single logout on the facade: our requests, their requests, and the answers, over each binding.

use vouchsafe::signature::{TrustedKey, verify_query};
use vouchsafe::xml::{Document, namespace};
use vouchsafe::{
    BindingError, Connection, ConnectionId, ConnectionSettings, ConnectionState, ExpectMessage,
    IdentityProvider, Limits, LogoutAnswer, LogoutJourney, LogoutOutcome, LogoutRequest, LogoutStatus,
    Message, Participant, PendingLogout, Refusal, RelayState, SentMessage, ServiceProvider, SessionNameId,
    StartedLogout, redirect,
};
use vouchsafe_testkit::{self as testkit, LogoutBuilder, SINGLE_LOGOUT, keys};

use crate::common::{SOAP, builder, now, trusted, with_single_logout};

const OKTA_LOGOUT: &str = "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/slo/saml";

pub(crate) fn saml() -> ServiceProvider {
    with_single_logout().build().unwrap()
}

pub(crate) fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_single_logout(OKTA_LOGOUT)
}

pub(crate) fn over(identity_provider: IdentityProvider) -> Connection {
    Connection::new(ConnectionId::new("okta").unwrap(), identity_provider)
}

/// The identity provider with these logout services in its metadata.
fn with_services(services: &str) -> Connection {
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let metadata = metadata.replacen("<md:NameIDFormat>", &format!("{services}<md:NameIDFormat>"), 1);
    over(IdentityProvider::from_metadata(metadata.as_bytes()).unwrap())
}

pub(crate) fn service(binding: &str, more: &str) -> String {
    format!(
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{OKTA_LOGOUT}\" {more}/>"
    )
}

/// A name with all its parts, and with white space that must not be trimmed.
pub(crate) fn ada() -> Participant {
    let mut name = SessionNameId::new(" ada & <co> ");
    name.format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned());
    name.name_qualifier = Some("https://idp.example/\"".to_owned());
    name.sp_name_qualifier = Some("https://app.example".to_owned());
    name.sp_provided_id = Some("ours".to_owned());
    Participant::new(ConnectionId::new("okta").unwrap(), name, [" _index ", "second"].map(str::to_owned))
}

fn start(saml: &ServiceProvider, connection: &Connection) -> Result<StartedLogout, BindingError> {
    saml.start_logout(connection, &ada(), LogoutJourney::default(), now())
}

fn query_of(started: &StartedLogout) -> &str {
    started.request.redirect().unwrap().url().split_once('?').unwrap().1
}

/// The name is repeated byte for byte, the query is signed, and the RelayState is a handle without meaning.
#[test]
fn a_logout_request_repeats_the_name_and_is_signed() {
    let saml = saml();
    let started = start(&saml, &over(trusted(&okta()))).unwrap();
    assert!(started.request.redirect().unwrap().url().starts_with(OKTA_LOGOUT));
    let ours = [TrustedKey::new(keys::service_provider().private_key().public_key().clone(), "ours")];
    let verified = verify_query(query_of(&started), &ours, saml.provider()).unwrap();
    assert_eq!(verified.relay_state(), Some(started.pending.handle()));
    assert_eq!(started.pending.handle().len(), 32);
    let decoded = redirect::decode(&verified, &Limits::default()).unwrap();
    let document = Document::parse(decoded.bytes(), &Limits::default()).unwrap();
    let root = document.root();
    assert!(root.is(namespace::SAML_PROTOCOL, "LogoutRequest"));
    assert_eq!(root.attribute("ID"), Some(started.pending.request_id()));
    assert_eq!(root.attribute("Destination"), Some(OKTA_LOGOUT));
    assert_eq!(root.attribute("IssueInstant"), Some("2026-01-01T00:00:10Z"));
    assert_eq!(root.attribute("NotOnOrAfter"), Some("2026-01-01T00:05:10Z"));
    let child = |name: &str| root.elements().find(|one| one.local_name() == name).unwrap();
    assert_eq!(child("Issuer").text(), testkit::SERVICE_PROVIDER);
    let (name, ada) = (child("NameID"), ada());
    assert_eq!(name.text(), ada.name_id.value);
    assert_eq!(name.attribute("Format"), ada.name_id.format.as_deref());
    assert_eq!(name.attribute("NameQualifier"), ada.name_id.name_qualifier.as_deref());
    assert_eq!(name.attribute("SPNameQualifier"), ada.name_id.sp_name_qualifier.as_deref());
    assert_eq!(name.attribute("SPProvidedID"), ada.name_id.sp_provided_id.as_deref());
    let indexes = root.elements().filter(|child| child.local_name() == "SessionIndex");
    let indexes: Vec<String> = indexes.map(|index| index.text().into_owned()).collect();
    assert_eq!(indexes, [" _index ", "second"], "of every statement");
    assert!(!format!("{started:?}{ada:?}").contains("co>"), "no name in Debug");
}

/// `Debug` never shows a message that names a person, encoded or not.
#[test]
fn debug_shows_nothing_of_a_message() {
    let saml = saml();
    let by_soap = with_services(&service("SOAP", ""));
    let call = saml.logout_call(&by_soap, &ada(), now()).unwrap();
    let by_redirect = start(&saml, &over(trusted(&okta()))).unwrap();
    let by_post = start(&saml, &with_services(&service("HTTP-POST", ""))).unwrap();
    for shown in [format!("{call:?}"), format!("{by_redirect:?}"), format!("{by_post:?}")] {
        assert!(shown.contains(OKTA_LOGOUT), "where it goes: {shown}");
        for part in ["SAMLRequest", "LogoutRequest", "co&gt;"] {
            assert!(!shown.contains(part), "{part}: {shown}");
        }
    }
}

#[test]
fn the_binding_is_what_the_identity_provider_takes() {
    let saml = saml();
    let by_post = with_services(&service("HTTP-POST", ""));
    let started = start(&saml, &by_post).unwrap();
    let form = started.request.form().unwrap();
    assert_eq!(form.action(), OKTA_LOGOUT);
    let names: Vec<_> = form.fields().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState"]);
    let both = with_services(&[service("HTTP-POST", ""), service("HTTP-Redirect", "")].concat());
    assert!(start(&saml, &both).unwrap().request.redirect().is_some());
    let soap_alone = with_services(&service("SOAP", ""));
    assert_eq!(start(&saml, &soap_alone).unwrap_err().code(), "binding.no_single_logout");
    let none = over(trusted(&testkit::IdentityProvider::okta()));
    assert_eq!(start(&saml, &none).unwrap_err().code(), "binding.no_single_logout");
    let insecure =
        service("HTTP-Redirect", "").replace("https://example.okta.com", "http://example.okta.com");
    let error = IdentityProvider::from_metadata(
        testkit::IdentityProvider::okta()
            .metadata()
            .unwrap()
            .replacen("<md:NameIDFormat>", &format!("{insecure}<md:NameIDFormat>"), 1)
            .as_bytes(),
    )
    .map(|trusted| start(&saml, &over(trusted)).unwrap_err().code());
    assert!(matches!(error, Err(_) | Ok("binding.insecure_location")), "{error:?}");
}

#[test]
fn without_a_key_or_an_address_nothing_is_sent() {
    let error = builder().single_logout(SINGLE_LOGOUT).unwrap().build().unwrap_err();
    assert_eq!(error.code(), "binding.logout_key_missing");
    let ours = keys::service_provider();
    let no_address =
        builder().signing_key(ours.private_key().clone(), ours.certificate().clone()).build().unwrap();
    assert_eq!(start(&no_address, &over(trusted(&okta()))).unwrap_err().code(), "binding.no_single_logout");
    assert_eq!(builder().single_logout("http://app.example.com/slo").unwrap_err().code(), "binding.url");
    assert_eq!(
        ConnectionSettings::default().single_logout_soap("http://app.example.com/slo").unwrap_err().code(),
        "binding.url"
    );
}

pub(crate) fn received(
    saml: &ServiceProvider,
    connection: &Connection,
    sent: Result<SentMessage, BindingError>,
    at: &str,
) -> Result<(LogoutRequest, Option<RelayState>), Refusal> {
    let incoming = saml.open_message(sent.unwrap(), at)?;
    let state = incoming.relay_state().cloned();
    let candidates = std::slice::from_ref(connection);
    let valid = saml.receive_message(incoming, candidates, ExpectMessage::LogoutRequest, now())?;
    let recorded = valid.replay_key().recorded(true);
    match valid.confirm(recorded)? {
        Message::LogoutRequest(request) => Ok((request, state)),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn by_query(message: &LogoutBuilder) -> Result<SentMessage, BindingError> {
    SentMessage::from_query(&message.to_query(Some("their state")).unwrap(), &Limits::default())
}

fn by_form(message: &LogoutBuilder) -> Result<SentMessage, BindingError> {
    SentMessage::from_form(message.to_form(Some("their state")).unwrap().as_bytes(), &Limits::default())
}

/// The answer goes by the binding of the request, to `ResponseLocation`, with the same RelayState.
#[test]
fn a_logout_request_is_answered() {
    let saml = saml();
    let elsewhere = "ResponseLocation=\"https://example.okta.com/slo/callback\"";
    let connection =
        with_services(&[service("HTTP-POST", elsewhere), service("HTTP-Redirect", elsewhere)].concat());
    let request = okta().logout_request();
    for (sent, is_redirect) in [(by_query(&request), true), (by_form(&request), false)] {
        let (request, state) = received(&saml, &connection, sent, SINGLE_LOGOUT).unwrap();
        assert_eq!(state.as_ref().map(RelayState::as_str), Some("their state"));
        for status in [LogoutStatus::Success, LogoutStatus::Partial, LogoutStatus::Failed] {
            let answer = saml.answer_logout(&connection, &request, state.as_ref(), status, now()).unwrap();
            assert_eq!(answer.redirect().is_some(), is_redirect);
            let xml = match (answer.redirect(), answer.form()) {
                (Some(redirect), _) => {
                    assert!(
                        redirect.url().starts_with("https://example.okta.com/slo/callback?SAMLResponse=")
                    );
                    let query = redirect.url().split_once('?').unwrap().1;
                    let ours = keys::service_provider().private_key().public_key().clone();
                    let verified =
                        verify_query(query, &[TrustedKey::new(ours, "ours")], saml.provider()).unwrap();
                    assert_eq!(verified.relay_state(), Some("their state"));
                    redirect::decode(&verified, &Limits::default()).unwrap().bytes().to_vec()
                }
                (None, form) => {
                    let form = form.unwrap();
                    assert_eq!(form.action(), "https://example.okta.com/slo/callback");
                    assert_eq!(form.fields()[1], ("RelayState", "their state".to_owned()));
                    vouchsafe::crypto::base64_decode(&form.fields()[0].1).unwrap()
                }
            };
            let text = String::from_utf8(xml).unwrap();
            assert!(text.contains(&format!("InResponseTo=\"{}\"", testkit::LOGOUT_ID)), "{text}");
            assert!(text.contains("Destination=\"https://example.okta.com/slo/callback\""), "{text}");
            let expected = match status {
                LogoutStatus::Success => (":Success\"/>", false),
                LogoutStatus::Partial => (":Success\">", true),
                _ => (":Responder\"/>", false),
            };
            assert!(text.contains(expected.0), "{text}");
            assert_eq!(text.contains("PartialLogout"), expected.1, "{text}");
        }
    }
    // An identity provider that accepts answers only by POST receives them by POST.
    let by_post = with_services(&service("HTTP-POST", ""));
    let (request, state) = received(&saml, &by_post, by_query(&request), SINGLE_LOGOUT).unwrap();
    let answer = saml.answer_logout(&by_post, &request, state.as_ref(), LogoutStatus::Success, now());
    assert!(answer.unwrap().form().is_some());
}

#[test]
fn a_request_by_soap_is_answered_in_an_envelope() {
    let saml = saml();
    let connection = with_services(&service("SOAP", ""));
    let soap = okta().logout_request().destination(Some(SOAP)).to_soap().unwrap();
    let sent = SentMessage::from_soap(soap.as_bytes(), &Limits::default());
    let (request, _) = received(&saml, &connection, sent, SOAP).unwrap();
    let answer = saml.answer_logout_by_soap(&connection, &request, LogoutStatus::Success, now()).unwrap();
    assert!(answer.contains("<ds:SignatureValue>") && answer.contains(":Success\"/>"), "{answer}");
    assert!(answer.contains(testkit::LOGOUT_ID));
    let fault = saml.soap_fault().unwrap();
    assert!(fault.contains("<S:Fault><faultcode>S:Client</faultcode>"), "{fault}");
    // A message for one address is not accepted at the other.
    let sent = SentMessage::from_soap(soap.as_bytes(), &Limits::default());
    assert_eq!(code(received(&saml, &connection, sent, SINGLE_LOGOUT)), "assertion.unknown_issuer");
}

pub(crate) fn code<T>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.code(), |_| "accepted")
}

/// An answer is accepted only from the browser that carried the request, for the pending request, over its
/// connection, and in time.
#[test]
fn an_answer_needs_the_browser_that_was_sent() {
    let saml = saml();
    let connection = over(trusted(&okta()));
    let receive = |answer: &LogoutBuilder, started: StartedLogout, cookie: Option<&str>, now| {
        let bound = started.pending.bind(cookie, saml.provider())?;
        let incoming = saml.open_message(by_query(answer).unwrap(), SINGLE_LOGOUT)?;
        let expect = ExpectMessage::LogoutReply(&bound);
        let valid = saml.receive_message(incoming, std::slice::from_ref(&connection), expect, now)?;
        let recorded = valid.replay_key().recorded(true);
        match valid.confirm(recorded)? {
            Message::LogoutResponse(answer) => Ok(answer.logout_outcome()),
            other => panic!("{other:?}"),
        }
    };
    let again = || start(&saml, &connection).unwrap();
    let secret = |started: &StartedLogout| started.binding.reveal().to_owned();
    let answer = |started: &StartedLogout| okta().logout_response(started.pending.request_id()).at(now());

    let started = again();
    let (cookie, good) = (secret(&started), answer(&started));
    assert_eq!(receive(&good, started, Some(&cookie), now()).unwrap(), LogoutOutcome::Complete);
    let started = again();
    let good = answer(&started);
    assert_eq!(code(receive(&good, started, None, now())), "message.unasked");
    let started = again();
    let good = answer(&started);
    assert_eq!(code(receive(&good, started, Some(&cookie), now())), "message.unasked");
    let started = again();
    let (cookie, other) = (secret(&started), answer(&again()));
    assert_eq!(code(receive(&other, started, Some(&cookie), now())), "message.in_response_to");
    let started = again();
    let (cookie, late) = (secret(&started), started.pending.expires_at());
    let good = answer(&started).at(late);
    assert_eq!(code(receive(&good, started, Some(&cookie), late)), "assertion.request_expired");
    let started = again();
    let cookie = secret(&started);
    let others = testkit::IdentityProvider::other().logout_response(started.pending.request_id()).at(now());
    assert_eq!(code(receive(&others, started, Some(&cookie), now())), "assertion.unexpected_issuer");
    let started = again();
    let cookie = secret(&started);
    let request = okta().logout_request();
    assert_eq!(code(receive(&request, started, Some(&cookie), now())), "message.kind");
}

/// An answer over another connection to the same identity provider, with the same keys and the same address, answers
/// nothing, whatever candidates the caller passes.
#[test]
fn an_answer_comes_over_the_connection_that_was_asked() {
    let saml = saml();
    let asked = over(trusted(&okta()));
    let other = Connection::new(ConnectionId::new("other").unwrap(), trusted(&okta()));
    let receive = |candidates: &[Connection]| {
        let started = start(&saml, &asked).unwrap();
        let answer = okta().logout_response(started.pending.request_id()).at(now());
        let bound = started.pending.bind(Some(started.binding.reveal()), saml.provider())?;
        let incoming = saml.open_message(by_query(&answer).unwrap(), SINGLE_LOGOUT)?;
        saml.receive_message(incoming, candidates, ExpectMessage::LogoutReply(&bound), now()).map(drop)
    };
    let none = code(receive(&[]));
    assert_eq!(code(receive(std::slice::from_ref(&other))), none);
    receive(&[other, asked.clone()]).unwrap();
    // A connection that is tested again or retired in between may still be answered, since an answer changes nothing.
    for state in [ConnectionState::Draft, ConnectionState::Retired] {
        receive(&[asked.clone().with_state(state)]).unwrap();
    }
}

/// Data of one customer's connection are not sent over another's, whatever the caller passes.
#[test]
fn a_person_is_named_to_their_own_identity_provider_alone() {
    let saml = saml();
    let both = |name: &str| {
        let services = [service("HTTP-Redirect", ""), service("SOAP", "")].concat();
        Connection::new(
            ConnectionId::new(name).unwrap(),
            with_services(&services).identity_provider().clone(),
        )
    };
    let (own, other) = (both("okta"), both("other"));
    let sent = SentMessage::from_query(&okta().logout_request().to_query(None).unwrap(), &Limits::default());
    let (request, _) = received(&saml, &own, sent, SINGLE_LOGOUT).unwrap();
    let codes = |connection: &Connection| {
        let (status, at) = (LogoutStatus::Success, now());
        [
            saml.start_logout(connection, &ada(), LogoutJourney::default(), at).map(drop),
            saml.logout_call(connection, &ada(), at).map(drop),
            saml.answer_logout(connection, &request, None, status, at).map(drop),
            saml.answer_logout_by_soap(connection, &request, status, at).map(drop),
        ]
        .map(|outcome| outcome.map_or_else(|error| error.code(), |()| "sent"))
    };
    assert_eq!(codes(&own), ["sent"; 4]);
    assert_eq!(codes(&other), ["binding.other_connection"; 4]);
}

/// An answer at an address for requests counts as unasked.
#[test]
fn an_answer_is_no_request() {
    let saml = saml();
    let connection = over(trusted(&okta()));
    let incoming =
        saml.open_message(by_query(&okta().logout_response("_1")).unwrap(), SINGLE_LOGOUT).unwrap();
    let outcome = saml.receive_message(incoming, &[connection], ExpectMessage::LogoutRequest, now());
    assert_eq!(code(outcome), "message.kind");
}

#[test]
fn a_pending_logout_is_kept_and_read_back() {
    let saml = saml();
    let mut journey = LogoutJourney::new([ada()]).returning_to("/bye");
    journey.note(&ConnectionId::new("first").unwrap(), LogoutAnswer::Partial);
    let started = saml.start_logout(&over(trusted(&okta())), &ada(), journey.clone(), now()).unwrap();
    let text = serde_json::to_string(&started.pending.to_stored()).unwrap();
    assert!(!text.contains(started.binding.reveal()), "the secret is the browser's");
    let read = PendingLogout::from_stored(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(read.to_stored(), started.pending.to_stored());
    assert_eq!((read.journey(), read.connection().as_str()), (&journey, "okta"));
    assert!(!read.is_expired(now()) && read.is_expired(read.expires_at()));
    assert_eq!(read.issued_at(), now());
    let bound = read.bind(Some(started.binding.reveal()), saml.provider()).unwrap();
    let mut journey = bound.into_journey();
    assert_eq!(journey.take_next(), Some(ada()));
    assert_eq!((journey.return_to(), journey.is_complete()), (Some("/bye"), false));
    for field in ["handle", "request_id", "connection", "binding_hash"] {
        let mut broken: serde_json::Value = serde_json::from_str(&text).unwrap();
        broken[field] = "".into();
        let error = PendingLogout::from_stored(serde_json::from_value(broken).unwrap()).unwrap_err();
        assert_eq!(error.code(), "binding.stored_request", "{field}");
    }
}

/// Over SOAP the request is signed, and only a signed answer is accepted.
#[test]
fn an_identity_provider_is_told_over_soap() {
    let saml = saml();
    let connection = with_services(&service("SOAP", ""));
    let call = || saml.logout_call(&connection, &ada(), now()).unwrap();
    let first = call();
    assert_eq!(first.location(), OKTA_LOGOUT);
    assert!(first.body().contains("<ds:SignatureValue>") && first.body().contains("S:Envelope"));
    let id_of = |call: &vouchsafe::SoapCall| {
        call.body().split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let answered = |call: vouchsafe::SoapCall, soap: &str| saml.call_answered(call, soap.as_bytes(), now());
    let answer = |call: &vouchsafe::SoapCall| okta().logout_response(id_of(call)).at(now());
    let good = answer(&first).destination(None).to_soap().unwrap();
    assert_eq!(answered(first, &good).unwrap().logout_outcome(), LogoutOutcome::Complete);
    let second = call();
    assert_eq!(code(answered(second, &good)), "message.in_response_to", "the answer to another call");
    let third = call();
    let unsigned = testkit::logout::soap(&answer(&third).xml().unwrap());
    assert_eq!(code(answered(third, &unsigned)), "message.unsigned");
    let fourth = call();
    assert_eq!(code(answered(fourth, "<html/>")), "message.soap");
    let fifth = call();
    let request = okta().logout_request().to_soap().unwrap();
    assert_eq!(code(answered(fifth, &request)), "message.kind");
    let browser_only = over(trusted(&okta()));
    assert_eq!(
        saml.logout_call(&browser_only, &ada(), now()).unwrap_err().code(),
        "binding.no_single_logout"
    );
}
