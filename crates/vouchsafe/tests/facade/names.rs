//! Messages about names: our requests, their requests, and the answers.

use chrono::TimeDelta;
use vouchsafe::signature::{TrustedKey, verify, verify_query};
use vouchsafe::xml::{Document, Limits, namespace};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, ExpectMessage, IdentityProvider, Message,
    NameIdChange, NameIdOrder, NameIdStatus, Participant, PendingRequest, SentMessage, ServiceProvider,
    SessionNameId, redirect,
};
use vouchsafe_testkit::{self as testkit, keys};

use crate::common::{now, valid_until, with_single_logout};

const NAMES: &str = "https://app.example.com/saml/name-id";
const NAMES_SOAP: &str = "https://app.example.com/saml/name-id/soap";
const THERE: &str = "https://example.okta.com/nim";

fn saml() -> ServiceProvider {
    let builder = with_single_logout().name_id_management(NAMES).unwrap();
    builder.name_id_management_soap(NAMES_SOAP).unwrap().build().unwrap()
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_name_id_management(THERE)
}

fn over(metadata: &str) -> Connection {
    let trusted = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    Connection::new(ConnectionId::new("okta").unwrap(), trusted)
}

fn connection() -> Connection {
    over(&okta().metadata().unwrap())
}

/// A connection whose identity provider accepts only SOAP.
fn by_soap() -> Connection {
    let post = "<md:ManageNameIDService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"";
    let metadata = okta().metadata().unwrap().replace(post, &post.replace("HTTP-POST", "SOAP"));
    let redirect = post.replace("HTTP-POST", "HTTP-Redirect");
    let (before, rest) = metadata.split_once(&redirect).unwrap();
    let (_, after) = rest.split_once("/>").unwrap();
    over(&[before, after].concat())
}

fn ada() -> SessionNameId {
    let mut name = SessionNameId::new("ada<1>");
    name.format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned());
    name.name_qualifier = Some("https://idp.example".to_owned());
    name
}

fn ada_over(connection: &Connection) -> Participant {
    Participant::new(connection.id().clone(), ada(), [])
}

fn ours() -> [TrustedKey; 1] {
    [TrustedKey::new(keys::service_provider().private_key().public_key().clone(), "ours")]
}

#[test]
fn an_order_repeats_the_name_and_is_signed() {
    let saml = saml();
    for (order, child) in [
        (NameIdOrder::new_identifier(ada_over(&connection()), "ours & 1"), "NewID"),
        (NameIdOrder::terminate(ada_over(&connection())), "Terminate"),
    ] {
        let started = saml.start_name_id_order(&connection(), order.clone(), None, now()).unwrap();
        let (to, query) = started.request.redirect().unwrap().url().split_once('?').unwrap();
        assert_eq!(to, THERE);
        let shown = format!("{started:?}{:?}", started.pending.to_stored());
        assert!(!shown.contains("ours & 1") && !shown.contains("ada<1>"), "{shown}");
        let verified = verify_query(query, &ours(), saml.provider()).unwrap();
        assert_eq!(verified.relay_state(), Some(started.pending.handle()));
        let message = redirect::decode(&verified, &Limits::default()).unwrap();
        let document = Document::parse(message.bytes(), &Limits::default()).unwrap();
        let root = document.root();
        assert!(root.is(namespace::SAML_PROTOCOL, "ManageNameIDRequest"));
        let names: Vec<&str> = root.elements().map(|one| one.local_name()).collect();
        assert_eq!(names, ["Issuer", "NameID", child]);
        let name = root.elements().nth(1).unwrap();
        assert_eq!(
            (name.text().as_ref(), name.attribute("NameQualifier")),
            ("ada<1>", Some("https://idp.example"))
        );
        if let NameIdChange::New(identifier) = order.change() {
            assert_eq!(root.elements().nth(2).unwrap().text(), identifier.as_str());
        }
        // The pending request can be stored, and is not a sign-in.
        let stored = serde_json::to_string(&started.pending.to_stored()).unwrap();
        let again = PendingRequest::from_stored(serde_json::from_str(&stored).unwrap()).unwrap();
        assert_eq!(again.name_id_order(), Some(&order));
        assert!(!format!("{again:?}").contains("ada<1>"), "not shown");
    }
}

/// Nothing is asked at addresses of metadata that has expired.
#[test]
fn expired_metadata_is_not_asked() {
    let (saml, end) = (saml(), now() + TimeDelta::seconds(1));
    let services = |binding: &str| {
        format!(
            "<md:ManageNameIDService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{THERE}\"/>"
        )
    };
    let both = [services("HTTP-Redirect"), services("SOAP")].concat();
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let metadata = metadata.replacen("<md:NameIDFormat>", &format!("{both}<md:NameIDFormat>"), 1);
    let connection = Connection::new(ConnectionId::new("okta").unwrap(), valid_until(&metadata, end));
    let sent = |at| {
        let order = NameIdOrder::terminate(ada_over(&connection));
        [
            saml.name_id_call(&connection, &order, at).map(drop),
            saml.start_name_id_order(&connection, order, None, at).map(drop),
        ]
        .map(|outcome| outcome.map_or_else(|error| error.code(), |()| "sent"))
    };
    assert_eq!(sent(now()), ["sent"; 2]);
    assert_eq!(sent(end), ["metadata.expired"; 2]);
}

