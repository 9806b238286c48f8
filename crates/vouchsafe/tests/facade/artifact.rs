//! Responses by HTTP-Artifact on the facade: requested, carried by a browser, resolved over SOAP, and checked like a
//! posted one.

use chrono::TimeDelta;
use vouchsafe::signature::{TrustedKey, verify};
use vouchsafe::xml::{Document, namespace};
use vouchsafe::{
    ArtifactResolution, BindingError, BoundRequest, Builder, Complete, Connection, ConnectionId,
    ConnectionSettings, ConnectionState, Expect, Limits, Login, LoginOptions, Refusal, ResponseBinding,
    SentArtifact, Unsolicited, redirect,
};
use vouchsafe_testkit::{self as testkit, ARTIFACT_INDEX, IdentityProvider, Signed, keys};

use crate::common::{Service, accepting, builder, now, trusted};

const RESOLUTION: &str = "https://example.okta.com/app/example_vouchsafe_1/exk1vouchsafe0kit0h7/artifact";
const HANDLE: [u8; 20] = [7; 20];

fn okta() -> IdentityProvider {
    IdentityProvider::okta().with_artifact_resolution(ARTIFACT_INDEX, RESOLUTION)
}

fn with_artifacts() -> Builder<Complete> {
    let ours = keys::service_provider();
    builder().signing_key(ours.private_key().clone(), ours.certificate().clone()).receive_artifacts()
}

fn over(name: &str, identity_provider: &IdentityProvider) -> Connection {
    Connection::new(ConnectionId::new(name).unwrap(), trusted(identity_provider))
}

/// A service with one connection to an Okta that resolves artifacts.
fn service() -> Service {
    Service::new(with_artifacts()).with(over("okta", &okta()))
}

fn sent(artifact: &str) -> SentArtifact {
    let query = format!("SAMLart={}", artifact.replace('+', "%2B").replace('=', "%3D"));
    SentArtifact::from_query(&query, &Limits::default()).unwrap()
}

/// Makes the ArtifactResolve request for an artifact.
fn question(service: &Service, artifact: &str, expect: Expect<'_>) -> Result<ArtifactResolution, Refusal> {
    let sent = sent(artifact);
    let candidates = match expect {
        Expect::Reply(bound) => {
            service.connections.get(bound.request().connection().as_str()).into_iter().collect()
        }
        _ => service.connections.candidates_for_artifact(sent.artifact(), testkit::ASSERTION_CONSUMER),
    };
    let valid =
        service.saml.check_artifact(sent.at(testkit::ASSERTION_CONSUMER), &candidates, expect, now())?;
    let recorded = valid.replay_key().recorded(true);
    Ok(service.saml.resolve_artifact(valid.confirm(recorded)?, now()).unwrap())
}

/// Returns the ID of a request, as its receiver reads it.
fn id_of(resolution: &ArtifactResolution) -> String {
    let document = Document::parse(resolution.call().body().as_bytes(), &Limits::default()).unwrap();
    let question = document.elements().find(|one| one.local_name() == "ArtifactResolve").unwrap();
    question.attribute("ID").unwrap().to_owned()
}

fn sign_in(
    service: &Service,
    bound: &BoundRequest,
    answer: impl FnOnce(&str) -> String,
) -> Result<Login, Refusal> {
    let resolution = question(service, &okta().artifact(ARTIFACT_INDEX, HANDLE), Expect::Reply(bound))?;
    let answer = answer(&id_of(&resolution));
    let claimed = service.saml.artifact_resolved(resolution, answer.as_bytes(), now())?;
    let candidates = service.connections.candidates(&claimed, Some(bound.request()));
    let valid = service.saml.receive(claimed, &candidates, Expect::Reply(bound), now())?;
    let recorded = valid.replay_key().recorded(true);
    valid.confirm(recorded)
}

fn code<T>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.code(), |_| "accepted")
}

