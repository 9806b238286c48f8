//! What a service provider sends is held against the published schemas by libxml2: requests of every kind with every option, answers, what goes over
//! SOAP, and metadata.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "this is a test: it may panic, and it tells what it found"
)]

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use libxml::parser::Parser;
use libxml::schemas::{SchemaParserContext, SchemaValidationContext};
use vouchsafe::assertion::{Comparison, RequestedAuthnContext};
use vouchsafe::crypto::base64_decode;
use vouchsafe::xml::{Document, namespace};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, EntityId, Expect, ExpectMessage, IdentityProvider, Limits,
    LoginOptions, LogoutJourney, LogoutRequest, LogoutStatus, ManageNameIdRequest, Message, NameIdOrder,
    NameIdPolicy, NameIdStatus, OutgoingMessage, Participant, RequestBinding, ResponseBinding, Scoping,
    SentArtifact, SentMessage, ServiceProvider, SessionNameId, SignRequests, Unsolicited, redirect,
};
use vouchsafe_oracle::shared;
use vouchsafe_testkit::{self as testkit, ARTIFACT_INDEX, keys};

const EXTENSION: &str = r#"<ext:Wish xmlns:ext="urn:example:wishes">a</ext:Wish>"#;
const THERE: &str = "https://example.okta.com/saml";
const NAMES: &str = "https://app.example.com/saml/name-id";
const TERMINATE: &str = r#"<samlp:Terminate xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>"#;

fn now() -> DateTime<Utc> {
    testkit::ISSUE_INSTANT
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta()
        .with_artifact_resolution(ARTIFACT_INDEX, THERE)
        .with_soap_single_sign_on(THERE)
}

/// A connection to an identity provider that takes logout and changes of names by this binding.
fn over(binding: &str) -> Connection {
    let metadata = okta().metadata().unwrap();
    let services: String = ["SingleLogoutService", "ManageNameIDService"]
        .iter()
        .map(|service| {
            format!(
                "<md:{service} Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{THERE}\"/>"
            )
        })
        .collect();
    let metadata = metadata.replacen("<md:NameIDFormat>", &format!("{services}<md:NameIDFormat>"), 1);
    let okta = IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let settings = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    Connection::new(ConnectionId::new("okta").unwrap(), okta).with_settings(settings).unwrap()
}

fn service_provider() -> ServiceProvider {
    let ours = keys::service_provider();
    ServiceProvider::builder(EntityId::new(testkit::SERVICE_PROVIDER).unwrap())
        .assertion_consumer(testkit::ASSERTION_CONSUMER)
        .unwrap()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .decryption_key(ours.private_key().clone(), ours.certificate().clone())
        .sign_requests(SignRequests::Always)
        .single_logout(testkit::SINGLE_LOGOUT)
        .unwrap()
        .single_logout_soap(&format!("{}/soap", testkit::SINGLE_LOGOUT))
        .unwrap()
        .name_id_management(NAMES)
        .unwrap()
        .name_id_management_soap(&format!("{NAMES}/soap"))
        .unwrap()
        .receive_artifacts()
        .receive_from_enhanced_clients()
        .build()
        .unwrap()
}

/// A name with everything that a name can have.
fn name() -> SessionNameId {
    let mut name = SessionNameId::new(" ada & <co> ");
    name.format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned());
    name.name_qualifier = Some("https://idp.example/\"".to_owned());
    name.sp_name_qualifier = Some("https://app.example".to_owned());
    name.sp_provided_id = Some("ours".to_owned());
    name
}

/// Every option of a sign-in by itself, and all of them.
fn requests() -> Vec<(&'static str, LoginOptions)> {
    let id = |text: &str| EntityId::new(text).unwrap();
    let scoping = Scoping::default()
        .proxy_count(2)
        .identity_provider(id("https://a.example"))
        .named_identity_provider(id("https://b.example"), "B")
        .complete_list("https://list.example")
        .requester(id("https://hub.example"));
    let context =
        RequestedAuthnContext::compared(Comparison::Minimum, ["urn:b"], ["urn:a", "urn:b"]).unwrap();
    let policy = NameIdPolicy::default().format("urn:f").sp_name_qualifier("urn:q").allow_create();
    let plain = LoginOptions::default;
    let all = plain()
        .force_authn()
        .is_passive()
        .subject(name())
        .name_id_policy(policy.clone())
        .requested_context(context.clone())
        .scoping(scoping.clone())
        .extension(EXTENSION)
        .unwrap()
        .provider_name("Loadbench")
        .attribute_consuming_service_index(7)
        .response_binding(ResponseBinding::PostSimpleSign);
    vec![
        ("plain", plain()),
        ("force_authn", plain().force_authn()),
        ("is_passive", plain().is_passive()),
        ("subject", plain().subject(name())),
        ("name_id_policy", plain().name_id_policy(policy)),
        ("requested_context", plain().requested_context(context)),
        ("scoping", plain().scoping(scoping)),
        ("empty scoping", plain().scoping(Scoping::default())),
        ("extension", plain().extension(EXTENSION).unwrap()),
        ("index", plain().assertion_consumer_index(3)),
        ("by artifact", plain().response_binding(ResponseBinding::Artifact)),
        ("enhanced client", plain().for_enhanced_client()),
        ("all", all.clone()),
        ("all by POST, signed", all.binding(RequestBinding::Post)),
    ]
}