#[test]
fn without_an_address_nothing_is_asked() {
    let code = |saml: &ServiceProvider, connection: &Connection| {
        let order = NameIdOrder::terminate(ada_over(connection));
        saml.start_name_id_order(connection, order, None, now()).unwrap_err().code()
    };
    let none = over(&testkit::IdentityProvider::okta().metadata().unwrap());
    assert_eq!(code(&saml(), &none), "binding.no_name_id_management");
    assert_eq!(code(&with_single_logout().build().unwrap(), &connection()), "binding.no_name_id_management");
    assert_eq!(code(&saml(), &by_soap()), "binding.no_name_id_management", "by browser");
    let keyless = crate::common::builder().name_id_management(NAMES).unwrap().build().unwrap_err();
    assert_eq!(keyless.code(), "binding.logout_key_missing");
    assert_eq!(
        crate::common::builder().name_id_management("http://app.example.com/").unwrap_err().code(),
        "binding.url"
    );
    // A connection with an assertion consumer of its own has an address of its own for names, or none.
    let own =
        ConnectionSettings::default().assertion_consumer("https://app.example.com/saml/okta/acs").unwrap();
    let apart = connection().with_settings(own.clone()).unwrap();
    assert_eq!(saml().name_id_management_for(&apart), None);
    let own = own.name_id_management("https://app.example.com/saml/okta/name-id").unwrap();
    let apart = connection().with_settings(own).unwrap();
    assert_eq!(saml().name_id_management_for(&apart), Some("https://app.example.com/saml/okta/name-id"));
}

/// The names of one identity provider are not told to another one.
#[test]
fn an_order_goes_only_to_the_identity_provider_of_its_person() {
    let saml = saml();
    let other =
        Connection::new(ConnectionId::new("other").unwrap(), connection().identity_provider().clone());
    let order = NameIdOrder::terminate(ada_over(&connection()));
    let asked = [
        saml.name_id_call(&other, &order, now()).map(drop),
        saml.start_name_id_order(&other, order, None, now()).map(drop),
    ];
    assert_eq!(asked.map(|outcome| outcome.unwrap_err().code()), ["binding.other_connection"; 2]);
}

#[test]
fn an_order_over_soap_is_answered_by_the_one_who_was_asked() {
    let saml = saml();
    let connection = by_soap();
    let call =
        || saml.name_id_call(&connection, &NameIdOrder::terminate(ada_over(&connection)), now()).unwrap();
    let made = call();
    assert_eq!(made.location(), THERE);
    let envelope = Document::parse(made.body().as_bytes(), &Limits::default()).unwrap();
    let request = envelope.elements().find(|one| one.local_name() == "ManageNameIDRequest").unwrap();
    assert!(verify(request, &ours(), saml.provider(), saml.limits()).is_ok());
    let id = request.attribute("ID").unwrap().to_owned();
    let answer =
        |to: &str| okta().logout_response(to).element("ManageNameIDResponse").at(now()).destination(None);
    let judged = |call, message: String| {
        let judged = saml.call_answered(call, message.as_bytes(), now());
        judged.map_or_else(|refusal| refusal.code().to_owned(), |answer| answer.is_success().to_string())
    };
    assert_eq!(judged(made, answer(&id).to_soap().unwrap()), "true");
    assert_eq!(judged(call(), answer(&id).to_soap().unwrap()), "message.in_response_to", "of another call");
    let again = call();
    let unsigned = testkit::logout::soap(&answer(&id_of(again.body())).xml().unwrap());
    assert_eq!(judged(again, unsigned), "message.unsigned");
    let again = call();
    let other = okta().logout_response(id_of(again.body())).at(now()).destination(None).to_soap().unwrap();
    assert_eq!(judged(again, other), "message.kind");
}

