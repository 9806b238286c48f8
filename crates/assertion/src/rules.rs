//! The validation rules: one function for each rule, in tables in the order of the specification.
//!
//! A rule examines one thing, and records the expected and the actual value. No rule stops the others, so the ledger
//! is complete even if a rule fails. The first failed rule gives the refusal its code.

mod assertion;
mod authn_statement;
mod conditions;
mod response;
mod subject;

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_metadata::{EntityId, name_id_format::ENTITY};

use crate::authentic::SignedFacts;
use crate::envelope::Issuer;
use crate::error::AssertionError;
use crate::expectations::Expectations;
use crate::instant::{Clock, Moment, delta};
use crate::ledger::{Check, Ledger, Outcome};
use crate::ledger_text::{Bound, Text};

/// The data that every rule can use in addition to its subject.
pub(crate) struct Case<'a> {
    pub(crate) facts: &'a SignedFacts,
    /// The entity ID of the identity provider whose keys were used.
    pub(crate) issuer: &'a EntityId,
    /// Whether a NotBefore in a bearer confirmation is accepted as the start of its validity instead of refused.
    pub(crate) tolerates_confirmation_not_before: bool,
    pub(crate) expectations: &'a Expectations,
    pub(crate) clock: Clock,
}

/// The result of a rule.
pub(crate) struct Judgement {
    expected: Text,
    /// `None` if it equals the expected text.
    actual: Option<Text>,
    personal: bool,
    verdict: Result<Outcome, Box<AssertionError>>,
}

impl Judgement {
    pub(crate) fn passed(expected: impl Into<Text>, actual: impl Into<Text>) -> Judgement {
        Judgement {
            expected: expected.into(),
            actual: Some(actual.into()),
            personal: false,
            verdict: Ok(Outcome::Passed),
        }
    }

    /// The actual value equals the expected one exactly.
    pub(crate) fn as_expected(expected: impl Into<Text>) -> Judgement {
        Judgement { actual: None, ..Judgement::passed(expected, "") }
    }

    /// The rule did not apply, or was not configured.
    pub(crate) fn skipped(expected: impl Into<Text>, actual: impl Into<Text>) -> Judgement {
        Judgement { verdict: Ok(Outcome::Skipped), ..Judgement::passed(expected, actual) }
    }

    pub(crate) fn failed(
        expected: impl Into<Text>,
        actual: impl Into<Text>,
        error: AssertionError,
    ) -> Judgement {
        Judgement { verdict: Err(Box::new(error)), ..Judgement::passed(expected, actual) }
    }

    /// Marks the actual value as personal.
    pub(crate) fn personal(mut self) -> Judgement {
        self.personal = true;
        self
    }

    fn has_failed(&self) -> bool {
        self.verdict.is_err()
    }
}

/// A rule for an `S`, as a row of a table.
pub(crate) struct Rule<S> {
    name: &'static str,
    clause: &'static str,
    judge: fn(&Case<'_>, &S) -> Judgement,
}

impl<S> Rule<S> {
    pub(crate) const fn new(
        name: &'static str,
        clause: &'static str,
        judge: fn(&Case<'_>, &S) -> Judgement,
    ) -> Rule<S> {
        Rule { name, clause, judge }
    }
}

/// The growing ledger, and the first error.
pub(crate) struct Examination {
    pub(crate) ledger: Ledger,
    pub(crate) error: Option<AssertionError>,
    /// The position in the ledger of the check that caused the error.
    pub(crate) decided_by: Option<usize>,
}

impl Examination {
    pub(crate) fn new(ledger: Ledger) -> Examination {
        Examination { ledger, error: None, decided_by: None }
    }

