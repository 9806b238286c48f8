//! Logout messages of several customers in one service: what one of them can do to another, and to the service.

use std::time::Duration;

use chrono::TimeDelta;
use vouchsafe::crypto::{Certificate, base64_decode, base64_encode};
use vouchsafe::{
    Connection, ConnectionId, ConnectionSettings, ConnectionState, Connections, ExpectMessage,
    IdentityProvider, Limits, Message, ReceivedRequest, Refusal, SentMessage, ServiceProvider, ValidMessage,
};
use vouchsafe_testkit::{self as testkit, Encryption, KeyPair, LogoutBuilder, SINGLE_LOGOUT, keys};

use crate::common::{SOAP, builder, now, trusted, valid_until, with_single_logout};

const VICTIM: &str = "https://victim.okta.example/slo";
const MALLORY: &str = "https://mallory.example/slo";

fn saml() -> ServiceProvider {
    with_single_logout().build().unwrap()
}

fn okta() -> testkit::IdentityProvider {
    testkit::IdentityProvider::okta().with_single_logout(VICTIM)
}

fn connection(name: &str, identity_provider: &testkit::IdentityProvider) -> Connection {
    Connection::new(ConnectionId::new(name).unwrap(), trusted(identity_provider))
}

/// The connection over which a message is accepted, or the code of its refusal.
fn over(
    saml: &ServiceProvider,
    candidates: &[Connection],
    sent: SentMessage,
    at: &str,
) -> Result<Message, Refusal> {
    let incoming = saml.open_message(sent, at)?;
    let valid = saml.receive_message(incoming, candidates, ExpectMessage::LogoutRequest, now())?;
    let recorded = valid.replay_key().recorded(true);
    valid.confirm(recorded)
}

fn told(outcome: Result<Message, Refusal>) -> String {
    match outcome {
        Ok(message) => format!("accepted over {}", message.connection()),
        Err(refusal) => refusal.code().to_owned(),
    }
}

/// The victim's identity provider as another customer configures it: the same entity ID and the same public key, in
/// another certificate. This needs no private key: the last byte of the certificate's own signature is changed, which
/// nobody verifies.
fn impostor() -> testkit::IdentityProvider {
    let pair = keys::identity_provider();
    let mut der = pair.certificate().der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let pair = KeyPair::new(pair.private_key().clone(), Certificate::from_der(&der).unwrap());
    testkit::IdentityProvider::okta().with_key(&pair).with_single_logout(MALLORY)
}

/// As for a Response, a key of two connections identifies neither, whichever certificates contain it.
#[test]
fn a_key_in_two_certificates_names_neither_connection() {
    let saml = saml();
    let both = [connection("a-mallory", &impostor()), connection("victim", &okta())];
    let request = okta().logout_request();
    let query = request.to_query(None).unwrap();
    let form = request.to_form(None).unwrap();
    let soap = request.clone().destination(Some(SOAP)).to_soap().unwrap();
    let limits = Limits::default();
    let outcomes = [
        told(over(&saml, &both, SentMessage::from_query(&query, &limits).unwrap(), SINGLE_LOGOUT)),
        told(over(&saml, &both, SentMessage::from_form(form.as_bytes(), &limits).unwrap(), SINGLE_LOGOUT)),
        told(over(&saml, &both, SentMessage::from_soap(soap.as_bytes(), &limits).unwrap(), SOAP)),
    ];
    assert_eq!(outcomes, ["assertion.connection_ambiguous"; 3]);
}

