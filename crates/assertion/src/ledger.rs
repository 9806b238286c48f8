//! The record of every check: what was expected, and what came.

use std::borrow::Cow;
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use vouchsafe_xml::Quoted;

use crate::ledger_text::Text;

/// The text that replaces a personal value.
const REDACTED: &str = "(redacted)";

/// The outcome of a check.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// The actual value is as expected.
    Passed,
    /// The actual value is a reason to refuse.
    Failed,
    /// The rule did not apply, or was not configured.
    Skipped,
}

/// One check: one rule, applied once.
///
/// Texts are written for operators and may change; [`rule`](Check::rule) is stable.
#[derive(Clone, PartialEq, Eq)]
pub struct Check {
    rule: &'static str,
    clause: &'static str,
    outcome: Outcome,
    expected: Text,
    /// `None` if it equals the expected text.
    actual: Option<Text>,
    personal: bool,
    /// The code and the hint of the error of a failed check.
    error: Option<(&'static str, &'static str)>,
}

impl Check {
    pub(crate) fn new(rule: &'static str, clause: &'static str, outcome: Outcome) -> Check {
        Check {
            rule,
            clause,
            outcome,
            expected: Text::Fixed(""),
            actual: Some(Text::Fixed("")),
            personal: false,
            error: None,
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<Text>) -> Check {
        self.expected = expected.into().cut();
        self
    }

    pub(crate) fn actual(mut self, actual: impl Into<Text>) -> Check {
        self.actual = Some(actual.into().cut());
        self
    }

    /// States that the actual value equals the expected one exactly.
    pub(crate) fn same(mut self) -> Check {
        self.actual = None;
        self
    }

    /// Marks the actual value as personal: it is shown only on request.
    pub(crate) fn personal(mut self) -> Check {
        self.personal = true;
        self
    }

    /// Sets the code and the hint of the error that this failed check would cause.
    pub(crate) fn because(mut self, code: &'static str, hint: &'static str) -> Check {
        self.error = Some((code, hint));
        self
    }

    /// The code of the error that this check causes if it is the first that fails; `None` if it did not fail.
    ///
    /// A refusal has only the first error; this code tells what else must be corrected.
    pub fn code(&self) -> Option<&'static str> {
        self.error.map(|(code, _)| code)
    }

    /// What an operator should change if this check failed.
    pub fn hint(&self) -> Option<&'static str> {
        self.error.map(|(_, hint)| hint)
    }

    /// The stable name of the rule, such as `conditions.audience`.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The clause of the specification that contains the rule, such as `saml-core-2.0-os 2.5.1.4`.
    pub fn clause(&self) -> &'static str {
        self.clause
    }

    /// The outcome of the check.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What the rule requires.
    pub fn expected_text(&self) -> Cow<'_, str> {
        self.expected.as_text()
    }

    /// The actual value; a personal value is replaced by `(redacted)`.
    pub fn actual_text(&self) -> Cow<'_, str> {
        let actual = self.unredacted_text();
        if self.personal && !actual.is_empty() { Cow::Borrowed(REDACTED) } else { actual }
    }

    fn unredacted_text(&self) -> Cow<'_, str> {
        self.actual.as_ref().unwrap_or(&self.expected).as_text()
    }

    fn write<S: Serializer>(&self, actual: &str, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Check", 5)?;
        fields.serialize_field("rule", self.rule)?;
        fields.serialize_field("clause", self.clause)?;
        fields.serialize_field("outcome", &self.outcome)?;
        fields.serialize_field("expected", self.expected.as_text().as_ref())?;
        fields.serialize_field("actual", actual)?;
        fields.end()
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(&self.actual_text(), serializer)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("rule", &self.rule)
            .field("outcome", &self.outcome)
            .field("expected", &self.expected_text())
            .field("actual", &self.actual_text())
            .finish_non_exhaustive()
    }
}

/// Every check that was made on a message, in the order in which it was made, for accepted and refused messages.
///
/// It is serialized as a list of objects with the fields `rule`, `clause`, `outcome` (`passed`, `failed`, `skipped`),
/// `expected` and `actual`. Personal values are redacted; [`with_personal_values`](Ledger::with_personal_values)
/// shows them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Ledger {
    checks: Vec<Check>,
}

impl Ledger {
    /// Makes a ledger with room for the checks of a response.
    pub(crate) fn of_a_response() -> Ledger {
        Ledger { checks: Vec::with_capacity(44) }
    }

    pub(crate) fn record(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Removes the checks from that position on, since their values must not be shown.
    pub(crate) fn forget_from(&mut self, place: usize) {
        self.checks.truncate(place);
    }

    /// The checks in their order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns the first check of a rule, by its stable name.
    pub fn check(&self, rule: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.rule == rule)
    }

    /// Returns the checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed)
    }

    /// Returns the same ledger for serialization without redaction, for an operator who examines one message.
    pub fn with_personal_values(&self) -> UnredactedLedger<'_> {
        UnredactedLedger(self)
    }
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.checks)
    }
}

impl fmt::Display for Ledger {
    /// Writes one line for each check; values of the message are escaped and shortened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let mark = match check.outcome {
                Outcome::Passed => "passed ",
                Outcome::Failed => "FAILED ",
                Outcome::Skipped => "skipped",
            };
            writeln!(
                f,
                "{mark} {} ({}): expected {}; actual {}",
                check.rule,
                check.clause,
                Quoted::new(&check.expected_text()),
                Quoted::new(&check.actual_text())
            )?;
        }
        Ok(())
    }
}

/// A [`Ledger`] that is serialized without redaction.
#[derive(Clone, Copy, Debug)]
pub struct UnredactedLedger<'a>(&'a Ledger);

struct UnredactedCheck<'a>(&'a Check);

impl Serialize for UnredactedLedger<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.checks.iter().map(UnredactedCheck))
    }
}

impl Serialize for UnredactedCheck<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(&self.0.unredacted_text(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_command_line_with_personal_values_redacted() {
        let mut ledger = Ledger::default();
        ledger.record(
            Check::new("subject.name_id", "c", Outcome::Passed).expected("e").actual("ada").personal(),
        );
        let redacted = r#"[{"rule":"subject.name_id","clause":"c","outcome":"passed","expected":"e","actual":"(redacted)"}]"#;
        assert_eq!(serde_json::to_string(&ledger).unwrap(), redacted);
        assert_eq!(
            serde_json::to_string(&ledger.with_personal_values()).unwrap(),
            redacted.replace("(redacted)", "ada")
        );
        assert!(!format!("{ledger:?}{ledger}").contains("ada"));
    }

    #[test]
    fn nothing_of_a_message_is_printed_as_it_came_or_without_end() {
        let mut ledger = Ledger::default();
        ledger.record(
            Check::new("r", "c", Outcome::Failed).actual(format!("\u{1b}[2J\n{}", "ü".repeat(100_000))),
        );
        let text = ledger.to_string();
        assert!(!text.contains('\u{1b}') && text.lines().count() == 1 && text.len() < 1000, "{text}");
        assert!(ledger.checks()[0].actual_text().chars().count() <= 501);
    }
}