/// The whole way from the request to the login, with every required value of the ArtifactResolve.
#[test]
fn a_response_is_asked_for_by_artifact_and_resolved() {
    let service = service();
    let started = service.start(LoginOptions::default().response_binding(ResponseBinding::Artifact));
    let query = started.request.redirect().unwrap().url().split_once('?').unwrap().1.to_owned();
    let request = redirect::decode_unverified(&query, &Limits::default()).unwrap();
    let request = String::from_utf8(request.bytes().to_vec()).unwrap();
    assert!(request.contains("ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\""));
    assert!(request.contains(&format!("AssertionConsumerServiceURL=\"{}\"", testkit::ASSERTION_CONSUMER)));
    let bound = started.pending.bind(Some(started.binding.reveal()), service.saml.provider()).unwrap();

    let artifact = okta().artifact(ARTIFACT_INDEX, HANDLE);
    let resolution = question(&service, &artifact, Expect::Reply(&bound)).unwrap();
    assert_eq!((resolution.call().location(), resolution.connection().as_str()), (RESOLUTION, "okta"));
    let document = Document::parse(resolution.call().body().as_bytes(), &Limits::default()).unwrap();
    let question = document.elements().find(|one| one.local_name() == "ArtifactResolve").unwrap();
    assert!(question.is(namespace::SAML_PROTOCOL, "ArtifactResolve"));
    assert_eq!(question.attribute("Destination"), Some(RESOLUTION));
    assert_eq!(question.attribute("IssueInstant"), Some("2026-01-01T00:00:10Z"));
    assert_eq!(question.attribute("Version"), Some("2.0"));
    let child =
        |name: &str| question.elements().find(|one| one.local_name() == name).unwrap().text().into_owned();
    assert_eq!((child("Issuer").as_str(), child("Artifact")), (testkit::SERVICE_PROVIDER, artifact));
    let ours = [TrustedKey::new(keys::service_provider().private_key().public_key().clone(), "ours")];
    let _ = verify(question, &ours, service.saml.provider(), &Limits::default()).unwrap();
    assert!(!format!("{resolution:?}").contains("BwcHBw"), "the handle is not shown");

    let request_id = bound.request().request_id().to_owned();
    let login = sign_in(&service, &bound, |id| {
        let response = okta().response().in_response_to(&request_id).issue().unwrap();
        okta().artifact_response(id, Some(&response)).to_soap().unwrap()
    })
    .unwrap();
    assert_eq!(login.name_id().map(|name| name.value()), Some("ada@example.com"));
    for rule in ["message.signature", "message.in_response_to", "response.root", "assertion.first_use"] {
        assert!(login.ledger().check(rule).is_some(), "{rule}: {}", login.ledger());
    }
}

#[test]
fn our_metadata_has_the_assertion_consumer_by_artifact_with_its_index() {
    let xml = service().saml.metadata_xml().unwrap();
    let document = Document::parse(xml.as_bytes(), &Limits::metadata()).unwrap();
    let consumers: Vec<_> = document
        .elements()
        .filter(|one| one.local_name() == "AssertionConsumerService")
        .map(|one| {
            let binding = one.attribute("Binding").unwrap().rsplit(':').next().unwrap().to_owned();
            (
                binding,
                one.attribute("Location").unwrap().to_owned(),
                one.attribute("index").unwrap().to_owned(),
            )
        })
        .collect();
    let at = |binding: &str, index: &str| {
        (binding.to_owned(), testkit::ASSERTION_CONSUMER.to_owned(), index.to_owned())
    };
    assert_eq!(consumers, [at("HTTP-POST", "0"), at("HTTP-Artifact", "1")]);
    let without = Service::new(builder()).saml.metadata_xml().unwrap();
    assert!(!without.contains("HTTP-Artifact"));
}

