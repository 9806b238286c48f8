//! What must hold for every input, whatever its bytes: one module a target, with a function `check` that panics if its
//! property does not hold.
//!
//! The binaries in `fuzz/fuzz_targets` feed these functions with what libFuzzer thinks up; the test `replay` of this
//! package feeds them on stable with everything that was ever found, and with the [`seeds`].
//!
//! What the targets share: [`keys`] that are the same in each process, so that a signed input stays signed; a
//! [`backend`] that believes every signature; [`script`]s, by which a few bytes rearrange a signed document; a
//! [`generator`] of documents.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a property that does not hold is a panic: that is how a fuzzer is told"
)]

pub mod aggregate_index;
pub mod artifact;
pub mod backend;
pub mod base64_form;
pub mod c14n_idempotent;
pub mod decrypt;
pub mod doctor;
pub mod field_content;
pub mod generator;
pub mod keys;
pub mod logout_request;
pub mod mdq_answer;
mod message_recheck;
mod message_seeds;
pub mod metadata_parse;
mod quick;
pub mod receive_past_signature;
mod recheck;
pub mod redirect_query;
pub mod scim_filter;
pub mod scim_patch;
pub mod script;
pub mod seeds;
pub mod signature_locate;
pub mod soap;
mod time;
pub mod verify_roundtrip;
pub mod xml_parse;

use vouchsafe::xml::{Canonicalization, Limits, XmlError};

/// A fuzz target: its name, its property, its seeds.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The name of the module, of the binary, and of the folders `corpus/NAME` and `regressions/NAME`.
    pub name: &'static str,
    /// Panics if the property does not hold.
    pub check: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 18] = [
    Target { name: "aggregate_index", check: aggregate_index::check, seeds: seeds::aggregates },
    Target { name: "artifact", check: artifact::check, seeds: message_seeds::artifact },
    Target { name: "base64_form", check: base64_form::check, seeds: seeds::base64_form },
    Target { name: "c14n_idempotent", check: c14n_idempotent::check, seeds: seeds::documents },
    Target { name: "decrypt", check: decrypt::check, seeds: seeds::decrypt },
    Target { name: "doctor", check: doctor::check, seeds: seeds::doctor },
    Target { name: "field_content", check: field_content::check, seeds: seeds::field_content },
    Target { name: "logout_request", check: logout_request::check, seeds: message_seeds::logout_request },
    Target { name: "mdq_answer", check: mdq_answer::check, seeds: seeds::mdq_answer },
    Target { name: "metadata_parse", check: metadata_parse::check, seeds: seeds::metadata },
    Target {
        name: "receive_past_signature",
        check: receive_past_signature::check,
        seeds: seeds::receive_past_signature,
    },
    Target { name: "redirect_query", check: redirect_query::check, seeds: seeds::redirect_query },
    Target { name: "scim_filter", check: scim_filter::check, seeds: scim_filter::seeds },
    Target { name: "scim_patch", check: scim_patch::check, seeds: scim_patch::seeds },
    Target { name: "signature_locate", check: signature_locate::check, seeds: seeds::signature_locate },
    Target { name: "soap", check: soap::check, seeds: message_seeds::soap },
    Target { name: "verify_roundtrip", check: verify_roundtrip::check, seeds: seeds::generated },
    Target { name: "xml_parse", check: xml_parse::check, seeds: seeds::documents },
];

/// The six canonicalizations.
pub const METHODS: [Canonicalization; 6] = [
    Canonicalization::EXCLUSIVE,
    Canonicalization::EXCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE,
    Canonicalization::INCLUSIVE_WITH_COMMENTS,
    Canonicalization::INCLUSIVE_11,
    Canonicalization::INCLUSIVE_11_WITH_COMMENTS,
];

/// Prefix lists of exclusive canonicalization.
pub const PREFIX_LISTS: [&[&str]; 5] =
    [&[], &["xs"], &["#default"], &["p", "", "ds", "missing"], &["saml2", "xml"]];

/// Whether a canonical form could be written; the only reason why not is that it is too large.
pub(crate) fn written(outcome: Result<(), XmlError>) -> bool {
    outcome
        .inspect_err(|error| {
            assert!(
                matches!(error, XmlError::Limit { limit: "canonical_bytes_factor", .. }),
                "canonicalization failed with {error:?}"
            );
        })
        .is_ok()
}

/// For what is read again: canonical bytes can be longer and declare more than what they were made of.
#[must_use]
pub fn ample() -> Limits {
    let most = 1 << 30;
    Limits::default()
        .with_input_bytes(most)
        .with_depth(most)
        .with_nodes(most)
        .with_attributes_per_element(most)
        .with_namespaces_in_scope(most)
        .with_name_bytes(most)
        .with_value_bytes(most)
        .with_canonical_bytes_factor(most)
}
