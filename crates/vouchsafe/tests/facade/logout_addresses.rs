//! The addresses of single logout, and for which connections they take messages.

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe::{
    BindingError, ConnectionSettings, ConnectionState, ExpectMessage, Limits, LogoutJourney, LogoutStatus,
    SentMessage,
};
use vouchsafe_testkit::{self as testkit, SINGLE_LOGOUT};

use crate::common::{SOAP, builder, now, trusted, valid_until};
use crate::logout::{ada, by_query, code, okta, over, received, saml, service};

/// A connection with an address of its own accepts messages only there.
#[test]
fn a_connection_may_have_a_logout_address_of_its_own() {
    let saml = saml();
    let own = "https://app.example.com/saml/acme/slo";
    let settings = ConnectionSettings::default().single_logout(own).unwrap();
    let connection = over(trusted(&okta())).with_settings(settings).unwrap();
    let request = okta().logout_request();
    assert_eq!(
        code(received(&saml, &connection, by_query(&request), SINGLE_LOGOUT)),
        "assertion.unknown_issuer"
    );
    let there = request.clone().destination(Some(own));
    assert_eq!(code(received(&saml, &connection, by_query(&there), own)), "accepted");
    assert_eq!(code(received(&saml, &connection, by_query(&request), own)), "message.destination");
    assert!(saml.metadata_xml_for(&connection).unwrap().contains(own));
    let own_consumer =
        ConnectionSettings::default().assertion_consumer("https://app.example.com/saml/acme/acs").unwrap();
    let apart = over(trusted(&okta())).with_settings(own_consumer).unwrap();
    assert_eq!((saml.single_logout_for(&apart), saml.single_logout_soap_for(&apart)), (None, None));
}

#[test]
fn our_metadata_names_the_addresses() {
    let xml = saml().metadata_xml().unwrap();
    for binding in ["HTTP-Redirect", "HTTP-POST", "SOAP"] {
        let location = if binding == "SOAP" { SOAP } else { SINGLE_LOGOUT };
        let expected = format!(
            "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{location}\""
        );
        assert!(xml.contains(&expected), "{xml}");
    }
    assert!(!builder().build().unwrap().metadata_xml().unwrap().contains("SingleLogoutService"));
}

/// Requests are refused for retired connections, and times out of range.
#[test]
fn requests_are_refused_for_the_connection_too() {
    let saml = saml();
    let connection = over(trusted(&okta()));
    let request = okta().logout_request();
    let retired = connection.clone().with_state(ConnectionState::Retired);
    assert_eq!(
        code(received(&saml, &retired, by_query(&request), SINGLE_LOGOUT)),
        "assertion.connection_state"
    );
    let old = request.clone().at(now() - TimeDelta::minutes(7));
    assert_eq!(code(received(&saml, &connection, by_query(&old), SINGLE_LOGOUT)), "message.issue_instant");
    let settings = ConnectionSettings::default().clock_skew(std::time::Duration::from_secs(180)).unwrap();
    let wide = connection.with_settings(settings).unwrap();
    assert_eq!(code(received(&saml, &wide, by_query(&old), SINGLE_LOGOUT)), "accepted");
}

/// Metadata that has expired has keys and addresses that nobody vouches for: nothing is accepted or sent.
#[test]
fn expired_metadata_carries_no_logout() {
    let (saml, end) = (saml(), now() + TimeDelta::seconds(1));
    let services = [service("HTTP-Redirect", ""), service("SOAP", "")].concat();
    let metadata = testkit::IdentityProvider::okta().metadata().unwrap();
    let metadata = metadata.replacen("<md:NameIDFormat>", &format!("{services}<md:NameIDFormat>"), 1);
    let connection = over(valid_until(&metadata, end));
    let receive = |at: DateTime<Utc>| {
        let incoming = saml.open_message(by_query(&okta().logout_request()).unwrap(), SINGLE_LOGOUT)?;
        let candidates = std::slice::from_ref(&connection);
        saml.receive_message(incoming, candidates, ExpectMessage::LogoutRequest, at).map(drop)
    };
    let (request, _) =
        received(&saml, &connection, by_query(&okta().logout_request()), SINGLE_LOGOUT).unwrap();
    let sent = |at: DateTime<Utc>| {
        [
            saml.start_logout(&connection, &ada(), LogoutJourney::default(), at).map(drop),
            saml.logout_call(&connection, &ada(), at).map(drop),
            saml.answer_logout(&connection, &request, None, LogoutStatus::Success, at).map(drop),
        ]
        .map(|outcome| outcome.map_or_else(|error| error.code(), |()| "sent"))
    };
    assert_eq!((code(receive(now())), sent(now())), ("accepted", ["sent"; 3]));
    assert_eq!((code(receive(end)), sent(end)), ("metadata.expired", ["metadata.expired"; 3]));
}

/// Content that cannot be a message is refused before it is parsed.
#[test]
fn what_is_sent_is_one_message() {
    let limits = Limits::default();
    let form = |body: &str| SentMessage::from_form(body.as_bytes(), &limits).map(|_| ()).unwrap_err().code();
    assert_eq!(form(""), "binding.no_message");
    assert_eq!(form("SAMLRequest=PGE%2B&SAMLRequest=PGE%2B"), "binding.field_repeated");
    assert_eq!(form("SAMLRequest=PGE%2B&SAMLResponse=PGE%2B"), "binding.field_repeated");
    assert_eq!(form("SAMLRequest=PGE%2B&RelayState=a&RelayState=b"), "binding.field_repeated");
    assert_eq!(form("SAMLRequest=!"), "binding.base64");
    assert_eq!(SentMessage::from_query("", &limits).unwrap_err().code(), "binding.no_message");
    let small = Limits::default().with_input_bytes(10);
    assert_eq!(SentMessage::from_soap(&[b' '; 11], &small).unwrap_err().code(), "binding.too_large");
    assert_eq!(SentMessage::from_query(&"x".repeat(2000), &small).unwrap_err().code(), "binding.too_large");
    let too_large = |body: String| match SentMessage::from_form(body.as_bytes(), &small).unwrap_err() {
        BindingError::TooLarge { what, .. } => what,
        other => panic!("{other}"),
    };
    let message = "SAMLRequest=PGE%2B";
    assert_eq!(too_large(format!("{message}&other={}", "x".repeat(4_000))), "form");
    assert_eq!(too_large(format!("SAMLRequest={}", "A".repeat(1_200))), "SAMLRequest");
    assert_eq!(too_large(format!("SAMLRequest={}", "A".repeat(16))), "message");
}
