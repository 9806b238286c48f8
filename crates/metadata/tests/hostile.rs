//! Damaged metadata: reading always ends with a value or with an error code, and never panics.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::LazyLock;

use proptest::prelude::*;
use vouchsafe_metadata::{IdentityProvider, MetadataDescription};

static GOOD: LazyLock<String> =
    LazyLock::new(|| vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap());

fn read(metadata: &[u8]) {
    match IdentityProvider::from_metadata(metadata) {
        Ok(found) => assert!(!found.signing_keys().is_empty()),
        Err(error) => {
            assert!(error.code().starts_with("metadata.") || error.code().starts_with("xml."), "{error}");
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
        }
    }
    let _ = MetadataDescription::read(metadata);
}

#[test]
fn the_test_kit_writes_what_reads() {
    assert_eq!(
        IdentityProvider::from_metadata(GOOD.as_bytes()).unwrap().warnings(vouchsafe_testkit::ISSUE_INSTANT),
        []
    );
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn a_piece_replaced(at in any::<prop::sample::Index>(), length in 0_usize..40, piece in "[<>/\"'&;:=a-zA-Z0-9 \\-!\\[\\]]{0,12}") {
        let mut bytes = GOOD.as_bytes().to_vec();
        let begin = at.index(bytes.len());
        let end = begin.saturating_add(length).min(bytes.len());
        bytes.splice(begin..end, piece.bytes());
        read(&bytes);
    }
}
