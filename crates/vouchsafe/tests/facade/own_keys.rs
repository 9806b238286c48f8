//! Our own keys while one replaces the other.

use vouchsafe::metadata::Aggregate;
use vouchsafe::{BindingError, Connection, Expect};
use vouchsafe_testkit::{Encryption, IdentityProvider, KeyPair, keys};

use crate::common::{Service, builder, connection, now, posted, trusted};

fn certificates(metadata: &str) -> [usize; 2] {
    let aggregate = Aggregate::read(metadata).unwrap();
    let entity = aggregate.entities().next().unwrap().description().unwrap();
    let role = entity.roles().first().unwrap();
    [role.signing_keys().len(), role.encryption_keys().len()]
}

#[test]
fn the_next_certificate_is_published_beside_the_one_that_signs() {
    let (old, next) = (keys::old_service_provider(), keys::service_provider());
    let both = builder()
        .signing_key(old.private_key().clone(), old.certificate().clone())
        .next_signing_certificate(next.certificate().clone());
    assert_eq!(certificates(&both.build().unwrap().metadata_xml().unwrap()), [2, 0]);
    let without = builder().next_signing_certificate(next.certificate().clone()).build();
    assert!(matches!(without, Err(BindingError::SigningKeyMissing)));
}

/// An identity provider that has not read our new metadata encrypts to a key that is no longer in it.
#[test]
fn a_key_that_is_not_published_opens_all_the_same() {
    let (old, next) = (keys::old_service_provider(), keys::service_provider());
    let to_the_old = Encryption::to(old.certificate());
    let issued = IdentityProvider::okta().response().encrypt(to_the_old).issue().unwrap();
    let only_next = builder().decryption_key(next.private_key().clone(), next.certificate().clone());
    let refused = Service::new(only_next).receive(&posted(&issued), Expect::Unsolicited, now());
    assert!(refused.is_err());

    let both = builder()
        .decryption_key(next.private_key().clone(), next.certificate().clone())
        .unpublished_decryption_key(old.private_key().clone());
    let service = Service::new(both);
    assert_eq!(certificates(&service.saml.metadata_xml().unwrap()), [0, 1]);
    assert!(service.receive(&posted(&issued), Expect::Unsolicited, now()).is_ok());
}

/// As long as the next key is not published, no identity provider encrypts to it, and processes can get it one by one.
#[test]
fn an_own_key_of_a_connection_is_replaced_without_publishing_what_some_process_does_not_have() {
    let (old, next) = (keys::old_service_provider(), keys::other_identity_provider());
    let acme = || connection("other", trusted(&IdentityProvider::other()));
    let opens = |connection: Connection, to: &KeyPair| {
        let ours = keys::service_provider();
        let service =
            Service::new(builder().decryption_key(ours.private_key().clone(), ours.certificate().clone()));
        let response = IdentityProvider::other().response().encrypt(Encryption::to(to.certificate()));
        let message = posted(&response.issue().unwrap());
        let published = service.saml.metadata_xml_for(&connection).unwrap();
        let is_opened = service.with(connection).receive(&message, Expect::Unsolicited, now()).is_ok();
        let flat: String = published.split_whitespace().collect();
        (flat.contains(&vouchsafe::crypto::base64_encode(to.certificate().der())), is_opened)
    };
    let published = |connection: Connection, pair: &KeyPair| {
        connection.with_decryption_key(pair.private_key().clone(), pair.certificate().clone()).unwrap()
    };
    let unpublished = |connection: Connection, pair: &KeyPair| {
        connection.with_unpublished_decryption_key(pair.private_key().clone())
    };
    let ours = keys::service_provider();
    for (connection, to, is_published) in [
        // The first own key is given to every process, and the service's key is still the published one.
        (unpublished(acme(), old), ours, true),
        (unpublished(acme(), old), old, false),
        // The order of the two calls does not matter.
        (unpublished(published(acme(), old), next), old, true),
        (unpublished(published(acme(), old), next), next, false),
        (published(unpublished(acme(), next), old), old, true),
        (published(unpublished(acme(), next), old), next, false),
        // The last step: messages to the old key still arrive.
        (unpublished(published(acme(), next), old), next, true),
        (unpublished(published(acme(), next), old), old, false),
    ] {
        assert_eq!(opens(connection, to), (is_published, true));
    }
    assert_eq!(opens(unpublished(published(acme(), next), old), ours), (false, false));
}
