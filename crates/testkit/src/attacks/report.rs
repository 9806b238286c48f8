use std::time::Duration;

use super::missing::Missing;
use super::{Attack, Kind};

/// The results of the attacks.
///
/// `Display` shows the text for a person: the accepted attacks, the attacks that prove nothing, the attacks that were
/// left out with the method that would run them, and the counts by kind.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report {
    entries: Vec<Entry>,
    declared: Vec<Declared>,
}

/// A declaration of the test about an attack, or about all attacks of a control, and whether it proved to be right.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) holds: bool,
}

/// The result of one attack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name of the attack.
    pub name: &'static str,
    /// The kind of the attack.
    pub kind: Kind,
    /// The description of the attack.
    pub description: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// The longest time that one of its forms took.
    pub elapsed: Duration,
    /// The control with the genuine message that it is made from.
    control: &'static str,
}

/// The result of an attack or a control.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The attack was refused.
    Refused,
    /// The attack was accepted, but only with its genuine content. For a control, this is the required result.
    Harmless,
    /// The attack was accepted: a finding.
    #[non_exhaustive]
    Accepted {
        /// The subject that was signed in.
        subject: String,
        /// The finding if it is not the subject: the account, the browser, or the address that the browser is sent
        /// to.
        finding: Option<String>,
    },
    /// The attack took longer than the target's patience: a finding.
    #[non_exhaustive]
    Slow {
        /// The time in seconds.
        seconds: u64,
    },
    /// The attack was refused, but a genuine message of that form is refused too, so it proves nothing.
    #[non_exhaustive]
    Inconclusive {
        /// The reason.
        reason: String,
    },
    /// The attack cannot test this service: a door or a part of the target is missing, or the test has [declared
    /// so](super::Attacks::not_applicable).
    #[non_exhaustive]
    NotApplicable {
        /// The reason.
        reason: String,
        /// The method of the test's configuration that runs the attack, such as `Target::certificate(..)`. `None` if
        /// the test has declared the attack to be not applicable.
        runs_with: Option<&'static str>,
    },
}

impl Verdict {
    pub(crate) fn accepted(subject: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), finding: None }
    }

    pub(crate) fn found(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), finding: Some(finding.into()) }
    }

    pub(crate) fn missing(missing: Missing) -> Self {
        Self::NotApplicable { reason: missing.reason().to_owned(), runs_with: Some(missing.method()) }
    }

    /// Returns the verdict that counts, of those on several forms of one attack.
    pub(crate) fn worse_of(self, other: Self) -> Self {
        let rank = |verdict: &Self| match verdict {
            Self::Accepted { .. } => 5,
            Self::Inconclusive { .. } => 4,
            Self::Slow { .. } => 3,
            Self::NotApplicable { .. } => 2,
            Self::Harmless => 1,
            Self::Refused => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

impl Entry {
    pub(crate) fn new(attack: &Attack, control: &'static str, verdict: Verdict) -> Self {
        Self {
            name: attack.name,
            kind: attack.kind,
            description: attack.description,
            verdict,
            elapsed: Duration::ZERO,
            control,
        }
    }

    pub(crate) fn taking(mut self, elapsed: Duration) -> Self {
        self.elapsed = elapsed;
        self
    }

    fn is_attack(&self) -> bool {
        self.kind != Kind::Control
    }
}

impl Report {
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Applies the declarations of the test, after everything was run.
    pub(crate) fn declare(&mut self, mut declared: Vec<Declared>) {
        for entry in &mut self.entries {
            if !matches!(entry.verdict, Verdict::Inconclusive { .. }) {
                continue;
            }
            let said = |said: &&mut Declared| said.name == entry.name || said.name == entry.control;
            if let Some(said) = declared.iter_mut().find(said) {
                said.holds = true;
                entry.verdict = Verdict::NotApplicable { reason: said.reason.clone(), runs_with: None };
            }
        }
        self.declared = declared;
    }

    pub(crate) fn verdict_of(&self, name: &str) -> Option<&Verdict> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.verdict)
    }

    /// Returns everything that was run or left out, the controls first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the findings: the attacks that were accepted or took too long.
    pub fn accepted(&self) -> impl Iterator<Item = &Entry> {
        self.attacks()
            .filter(|entry| matches!(entry.verdict, Verdict::Accepted { .. } | Verdict::Slow { .. }))
    }

    /// Returns the attacks that were refused but prove nothing, because a genuine message of that form is refused
    /// too.
    pub fn inconclusive(&self) -> impl Iterator<Item = &Entry> {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::Inconclusive { .. }))
    }

    /// Returns the attacks that cannot test this service, with the reason: it does not have the endpoint that they
    /// need, or the test has declared so.
    pub fn not_applicable(&self) -> impl Iterator<Item = &Entry> {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::NotApplicable { .. }))
    }

    /// Returns the names that the test has wrongly declared to be [not applicable](super::Attacks::not_applicable),
    /// or that are unknown.
    pub fn wrongly_declared(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().filter(|declared| !declared.holds).map(|declared| declared.name.as_str())
    }

    /// Returns how many attacks were refused, or were accepted only with their genuine content.
    #[must_use]
    pub fn withstood(&self) -> usize {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::Refused | Verdict::Harmless)).count()
    }

    /// Returns whether no genuine message was accepted as its subject. In this case, refused attacks mean nothing.
    #[must_use]
    pub fn proves_nothing(&self) -> bool {
        !self.controls().any(|entry| entry.verdict == Verdict::Harmless)
    }

    /// Asserts, at the end of a test, that genuine messages were accepted, that no attack was accepted, and that
    /// every refused attack proves something. The panic shows the report: print it after this call, so that it is
    /// not shown twice.
    ///
    /// # Panics
    ///
    /// It panics with this report if an attack was accepted or took too long; if a genuine message was accepted as
    /// somebody else, or none was accepted; if an attack or a control is inconclusive and was not declared to be [not
    /// applicable](super::Attacks::not_applicable); or if such a declaration is wrong.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is an assertion, for tests")]
    pub fn assert_none_accepted(&self) {
        let wrong =
            |entry: &Entry| matches!(entry.verdict, Verdict::Accepted { .. } | Verdict::Inconclusive { .. });
        if self.proves_nothing()
            || self.entries.iter().any(wrong)
            || self.accepted().next().is_some()
            || self.wrongly_declared().next().is_some()
        {
            panic!("\n{self}");
        }
    }

    pub(super) fn attacks(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_attack())
    }

    /// Returns the genuine messages that were accepted as what they are, and those that do not apply.
    pub(super) fn accepted_controls(&self) -> impl Iterator<Item = &Entry> {
        self.controls().filter(|entry| fits_a_control(&entry.verdict))
    }

    /// Returns the genuine messages that were refused, or accepted as somebody else.
    pub(super) fn refused_controls(&self) -> impl Iterator<Item = &Entry> {
        self.controls().filter(|entry| !fits_a_control(&entry.verdict))
    }

    fn controls(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_attack())
    }
}

/// Returns whether a genuine message was accepted as what it is, or does not apply.
fn fits_a_control(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Harmless | Verdict::NotApplicable { .. })
}