fn id_of(xml: &str) -> String {
    xml.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_request_is_answered_the_way_it_came() {
    let saml = saml();
    let terminate = "<samlp:Terminate xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
    let request = okta().logout_request().element("ManageNameIDRequest").at(now()).destination(Some(NAMES));
    let request = request.name_id("ada").raw(terminate);
    let received = |sent: SentMessage, at: &str| {
        let incoming = saml.open_message(sent, at).unwrap();
        let valid = saml.receive_message(incoming, &[connection()], ExpectMessage::NameIdRequest, now());
        let valid = valid.map_err(|refusal| refusal.code())?;
        let recorded = valid.replay_key().recorded(true);
        match valid.confirm(recorded).unwrap() {
            Message::ManageNameIdRequest(request) => Ok(request),
            other => panic!("{other:?}"),
        }
    };
    let limits = Limits::default();
    let by_query = SentMessage::from_query(&request.to_query(Some("x")).unwrap(), &limits).unwrap();
    let by_query = received(by_query, NAMES).unwrap();
    assert_eq!((by_query.name_id().value(), by_query.change()), ("ada", &NameIdChange::Terminate));
    for (status, codes) in [
        (NameIdStatus::Success, &["Success"][..]),
        (NameIdStatus::UnknownPrincipal, &["Responder", "UnknownPrincipal"]),
        (NameIdStatus::Denied, &["Responder", "RequestDenied"]),
    ] {
        let answer = saml.answer_name_id_request(&connection(), &by_query, None, status, now()).unwrap();
        let (to, query) = answer.redirect().unwrap().url().split_once('?').unwrap();
        assert_eq!(to, THERE);
        let verified = verify_query(query, &ours(), saml.provider()).unwrap();
        let message = redirect::decode(&verified, &limits).unwrap();
        let document = Document::parse(message.bytes(), &limits).unwrap();
        let root = document.root();
        assert!(root.is(namespace::SAML_PROTOCOL, "ManageNameIDResponse"));
        assert_eq!(root.attribute("InResponseTo"), Some(by_query.id()));
        let said: Vec<_> = root.descendants().filter(|one| one.local_name() == "StatusCode").collect();
        let said: Vec<_> =
            said.iter().map(|one| one.attribute("Value").unwrap().rsplit(':').next().unwrap()).collect();
        assert_eq!(said, codes);
    }
    let by_form = SentMessage::from_form(request.to_form(None).unwrap().as_bytes(), &limits).unwrap();
    let by_form = received(by_form, NAMES).unwrap();
    let answer = saml.answer_name_id_request(&connection(), &by_form, None, NameIdStatus::Success, now());
    assert!(answer.unwrap().form().is_some());
    let soap = request.destination(Some(NAMES_SOAP)).to_soap().unwrap();
    let by_soap = received(SentMessage::from_soap(soap.as_bytes(), &limits).unwrap(), NAMES_SOAP).unwrap();
    let envelope =
        saml.answer_name_id_request_by_soap(&connection(), &by_soap, NameIdStatus::Success, now()).unwrap();
    let envelope = Document::parse(envelope.as_bytes(), &limits).unwrap();
    let answer = envelope.elements().find(|one| one.local_name() == "ManageNameIDResponse").unwrap();
    assert!(verify(answer, &ours(), saml.provider(), saml.limits()).is_ok());

    // A message about names is not accepted at the logout address, nor the other way round.
    let at_logout = okta().logout_request().at(now()).destination(Some(NAMES)).to_query(None).unwrap();
    let refused = received(SentMessage::from_query(&at_logout, &limits).unwrap(), NAMES);
    assert_eq!(refused.err(), Some("message.kind"));
}

/// The answer to an order changes a name, so it is not accepted over a connection that was retired in between.
#[test]
fn an_answer_is_not_accepted_over_a_retired_connection() {
    let saml = saml();
    let receive = |state: ConnectionState| {
        let order = NameIdOrder::terminate(ada_over(&connection()));
        let started = saml.start_name_id_order(&connection(), order, None, now()).unwrap();
        let answer = okta().logout_response(started.pending.request_id()).element("ManageNameIDResponse");
        let query = answer.at(now()).destination(Some(NAMES)).to_query(None).unwrap();
        let incoming =
            saml.open_message(SentMessage::from_query(&query, &Limits::default()).unwrap(), NAMES).unwrap();
        let bound = started.pending.bind(Some(started.binding.reveal()), saml.provider()).unwrap();
        let asked = [connection().with_state(state)];
        let valid = saml.receive_message(incoming, &asked, ExpectMessage::NameIdReply(&bound), now());
        valid.map_or_else(|refusal| refusal.code(), |_| "accepted")
    };
    let states = [ConnectionState::Active, ConnectionState::Draft, ConnectionState::Retired];
    assert_eq!(states.map(receive), ["accepted", "accepted", "assertion.connection_state"]);
}

#[test]
fn our_metadata_names_the_addresses_for_names() {
    let xml = saml().metadata_xml().unwrap();
    assert_eq!(xml.matches("<md:ManageNameIDService").count(), 3, "{xml}");
    assert!(xml.find("SingleLogoutService").unwrap() < xml.find("ManageNameIDService").unwrap());
    assert!(!with_single_logout().build().unwrap().metadata_xml().unwrap().contains("ManageNameIDService"));
}
