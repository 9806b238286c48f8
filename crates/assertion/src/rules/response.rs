//! Rules about the Response: saml-core-2.0-os 3.2.2 and 3.3.3, saml-bindings-2.0-os 3.5.5.2, saml-profiles-2.0-os 4.1.4.2.
//!
//! If only the Assertion is signed, all values here are unverified: they can only cause a refusal.

use crate::envelope::{ResponseFacts, STATUS_CLAUSE, STATUS_RULE, SUCCESS};
use crate::error::AssertionError;
use crate::rules::{Case, Judgement, Rule};

/// Status comes first: if it is not Success, that is the reason, whatever else is wrong.
pub(super) const RULES: &[Rule<ResponseFacts>] = &[
    Rule::new(STATUS_RULE, STATUS_CLAUSE, status),
    Rule::new("response.version", "saml-core-2.0-os 3.2.2", version),
    Rule::new("response.issue_instant", "saml-core-2.0-os 3.2.2", issue_instant),
    Rule::new(
        "response.issued_after",
        "saml-core-2.0-os 3.2.2, saml-profiles-2.0-os 4.1.4.2",
        issued_after_request,
    ),
    Rule::new("response.issuer", "saml-profiles-2.0-os 4.1.4.2", issuer),
    Rule::new("response.destination", "saml-bindings-2.0-os 3.5.5.2", destination),
    Rule::new("response.in_response_to", "saml-profiles-2.0-os 4.1.4.2, 4.1.5", in_response_to),
];

/// The top-level status must be Success. Nested codes and the message are recorded.
fn status(_: &Case<'_>, response: &ResponseFacts) -> Judgement {
    let codes = &response.status.codes;
    if response.is_success() && codes.len() == 1 {
        return Judgement::as_expected(SUCCESS);
    }
    let actual = response.status.joined();
    match response.status.refusal() {
        None => Judgement::passed(SUCCESS, actual),
        Some(error) => Judgement::failed(SUCCESS, actual, error),
    }
}

/// The version must be 2.0.
fn version(_: &Case<'_>, response: &ResponseFacts) -> Judgement {
    super::assertion::is_version_2("Response", &response.version)
}

/// The issue time must not be in the future, and not longer ago than the configured maximum.
fn issue_instant(case: &Case<'_>, response: &ResponseFacts) -> Judgement {
    super::issue_instant(case, "Response", &response.issue_instant)
}

/// The response must not be issued before the outstanding request.
fn issued_after_request(case: &Case<'_>, response: &ResponseFacts) -> Judgement {
    super::issued_after_request(case, "Response", &response.issue_instant)
}

/// The issuer must be the identity provider. It may be absent only if the Response is not signed and has no encrypted
/// Assertion.
fn issuer(case: &Case<'_>, response: &ResponseFacts) -> Judgement {
    let may_be_absent = !case.facts.response_is_signed && !case.facts.was_encrypted;
    if response.issuer.is_none() && may_be_absent {
        return Judgement::skipped(case.issuer.as_str().to_owned(), "none");
    }
    super::issuer(case, "Response", response.issuer.as_ref())
}

/// The Destination must equal the address of receipt exactly; an empty one is wrong. A signed Response must have it.
/// In an unsigned Response it may be absent: an attacker could remove a wrong address as well as change it, and the
/// Recipient is signed.
fn destination(case: &Case<'_>, response: &ResponseFacts) -> Judgement {
    let expected = case.expectations.shared_assertion_consumer();
    let actual = response.destination.as_deref();
    match actual {
        Some(actual) if actual == &*expected => Judgement::as_expected(expected),
        None if !case.facts.response_is_signed => Judgement::skipped(expected, "none"),
        _ => {
            let error = AssertionError::Destination {
                expected: expected.to_string(),
                actual: actual.map(str::to_owned),
            };
            Judgement::failed(expected, actual.unwrap_or("none").to_owned(), error)
        }
    }
}

/// The response must name the outstanding request, or none if there is none.
fn in_response_to(case: &Case<'_>, response: &ResponseFacts) -> Judgement {
    super::in_response_to(case, "Response", response.in_response_to.as_deref())
}