#[test]
fn what_cannot_be_asked_is_said_at_the_start() {
    let without_a_key = builder().receive_artifacts().build().unwrap_err();
    assert_eq!(without_a_key.code(), "binding.artifact_key_missing");
    let start = |service: &Service, options: LoginOptions| {
        service
            .start_over("okta", options, now())
            .map_or_else(|error: BindingError| error.code(), |_| "started")
    };
    let by_artifact = || LoginOptions::default().response_binding(ResponseBinding::Artifact);
    assert_eq!(start(&service(), by_artifact()), "started");
    let posts_alone = Service::new(with_artifacts());
    assert_eq!(start(&posts_alone, by_artifact()), "binding.no_artifact_resolution");
    assert_eq!(start(&posts_alone, LoginOptions::default()), "started");
    let not_taken = Service::new(builder()).with(over("okta", &okta()));
    assert_eq!(start(&not_taken, by_artifact()), "binding.artifacts_not_received");
    let always = over("okta", &okta())
        .with_settings(ConnectionSettings::default().response_binding(ResponseBinding::Artifact))
        .unwrap();
    assert_eq!(
        start(&Service::new(builder()).with(always.clone()), LoginOptions::default()),
        "binding.artifacts_not_received"
    );
    let started = service().with(always).start(LoginOptions::default());
    let url = started.request.redirect().unwrap().url().to_owned();
    let request = redirect::decode_unverified(url.split_once('?').unwrap().1, &Limits::default()).unwrap();
    assert!(String::from_utf8_lossy(request.bytes()).contains("HTTP-Artifact"));
}

#[test]
fn an_artifact_stands_alone_and_once_in_a_query_or_a_form() {
    let limits = Limits::default();
    let artifact = okta().artifact(1, HANDLE).replace('+', "%2B").replace('=', "%3D");
    let code =
        |outcome: Result<SentArtifact, BindingError>| outcome.map_or_else(|error| error.code(), |_| "read");
    for (fields, expected) in [
        (format!("SAMLart={artifact}"), "read"),
        (format!("RelayState=x&SAMLart={artifact}"), "read"),
        (format!("SAMLart={artifact}&other=1"), "read"),
        (format!("SAMLart={artifact}&SAMLart={artifact}"), "binding.field_repeated"),
        (format!("SAMLart={artifact}&SAML%61rt={artifact}"), "binding.field_repeated"),
        (format!("SAMLart={artifact}&RelayState=1&RelayState=2"), "binding.field_repeated"),
        (format!("SAMLart={artifact}&SAMLResponse=PGEvPg"), "binding.field_repeated"),
        (format!("SAMLart={artifact}&SAMLRequest=PGEvPg"), "binding.field_repeated"),
        ("RelayState=x".to_owned(), "binding.field_missing"),
        ("SAMLart=".to_owned(), "message.artifact"),
        ("SAMLart=PGEvPg".to_owned(), "message.artifact"),
        (format!("SAMLart={}", "A".repeat(10_000_000)), "binding.too_large"),
    ] {
        let shown = &fields[..fields.len().min(200)];
        assert_eq!(code(SentArtifact::from_query(&fields, &limits)), expected, "{shown}");
        assert_eq!(code(SentArtifact::from_form(fields.as_bytes(), &limits)), expected, "{shown}");
    }
    assert!(SentArtifact::is_in_form(b"SAMLart=x") && !SentArtifact::is_in_form(b"SAMLResponse=SAMLart"));
}

/// An artifact causes a request to another party, so it is checked before anything is sent.
#[test]
fn only_the_one_who_was_asked_is_asked_and_only_at_the_service_that_is_named() {
    let other = IdentityProvider::other().with_artifact_resolution(ARTIFACT_INDEX, RESOLUTION);
    let service = service().with(over("other", &other));
    let bound = service.asked(LoginOptions::default());
    let resolve = |artifact: &str| code(question(&service, artifact, Expect::Reply(&bound)));
    assert_eq!(resolve(&okta().artifact(ARTIFACT_INDEX, HANDLE)), "accepted");
    assert_eq!(resolve(&other.artifact(ARTIFACT_INDEX, HANDLE)), "message.artifact_source");
    assert_eq!(
        resolve(&testkit::artifact_of("https://nobody.example", 0, HANDLE)),
        "message.artifact_source"
    );
    for index in [1, 256, u16::MAX] {
        let refusal = question(&service, &okta().artifact(index, HANDLE), Expect::Reply(&bound)).unwrap_err();
        assert_eq!(refusal.code(), "message.artifact_index");
        assert!(
            refusal.to_string().contains(&format!("{index} of ")) && refusal.to_string().contains("has 0")
        );
    }
    // For an unsolicited artifact, the connection must accept it and be the only one.
    let unasked = |service: &Service, artifact: &str| code(question(service, artifact, Expect::Unsolicited));
    let artifact = okta().artifact(ARTIFACT_INDEX, HANDLE);
    assert_eq!(unasked(&service, &artifact), "assertion.unsolicited");
    assert_eq!(
        unasked(&service, &testkit::artifact_of("https://nobody.example", 0, HANDLE)),
        "message.artifact_source_unknown"
    );
    let accepts = |name: &str| over(name, &okta()).with_settings(accepting()).unwrap();
    let service = service.with(accepts("okta"));
    assert_eq!(unasked(&service, &artifact), "accepted");
    let service = service.with(accepts("twin"));
    assert_eq!(unasked(&service, &artifact), "message.artifact_ambiguous");
    service.connections.remove("twin");
    let retired = accepts("okta").with_state(ConnectionState::Retired);
    assert_eq!(unasked(&service.with(retired), &artifact), "assertion.connection_state");
}

