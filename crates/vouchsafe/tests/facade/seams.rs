//! Faults that a careless caller, or another customer, can cause where connections, requests and keys meet.

use vouchsafe::{
    Connection, Expect, IdentityProvider as Trusted, LoginOptions, PendingRequest, PostedResponse,
};
use vouchsafe_testkit::{Encryption, IdentityProvider, KeyPair, Signed, keys};

use crate::common::{Service, accepting, builder, connection, now, posted, trusted};

fn received(
    service: &Service,
    message: &PostedResponse,
    candidates: &[Connection],
    expect: Expect<'_>,
) -> String {
    let claimed = service.saml.open(message.clone()).unwrap();
    let outcome = service.saml.receive(claimed, candidates, expect, now());
    outcome.map_or_else(|refusal| refusal.code().to_owned(), |valid| valid.connection().to_string())
}

fn thief() -> IdentityProvider {
    IdentityProvider::okta().with_key(keys::attacker())
}

/// The metadata of an identity provider with Okta's name and many keys of its own.
fn with_many_keys(count: usize) -> Trusted {
    let many = (0..count).fold(thief(), |thief, number| {
        let kind = vouchsafe::crypto::KeyKind::P256;
        let pair = KeyPair::generate(kind, &format!("key {number}")).unwrap();
        thief.with_next_certificate(pair.certificate())
    });
    trusted(&many)
}

#[test]
fn candidates_that_a_careless_caller_mixed_up_sign_nobody_in_elsewhere() {
    let service = Service::new(builder())
        .with(connection("thief", trusted(&thief())))
        .with(connection("other", trusted(&IdentityProvider::other())));
    let get = |name: &str| service.connections.get(name).unwrap();
    let all = [get("other"), get("thief"), get("okta"), get("okta")];
    let asked = service.asked(LoginOptions::default());
    let reply = |from: IdentityProvider| {
        posted(&from.response().in_response_to(asked.request().request_id()).issue().unwrap())
    };
    let genuine = reply(IdentityProvider::okta());
    // There are too many candidates, wrong ones, or none.
    assert_eq!(received(&service, &genuine, &all[..3], Expect::Reply(&asked)), "okta");
    assert_eq!(received(&service, &genuine, &all[..2], Expect::Reply(&asked)), "assertion.unknown_issuer");
    assert_eq!(received(&service, &genuine, &[], Expect::Reply(&asked)), "assertion.unknown_issuer");
    // The same candidate twice counts as two.
    assert_eq!(received(&service, &genuine, &all, Expect::Reply(&asked)), "assertion.connection_ambiguous");
    // Others cannot answer the request.
    for from in [thief(), IdentityProvider::other()] {
        for candidates in [&all[..3], &all[..2], &all[..1], &all[1..2]] {
            let code = received(&service, &reply(from.clone()), candidates, Expect::Reply(&asked));
            assert!(code.contains('.'), "{code}");
        }
    }
    // Without a request, an answer to one is refused for all candidates.
    for from in [thief(), IdentityProvider::other(), IdentityProvider::okta()] {
        let code = received(&service, &reply(from), &all[..3], Expect::Unsolicited);
        assert_eq!(code, "assertion.in_response_to");
    }
}

#[test]
fn one_name_for_two_connections_believes_no_key_but_those_of_the_one_that_is_used() {
    let service = Service::new(builder());
    let (first, second) =
        (connection("x", trusted(&IdentityProvider::okta())), connection("x", trusted(&thief())));
    let unsolicited = |from: IdentityProvider| posted(&from.response().issue().unwrap());
    for candidates in [[first.clone(), second.clone()], [second, first]] {
        let outcomes = [IdentityProvider::okta(), thief()]
            .map(|from| received(&service, &unsolicited(from), &candidates, Expect::Unsolicited));
        assert!(outcomes.iter().any(|outcome| outcome.starts_with("signature.")), "{outcomes:?}");
    }
}

#[test]
fn many_keys_of_one_customer_leave_another_its_own() {
    let service = Service::new(builder()).with(connection("a-thief", with_many_keys(40)));
    let genuine = posted(&IdentityProvider::okta().response().issue().unwrap());
    let refusal = service.receive(&genuine, Expect::Unsolicited, now());
    assert_eq!(
        refusal.map_or_else(|refusal| refusal.to_string(), |valid| valid.connection().to_string()),
        "okta"
    );
}

