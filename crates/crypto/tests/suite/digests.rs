//! Digests: the examples of FIPS 180-4, and digests of pieces compared with digests of the whole.

use super::fixtures::legacy;
use proptest::prelude::*;
use vouchsafe_crypto::DigestAlgorithm;

#[test]
fn abc() {
    let provider = legacy(crate::provider());
    for (algorithm, expected) in [
        (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            DigestAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            DigestAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        let digest = provider.digest(algorithm, b"abc").unwrap();
        assert_eq!(format!("{digest:?}"), format!("DigestValue({expected})"));
        assert_eq!(digest.as_ref().len(), algorithm.length());
        assert!(digest.ct_eq(digest.as_ref()));
        assert!(!digest.ct_eq(&digest.as_ref()[1..]));
    }
}

proptest! {
    #[test]
    fn pieces_are_the_whole(message: Vec<u8>, place: prop::sample::Index) {
        let provider = legacy(crate::provider());
        let (head, tail) = message.split_at(place.index(message.len() + 1));
        for algorithm in DigestAlgorithm::ALL {
            let mut context = provider.digest_context(algorithm).unwrap();
            context.update(head);
            context.update(tail);
            prop_assert_eq!(context.finish(), provider.digest(algorithm, &message).unwrap());
        }
    }
}
