//! The effect of each setting of a connection alone, and that a stored connection keeps all of them.

use std::time::Duration;

use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, EntityId, Expect, ResponseBinding,
    ServiceProvider, SignRequests, Unsolicited,
};
use vouchsafe_testkit::{ISSUE_INSTANT, IdentityProvider, ResponseBuilder, Signed};

use crate::common::{Service, accepting, builder, now, posted, trusted};

/// The code of the refusal over a connection with these settings.
fn code(settings: ConnectionSettings, response: &ResponseBuilder) -> &'static str {
    let service = Service::new(builder());
    let okta = Connection::new(ConnectionId::new("okta").unwrap(), trusted(&IdentityProvider::okta()));
    let service = service.with(okta.with_settings(settings).unwrap());
    let received = service.receive(&posted(&response.issue().unwrap()), Expect::Unsolicited, now());
    received.map_or_else(|refusal| refusal.code(), |_| "")
}

#[test]
fn each_setting_is_applied() {
    let response = || IdentityProvider::okta().response();
    let exact = || accepting().clock_skew(Duration::ZERO).unwrap();
    let age =
        |seconds| now().signed_duration_since(ISSUE_INSTANT).to_std().unwrap() - Duration::from_secs(seconds);

    assert_eq!(code(exact(), &response()), "");
    assert_eq!(code(exact().maximum_message_age(age(0)), &response()), "");
    assert_eq!(code(exact().maximum_message_age(age(1)), &response()), "assertion.issue_instant");
    assert_eq!(code(exact().maximum_authentication_age(age(0)), &response()), "");
    assert_eq!(code(exact().maximum_authentication_age(age(1)), &response()), "assertion.authn_instant");

    let by_response = response().sign(Signed::Response);
    assert_eq!(code(accepting(), &by_response), "");
    assert_eq!(code(accepting().require_signed_assertion(), &by_response), "assertion.assertion_unsigned");

    let with_start = response().subject_not_before(ISSUE_INSTANT);
    assert_eq!(code(accepting(), &with_start), "assertion.confirmation_not_before");
    assert_eq!(code(accepting().tolerate_confirmation_not_before(), &with_start), "");
}

#[test]
fn a_stored_connection_forgets_no_setting() {
    let stored = |settings: &ConnectionSettings| serde_json::to_string(settings).unwrap();
    let set = || ConnectionSettings::default();
    assert_eq!(stored(&set()), "{}", "what is not set is not written");
    let sha1 = vouchsafe::crypto::SignatureAlgorithm::RsaSha1.uri();
    for (settings, text) in [
        (set().unsolicited(Unsolicited::Accept), r#"{"unsolicited":"accept"}"#),
        (set().unsolicited(Unsolicited::Restart), r#"{"unsolicited":"restart"}"#),
        (set().require_signed_response(), r#"{"require_signed_response":true}"#),
        (set().require_signed_assertion(), r#"{"require_signed_assertion":true}"#),
        (set().tolerate_confirmation_not_before(), r#"{"tolerate_confirmation_not_before":true}"#),
        (set().danger_accept_unauthenticated_cbc(), r#"{"danger_accept_unauthenticated_cbc":true}"#),
        (set().response_binding(ResponseBinding::Artifact), r#"{"request":{"response_binding":"artifact"}}"#),
        (
            set().danger_accept_unsigned_artifact_responses(),
            r#"{"danger_accept_unsigned_artifact_responses":true}"#,
        ),
        (set().danger_allow(sha1).unwrap(), &format!(r#"{{"danger_allow":["{sha1}"]}}"#)),
        (set().clock_skew(Duration::ZERO).unwrap(), r#"{"clock_skew_seconds":0}"#),
        (set().maximum_message_age(Duration::from_secs(7)), r#"{"maximum_message_age_seconds":7}"#),
    ] {
        assert_eq!(stored(&settings), text);
        assert_eq!(serde_json::from_str::<ConnectionSettings>(text).unwrap(), settings);
    }
    for setting in [Unsolicited::Refuse, Unsolicited::Restart, Unsolicited::Accept] {
        assert_eq!(set().unsolicited(setting).on_unsolicited(), setting);
    }
}

#[test]
fn our_own_addresses_need_tls() {
    let entity_id = || EntityId::new(vouchsafe_testkit::SERVICE_PROVIDER).unwrap();
    for (address, code) in [
        ("https://app.example.com/saml/acs", ""),
        ("http://127.0.0.1:8080/saml/acs", ""),
        ("http://app.example.com/saml/acs", "binding.url"),
        ("/saml/acs", "binding.url"),
    ] {
        let of_service = ServiceProvider::builder(entity_id()).assertion_consumer(address).map(|_| ());
        let of_connection = ConnectionSettings::default().assertion_consumer(address).map(|_| ());
        let stored = format!(r#"{{"assertion_consumer":"{address}"}}"#);
        let stored: ConnectionSettings = serde_json::from_str(&stored).unwrap();
        let okta = Connection::new(ConnectionId::new("okta").unwrap(), trusted(&IdentityProvider::okta()));
        let of_stored = okta.with_settings(stored).map(|_| ());
        for outcome in [of_service, of_connection, of_stored] {
            assert_eq!(outcome.map_or_else(|error| error.code(), |()| ""), code, "{address}");
        }
    }
}

#[test]
fn a_descriptor_promises_signed_requests_where_all_are_signed() {
    let key = vouchsafe_testkit::keys::service_provider_p256();
    let service = Service::new(builder().signing_key(key.private_key().clone(), key.certificate().clone()));
    let promises = |metadata: String| metadata.contains("AuthnRequestsSigned=\"true\"");
    let okta = service.connections.get("okta").unwrap();
    assert!(!promises(service.saml.metadata_xml().unwrap()));
    assert!(!promises(service.saml.metadata_xml_for(&okta).unwrap()));
    let always = okta.with_settings(accepting().sign_requests(SignRequests::Always)).unwrap();
    assert!(promises(service.saml.metadata_xml_for(&always).unwrap()));
}

#[test]
fn the_registry_counts_what_it_holds() {
    let service = Service::new(builder());
    let ids = || service.connections.ids().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((ids(), service.connections.is_empty()), (vec!["okta".to_owned()], false));
    assert!(service.connections.remove("okta").is_some());
    assert_eq!((ids(), service.connections.is_empty()), (Vec::new(), true));
    for (state, name) in [
        (ConnectionState::Draft, "draft"),
        (ConnectionState::Tested, "tested"),
        (ConnectionState::Active, "active"),
        (ConnectionState::Retired, "retired"),
    ] {
        assert_eq!(state.to_string(), name);
    }
}
