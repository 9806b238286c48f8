//! Rules about the Assertion itself: saml-core-2.0-os 2.3.3, saml-profiles-2.0-os 4.1.4.2.

use crate::envelope::VERSION;
use crate::error::AssertionError;
use crate::facts::AssertionFacts;
use crate::rules::{Case, Judgement, Rule};

pub(super) const RULES: &[Rule<AssertionFacts>] = &[
    Rule::new("assertion.version", "saml-core-2.0-os 2.3.3", version),
    Rule::new("assertion.issue_instant", "saml-core-2.0-os 2.3.3", issue_instant),
    Rule::new(
        "assertion.issued_after",
        "saml-core-2.0-os 2.3.3, saml-profiles-2.0-os 4.1.4.2",
        issued_after_request,
    ),
    Rule::new("assertion.issuer", "saml-profiles-2.0-os 4.1.4.2", issuer),
];

/// The version must be 2.0.
fn version(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    is_version_2("Assertion", &assertion.version)
}

/// The issue time must not be in the future, and not longer ago than the configured maximum.
fn issue_instant(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    super::issue_instant(case, "Assertion", &assertion.issue_instant)
}

/// The assertion must not be issued before the outstanding request.
fn issued_after_request(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    super::issued_after_request(case, "Assertion", &assertion.issue_instant)
}

/// The issuer must be the identity provider whose key signed, since one customer's identity provider must not speak
/// for another's.
fn issuer(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    super::issuer(case, "Assertion", assertion.issuer.as_ref())
}

pub(super) fn is_version_2(element: &'static str, actual: &str) -> Judgement {
    if actual == VERSION {
        return Judgement::as_expected(VERSION);
    }
    let error = AssertionError::Version { element, actual: actual.to_owned() };
    Judgement::failed(VERSION, actual.to_owned(), error)
}
