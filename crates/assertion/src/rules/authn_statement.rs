//! Rules about the AuthnStatement: saml-core-2.0-os 2.7.2, saml-profiles-2.0-os 4.1.4.2.

use std::borrow::Cow;

use crate::error::AssertionError;
use crate::facts::{AssertionFacts, AuthnStatement};
use crate::instant::delta;
use crate::ledger_text::Bound;
use crate::name_id::is_too_long;
use crate::rules::{Case, Examination, Judgement, Rule, is_recent, well_formed};

const RULES: &[Rule<AssertionFacts>] =
    &[Rule::new("authn.statement", "saml-profiles-2.0-os 4.1.4.2", statement)];

/// The rules for each statement. One statement must meet all of them, and defines the session.
const STATEMENT_RULES: &[Rule<AuthnStatement>] = &[
    Rule::new("authn.instant", "saml-core-2.0-os 2.7.2", instant),
    Rule::new("authn.session_index", "saml-core-2.0-os 2.7.2", session_index),
    Rule::new("authn.session_not_on_or_after", "saml-core-2.0-os 2.7.2", session_not_on_or_after),
    Rule::new("authn.context", "saml-core-2.0-os 2.7.2.2, 3.3.2.2.1", context),
];

pub(super) fn examine(case: &Case<'_>, examination: &mut Examination) -> Option<usize> {
    examination.all(RULES, case, &case.facts.assertion);
    examination.one_of(STATEMENT_RULES, case, case.facts.assertion.authn_statements.iter())
}

/// The maximum number of AuthnStatements: as many sessions as a logout request may name.
const MOST_STATEMENTS: usize = 100;

/// The assertion must have an AuthnStatement (somebody signed in), and not more than can be stored.
fn statement(_: &Case<'_>, assertion: &AssertionFacts) -> Judgement {
    match assertion.authn_statements.len() {
        0 => Judgement::failed("at least one", "none", AssertionError::NoAuthnStatement),
        1 => Judgement::passed("at least one", "1"),
        count if count > MOST_STATEMENTS => {
            let (expected, actual) = ("at most 100", count.to_string());
            let place = "Assertion/AuthnStatement";
            let error = AssertionError::Malformed { place, expected, actual: actual.clone() };
            Judgement::failed(expected, actual, error)
        }
        count => Judgement::passed("at least one", count.to_string()),
    }
}

/// The AuthnInstant must be present. If a maximum age is configured, it must not be older, and not in the future.
fn instant(case: &Case<'_>, statement: &AuthnStatement) -> Judgement {
    let place = "AuthnStatement/@AuthnInstant";
    let instant = match well_formed(&statement.authn_instant, place) {
        Ok(instant) => instant,
        Err(judgement) => return judgement,
    };
    let Some(age) = case.expectations.maximum_authentication_age().map(delta) else {
        return Judgement::passed("an xs:dateTime", instant);
    };
    let clock = case.clock;
    let expected = Bound::done_by(&clock, Some(age));
    if is_recent(&clock, instant, Some(age)) && clock.can_have_been(instant) {
        return Judgement::passed(expected, instant);
    }
    let error = AssertionError::AuthnInstant { instant, now: clock.now, skew: clock.skew, maximum_age: age };
    Judgement::failed(expected, instant, error)
}

/// The SessionIndex, if there is one, must not be too long for a logout request.
fn session_index(_: &Case<'_>, statement: &AuthnStatement) -> Judgement {
    const EXPECTED: &str = "at most 1,024 characters, or none";
    match statement.session_index.as_deref() {
        None => Judgement::skipped(EXPECTED, "none"),
        Some(index) if !is_too_long(index) => Judgement::passed(EXPECTED, index.to_owned()),
        Some(index) => {
            let actual = format!("{} characters", index.chars().count());
            let error = AssertionError::Malformed {
                place: "AuthnStatement/@SessionIndex",
                expected: EXPECTED,
                actual: actual.clone(),
            };
            Judgement::failed(EXPECTED, actual, error)
        }
    }
}

/// The session at the identity provider must not have ended, if its end is stated.
fn session_not_on_or_after(case: &Case<'_>, statement: &AuthnStatement) -> Judgement {
    let clock = case.clock;
    let expected = Bound::before_end(&clock);
    let Some(moment) = &statement.session_not_on_or_after else {
        return Judgement::skipped(expected, "none");
    };
    match well_formed(moment, "AuthnStatement/@SessionNotOnOrAfter") {
        Err(judgement) => judgement,
        Ok(end) if clock.is_before(end) => Judgement::passed(expected, end),
        Ok(end) => {
            let error =
                AssertionError::SessionExpired { not_on_or_after: end, now: clock.now, skew: clock.skew };
            Judgement::failed(expected, end, error)
        }
    }
}

/// The authentication context class must meet the request.
fn context(case: &Case<'_>, statement: &AuthnStatement) -> Judgement {
    let requested = case.expectations.requested_context();
    let actual = statement.context_class.as_deref();
    let shown = actual.map_or(Cow::Borrowed("none"), |class| Cow::Owned(class.to_owned()));
    if requested.is_any() {
        return Judgement::skipped("any", shown);
    }
    let expected = format!("{} {}", requested.comparison().in_words(), requested.classes().join(", "));
    if actual.is_some_and(|class| requested.accepts(class)) {
        return Judgement::passed(expected, shown);
    }
    let error = AssertionError::AuthnContext {
        comparison: requested.comparison(),
        expected: requested.classes().to_vec(),
        actual: actual.map(str::to_owned),
    };
    Judgement::failed(expected, shown, error)
}
