//! Rules about the Subject and its confirmation: saml-core-2.0-os 2.4, saml-profiles-2.0-os 4.1.4.2 and 4.1.4.3.

use crate::error::AssertionError;
use crate::facts::{AssertionFacts, BEARER, Confirmation};
use crate::ledger_text::Bound;
use crate::name_id::NameId;
use crate::requested_name::{NameMismatch, difference, known_format};
use crate::rules::{Case, Examination, Judgement, Rule, well_formed};

const RULES: &[Rule<AssertionFacts>] = &[
    Rule::new("subject.name_id", "saml-core-2.0-os 2.4.1", name_id),
    Rule::new("subject.requested", "saml-core-2.0-os 3.3.4, 3.4.1", requested),
    Rule::new("subject.name_id_policy", "saml-core-2.0-os 3.4.1.1", name_id_policy),
    Rule::new("subject.bearer", "saml-profiles-2.0-os 4.1.4.2", bearer),
];

/// The rules for each bearer confirmation. One confirmation must meet all of them.
const CONFIRMATION_RULES: &[Rule<Confirmation>] = &[
    Rule::new("subject.recipient", "saml-profiles-2.0-os 4.1.4.3", recipient),
    Rule::new("subject.not_before", "saml-profiles-2.0-os 4.1.4.2", not_before),
    Rule::new("subject.not_on_or_after", "saml-profiles-2.0-os 4.1.4.3", not_on_or_after),
    Rule::new("subject.in_response_to", "saml-profiles-2.0-os 4.1.4.3", in_response_to),
];

pub(super) fn examine(case: &Case<'_>, examination: &mut Examination) {
    examination.all(RULES, case, &case.facts.assertion);
    examination.one_of(CONFIRMATION_RULES, case, bearers(&case.facts.assertion));
}

/// Returns the bearer confirmations, in their order.
pub(crate) fn bearers(assertion: &AssertionFacts) -> impl Iterator<Item = &Confirmation> {
    assertion
        .subject
        .iter()
        .flat_map(|subject| &subject.confirmations)
        .filter(|confirmation| confirmation.method == BEARER)
}

/// The name identifier, if there is one, must identify somebody. It may be absent (SAML2int SDP-SP13).
fn name_id(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    const EXPECTED: &str = "a NameID that is not empty, or none";
    let Some(subject) = &assertion.subject else {
        let error = AssertionError::Malformed {
            place: "Assertion/Subject",
            expected: "one",
            actual: "none".to_owned(),
        };
        return Judgement::failed("a Subject", "none", error);
    };
    if subject.has_base_id {
        let error = AssertionError::NameId { reason: "a BaseID, whose type is not understood" };
        return Judgement::failed(EXPECTED, "BaseID", error);
    }
    match &subject.name_id {
        None => Judgement::skipped(EXPECTED, "none"),
        Some(name_id) if name_id.value().trim().is_empty() => {
            Judgement::failed(EXPECTED, "empty", AssertionError::NameId { reason: "it is empty" })
        }
        Some(name_id) if name_id.is_overlong() => {
            let length = format!("{} characters", name_id.value().chars().count());
            let error =
                AssertionError::NameId { reason: "an opaque identifier is longer than 256 characters" };
            Judgement::failed("at most 256 characters in a persistent or transient identifier", length, error)
        }
        // A logout request could not contain it.
        Some(name_id) if name_id.has_long_text() => {
            let reason = "it or one of its attributes is longer than 1,024 characters";
            Judgement::failed("at most 1,024 characters", "more", AssertionError::NameId { reason })
        }
        Some(name_id) => Judgement::passed(EXPECTED, name_id.value().to_owned()).personal(),
    }
}

/// The subject must be the requested person, if the request named one.
fn requested(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    const EXPECTED: &str = "the person whom the request asked for";
    let Some(asked) = case.expectations.requested_name().subject() else {
        return Judgement::skipped("anybody", "nobody was asked for");
    };
    let ends = (case.issuer.as_str(), case.expectations.entity_id().as_str());
    match difference(asked, named(assertion), ends) {
        None => Judgement::as_expected(EXPECTED),
        Some(part) => Judgement::failed(EXPECTED, part, NameMismatch::Subject { part }.into()),
    }
}