/// A request is carried out for each connection that has the key, or anybody who configures a public key could prevent
/// that sessions of others end. Whoever has not the key has no say.
#[test]
fn a_request_belongs_to_each_connection_with_the_key() {
    let saml = saml();
    let other_key = testkit::IdentityProvider::okta().with_key(keys::other_identity_provider());
    let (mallory, victim) = (connection("a-mallory", &impostor()), connection("victim", &okta()));
    let third = connection("third", &other_key.with_single_logout(MALLORY));
    let receive = |candidates: &[Connection], message: LogoutBuilder| {
        let sent = SentMessage::from_query(&message.to_query(None).unwrap(), &Limits::default()).unwrap();
        let incoming = saml.open_message(sent, SINGLE_LOGOUT).unwrap();
        saml.receive_request(incoming, candidates, ExpectMessage::LogoutRequest, now())
    };
    let all = [mallory.clone(), third.clone(), victim.clone()];
    let received = receive(&all, okta().logout_request()).unwrap();
    assert_eq!((over_each(&received.valid), received.is_of_one()), (vec!["a-mallory", "victim"], false));
    assert_eq!(received.valid[0].replay_key().hash(), received.valid[1].replay_key().hash());
    assert!(receive(&all[1..], okta().logout_request()).unwrap().is_of_one());

    let code = |outcome: Result<ReceivedRequest, Refusal>| outcome.unwrap_err().code();
    let forged = okta().logout_request().key(keys::service_provider());
    assert_eq!(code(receive(&all, forged)), "signature.not_verified");
    let late = okta().logout_request().at(now() - TimeDelta::hours(1));
    assert_eq!(code(receive(&all, late)), "message.issue_instant", "valid for none of them");
    let retired = [mallory, victim].map(|one| one.with_state(ConnectionState::Retired));
    assert_eq!(code(receive(&retired, okta().logout_request())), "assertion.connection_state");
}

fn over_each(valid: &[ValidMessage]) -> Vec<&str> {
    valid.iter().map(|one| one.connection().as_str()).collect()
}

