//! What each setting of a connection does by itself, and that a stored connection forgets none.

use std::time::Duration;

use vouchsafe::{Connection, ConnectionId, ConnectionSettings, Expect, Unsolicited};
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
