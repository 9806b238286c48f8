//! The bindings of messages, and the content of an accepted one.

use vouchsafe_assertion::{
    Carriage, ClaimedMessage, ConnectionId, LogoutOutcome, Message, MessageKind, NameIdChange, Trust,
    choose_for_message, owners_of_message,
};
use vouchsafe_crypto::{KeyKind, Provider};
use vouchsafe_metadata::IdentityProvider as Trusted;
use vouchsafe_signature::{MessageParameter, Signer, UnsignedForm, sign_form};
use vouchsafe_testkit::counting::Counted;
use vouchsafe_testkit::{Encryption, IdentityProvider, KeyPair, OKTA_ENTITY_ID, keys, logout};

use super::{address, code};

/// A request with one, several or no session index, over each binding.
#[test]
fn a_logout_request_is_read_whole_however_it_comes() {
    let address = address();
    let request = IdentityProvider::okta()
        .logout_request()
        .name_id(" ada@example.com")
        .qualifiers(Some("https://idp.example"), Some("https://app.example"))
        .session_index("_one")
        .session_index(" two ");
    for outcome in [address.by_post(&request), address.by_redirect(&request), address.by_soap(&request)] {
        let Message::LogoutRequest(accepted) = outcome.unwrap() else { panic!("another message") };
        assert_eq!(accepted.name_id().value(), " ada@example.com", "a name is not trimmed");
        assert_eq!(accepted.name_id().name_qualifier(), Some("https://idp.example"));
        assert_eq!(accepted.name_id().sp_name_qualifier(), Some("https://app.example"));
        assert!(accepted.name_id().is_email());
        assert_eq!(accepted.session_indexes(), ["_one", "two"]);
        assert_eq!(accepted.id(), vouchsafe_testkit::LOGOUT_ID);
        assert_eq!(accepted.issuer().as_str(), OKTA_ENTITY_ID);
        assert_eq!(accepted.connection().as_str(), "acme");
        assert_eq!(accepted.issued_at(), vouchsafe_testkit::ISSUE_INSTANT);
        let rules: Vec<_> = accepted.ledger().checks().iter().map(|check| check.rule()).collect();
        for rule in [
            "message.root",
            "message.claimed_issuer",
            "message.unique_ids",
            "message.structure",
            "message.issue_instant",
            "message.destination",
            "message.issuer",
            "message.not_on_or_after",
            "message.name_id",
            "message.first_use",
        ] {
            assert!(rules.contains(&rule), "{rule} is not in {rules:?}");
        }
        assert!(!format!("{accepted:?}{}", accepted.ledger()).contains("ada@"));
    }
    let all = IdentityProvider::okta().logout_request();
    let Ok(Message::LogoutRequest(all)) = address.by_post(&all) else { panic!("refused") };
    assert!(all.session_indexes().is_empty());
}

#[test]
fn an_answer_tells_what_became_of_the_logout() {
    let address = address().answering("_request");
    let top = |code: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
    let cases = [
        (vec![top("Success")], LogoutOutcome::Complete),
        (vec![top("Success"), top("PartialLogout")], LogoutOutcome::Partial),
        (vec![top("Responder"), top("PartialLogout")], LogoutOutcome::Partial),
        (vec![top("Responder")], LogoutOutcome::Failed),
        (vec![top("Requester"), top("UnknownPrincipal")], LogoutOutcome::Failed),
        (vec!["Success".to_owned()], LogoutOutcome::Failed),
    ];
    for (codes, expected) in cases {
        let answer = IdentityProvider::okta().logout_response("_request").status(codes.clone());
        for outcome in [address.by_post(&answer), address.by_redirect(&answer), address.by_soap(&answer)] {
            let Message::LogoutResponse(answer) = outcome.unwrap() else { panic!("another message") };
            assert_eq!(answer.logout_outcome(), expected, "{codes:?}");
            assert_eq!(answer.in_response_to(), "_request");
            assert_eq!(answer.codes().collect::<Vec<_>>(), codes);
        }
    }
}

