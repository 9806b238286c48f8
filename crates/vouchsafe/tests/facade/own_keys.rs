//! Our own keys while one replaces the other.

use vouchsafe::metadata::Aggregate;
use vouchsafe::{BindingError, Expect};
use vouchsafe_testkit::{Encryption, IdentityProvider, keys};

use crate::common::{Service, builder, now, posted};

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