/// The schemas with references to each other, so that nothing is asked for on the network.
fn local(folder: &Path) -> PathBuf {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("xsd");
    fs::create_dir_all(&copies).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xsd") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text
            .replace("http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/", "")
            .replace("http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/", "")
            .replace("http://www.w3.org/2001/xml.xsd", "xml.xsd");
        fs::write(copies.join(path.file_name().unwrap()), text).unwrap();
    }
    copies
}

/// A schema, as libxml2 holds documents against it.
struct Judge(SchemaValidationContext);

impl Judge {
    fn new(schema: &Path) -> Judge {
        let mut parsed = SchemaParserContext::from_file(schema.to_str().unwrap());
        let context = SchemaValidationContext::from_parser(&mut parsed);
        let errors = |errors: Vec<libxml::error::StructuredError>| {
            errors.into_iter().filter_map(|error| error.message).collect::<String>()
        };
        Judge(context.map_err(errors).unwrap())
    }

    fn judge(&mut self, xml: &str) -> Result<(), String> {
        let document = Parser::default().parse_string(xml).unwrap();
        self.0
            .validate_document(&document)
            .map_err(|errors| errors.into_iter().filter_map(|error| error.message).collect())
    }

    /// It is valid, and the judge sees what is wrong.
    fn assert_valid(&mut self, what: &str, xml: &str) {
        assert_eq!(self.judge(xml), Ok(()), "{what}: {xml}");
        let (before, after) = xml.split_once(" ID=\"").unwrap_or_else(|| panic!("{what}: {xml}"));
        assert!(self.judge(&format!("{before} Wrong=\"1\" ID=\"{after}")).is_err(), "{what}");
        println!("{what}: valid");
    }
}

/// The message of a query, a form, or an envelope.
fn xml_of(message: &OutgoingMessage) -> String {
    if let Some(redirect) = message.redirect() {
        let query = redirect.url().split_once('?').unwrap().1;
        let decoded = redirect::decode_unverified(query, &Limits::default()).unwrap();
        return String::from_utf8(decoded.bytes().to_vec()).unwrap();
    }
    if let Some(envelope) = message.envelope() {
        return content(envelope.envelope());
    }
    let fields = message.form().unwrap().fields();
    let is_message = |name: &str| name == "SAMLRequest" || name == "SAMLResponse";
    let (_, value) = fields.iter().find(|(name, _)| is_message(name)).unwrap();
    String::from_utf8(base64_decode(value).unwrap()).unwrap()
}

/// What the Body of an envelope holds.
fn content(envelope: &str) -> String {
    let document = Document::parse(envelope.as_bytes(), &Limits::default()).unwrap();
    let body = document.elements().find(|one| one.is(namespace::SOAP_ENVELOPE, "Body")).unwrap();
    let message = body.elements().next().unwrap();
    envelope.get(message.source_range()).unwrap().to_owned()
}

fn protocol() -> Option<Judge> {
    let folder = shared()?;
    Some(Judge::new(&local(&folder.join("vectors/xsd")).join("saml-schema-protocol-2.0.xsd")))
}

#[test]
fn every_request_to_sign_in_is_valid() {
    let Some(mut judge) = protocol() else { return };
    let (saml, connection) = (service_provider(), over("HTTP-Redirect"));
    for (name, options) in requests() {
        let started = saml.start_login(&connection, options, now()).unwrap();
        judge.assert_valid(name, &xml_of(&started.request));
    }
}

#[test]
fn every_message_that_is_asked_is_valid() {
    let Some(mut judge) = protocol() else { return };
    let saml = service_provider();
    let participant = |index: Option<&str>| {
        Participant::new(ConnectionId::new("okta").unwrap(), name(), index.map(str::to_owned))
    };
    let orders =
        [NameIdOrder::new_identifier(participant(None), "ours-1"), NameIdOrder::terminate(participant(None))];
    for binding in ["HTTP-Redirect", "HTTP-POST", "HTTP-POST-SimpleSign"] {
        let connection = over(binding);
        for index in [None, Some(" _index ")] {
            let started =
                saml.start_logout(&connection, &participant(index), LogoutJourney::default(), now());
            judge.assert_valid(
                &format!("LogoutRequest {binding} {index:?}"),
                &xml_of(&started.unwrap().request),
            );
        }
        for order in &orders {
            let started = saml.start_name_id_order(&connection, order.clone(), None, now()).unwrap();
            judge.assert_valid(&format!("ManageNameIDRequest {binding}"), &xml_of(&started.request));
        }
    }
    let connection = over("SOAP");
    let call = saml.logout_call(&connection, &participant(Some("s1")), now()).unwrap();
    judge.assert_valid("LogoutRequest SOAP", &content(call.body()));
    for order in &orders {
        let call = saml.name_id_call(&connection, order, now()).unwrap();
        judge.assert_valid("ManageNameIDRequest SOAP", &content(call.body()));
    }
    let artifact = okta().artifact(ARTIFACT_INDEX, [7; 20]).replace('+', "%2B").replace('=', "%3D");
    let sent = SentArtifact::from_query(&format!("SAMLart={artifact}"), &Limits::default()).unwrap();
    let candidates = std::slice::from_ref(&connection);
    let artifact = sent.at(testkit::ASSERTION_CONSUMER);
    let valid = saml.check_artifact(artifact, candidates, Expect::Unsolicited, now()).unwrap();
    let recorded = valid.replay_key().recorded(true);
    let resolution = saml.resolve_artifact(valid.confirm(recorded).unwrap(), now()).unwrap();
    judge.assert_valid("ArtifactResolve", &content(resolution.call().body()));
}

