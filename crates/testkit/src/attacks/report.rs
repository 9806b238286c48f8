use std::fmt;
use std::time::Duration;

use vouchsafe_xml::Quoted;

use super::{Attack, Kind};

/// What came of the attacks.
///
/// `Display` is the text for a person: what was accepted, what proves nothing, and the counts by kind.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report {
    entries: Vec<Entry>,
    declared: Vec<Declared>,
}

/// What the test said about an attack, or about every attack from a control, with whether it turned out so.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) holds: bool,
}

/// What came of one attack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it does.
    pub description: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// The longest time that one of its forms took.
    pub elapsed: Duration,
    /// The genuine message that it is made from.
    control: &'static str,
}

/// What an attack, or a control, showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It was refused.
    Refused,
    /// It was accepted as what is genuine in it. For a control: as it must be.
    Harmless,
    /// It was accepted: a finding.
    #[non_exhaustive]
    Accepted {
        /// As whom.
        subject: String,
        /// What is wrong with that, where it is not the subject: the account, the browser, where it leads.
        finding: Option<String>,
    },
    /// It took longer than the target's patience: a finding.
    #[non_exhaustive]
    Slow {
        /// How long.
        seconds: u64,
    },
    /// It was refused, but so is a genuine message of that shape: this proves nothing.
    #[non_exhaustive]
    Inconclusive {
        /// Why.
        reason: String,
    },
    /// It can show nothing about this service: a door or something of the target is missing, or the test has
    /// [said so](super::Attacks::not_applicable).
    #[non_exhaustive]
    NotApplicable {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    pub(crate) fn accepted(subject: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), finding: None }
    }

    pub(crate) fn found(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self::Accepted { subject: subject.into(), finding: Some(finding.into()) }
    }

    /// Of the verdicts on several forms of one attack, the one that counts.
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

    /// Takes what the test has said into account, once everything was run.
    pub(crate) fn declare(&mut self, mut declared: Vec<Declared>) {
        for entry in &mut self.entries {
            if !matches!(entry.verdict, Verdict::Inconclusive { .. }) {
                continue;
            }
            let said = |said: &&mut Declared| said.name == entry.name || said.name == entry.control;
            if let Some(said) = declared.iter_mut().find(said) {
                said.holds = true;
                entry.verdict = Verdict::NotApplicable { reason: said.reason.clone() };
            }
        }
        self.declared = declared;
    }

    pub(crate) fn verdict_of(&self, name: &str) -> Option<&Verdict> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| &entry.verdict)
    }

    /// Everything that was run or left out, the controls first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The findings: attacks that were accepted, and those that took too long.
    pub fn accepted(&self) -> impl Iterator<Item = &Entry> {
        self.attacks()
            .filter(|entry| matches!(entry.verdict, Verdict::Accepted { .. } | Verdict::Slow { .. }))
    }

    /// Attacks that were refused without showing anything, since a genuine message of that shape is refused too.
    pub fn inconclusive(&self) -> impl Iterator<Item = &Entry> {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::Inconclusive { .. }))
    }

    /// Attacks that can show nothing about this service, with the reason: it does not have the endpoint that they need, or the test
    /// has said so.
    pub fn not_applicable(&self) -> impl Iterator<Item = &Entry> {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::NotApplicable { .. }))
    }

    /// The names that the test has declared to be [not applicable](super::Attacks::not_applicable) and that are not so, or
    /// are unknown.
    pub fn wrongly_declared(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().filter(|declared| !declared.holds).map(|declared| declared.name.as_str())
    }

    /// How many attacks were refused, or came to nothing but what is genuine in them.
    #[must_use]
    pub fn withstood(&self) -> usize {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::Refused | Verdict::Harmless)).count()
    }

    /// Whether no genuine message was accepted as whom it is about. Then nothing that was refused means anything.
    #[must_use]
    pub fn proves_nothing(&self) -> bool {
        !self.controls().any(|entry| entry.verdict == Verdict::Harmless)
    }

    /// For the end of a test: genuine messages were accepted, no attack was, and every one that was refused shows something.
    ///
    /// # Panics
    ///
    /// With this report, when an attack was accepted or took too long; when a genuine message was accepted as somebody
    /// else, or none was accepted; when an attack or a control is inconclusive and was not declared to be
    /// [not applicable](super::Attacks::not_applicable); or when something was declared so and is not.
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

    fn attacks(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_attack())
    }

    fn controls(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_attack())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.proves_nothing() {
            writeln!(formatter, "THIS PROVES NOTHING: no genuine message was accepted.\n")?;
        }
        section(formatter, "ACCEPTED", self.accepted())?;
        section(formatter, "Inconclusive", self.inconclusive())?;
        section(formatter, "Not applicable", self.not_applicable())?;
        section(formatter, "Controls", self.controls())?;
        for name in self.wrongly_declared() {
            writeln!(formatter, "WRONGLY DECLARED to be not applicable: {}\n", Quoted::new(name))?;
        }
        writeln!(formatter, "{:<30}{:>5}{:>11}{:>10}", "Attacks", "run", "withstood", "accepted")?;
        let mut row = |name: &dyn fmt::Display, wanted: &dyn Fn(&&Entry) -> bool| {
            let of_kind = || self.attacks().filter(wanted);
            let run =
                of_kind().filter(|entry| !matches!(entry.verdict, Verdict::NotApplicable { .. })).count();
            let withstood = of_kind()
                .filter(|entry| matches!(entry.verdict, Verdict::Refused | Verdict::Harmless))
                .count();
            let accepted = self.accepted().filter(wanted).count();
            writeln!(formatter, "{name:<30}{run:>5}{withstood:>11}{accepted:>10}")
        };
        for kind in Kind::ALL {
            if self.attacks().any(|entry| entry.kind == kind) {
                row(&kind, &|entry| entry.kind == kind)?;
            }
        }
        row(&"all", &|_| true)
    }
}

fn section<'e>(
    formatter: &mut fmt::Formatter<'_>,
    title: &str,
    entries: impl Iterator<Item = &'e Entry>,
) -> fmt::Result {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return Ok(());
    }
    writeln!(formatter, "{title}")?;
    for entry in entries {
        writeln!(formatter, "  {}: {}", entry.name, entry.description)?;
        match &entry.verdict {
            Verdict::Accepted { subject, finding: None } => {
                writeln!(formatter, "    accepted as {}", Quoted::new(subject))?;
            }
            Verdict::Accepted { subject, finding: Some(finding) } => {
                writeln!(formatter, "    accepted: {} {}", Quoted::new(subject), Quoted::new(finding))?;
            }
            Verdict::Slow { seconds } => writeln!(formatter, "    took {seconds} s")?,
            Verdict::Inconclusive { reason } | Verdict::NotApplicable { reason } => {
                writeln!(formatter, "    {reason}")?;
            }
            Verdict::Harmless => writeln!(formatter, "    accepted as what it is")?,
            Verdict::Refused => writeln!(formatter, "    refused")?,
        }
    }
    writeln!(formatter)
}