    pub(crate) fn record(&mut self, name: &'static str, clause: &'static str, judgement: Judgement) {
        let (outcome, error) = match judgement.verdict {
            Ok(outcome) => (outcome, None),
            Err(error) => (Outcome::Failed, Some(*error)),
        };
        let check = Check::new(name, clause, outcome).expected(judgement.expected);
        let check = match judgement.actual {
            Some(actual) => check.actual(actual),
            None => check.same(),
        };
        let check = match &error {
            Some(error) => check.because(error.code(), error.hint()),
            None => check,
        };
        let place = self.ledger.checks().len();
        self.ledger.record(if judgement.personal { check.personal() } else { check });
        // An unsuitable issue time suggests that the clocks differ. A missed bound of validity explains that better.
        let says_more = match (&self.error, &error) {
            (None, Some(_)) => true,
            (Some(first), Some(error)) => {
                is_about_issuing(first) && !is_about_issuing(error) || is_turned_round(first, error)
            }
            (_, None) => false,
        };
        if says_more {
            self.error = error;
            self.decided_by = Some(place);
        }
    }

    /// Applies every rule of a table.
    fn all<S>(&mut self, rules: &[Rule<S>], case: &Case<'_>, subject: &S) {
        for rule in rules {
            self.record(rule.name, rule.clause, (rule.judge)(case, subject));
        }
    }