#[test]
fn the_name_may_be_encrypted_to_any_of_several_keys() {
    let mut address = address();
    let other =
        vouchsafe_testkit::KeyPair::generate(vouchsafe_crypto::KeyKind::Rsa { bits: 2048 }, "the key before")
            .unwrap();
    let ours = keys::service_provider();
    address.trust =
        address.trust.with_own_decryption_keys(vec![other.private_key().clone(), ours.private_key().clone()]);
    for recipient in [other.certificate(), ours.certificate()] {
        let request = IdentityProvider::okta().logout_request().encrypt(Encryption::to(recipient));
        for outcome in [address.by_post(&request), address.by_redirect(&request), address.by_soap(&request)] {
            let Message::LogoutRequest(accepted) = outcome.unwrap() else { panic!("another message") };
            assert_eq!(accepted.name_id().value(), "ada@example.com");
        }
    }
    let stranger = keys::other_identity_provider().certificate();
    let request = IdentityProvider::okta().logout_request().encrypt(Encryption::to(stranger));
    assert!(code(address.by_post(&request)).starts_with("encryption."));
}

#[test]
fn a_name_is_changed_or_ended() {
    let address = address();
    let samlp = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
    let request = IdentityProvider::okta().logout_request().element("ManageNameIDRequest");
    let new = request.clone().raw(format!("<samlp:NewID {samlp}>countess</samlp:NewID>"));
    let Ok(Message::ManageNameIdRequest(changed)) = address.by_redirect(&new) else { panic!("refused") };
    assert_eq!(*changed.change(), NameIdChange::New("countess".to_owned()));
    assert!(!format!("{changed:?}{:?}{}", changed.change(), changed.ledger()).contains("countess"));
    let ended = request.clone().raw(format!("<samlp:Terminate {samlp}/>"));
    let Ok(Message::ManageNameIdRequest(ended)) = address.by_soap(&ended) else { panic!("refused") };
    assert_eq!(*ended.change(), NameIdChange::Terminate);
    let empty = request.clone().raw(format!("<samlp:NewID {samlp}/>"));
    assert_eq!(code(address.by_post(&empty)), "message.name_id");
    let long = request.clone().raw(format!("<samlp:NewID {samlp}>{}</samlp:NewID>", "x".repeat(257)));
    assert_eq!(code(address.by_post(&long)), "message.name_id");
    assert_eq!(code(address.by_post(&request)), "assertion.schema", "nothing becomes of it");

    let answer = IdentityProvider::okta().logout_response("_request").element("ManageNameIDResponse");
    let outcome = super::address().answering("_request").by_soap(&answer).unwrap();
    assert!(matches!(outcome, Message::ManageNameIdResponse(answer) if answer.is_success()));
}

/// The Response inside becomes a document of its own, with the namespaces that were bound around it. Its ledger
/// begins with that of the outer message.
#[test]
fn an_artifact_response_gives_out_its_response() {
    let address = address().answering("_request");
    let response = IdentityProvider::okta().response().in_response_to("_request").issue().unwrap();
    let inner = response.xml().split_once("?>").unwrap().1;
    let resolved = IdentityProvider::okta()
        .logout_response("_request")
        .element("ArtifactResponse")
        .destination(None)
        .raw(inner);
    let Ok(Message::ArtifactResponse(resolved)) = address.by_soap(&resolved) else { panic!("refused") };
    let receiver = crate::common::okta(super::NOW);
    let claimed = resolved.into_response(&address.limits).unwrap().claimed;
    let login = receiver.judge(claimed).unwrap();
    for rule in ["message.signature", "message.in_response_to", "response.root", "assertion.signature"] {
        assert!(login.ledger().check(rule).is_some(), "{rule} is not in {}", login.ledger());
    }

    let nothing = IdentityProvider::okta().logout_response("_request").element("ArtifactResponse");
    assert_eq!(code(address.by_soap(&nothing)), "message.no_response");
}

