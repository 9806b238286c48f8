//! Each customer is a connection: its configuration does not affect others, and its state decides what is accepted.

use std::time::Duration;

use chrono::TimeDelta;
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, EntityId, Expect, LoginOptions,
    PendingRequest, SignRequests, Unsolicited,
};
use vouchsafe_testkit::{AuthnRequest, Encryption, IdentityProvider, Part, ResponseBuilder, Signed, keys};

use crate::common::{Service, accepting, builder, connection, now, okta, posted, trusted};

const OWN_ENTITY: &str = "https://app.example.com/saml/globex";
const OWN_CONSUMER: &str = "https://app.example.com/saml/globex/acs";

fn named(name: &str, identity_provider: &IdentityProvider, settings: ConnectionSettings) -> Connection {
    Connection::new(ConnectionId::new(name).unwrap(), trusted(identity_provider))
        .with_settings(settings)
        .unwrap()
}

/// Two applications of one tenant: the same entity ID and the same key.
fn two_of_one_tenant() -> Service {
    let own = accepting().entity_id(EntityId::new(OWN_ENTITY).unwrap());
    let own = own.assertion_consumer(OWN_CONSUMER).unwrap();
    Service::new(builder()).with(named("globex", &IdentityProvider::okta(), own))
}

#[test]
fn two_applications_of_one_tenant_are_two_customers() {
    let service = two_of_one_tenant();
    let response = || IdentityProvider::okta().response();
    let to_globex = || response().destination(OWN_CONSUMER).recipient(OWN_CONSUMER).audience(OWN_ENTITY);
    let at = |posted, consumer| {
        let claimed = service.saml.open_at(posted, consumer).unwrap();
        let candidates = service.connections.candidates(&claimed, None);
        let outcome = service.saml.receive(claimed, &candidates, Expect::Unsolicited, now());
        outcome.map_or_else(|refusal| refusal.code().to_owned(), |valid| valid.connection().to_string())
    };
    let shared = vouchsafe_testkit::ASSERTION_CONSUMER;
    assert_eq!(at(posted(&response().issue().unwrap()), shared), "okta");
    assert_eq!(at(posted(&to_globex().issue().unwrap()), OWN_CONSUMER), "globex");
    // The address belongs to one customer, and the message names another.
    assert_eq!(at(posted(&to_globex().issue().unwrap()), shared), "assertion.destination");
    assert_eq!(at(posted(&response().issue().unwrap()), OWN_CONSUMER), "assertion.destination");
    assert_eq!(
        at(posted(&response().issue().unwrap()), "https://app.example.com/x"),
        "assertion.unknown_issuer"
    );

    let started = service.start_over("globex", LoginOptions::default(), now()).unwrap();
    let request = AuthnRequest::from_redirect(started.request.redirect().unwrap().url()).unwrap();
    assert_eq!(
        (request.issuer.as_str(), request.assertion_consumer.as_deref()),
        (OWN_ENTITY, Some(OWN_CONSUMER))
    );
    let globex = service.connections.get("globex").unwrap();
    let metadata = service.saml.metadata_xml_for(&globex).unwrap();
    assert!(metadata.contains(OWN_ENTITY) && metadata.contains(OWN_CONSUMER), "{metadata}");
    assert!(!service.saml.metadata_xml().unwrap().contains(OWN_CONSUMER));
}

