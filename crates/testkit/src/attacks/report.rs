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
    /// It does not apply to the target and was not run.
    #[non_exhaustive]
    LeftOut {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// Of the verdicts on several forms of one attack, the one that counts.
    pub(crate) fn worse_of(self, other: Self) -> Self {
        let rank = |verdict: &Self| match verdict {
            Self::Accepted { .. } => 4,
            Self::Inconclusive { .. } => 3,
            Self::Slow { .. } => 2,
            Self::Harmless => 1,
            Self::Refused | Self::LeftOut { .. } => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

impl Entry {
    pub(crate) fn new(attack: &Attack, verdict: Verdict) -> Self {
        Self {
            name: attack.name,
            kind: attack.kind,
            description: attack.description,
            verdict,
            elapsed: Duration::ZERO,
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

    /// Attacks that were not run because the target lacks what they need.
    pub fn left_out(&self) -> impl Iterator<Item = &Entry> {
        self.attacks().filter(|entry| matches!(entry.verdict, Verdict::LeftOut { .. }))
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

    /// For the end of a test: genuine messages were accepted and no attack was.
    ///
    /// # Panics
    ///
    /// With this report, when an attack was accepted or took too long, when a genuine message was accepted as somebody
    /// else, or when none was accepted.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is an assertion, for tests")]
    pub fn assert_none_accepted(&self) {
        let confused = self.controls().any(|entry| matches!(entry.verdict, Verdict::Accepted { .. }));
        if self.proves_nothing() || confused || self.accepted().next().is_some() {
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
        section(formatter, "Left out", self.left_out())?;
        section(formatter, "Controls", self.controls())?;
        writeln!(formatter, "{:<30}{:>5}{:>11}{:>10}", "Attacks", "run", "withstood", "accepted")?;
        let mut row = |name: &dyn fmt::Display, wanted: &dyn Fn(&&Entry) -> bool| {
            let of_kind = || self.attacks().filter(wanted);
            let run = of_kind().filter(|entry| !matches!(entry.verdict, Verdict::LeftOut { .. })).count();
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
            Verdict::Accepted { subject } => writeln!(formatter, "    accepted as {}", Quoted::new(subject))?,
            Verdict::Slow { seconds } => writeln!(formatter, "    took {seconds} s")?,
            Verdict::Inconclusive { reason } | Verdict::LeftOut { reason } => {
                writeln!(formatter, "    {reason}")?;
            }
            Verdict::Harmless => writeln!(formatter, "    accepted as what it is")?,
            Verdict::Refused => writeln!(formatter, "    refused")?,
        }
    }
    writeln!(formatter)
}