/// HTTP-POST-SimpleSign: the form is signed, and the message itself has no signature.
#[test]
fn a_signed_form_is_believed() {
    let address = address();
    let request = IdentityProvider::okta().logout_request();
    let key = keys::identity_provider().private_key();
    let algorithm = Signer::algorithm_for(key);
    let signed = |state| {
        let xml = request.xml().unwrap();
        let form = UnsignedForm { parameter: MessageParameter::Request, message: &xml, relay_state: state };
        sign_form(&form, algorithm, key, keys::provider()).unwrap()
    };
    let fields = |form: &vouchsafe_signature::SignedForm| -> Vec<(String, String)> {
        form.fields().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let form = fields(&signed(Some("state")));
    let claimed = ClaimedMessage::in_form(form.clone(), &address.limits).unwrap();
    assert_eq!((claimed.carriage(), claimed.relay_state()), (Carriage::SimpleSign, Some("state")));
    assert!(address.receive(Ok(claimed)).is_ok());
    let mut other_state = form.clone();
    other_state[1].1 = "other".to_owned();
    let claimed = ClaimedMessage::in_form(other_state, &address.limits);
    assert_eq!(code(address.receive(claimed)), "signature.not_verified");
    let twice = [form.clone(), form].concat();
    assert_eq!(code(ClaimedMessage::in_form(twice, &address.limits)), "message.encoding");
}

#[test]
fn what_is_claimed_serves_look_ups() {
    let address = address();
    let answer = IdentityProvider::okta().logout_response("_request");
    let claimed =
        ClaimedMessage::in_query(&answer.to_query(Some("state")).unwrap(), &address.limits).unwrap();
    assert_eq!(claimed.kind(), MessageKind::LogoutResponse);
    assert_eq!(claimed.carriage(), Carriage::Redirect);
    assert_eq!(claimed.issuer().map(|issuer| issuer.as_str()), Some(OKTA_ENTITY_ID));
    assert_eq!((claimed.in_response_to(), claimed.relay_state()), (Some("_request"), Some("state")));
    assert!(claimed.require_kind(&[MessageKind::LogoutResponse]).is_ok());
    assert_eq!(code(claimed.require_kind(&[MessageKind::LogoutRequest])), "message.kind");
    assert!(format!("{claimed:?}").contains(OKTA_ENTITY_ID));
}

/// A request is not an answer, and a message in the wrong field is refused before its signature is verified.
#[test]
fn a_message_stands_in_its_own_field() {
    let address = address();
    let request = IdentityProvider::okta().logout_request().signed().unwrap();
    assert_eq!(code(address.posted_in(MessageParameter::Response, &request)), "message.parameter");
    let answer = IdentityProvider::okta().logout_response("_1").signed().unwrap();
    assert_eq!(code(address.posted_in(MessageParameter::Request, &answer)), "message.parameter");
    let response = IdentityProvider::okta().response().issue().unwrap();
    assert_eq!(code(address.posted_in(MessageParameter::Response, response.xml())), "message.not_a_message");
    let deflated = logout::query("SAMLResponse", &request, None);
    assert_eq!(code(ClaimedMessage::in_query(&deflated, &address.limits)), "message.parameter");
}

/// Among several connections with one identity provider, the key that signed decides, over each binding.
#[test]
fn the_key_chooses_the_connection() {
    let address = address();
    let provider = Provider::rustcrypto();
    let trusting = |name: &str, key: &vouchsafe_testkit::KeyPair| {
        let metadata = IdentityProvider::okta().with_key(key).metadata().unwrap();
        let trusted = Trusted::from_metadata(metadata.as_bytes()).unwrap();
        Trust::new(ConnectionId::new(name).unwrap(), &trusted, &provider).unwrap()
    };
    let (one, two) = (keys::identity_provider(), keys::other_identity_provider());
    let trusts = [trusting("one", one), trusting("two", two)];
    let candidates: Vec<&Trust> = trusts.iter().collect();
    let twins = [trusting("one", one), trusting("twin", one)];
    let twins: Vec<&Trust> = twins.iter().collect();
    for (key, expected) in [(one, "one"), (two, "two")] {
        let request = IdentityProvider::okta().logout_request().key(key);
        let claims = [
            address.posted(&request.signed().unwrap()),
            ClaimedMessage::in_query(&request.to_query(None).unwrap(), &address.limits),
            ClaimedMessage::in_soap(request.to_soap().unwrap().as_bytes(), &address.limits),
        ];
        for claimed in claims {
            let claimed = claimed.unwrap();
            let chosen = choose_for_message(&claimed, &candidates, &address.limits).unwrap();
            assert_eq!(chosen.connection().as_str(), expected);
            let shared = choose_for_message(&claimed, &twins, &address.limits).map(|_| ());
            let expected = if key.certificate() == one.certificate() {
                "assertion.connection_ambiguous"
            } else {
                "signature.not_verified"
            };
            assert_eq!(code(shared), expected);
        }
    }
    let nobody = IdentityProvider::okta().logout_request().key(keys::service_provider());
    let claimed = address.posted(&nobody.signed().unwrap()).unwrap();
    assert_eq!(
        code(choose_for_message(&claimed, &candidates, &address.limits).map(|_| ())),
        "signature.not_verified"
    );
    let unsigned = address.posted(&nobody.xml().unwrap()).unwrap();
    assert_eq!(
        code(choose_for_message(&unsigned, &candidates, &address.limits).map(|_| ())),
        "message.unsigned"
    );
    assert_eq!(
        code(choose_for_message(&claimed, &[], &address.limits).map(|_| ())),
        "assertion.unknown_issuer"
    );
    let many: Vec<&Trust> = std::iter::repeat_n(candidates[0], 17).collect();
    assert_eq!(
        code(choose_for_message(&claimed, &many, &address.limits).map(|_| ())),
        "signature.not_verified"
    );
}

/// A key that no other candidate has.
fn new_keys(count: usize) -> Vec<KeyPair> {
    (0..count).map(|_| KeyPair::generate(KeyKind::P256, "idp.example").unwrap()).collect()
}

fn trusting(name: &str, keys: &[KeyPair], provider: &Provider) -> Trust {
    let (first, more) = keys.split_first().unwrap();
    let published = more.iter().fold(IdentityProvider::okta().with_key(first), |published, key| {
        published.with_next_certificate(key.certificate())
    });
    let trusted = Trusted::from_metadata(published.metadata().unwrap().as_bytes()).unwrap();
    Trust::new(ConnectionId::new(name).unwrap(), &trusted, provider).unwrap()
}

/// Connections of others do not hide the one that signed, however many they are and whatever keys they have. A key of
/// several candidates is tried once.
#[test]
fn each_candidate_has_keys_of_its_own_that_are_tried() {
    let address = address();
    let counted = Counted::new();
    let provider = counted.provider();
    let (theirs, own) = (new_keys(8), new_keys(3));
    let mut trusts: Vec<Trust> =
        (0..30).map(|number| trusting(&format!("other-{number}"), &theirs, &provider)).collect();
    trusts.push(trusting("victim", &own, &provider));
    let candidates: Vec<&Trust> = trusts.iter().collect();
    let request = IdentityProvider::okta().logout_request().key(&own[2]);
    for claimed in [
        address.posted(&request.signed().unwrap()),
        ClaimedMessage::in_query(&request.to_query(None).unwrap(), &address.limits),
        ClaimedMessage::in_soap(request.to_soap().unwrap().as_bytes(), &address.limits),
    ] {
        let before = counted.public_key_operations();
        let owners = owners_of_message(&claimed.unwrap(), &candidates, &address.limits).unwrap();
        let names: Vec<&str> = owners.iter().map(|owner| owner.connection().as_str()).collect();
        assert_eq!(names, ["victim"]);
        assert_eq!(counted.public_key_operations() - before, theirs.len() + own.len());
    }
}

/// All candidates with the key are found. The work for one candidate is limited: among many, eight keys of it are tried.
#[test]
fn the_keys_that_are_tried_of_one_candidate_are_limited() {
    let address = address();
    let counted = Counted::new();
    let provider = counted.provider();
    let many = new_keys(9);
    let others: Vec<Trust> =
        (0..4).map(|number| trusting(&format!("other-{number}"), &new_keys(1), &provider)).collect();
    let [victim, copy] = ["victim", "copy"].map(|name| trusting(name, &many, &provider));
    let candidates: Vec<&Trust> = [&victim].into_iter().chain(&others).collect();
    let found = |candidates: &[&Trust], key: &KeyPair| {
        let request = IdentityProvider::okta().logout_request().key(key);
        let claimed = address.posted(&request.signed().unwrap()).unwrap();
        let owners = owners_of_message(&claimed, candidates, &address.limits);
        owners.map(|owners| owners.iter().map(|owner| owner.connection().to_string()).collect::<Vec<_>>())
    };
    assert_eq!(found(&candidates, &many[7]).unwrap(), ["victim"]);
    let before = counted.public_key_operations();
    assert_eq!(code(found(&candidates, &many[8]).map(|_| ())), "signature.not_verified");
    assert_eq!(counted.public_key_operations() - before, 8 + others.len());
    // Few candidates share what a message may cost, and each of them has more.
    assert_eq!(found(&[&others[0], &victim], &many[8]).unwrap(), ["victim"]);
    assert_eq!(found(&[&copy, &others[0], &victim], &many[0]).unwrap(), ["copy", "victim"]);
}