#[test]
fn a_trial_that_was_stored_is_still_a_trial() {
    let service = Service::new(builder());
    let started = service.start(LoginOptions::default().trial());
    let json = serde_json::to_string(&started.pending.to_stored()).unwrap();
    let again = PendingRequest::from_stored(serde_json::from_str(&json).unwrap()).unwrap();
    let bound = again.bind(Some(started.binding.reveal()), service.saml.provider()).unwrap();
    let answer = IdentityProvider::okta().response().in_response_to(bound.request().request_id());
    let refusal =
        service.receive(&posted(&answer.issue().unwrap()), Expect::Reply(&bound), now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.trial");
    // Its answer does not count as an unsolicited response either.
    let refusal = service.receive(&posted(&answer.issue().unwrap()), Expect::Unsolicited, now()).unwrap_err();
    assert_eq!(refusal.code(), "assertion.in_response_to");
}

#[test]
fn an_address_that_is_nearly_ours_receives_nothing() {
    let service = Service::new(builder());
    let consumer = vouchsafe_testkit::ASSERTION_CONSUMER;
    for address in [
        format!("{consumer}/"),
        format!("{consumer}?"),
        consumer.replace("app.", "APP."),
        consumer.replace("https", "http"),
        consumer.replace(".com/", ".com:443/"),
        String::new(),
    ] {
        let response = IdentityProvider::okta().response().destination(&address).recipient(&address);
        let claimed = service.saml.open_at(posted(&response.issue().unwrap()), &address).unwrap();
        let okta = [service.connections.get("okta").unwrap()];
        let refusal = service.saml.receive(claimed, &okta, Expect::Unsolicited, now()).unwrap_err();
        assert_eq!(refusal.code(), "assertion.unknown_issuer", "{address}");
    }
}

/// Another customer sends content again, inside a response of its own, that the first customer's identity provider
/// encrypted for the service.
#[test]
fn captured_ciphertext_is_told_to_nobody() {
    let ours = keys::service_provider();
    let service =
        Service::new(builder().decryption_key(ours.private_key().clone(), ours.certificate().clone()))
            .with(connection("other", trusted(&IdentityProvider::other())));
    for signed in [Signed::Both, Signed::Response, Signed::Assertion] {
        let sealed = IdentityProvider::okta()
            .response()
            .name_id("secret-person")
            .sign(signed)
            .encrypt(Encryption::to(ours.certificate()))
            .issue()
            .unwrap();
        let xml = sealed.xml();
        let start = xml.find("<saml2:EncryptedAssertion").unwrap();
        let end = xml.find("</saml2:EncryptedAssertion>").unwrap() + "</saml2:EncryptedAssertion>".len();
        let captured = xml[start..end].replacen(
            "<saml2:EncryptedAssertion",
            "<saml2:EncryptedAssertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
            usize::from(!xml[start..end].contains("xmlns:saml2=")),
        );
        let around = IdentityProvider::other()
            .response()
            .omit(vouchsafe_testkit::Part::Assertion)
            .insert(vouchsafe_testkit::Place::AfterAssertion, captured)
            .sign(Signed::Response)
            .issue()
            .unwrap();
        let claimed = service.saml.open(posted(&around)).unwrap();
        let candidates = service.connections.candidates(&claimed, None);
        let refusal = service.saml.receive(claimed, &candidates, Expect::Unsolicited, now()).unwrap_err();
        let told = format!("{refusal} {refusal:?} {} {}", refusal.hint(), refusal.ledger());
        assert!(refusal.code() != "assertion.assertion_count", "{told}");
        for secret in ["secret-person", vouchsafe_testkit::ASSERTION_ID] {
            assert!(!told.contains(secret), "{told}");
        }
        assert_ne!(refusal.ledger().checks().len(), 0);
    }
}

/// The settings of each connection may contain the service's own address.
#[test]
fn an_address_of_its_own_that_is_the_services_hides_no_other_connection() {
    let shared = || accepting().assertion_consumer(vouchsafe_testkit::ASSERTION_CONSUMER).unwrap();
    let at_shared = |name: &str, identity_provider: &IdentityProvider| {
        connection(name, trusted(identity_provider)).with_settings(shared()).unwrap()
    };
    let genuine = posted(&IdentityProvider::okta().response().issue().unwrap());
    let over = |service: &Service| {
        let outcome = service.receive(&genuine, Expect::Unsolicited, now());
        outcome.map_or_else(|refusal| refusal.code().to_owned(), |valid| valid.connection().to_string())
    };
    let service = Service::new(builder()).with(at_shared("globex", &IdentityProvider::other()));
    assert_eq!(over(&service), "okta");
    // This also holds if it claims the same identity provider.
    let service = service.with(at_shared("a-thief", &thief()));
    assert_eq!(over(&service), "okta");
    // This also holds for many.
    let service = (0..40).fold(service, |service, number| {
        let name = format!("a{number}");
        let other = IdentityProvider::new(format!("urn:{name}"), "https://idp.example/sso", keys::attacker());
        service.with(at_shared(&name, &other))
    });
    assert_eq!(over(&service), "okta");
}