#[test]
fn without_an_address_of_its_own_neither_is_named() {
    let service = Service::new(builder()).with(connection("globex", trusted(&IdentityProvider::okta())));
    let unsolicited = posted(&IdentityProvider::okta().response().issue().unwrap());
    let refusal = service.receive(&unsolicited, Expect::Unsolicited, now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.connection_ambiguous");
    assert!(refusal.hint().contains("addresses of its own"));
    assert!(!refusal.to_string().contains("globex"), "nobody is told about another: {refusal}");
    // A reply identifies its connection.
    for name in ["okta", "globex"] {
        let asked = service.asked_over(name, LoginOptions::default());
        let reply = IdentityProvider::okta().response().in_response_to(asked.request().request_id());
        let valid = service.receive(&posted(&reply.issue().unwrap()), Expect::Reply(&asked), now()).unwrap();
        assert_eq!(valid.connection().as_str(), name);
    }
}

/// A stranger's copy of a key is not taken for the only one while the metadata of its owner has ended.
#[test]
fn a_connection_whose_metadata_has_ended_counts_too() {
    let yesterday = (now() - TimeDelta::days(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let metadata = IdentityProvider::okta().metadata().unwrap();
    let metadata = metadata.replacen("entityID=", &format!("validUntil=\"{yesterday}\" entityID="), 1);
    let ended = vouchsafe::IdentityProvider::from_metadata(metadata.as_bytes()).unwrap();
    let service = Service::new(builder()).with(connection("ended", ended));
    let code = |identity_provider: &IdentityProvider| {
        let unsolicited = posted(&identity_provider.response().issue().unwrap());
        service.receive(&unsolicited, Expect::Unsolicited, now()).map_err(|refusal| refusal.code())
    };
    assert_eq!(code(&IdentityProvider::okta()).unwrap_err(), "assertion.connection_ambiguous");
    // Without the key it does not count, and by its own key it is the one that is meant.
    let other = IdentityProvider::okta().with_key(keys::attacker());
    service.connections.put(connection("okta", trusted(&other)));
    assert_eq!(code(&other).unwrap().connection().as_str(), "okta");
    assert_eq!(code(&IdentityProvider::okta()).unwrap_err(), "metadata.expired");
}

#[test]
fn whoever_configures_anothers_entity_id_gains_nothing_and_locks_nobody_out() {
    let thief = IdentityProvider::okta().with_key(keys::attacker());
    let service = Service::new(builder()).with(connection("thief", trusted(&thief)));
    let genuine = posted(&IdentityProvider::okta().response().issue().unwrap());
    let valid = service.receive(&genuine, Expect::Unsolicited, now()).unwrap();
    assert_eq!(valid.connection().as_str(), "okta");
    let own = posted(&thief.response().issue().unwrap());
    let valid = service.receive(&own, Expect::Unsolicited, now()).unwrap();
    assert_eq!(valid.connection().as_str(), "thief");
    let asked = service.asked(LoginOptions::default());
    let answered = thief.response().in_response_to(asked.request().request_id()).issue().unwrap();
    let refusal = service.receive(&posted(&answered), Expect::Reply(&asked), now()).unwrap_err();
    assert!(refusal.code().starts_with("signature."), "{refusal}");
}

#[test]
fn an_answer_needs_the_browser_that_asked() {
    let service = Service::new(builder());
    let provider = service.saml.provider().clone();
    let (one, other) = (service.start(LoginOptions::default()), service.start(LoginOptions::default()));
    assert_eq!(one.binding.reveal().len(), 32);
    assert_ne!(one.binding.reveal(), other.binding.reveal());
    assert_eq!(format!("{:?}", one.binding), "BrowserBinding(…)");
    assert!(!format!("{:?}", one.pending).contains(one.binding.reveal()));
    let cookie = one.binding.set_cookie("__Host-saml", Duration::from_secs(600));
    assert!(cookie.contains("SameSite=None") && cookie.contains("; Secure") && cookie.contains("; HttpOnly"));
    let again = |pending: &PendingRequest| PendingRequest::from_stored(pending.to_stored()).unwrap();
    for presented in [None, Some(""), Some(other.binding.reveal())] {
        let refusal = again(&one.pending).bind(presented, &provider).unwrap_err();
        assert_eq!(refusal.code(), "assertion.other_browser");
    }
    assert!(again(&one.pending).bind(Some(one.binding.reveal()), &provider).is_ok());
    let stored = serde_json::to_string(&one.pending.to_stored()).unwrap();
    assert!(!stored.contains(one.binding.reveal()), "only its hash is stored");
}

#[test]
fn a_request_keeps_what_the_application_gave() {
    let service = Service::new(builder());
    let started = service.start(LoginOptions::default().context("invitation 7").return_to("/x"));
    let again = PendingRequest::from_stored(started.pending.to_stored()).unwrap();
    assert_eq!((again.context(), again.return_to()), (Some("invitation 7"), Some("/x")));
    assert_eq!(again.connection().as_str(), "okta");
    let request = AuthnRequest::from_redirect(started.request.redirect().unwrap().url()).unwrap();
    assert!(!request.xml.contains("invitation"));
}

#[test]
fn unsolicited_responses_are_refused_unless_the_connection_accepts_them() {
    let unsolicited = posted(&IdentityProvider::okta().response().issue().unwrap());
    for (setting, code) in [
        (None, "assertion.unsolicited"),
        (Some(Unsolicited::Refuse), "assertion.unsolicited"),
        (Some(Unsolicited::Restart), "assertion.unsolicited"),
        (Some(Unsolicited::Accept), ""),
    ] {
        let settings = ConnectionSettings::default();
        let settings = setting.map_or(settings.clone(), |setting| settings.unsolicited(setting));
        let service = Service::new(builder()).with(named("okta", &IdentityProvider::okta(), settings));
        let outcome = service.receive(&unsolicited, Expect::Unsolicited, now());
        assert_eq!(outcome.map_or_else(|refusal| refusal.code(), |_| ""), code, "{setting:?}");
    }
}

#[test]
fn only_an_active_connection_signs_people_in() {
    use ConnectionState::{Active, Draft, Retired, Tested};
    for (state, signs_in, can_be_tried) in
        [(Draft, false, true), (Tested, false, true), (Active, true, true), (Retired, false, false)]
    {
        let service = Service::new(builder());
        service.connections.put(service.connections.get("okta").unwrap().with_state(state));
        let okta = service.connections.get("okta").unwrap();
        let started = service.start_over("okta", LoginOptions::default(), now());
        assert_eq!(started.is_ok(), signs_in, "{state}");
        if let Err(error) = started {
            assert_eq!(error.code(), "binding.connection_state");
        }
        let unsolicited = || posted(&IdentityProvider::okta().response().issue().unwrap());
        let received = service.receive(&unsolicited(), Expect::Unsolicited, now());
        assert_eq!(
            received.map_or_else(|r| r.code(), |_| ""),
            if signs_in { "" } else { "assertion.connection_state" }
        );

        let claimed = service.saml.open(unsolicited()).unwrap();
        let tried = service.saml.try_out(claimed, &okta, Expect::Unsolicited, now());
        assert_eq!(tried.is_ok(), can_be_tried, "{state}");
        if let Ok(trial) = tried {
            assert_eq!(trial.connection().as_str(), "okta");
            assert!(trial.ledger().checks().len() > 30 && trial.name_id().is_some());
            assert_eq!((trial.issuer(), trial.evidence().len()), (okta.identity_provider().entity_id(), 2));
            assert!(trial.authn_context().is_some_and(|context| context.contains(":ac:classes:")));
        }
        let tried = service.start_over("okta", LoginOptions::default().trial(), now());
        assert_eq!(tried.is_ok(), can_be_tried, "{state}");
    }
}

#[test]
fn a_trial_signs_nobody_in_and_a_sign_in_is_no_trial() {
    let service = Service::new(builder());
    let okta = service.connections.get("okta").unwrap();
    let trial = service.asked(LoginOptions::default().trial());
    let asked = service.asked(LoginOptions::default());
    let reply = |bound: &vouchsafe::BoundRequest| {
        let response = IdentityProvider::okta().response().in_response_to(bound.request().request_id());
        posted(&response.issue().unwrap())
    };
    let refusal = service.receive(&reply(&trial), Expect::Reply(&trial), now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.trial");
    let claimed = service.saml.open(reply(&trial)).unwrap();
    assert!(service.saml.try_out(claimed, &okta, Expect::Reply(&trial), now()).is_ok());
    let claimed = service.saml.open(reply(&asked)).unwrap();
    let refusal = service.saml.try_out(claimed, &okta, Expect::Reply(&asked), now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.trial");
    // A fault is reported in a trial as in a sign-in.
    let wrong = IdentityProvider::okta().response().audience("https://other.example");
    let wrong = wrong.in_response_to(trial.request().request_id()).issue().unwrap();
    let claimed = service.saml.open(posted(&wrong)).unwrap();
    let refusal = service.saml.try_out(claimed, &okta, Expect::Reply(&trial), now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.audience");
}

#[test]
fn a_weakening_is_one_connections() {
    let service = Service::new(builder());
    let sha1 = vouchsafe::crypto::SignatureAlgorithm::RsaSha1;
    let weak = accepting()
        .danger_allow(sha1.uri())
        .unwrap()
        .danger_allow(vouchsafe::crypto::DigestAlgorithm::Sha1.uri())
        .unwrap()
        .danger_accept_unauthenticated_cbc();
    assert_eq!(weak.dangers().len(), 3);
    let service = service.with(named("other", &IdentityProvider::other(), weak));
    let old = |identity_provider: IdentityProvider| {
        posted(&identity_provider.response().signature_algorithm(sha1).issue().unwrap())
    };
    assert!(service.receive(&old(IdentityProvider::other()), Expect::Unsolicited, now()).is_ok());
    let refusal = service.receive(&old(IdentityProvider::okta()), Expect::Unsolicited, now()).unwrap_err();
    assert!(refusal.code().starts_with("signature."), "{refusal}");
    assert!(ConnectionSettings::default().danger_allow("urn:md5").is_err());
}

#[test]
fn decryption_keys_of_a_connection_are_its_own() {
    let (ours, theirs) = (keys::service_provider(), keys::old_service_provider());
    let service =
        Service::new(builder().decryption_key(ours.private_key().clone(), ours.certificate().clone()));
    let other = connection("other", trusted(&IdentityProvider::other()))
        .with_decryption_key(theirs.private_key().clone(), theirs.certificate().clone())
        .unwrap();
    let metadata = service.saml.metadata_xml_for(&other).unwrap();
    let service = service.with(other);
    let sealed = |from: IdentityProvider, to: &vouchsafe_testkit::KeyPair| {
        let response = from.response().encrypt(Encryption::to(to.certificate()));
        service.receive(&posted(&response.issue().unwrap()), Expect::Unsolicited, now()).is_ok()
    };
    assert!(sealed(IdentityProvider::okta(), ours) && sealed(IdentityProvider::other(), theirs));
    assert!(!sealed(IdentityProvider::okta(), theirs) && !sealed(IdentityProvider::other(), ours));
    let base64 =
        |pair: &vouchsafe_testkit::KeyPair| vouchsafe::crypto::base64_encode(pair.certificate().der());
    let flat: String = metadata.split_whitespace().collect();
    assert!(flat.contains(&base64(theirs)) && !flat.contains(&base64(ours)));
    let mixed = connection("x", trusted(&IdentityProvider::okta()))
        .with_decryption_key(ours.private_key().clone(), theirs.certificate().clone());
    assert_eq!(mixed.unwrap_err().code(), "binding.certificate_mismatch");
}

#[test]
fn settings_of_a_connection_come_before_the_services() {
    let skewed = accepting().clock_skew(Duration::from_secs(300)).unwrap().require_signed_response();
    let service = Service::new(builder()).with(named("other", &IdentityProvider::other(), skewed));
    let late = now() + TimeDelta::minutes(8);
    let by = |from: IdentityProvider, signed| posted(&from.response().sign(signed).issue().unwrap());
    let code = |posted: &vouchsafe::PostedResponse, at| {
        service.receive(posted, Expect::Unsolicited, at).map_or_else(|r| r.code(), |_| "")
    };
    assert_eq!(code(&by(IdentityProvider::other(), Signed::Both), late), "");
    assert_ne!(code(&by(IdentityProvider::okta(), Signed::Both), late), "");
    assert_eq!(code(&by(IdentityProvider::other(), Signed::Assertion), now()), "assertion.response_unsigned");
    assert_eq!(code(&by(IdentityProvider::okta(), Signed::Assertion), now()), "");
    let too_much = ConnectionSettings::default().clock_skew(Duration::from_secs(301));
    assert_eq!(too_much.unwrap_err().code(), "binding.clock_skew");

    let stored = r#"{"clock_skew_seconds": 301}"#;
    let stored: ConnectionSettings = serde_json::from_str(stored).unwrap();
    let refused = connection("x", trusted(&IdentityProvider::okta())).with_settings(stored).unwrap_err();
    assert_eq!(refused.code(), "binding.clock_skew");
    assert!(serde_json::from_str::<ConnectionSettings>(r#"{"dangerous": true}"#).is_err());
}

#[test]
fn the_request_of_a_connection_says_what_the_connection_wants() {
    let key = keys::service_provider_p256();
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509";
    let settings = accepting()
        .sign_requests(SignRequests::Always)
        .name_id_policy(vouchsafe::NameIdPolicy::default().format("urn:f").sp_name_qualifier("urn:q"))
        .requested_context(vouchsafe::assertion::RequestedAuthnContext::exact([class]));
    let service = Service::new(builder().signing_key(key.private_key().clone(), key.certificate().clone()))
        .with(named("other", &IdentityProvider::other(), settings));
    let started = service.start_over("other", LoginOptions::default(), now()).unwrap();
    let request = AuthnRequest::from_redirect(started.request.redirect().unwrap().url()).unwrap();
    assert!(request.signature_algorithm.is_some());
    assert_eq!(request.name_id_format.as_deref(), Some("urn:f"));
    assert!(request.xml.contains("SPNameQualifier=\"urn:q\""), "{}", request.xml);
    assert_eq!(request.authn_contexts, [class]);
    // An unsolicited response must meet it as well.
    let unsolicited = posted(&IdentityProvider::other().response().issue().unwrap());
    let refusal = service.receive(&unsolicited, Expect::Unsolicited, now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.authn_context");
}

#[test]
fn a_broken_connection_stops_nothing_else() {
    let weak =
        vouchsafe_testkit::KeyPair::generate(vouchsafe::crypto::KeyKind::Rsa { bits: 1024 }, "weak").unwrap();
    let short = IdentityProvider::new("https://short.example", "https://short.example/sso", &weak);
    let service = Service::new(builder()).with(connection("short", trusted(&short)));
    let broken = service.connections.get("short").unwrap();
    assert_eq!(broken.check(&service.saml, now()).unwrap_err().code(), "assertion.no_usable_key");
    let unsolicited = posted(&short.response().issue().unwrap());
    let refusal = service.receive(&unsolicited, Expect::Unsolicited, now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.no_usable_key");
    let genuine = posted(&IdentityProvider::okta().response().issue().unwrap());
    assert!(service.receive(&genuine, Expect::Unsolicited, now()).is_ok());
    assert!(service.connections.get("okta").unwrap().check(&service.saml, now()).is_ok());
}

#[test]
fn the_registry_answers_who_could_be_meant() {
    let service = two_of_one_tenant();
    let claimed = |consumer: &str| {
        let issued = IdentityProvider::okta().response().issue().unwrap();
        service.saml.open_at(posted(&issued), consumer).unwrap()
    };
    let names = |consumer: &str, pending: Option<&PendingRequest>| {
        let found = service.connections.candidates(&claimed(consumer), pending);
        found.iter().map(|one| one.id().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(vouchsafe_testkit::ASSERTION_CONSUMER, None), ["okta"]);
    // The connection's address may also be the service's. The registry does not know this, but `receive` does.
    assert_eq!(names(OWN_CONSUMER, None), ["globex", "okta"]);
    let asked = service.asked_over("globex", LoginOptions::default());
    assert_eq!(names(vouchsafe_testkit::ASSERTION_CONSUMER, Some(asked.request())), ["globex"]);
    assert_eq!(claimed(OWN_CONSUMER).issuer(), Some(&okta()));
    for number in 0..100 {
        service.connections.put(connection(&format!("more{number}"), trusted(&IdentityProvider::okta())));
    }
    let many = names(vouchsafe_testkit::ASSERTION_CONSUMER, None);
    assert_eq!(many.len(), vouchsafe::assertion::MOST_CANDIDATES + 1, "bounded, and too many is noticed");
    for number in 0..100 {
        service.connections.remove(&format!("more{number}"));
    }
    assert_eq!(names(vouchsafe_testkit::ASSERTION_CONSUMER, None), ["okta"]);
    assert_eq!(service.connections.len(), 2);
}

/// A response names its issuer itself, so its sender must not be able to make the look-up visit every connection of
/// that issuer.
#[test]
fn connections_with_an_address_of_their_own_do_not_hide_those_without() {
    let service = Service::new(builder()).with(connection("shared", trusted(&IdentityProvider::okta())));
    for number in 0..200 {
        let consumer = format!("https://app.example.com/saml/customer-{number:03}/acs");
        let settings = accepting().assertion_consumer(&consumer).unwrap();
        service.connections.put(named(&format!("a{number:03}"), &IdentityProvider::okta(), settings));
    }
    let found = |consumer: &str, idp: &IdentityProvider| {
        let claimed = service.saml.open_at(posted(&idp.response().issue().unwrap()), consumer).unwrap();
        let found = service.connections.candidates(&claimed, None);
        found.iter().map(|one| one.id().to_string()).collect::<Vec<_>>()
    };
    let okta = IdentityProvider::okta();
    assert_eq!(found(vouchsafe_testkit::ASSERTION_CONSUMER, &okta), ["okta", "shared"]);
    assert_eq!(found("https://app.example.com/saml/customer-117/acs", &okta), ["a117", "okta", "shared"]);
    assert!(found("https://app.example.com/saml/customer-117/acs", &IdentityProvider::other()).is_empty());
}

/// Many customers may share one address of the service, and each response finds its own customer. Anybody can make
/// drafts to a customer's identity provider, also at the service's address.
#[test]
fn drafts_do_not_hide_an_active_connection() {
    let service = Service::new(builder()).with(connection("zeta", trusted(&IdentityProvider::okta())));
    for number in 0..40 {
        let settings = match number % 2 {
            0 => accepting(),
            _ => accepting().assertion_consumer(vouchsafe_testkit::ASSERTION_CONSUMER).unwrap(),
        };
        let draft = named(&format!("a{number:02}"), &IdentityProvider::okta(), settings);
        service.connections.put(draft.with_state(ConnectionState::Draft));
    }
    let issued = IdentityProvider::okta().response().issue().unwrap();
    let claimed = service.saml.open(posted(&issued)).unwrap();
    let found = service.connections.candidates(&claimed, None);
    assert!(found.iter().any(|connection| connection.id().as_str() == "zeta"), "{found:?}");
    // A retired connection is no longer active.
    service.connections.put(service.connections.get("zeta").unwrap().with_state(ConnectionState::Retired));
    let found = service.connections.candidates(&claimed, None);
    let active = found.iter().filter(|connection| connection.state() == ConnectionState::Active);
    assert_eq!(active.map(|connection| connection.id().as_str()).collect::<Vec<_>>(), ["okta"]);
    assert_eq!(found.first().map(|connection| connection.id().as_str()), Some("okta"));
}

#[test]
fn connections_that_share_an_address_are_told_apart_by_their_issuer() {
    let service = Service::new(builder());
    let shared = |settings: ConnectionSettings| settings.assertion_consumer(OWN_CONSUMER).unwrap();
    for number in 0..100 {
        let entity = format!("https://idp-{number}.example.com");
        let idp = IdentityProvider::new(entity.as_str(), "https://idp.example.com/sso", keys::attacker());
        service.connections.put(named(&format!("b{number:03}"), &idp, shared(accepting())));
    }
    service.connections.put(named("zeta", &IdentityProvider::other(), shared(accepting())));
    let issued = IdentityProvider::other().response().issue().unwrap();
    let claimed = service.saml.open_at(posted(&issued), OWN_CONSUMER).unwrap();
    let found = service.connections.candidates(&claimed, None);
    assert_eq!(found.iter().map(|one| one.id().as_str()).collect::<Vec<_>>(), ["zeta"]);
}

#[test]
fn an_answer_is_welcome_where_nothing_else_is() {
    let settings = ConnectionSettings::default();
    let service = Service::new(builder()).with(named("okta", &IdentityProvider::okta(), settings));
    let asked = service.asked(LoginOptions::default());
    let reply = IdentityProvider::okta().response().in_response_to(asked.request().request_id());
    assert!(service.receive(&posted(&reply.issue().unwrap()), Expect::Reply(&asked), now()).is_ok());
    // A trial signs nobody in.
    let unsolicited = posted(&IdentityProvider::okta().response().issue().unwrap());
    let (claimed, okta) = (service.saml.open(unsolicited).unwrap(), service.connections.get("okta").unwrap());
    assert!(service.saml.try_out(claimed, &okta, Expect::Unsolicited, now()).is_ok());
}

/// Whatever candidates the application passes, an unsolicited response with another issuer, or without one, belongs
/// to none of them.
#[test]
fn an_unsolicited_response_names_the_issuer_of_its_connection() {
    let key = keys::service_provider();
    let service =
        Service::new(builder().decryption_key(key.private_key().clone(), key.certificate().clone()));
    let okta = service.connections.get("okta").unwrap();
    let code = |response: ResponseBuilder| {
        let claimed = service.saml.open(posted(&response.issue().unwrap())).unwrap();
        let received = service.saml.receive(claimed, std::slice::from_ref(&okta), Expect::Unsolicited, now());
        received.map_or_else(|refusal| refusal.code(), |_| "")
    };
    let sealed = || IdentityProvider::okta().response().encrypt(Encryption::to(key.certificate()));
    assert_eq!(code(sealed()), "");
    assert_eq!(code(sealed().omit(Part::ResponseIssuer)), "assertion.unknown_issuer");
    assert_eq!(code(IdentityProvider::other().response()), "assertion.unknown_issuer");
}

#[test]
fn what_a_response_claims_can_be_looked_at_before_it_is_believed() {
    let service = Service::new(builder());
    let response = IdentityProvider::okta().response().in_response_to("_request").issue().unwrap();
    let state = vouchsafe::RelayState::new("handle").unwrap();
    let claimed = service.saml.open(posted(&response).with_relay_state(Some(state.clone()))).unwrap();
    assert_eq!((claimed.issuer(), claimed.in_response_to()), (Some(&okta()), Some("_request")));
    assert_eq!(claimed.relay_state(), Some(&state));
    let unsolicited = IdentityProvider::okta().response().issue().unwrap();
    let claimed = service.saml.open(posted(&unsolicited)).unwrap();
    assert_eq!((claimed.in_response_to(), claimed.relay_state()), (None, None));
}
