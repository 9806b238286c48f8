//! The answer of a server of the metadata query protocol: what is believed was signed, is about the entity that was asked for, and is no older than
//! what is at hand.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use vouchsafe::EntityId;
use vouchsafe::metadata::{
    FetchedMetadata, Refresh, RefreshSchedule, Refreshed, SpeaksFor, TrustedMetadata, TrustedSource,
    Validators,
};
use vouchsafe::signature::{Signer, sign};
use vouchsafe::xml::{Limits, namespace};
use vouchsafe_testkit::IdentityProvider;

use crate::receive_past_signature::NOW;
use crate::{keys, script};

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let answer = script::document(data, originals());
    let [asked, other] = names();
    let source = || TrustedSource::signed_by(keys::trusted_keys().to_vec(), SpeaksFor::Everybody);
    let untrusted = TrustedSource::signed_by(keys::untrusted_keys().to_vec(), SpeaksFor::Everybody);
    assert!(untrusted.accept(answer.to_vec(), NOW, keys::provider()).is_err(), "an untrusted key accepts");

    let nobody = EntityId::new("https://nobody.example").expect("a name");
    let stranger = source().for_entity(&nobody).accept(answer.to_vec(), NOW, keys::provider());
    assert!(stranger.is_err(), "an answer about others for one that nobody has");
    for name in [asked, other] {
        if let Ok(accepted) = source().for_entity(name).accept(answer.to_vec(), NOW, keys::provider()) {
            is_what_was_signed(&accepted, name);
        }
    }

    // One that is at hand gives way to no older one.
    let [newest, old, ..] = originals();
    let mut refresh = Refresh::new(source().for_entity(asked), RefreshSchedule::default(), NOW);
    let document =
        |bytes: &[u8]| FetchedMetadata::Document { bytes: bytes.to_vec(), validators: Validators::default() };
    let first = refresh.answered(document(newest.as_bytes()), None, keys::provider(), NOW, 0);
    let Ok(Refreshed::First(at_hand)) = first else { panic!("the original is accepted") };
    match refresh.answered(document(&answer), Some(&at_hand), keys::provider(), NOW, 0) {
        Ok(Refreshed::Changed { metadata, .. } | Refreshed::Renewed(metadata)) => {
            is_what_was_signed(&metadata, asked);
            assert_ne!(metadata.bytes(), older(), "an older document takes the place of the newer one");
        }
        Ok(Refreshed::Unchanged) => assert!(answer.as_ref() != old.as_bytes()),
        Ok(_) => panic!("there is one at hand"),
        Err(error) => assert!(error.code().contains('.')),
    }
}

fn is_what_was_signed(accepted: &TrustedMetadata, name: &EntityId) {
    assert!(signed().contains(accepted.bytes()), "accepted bytes that nobody signed");
    let found = accepted.identity_provider(name).expect("the entity that was asked for");
    assert_eq!(found.entity_id(), name);
    assert!(
        accepted.entities().all(|entity| entity.entity_id() == Some(name.as_str())),
        "it speaks for others"
    );
}

fn names() -> &'static [EntityId; 2] {
    static NAMES: LazyLock<[EntityId; 2]> = LazyLock::new(|| {
        [IdentityProvider::okta(), IdentityProvider::other()]
            .map(|one| EntityId::new(one.entity_id()).expect("the test kit's name"))
    });
    &NAMES
}

/// What the federation has signed: the entity that is asked for, an older description of it, another one, and both in one document.
pub fn originals() -> &'static [String; 4] {
    static ORIGINALS: LazyLock<[String; 4]> = LazyLock::new(|| {
        let [okta, other] = [IdentityProvider::okta(), IdentityProvider::other()].map(|one| {
            let metadata = one.metadata().expect("metadata");
            let (_, entity) = metadata.split_at(metadata.find("<md:").unwrap_or_default());
            with_constant_certificates(entity)
        });
        let dated = |entity: &str, year: u16| {
            let attributes = format!("ID=\"_e\" validUntil=\"{year}-01-01T00:00:00Z\" entityID=");
            entity.replacen("entityID=", &attributes, 1)
        };
        let group = format!(
            "<md:EntitiesDescriptor xmlns:md=\"{}\" ID=\"_g\" validUntil=\"2041-01-01T00:00:00Z\">{okta}{other}</md:EntitiesDescriptor>",
            namespace::SAML_METADATA
        );
        [
            (dated(&okta, 2_041), "_e"),
            (dated(&okta, 2_040), "_e"),
            (dated(&other, 2_041), "_e"),
            (group, "_g"),
        ]
        .map(|(xml, id)| {
            let signer = Signer::new(keys::trusted());
            sign(&xml, id, &signer, keys::provider(), &Limits::metadata()).expect("signed")
        })
    });
    &ORIGINALS
}

/// The test kit makes its certificates anew in each process, and the corpus must hold what this process has signed too.
fn with_constant_certificates(entity: &str) -> String {
    let (open, close) = ("<ds:X509Certificate>", "</ds:X509Certificate>");
    let mut pieces = entity.split(open);
    let mut written = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (_, after) = piece.split_once(close).expect("the end of a certificate");
        written.extend([open, CERTIFICATE, close, after]);
    }
    written
}

/// A self-signed certificate with an Ed25519 key that nobody has.
const CERTIFICATE: &str = concat!(
    "MIIBNDCB56ADAgECAhQkt7JPA0QYbgsSIMj/lOtaGz+NCDAFBgMrZXAwDzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjkxNjIw",
    "MDVaGA8yMTI2MTEwNTE2MjAwNVowDzENMAsGA1UEAwwEZnV6ejAqMAUGAytlcAMhABX0Nccb60Ok3/6x2O8BSMa7Vj7GbDY1",
    "9CxoH2OKZ6h/o1MwUTAdBgNVHQ4EFgQUTlqMQzU50VW9NIT8IPY6ZnG8DYgwHwYDVR0jBBgwFoAUTlqMQzU50VW9NIT8IPY6",
    "ZnG8DYgwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQC42e3bAgqNSp/0wtdViMrb2HQrcYlTuC7ZJ27u2y+akElKd+tHgBpZ",
    "rdZH8E0i7WqYFxKa21EzQQz1K+Nwa6wE",
);

/// What they are once they were verified.
fn read(original: &str) -> Vec<u8> {
    let source = TrustedSource::signed_by(keys::trusted_keys().to_vec(), SpeaksFor::Everybody);
    let accepted = source.accept(original, NOW, keys::provider()).expect("the original is accepted");
    accepted.bytes().to_vec()
}

fn signed() -> &'static BTreeSet<Vec<u8>> {
    static SIGNED: LazyLock<BTreeSet<Vec<u8>>> =
        LazyLock::new(|| originals().iter().map(|original| read(original)).collect());
    &SIGNED
}

fn older() -> &'static [u8] {
    static OLDER: LazyLock<Vec<u8>> =
        LazyLock::new(|| read(originals().get(1).expect("the second of the originals")));
    &OLDER
}