/// A key is that of several connections also if one of them accepts nothing now, on whichever part of the candidates it
/// is. Otherwise a stranger's connection with a copy of the key would count as the only one.
#[test]
fn a_connection_that_has_the_key_counts_also_if_it_accepts_nothing() {
    let saml = saml();
    let valid_until = |identity_provider: &testkit::IdentityProvider, until: &str| {
        let metadata = identity_provider.metadata().unwrap();
        let metadata = metadata.replacen("entityID=", &format!("validUntil=\"{until}\" entityID="), 1);
        IdentityProvider::from_metadata(metadata.as_bytes()).unwrap()
    };
    let yesterday = (now() - TimeDelta::days(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let named = |name: &str, identity_provider: &testkit::IdentityProvider| {
        let metadata = valid_until(identity_provider, &yesterday);
        Connection::new(ConnectionId::new(name).unwrap(), metadata)
    };
    let mallory = connection("a-mallory", &impostor());
    let ended = named("victim", &okta());
    let other_key = testkit::IdentityProvider::okta().with_key(keys::other_identity_provider());
    let stale = named("stale", &other_key.with_single_logout(MALLORY));
    let opened = || {
        let query = okta().logout_request().to_query(None).unwrap();
        let sent = SentMessage::from_query(&query, &Limits::default()).unwrap();
        saml.open_message(sent, SINGLE_LOGOUT).unwrap()
    };
    let expect = ExpectMessage::LogoutRequest;
    let all = [mallory, ended, stale];
    let whole = saml.receive_request(opened(), &all, expect, now()).unwrap();
    assert_eq!(over_each(&whole.valid), ["a-mallory"]);
    assert_eq!((whole.others.len(), whole.others[0].as_str(), whole.is_of_one()), (1, "victim", false));
    assert_eq!(whole.refusal.unwrap().code(), "metadata.expired");
    let message = saml.receive_message(opened(), &all, expect, now()).unwrap_err();
    assert_eq!(message.code(), "assertion.connection_ambiguous");
    let message = saml.receive_message(opened(), &all[1..], expect, now()).unwrap_err();
    assert_eq!(message.code(), "metadata.expired");

    // Page by page, a single candidate counts only if it has the key.
    let part =
        |one: &Connection| saml.receive_request_among(&opened(), std::slice::from_ref(one), expect, now());
    let victim = part(&all[1]).unwrap();
    assert_eq!((victim.valid.len(), victim.others.len()), (0, 1));
    assert_eq!(part(&all[2]).unwrap_err().code(), "signature.not_verified");
    let refused = saml.receive_request(opened(), &all[1..2], expect, now()).unwrap_err();
    assert_eq!(refused.code(), "metadata.expired");
}

/// A customer with many connections to the identity provider of another one does not prevent that its logout requests
/// are accepted, whatever keys these connections have.
#[test]
fn a_crowd_of_connections_hides_nobody() {
    let saml = saml();
    let published = |key: &KeyPair| {
        let more = [keys::other_identity_provider(), keys::service_provider()];
        let published =
            more.iter().fold(okta().with_key(key), |one, key| one.with_next_certificate(key.certificate()));
        published.with_single_logout(MALLORY)
    };
    let crowd = [keys::attacker(), keys::identity_provider()].map(|key| trusted(&published(key)));
    let named = |name: String, metadata: &IdentityProvider| {
        Connection::new(ConnectionId::new(name).unwrap(), metadata.clone())
    };
    let mut all: Vec<Connection> =
        (0..40).map(|number| named(format!("other-{number:02}"), &crowd[0])).collect();
    let receive = |candidates: &[Connection]| {
        let query = okta().logout_request().to_query(None).unwrap();
        let incoming =
            saml.open_message(SentMessage::from_query(&query, &Limits::default()).unwrap(), SINGLE_LOGOUT);
        saml.receive_request(incoming.unwrap(), candidates, ExpectMessage::LogoutRequest, now())
    };
    assert_eq!(receive(&all).unwrap_err().code(), "signature.not_verified");
    all.push(connection("victim", &okta()));
    assert_eq!(over_each(&receive(&all).unwrap().valid), ["victim"]);
    // Those that have its key too are all found.
    all.extend((0..40).map(|number| named(format!("twin-{number:02}"), &crowd[1])));
    let received = receive(&all).unwrap();
    let found = over_each(&received.valid);
    assert_eq!((found.len(), found.first()), (41, Some(&"victim")));

    // The look-up finds all of them, also page by page.
    let connections: Connections = all.iter().cloned().collect();
    let query = okta().logout_request().to_query(None).unwrap();
    let incoming =
        saml.open_message(SentMessage::from_query(&query, &Limits::default()).unwrap(), SINGLE_LOGOUT);
    let incoming = incoming.unwrap();
    assert_eq!(connections.candidates_for_message(&incoming).len(), all.len());
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = connections.candidates_by_issuer(incoming.issuer().unwrap(), after.as_ref(), 16);
        let Some(last) = page.last() else { break };
        after = Some(last.id().clone());
        paged.extend(
            saml.receive_request_among(&incoming, &page, ExpectMessage::LogoutRequest, now())
                .map(|received| received.valid)
                .unwrap_or_default(),
        );
    }
    assert_eq!(paged.len(), 41);
}

/// A connection to another identity provider has no say, although it has the same key and the caller passes it.
#[test]
fn a_connection_to_another_identity_provider_has_no_say() {
    let saml = saml();
    let (other, own) = ("https://mallory.example/entity", okta());
    let other = testkit::IdentityProvider::new(other, "https://mallory.example/sso", own.key());
    let both = [connection("mallory", &other.with_single_logout(MALLORY)), connection("victim", &own)];
    let outcome = |candidates: &[Connection]| {
        let query = own.logout_request().to_query(None).unwrap();
        let sent = SentMessage::from_query(&query, &Limits::default()).unwrap();
        told(over(&saml, candidates, sent, SINGLE_LOGOUT))
    };
    assert_eq!(outcome(&both), "accepted over victim");
    assert_eq!(outcome(&both[..1]), "assertion.unknown_issuer");
}

/// A connection whose metadata has ended refuses no message of another connection.
#[test]
fn a_connection_whose_metadata_has_ended_has_no_say() {
    let saml = saml();
    let stale = testkit::IdentityProvider::okta().with_key(keys::attacker()).with_single_logout(MALLORY);
    let ended = valid_until(&stale.metadata().unwrap(), now());
    let both = [Connection::new(ConnectionId::new("ended").unwrap(), ended), connection("victim", &okta())];
    let outcome = |candidates: &[Connection]| {
        let query = okta().logout_request().to_query(None).unwrap();
        let sent = SentMessage::from_query(&query, &Limits::default()).unwrap();
        told(over(&saml, candidates, sent, SINGLE_LOGOUT))
    };
    assert_eq!(outcome(&both), "accepted over victim");
    assert_eq!(outcome(&both[..1]), "metadata.expired");
}

fn own_soap(name: &str) -> Connection {
    let settings = ConnectionSettings::default()
        .assertion_consumer(&format!("https://app.example.com/saml/{name}/acs"))
        .unwrap()
        .single_logout_soap(&format!("https://app.example.com/saml/{name}/slo/soap"))
        .unwrap();
    connection(name, &okta()).with_settings(settings).unwrap()
}

/// Connections of two customers with one identity provider differ only in their addresses, so a message without an
/// address belongs to neither.
#[test]
fn a_request_over_soap_says_whose_it_is() {
    let saml = saml();
    let (victim, mallory) = (own_soap("victim"), own_soap("mallory"));
    let soap = okta().logout_request().destination(None).to_soap().unwrap();
    let sent = || SentMessage::from_soap(soap.as_bytes(), &Limits::default()).unwrap();
    let at = |one: &Connection| saml.single_logout_soap_for(one).unwrap().to_owned();
    // The message is for Mallory's connection, to which the identity provider sends it, and arrives at the victim's.
    let outcome = told(over(&saml, std::slice::from_ref(&victim), sent(), &at(&victim)));
    assert_ne!(
        outcome,
        "accepted over victim",
        "and also {}",
        told(over(&saml, std::slice::from_ref(&mallory), sent(), &at(&mallory)))
    );
}

/// The names in a request are limited, since each is looked up, remembered for a day, and stored as a key of a
/// database.
#[test]
fn what_a_logout_request_names_is_bounded() {
    let saml = saml();
    let victim = [connection("victim", &okta())];
    let taken = |request: &LogoutBuilder| {
        let form = request.to_form(None).unwrap();
        let sent = SentMessage::from_form(form.as_bytes(), &Limits::default()).unwrap();
        told(over(&saml, &victim, sent, SINGLE_LOGOUT))
    };
    let many =
        (0..15_000).fold(okta().logout_request(), |request, index| request.session_index(index.to_string()));
    let long_index = okta().logout_request().session_index("x".repeat(500_000));
    let long_name = okta().logout_request().name_id("x".repeat(500_000));
    let accepted: Vec<_> =
        [("many indexes", &many), ("a long index", &long_index), ("a long name", &long_name)]
            .into_iter()
            .filter(|(_, request)| taken(request) == "accepted over victim")
            .map(|(what, _)| what)
            .collect();
    assert!(accepted.is_empty(), "{accepted:?}");
}

/// A reason is kept for each connection that has the key. A longer one is left out.
#[test]
fn a_long_reason_is_not_kept() {
    let saml = saml();
    let victim = [connection("victim", &okta())];
    let reason = |length: usize| {
        let form = okta().logout_request().reason("r".repeat(length)).to_form(None).unwrap();
        let sent = SentMessage::from_form(form.as_bytes(), &Limits::default()).unwrap();
        let Ok(Message::LogoutRequest(request)) = over(&saml, &victim, sent, SINGLE_LOGOUT) else { panic!() };
        request.reason().map(str::len)
    };
    assert_eq!([reason(1_024), reason(1_025), reason(100_000)], [Some(1_024), None, None]);
}

/// An EncryptedID of the victim's identity provider, split at its ciphertext.
fn captured() -> (String, Vec<u8>, String) {
    let ours = Encryption::to(keys::service_provider().certificate());
    let xml = okta().logout_request().encrypt(ours).xml().unwrap();
    let from = xml.find("<saml:EncryptedID").unwrap();
    let end = "</saml:EncryptedID>";
    let whole = &xml[from..xml.find(end).unwrap() + end.len()];
    let begin = whole.find("CipherValue>").unwrap() + "CipherValue>".len();
    let length = whole[begin..].find('<').unwrap();
    let bytes = base64_decode(&whole[begin..begin + length]).unwrap();
    (whole[..begin].to_owned(), bytes, whole[begin + length..].to_owned())
}

/// An attacker with an identity provider of their own learns nothing about another customer's encrypted content by
/// altering it byte by byte. (The 13th byte of `<saml:NameID ` is the space: 0x29 makes it a tab, 1 an exclamation
/// mark.)
#[test]
fn what_another_encrypted_is_not_asked_byte_by_byte() {
    let ours = keys::service_provider();
    let saml = builder()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .decryption_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout_soap(SOAP)
        .unwrap()
        .build()
        .unwrap();
    let shared = connection("mallory", &testkit::IdentityProvider::other());
    // The key of the service stays for a while when a connection gets its first own one.
    let own = keys::old_service_provider();
    let first_own = shared
        .clone()
        .with_decryption_key(own.private_key().clone(), own.certificate().clone())
        .unwrap()
        .with_unpublished_decryption_key(ours.private_key().clone());
    let (before, bytes, after) = captured();
    let asked = |connection: &Connection, difference: u8| {
        let mut bytes = bytes.clone();
        bytes[12] ^= difference;
        let request =
            testkit::IdentityProvider::other().logout_request().destination(Some(SOAP)).without_name_id();
        let request = request.raw(format!("{before}{}{after}", base64_encode(&bytes)));
        let soap = request.to_soap().unwrap();
        told(over(
            &saml,
            std::slice::from_ref(connection),
            SentMessage::from_soap(soap.as_bytes(), &Limits::default()).unwrap(),
            SOAP,
        ))
    };
    for connection in [shared, first_own] {
        let told = [0, 0x29, 1].map(|difference| asked(&connection, difference));
        assert_eq!(told, ["encryption.cbc_in_message"; 3]);
    }
}

/// The maximum age of a message is configured once.
#[test]
fn a_configured_age_holds_for_logout_messages() {
    let ours = keys::service_provider();
    let saml = builder()
        .signing_key(ours.private_key().clone(), ours.certificate().clone())
        .single_logout(SINGLE_LOGOUT)
        .unwrap()
        .maximum_message_age(Duration::from_secs(30))
        .build()
        .unwrap();
    let query = okta().logout_request().at(now() - TimeDelta::minutes(5)).to_query(None).unwrap();
    let sent = SentMessage::from_query(&query, &Limits::default()).unwrap();
    assert_eq!(
        told(over(&saml, &[connection("victim", &okta())], sent, SINGLE_LOGOUT)),
        "message.issue_instant"
    );
}

/// As for a Response, inactive connections are not considered: anybody with an organization can make a draft from the
/// public metadata of another's identity provider.
#[test]
fn a_draft_has_no_say_in_whose_logout_it_is() {
    let saml = saml();
    let draft = connection("draft", &okta()).with_state(ConnectionState::Draft);
    let query = okta().logout_request().to_query(None).unwrap();
    let sent = || SentMessage::from_query(&query, &Limits::default()).unwrap();
    let beside = [connection("victim", &okta()), draft.clone()];
    let alone = told(over(&saml, std::slice::from_ref(&draft), sent(), SINGLE_LOGOUT));
    let outcomes = [told(over(&saml, &beside, sent(), SINGLE_LOGOUT)), alone];
    assert_eq!(outcomes, ["accepted over victim", "assertion.connection_state"]);
}
