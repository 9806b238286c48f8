//! Rules about the Conditions: saml-core-2.0-os 2.5.1, saml-profiles-2.0-os 4.1.4.2.

use crate::error::AssertionError;
use crate::facts::{AssertionFacts, Conditions};
use crate::instant::Shown;
use crate::ledger_text::Bound;
use crate::rules::{Case, Judgement, Rule, well_formed};

pub(super) const RULES: &[Rule<AssertionFacts>] = &[
    Rule::new("conditions.understood", "saml-core-2.0-os 2.5.1.1", understood),
    Rule::new("conditions.not_before", "saml-core-2.0-os 2.5.1.2", not_before),
    Rule::new("conditions.not_on_or_after", "saml-core-2.0-os 2.5.1.2", not_on_or_after),
    Rule::new("conditions.window", "saml-core-2.0-os 2.5.1.2", window),
    Rule::new("conditions.audience", "saml-core-2.0-os 2.5.1.4, saml-profiles-2.0-os 4.1.4.2", audience),
    Rule::new("conditions.one_time_use", "saml-core-2.0-os 2.5.1.5", one_time_use),
    Rule::new("conditions.proxy_restriction", "saml-core-2.0-os 2.5.1.6", proxy_restriction),
];

/// Every condition must be known. An unknown condition makes the assertion indeterminate, so it must not be used.
fn understood(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    const EXPECTED: &str = "conditions of the core specification only";
    let unknown =
        assertion.conditions.as_ref().map(|conditions| conditions.unknown.as_slice()).unwrap_or_default();
    match unknown.first() {
        None => Judgement::passed(EXPECTED, "as expected"),
        Some(name) => {
            let error = AssertionError::UnknownCondition { name: name.clone() };
            Judgement::failed(EXPECTED, unknown.join(", "), error)
        }
    }
}

/// The start must be earlier than the end. The skew at both ends would otherwise make an inverted time of validity
/// usable. This error replaces that of a start that has not been reached; if the end has passed, that error comes
/// first.
fn window(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    const EXPECTED: &str = "a start before the end";
    let conditions = assertion.conditions.as_ref();
    let start = conditions.and_then(|conditions| conditions.not_before.as_ref()?.at());
    let end = conditions.and_then(|conditions| conditions.not_on_or_after.as_ref()?.at());
    let (Some(start), Some(end)) = (start, end) else {
        return Judgement::skipped(EXPECTED, "no start, or no end");
    };
    if start < end {
        return Judgement::passed(EXPECTED, "as expected");
    }
    let shown = format!("{} to {}", Shown(start), Shown(end));
    let error =
        AssertionError::InvertedWindow { element: "Conditions", not_before: start, not_on_or_after: end };
    Judgement::failed(EXPECTED, shown, error)
}

/// The current time must satisfy `now + skew >= NotBefore`.
fn not_before(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    let clock = case.clock;
    let expected = Bound::after_start(&clock);
    let Some(moment) = assertion.conditions.as_ref().and_then(|conditions| conditions.not_before.as_ref())
    else {
        return Judgement::skipped(expected, "none");
    };
    match well_formed(moment, "Conditions/@NotBefore") {
        Err(judgement) => judgement,
        Ok(start) if clock.has_reached(start) => Judgement::passed(expected, start),
        Ok(start) => {
            let error = AssertionError::NotYetValid {
                element: "Conditions",
                not_before: start,
                now: clock.now,
                skew: clock.skew,
            };
            Judgement::failed(expected, start, error)
        }
    }
}

/// The current time must satisfy `now - skew < NotOnOrAfter`.
fn not_on_or_after(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    let clock = case.clock;
    let expected = Bound::before_end(&clock);
    let Some(moment) =
        assertion.conditions.as_ref().and_then(|conditions| conditions.not_on_or_after.as_ref())
    else {
        return Judgement::skipped(expected, "none");
    };
    match well_formed(moment, "Conditions/@NotOnOrAfter") {
        Err(judgement) => judgement,
        Ok(end) if clock.is_before(end) => Judgement::passed(expected, end),
        Ok(end) => {
            let error = AssertionError::Expired { not_on_or_after: end, now: clock.now, skew: clock.skew };
            Judgement::failed(expected, end, error)
        }
    }
}

/// There must be at least one restriction, and each must have this service provider among its audiences.
fn audience(case: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    let expected = case.expectations.entity_id().as_str();
    let restrictions = assertion
        .conditions
        .as_ref()
        .map(|conditions| conditions.audience_restrictions.as_slice())
        .unwrap_or_default();
    let fails = |restriction: &&Vec<String>| !restriction.iter().any(|audience| audience == expected);
    let failing = if restrictions.is_empty() { Some(&[][..]) } else { None }
        .or_else(|| restrictions.iter().find(fails).map(Vec::as_slice));
    match failing {
        None => Judgement::as_expected(case.expectations.entity_id()),
        Some(actual) => {
            let shown = if actual.is_empty() { "none".to_owned() } else { actual.join(", ") };
            let error = AssertionError::Audience { expected: expected.to_owned(), actual: actual.to_vec() };
            Judgement::failed(expected.to_owned(), shown, error)
        }
    }
}

/// OneTimeUse may occur once. It is always met, since this library uses every login once.
fn one_time_use(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    at_most_once(assertion, "OneTimeUse", |conditions| conditions.one_time_use)
}

/// ProxyRestriction may occur once. It restricts further assertions based on this one; none are issued here, and the
/// login passes it on.
fn proxy_restriction(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    at_most_once(assertion, "ProxyRestriction", |conditions| conditions.proxy_restrictions.len())
}

fn at_most_once(
    assertion: &AssertionFacts,
    name: &'static str,
    count: fn(&Conditions) -> usize,
) -> Judgement {
    match assertion.conditions.as_ref().map_or(0, count) {
        0 => Judgement::skipped("at most one", "none"),
        1 => Judgement::passed("at most one", "1"),
        count => {
            let error = AssertionError::RepeatedCondition { name, count };
            Judgement::failed("at most one", count.to_string(), error)
        }
    }
}