/// Connections that the caller passes and that the artifact does not belong to are not asked.
#[test]
fn whoever_is_passed_is_asked_only_if_the_artifact_is_theirs() {
    let service = service();
    let other = IdentityProvider::other().with_artifact_resolution(ARTIFACT_INDEX, RESOLUTION);
    let accepts = |name: &str, of: &IdentityProvider| over(name, of).with_settings(accepting()).unwrap();
    let (other, own, twin) = (accepts("other", &other), accepts("okta", &okta()), accepts("twin", &okta()));
    let asked = |candidates: &[Connection], expect: Expect<'_>| {
        let artifact = sent(&okta().artifact(ARTIFACT_INDEX, HANDLE)).at(testkit::ASSERTION_CONSUMER);
        let valid = service.saml.check_artifact(artifact, candidates, expect, now());
        valid.map_or_else(|refusal| refusal.code().to_owned(), |valid| valid.connection().to_string())
    };
    let both = [other, own.clone()];
    assert_eq!(asked(&both, Expect::Unsolicited), "okta");
    assert_eq!(asked(&both[..1], Expect::Unsolicited), "message.artifact_source_unknown");
    let bound = service.asked(LoginOptions::default());
    assert_eq!(asked(&[twin.clone(), own], Expect::Reply(&bound)), "okta");
    assert_eq!(asked(&[twin], Expect::Reply(&bound)), "message.artifact_source_unknown");
}

/// A service with another binding is not asked over SOAP, although it has the index.
#[test]
fn only_a_soap_service_is_asked() {
    let service = service();
    let bound = service.asked(LoginOptions::default());
    let metadata = okta().metadata().unwrap();
    let (before, after) = metadata.split_once("<md:ArtifactResolutionService").unwrap();
    let post = "<md:ArtifactResolutionService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" index=\"7\" Location=\"https://example.okta.com/post\"/>";
    let metadata = [before, post, "<md:ArtifactResolutionService", after].concat();
    let trusted = vouchsafe::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let connection = Connection::new(ConnectionId::new("okta").unwrap(), trusted);
    let check = |index| {
        let artifact = sent(&okta().artifact(index, HANDLE)).at(testkit::ASSERTION_CONSUMER);
        let candidates = std::slice::from_ref(&connection);
        code(service.saml.check_artifact(artifact, candidates, Expect::Reply(&bound), now()))
    };
    assert_eq!((check(ARTIFACT_INDEX), check(7)), ("accepted", "message.artifact_index"));
}

/// The look-up by SourceID follows additions, replacements and removals.
#[test]
fn connections_are_found_by_source() {
    let service = service().with(over("twin", &okta()));
    let found = |service: &Service, address: &str| {
        let found = service
            .connections
            .candidates_for_artifact(sent(&okta().artifact(0, HANDLE)).artifact(), address);
        found.iter().map(|one| one.id().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&service, testkit::ASSERTION_CONSUMER), ["okta", "twin"]);
    let own = "https://app.example.com/saml/own/acs";
    let settings = ConnectionSettings::default().assertion_consumer(own).unwrap();
    let service = service.with(over("own", &okta()).with_settings(settings).unwrap());
    assert_eq!(found(&service, own), ["own", "okta", "twin"]);
    for name in ["okta", "twin", "own"] {
        assert!(!found(&service, own).is_empty());
        service.connections.remove(name);
    }
    assert!(found(&service, own).is_empty());
}

