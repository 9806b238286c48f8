//! Several connections with one identity provider: the key that signed decides.

use vouchsafe_assertion::{
    Claimed, ConnectionId, MOST_CANDIDATES, Trust, authenticate, choose, owners_of_response,
};
use vouchsafe_crypto::ContentCipher;
use vouchsafe_metadata::IdentityProvider as Trusted;
use vouchsafe_testkit::{Encryption, IdentityProvider, KeyPair, ResponseBuilder, Signed, keys};

use crate::common::{Receiver, good, okta};

const NOW: &str = "2026-01-01T00:01:00Z";

/// A connection to Okta's entity ID with these keys.
fn trust(name: &str, pairs: &[&KeyPair], receiver: &Receiver) -> Trust {
    let metadata = IdentityProvider::okta().with_key(pairs[0]).metadata().unwrap();
    let one = Trusted::from_metadata(metadata.as_bytes()).unwrap();
    let one =
        pairs.iter().skip(1).fold(one, |one, pair| one.with_signing_certificate(pair.certificate().clone()));
    Trust::new(ConnectionId::new(name).unwrap(), &one, &receiver.provider)
        .unwrap()
        .with_decryption_keys(receiver.keys.clone())
}

/// The code of the refusal, or the name of the connection that the login is over.
fn over(response: ResponseBuilder, candidates: &[&Trust], receiver: &Receiver) -> String {
    let issued = response.issue().unwrap();
    let claimed = Claimed::parse(issued.xml().as_bytes(), &receiver.limits).unwrap();
    let outcome = choose(&claimed, candidates, &receiver.limits).and_then(|trust| {
        let valid = authenticate(claimed, trust, &receiver.limits)?
            .read()?
            .validate(&receiver.expectations, receiver.now)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    });
    match outcome {
        Ok(login) => login.connection().to_string(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn the_key_that_signed_names_the_connection() {
    let receiver = okta(NOW);
    let rsa = trust("rsa", &[keys::identity_provider()], &receiver);
    let p256 = trust("p256", &[keys::identity_provider_p256()], &receiver);
    let both = [&rsa, &p256];
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        let by = |pair| good(|r| r).sign(signed).key(pair);
        assert_eq!(over(by(keys::identity_provider()), &both, &receiver), "rsa");
        assert_eq!(over(by(keys::identity_provider_p256()), &both, &receiver), "p256");
        assert_eq!(over(by(keys::attacker()), &both, &receiver), "signature.not_verified");
    }
    assert_eq!(over(good(|r| r).sign(Signed::Neither), &both, &receiver), "assertion.unsigned");
    assert_eq!(over(good(|r| r), &[], &receiver), "assertion.unknown_issuer");
}

#[test]
fn a_key_of_two_connections_names_neither() {
    let receiver = okta(NOW);
    let first = trust("first", &[keys::identity_provider()], &receiver);
    let second = trust("second", &[keys::identity_provider_p256(), keys::identity_provider()], &receiver);
    let ambiguous = "assertion.connection_ambiguous";
    assert_eq!(over(good(|r| r), &[&first, &second], &receiver), ambiguous);
    assert_eq!(over(good(|r| r), &[&second, &first], &receiver), ambiguous);
    assert_eq!(over(good(|r| r), &[&first], &receiver), "first");
    let own = good(|r| r).key(keys::identity_provider_p256());
    assert_eq!(over(own, &[&first, &second], &receiver), "second");
}

/// With one candidate more, the choice is refused, even if the key would identify one connection.
#[test]
fn only_so_many_connections_are_told_apart() {
    let receiver = okta(NOW);
    let own = trust("own", &[keys::identity_provider()], &receiver);
    let other = trust("other", &[keys::identity_provider_p256()], &receiver);
    let most: Vec<&Trust> =
        std::iter::repeat_n(&other, MOST_CANDIDATES - 1).chain(std::iter::once(&own)).collect();
    assert_eq!(over(good(|r| r), &most, &receiver), "own");
    let more: Vec<&Trust> = std::iter::once(&other).chain(most).collect();
    assert_eq!(over(good(|r| r), &more, &receiver), "assertion.connection_ambiguous");
}

/// If two connections' keys sign the Response and the Assertion, one connection must have both keys, or nobody is
/// signed in.
#[test]
fn every_signature_is_by_the_connection_that_was_named() {
    let receiver = okta(NOW);
    let rsa = trust("rsa", &[keys::identity_provider()], &receiver);
    let p256 = trust("p256", &[keys::identity_provider_p256()], &receiver);
    let mixed = good(|r| r).key(keys::identity_provider()).assertion_key(keys::identity_provider_p256());
    let code = over(mixed, &[&rsa, &p256], &receiver);
    assert!(code.starts_with("signature."), "{code}");
}

#[test]
fn a_signature_inside_ciphertext_names_no_connection() {
    let receiver = okta(NOW);
    let rsa = trust("rsa", &[keys::identity_provider()], &receiver);
    let p256 = trust("p256", &[keys::identity_provider_p256()], &receiver);
    let sealed = |signed| {
        let to = Encryption::to(keys::service_provider().certificate()).cipher(ContentCipher::Aes256Gcm);
        good(|r| r).sign(signed).encrypt(to)
    };
    assert_eq!(over(sealed(Signed::Assertion), &[&rsa, &p256], &receiver), "assertion.connection_ambiguous");
    assert_eq!(over(sealed(Signed::Assertion), &[&rsa], &receiver), "rsa");
    assert_eq!(over(sealed(Signed::Response), &[&rsa, &p256], &receiver), "rsa");
}

/// A connection cannot make more keys be tried than the limits allow, however few candidates there are.
#[test]
fn no_more_keys_are_tried_than_the_limits_allow() {
    let mut receiver = okta(NOW);
    let second = trust("second", &[keys::attacker(), keys::identity_provider()], &receiver);
    let other = trust("other", &[keys::identity_provider_p256()], &receiver);
    for (operations, expected) in
        [(4, "second"), (1, "signature.not_verified"), (0, "signature.not_verified")]
    {
        receiver.limits = receiver.limits.clone().with_public_key_operations(operations);
        let issued = good(|r| r).issue().unwrap();
        let claimed = Claimed::parse(issued.xml().as_bytes(), &receiver.limits).unwrap();
        let chosen = choose(&claimed, &[&second, &other], &receiver.limits);
        let outcome = chosen.map(|trust| trust.connection().to_string());
        assert_eq!(outcome.unwrap_or_else(|refusal| refusal.code().to_owned()), expected, "{operations}");
    }
}

/// An identity provider that signed nobody in is told as such, whoever the candidates are.
#[test]
fn the_status_is_told_before_a_connection_is_searched() {
    let receiver = okta(NOW);
    let one = trust("one", &[keys::attacker()], &receiver);
    let failure = good(|r| r.status(["urn:oasis:names:tc:SAML:2.0:status:Responder"]));
    let issued = failure.issue().unwrap();
    let claimed = Claimed::parse(issued.xml().as_bytes(), &receiver.limits).unwrap();
    for candidates in [&[][..], &[&one], &[&one, &one]] {
        let chosen = choose(&claimed, candidates, &receiver.limits).unwrap_err();
        let owners = owners_of_response(&claimed, candidates, &receiver.limits).unwrap_err();
        assert_eq!([chosen.code(), owners.code()], ["assertion.status"; 2]);
    }
}