    /// Requires that one of the candidates satisfies every rule of a table. It records the checks of the first one
    /// that does, and returns its position; if there is none, it records those of the first candidate.
    fn one_of<'c, S>(
        &mut self,
        rules: &[Rule<S>],
        case: &Case<'_>,
        candidates: impl Iterator<Item = &'c S>,
    ) -> Option<usize>
    where
        S: 'c,
    {
        let mut kept: Option<(usize, Vec<Judgement>)> = None;
        let mut found = false;
        for (place, candidate) in candidates.enumerate() {
            let judgements: Vec<Judgement> = rules.iter().map(|rule| (rule.judge)(case, candidate)).collect();
            found = !judgements.iter().any(Judgement::has_failed);
            if found || kept.is_none() {
                kept = Some((place, judgements));
            }
            if found {
                break;
            }
        }
        let (place, judgements) = kept?;
        for (rule, judgement) in rules.iter().zip(judgements) {
            self.record(rule.name, rule.clause, judgement);
        }
        found.then_some(place)
    }
}

fn is_about_issuing(error: &AssertionError) -> bool {
    matches!(error, AssertionError::IssueInstant { .. } | AssertionError::IssuedBeforeRequest { .. })
}

/// No clock can be within a time of validity that ends before it begins. So this is reported instead of a start that
/// has not been reached.
fn is_turned_round(first: &AssertionError, error: &AssertionError) -> bool {
    matches!(error, AssertionError::InvertedWindow { element: "Conditions", .. })
        && matches!(first, AssertionError::NotYetValid { element: "Conditions", .. })
}

/// Runs every rule. Returns the position of the AuthnStatement that satisfied its rules, if there is one.
pub(crate) fn examine(case: &Case<'_>, examination: &mut Examination) -> Option<usize> {
    examination.all(response::RULES, case, &case.facts.response);
    examination.all(assertion::RULES, case, &case.facts.assertion);
    subject::examine(case, examination);
    examination.all(conditions::RULES, case, &case.facts.assertion);
    authn_statement::examine(case, examination)
}

pub(crate) use subject::bearers;

/// Returns a time that a rule needs. A malformed time is refused and quoted.
pub(crate) fn well_formed(moment: &Moment, place: &'static str) -> Result<DateTime<Utc>, Judgement> {
    moment.at().ok_or_else(|| {
        let error = AssertionError::Malformed { place, expected: "an xs:dateTime", actual: moment.text() };
        Judgement::failed("an xs:dateTime", moment, error)
    })
}

/// The issue time must not be in the future, and not longer ago than the configured maximum.
pub(crate) fn issue_instant(case: &Case<'_>, element: &'static str, issued: &Moment) -> Judgement {
    let place = if element == "Response" { "Response/@IssueInstant" } else { "Assertion/@IssueInstant" };
    let clock = case.clock;
    let age = case.expectations.maximum_message_age().map(delta);
    is_timely(&clock, age, place, issued, |instant| AssertionError::IssueInstant {
        element,
        instant,
        now: clock.now,
        skew: clock.skew,
    })
}

/// Checks any issue time in the same way; `refuse` makes its error.
pub(crate) fn is_timely(
    clock: &Clock,
    age: Option<TimeDelta>,
    place: &'static str,
    issued: &Moment,
    refuse: impl FnOnce(DateTime<Utc>) -> AssertionError,
) -> Judgement {
    let instant = match well_formed(issued, place) {
        Ok(instant) => instant,
        Err(judgement) => return judgement,
    };
    let expected = Bound::done_by(clock, age);
    if clock.can_have_been(instant) && is_recent(clock, instant, age) {
        return Judgement::passed(expected, issued);
    }
    Judgement::failed(expected, issued, refuse(instant))
}

/// An answer must not be issued before its request.
pub(crate) fn issued_after_request(case: &Case<'_>, element: &'static str, issued: &Moment) -> Judgement {
    let Some(issued_at) = case.expectations.oldest_answer() else {
        return Judgement::skipped("no earlier than the request", "no request whose time is known");
    };
    let skew = case.clock.skew;
    is_after(issued_at, skew, issued, |instant| AssertionError::IssuedBeforeRequest {
        element,
        instant,
        issued_at,
        skew,
    })
}

/// Checks that `IssueInstant + skew` is not before the issue time of the request; `refuse` makes the error.
pub(crate) fn is_after(
    request: DateTime<Utc>,
    skew: TimeDelta,
    issued: &Moment,
    refuse: impl FnOnce(DateTime<Utc>) -> AssertionError,
) -> Judgement {
    let expected = Bound::issued_after(request, skew);
    let Some(instant) = issued.at() else {
        return Judgement::skipped(expected, issued); // the rule about the instant refuses it
    };
    if instant.checked_add_signed(skew).is_none_or(|latest| latest >= request) {
        return Judgement::passed(expected, issued);
    }
    Judgement::failed(expected, issued, refuse(instant))
}

/// Checks that `now - skew <= instant + age`. An end after the last time of the calendar counts as not reached.
fn is_recent(clock: &Clock, instant: DateTime<Utc>, age: Option<TimeDelta>) -> bool {
    let Some(age) = age else { return true };
    let Some(end) = instant.checked_add_signed(age) else { return true };
    clock.is_at_or_before(end)
}

/// The issuer must be the trusted identity provider, with the Format of an entity.
pub(crate) fn issuer(case: &Case<'_>, element: &'static str, issuer: Option<&Issuer>) -> Judgement {
    let other = |actual| AssertionError::Issuer { element, expected: case.issuer.to_string(), actual };
    is_issuer(case.issuer, issuer, other, |actual| AssertionError::IssuerFormat { element, actual })
}

/// Checks any issuer in the same way. `other` makes the error for another issuer or none, and `format` the error for
/// its Format.
pub(crate) fn is_issuer(
    expected: &EntityId,
    issuer: Option<&Issuer>,
    other: impl FnOnce(Option<String>) -> AssertionError,
    format: impl FnOnce(String) -> AssertionError,
) -> Judgement {
    match issuer {
        Some(issuer) if issuer.value != expected.as_str() => {
            Judgement::failed(expected, issuer.value.clone(), other(Some(issuer.value.clone())))
        }
        Some(issuer) => match &issuer.format {
            Some(actual) if actual != ENTITY => {
                let error = format(actual.to_string());
                Judgement::failed("no Format, or that of an entity", actual.clone(), error)
            }
            _ => Judgement::as_expected(expected),
        },
        None => Judgement::failed(expected, "none", other(None)),
    }
}

/// An InResponseTo must name the outstanding request, and must be absent if there is none.
pub(crate) fn in_response_to(case: &Case<'_>, element: &'static str, actual: Option<&str>) -> Judgement {
    let expected = case.expectations.request();
    let show = |id: Option<&str>| id.map_or(Cow::Borrowed("none"), |id| Cow::Owned(id.to_owned()));
    if actual == expected {
        return Judgement::as_expected(show(expected));
    }
    let error = AssertionError::InResponseTo {
        element,
        expected: expected.map(str::to_owned),
        actual: actual.map(str::to_owned),
    };
    Judgement::failed(show(expected), show(actual), error)
}