/// The name must be of the kind that the NameIDPolicy of the request asked for, if there was one.
fn name_id_policy(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    let asked = case.expectations.requested_name();
    let name = named(assertion);
    let format = name.map(|name| known_format(name.format()));
    // A name without a qualifier for another service provider belongs to us.
    let own = case.expectations.entity_id().as_str();
    let qualifier = name.map(|name| name.sp_name_qualifier().unwrap_or(own));
    let wanted =
        [("Format", asked.format(), format), ("SPNameQualifier", asked.sp_name_qualifier(), qualifier)];
    let shown =
        |attribute: &str, value: Option<&str>| format!("{attribute} {}", value.unwrap_or("of no name"));
    let mut expected = Vec::new();
    for (attribute, asked, actual) in wanted {
        let Some(asked) = asked else { continue };
        if actual != Some(asked) {
            let error = NameMismatch::Policy {
                attribute,
                expected: asked.to_owned(),
                actual: actual.map(str::to_owned),
            };
            let (expected, actual) = (shown(attribute, Some(asked)), shown(attribute, actual));
            return Judgement::failed(expected, actual, error.into());
        }
        expected.push(shown(attribute, Some(asked)));
    }
    match expected.is_empty() {
        true => Judgement::skipped("any", format.map_or_else(|| "none".to_owned(), str::to_owned)),
        false => Judgement::as_expected(expected.join(", ")),
    }
}

fn named(assertion: &AssertionFacts) -> Option<&NameId> {
    assertion.subject.as_ref().and_then(|subject| subject.name_id.as_ref())
}

/// At least one confirmation must be a bearer confirmation.
fn bearer(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    if bearers(assertion).next().is_some() {
        return Judgement::passed(BEARER, BEARER);
    }
    let methods: Vec<&str> = assertion
        .subject
        .iter()
        .flat_map(|subject| &subject.confirmations)
        .map(|confirmation| &*confirmation.method)
        .collect();
    let actual = if methods.is_empty() { "none".to_owned() } else { methods.join(", ") };
    Judgement::failed(BEARER, actual.clone(), AssertionError::NoBearer { actual })
}

/// The Recipient is required and must equal the address of receipt exactly.
fn recipient(case: &Case<'_>, confirmation: &Confirmation) -> Judgement {
    let expected = case.expectations.shared_assertion_consumer();
    let actual = confirmation.data.as_ref().and_then(|data| data.recipient.as_ref());
    if actual.is_some_and(|actual| **actual == *expected) {
        return Judgement::as_expected(expected);
    }
    let actual = actual.cloned();
    let shown = actual.clone().unwrap_or_else(|| "none".to_owned());
    let error = AssertionError::Recipient { expected: expected.to_string(), actual };
    Judgement::failed(expected, shown, error)
}

/// A NotBefore is forbidden in a bearer confirmation. If it is tolerated for an identity provider, it must satisfy
/// `now + skew >= NotBefore` and be earlier than the end, since the skew at both ends would make an inverted time of
/// validity usable.
fn not_before(case: &Case<'_>, confirmation: &Confirmation) -> Judgement {
    let data = confirmation.data.as_ref();
    let Some(moment) = data.and_then(|data| data.not_before.as_ref()) else {
        return Judgement::passed("none", "none");
    };
    if !case.tolerates_confirmation_not_before {
        let error = AssertionError::ConfirmationNotBefore { actual: moment.text() };
        return Judgement::failed("none", moment, error);
    }
    let start = match well_formed(moment, "SubjectConfirmationData/@NotBefore") {
        Ok(start) => start,
        Err(judgement) => return judgement,
    };
    let (clock, element) = (case.clock, "SubjectConfirmationData");
    if !clock.has_reached(start) {
        let error =
            AssertionError::NotYetValid { element, not_before: start, now: clock.now, skew: clock.skew };
        return Judgement::failed(Bound::after_start(&clock), start, error);
    }
    match data.and_then(|data| data.not_on_or_after.as_ref()?.at()) {
        Some(end) if start >= end => {
            let error = AssertionError::InvertedWindow { element, not_before: start, not_on_or_after: end };
            Judgement::failed("a start before the end", start, error)
        }
        _ => {
            let actual = format!(
                "{}, which has come; the message does not conform, and tolerate_confirmation_not_before lets it pass",
                moment.text()
            );
            Judgement::passed("none", actual)
        }
    }
}

/// The NotOnOrAfter is required and must not be reached.
fn not_on_or_after(case: &Case<'_>, confirmation: &Confirmation) -> Judgement {
    let clock = case.clock;
    let expired =
        |end| AssertionError::ConfirmationExpired { not_on_or_after: end, now: clock.now, skew: clock.skew };
    let expected = Bound::before_end(&clock);
    let Some(moment) = confirmation.data.as_ref().and_then(|data| data.not_on_or_after.as_ref()) else {
        return Judgement::failed(expected, "none", expired(None));
    };
    match well_formed(moment, "SubjectConfirmationData/@NotOnOrAfter") {
        Err(judgement) => judgement,
        Ok(end) if clock.is_before(end) => Judgement::passed(expected, end),
        Ok(end) => Judgement::failed(expected, end, expired(Some(end))),
    }
}

/// The confirmation must name the outstanding request, or none if there is none.
fn in_response_to(case: &Case<'_>, confirmation: &Confirmation) -> Judgement {
    let actual = confirmation.data.as_ref().and_then(|data| data.in_response_to.as_deref());
    super::in_response_to(case, "SubjectConfirmationData", actual)
}