#[test]
fn an_artifact_is_resolved_once() {
    let service = service();
    let bound = service.asked(LoginOptions::default());
    let candidates: Vec<_> = service.connections.get("okta").into_iter().collect();
    let check = |artifact: &str| {
        let artifact = sent(artifact).at(testkit::ASSERTION_CONSUMER);
        service.saml.check_artifact(artifact, &candidates, Expect::Reply(&bound), now()).unwrap()
    };
    let artifact = okta().artifact(ARTIFACT_INDEX, HANDLE);
    let (first, second) = (check(&artifact), check(&artifact));
    assert_eq!(first.replay_key(), second.replay_key());
    assert!(first.replay_key().expires_at() > now() + TimeDelta::minutes(5));
    let recorded = first.replay_key().recorded(true);
    assert!(first.confirm(recorded).is_ok());
    let recorded = second.replay_key().recorded(false);
    assert_eq!(code(second.confirm(recorded)), "message.artifact_used");
    let other = check(&okta().artifact(ARTIFACT_INDEX, [8; 20]));
    assert_ne!(other.replay_key(), check(&artifact).replay_key());
    let recorded = other.replay_key().recorded(true);
    assert_eq!(code(check(&artifact).confirm(recorded)), "message.other_message");
}

/// No request is sent without TLS, or if the artifact came to an address that the connection does not use.
#[test]
fn nobody_is_asked_in_clear_or_for_another_address() {
    let service = service();
    let clear = IdentityProvider::okta().with_artifact_resolution(0, "http://example.okta.com/artifact");
    let service = service.with(over("okta", &clear));
    let bound = service.asked(LoginOptions::default());
    let candidates: Vec<_> = service.connections.get("okta").into_iter().collect();
    let expect = Expect::Reply(&bound);
    let check = |address: &str| {
        let artifact = sent(&okta().artifact(0, HANDLE)).at(address);
        service.saml.check_artifact(artifact, &candidates, expect, now())
    };
    let valid = check(testkit::ASSERTION_CONSUMER).unwrap();
    let recorded = valid.replay_key().recorded(true);
    let error = service.saml.resolve_artifact(valid.confirm(recorded).unwrap(), now()).unwrap_err();
    assert_eq!(error.code(), "binding.insecure_location");
    assert_eq!(code(check("https://app.example.com/saml/other/acs")), "message.artifact_source_unknown");
    let late = now() + TimeDelta::minutes(11);
    let artifact = sent(&okta().artifact(0, HANDLE)).at(testkit::ASSERTION_CONSUMER);
    let outcome = service.saml.check_artifact(artifact, &candidates, expect, late);
    assert_eq!(code(outcome), "assertion.request_expired");
}