/// A request of the identity provider's, believed.
fn asked(saml: &ServiceProvider, connection: &Connection, element: &str) -> Message {
    let (at, more, expect) = match element {
        "LogoutRequest" => (testkit::SINGLE_LOGOUT, "", ExpectMessage::LogoutRequest),
        _ => (NAMES, TERMINATE, ExpectMessage::NameIdRequest),
    };
    let request = okta().logout_request().element(element).id("_theirs").at(now());
    let request = request.destination(Some(at)).name_id("ada").raw(more);
    let sent =
        SentMessage::from_query(&request.to_query(Some("theirs")).unwrap(), &Limits::default()).unwrap();
    let incoming = saml.open_message(sent, at).unwrap();
    let valid = saml.receive_message(incoming, std::slice::from_ref(connection), expect, now()).unwrap();
    let recorded = valid.replay_key().recorded(true);
    valid.confirm(recorded).unwrap()
}

fn logout_asked(saml: &ServiceProvider, connection: &Connection) -> LogoutRequest {
    match asked(saml, connection, "LogoutRequest") {
        Message::LogoutRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

fn name_asked(saml: &ServiceProvider, connection: &Connection) -> ManageNameIdRequest {
    match asked(saml, connection, "ManageNameIDRequest") {
        Message::ManageNameIdRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_answer_is_valid() {
    let Some(mut judge) = protocol() else { return };
    let saml = service_provider();
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        let connection = over(binding);
        let (logout, name) = (logout_asked(&saml, &connection), name_asked(&saml, &connection));
        for status in [LogoutStatus::Success, LogoutStatus::Partial, LogoutStatus::Failed] {
            let answer = saml.answer_logout(&connection, &logout, None, status, now()).unwrap();
            judge.assert_valid(&format!("LogoutResponse {binding} {status:?}"), &xml_of(&answer));
            let envelope = saml.answer_logout_by_soap(&connection, &logout, status, now()).unwrap();
            judge.assert_valid(&format!("LogoutResponse SOAP {status:?}"), &content(&envelope));
        }
        for status in [NameIdStatus::Success, NameIdStatus::UnknownPrincipal, NameIdStatus::Denied] {
            let answer = saml.answer_name_id_request(&connection, &name, None, status, now()).unwrap();
            judge.assert_valid(&format!("ManageNameIDResponse {binding} {status:?}"), &xml_of(&answer));
            let envelope = saml.answer_name_id_request_by_soap(&connection, &name, status, now()).unwrap();
            judge.assert_valid(&format!("ManageNameIDResponse SOAP {status:?}"), &content(&envelope));
        }
    }
}

#[test]
fn our_metadata_and_our_envelopes_are_valid() {
    let Some(folder) = shared() else { return };
    let copies = local(&folder.join("vectors/xsd"));
    let saml = service_provider();
    let mut judge = Judge::new(&copies.join("saml-schema-metadata-2.0.xsd"));
    let metadata = saml.metadata_xml().unwrap();
    assert_eq!(judge.judge(&metadata), Ok(()), "{metadata}");
    assert!(judge.judge(&metadata.replacen("entityID=", "Wrong=", 1)).is_err());

    let mut judge = Judge::new(&copies.join("soap-envelope.xsd"));
    let connection = over("SOAP");
    let participant = Participant::new(ConnectionId::new("okta").unwrap(), name(), None);
    let call = saml.logout_call(&connection, &participant, now()).unwrap();
    let paos = saml.start_login(&connection, LoginOptions::default().for_enhanced_client(), now()).unwrap();
    let paos = paos.request.envelope().unwrap().envelope().to_owned();
    for envelope in [call.body(), &saml.soap_fault().unwrap(), &paos] {
        assert_eq!(judge.judge(envelope), Ok(()), "{envelope}");
        let (before, after) = envelope.rsplit_once("Body").unwrap();
        let (earlier, middle) = before.rsplit_once("Body").unwrap();
        assert!(judge.judge(&format!("{earlier}Wrong{middle}Wrong{after}")).is_err(), "{envelope}");
    }
}
