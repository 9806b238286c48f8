//! Explains a result as text for a terminal: the fault first, then what to change, then everything that was checked.

use std::fmt::Write as _;

use vouchsafe_xml::{Escaped, Quoted};

use crate::ledger::{Check, Ledger, Outcome};
use crate::login::Login;
use crate::refusal::Refusal;

impl Refusal {
    /// Returns the refusal as text of several lines for an operator. The first line names the fault. Then come the
    /// rule, the expected and the actual value, what to change, the other failed checks, and every check that was
    /// made. Personal values are redacted, and values of the message are escaped.
    ///
    /// ```
    /// use vouchsafe_assertion::Refusal;
    ///
    /// let text = Refusal::unexpected_issuer("https://idp.example.com", "https://other.example").explain();
    /// assert!(text.starts_with("refused: “https://idp.example.com” was asked, and “https://other.example” answers"));
    /// assert!(text.contains("change    The person was sent to one identity provider"));
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        // The errors of the lower crates quote values of the message; this escapes them in any case.
        let mut text = format!("refused: {} [{}]\n", Escaped::new(&self.to_string()), self.code());
        if let Some(check) = self.check() {
            row(&mut text, "rule", &format!("{} ({})", check.rule(), check.clause()));
            row(&mut text, "expected", &Quoted::new(&check.expected_text()).to_string());
            row(&mut text, "actual", &Quoted::new(&check.actual_text()).to_string());
        }
        row(&mut text, "change", self.hint());
        let decided = self.check().map(Check::rule);
        let others: Vec<&str> =
            self.ledger().failed().map(Check::rule).filter(|rule| Some(*rule) != decided).collect();
        if !others.is_empty() {
            row(&mut text, "failed", &format!("as well: {}", others.join(", ")));
        }
        text.push('\n');
        table(&mut text, self.ledger());
        text
    }
}

impl Login {
    /// Returns the login as text of several lines for an operator: the identity provider, the keys and what they
    /// signed, and every check that was made. It contains nothing about the person.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = format!("accepted: a login vouched for by {}\n", Quoted::new(self.issuer().as_str()));
        row(&mut text, "assertion", &Quoted::new(self.assertion_id()).to_string());
        row(&mut text, "answers", &self.in_response_to().map_or("no request".to_owned(), quoted));
        for evidence in self.evidence() {
            let signed = format!("{} by {}", evidence.element(), Quoted::new(evidence.key_label()));
            row(&mut text, "signed", &signed);
        }
        text.push('\n');
        table(&mut text, self.ledger());
        text
    }
}

impl Ledger {
    /// Returns every check as text for a terminal. The first line states how many passed, failed and did not apply.
    /// Personal values are redacted, and values of the message are escaped.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = String::new();
        table(&mut text, self);
        text
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {name:<9} {value}");
}

fn table(text: &mut String, ledger: &Ledger) {
    let checks = ledger.checks();
    let count = |outcome| checks.iter().filter(|check| check.outcome() == outcome).count();
    let (passed, failed) = (count(Outcome::Passed), count(Outcome::Failed));
    let skipped = count(Outcome::Skipped);
    let _ = writeln!(text, "checks: {passed} passed, {failed} failed, {skipped} not applicable");
    let width = checks.iter().map(|check| check.rule().len()).max().unwrap_or_default();
    for check in checks {
        let mark = match check.outcome() {
            Outcome::Passed => "ok    ",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "-     ",
        };
        let (expected, actual) = (check.expected_text(), check.actual_text());
        let (expected, actual) = (Quoted::new(&expected), Quoted::new(&actual));
        let _ = match check.outcome() {
            Outcome::Failed => {
                writeln!(text, "  {mark}  {:<width$}  {actual} instead of {expected}", check.rule())
            }
            _ => writeln!(text, "  {mark}  {:<width$}  {actual}", check.rule()),
        };
    }
}

fn quoted(text: &str) -> String {
    Quoted::new(text).to_string()
}