#[test]
fn an_answer_is_believed_by_its_own_signature_and_its_response_by_its_own() {
    let other = IdentityProvider::other();
    let service = service().with(over("other", &other));
    let bound = service.asked(LoginOptions::default());
    let request_id = bound.request().request_id().to_owned();
    let response =
        |signed: Signed| okta().response().in_response_to(&request_id).sign(signed).issue().unwrap();
    let good = response(Signed::Assertion);
    let sign_in = |answer: &dyn Fn(&str) -> String| code(sign_in(&service, &bound, answer));
    assert_eq!(sign_in(&|id| okta().artifact_response(id, Some(&good)).to_soap().unwrap()), "accepted");
    // TLS does not replace the signature.
    let unsigned =
        |id: &str| testkit::logout::soap(&okta().artifact_response(id, Some(&good)).xml().unwrap());
    assert_eq!(sign_in(&unsigned), "message.unsigned");
    // A signed ArtifactResponse does not prove the Response inside.
    let bare = response(Signed::Neither);
    assert_eq!(
        sign_in(&|id| okta().artifact_response(id, Some(&bare)).to_soap().unwrap()),
        "assertion.unsigned"
    );
    // The answer of another identity provider, and the Response of another one inside the right answer.
    let by_other = |id: &str| other.artifact_response(id, Some(&good)).to_soap().unwrap();
    assert_eq!(sign_in(&by_other), "message.issuer");
    let of_other = other.response().in_response_to(&request_id).issue().unwrap();
    let inside = |id: &str| okta().artifact_response(id, Some(&of_other)).to_soap().unwrap();
    assert_eq!(sign_in(&inside), "assertion.unexpected_issuer");
    let to_another = okta().response().in_response_to("_another").issue().unwrap();
    let stale = |id: &str| okta().artifact_response(id, Some(&to_another)).to_soap().unwrap();
    assert_eq!(sign_in(&stale), "assertion.in_response_to");
    assert_eq!(
        sign_in(&|_| okta().artifact_response("_other", Some(&good)).to_soap().unwrap()),
        "message.in_response_to"
    );
    assert_eq!(sign_in(&|id| okta().artifact_response(id, None).to_soap().unwrap()), "message.no_response");
    assert_eq!(sign_in(&|id| okta().logout_response(id).to_soap().unwrap()), "message.kind");
    assert_eq!(sign_in(&|_| "not XML".to_owned()), "xml.outside_root");
}

/// The setting that accepts an unsigned answer changes no other requirement.
#[test]
fn an_unsigned_answer_is_taken_over_the_connection_that_says_so() {
    let settings = ConnectionSettings::default().danger_accept_unsigned_artifact_responses();
    assert_eq!(settings.dangers(), ["danger_accept_unsigned_artifact_responses"]);
    let service = service().with(over("okta", &okta()).with_settings(settings).unwrap());
    let bound = service.asked(LoginOptions::default());
    let request_id = bound.request().request_id().to_owned();
    let answer = |signed: Signed| {
        let response = okta().response().in_response_to(&request_id).sign(signed).issue().unwrap();
        code(sign_in(&service, &bound, |id| {
            testkit::logout::soap(&okta().artifact_response(id, Some(&response)).xml().unwrap())
        }))
    };
    assert_eq!(answer(Signed::Response), "accepted");
    assert_eq!(answer(Signed::Neither), "assertion.unsigned");
    let forged = code(sign_in(&service, &bound, |id| {
        let response = okta().response().in_response_to(&request_id).issue().unwrap();
        let answer = okta().artifact_response(id, Some(&response));
        answer.key(keys::other_identity_provider()).to_soap().unwrap()
    }));
    assert_eq!(forged, "signature.not_verified", "a signature that is there must verify");
}

/// A Response from one identity provider's resolution service is accepted only over its connection, whatever
/// candidates the caller passes.
#[test]
fn what_was_resolved_over_one_connection_is_no_others() {
    let accepting = ConnectionSettings::default().unsolicited(Unsolicited::Accept);
    let asked = over("okta", &okta()).with_settings(accepting.clone()).unwrap();
    let twin = over("twin", &okta()).with_settings(accepting).unwrap();
    let service = Service::new(with_artifacts()).with(asked.clone());
    let artifact = okta().artifact(ARTIFACT_INDEX, HANDLE);
    let claimed = || {
        let resolution = question(&service, &artifact, Expect::Unsolicited).unwrap();
        let response = okta().response().issue().unwrap();
        let answer = okta().artifact_response(id_of(&resolution), Some(&response)).to_soap().unwrap();
        service.saml.artifact_resolved(resolution, answer.as_bytes(), now()).unwrap()
    };
    let receive = |candidates: &[Connection]| {
        service
            .saml
            .receive(claimed(), candidates, Expect::Unsolicited, now())
            .map(|valid| valid.connection().to_string())
    };
    assert_eq!(receive(std::slice::from_ref(&asked)).unwrap(), "okta");
    assert_eq!(receive(&[twin.clone(), asked]).unwrap(), "okta");
    assert_eq!(code(receive(&[twin])), "assertion.unknown_issuer");
}
